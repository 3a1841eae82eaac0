"""The files of an export: as they are, and what a ZIP or gzip of them holds."""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from labellerr_ds.disk import is_stray
from labellerr_ds.errors import ReadError
from labellerr_ds.models import Source

DEEPEST = 3
HEAD_BYTES = 512  # what a file is recognised by
IN_MEMORY_BYTES = 1 << 25  # what is larger is unpacked to a temporary file
ZIP, GZIP, PNG = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b", b"\x89PNG\r\n\x1a\n"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


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


def members(source: Source, opened: ExitStack) -> list[Member]:
    """All files of an export, archives opened; recognised by content, never by name.

    Parameters
    ----------
    source : Source
    opened : ExitStack
        Closes what stays open, and removes what was unpacked.

    Raises
    ------
    ReadError
        Where an archive is damaged.
    """
    try:
        return [inner for name, path in source.files for inner in _opened(_of_path(name, path), opened, DEEPEST)]
    except FileNotFoundError as problem:
        raise ReadError(f"{source.name}: {problem.filename} is gone.") from None


def _of_path(name: str, path: Path) -> Member:
    with path.open("rb") as file:
        return Member(name, file.read(HEAD_BYTES), lambda: path.open("rb"))


def _of_bytes(name: str, body: bytes) -> Member:
    return Member(name, body[:HEAD_BYTES], lambda: io.BytesIO(body))


def _opened(member: Member, opened: ExitStack, depth: int) -> list[Member]:
    if not member.head.startswith((*ZIP, GZIP)):
        return [member]
    if not depth:
        raise ReadError(f"{member.name}: archives nested deeper than {DEEPEST}.")
    if member.head.startswith(GZIP):
        return _opened(_ungzipped(member, opened), opened, depth - 1)
    try:
        archive = opened.enter_context(zipfile.ZipFile(opened.enter_context(member.open())))
    except zipfile.BadZipFile as problem:
        raise ReadError(f"{member.name}: the ZIP is damaged or cut short ({problem}). Download it again.") from None
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not is_stray(entry.filename)]
    return [inner for entry in entries for inner in _opened(_of_entry(archive, entry, opened), opened, depth - 1)]


def _ungzipped(member: Member, opened: ExitStack) -> Member:
    name = member.name.removesuffix(".gz")
    try:
        with member.open() as file, gzip.open(file) as stream:
            start = stream.read(IN_MEMORY_BYTES)
            if len(start) < IN_MEMORY_BYTES:
                return _of_bytes(name, start)
            return _of_path(name, _unpacked(io.BytesIO(start), cast(BinaryIO, stream), opened))
    except (OSError, EOFError, zlib.error) as problem:
        raise ReadError(f"{member.name}: the gzip is damaged or cut short ({problem}). Download it again.") from None


def _unpacked(start: BinaryIO, rest: BinaryIO, opened: ExitStack) -> Path:
    folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="labellerr-unpacked-"))
    path = Path(folder) / "member"
    with path.open("wb") as out:
        for stream in (start, rest):
            shutil.copyfileobj(stream, out, 1 << 20)
    return path


def _of_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, opened: ExitStack) -> Member:
    unpacked: list[Path] = []

    def open_entry() -> BinaryIO:
        with _damage_named(entry.filename):
            if entry.file_size < IN_MEMORY_BYTES:
                return io.BytesIO(archive.read(entry))
            if not unpacked:
                with archive.open(entry) as stream:
                    unpacked.append(_unpacked(io.BytesIO(), cast(BinaryIO, stream), opened))
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
        raise ReadError(f"{name}: damaged within the ZIP ({problem}). Download it again.") from None
