"""Coordinates: areas, bounds, boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labellerr_ds.shapes.boxes import bounds, box_corners, ring_areas, sums, xywh_to_cxcywh, xywh_to_xyxy

quarters = st.integers(-4000, 4000).map(lambda number: number / 4)
rings = st.lists(st.lists(st.tuples(quarters, quarters), max_size=9), max_size=6)


def flat(shapes):
    points = np.array([point for ring in shapes for point in ring], dtype=np.float64).reshape(-1, 2)
    return points, np.array([len(ring) for ring in shapes], dtype=np.int64)


@given(rings)
def test_areas_are_those_of_the_formula_written_out(shapes):
    expected = []
    for ring in shapes:
        total = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True))
        expected.append(abs(total) / 2)
    assert ring_areas(*flat(shapes)).tolist() == expected


@given(rings)
def test_bounds_hold_every_point_tightly(shapes):
    for ring, box in zip(shapes, bounds(*flat(shapes)).tolist(), strict=True):
        if not ring:
            assert np.isnan(box).all()
            continue
        xs, ys = zip(*ring, strict=True)
        assert box == [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def test_coordinates_beyond_any_image_warn_of_nothing():
    xy = np.array([[0, 1e300], [1e300, 0], [-1e300, -1e300]])
    assert not np.isfinite(ring_areas(xy, np.array([3]))).all()
    assert bounds(xy, np.array([3])).shape == (1, 4)


def test_sums_of_groups_and_of_none():
    assert sums(np.array([1.0, 2, 3]), np.array([2, 0, 1])).tolist() == [
        3.0,
        pytest.approx(np.nan, nan_ok=True),
        3.0,
    ]


def test_boxes_in_three_forms():
    boxes = np.array([[10.0, 20, 4, 6]])
    assert xywh_to_xyxy(boxes).tolist() == [[10, 20, 14, 26]]
    assert xywh_to_cxcywh(boxes).tolist() == [[12, 23, 4, 6]]


@pytest.mark.parametrize(("degrees", "ring"), [(90, [3, 0, 3, 4, 1, 4, 1, 0]), (180, [4, 3, 0, 3, 0, 1, 4, 1])])
def test_right_angles_are_exact(degrees, ring):
    assert box_corners(np.array([[0.0, 1, 4, 2]]), np.array([float(degrees)])).tolist() == [ring]
