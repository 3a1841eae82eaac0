"""Shapes of COCO: which values are one, and a screen for whole columns of text.

A ring is an even number of finite numbers, six or more. The functions on values judge; `may_be_polygons` only says of
text that none of it needs to be judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from labellerr_ds.formats.decoding import plain
from labellerr_ds.formats.values import number
from labellerr_ds.shapes.rle import BROKEN, LEAST_NUMBERS, checked_counts, is_ring

_IN_NUMBERS = b"0123456789.-+ \n\r\t"  # without the sign of an exponent, which may be too large for a float
_LONGEST_NUMBER = 300  # characters: no float has more digits before its point
_FEW = 8  # texts that are judged sooner than screened again
_OPEN, _CLOSE, _COMMA = b"[],"


def is_polygon(value: Any) -> bool:
    """Return True for a list of rings."""
    return isinstance(value, list) and bool(value) and all(map(is_ring, value))


def is_line(value: Any) -> bool:
    """Return True for a list of the coordinates of points."""
    numbers = isinstance(value, list) and all(type(side) in (int, float) and math.isfinite(side) for side in value)
    return numbers and len(value) >= 2 and len(value) % 2 == 0


def is_segmentation(value: Any) -> bool:
    """Return True for the segmentation of an annotation: rings, one ring without its list, or an RLE."""
    if not isinstance(value, dict):
        return is_polygon(value) or is_ring(value)
    try:
        checked_counts(value)
    except (*BROKEN, IndexError):
        return False
    return True


def marks_of(value: Any) -> list[float] | None:
    """Return keypoints as three numbers each, of a flat list or a list per keypoint; None for anything else."""
    nested = isinstance(value, list) and all(isinstance(item, list) and len(item) == 3 for item in value)
    flat = list(chain.from_iterable(value)) if nested else value
    marks = list(map(number, flat)) if isinstance(flat, list) else []
    return None if not marks or len(marks) % 3 or None in marks else marks  # type: ignore[return-value]


def is_marks(value: Any) -> bool:
    """Return True for keypoints of which one is labelled."""
    marks = marks_of(value)
    return marks is not None and any(flag > 0 for flag in marks[2::3])


def may_be_polygons(texts: bytes) -> bool:
    """Return True if JSON texts, one after another, are lists of rings without a doubt.

    Only brackets and commas are looked at: every number is followed by one of them. False says nothing: the texts are
    then to be judged one by one, by `is_polygon`.

    Examples
    --------
    >>> may_be_polygons(b"[[1, 2, 3, 4, 5, 6]][[1, 2, 3, 4, 5, 6], [7, 8, 9, 7, 8, 7.5]]")
    True
    >>> may_be_polygons(b"[[1, 2, 3, 4]]"), may_be_polygons(b"[[[1, 2], [3, 4], [5, 6]]]")
    (False, False)
    """
    signs = np.frombuffer(texts.translate(None, _IN_NUMBERS), np.uint8)
    at = np.flatnonzero(signs != _COMMA)
    brackets = signs[at]
    if not len(at) or not np.isin(brackets, (_OPEN, _CLOSE)).all():
        return False
    opens = brackets == _OPEN
    depths = np.cumsum(np.where(opens, 1, -1))
    if at[0] or depths[0] != 1 or depths[-1] or depths.min() < 0 or depths.max() > 2 or at[-1] + 1 != len(signs):
        return False
    between = np.diff(at) - 1  # commas
    before, after, depth = opens[:-1], opens[1:], depths[:-1]
    is_in_ring = before & ~after & (depth == 2)
    is_joint = ~before & after & (depth == 1)  # from ring to ring
    is_edge = (before & after & (depth == 1)) | (~before & ~after & (depth == 1)) | (~before & after & (depth == 0))
    good = np.where(is_in_ring, (between >= LEAST_NUMBERS - 1) & (between % 2 == 1), False)
    good = np.where(is_joint, between == 1, good)
    good = np.where(is_edge, between == 0, good)
    return bool(good.all()) and not _has_long_number(texts)


def not_polygons(texts: Sequence[bytes]) -> list[int]:
    """Return the indices of texts that are no lists of rings: halves without a doubt are not looked at further."""
    if may_be_polygons(b"".join(texts)):
        return []
    if len(texts) <= _FEW:
        return [index for index, text in enumerate(texts) if not is_polygon(plain(text))]
    middle = len(texts) // 2
    return [*not_polygons(texts[:middle]), *(middle + index for index in not_polygons(texts[middle:]))]


def _has_long_number(texts: bytes) -> bool:
    """Return True if a number may have so many digits that no float holds it.

    Such a number covers a whole block of half its length, without a comma.
    """
    block = _LONGEST_NUMBER // 2
    signs = np.frombuffer(texts, np.uint8)
    blocks = signs[: len(signs) // block * block].reshape(-1, block)
    return bool(len(blocks)) and not (blocks == _COMMA).any(axis=1).all()
