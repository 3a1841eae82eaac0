"""How long to wait between two looks at something that is under way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

FIRST_INTERVAL_S, LONGEST_INTERVAL_S = 1.0, 15.0


def intervals(first: float = FIRST_INTERVAL_S) -> Iterator[float]:
    """Seconds between two looks: the first, growing by half each time up to the longest."""
    return (min(first * 1.5**step, LONGEST_INTERVAL_S) for step in itertools.count())
