"""Rings around pixels, cut at the image, joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask
from shapes_of import parity
from thorough import examples

from labellerr_ds.shapes.contours import clip_ring, join_rings, mask_to_rings, signed_area


def fill(ring, height, width):
    return coco_mask.decode(coco_mask.frPyObjects([np.asarray(ring).ravel().tolist()], height, width))[..., 0] > 0


masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14))


@settings(max_examples=examples(400))
@given(masks)
def test_the_rings_of_a_mask_fill_it_again(mask):
    outer, holes = mask_to_rings(mask)
    assert (parity([*outer, *holes], *mask.shape) == mask).all()
    assert all(signed_area(ring) > 0 for ring in outer)
    assert all(signed_area(ring) < 0 for ring in holes)
    area = sum(signed_area(ring) for ring in (*outer, *holes)) / 2
    assert area == mask.sum()


@settings(max_examples=examples(200))
@given(masks)
def test_pycocotools_fills_the_parts_less_the_holes_to_the_same_mask(mask):
    outer, holes = mask_to_rings(mask)
    found = np.zeros(mask.shape, dtype=bool)
    for ring in (*outer, *holes):
        found ^= fill(ring, *mask.shape)
    assert (found == mask).all()


@settings(max_examples=examples(200))
@given(masks)
def test_one_ring_with_bridges_is_the_same_shape(mask):
    outer, holes = mask_to_rings(mask)
    if not outer:
        assert not mask.any()
        return
    assert (parity([join_rings(outer, holes)], *mask.shape) == mask).all()
    assert (fill(join_rings(outer, holes), *mask.shape) == mask).all()


def test_pixels_that_touch_at_a_corner_are_two_parts_and_two_gaps_are_two_holes():
    outer, holes = mask_to_rings(np.array([[1, 0], [0, 1]], dtype=bool))
    assert (len(outer), len(holes)) == (2, 0)
    ring = np.ones((4, 4), dtype=bool)
    ring[1, 1] = ring[2, 2] = False
    outer, holes = mask_to_rings(ring)
    assert len(outer) == 1
    assert sum(signed_area(hole) for hole in holes) == -4


def test_nothing_has_no_rings():
    assert mask_to_rings(np.zeros((3, 4), dtype=bool)) == ([], [])


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.integers(-20, 40), st.integers(-20, 40)), min_size=3, max_size=9))
def test_a_ring_cut_at_the_image_keeps_what_lies_within(points):
    ring = np.array(points, dtype=np.float64)
    cut = clip_ring(ring, 20, 16)
    at = (0.4142, 0.2718)  # on no edge between whole numbers
    assert (parity([cut] if len(cut) else [], 16, 20, at) == parity([ring], 16, 20, at)).all()
    if len(cut):
        assert cut.min() >= 0
        assert cut[:, 0].max() <= 20
        assert cut[:, 1].max() <= 16


def test_a_ring_outside_is_nothing():
    assert len(clip_ring(np.array([[-5.0, 1], [-2, 1], [-2, 3]]), 10, 10)) == 0


@pytest.mark.parametrize("turn", [1, -1])
def test_rings_may_come_either_way_round(turn):
    square = np.array([[0.0, 0], [8, 0], [8, 8], [0, 8]])[::turn]
    hole = np.array([[2.0, 2], [4, 2], [4, 4], [2, 4]])[::turn]
    filled = parity([join_rings([square], [hole])], 8, 8)
    assert filled.sum() == 60
    assert not filled[2:4, 2:4].any()
