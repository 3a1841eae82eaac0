"""Names of what is not finished yet: they tell what it is for, and which process of which machine has it.

What a killed process left behind is known by its name; the next one that wants the same takes it over or removes it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterator
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
