"""Pure functions on coordinates: boxes, areas, bounds. Pixels, x to the right, y down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labellerr_ds.core import vendor

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def xywh_to_xyxy(boxes: Floats) -> Floats:
    """Corner and size to two corners, ``(N, 4)`` to ``(N, 4)``.

    Examples
    --------
    >>> xywh_to_xyxy(np.array([[10.0, 20.0, 5.0, 2.0]])).tolist()
    [[10.0, 20.0, 15.0, 22.0]]
    """
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def xywh_to_cxcywh(boxes: Floats) -> Floats:
    """Corner and size to centre and size, ``(N, 4)`` to ``(N, 4)``."""
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def box_corners(boxes: Floats, rotation: Floats | None = None) -> Floats:
    """The four corners of boxes as rings ``(N, 8)``, clockwise as seen from the top left one.

    Parameters
    ----------
    boxes : (N, 4) float64
        ``x, y, width, height``.
    rotation : (N,) float64, optional
        Degrees, clockwise as seen (`vendor.ROTATION_SENSE`), about the centre of the box; NaN is none.

    Examples
    --------
    >>> box_corners(np.array([[0.0, 0, 4, 2]])).tolist()
    [[0.0, 0.0, 4.0, 0.0, 4.0, 2.0, 0.0, 2.0]]
    """
    x, y, width, height = boxes.T
    corners = np.stack([x, y, x + width, y, x + width, y + height, x, y + height], axis=1)
    if rotation is None:
        return corners
    degrees = (vendor.ROTATION_SENSE * np.nan_to_num(rotation))[:, None]
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    right = degrees % 90 == 0  # exact, where a float of pi would put pixels beside the edge
    cosine, sine = (np.where(right, np.round(each), each) for each in (cosine, sine))
    centre = np.stack([x + width / 2, y + height / 2], axis=1)[:, None, :]
    away = corners.reshape(-1, 4, 2) - centre
    turned = np.stack(
        [
            away[..., 0] * cosine - away[..., 1] * sine,
            away[..., 0] * sine + away[..., 1] * cosine,
        ],
        axis=2,
    )
    straight = (angle == 0)[..., None]
    quads: Floats = np.where(straight, corners.reshape(-1, 4, 2), turned + centre).reshape(-1, 8)
    return quads


def box_ious(a: Floats, b: Floats) -> Floats:
    """Intersection over union of each pair of boxes ``x, y, width, height``: ``(N, 4), (M, 4)`` to ``(N, M)``.

    Examples
    --------
    >>> box_ious(np.array([[0.0, 0, 4, 2]]), np.array([[2.0, 0, 4, 2]])).round(3).tolist()
    [[0.333]]
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    union = (a[:, 2] * a[:, 3])[:, None] + (b[:, 2] * b[:, 3])[None, :] - common
    ious: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return ious


def ring_areas(xy: Floats, points: Ints) -> Floats:
    """Area inside each ring by the shoelace formula, square pixels, never negative.

    Parameters
    ----------
    xy : (P, 2) float64
        The points of all rings, one ring after the other; no ring repeats its first point.
    points : (R,) int64
        How many points each ring has; a ring of none has area 0.

    Returns
    -------
    (R,) float64

    Examples
    --------
    >>> ring_areas(np.array([[0, 0], [4, 0], [4, 3], [0, 3.0]]), np.array([4])).tolist()
    [12.0]
    """
    areas = np.zeros(len(points))
    filled = np.flatnonzero(points)
    if not len(filled):
        return areas
    starts = (np.cumsum(points) - points)[filled]
    following = np.arange(1, len(xy) + 1)
    following[starts + points[filled] - 1] = starts
    with np.errstate(over="ignore", invalid="ignore"):  # coordinates beyond any image give inf or NaN
        cross = xy[:, 0] * xy[following, 1] - xy[following, 0] * xy[:, 1]
        areas[filled] = np.abs(np.add.reduceat(cross, starts)) / 2
    return areas


def sums(values: Floats, lengths: Ints) -> Floats:
    """Sum of each group of consecutive values; NaN for a group of none.

    Parameters
    ----------
    values : (V,) float64
    lengths : (G,) int64
        How many values each group has.
    """
    totals = np.full(len(lengths), np.nan)
    filled = np.flatnonzero(lengths)
    if len(filled):
        totals[filled] = np.add.reduceat(values, (np.cumsum(lengths) - lengths)[filled])
    return totals


def bounds(xy: Floats, points: Ints) -> Floats:
    """Tight box around each group of consecutive points, as ``x, y, width, height``.

    Parameters
    ----------
    xy : (P, 2) float64
    points : (G,) int64
        How many points each group has; a group of none gets NaN.

    Returns
    -------
    (G, 4) float64
    """
    boxes = np.full((len(points), 4), np.nan)
    filled = np.flatnonzero(points)
    if len(filled):
        starts = (np.cumsum(points) - points)[filled]
        low = np.minimum.reduceat(xy, starts, axis=0)
        boxes[filled, :2] = low
        with np.errstate(over="ignore"):
            boxes[filled, 2:] = np.maximum.reduceat(xy, starts, axis=0) - low
    return boxes
