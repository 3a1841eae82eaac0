"""The screen over columns of text, and the judge of single values: what passes the one passes the other."""

from __future__ import annotations

import json

from hypothesis import given, reject, settings
from hypothesis import strategies as st
from thorough import examples

from labellerr_ds.formats.coco_json.shapes import is_polygon, may_be_polygons, not_polygons

numbers = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([10**400, True, None, "1", "e"])
)
rings = st.lists(numbers, max_size=9)
values = st.lists(rings | numbers | st.lists(rings, max_size=2), max_size=4) | st.lists(
    st.lists(st.integers(0, 99), min_size=6, max_size=8).filter(lambda ring: not len(ring) % 2), min_size=1, max_size=3
)
separators = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", ": ")])


@st.composite
def texts(draw):
    text = json.dumps(draw(values), separators=draw(separators))
    if draw(st.integers(0, 9)) == 0:
        text = text.replace("1", draw(st.sampled_from(["1E400", "1e5", "9" * 400])), 1)
    try:
        json.loads(text)
    except ValueError:
        reject()  # 1.5 has become 1E400.5
    return text.encode()


def judged(text):
    return is_polygon(json.loads(text))


@settings(max_examples=examples(400))
@given(st.lists(texts(), max_size=20))
def test_what_the_screen_passes_is_a_polygon_and_the_others_are_found(column):
    if column and may_be_polygons(b"".join(column)):
        assert all(map(judged, column))
    assert not_polygons(column) == [index for index, text in enumerate(column) if not judged(text)]


@given(st.lists(st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=1), min_size=1, max_size=30))
def test_polygons_of_plain_numbers_pass_the_screen(column):
    assert may_be_polygons("".join(map(json.dumps, column)).encode())
