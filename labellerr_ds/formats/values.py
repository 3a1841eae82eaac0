"""Single values as exports have them: numbers, times, ids, statuses, JSON text; None for what is not such."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import numpy as np
import pandas as pd

from labellerr_ds.core.models import status_word
from labellerr_ds.core.since import to_milliseconds
from labellerr_ds.frames import schema

INT64 = range(-(2**63), 2**63)
Int64 = Annotated[int, msgspec.Meta(ge=INT64.start, le=INT64.stop - 1)]
Moment = Annotated[int, msgspec.Meta(ge=schema.MILLISECONDS.start, lt=schema.MILLISECONDS.stop)]
"""Unix milliseconds."""

NO_STATUS = object()
"""Stands for a file whose status the export does not have; null means the files without one."""


def status_of(value: Any) -> str | None:
    """Return the schema's text for a status as exported; None for `NO_STATUS`."""
    return None if value is NO_STATUS else status_word(value)


def milliseconds(value: Any) -> int | None:
    """Unix milliseconds where a value is such (or digits, or an ISO timestamp), else None."""
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit():
            value = int(text)
        else:
            try:
                stamp = pd.Timestamp(text) if text[:4].isdigit() else pd.NaT
            except ValueError:
                return None
            if stamp is pd.NaT:
                return None
            stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
            value = to_milliseconds(stamp.to_pydatetime(warn=False))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in schema.MILLISECONDS:
        return value
    return None


def number(value: Any) -> float | None:
    """A finite number, else None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and "_" in value:  # which Python takes, and nobody writes
        return None
    try:
        converted = float(value)
    except (ValueError, OverflowError):
        return None
    return converted if np.isfinite(converted) else None


def whole(value: Any) -> int | None:
    """A whole number that fits 64 bits, else None."""
    if type(value) is int:
        return value if value in INT64 else None
    converted = number(value)
    if converted is None or not converted.is_integer() or abs(converted) >= 2**63:
        return None
    return int(value) if isinstance(value, int | str) and _is_digits(str(value)) else int(converted)


def _is_digits(text: str) -> bool:
    digits = text.strip().lstrip("-")
    return digits.isascii() and digits.isdigit()


def lookup_key(value: Any) -> Any:
    """An id to look things up by: 3, 3.0 and "3" are one."""
    converted = whole(value)
    return value if converted is None and isinstance(value, str) else converted


def as_text(value: Any) -> str | None:
    """The text of an id or a name, as it came."""
    return None if value is None else str(value)


def as_id(value: Any) -> str | None:
    """The text of an id; an empty one is none."""
    return None if value is None or value == "" else str(value)
