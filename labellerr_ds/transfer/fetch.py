"""Bytes to a file that has its name only once it is whole: the one loop and the one rename for every store."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from labellerr_ds.errors import DownloadError

Advance = Callable[[int], None]


class Stream(NamedTuple):
    """Bytes on their way.

    Attributes
    ----------
    start : int
        The offset of the first: 0 where a store does not go on from where it was asked to.
    pieces : iterator of (bytes, int)
        Each with the bytes that it was on the wire.
    """

    start: int
    pieces: Iterator[tuple[bytes, int]]


class Store(Protocol):
    """Where a file comes from."""

    @property
    def what(self) -> str:
        """What is fetched, for errors."""

    @property
    def size(self) -> int | None:
        """Its bytes, where they are known."""

    @property
    def tries(self) -> int:
        """How often it is opened before it is given up."""

    def open(self, offset: int) -> Stream:
        """Its bytes from this offset on."""

    def verify(self, path: Path) -> None:
        """Raise `DamagedError` where what came is not what is there, `DownloadError` where trying again is no use."""


class BrokenStreamError(Exception):
    """A stream ended before its end; the next try goes on from there."""


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
    """
    for last in (False, True):  # what is damaged is fetched once more
        try:
            with part(final) as out:
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


@contextmanager
def part(final: Path) -> Iterator[BinaryIO]:
    """A file beside the final one, which takes its place at the end; where something fails it is gone."""
    with tempfile.NamedTemporaryFile("wb", prefix=".part-", dir=final.parent, delete=False) as out:
        try:
            yield out  # type: ignore[misc]
            out.close()
            os.replace(out.name, final)
        except BaseException:
            out.close()
            Path(out.name).unlink(missing_ok=True)
            raise


def _receive(store: Store, out: BinaryIO, advance: Advance, stop: threading.Event) -> None:
    for _ in range(store.tries):
        if stop.is_set():
            raise StoppedError
        stream = store.open(out.tell())
        if stream.start != out.tell():
            advance(stream.start - out.tell())
            out.seek(stream.start)
            out.truncate()
        try:
            for piece, count in stream.pieces:
                if stop.is_set():
                    raise StoppedError
                out.write(piece)
                advance(count)
        except BrokenStreamError:
            pass
        else:
            if store.size is None:
                return
        if store.size is not None and out.tell() >= store.size:
            return
    raise DownloadError(
        f"{store.what}: expected {store.size or 0:,} bytes, got {out.tell():,}, {store.tries} times. Try again."
    )
