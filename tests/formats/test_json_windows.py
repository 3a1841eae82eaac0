"""Large JSON in pieces: spans end where elements end, whatever the window."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import labellerr_ds as lds
from labellerr_ds.formats.json_windows import JsonFile

text = st.text(alphabet=st.sampled_from('a"\\\\[]{},: é\n'), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=12,
)
windows = st.integers(1, 40)
indents = st.sampled_from([None, 0, 2])


def json_file(value, window, indent=None):
    return JsonFile(io.BytesIO(json.dumps(value, indent=indent, ensure_ascii=False).encode()), "e", window)


def elements(file, array):
    return [msgspec.json.decode(raw) for raws in file.elements(array, msgspec.Raw) for raw in raws]


@given(st.lists(values, max_size=6), windows, indents)
def test_an_array_comes_back_element_by_element(array, window, indent):
    file = json_file(array, window, indent)
    assert elements(file, file.outline().array) == array


@given(st.dictionaries(text, values | st.lists(values, max_size=5), max_size=5), windows, indents)
def test_an_object_comes_back_key_by_key(value, window, indent):
    file = json_file(value, window, indent)
    outline = file.outline()
    back = {key: elements(file, part) if part.is_array else file.decode(part) for key, part in outline.values.items()}
    assert {**back, **outline.scalars} == value


@given(st.lists(values, min_size=1, max_size=4), windows, st.data())
def test_one_that_is_cut_short_is_an_error_that_names_the_byte(array, window, data):
    body = json.dumps(array, ensure_ascii=False).encode()
    cut = data.draw(st.integers(1, len(body) - 1))
    with pytest.raises(lds.ReadError, match="cut short") as caught:
        JsonFile(io.BytesIO(body[:cut]), "e", window).outline()
    assert caught.value.byte_offset == cut


@pytest.mark.parametrize("window", [1, 3, 1000])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'[{"a": 1} {"b": 2}]', "not JSON from byte 10 on"),
        (b'[{"a": 1},]', "not JSON from byte 1"),
        (b'[{"a": 1}] x', "trailing characters"),
        (b'[{"a": 1}] []', "trailing characters"),
        (b'[{"a": [1}]]', "not JSON from byte"),
        (b'[{"a": 1}}', "unexpected '}'"),
        (b'{"images": [] "annotations": []}', "not JSON from byte 14 on"),
        (b"[" * 2000 + b"]" * 2000, "nested too deep"),
    ],
)
def test_what_is_not_json_is_an_error(body, words, window):
    file = JsonFile(io.BytesIO(body), "e", window)
    with pytest.raises(lds.ReadError, match=words):
        elements(file, file.outline().array)
