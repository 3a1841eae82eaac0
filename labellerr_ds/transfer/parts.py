"""Files on their way: beside the final one under a name of their own, until they are whole.

The name holds a key of what is fetched, and the process that fetches it: what a process left behind that was killed is
taken over by the next one that fetches the same, and what nobody can go on with is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NAME = re.compile(r"\.part-([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{8})-(\d+)-[^.]*")


@contextmanager
def part(final: Path, key: str | None = None) -> Iterator[BinaryIO]:
    """A file beside the final one, which takes its place at the end; where something fails it is gone.

    Parameters
    ----------
    final : Path
    key : str, optional
        What the bytes are. With it the file may begin with those that an earlier process got, and stands at their end;
        and it stays where a person interrupts, so that the next call goes on.
    """
    prefix = ".part-" if key is None else f".part-{_digest(final.name)}-{_digest(key)}-{_machine()}-{os.getpid()}-"
    handle, name = tempfile.mkstemp(prefix=prefix, dir=final.parent)
    os.close(handle)
    with open(name, "r+b") as out:
        try:
            if key is not None:
                _take_over(final, key, Path(name), out)
            yield out
            out.close()
            os.replace(name, final)
        except BaseException as problem:
            out.close()
            if key is not None and isinstance(problem, KeyboardInterrupt):
                with contextlib.suppress(OSError):  # whose it is no more
                    os.replace(name, re.sub(rf"-{os.getpid()}-", "-0-", name))
                raise
            Path(name).unlink(missing_ok=True)
            raise


def _take_over(final: Path, key: str, mine: Path, out: BinaryIO) -> None:
    """Begin with the most that was left behind of the same bytes; remove what nobody can go on with."""
    left = []
    for path in final.parent.glob(f".part-{_digest(final.name)}-*"):
        found = _NAME.fullmatch(path.name)
        if found and path != mine and found[3] == _machine() and not _is_alive(int(found[4])):
            left.append((found[2] == _digest(key), path))
    taken = mine.with_name(mine.name + "+")  # renamed first, so that of two processes one has it
    best = max((path for same, path in left if same), key=_size, default=None)
    if best is not None:
        with contextlib.suppress(OSError):
            os.rename(best, taken)
            with taken.open("rb") as file:
                while piece := file.read(1 << 20):
                    out.write(piece)
            taken.unlink()
    for _, path in left:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _machine() -> str:
    return _digest(platform.node())[:8]


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
