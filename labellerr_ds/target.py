"""Where something is written: beside first, and at its place only once it is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labellerr_ds.errors import InvalidArgumentError


@contextmanager
def folder_at(target: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """A new folder, which takes the target's place at the end; where something fails the target is as it was.

    Parameters
    ----------
    target : path
        Its parents are made.
    overwrite : bool
        Replace a folder in which something is, wholly; else that is refused.

    Raises
    ------
    InvalidArgumentError
    """
    path = Path(target)
    refuse(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".part-", dir=path.parent))
    try:
        made.chmod(0o777 & ~_umask())
        yield made
        _swap(made, path)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


@contextmanager
def file_at(target: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """A new file, as `folder_at` does for a folder."""
    path = Path(target)
    refuse(path, overwrite=overwrite)
    handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    os.close(handle)
    try:
        os.chmod(name, 0o666 & ~_umask())
        yield Path(name)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def refuse(path: Path, *, overwrite: bool, words: str = "overwrite=True") -> None:
    """Refuse a target in which something is, unless it is to be replaced; an empty folder holds nothing."""
    is_empty = path.is_dir() and not any(path.iterdir())
    if path.exists() and not is_empty and not overwrite:
        kind = "folder" if path.is_dir() else "file"
        raise InvalidArgumentError(
            f"the {kind} {str(path)!r} exists: choose another path, or pass {words} to replace it."
        )


def _swap(made: Path, path: Path) -> None:
    """The new folder at its place; the old one stays whole until then."""
    if not path.exists():
        os.rename(made, path)
        return
    old = Path(tempfile.mkdtemp(prefix=".part-", dir=path.parent))
    os.rename(path, old / "old") if path.is_dir() else os.replace(path, old / "old")
    try:
        os.rename(made, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.rename(old / "old", path)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    """What this process takes away from the rights of a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
