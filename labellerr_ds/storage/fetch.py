"""Bytes to a file that has its name only once it is whole: the one loop and the one rename for every store.

A stream that breaks off goes on where it broke, as often as it must, while something comes; where nothing does it is
given up after some tries.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from labellerr_ds.core.backoff import DOWNLOAD_TRIES, LONGEST_WAIT_S, intervals
from labellerr_ds.core.disk import check_room
from labellerr_ds.core.errors import DownloadError
from labellerr_ds.storage.partial_files import part

Advance = Callable[[int], None]
LITTLE_BYTES = 10_000
SLOW_BYTES, SLOW_S = 30_000, 30.0
"""Slower than so many bytes in so many seconds is as good as broken."""


class Stream(NamedTuple):
    """Bytes on their way.

    Attributes
    ----------
    start : int
        The offset of the first: 0 where a store does not go on from where it was asked to.
    pieces : generator of (bytes, int)
        Each with the bytes that it was on the wire; closing it hangs up.
    """

    start: int
    pieces: Generator[tuple[bytes, int], None, None]


class Store(Protocol):
    """Where a file comes from."""

    @property
    def what(self) -> str:
        """What is fetched, for errors."""

    @property
    def size(self) -> int | None:
        """Its bytes, where they are known."""

    @property
    def key(self) -> str | None:
        """What the bytes are, where another process may go on with them."""

    def open(self, offset: int) -> Stream:
        """Its bytes from this offset on; `BrokenStreamError` where another try may help."""

    def verify(self, path: Path) -> None:
        """Raise `DamagedError` where what came is not what is there, `DownloadError` where trying again cannot help."""


class BrokenStreamError(Exception):
    """A stream ended before its end, or did not begin; the next try goes on from there.

    Parameters
    ----------
    reason : str
        For the error, where it is given up.
    wait_s : float, optional
        What the store asks for before the next try.
    """

    def __init__(self, reason: str = "it broke off", wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.wait_s = reason, wait_s


class DamagedError(Exception):
    """What came does not have the checksum that the store has for it."""


class StoppedError(Exception):
    """Nobody wants the file any more."""


def fetch(store: Store, final: Path, *, advance: Advance, stop: threading.Event | None = None) -> None:
    """Get a file from a store; it has its name only once it is whole and verified.

    Parameters
    ----------
    store : Store
    final : Path
        In a folder that is there.
    advance : callable
        Called with the bytes of each piece.
    stop : Event, optional
        Ends it with `StoppedError` as soon as it is set.

    Raises
    ------
    DownloadError
        Where it could not be had whole; nothing stays behind.
    DiskError
        Where the disk has too little room.
    """
    for last in (False, True):  # what is damaged is fetched once more
        try:
            with part(final, store.key if not last else None) as out:
                advance(out.tell())
                if store.key is not None and store.size is not None:  # several at a time are counted before
                    check_room(final.parent, store.size - out.tell())
                try:
                    _receive(store, out, advance, stop or threading.Event())
                    out.flush()
                    store.verify(Path(out.name))
                except DamagedError:
                    advance(-out.tell())
                    raise
            return
        except DamagedError:
            if last:
                raise DownloadError(
                    f"{store.what}: checksum mismatch, twice: it is damaged at the store, or on the way."
                ) from None


def _receive(store: Store, out: BinaryIO, advance: Advance, stop: threading.Event) -> None:
    barren, waits = 0, intervals(0.25)
    while True:
        before, reason, wait_s = out.tell(), f"expected {store.size or 0:,} bytes, got fewer", None
        try:
            if stop.is_set():
                raise StoppedError
            stream = store.open(before)
            with closing(stream.pieces) as pieces:
                if stream.start != before:
                    advance(stream.start - before)
                    out.seek(stream.start)
                    out.truncate()
                window_at, window_bytes = time.monotonic(), 0
                for piece, count in pieces:
                    if stop.is_set():
                        raise StoppedError
                    out.write(piece)
                    advance(count)
                    window_bytes += count
                    if (now := time.monotonic()) - window_at >= SLOW_S:
                        if window_bytes < SLOW_BYTES:
                            raise BrokenStreamError(f"only {window_bytes:,} bytes came in {SLOW_S:.0f} s")
                        window_at, window_bytes = now, 0
            if store.size is None or out.tell() >= store.size:
                return
        except BrokenStreamError as problem:
            reason, wait_s = problem.reason, problem.wait_s
        if out.tell() > before + LITTLE_BYTES:
            barren, waits = 0, intervals(0.25)
        else:
            barren += 1
        if barren >= DOWNLOAD_TRIES:
            of = "" if store.size is None else f" of {store.size:,}"
            raise DownloadError(
                f"{store.what}: {reason}, at {out.tell():,}{of} bytes, {barren} times in a row.", hint="try again"
            )
        own = next(waits)
        if stop.wait(min(LONGEST_WAIT_S, own if wait_s is None else max(wait_s, own))):
            raise StoppedError
