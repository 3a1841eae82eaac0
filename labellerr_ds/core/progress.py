"""Progress of long work: a bar in notebook and terminal, or calls of the caller's own function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from tqdm.auto import tqdm

T = TypeVar("T")


class Progress(NamedTuple):
    """How far a piece of work is.

    Attributes
    ----------
    what : str
        ``"downloading"``, ``"masks"``, …
    done : int
        In `unit`.
    total : int or None
        None if it is not known.
    unit : str
        ``"B"`` for bytes, ``"s"`` for seconds of waiting, else what is counted.
    """

    what: str
    done: int
    total: int | None
    unit: str


ProgressOption = bool | Callable[[Progress], None]
"""True for a bar, shown if the work takes over a second; False for none; or a function that gets each `Progress`."""


@contextmanager
def tracked(
    total: int | None, what: str, progress: ProgressOption, unit: str = "B", *, leave: bool = True
) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances the progress by a count; any thread may call it.

    Parameters
    ----------
    total : int, optional
    what : str
    progress : bool or callable
    unit : str, default 'B'
        Bytes are shown as kB, MB, ….
    leave : bool
        Keep the bar when the work is done.
    """
    lock, done = threading.Lock(), 0
    is_bytes = unit == "B"

    def advance(count: int = 1) -> None:
        nonlocal done
        with lock:
            done += count
            bar.update(count)
            if callable(progress):
                progress(Progress(what, done, total, unit))

    with tqdm(
        total=total,
        unit=unit if is_bytes else f" {unit}",
        unit_scale=is_bytes,
        desc=what,
        disable=progress is not True,
        delay=1,
        leave=leave,
    ) as bar:
        yield advance


def tracked_items(items: Iterable[T], total: int | None, what: str, progress: ProgressOption) -> Iterator[T]:
    """Yield items, and advance the progress by one after each."""
    with tracked(total, what, progress, what) as advance:
        for item in items:
            yield item
            advance(1)


@contextmanager
def waiting(progress: ProgressOption) -> Iterator[Callable[[str, int], None]]:
    """Yield a function that shows a text and the time elapsed, and advances by some seconds."""
    waited = 0

    def show(text: str, seconds: int) -> None:
        nonlocal waited
        waited += seconds
        bar.set_description_str(text, refresh=False)
        bar.update(seconds)
        if callable(progress):
            progress(Progress(text, waited, None, "s"))

    with tqdm(total=None, bar_format="{desc} {elapsed}", disable=progress is not True, delay=1, leave=False) as bar:
        yield show
