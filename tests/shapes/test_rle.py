"""RLE: equal to pycocotools, to the pixel and to the letter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask
from thorough import examples

from labellerr_ds.shapes.rle import (
    area_and_bbox,
    checked_counts,
    compress_counts,
    expand_counts,
    label_regions,
    rle_to_mask,
)

label_maps = hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.integers(0, 4))


@settings(max_examples=examples(300))
@given(label_maps, st.integers(1, 5))
def test_each_label_is_what_pycocotools_encodes(labels, scale):
    labels = np.kron(labels, np.ones((scale, scale), dtype=np.uint16))
    height = labels.shape[0]
    for region in label_regions(labels):
        theirs = coco_mask.encode(np.asfortranarray((labels == region.label).astype(np.uint8)))
        assert region.counts == theirs["counts"].decode()
        assert region.area == coco_mask.area(theirs)
        assert list(region.bbox) == coco_mask.toBbox(theirs).tolist()
        rle = {"size": list(labels.shape), "counts": region.counts}
        assert (rle_to_mask(rle) == (labels == region.label)).all()
        assert area_and_bbox(expand_counts(region.counts), height) == (region.area, region.bbox)


@given(st.lists(st.integers(0, 2**31), max_size=40))
def test_counts_go_to_text_and_back(counts):
    assert expand_counts(compress_counts(counts)).tolist() == counts


@pytest.mark.parametrize("text", ["\x00", "zzzz", "~", "61X13m\x7f"])
def test_what_is_no_rle_text_is_refused(text):
    with pytest.raises(ValueError, match="no RLE text"):
        expand_counts(text)


@pytest.mark.parametrize("counts", [[3], [3, -1, 14], [17], "3"])
def test_runs_that_do_not_cover_the_image_are_refused(counts):
    with pytest.raises(ValueError, match="the image has 4 x 4 pixels"):
        checked_counts({"size": [4, 4], "counts": counts})


def test_a_mask_without_pixels_has_no_box():
    assert area_and_bbox(np.array([16]), 4) == (0, (0, 0, 0, 0))
