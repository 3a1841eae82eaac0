"""Shapes drawn without a screen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labellerr_ds.frames import schema
from labellerr_ds.images import render
from labellerr_ds.images.colors import PALETTE, rgb


def frame(*rows, width=40, height=30):
    columns = {
        "file_id": ["f"] * len(rows), "file_name": ["f"] * len(rows), "image_width": [width] * len(rows),
        "image_height": [height] * len(rows), "type": [row[0] for row in rows],
        "segmentation": [row[1] for row in rows], "category": [row[2] if len(row) > 2 else "car" for row in rows],
    }  # fmt: skip
    sides = {"bbox_x": 5.0, "bbox_y": 5.0, "bbox_width": 10.0, "bbox_height": 10.0}
    return schema.build(
        "annotations", {**columns, **{name: [side] * len(rows) for name, side in sides.items()}}, len(rows)
    )


def square(low, high):
    return f"[[{low},{low},{high},{low},{high},{high},{low},{high}]]"


def test_what_lies_under_another_shape_is_seen_through_it():
    both = render.draw(frame(("polygon", square(10, 20)), ("polygon", square(2, 28), "bus")), opacity=0.5)
    alone = render.draw(frame(("polygon", square(2, 28), "bus")), opacity=0.5)
    assert both.getpixel((15, 15)) != alone.getpixel((15, 15))
    assert both.getpixel((10, 15)) == rgb(PALETTE[0])


def test_what_is_outlined_has_no_inside():
    drawn = render.draw(
        frame(("polygon", square(5, 25))), opacity=1, marks={0: render.Mark("", PALETTE[0], outlined=True)}
    )
    assert drawn.getpixel((15, 15)) == render.EMPTY
    assert drawn.getpixel((5, 15)) != render.EMPTY


@given(data=st.data())
def test_a_mask_is_drawn_where_its_pixels_are_at_any_size(data):
    height, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    bits = np.array(data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width)))
    mask = bits.reshape(height, width)
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(int), [0]])))
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    rows = frame(("mask", f'{{"size":[{height},{width}],"counts":{runs}}}'), width=width, height=height)
    drawn = np.asarray(render.draw(rows, opacity=1))
    assert ((drawn != render.EMPTY).any(axis=2) == mask).all()
    larger = Image.new("RGB", (width * 3, height * 3), render.EMPTY)
    drawn = np.asarray(render.draw(rows, larger, opacity=1))
    assert ((drawn != render.EMPTY).any(axis=2) == np.kron(mask, np.ones((3, 3), dtype=bool))).all()
    assert (np.asarray(larger) == render.EMPTY).all()  # the caller's own picture is not drawn on


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("polygon", "[[1,1,9,1,9]]"), ("polyline", "[1,1,9]"), ("polyline", None), ("polygon", '[["a",1,2,3]]'),
     ("mask", '{"size":[30,40],"counts":[9]}'), ("mask", None), ("mask", '{"size":[30,40],"counts":[[0,1200]]}')],
)  # fmt: skip
def test_what_does_not_hold_together_is_left_out_and_the_rest_is_drawn(kind, shape):
    drawn = render.draw(frame((kind, shape), ("bbox", None, "bus")), opacity=1, labels=True)
    assert drawn.getpixel((12, 12)) == rgb(PALETTE[1])


@pytest.mark.parametrize("name", ["two\nlines", "", "\u901a\u308a", "<b>"])
def test_any_name_can_be_written(name):
    render.draw(frame(("bbox", None, name)), labels=True)


@pytest.mark.parametrize("side", [0, -4])
def test_sides_that_are_none_are_not_known(side):
    assert render.draw(frame(("bbox", None), width=side, height=side)).size == render.NO_SIZE


def test_a_large_picture_is_made_at_the_size_that_is_asked_for():
    assert render.draw(frame(("bbox", None), width=200_000, height=100_000), longest=300).size == (300, 150)
