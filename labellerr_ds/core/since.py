"""`since`: one instant out of the many ways to say one."""

from __future__ import annotations

import logging
import numbers
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd

from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.core.hint import Hint, argument, either

log = logging.getLogger(__name__)

LATEST_MS = 2**63 // 10**6  # what a time in nanoseconds can hold: 2262
Since = datetime | date | timedelta | str | None
"""What `resolve_since` takes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BEFORE = re.compile(
    r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w|sec(?:ond)?s?|min(?:ute)?s?|hours?|days?|weeks?)(?:\s+ago)?", re.IGNORECASE
)
_DAYS = {"today": 0, "yesterday": 1}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:?\d{2}(:?\d{2}(\.\d+)?)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?")
CLOCKS_DIFFER = timedelta(days=1)  # what lies this far ahead may be due to two clocks
_NUMBER = re.compile(r"\d+(\.\d+)?")


def _times(name: str) -> Hint:
    return either(argument(name, "2026-11-01"), argument(name, "7d"), "a datetime with a time zone")


def resolve_since(since: object, now: Callable[[], datetime]) -> datetime | None:
    """The instant that is meant, in UTC.

    Parameters
    ----------
    since : datetime, date, pandas.Timestamp, str, timedelta or None
        What has no time zone is this machine's local time. A timedelta, or a text such as ``"7d"``
        (s, m, h, d, w), is taken before now.
    now : callable
        The service's time, UTC.

    Returns
    -------
    datetime or None

    Raises
    ------
    InvalidArgumentError
        For a bare number, a time before 1970 or more than a day in the future, and what is not a time.
    """
    if since is None:
        return None
    instant = instant_of(since, now)
    if instant < _EPOCH:
        raise InvalidArgumentError(
            f"since must be after 1970, got {since!r} ({instant.isoformat()}).", hint=_times("since")
        )
    ahead = instant - now()
    if ahead > CLOCKS_DIFFER:
        raise InvalidArgumentError(
            f"since must not be in the future by the service's clock, got {since!r} ({instant.isoformat()}).",
            hint=_times("since"),
        )
    if ahead > timedelta(seconds=1):  # a service reports whole seconds
        warn(f"since {since!r} is {instant.isoformat()}, in the future by the service's clock: no file can match yet.")
    log.info("since is %s", instant.isoformat())
    return instant


def instant_of(since: object, now: Callable[[], datetime], name: str = "since") -> datetime:
    """The instant that an argument of this name means, in UTC, whenever it is; as `resolve_since`."""
    try:
        if isinstance(since, str):
            if before := _BEFORE.fullmatch(since.strip()):
                return now() - timedelta(**{_UNITS[before[2][0].lower()]: float(before[1])})
            if (days := _DAYS.get(since.strip().lower())) is not None:
                midnight = now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
                return _point_in_time(midnight - timedelta(days=days), name)
            if _NUMBER.fullmatch(since.strip()):
                raise InvalidArgumentError(
                    f"{name} must be a time with a unit, got {since!r}.", hint=argument(name, f"{since.strip()}d")
                )
            if not _ISO.fullmatch(since.strip()):
                raise InvalidArgumentError(
                    f"{name} must be an ISO timestamp, or a time before now, got {since!r}.", hint=_times(name)
                )
            since = pd.Timestamp(since.strip())
        if isinstance(since, np.timedelta64):
            since = pd.Timedelta(since)
        if isinstance(since, pd.Timedelta):  # less one in seconds, pandas 2 gives a datetime unchanged
            since = since.to_pytimedelta()
        if isinstance(since, timedelta):
            return now() - since
        return _point_in_time(since, name)
    except (OverflowError, ValueError) as problem:
        if isinstance(problem, InvalidArgumentError):
            raise
        raise InvalidArgumentError(f"{name} must be a time, got {since!r}: {problem}.", hint=_times(name)) from None


def _point_in_time(since: object, name: str) -> datetime:
    if isinstance(since, numbers.Number):
        raise InvalidArgumentError(f"{name} must be a time, got the number {since!r}.", hint=_times(name))
    if isinstance(since, np.datetime64):
        since = pd.Timestamp(since)
    if since is pd.NaT:
        raise InvalidArgumentError(f"{name} must be a time, got NaT.", hint=_times(name))
    if isinstance(since, pd.Timestamp):
        since = since.to_pydatetime(warn=False)
    if isinstance(since, date) and not isinstance(since, datetime):
        since = datetime(since.year, since.month, since.day)
    if not isinstance(since, datetime):
        raise InvalidArgumentError(f"{name} must be a time, got a {type(since).__name__}.", hint=_times(name))
    if since.tzinfo is None:
        local = since.astimezone()
        log.info("%s=%s has no time zone: taken as local time, %s", name, since, local.isoformat())
        since = local
    return since.astimezone(timezone.utc)


def parse_timestamp(text: str) -> datetime | None:
    """The instant of an ISO timestamp, in UTC; what has no time zone is UTC. None for what is not one.

    Examples
    --------
    >>> parse_timestamp("2026-11-01T12:00:00Z")
    datetime.datetime(2026, 11, 1, 12, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        stamp = pd.Timestamp(text)
    except ValueError:
        return None
    if stamp is pd.NaT:
        return None
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    return datetime.fromtimestamp(stamp.timestamp(), timezone.utc)


SECONDS_BELOW = 10**11
"""A number of a time below this counts seconds: as milliseconds it would lie in the spring of 1973 at the latest."""


def read_moment(value: object) -> int | None:
    """Unix milliseconds of a time as a service may write it: a number of them or of seconds, digits, an ISO timestamp.

    Examples
    --------
    >>> [read_moment(value) for value in (1734390000000, 1734390000.5, "1734390000000", "2024-12-16T23:00:00Z", "soon")]
    [1734390000000, 1734390000500, 1734390000000, 1734390000000, None]
    """
    if isinstance(value, str):
        instant = None if _NUMBER.fullmatch(value.strip()) else parse_timestamp(value)
        if instant is not None:
            milliseconds = to_milliseconds(instant)
            return milliseconds if milliseconds < LATEST_MS else None
        value = float(value) if _NUMBER.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST_MS:
        return None
    milliseconds = int(value if value >= SECONDS_BELOW else value * 1000)
    return milliseconds if milliseconds < LATEST_MS else None


def to_milliseconds(instant: datetime) -> int:
    """Unix milliseconds, rounded down, in whole numbers all the way.

    Examples
    --------
    >>> to_milliseconds(datetime(2024, 12, 16, 23, 0, 0, 999, tzinfo=timezone.utc))
    1734390000000
    """
    return (instant - _EPOCH) // timedelta(milliseconds=1)
