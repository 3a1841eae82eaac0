"""Where something is written: beside first, and at its place only once it is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labellerr_ds.core.disk import check_room, disk_errors
from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.hint import argument
from labellerr_ds.core.temp_names import digest, kept_alive, left_behind, new_file, new_folder

NEW, OLD = "new", "old"  # what lies beside a target
SYNCED = 100  # files of a folder, of which each is known to be on the disk before they get their name


@contextmanager
def folder_at(target: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """A new folder, which takes the target's place at the end; where something fails the target is as it was.

    A process that is killed leaves the target as it was, or, between two renames, nothing at its place and the old one
    beside it: the next that writes there puts it back. Of a power failure the same holds for folders of few files.

    Parameters
    ----------
    target : path
        Its parents are made.
    overwrite : bool
        Replace a folder in which something is, wholly; else that is refused.

    Raises
    ------
    InvalidArgumentError, DiskError
    """
    path = Path(target)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        refuse(path, overwrite=overwrite)
        made = new_folder(path, NEW)
        try:
            with kept_alive(made):
                yield made
            _sync(made)
            _swap(made, path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


@contextmanager
def file_at(target: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """A new file, as `folder_at` does for a folder."""
    path = Path(target)
    with disk_errors(path):
        _sweep(path)
        refuse(path, overwrite=overwrite)
        made = new_file(path, NEW)
        try:
            with kept_alive(made):
                yield made
            _sync(made)
            os.replace(made, path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


def refuse(path: Path, *, overwrite: bool) -> None:
    """Refuse a target in which something is, unless it is to be replaced, and one that cannot be written to.

    An empty folder holds nothing.
    """
    is_empty = path.is_dir() and not any(path.iterdir())
    if path.exists() and not is_empty and not overwrite:
        kind = "folder" if path.is_dir() else "file"
        raise InvalidArgumentError(f"the {kind} {str(path)!r} exists already.", hint=argument("overwrite", True))
    check_room(path.parent)


def restore(path: Path) -> None:
    """Put back what a process that was killed between two renames had moved aside."""
    for left in left_behind(path):
        if left.key == digest(OLD) and not path.exists() and (left.path / OLD).exists():
            with contextlib.suppress(OSError):
                os.rename(left.path / OLD, path)


def _sweep(path: Path) -> None:
    """Put back what a killed process had moved aside, and remove what it had begun."""
    restore(path)
    for left in left_behind(path):
        if left.path.is_dir():
            shutil.rmtree(left.path, ignore_errors=True)
        else:
            left.path.unlink(missing_ok=True)


def _sync(made: Path) -> None:
    """Bring what was written to the disk itself."""
    files = [made] if made.is_file() else [each for each in made.rglob("*") if each.is_file()]
    if len(files) > SYNCED:
        return
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _swap(made: Path, path: Path) -> None:
    """The new folder at its place; the old one stays whole until then."""
    if not path.exists():
        os.rename(made, path)
        return
    old = new_folder(path, OLD)
    os.rename(path, old / OLD) if path.is_dir() else os.replace(path, old / OLD)
    try:
        os.rename(made, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.rename(old / OLD, path)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
