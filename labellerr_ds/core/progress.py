"""How far a transfer is: a bar in notebook and terminal, or a function of the caller's that is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm

Progress = bool | Callable[[int, int | None], None]
"""A bar, none, or what is called with the bytes so far and the bytes in all, where those are known."""


@contextmanager
def counting(total: int | None, what: str, progress: Progress) -> Iterator[Callable[[int], None]]:
    """Gives what is to be called with the bytes of each piece, from any thread.

    Parameters
    ----------
    total : int, optional
        Bytes.
    what : str
        Stands before the bar, which comes only where it takes over a second.
    progress : bool or callable
    """
    lock, done = threading.Lock(), 0

    def advance(count: int) -> None:
        nonlocal done
        with lock:
            done += count
            bar.update(count)
            if callable(progress):
                progress(done, total)

    with tqdm(total=total, unit="B", unit_scale=True, desc=what, disable=progress is not True, delay=1) as bar:
        yield advance
