"""Answers in speech: a row of text for the whole, and a row for each segment of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labellerr_ds import vendor
from labellerr_ds.readers.rows import AnnotationRows, Row
from labellerr_ds.readers.shapes import bad_row, is_blank
from labellerr_ds.readers.values import as_id, json_text, number

ITEM_KEYS = frozenset({"answer_id", "answer", "frames", "children", "attributes"})
_KEYS = ("text", "segments")


def speech_rows(answer: Any, usual: Row, rows: AnnotationRows) -> Iterator[Row]:
    """The rows of an answer.

    Parameters
    ----------
    answer : text, object with `text` and `segments`, or a list of such
    usual : Row
        What all rows of the question share.
    """
    answer_id = usual.annotation_id
    for item in answer if isinstance(answer, list) else [answer]:
        extra, came = dict(usual.extra or {}), item
        if isinstance(item, dict) and "answer" in item:
            came, answer_id = item["answer"], as_id(item.get("answer_id")) or answer_id
            rest = {key: value for key, value in item.items() if key not in ITEM_KEYS}
            rows.unknown(rest)
            extra.update(rest)
        if isinstance(came, str):
            came = {"text": came}
        segments = came.get("segments") if isinstance(came, dict) else None
        if not isinstance(came, dict) or not (segments is None or isinstance(segments, list)):
            row = Row(usual.question_id, "text", parent_id=usual.parent_id, extra=usual.extra)
            yield bad_row(row, item, "an answer in speech is neither text nor an object", rows)
            continue
        unknown = {key: value for key, value in came.items() if key not in _KEYS}
        rows.unknown(unknown)
        extra.update(unknown)
        parts: list[tuple[bool, Any]] = [] if is_blank(came.get("text")) else [(False, came["text"])]
        parts += [(True, segment) for segment in segments or []]
        for position, (is_segment, part) in enumerate(parts):
            row = Row(usual.question_id, "text", parent_id=usual.parent_id)
            row.annotation_id = f"{answer_id}/{position}" if answer_id and len(parts) > 1 else answer_id
            if is_segment:
                yield _segment(row, part, rows)
            else:
                row.value, row.extra = part if isinstance(part, str) else json_text(part), extra
                yield row


def _segment(row: Row, segment: Any, rows: AnnotationRows) -> Row:
    row.type = "segment"
    if not isinstance(segment, dict):
        row.annotation_id = None
        return bad_row(row, segment, "a segment is not an object", rows)
    start, end, text = (segment.get(key) for key in vendor.SEGMENT_KEYS)
    rest = {key: value for key, value in segment.items() if key not in vendor.SEGMENT_KEYS}
    rows.unknown(rest)
    row.time, row.end_time = number(start), number(end)
    if (start is not None and row.time is None) or (end is not None and row.end_time is None):
        rows.report("not_a_number", f"a segment of file {rows.file_id} has a start or end that is not a number.")
        rest["answer"] = segment
    row.value = None if text is None else text if isinstance(text, str) else json_text(text)
    row.extra = rest
    return row
