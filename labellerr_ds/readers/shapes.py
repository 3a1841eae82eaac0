"""Labellerr's own shapes: points, rings, boxes; and what kind an answer is, by its form alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from labellerr_ds.readers.rows import SHAPES, AnnotationRows, Row
from labellerr_ds.readers.values import INT64, json_text, number

BOX_KEYS = ("xmin", "ymin", "xmax", "ymax")
_NAN = float("nan")


def read_shape(row: Row, shape: Any, rows: AnnotationRows) -> Row:
    """Put a shape into its row; one that cannot be parsed stays in `extra`, and is reported.

    Parameters
    ----------
    row : Row
        Its type says what the shape should be.
    shape : any
        As it came.
    """
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], dict) and row.type in ("bbox", "point"):
        shape = shape[0]
    if row.type == "bbox" and isinstance(shape, dict) and all(key in shape for key in BOX_KEYS):
        return _box(row, shape, rows)
    rings = [] if row.type == "bbox" else rings_of([shape] if row.type == "point" else shape)
    several = (len(rings) > 1 and row.type != "polygon") or (
        row.type == "point" and len(rings) == 1 and len(rings[0]) != 2
    )
    if not rings or not all(rings) or several:
        return bad_row(row, shape, f"a {row.type} of file {rows.file_id} could not be parsed", rows)
    if more_than_points(shape):
        row.extra = {**(row.extra or {}), "answer": shape}
        rows.issues.unknown_keys["answer"] += 1
    row.segmentation = json_text(rings if row.type == "polygon" else rings[0])
    rows.measure(len(rows), rings, enclosing=row.type == "polygon")
    return row


def bad_row(row: Row, what_came: Any, message: str, rows: AnnotationRows) -> Row:
    """Keep what could not be parsed in `extra`, and report it."""
    rows.report("bad_segmentation" if row.type in SHAPES else "bad_row", f"{message}; it is in `extra`.")
    row.extra = {**(row.extra or {}), "answer": what_came}
    return row


def _box(row: Row, shape: Mapping[str, Any], rows: AnnotationRows) -> Row:
    corners = [number(shape[key]) for key in BOX_KEYS]
    row.rotation = number(shape.get("rotation"))
    rest = {key: value for key, value in shape.items() if key not in (*BOX_KEYS, "rotation")}
    if rest:
        rows.unknown(rest)
        row.extra = {**(row.extra or {}), "answer": rest}
    if None in corners or (shape.get("rotation") is not None and row.rotation is None):
        rows.report("not_a_number", f"a box of file {rows.file_id} has a side or rotation that is not a number.")
        row.extra = {**(row.extra or {}), "answer": shape}
    x1, y1, x2, y2 = (_NAN if corner is None else corner for corner in corners)
    if x2 < x1 or y2 < y1:
        rows.report("swapped_corners", f"the swapped corners of a box of file {rows.file_id} were corrected.")
        x1, x2 = (x2, x1) if x2 < x1 else (x1, x2)
        y1, y2 = (y2, y1) if y2 < y1 else (y1, y2)
    row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height = x1, y1, x2 - x1, y2 - y1
    row.area = row.bbox_width * row.bbox_height
    return row


# --- forms


def is_blank(answer: Any) -> bool:
    """Whether a question was not answered."""
    return answer is None or (isinstance(answer, str | list | dict) and not answer)


def frames_of(frames: Any) -> list[tuple[Any, Any]]:
    """The frames of a track with the keys they came under, of a dict or a list."""
    if isinstance(frames, dict):
        return list(frames.items())
    return [(None, frame) for frame in frames] if isinstance(frames, list) else [(None, frames)]


def is_point(value: Any) -> bool:
    """Whether a value is one point."""
    return isinstance(value, dict) and "x" in value and "y" in value


def is_points(value: Any) -> bool:
    """Whether a list is one shape's points, and not a list of objects."""
    return isinstance(value, list) and len(value) > 1 and all(is_point(point) for point in value)


def more_than_points(shape: Any) -> bool:
    """Whether a point has more than x and y."""
    points = shape if isinstance(shape, list) else [shape]
    if points and isinstance(points[0], list):
        points = list(chain.from_iterable(points))
    return any(len(point) != 2 for point in points)


def rings_of(shape: Any) -> list[list[float | int]]:
    """Flat coordinates of each ring; nothing where it cannot be parsed."""
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
    """What kind of annotation an answer is, by its form alone."""
    first = answer[0] if isinstance(answer, list) and answer else answer
    if isinstance(first, dict) and "frames" in first:
        inner = [frame for _, frame in frames_of(first["frames"])]
        first = inner[0] if inner else {}
    if isinstance(first, dict) and "answer" in first:
        return looks_like(first["answer"])
    if isinstance(first, dict):
        if all(key in first for key in BOX_KEYS):
            return "bbox"
        if is_point(first):
            return "polygon" if isinstance(answer, list) and len(answer) > 1 else "point"
        if "segments" in first or set(first) == {"text"}:
            return "speech"
    if isinstance(first, list) and first and is_point(first[0]):
        return "polygon"
    return "text"


def looks_like_shape(answer: Any) -> bool:
    """Whether a decoded cell holds shapes or speech, by its form alone."""
    return not is_blank(answer) and looks_like(answer) != "text"
