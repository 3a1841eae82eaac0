"""Labellerr's own shapes: points, rings, boxes, frames; and what kind an answer is, by its form alone."""

from __future__ import annotations

from itertools import chain
from typing import Any

from labellerr_ds.readers.assemble import number

BOX_KEYS = ("xmin", "ymin", "xmax", "ymax")


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
    """Whether a point holds more than x and y."""
    points = shape if isinstance(shape, list) else [shape]
    if points and isinstance(points[0], list):
        points = list(chain.from_iterable(points))
    return any(len(point) != 2 for point in points)


def rings_of(shape: Any) -> list[list[float | int]]:
    """Flat coordinates of each ring; nothing where it cannot be understood."""
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
                if type(value) not in (int, float) and number(value) is None:
                    return []
                numbers.append(value if type(value) in (int, float) else float(value))
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
