"""Names of what is not finished yet: they tell what it is for, and which process of which machine has it.

What a killed process left behind is known by its name; the next one that wants the same takes it over or removes it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"\.part-([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{8})-(\d+)-[^.]*")


class Left(NamedTuple):
    """What a process left behind.

    Attributes
    ----------
    key : str
        The digest of what it was.
    path : Path
    """

    key: str
    path: Path


def prefix_of(final: Path, key: str) -> str:
    """How the name begins of what is to become `final`, and is `key`."""
    return f".part-{digest(final.name)}-{digest(key)}-{_machine()}-{os.getpid()}-"


def given_up(name: str) -> str:
    """A name as that of a process which has ended."""
    return re.sub(rf"-{os.getpid()}-", "-0-", name)


def left_behind(final: Path) -> Iterator[Left]:
    """What processes of this machine that are no more were writing to this path."""
    return left_in(final.parent, f"{digest(final.name)}-*")


def left_in(folder: Path, names: str = "*") -> Iterator[Left]:
    """What processes of this machine that are no more left in a folder, of these names."""
    for path in folder.glob(f".part-{names}"):
        name = _NAME.fullmatch(path.name)
        if name and name[3] == _machine() and not _is_alive(int(name[4])):
            yield Left(name[2], path)


def scratch(purpose: str, home: Path | None = None) -> Path:
    """A new temporary folder; those for this purpose of processes that are no longer there are removed.

    Parameters
    ----------
    purpose : str
        A word of its name.
    home : Path, optional
        The folder that it is in; that of temporary files where none is given.
    """
    place = (home or Path(tempfile.gettempdir())) / f"labellerr-{purpose}"
    for left in left_behind(place):
        shutil.rmtree(left.path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=prefix_of(place, purpose), dir=place.parent))


@contextmanager
def scratched(purpose: str, home: Path | None = None) -> Iterator[Path]:
    """A temporary folder as `scratch` makes it, removed at the end."""
    made = scratch(purpose, home)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def digest(text: str) -> str:
    """Text as a word of a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _machine() -> str:
    return digest(platform.node())[:8]


def _is_alive(process: int) -> bool:
    """Whether a process of this machine runs; where that cannot be known without harm, it is said to."""
    if process in (0, os.getpid()):
        return process != 0
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
