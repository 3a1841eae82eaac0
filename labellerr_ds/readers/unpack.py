"""What lies behind a path: a file, what a ZIP or gzip holds, or a folder. Nothing is written to disk."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labellerr_ds.errors import ReadError

DEEPEST = 3
ZIP, GZIP, PNG = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b", b"\x89PNG\r\n\x1a\n"


HEAD_BYTES = 512  # what a file is recognised by


@dataclass(frozen=True)
class Member:
    """One file to read: its name within the export, its first bytes, and how to have all of them."""

    name: str
    head: bytes
    read: Callable[[], bytes]


def files_at(path: Path) -> list[tuple[str, Path]]:
    """The files of a path, each with its name within it: the file itself, or all below a folder."""
    if not path.is_dir():
        return [(path.name, path)]
    below = [(each.relative_to(path).as_posix(), each) for each in sorted(path.rglob("*")) if each.is_file()]
    return [(name, each) for name, each in below if not is_stray(name)]


def members(found: Sequence[tuple[str, Path]], opened: ExitStack) -> list[Member]:
    """All files of an export, archives opened; recognised by content, never by name.

    Raises
    ------
    ReadError
        Where an archive is damaged.
    """
    return [inner for name, path in found for inner in _opened(_of_file(path, name), opened, DEEPEST)]


def _of_file(path: Path, name: str) -> Member:
    with path.open("rb") as file:
        return Member(name, file.read(HEAD_BYTES), path.read_bytes)


def _of_bytes(name: str, body: bytes) -> Member:
    return Member(name, body[:HEAD_BYTES], lambda: body)


def is_stray(name: str) -> bool:
    """Whether a system put it there: hidden files, and what macOS adds to archives."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") for part in parts if part not in ("..", "."))


def _opened(member: Member, opened: ExitStack, depth: int) -> list[Member]:
    if not member.head.startswith((*ZIP, GZIP)):
        return [member]
    if not depth:
        raise ReadError(f"{member.name}: archives within archives, deeper than {DEEPEST}.")
    if member.head.startswith(GZIP):
        try:
            body = gzip.decompress(member.read())
        except (OSError, EOFError, zlib.error) as problem:
            raise ReadError(
                f"{member.name}: the gzip is damaged or cut short ({problem}). Download it again."
            ) from None
        return _opened(_of_bytes(member.name.removesuffix(".gz"), body), opened, depth - 1)
    try:
        archive = opened.enter_context(zipfile.ZipFile(io.BytesIO(member.read())))
    except zipfile.BadZipFile as problem:
        raise ReadError(f"{member.name}: the ZIP is damaged or cut short ({problem}). Download it again.") from None
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not is_stray(entry.filename)]
    return [inner for entry in entries for inner in _opened(_of_entry(archive, entry), opened, depth - 1)]


def _of_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    def read() -> bytes:
        try:
            return archive.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
            raise ReadError(f"{entry.filename}: damaged within the ZIP ({problem}). Download it again.") from None

    try:
        with archive.open(entry) as file:
            head = file.read(HEAD_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        head = b""
    return Member(entry.filename, head, read)
