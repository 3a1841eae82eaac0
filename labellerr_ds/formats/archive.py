"""The files of an export: as they are, and what a ZIP or gzip of them holds."""

from __future__ import annotations

import gzip
import io
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast

from labellerr_ds.core.disk import PIECE_BYTES, check_room, disk_errors, is_stray
from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.hint import DOWNLOAD_AGAIN
from labellerr_ds.core.limits import Budget, Limits, exceeded
from labellerr_ds.core.models import Source
from labellerr_ds.core.temp_names import scratched

HEAD_BYTES = 512  # what a file is recognised by
IN_MEMORY_BYTES = 1 << 25  # what is larger is unpacked to a temporary file
ZIP, GZIP, PNG = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b", b"\x89PNG\r\n\x1a\n"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_LOCAL_HEADER_BYTES = 30  # before the name, by PKWARE's APPNOTE 4.3.7
_UNSAFE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:|[\x00-\x1f]")


@dataclass(frozen=True)
class Member:
    """One file to read.

    Attributes
    ----------
    name : str
        Within the export.
    head : bytes
        Its first bytes.
    open : callable
        Opens it anew, seekable, at its beginning.
    """

    name: str
    head: bytes
    open: Callable[[], BinaryIO]

    def read(self) -> bytes:
        """All of its bytes."""
        with self.open() as file:
            return file.read()


def members(source: Source, opened: ExitStack, limits: Limits) -> list[Member]:
    """All files of an export, archives opened; recognised by content, never by name.

    Parameters
    ----------
    source : Source
    opened : ExitStack
        Closes what stays open, and removes what was unpacked.
    limits : Limits

    Raises
    ------
    ReadError
        Where an archive is damaged, or has names that lead out of it.
    LimitError
        Where it unpacks to more than that.
    DiskError
        Where the disk has too little room to unpack it.
    """
    budget = Budget(limits)
    try:
        return [
            inner
            for name, path in source.files
            for inner in _opened(_of_path(name, path), opened, budget, limits.nesting)
        ]
    except FileNotFoundError as problem:
        raise ReadError(f"{source.name}: {problem.filename} is gone.") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as problem:
        raise ReadError(f"{source.name}: {problem.filename} cannot be read: {problem.strerror}.") from None


def _of_path(name: str, path: Path) -> Member:
    with path.open("rb") as file:
        return Member(name, file.read(HEAD_BYTES), lambda: path.open("rb"))


def _of_bytes(name: str, body: bytes) -> Member:
    return Member(name, body[:HEAD_BYTES], lambda: io.BytesIO(body))


def _opened(member: Member, opened: ExitStack, budget: Budget, depth: int) -> list[Member]:
    if not member.head.startswith((*ZIP, GZIP)):
        return [member]
    if not depth:
        raise exceeded(member.name, "archives in archives", "nesting", budget.limits.nesting)
    if member.head.startswith(GZIP):
        return _opened(_ungzipped(member, opened, budget), opened, budget, depth - 1)
    try:
        archive = opened.enter_context(zipfile.ZipFile(opened.enter_context(member.open())))
    except _DAMAGE as problem:
        raise ReadError(f"{member.name}: the ZIP is damaged or cut short ({problem}).", hint=DOWNLOAD_AGAIN) from None
    _check(member.name, archive, budget)
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not is_stray(entry.filename)]
    lock = Lock()
    return [
        inner
        for entry in entries
        for inner in _opened(_of_entry(archive, lock, entry, opened), opened, budget, depth - 1)
    ]


def _check(name: str, archive: zipfile.ZipFile, budget: Budget) -> None:
    """Refuse an archive that no tool writes: names that lead out of it, links, one file twice, bytes shared by two."""
    entries = archive.infolist()
    budget.take_entries(name, len(entries))
    unsafe = [each.orig_filename for each in entries if _UNSAFE.search(each.orig_filename) or _is_link(each)]
    twice = [filename for filename, count in Counter(each.filename for each in entries).items() if count > 1]
    for words, filenames in (("names that lead out of it, or links", unsafe), ("files that are there twice", twice)):
        if filenames:
            listed = ", ".join(map(repr, filenames[:3]))
            raise ReadError(f"{name}: the ZIP has {words} ({len(filenames):,}: {listed}). No export has that.")
    end = 0
    for member in sorted(entries, key=lambda entry: entry.header_offset):
        if member.header_offset < end:
            raise ReadError(f"{name}: {member.filename!r} in the ZIP lies over another file of it. No export has that.")
        end = member.header_offset + _LOCAL_HEADER_BYTES + len(member.filename.encode()) + member.compress_size
        # no more than what is declared is ever read of an entry
        budget.take_bytes(member.filename, member.file_size, member.compress_size, member.file_size)


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return entry.create_system == 3 and stat.S_ISLNK(entry.external_attr >> 16)


def _ungzipped(member: Member, opened: ExitStack, budget: Budget) -> Member:
    name = member.name.removesuffix(".gz")
    try:
        with member.open() as file, gzip.open(file) as stream:
            counted = _counted(cast(BinaryIO, stream), file, name, budget)
            start = b""
            for piece in counted:
                start += piece
                if len(start) >= IN_MEMORY_BYTES:
                    return _of_path(name, _unpacked(chain([start], counted), opened))
            return _of_bytes(name, start)
    except (OSError, EOFError, zlib.error) as problem:
        raise ReadError(f"{member.name}: the gzip is damaged or cut short ({problem}).", hint=DOWNLOAD_AGAIN) from None


def _counted(stream: BinaryIO, packed: BinaryIO, name: str, budget: Budget) -> Iterator[bytes]:
    """The pieces of a stream, each taken from the budget before it is handed on."""
    count = 0
    while piece := stream.read(PIECE_BYTES):
        count += len(piece)
        budget.take_bytes(name, len(piece), packed.tell(), count)
        yield piece


def _unpacked(pieces: Iterable[bytes], opened: ExitStack, size: int = 0) -> Path:
    folder = opened.enter_context(scratched("unpacked"))
    check_room(folder, max(size, 1))
    path = folder / "member"
    with disk_errors(path), path.open("wb") as out:
        for piece in pieces:
            out.write(piece)
    return path


def _of_entry(archive: zipfile.ZipFile, lock: Lock, entry: zipfile.ZipInfo, opened: ExitStack) -> Member:
    unpacked: list[Path] = []

    def open_entry() -> BinaryIO:
        with _damage_named(entry.filename):
            if entry.file_size < IN_MEMORY_BYTES:
                return io.BytesIO(archive.read(entry))
            with lock:
                if not unpacked:
                    with archive.open(entry) as stream:
                        pieces = iter(lambda: stream.read(PIECE_BYTES), b"")
                        unpacked.append(_unpacked(pieces, opened, entry.file_size))
        return unpacked[0].open("rb")

    try:
        with archive.open(entry) as file:
            head = file.read(HEAD_BYTES)
    except _DAMAGE:
        head = b""
    return Member(entry.filename, head, open_entry)


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as problem:
        raise ReadError(f"{name}: damaged within the ZIP ({problem}).", hint=DOWNLOAD_AGAIN) from None
