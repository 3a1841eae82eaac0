"""Answers in speech: a row of text for the whole, and a row for each segment of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from labellerr_ds import vendor
from labellerr_ds.readers.rows import AnnotationRows, Row
from labellerr_ds.readers.shapes import bad_row, is_blank
from labellerr_ds.readers.values import as_id, json_text, number

ITEM_KEYS = frozenset({"answer_id", "answer", "frames", "children", "attributes"})
_KEYS = ("text", "segments")


def speech_rows(answer: Any, usual: Row, rows: AnnotationRows) -> Iterator[tuple[Row | None, Any]]:
    """The rows of an answer, and with the first of an item the questions that were asked about it.

    Parameters
    ----------
    answer : text, object with `text` and `segments`, or a list of such
    usual : Row
        What all rows of the question share.
    """
    items = [
        (_parts(item), _item_row(item, usual, rows), item)
        for item in (answer if isinstance(answer, list) else [answer])
    ]
    shared = Counter(row.annotation_id for parts, row, _ in items for _ in parts)
    taken: Counter[str] = Counter()
    for parts, item_row, item in items:
        children = item.get("children") if _is_wrapped(item) else None
        for place, (kind, part) in enumerate(parts):
            row = msgspec.structs.replace(item_row, extra=None if place else item_row.extra)
            if (own := row.annotation_id) is not None and shared[own] > 1:
                row.annotation_id = f"{own}/{taken[own]}"
                taken[own] += 1
            if kind == "segment":
                row = _segment(row, part, rows)
            elif kind == "text":
                row.value = part if isinstance(part, str) else json_text(part)
            else:
                row = bad_row(row, part, "an answer in speech is neither text nor an object", rows)
            yield row, None if place else children
        if not parts:
            yield None, children


def _is_wrapped(item: Any) -> bool:
    return isinstance(item, dict) and "answer" in item


def _parts(item: Any) -> list[tuple[str, Any]]:
    """What of an item gets a row: ``text``, ``segment``, or ``odd`` for what is no answer in speech."""
    spoken = item["answer"] if _is_wrapped(item) else item
    if isinstance(spoken, str):
        return [] if is_blank(spoken) else [("text", spoken)]
    if spoken is None:
        return []
    segments = spoken.get("segments") if isinstance(spoken, dict) else 0
    if not (segments is None or isinstance(segments, list)):
        return [("odd", item)]
    text = spoken.get("text")
    return [*([] if is_blank(text) else [("text", text)]), *(("segment", segment) for segment in segments or [])]


def _item_row(item: Any, usual: Row, rows: AnnotationRows) -> Row:
    """What the rows of an item share."""
    row = msgspec.structs.replace(usual, type="text", extra=dict(usual.extra or {}))
    spoken = item
    if _is_wrapped(item):
        spoken = item["answer"]
        row.annotation_id = as_id(item.get("answer_id")) or usual.annotation_id
        row.attributes = item.get("attributes", msgspec.UNSET)
        rest = {key: value for key, value in item.items() if key not in ITEM_KEYS}
        rows.unknown(rest)
        row.extra.update(rest)
    if isinstance(spoken, dict):
        rest = {key: value for key, value in spoken.items() if key not in _KEYS}
        rows.unknown(rest)
        row.extra.update(rest)
    return row


def _segment(row: Row, segment: Any, rows: AnnotationRows) -> Row:
    row.type = "segment"
    if not isinstance(segment, dict):
        return bad_row(row, segment, "a segment is not an object", rows)
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
