"""Temporary files and folders beside a target: one naming scheme, and what is known of those that were left behind.

A name has digests of the target and of the content, the machine, the process and its start time. A living process
touches its entries every `TOUCH_S` seconds, so that other machines know it. What a process that has ended left is
taken over or removed by the next one that writes the same target.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"\.part-([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{8})-(\d+)-([0-9a-z]*)-[^.]*")
TOUCH_S = 30.0
SILENT_S = 600.0
"""Seconds without a touch, by the clock of the file system, after which an entry of another machine was left behind."""


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
    return f".part-{digest(final.name)}-{digest(key)}-{_machine()}-{os.getpid()}-{_started(os.getpid())}-"


def new_file(final: Path, key: str) -> Path:
    """Create an empty file beside a target, with the mode that the umask gives."""
    return _created(final, key, lambda path: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)))


def new_folder(final: Path, key: str) -> Path:
    """Create a folder beside a target, with the mode that the umask gives."""
    return _created(final, key, lambda path: os.mkdir(path, 0o777))


def _created(final: Path, key: str, create: Callable[[Path], None]) -> Path:
    while True:
        path = final.parent / f"{prefix_of(final, key)}{secrets.token_hex(4)}"
        try:
            create(path)
        except FileExistsError:
            continue
        return path


def given_up(name: str) -> str:
    """A name as that of a process which has ended."""
    return name.replace(f"-{os.getpid()}-{_started(os.getpid())}-", "-0--")


@contextmanager
def kept_alive(path: Path) -> Iterator[None]:
    """Touch a file or folder every `TOUCH_S` seconds."""
    ended = threading.Event()

    def touch() -> None:
        while not ended.is_set():
            ended.wait(TOUCH_S)
            with suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=touch, daemon=True, name="labellerr-touch")
    thread.start()
    try:
        yield
    finally:
        ended.set()


def left_behind(final: Path) -> Iterator[Left]:
    """Yield what processes that have ended were writing to this path."""
    return left_in(final.parent, f"{digest(final.name)}-*")


def left_in(folder: Path, names: str = "*") -> Iterator[Left]:
    """Yield what processes that have ended left in a folder, of these names."""
    for path in folder.glob(f".part-{names}"):
        name = _NAME.fullmatch(path.name)
        if not name:
            continue
        is_here = name[3] == _machine()
        if not _is_alive(int(name[4]), name[5]) if is_here else _is_silent(path):
            yield Left(name[2], path)


def _is_silent(path: Path) -> bool:
    """Return True if nothing touched an entry of another machine for `SILENT_S`, by the file system's clock."""
    try:
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            return os.fstat(probe.fileno()).st_mtime - path.stat().st_mtime > SILENT_S
    except OSError:
        return False


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
        with kept_alive(made):
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def digest(text: str) -> str:
    """Text as a word of a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _machine() -> str:
    return digest(platform.node())[:8]


def _started(process: int) -> str:
    """Return when a process of this machine started, in the kernel's ticks; empty if that is not known here."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]  # field 22 of proc(5); the name before it may hold anything


def _is_alive(process: int, started: str) -> bool:
    """Return True if the process that wrote a name runs; also if that cannot be known without harm."""
    if process in (0, os.getpid()):
        return process != 0
    if started and _started(process) not in ("", started):
        return False  # the number is another process's now
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
