"""How often something is tried again, and how long to wait in between."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

FIRST_INTERVAL_S, LONGEST_INTERVAL_S = 1.0, 15.0
LONGEST_WAIT_S = 60.0
"""Seconds that a server may ask to wait."""
REQUEST_TRIES = 4  # of a request that may be repeated
DOWNLOAD_TRIES = 8  # of a download, in a row, that bring hardly any bytes
S3_TRIES = 4  # of a request of boto3
COMMIT_TRIES = 12  # of a commit to a mirror that others write to


def intervals(first: float = FIRST_INTERVAL_S) -> Iterator[float]:
    """Seconds between two looks: the first, growing by half each time up to the longest."""
    return (min(first * 1.5**step, LONGEST_INTERVAL_S) for step in itertools.count())
