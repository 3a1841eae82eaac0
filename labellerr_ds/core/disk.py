"""The disk: names on it, room on it, and what says that it failed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from labellerr_ds.core.errors import DiskError, InvalidArgumentError

PIECE_BYTES = 1 << 20  # of a file or stream that is read piece by piece
LEAST_BYTES = 1 << 16  # of which nothing can be done with less
_FAILURES = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "EACCES", "EPERM", "ENOTDIR", "ENAMETOOLONG", "EMFILE")
    if hasattr(errno, name)
)


def local_name(served: str) -> str:
    """A name for this machine's disk out of the one in the link."""
    name = re.sub(r"[^\w.\- ]", "_", unquote(served)).lstrip(".")[-120:]
    return name or "export"


_STRAYS = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})


def is_stray(name: str) -> bool:
    """Whether a system put a file there: hidden files, Windows' own, and what macOS adds to archives."""
    parts = PurePosixPath(name).parts
    return (
        "__MACOSX" in parts
        or bool(parts and parts[-1].lower() in _STRAYS)
        or any(part.startswith(".") for part in parts if part not in ("..", "."))
    )


def check_room(folder: str | Path, needed: int = LEAST_BYTES) -> None:
    """Raise where nothing can be written into a folder, or where it has less room than is needed.

    Parameters
    ----------
    folder : path
        The nearest one of its parents that is there is looked at.
    needed : int
        Bytes.

    Raises
    ------
    DiskError
    """
    at = Path(folder).absolute()
    while not at.exists() and at != at.parent:
        at = at.parent
    with disk_errors(Path(folder), needed), tempfile.TemporaryFile(dir=at) as probe:
        probe.write(b"\0" * min(needed, LEAST_BYTES))
    free = shutil.disk_usage(at).free
    if free < needed:
        raise DiskError(
            f"{str(folder)!r}: {needed:,} bytes are needed, {free:,} are free.",
            needed=needed,
            free=free,
            hint="free some room, or choose another folder (temporary files are in TMPDIR)",
        )


def new_folder(path: str | Path) -> Path:
    """A folder that is there, made with its parents where it is not.

    Raises
    ------
    InvalidArgumentError
        Where a file has its place.
    DiskError
    """
    folder = Path(path)
    with disk_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            taken = next((at for at in (folder, *folder.parents) if at.exists() and not at.is_dir()), folder)
            raise InvalidArgumentError(f"{str(taken)!r} is a file; a folder is needed.") from None
    return folder


@contextmanager
def disk_errors(path: Path, needed: int | None = None) -> Iterator[None]:
    """What the disk raises within, as a `DiskError` that says what is free.

    Parameters
    ----------
    path : Path
        What is written.
    needed : int, optional
        Bytes, where that is known.
    """
    try:
        yield
    except OSError as problem:
        if problem.errno not in _FAILURES:
            raise
        free = None
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(next(each for each in (path, *path.absolute().parents) if each.exists())).free
        need = "" if needed is None else f"; {needed:,} bytes are needed"
        have = "" if free is None else f", {free:,} bytes are free there"
        other = problem.filename if problem.filename and not str(problem.filename).startswith(str(path)) else None
        where = f" ({str(other)!r})" if other else ""
        raise DiskError(
            f"cannot write {str(path)!r}: {os.strerror(problem.errno or 0)}{where}{need}{have}.",
            needed=needed,
            free=free,
            hint="free some room, or choose another folder",
        ) from None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
