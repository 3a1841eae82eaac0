"""`since`: many ways to say one instant."""

from __future__ import annotations

import logging
import time
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import labellerr_ds as lds
from labellerr_ds.core.since import read_moment, resolve_since, to_milliseconds

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
AWARE = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)


def resolved(since):
    return resolve_since(since, lambda: NOW)


@pytest.mark.parametrize(
    "since",
    [
        AWARE,
        AWARE.astimezone(timezone(timedelta(hours=5, minutes=30))),
        pd.Timestamp(AWARE),
        "2026-11-01T08:30:00Z",
        "2026-11-01 08:30+00:00",
        "2026-11-01T14:00:00.000+05:30",
    ],
)
def test_one_instant_said_in_many_ways(since):
    assert resolved(since) == AWARE


@pytest.mark.parametrize(
    "since",
    [
        "7d",
        "1w",
        "168 h",
        "7 days",
        "1 week",
        "7 Days ago",
        "168 hours",
        timedelta(days=7),
        np.timedelta64(7, "D"),
        pd.Timedelta("7D"),
    ],
)
def test_a_time_before_now_goes_by_the_services_clock(since):
    assert resolved(since) == NOW - timedelta(days=7)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
@pytest.mark.parametrize("since", [datetime(2026, 11, 1), date(2026, 11, 1), "2026-11-01", np.datetime64("2026-11-01")])
def test_what_has_no_zone_is_local_time_and_the_log_says_so(since, zone, monkeypatch, caplog):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert resolved(since).timestamp() == datetime(2026, 11, 1).timestamp()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "taken as local time" in caplog.text
    assert "since is 2026-" in caplog.text
    assert caplog.records[-1].levelno == logging.INFO


@pytest.mark.parametrize("since", [1734393600000, 1734393600, 3.5, True, np.int64(3)])
def test_a_bare_number_is_refused(since):
    with pytest.raises(lds.InvalidArgumentError, match="got the number"):
        resolved(since)


@pytest.mark.parametrize("since", [NOW + timedelta(days=1, seconds=1), "2027-01-01", timedelta(days=-2)])
def test_a_time_more_than_a_day_in_the_future_is_refused(since):
    with pytest.raises(lds.InvalidArgumentError, match="in the future by the service's clock"):
        resolved(since)


@pytest.mark.parametrize("since", [NOW + timedelta(seconds=2), timedelta(hours=-23), "2026-11-20T12:00:02Z"])
def test_a_time_that_two_clocks_may_disagree_about_is_sent_with_a_warning(since):
    with pytest.warns(lds.LabellerrWarning, match="no file can match yet"):
        assert resolved(since) > NOW


@pytest.mark.parametrize("since", ["the day before", "11/01/2026", "2026-13-01", "", pd.NaT, [], object(), "7 parsecs"])
def test_what_is_no_time_is_refused(since):
    with pytest.raises(lds.InvalidArgumentError, match="Hint: since="):
        resolved(since)


def test_none_is_none():
    assert resolved(None) is None


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1), timezones=st.just(timezone.utc)))
def test_milliseconds_are_rounded_down(instant):
    milliseconds = to_milliseconds(instant)
    back = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds)
    assert timedelta(0) <= instant - back < timedelta(milliseconds=1)


@pytest.mark.parametrize("value", [9223372036855, "9999-12-31T00:00:00Z", 99_999_999_999, 10**30, float("inf")])
def test_a_moment_that_no_frame_holds_is_missing(value):
    assert read_moment(value) is None


def test_yesterday_begins_at_midnight_of_this_machine():
    now = datetime(2026, 11, 20, 12, 30, tzinfo=timezone.utc)
    at = resolve_since("Yesterday", lambda: now).astimezone()
    assert (at.date(), at.hour, at.minute) == (now.astimezone().date() - timedelta(days=1), 0, 0)
    assert resolve_since("today", lambda: now) - resolve_since("yesterday", lambda: now) == timedelta(days=1)


def test_a_number_as_text_is_asked_for_its_unit():
    with pytest.raises(lds.InvalidArgumentError, match='since="30d"'):
        resolve_since("30", lambda: datetime.now(timezone.utc))
