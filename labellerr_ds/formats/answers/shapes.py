"""Labellerr's own shapes: points, rings, boxes; and what kind an answer is, by its form alone.

A shape has exactly the keys of its kind. One with others is not of that kind, and is not read as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.answers.rows import AnnotationRows, Row
from labellerr_ds.formats.values import INT64, number

BOX_KEYS = ("xmin", "ymin", "xmax", "ymax")
POINT_KEYS = frozenset({"x", "y"})
SPEECH_KEYS = frozenset({"text", "segments"})
LEAST_POINTS = 3  # of a ring
_ALL_BOX_KEYS = frozenset({*BOX_KEYS, "rotation"})


def read_shape(row: Row, shape: Any, rows: AnnotationRows, other_type: str | None = None) -> Row | None:
    """Put a shape into its row; return None for one that is not of the row's type, nor of the other.

    Parameters
    ----------
    row : Row
        Its type says what the shape should be.
    shape : any
        As exported.
    rows : AnnotationRows
        Measures the shape; the row is to be added next.
    other_type : str, optional
    """
    read = _read_as(row, shape, rows)
    if read is None and other_type is not None:
        row.type = other_type
        read = _read_as(row, shape, rows)
    return read


def _read_as(row: Row, shape: Any, rows: AnnotationRows) -> Row | None:
    """Put a shape of the row's type into its row."""
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], dict) and row.type in ("bbox", "point"):
        shape = shape[0]
    if row.type == "bbox":
        return _read_box(row, shape, rows) if is_box(shape) else None
    rings = rings_of([shape] if row.type == "point" else shape)
    if not rings or (len(rings) > 1 and row.type != "polygon"):
        return None
    least = LEAST_POINTS if row.type == "polygon" else 1
    if any(len(ring) < 2 * least for ring in rings) or (row.type == "point" and len(rings[0]) != 2):
        return None
    row.segmentation = json_text(rings if row.type == "polygon" else rings[0])
    rows.measure(len(rows), rings, enclosing=row.type == "polygon")
    return row


def _read_box(row: Row, shape: Mapping[str, Any], rows: AnnotationRows) -> Row | None:
    corners = [corner for corner in (number(shape[key]) for key in BOX_KEYS) if corner is not None]
    if len(corners) < len(BOX_KEYS):
        return None
    row.rotation = number(shape.get("rotation"))
    if shape.get("rotation") is not None and row.rotation is None:
        rows.report("not_a_number", f"a box of file {rows.file_id} has a rotation that is not a number.")
        row.extra = {**(row.extra or {}), "answer": shape}
    x1, y1, x2, y2 = corners
    if x2 < x1 or y2 < y1:
        rows.report("swapped_corners", f"the swapped corners of a box of file {rows.file_id} were corrected.")
        x1, x2 = (x2, x1) if x2 < x1 else (x1, x2)
        y1, y2 = (y2, y1) if y2 < y1 else (y1, y2)
    row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height = x1, y1, x2 - x1, y2 - y1
    row.area = row.bbox_width * row.bbox_height
    return row


# --- forms


def is_blank(answer: Any) -> bool:
    """Return True for an answer that was not given: null, or an empty text, list or object."""
    return answer is None or (isinstance(answer, str | list | dict) and not answer)


def frames_of(frames: Any) -> list[tuple[Any, Any]]:
    """Return the frames of a track, a dict or a list, with the keys that a dict has them under."""
    if isinstance(frames, dict):
        return list(frames.items())
    return [(None, frame) for frame in frames] if isinstance(frames, list) else [(None, frames)]


def is_box(value: Any) -> bool:
    """Return True for a box by its corners, with or without its rotation."""
    return isinstance(value, dict) and set(BOX_KEYS) <= value.keys() <= _ALL_BOX_KEYS


def is_point(value: Any) -> bool:
    """Return True for one point."""
    return isinstance(value, dict) and value.keys() == POINT_KEYS


def is_points(value: Any) -> bool:
    """Return True for a list of one shape's points, rather than of objects."""
    return isinstance(value, list) and len(value) > 1 and all(is_point(point) for point in value)


def rings_of(shape: Any) -> list[list[float | int]]:
    """Return the flat coordinates of each ring; none if any of it cannot be parsed."""
    if not isinstance(shape, list) or not shape:
        return []
    rings = shape if isinstance(shape[0], list) else [shape]
    flat: list[list[float | int]] = []
    for ring in rings:
        if not isinstance(ring, list):
            return []
        numbers: list[float | int] = []
        for point in ring:
            if not is_point(point):
                return []
            for value in (point["x"], point["y"]):
                if type(value) is float or (type(value) is int and value in INT64):
                    numbers.append(value)
                elif (coordinate := number(value)) is not None:
                    numbers.append(coordinate)
                else:
                    return []
        flat.append(numbers)
    return flat


def looks_like(answer: Any) -> str:
    """Return the kind of annotation that an answer is, by its form alone."""
    first = answer[0] if isinstance(answer, list) and answer else answer
    if isinstance(first, dict) and "frames" in first:
        inner = [frame for _, frame in frames_of(first["frames"])]
        first = inner[0] if inner else {}
    if isinstance(first, dict) and "answer" in first:
        return looks_like(first["answer"])
    if is_box(first):
        return "bbox"
    if is_point(first):
        return "polygon" if isinstance(answer, list) and len(answer) > 1 else "point"
    if isinstance(first, dict) and first and first.keys() <= SPEECH_KEYS:
        return "speech"
    if isinstance(first, list) and first and is_point(first[0]):
        return "polygon"
    return "text"


def looks_like_shape(answer: Any) -> bool:
    """Return True if a decoded cell holds shapes or speech, by its form alone."""
    return not is_blank(answer) and looks_like(answer) != "text"
