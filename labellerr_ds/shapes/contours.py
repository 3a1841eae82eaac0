"""Outlines: the rings around the pixels of a mask, rings clipped to the image, and several rings joined to one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mask_to_rings(mask: NDArray[np.bool_]) -> tuple[list[Floats], list[Floats]]:
    """The outlines of a mask along the edges of its pixels.

    Pixels that touch at a corner alone are two parts. A raster of the rings (as pycocotools fills
    polygons) gives the mask back.

    Parameters
    ----------
    mask : (H, W) bool

    Returns
    -------
    outer, holes : lists of (P, 2) float64
        Corners of pixels, clockwise around parts (as seen, y down), counter-clockwise around holes.

    Examples
    --------
    >>> outer, holes = mask_to_rings(np.array([[False, True], [False, True]]))
    >>> outer[0].tolist(), holes
    ([[1.0, 0.0], [2.0, 0.0], [2.0, 2.0], [1.0, 2.0]], [])
    """
    padded = np.pad(np.asarray(mask, dtype=bool), 1)
    # the four pixels around each corner of the grid
    above_left, above_right = padded[:-1, :-1], padded[:-1, 1:]
    below_left, below_right = padded[1:, :-1], padded[1:, 1:]
    odd = above_left ^ above_right ^ below_left ^ below_right  # one outline turns here
    crossed = (above_left == below_right) & (above_right == below_left) & (above_left != above_right)  # two do
    ys, xs = np.nonzero(odd | crossed)
    if not len(ys):
        return [], []
    twice = np.where(crossed[ys, xs], 2, 1)
    ys, xs = np.repeat(ys, twice), np.repeat(xs, twice)
    # Corners in one row pair up as the ends of horizontal edges, those in one column of vertical ones.
    in_rows = np.lexsort((xs, ys))
    across = np.empty(len(ys), dtype=np.int64)
    across[in_rows[0::2]], across[in_rows[1::2]] = in_rows[1::2], in_rows[0::2]
    # Where two outlines touch, the first copy of the corner ends the edge on its left and the second begins the one
    # on its right; an edge and the vertical one of the same pixel belong together, so that parts stay apart.
    second = np.r_[False, (ys[1:] == ys[:-1]) & (xs[1:] == xs[:-1])]
    touching = second | np.r_[second[1:], False]
    goes_up = touching & (above_left[ys, xs] ^ second)
    in_columns = np.lexsort((touching & ~goes_up, ys, xs))
    along = np.empty(len(ys), dtype=np.int64)
    along[in_columns[0::2]], along[in_columns[1::2]] = in_columns[1::2], in_columns[0::2]
    outer: list[Floats] = []
    holes: list[Floats] = []
    seen = np.zeros(len(ys), dtype=bool)
    steps = across.tolist(), along.tolist()
    for start in range(len(ys)):
        if seen[start]:
            continue
        ring: list[int] = []
        place, turn = start, 0
        while not ring or place != start or turn:
            ring.append(place)
            place = steps[turn][place]
            turn ^= 1
        seen[ring] = True
        corners = np.stack([xs[ring], ys[ring]], axis=1).astype(np.float64)
        # the first corner in reading order is a top left one: of a part, the pixel below right of it is set
        is_hole = not below_right[ys[start], xs[start]]
        if (signed_area(corners) > 0) == is_hole:
            corners = corners[::-1]
        (holes if is_hole else outer).append(corners)
    return outer, holes


def signed_area(ring: Floats) -> float:
    """Twice the area inside a ring ``(P, 2)``; positive for clockwise as seen, y down."""
    x, y = ring[:, 0], ring[:, 1]
    if not len(ring):
        return 0.0
    return float(np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:]) + x[-1] * y[0] - y[-1] * x[0])


def clip_ring(ring: Floats, width: float, height: float) -> Floats:
    """The part of a ring that lies in the image (Sutherland and Hodgman, 1974).

    Parameters
    ----------
    ring : (P, 2) float64
    width, height : float
        Pixels of the image.

    Returns
    -------
    (Q, 2) float64
        Of no points where nothing lies within. Of a ring that leaves the image more than once the parts
        stay joined along its border.

    Examples
    --------
    >>> clip_ring(np.array([[-2.0, 1], [4, 1], [4, 3], [-2, 3]]), 3, 9).tolist()
    [[0.0, 1.0], [3.0, 1.0], [3.0, 3.0], [0.0, 3.0]]
    """
    if len(ring) and (ring >= 0).all() and (ring <= (width, height)).all():  # as nearly all do
        return ring
    for axis, bound, sign in ((0, 0.0, 1.0), (0, float(width), -1.0), (1, 0.0, 1.0), (1, float(height), -1.0)):
        if not len(ring):
            break
        inside = sign * (ring[:, axis] - bound) >= 0
        if inside.all():
            continue
        before, was_inside = np.roll(ring, 1, axis=0), np.roll(inside, 1)
        points: list[Floats] = []
        for start, stop, came, stays in zip(before, ring, was_inside, inside, strict=True):
            if came != stays:
                share = (bound - start[axis]) / (stop[axis] - start[axis])
                crossing = start + share * (stop - start)
                crossing[axis] = bound
                points.append(crossing)
            if stays:
                points.append(stop)
        ring = np.array(points, dtype=np.float64).reshape(-1, 2)
    return ring


def join_rings(outer: list[Floats], holes: list[Floats]) -> Floats:
    """One ring out of several parts and their holes, joined by bridges of no width.

    A bridge goes from the nearest point of what is joined already to the next ring, around it, and back
    the same way, so that it encloses nothing: filled even-odd or by winding number, the shape is the same.
    Parts must not overlap: even-odd filling would make a hole of what they share.

    Parameters
    ----------
    outer, holes : lists of (P, 2) float64

    Returns
    -------
    (Q, 2) float64
        Parts run clockwise as seen, holes the other way.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    >>> len(join_rings([square, square + 5], []))
    10
    """
    rings = [_turned(ring, True) for ring in outer] + [_turned(ring, False) for ring in holes]
    joined = rings[0]
    for ring in rings[1:]:
        here, there = _nearest(joined, ring)
        around = np.concatenate([np.roll(ring, -there, axis=0), ring[there : there + 1]])
        joined = np.concatenate([joined[: here + 1], around, joined[here:]])
    return joined


def _turned(ring: Floats, clockwise: bool) -> Floats:
    return ring if (signed_area(ring) > 0) == clockwise else ring[::-1]


def _nearest(a: Floats, b: Floats) -> tuple[int, int]:
    """The places of the two nearest points of two rings."""
    best, nearest = np.inf, (0, 0)
    for start in range(0, len(a), 512):  # some at a time: outlines of masks have thousands of points
        piece = a[start : start + 512]
        distance = ((piece[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
        place = int(distance.argmin())
        if distance.flat[place] < best:
            best, nearest = float(distance.flat[place]), (start + place // len(b), place % len(b))
    return nearest
