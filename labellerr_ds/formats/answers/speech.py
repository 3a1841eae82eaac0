"""Answers in speech: a row of text for the whole, and a row for each segment of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from labellerr_ds.core import vendor
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.answers.rows import AnnotationRows, Found, Row
from labellerr_ds.formats.answers.shapes import SPEECH_KEYS, is_blank
from labellerr_ds.formats.values import as_id, number

ITEM_KEYS = frozenset({"answer_id", "answer", "frames", "children", "attributes"})


def read_speech(answer: Any, usual: Row, rows: AnnotationRows) -> Iterator[Found]:
    """Yield the rows of an answer, each with the questions that were asked about it, and what was not understood.

    Parameters
    ----------
    answer : text, object with `text` and `segments`, or a list of such
    usual : Row
        The values that all rows of the question share.
    rows : AnnotationRows
    """
    items = [
        (_parts(item), _item_row(item, usual), item) for item in (answer if isinstance(answer, list) else [answer])
    ]
    shared = Counter(row.annotation_id for parts, row, _ in items for kind, _ in parts if kind != "odd")
    taken: Counter[str] = Counter()
    for parts, item_row, item in items:
        children = item.get("children") if _is_wrapped(item) else None
        is_first = True
        for kind, part in parts:
            if kind == "odd":
                yield Found(None, None, part)
                continue
            if is_first:
                _report_rest(item, rows)
            row = msgspec.structs.replace(item_row, extra=item_row.extra if is_first else None)
            if (own := row.annotation_id) is not None and shared[own] > 1:
                row.annotation_id = f"{own}/{taken[own]}"
                taken[own] += 1
            if kind == "segment":
                row = _segment(row, part, rows)
            else:
                row.value = part if isinstance(part, str) else json_text(part)
            yield Found(row, children if is_first else None)
            is_first = False
        if is_first and children:
            yield Found(None, children)


def _report_rest(item: Any, rows: AnnotationRows) -> None:
    """Count the keys that are not known: any of them may hold what was spoken."""
    rest = {key: value for key, value in _rest_of(item).items() if not is_blank(value)}
    rows.unknown(rest)
    for key in rest:
        rows.suspect(key, f"the unknown key {key!r} of an answer may hold a part of it")


def _is_wrapped(item: Any) -> bool:
    return isinstance(item, dict) and "answer" in item


def _parts(item: Any) -> list[tuple[str, Any]]:
    """Return the parts of an item that get a row, ``text`` and ``segment``, and ``odd`` ones that are neither."""
    spoken = item["answer"] if _is_wrapped(item) else item
    if is_blank(spoken):
        return [("odd", item)] if _has_more(item) else []
    if isinstance(spoken, str):
        return [("text", spoken)]
    if not isinstance(spoken, dict) or not _has_segments(spoken):
        return [("odd", item)]
    segments = [segment for segment in spoken.get("segments") or [] if not is_blank(segment)]
    text = spoken.get("text")
    parts = [] if is_blank(text) else [("text", text)]
    parts += [("segment" if _is_segment(segment) else "odd", segment) for segment in segments]
    is_understood = parts or not _has_more(item)
    return parts if is_understood else [("odd", item)]


def _has_more(item: Any) -> bool:
    """Return True if an item without anything spoken has attributes, or values under keys that are not known."""
    if not isinstance(item, dict):
        return False
    values = [*_rest_of(item).values(), item.get("attributes") if _is_wrapped(item) else None]
    return not all(map(is_blank, values))


def _has_segments(spoken: dict[str, Any]) -> bool:
    """Return True if segments are absent, or a list."""
    return spoken.get("segments") is None or isinstance(spoken["segments"], list)


def _is_segment(segment: Any) -> bool:
    """Return True for an object with a text, or with times and no unknown keys."""
    if not isinstance(segment, dict):
        return False
    start, end, text = vendor.SEGMENT_KEYS
    unknown = segment.keys() - {*vendor.SEGMENT_KEYS, "attributes"}
    return segment.get(text) is not None or (not unknown and not (segment.get(start) is segment.get(end) is None))


def _rest_of(item: Any) -> dict[str, Any]:
    """Return the values of an item under keys that are not known."""
    rest: dict[str, Any] = {}
    spoken = item
    if _is_wrapped(item):
        spoken = item["answer"]
        known = (ITEM_KEYS - {"frames"}) | vendor.SCREEN_KEYS
        rest = {key: value for key, value in item.items() if key not in known}
    if isinstance(spoken, dict):
        rest.update({key: value for key, value in spoken.items() if key not in SPEECH_KEYS})
    return rest


def _item_row(item: Any, usual: Row) -> Row:
    """Return the values that the rows of an item share."""
    row = msgspec.structs.replace(usual, type="text", extra={**(usual.extra or {}), **_rest_of(item)})
    if _is_wrapped(item):
        row.annotation_id = as_id(item.get("answer_id")) or usual.annotation_id
        row.attributes = item.get("attributes", msgspec.UNSET)
    return row


def _segment(row: Row, segment: Any, rows: AnnotationRows) -> Row:
    row.type = "segment"
    start, end, text = (segment.get(key) for key in vendor.SEGMENT_KEYS)
    rest = {key: value for key, value in segment.items() if key not in (*vendor.SEGMENT_KEYS, "attributes")}
    rows.unknown(rest)
    row.attributes = segment.get("attributes", row.attributes)
    row.time, row.end_time = number(start), number(end)
    if (start is not None and row.time is None) or (end is not None and row.end_time is None):
        rows.report("not_a_number", f"a segment of file {rows.file_id} has a start or end that is not a number.")
        rest["answer"] = segment
    row.value = None if text is None else text if isinstance(text, str) else json_text(text)
    row.extra = {**(row.extra or {}), **rest}
    return row
