"""Files on their way: beside the final one under a name of their own, until they are whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from labellerr_ds.core.disk import PIECE_BYTES, disk_errors
from labellerr_ds.core.temp_names import digest, given_up, kept_alive, left_behind, new_file


@contextmanager
def part(final: Path, key: str | None = None) -> Iterator[BinaryIO]:
    """A file beside the final one, which takes its place at the end; where something fails it is gone.

    Parameters
    ----------
    final : Path
    key : str, optional
        What the bytes are. With it the file may begin with those that an earlier process got, and stands at their end;
        and it stays where a person interrupts, so that the next call goes on.

    Raises
    ------
    DiskError
    """
    with disk_errors(final):
        if key is None:
            for left in left_behind(final):
                left.path.unlink(missing_ok=True)
        name = new_file(final, key or "")
        with kept_alive(name), name.open("r+b") as out:
            try:
                if key is not None:
                    _take_over(final, key, name, out)
                yield out
                out.flush()
                os.fsync(out.fileno())
                out.close()
                os.replace(name, final)
            except BaseException as problem:
                with contextlib.suppress(OSError):  # what is still to be written
                    out.close()
                if key is not None and isinstance(problem, KeyboardInterrupt):
                    with contextlib.suppress(OSError):  # whose it is no more
                        os.replace(name, name.with_name(given_up(name.name)))
                    raise
                name.unlink(missing_ok=True)
                raise


def _take_over(final: Path, key: str, mine: Path, out: BinaryIO) -> None:
    """Begin with the most that was left behind of the same bytes; remove what nobody can go on with."""
    left = list(left_behind(final))
    taken = mine.with_name(mine.name + "+")  # renamed first, so that of two processes one has it
    best = max((each.path for each in left if each.key == digest(key)), key=_size, default=None)
    if best is not None:
        with contextlib.suppress(OSError):
            os.rename(best, taken)
            with taken.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    out.write(piece)
            taken.unlink()
    for path in left:
        path.path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
