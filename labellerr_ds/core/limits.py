"""How much of a file that nobody knows is unpacked and read."""

from __future__ import annotations

from dataclasses import dataclass

from labellerr_ds.core.errors import InvalidArgumentError, LimitError
from labellerr_ds.core.hint import call

FREE_BYTES = 1 << 28  # what an archive may unpack to whatever its ratio


@dataclass(frozen=True)
class Limits:
    """How much of a file that nobody knows is unpacked and read; more than any export has.

    Parameters
    ----------
    total_bytes : int
        Of all that archives hold, unpacked.
    ratio : float
        How many times larger than the archive what is in it may be, from 256 MiB on. Text of labels is packed ten to
        fifty times; a thousand times is what DEFLATE can do.
    entries : int
        Files in all archives together.
    nesting : int
        Archives in archives.
    pixels : int
        Of a mask.

    Examples
    --------
    >>> from labellerr_ds import Limits
    >>> Limits(pixels=10**9).pixels
    1000000000
    """

    total_bytes: int = 200 * 10**9
    ratio: float = 250.0
    entries: int = 2_000_000
    nesting: int = 3
    pixels: int = 1 << 28

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise InvalidArgumentError(f"{name} of Limits must be a positive number, got {value!r}.")


class Budget:
    """What is left of the limits, of one export."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._bytes = self._entries = 0

    def take_entries(self, name: str, count: int) -> None:
        """Count the files of an archive."""
        self._entries += count
        if self._entries > self.limits.entries:
            raise exceeded(name, f"{self._entries:,} files are in it", "entries", self.limits.entries)

    def take_bytes(self, name: str, count: int, packed: int, of: int) -> None:
        """Count more bytes of what is unpacked out of `packed` ones, `of` so many until now."""
        self._bytes += count
        if self._bytes > self.limits.total_bytes:
            raise exceeded(name, f"{self._bytes:,} bytes unpacked", "total_bytes", self.limits.total_bytes)
        if of > FREE_BYTES and of > self.limits.ratio * packed:
            words = f"{packed:,} bytes unpack to {of:,} and more, {of // max(packed, 1):,} times as many"
            raise exceeded(name, words, "ratio", self.limits.ratio)


def exceeded(name: str, words: str, limit: str, value: float) -> LimitError:
    """The error that names the limit."""
    return LimitError(
        f"{name}: {words}; the limit is {value:,}.",
        hint=call(f"limits=lds.Limits({limit}=…), if the file can be trusted"),
    )
