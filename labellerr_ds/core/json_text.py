"""Compact JSON text of plain values: of `extra`, `attributes`, shapes and metadata."""

from __future__ import annotations

import json
from typing import Any

import msgspec

json_bytes = msgspec.json.Encoder().encode


def json_text(value: Any) -> str:
    """Return compact JSON that keeps letters as they are; NaN and infinity become null.

    Examples
    --------
    >>> json_text({"name": "Fußgänger", "size": [1, 2.5, float("nan")]})
    '{"name":"Fußgänger","size":[1,2.5,null]}'
    """
    try:
        return json_bytes(value).decode()
    except (OverflowError, UnicodeEncodeError):  # an integer of over 64 bits; half of a surrogate pair
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
