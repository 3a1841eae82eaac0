"""`since`: one instant out of the many ways to say one."""

from __future__ import annotations

import functools
import logging
import numbers
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd

from labellerr_ds.errors import InvalidArgumentError

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BEFORE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:?\d{2}(:?\d{2}(\.\d+)?)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?")
_HINT = "Pass a datetime (best with a time zone), a date, an ISO text such as '2026-11-01', or '7d'."


def resolve_since(since: object, now: Callable[[], datetime]) -> datetime | None:
    """The instant that is meant, in UTC.

    Parameters
    ----------
    since : datetime, date, pandas.Timestamp, str, timedelta or None
        What has no time zone is this machine's local time. A timedelta, or a text such as ``"7d"``
        (s, m, h, d, w), is taken before now.
    now : callable
        The service's time, UTC. It is asked only where it matters.

    Raises
    ------
    InvalidArgumentError
        For a bare number, a time in the future, and what is no time.
    """
    if since is None:
        return None
    now = functools.cache(now)  # one look at the service's clock
    instant = _instant(since, now)
    if instant > now():
        raise InvalidArgumentError(
            f"since={since!r} is {instant.isoformat()}, in the future by the service's clock. {_HINT}"
        )
    log.info("since is %s", instant.isoformat())
    return instant


def _instant(since: object, now: Callable[[], datetime]) -> datetime:
    try:
        if isinstance(since, str):
            if before := _BEFORE.fullmatch(since.strip()):
                return now() - timedelta(**{_UNITS[before[2].lower()]: float(before[1])})
            if not _ISO.fullmatch(since.strip()):
                raise InvalidArgumentError(f"since={since!r} is no ISO time. {_HINT}")
            since = pd.Timestamp(since.strip())
        if isinstance(since, np.timedelta64):
            since = pd.Timedelta(since)
        if isinstance(since, pd.Timedelta):  # less one in seconds, pandas 2 gives a datetime unchanged
            since = since.to_pytimedelta()
        if isinstance(since, timedelta):
            return now() - since
        if isinstance(since, numbers.Number):
            raise InvalidArgumentError(f"since={since!r} is a bare number: seconds or milliseconds? {_HINT}")
        if isinstance(since, np.datetime64):
            since = pd.Timestamp(since)
        if since is pd.NaT:
            raise InvalidArgumentError(f"since is NaT, no time at all. {_HINT}")
        if isinstance(since, pd.Timestamp):
            since = since.to_pydatetime(warn=False)
        if isinstance(since, datetime):
            if since.tzinfo is None:
                local = since.astimezone()
                log.info("since=%s has no time zone: taken as local time, %s", since, local.isoformat())
                since = local
            return since.astimezone(timezone.utc)
        if isinstance(since, date):
            return _instant(datetime(since.year, since.month, since.day), now)
    except (OverflowError, ValueError) as problem:
        if isinstance(problem, InvalidArgumentError):
            raise
        raise InvalidArgumentError(f"since={since!r} is no time: {problem}. {_HINT}") from None
    raise InvalidArgumentError(f"since cannot be a {type(since).__name__}. {_HINT}")


def to_milliseconds(instant: datetime) -> int:
    """Unix milliseconds, rounded down, in whole numbers all the way.

    Examples
    --------
    >>> to_milliseconds(datetime(2024, 12, 16, 23, 0, 0, 999, tzinfo=timezone.utc))
    1734390000000
    """
    return (instant - _EPOCH) // timedelta(milliseconds=1)
