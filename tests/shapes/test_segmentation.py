"""The dtype for shapes: pandas' own tests for extension arrays, and ours."""

from __future__ import annotations

import io
import json
import operator
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.tests.extension import base
from pandas.tests.extension.conftest import *  # noqa: F403  the fixtures that its tests ask for

from labellerr_ds.shapes.segmentation import SegmentationArray, SegmentationDtype, describe_shape

RINGS = [[0, 0, 4, 0, 4, 3], [9.5, 9, 12, 9, 12, 12]]
RLE = {"size": [7, 8], "counts": "61X13mN"}


def shapes(values: list[object]) -> pd.Series:
    return pd.Series(pd.array(values, dtype="segmentation"))


def line(length: int) -> list[float]:
    return [0.0, 0, length, 0.5]


@pytest.mark.filterwarnings("ignore:matching against an empty string")  # theirs, on pandas 2
class TestPandasOwn(base.ExtensionTests):
    """pandas' own tests; what is left out is named in LEFT_OUT, with the reason."""

    size = 10 if pd.__version__ >= "3" else 100  # what these tests ask for

    @pytest.fixture
    def dtype(self):
        return SegmentationDtype()

    @pytest.fixture
    def data(self):
        return SegmentationArray._from_sequence([line(columns) for columns in range(self.size)])

    @pytest.fixture
    def data_missing(self):
        return SegmentationArray._from_sequence([None, line(1)])

    @pytest.fixture
    def data_for_sorting(self):
        return SegmentationArray._from_sequence([line(2), line(3), line(1)])

    @pytest.fixture
    def data_missing_for_sorting(self):
        return SegmentationArray._from_sequence([line(2), None, line(1)])

    @pytest.fixture
    def data_for_grouping(self):
        b, a, c = line(2), line(1), line(3)
        return SegmentationArray._from_sequence([b, b, None, None, a, a, b, c])

    @pytest.fixture
    def na_value(self):
        return np.nan

    @pytest.fixture
    def invalid_scalar(self):
        return object()

    @pytest.fixture
    def box_in_series(self):
        return False  # a Series that is asked to hold a list at several places takes it for a sequence

    @pytest.fixture(params=[operator.eq, operator.ne])
    def comparison_op(self, request):
        return request.param  # Python orders lists; shapes have no order

    # pandas 2 keeps these fixtures where only its own tests find them
    @pytest.fixture(params=["__add__", "__rsub__", "__mul__", "__rtruediv__", "__mod__", "__pow__"])
    def all_arithmetic_operators(self, request):
        return request.param

    @pytest.fixture(params=["sum", "max", "mean", "std"])
    def all_numeric_reductions(self, request):
        return request.param

    @pytest.fixture(params=["all", "any"])
    def all_boolean_reductions(self, request):
        return request.param

    @pytest.fixture(params=["cumsum", "cummax"])
    def all_numeric_accumulations(self, request):
        return request.param

    @pytest.fixture(params=[None, lambda values: values])
    def sort_by_key(self, request):
        return request.param


COLLECTION = "pandas takes a list for a sequence, never for one value (its issue 33901)"
UNHASHABLE = "values are lists, which cannot be hashed"
UNORDERED = "shapes have no order"
TEXT = "as text a shape is its JSON, which is not what str() of a list gives"
LEFT_OUT = {
    "test_setitem_mask_broadcast": COLLECTION,
    "test_setitem_sequence_broadcasts": COLLECTION,
    "test_setitem_loc_scalar_mixed": COLLECTION,
    "test_setitem_loc_scalar_multiple_homogoneous": COLLECTION,
    "test_setitem_iloc_scalar_mixed": COLLECTION,
    "test_setitem_iloc_scalar_multiple_homogoneous": COLLECTION,
    "test_setitem_slice": COLLECTION,
    "test_setitem_loc_iloc_slice": COLLECTION,
    "test_setitem_2d_values": COLLECTION,
    "test_compare_scalar": COLLECTION,
    "test_arith_series_with_scalar": COLLECTION,
    "test_arith_frame_with_scalar": COLLECTION,
    "test_fillna_scalar": COLLECTION,
    "test_fillna_series": COLLECTION,
    "test_fillna_frame": COLLECTION,
    "test_fillna_limit_frame": COLLECTION,
    "test_fillna_limit_series": COLLECTION,
    "test_fillna_copy_frame": COLLECTION,
    "test_fillna_copy_series": COLLECTION,
    "test_fillna_no_op_returns_copy": COLLECTION,
    "test_shift_fill_value": COLLECTION,
    "test_series_constructor_scalar_with_index": COLLECTION,
    "test_from_dtype": COLLECTION,
    "test_where_series": COLLECTION,
    "test_groupby_extension_transform": UNHASHABLE,
    "test_groupby_extension_apply": UNHASHABLE,
    "test_sort_values_frame": UNHASHABLE,
    "test_searchsorted": UNORDERED,
    "test_combine_le": UNORDERED,
    "test_plot_on_y_axis": "a shape is no number",
    "test_astype_str": TEXT,
    "test_astype_string": TEXT,
    "test_readonly_propagates_to_numpy_array_method": "the conversion makes new values, never a view",
    "test_fillna_readonly": "memory is never written to, so there is nothing that copy=False could refuse",
}
if pd.__version__ < "3":
    LEFT_OUT["test_array_interface_copy"] = "pandas 2 asks for a warning where numpy 2 asks for an error"
for name in LEFT_OUT:
    setattr(TestPandasOwn, name, None)


class TestWhatWePromise:
    def test_a_value_comes_out_as_plain_lists_or_an_rle_with_text(self):
        column = shapes([RINGS, {"size": [7, 8], "counts": [6, 1, 40, 4, 5]}, None])
        assert column.iloc[0] == RINGS
        assert column.iloc[1] == RLE
        assert column.iloc[2] is np.nan

    def test_uncompressed_rle_stays_uncompressed_in_the_text(self):
        text = '{"size": [7, 8], "counts": [6, 1, 40, 4, 5]}'
        assert shapes([text]).astype(object).iloc[0] == RLE
        assert shapes([text]).array.texts().to_pylist() == [text]

    def test_bytes_and_numpy_are_taken(self):
        column = shapes([{"size": [7, 8], "counts": b"61X13mN"}, np.array([1.5, 2.0])])
        assert column.tolist() == [RLE, [1.5, 2.0]]

    @pytest.mark.parametrize("value", [3, object(), {1, 2}, True])
    def test_what_is_no_shape_is_refused(self, value):
        with pytest.raises(TypeError, match="a shape is a list"):
            shapes([value])

    def test_text_that_is_no_json_is_refused(self):
        with pytest.raises(ValueError, match="truncated"):
            shapes(["[[1, 2"])

    def test_the_repr_in_a_frame_is_short(self):
        frame = pd.DataFrame({"segmentation": shapes([RINGS, {"size": [4480, 6720], "counts": "0"}])})
        assert "polygon, 2 rings, 6 points" in repr(frame)
        assert "mask 4480 x 6720" in repr(frame)

    @pytest.mark.parametrize(
        ("value", "words"),
        [([[0, 0, 1, 1, 2, 2]], "polygon, 1 ring, 3 points"), ([1, 2], "2 numbers"), ({}, "mask")],
    )
    def test_each_kind_has_its_words(self, value, words):
        assert describe_shape(value) == words

    def test_masks_take_concat_and_copy(self):
        column = shapes([RINGS, None, RLE])
        assert column[np.array([True, False, True])].tolist() == [RINGS, RLE]
        assert column[pd.array([True, None, True], dtype="boolean")].tolist() == [RINGS, RLE]
        assert column.take([2, 0]).tolist() == [RLE, RINGS]
        assert pd.concat([column, column]).dtype == "segmentation"
        copy = column.copy()
        copy.iloc[0] = [1, 2]
        assert column.iloc[0] == RINGS

    def test_it_pickles(self):
        column = shapes([RINGS, None])
        pd.testing.assert_series_equal(pickle.loads(pickle.dumps(column)), column)

    def test_equality_and_duplicates_go_by_the_text(self):
        column = shapes([RINGS, RINGS, RLE, None])
        assert (column == column).tolist() == [True, True, True, False]
        assert column.duplicated().tolist() == [False, True, False, False]
        assert len(column.drop_duplicates()) == 3
        assert column.value_counts().iloc[0] == 2

    def test_csv_and_json_hold_the_shapes(self):
        frame = pd.DataFrame({"segmentation": shapes([RINGS, None])})
        read = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
        assert json.loads(read["segmentation"][0]) == RINGS
        assert pd.isna(read["segmentation"][1])
        assert json.loads(frame.to_json())["segmentation"]["0"] == RINGS

    def test_a_merge_keeps_the_dtype(self):
        frame = pd.DataFrame({"key": [1, 2], "segmentation": shapes([RINGS, RLE])})
        merged = frame.merge(pd.DataFrame({"key": [2, 3]}), how="right", on="key")
        assert merged["segmentation"].dtype == "segmentation"
        assert merged["segmentation"].iloc[0] == RLE

    def test_parquet_holds_plain_text_and_gives_the_dtype_back(self, tmp_path):
        frame = pd.DataFrame({"segmentation": shapes([RINGS, None, RLE])})
        frame.to_parquet(tmp_path / "shapes.parquet")
        stored = pa.parquet.read_table(tmp_path / "shapes.parquet").schema.field("segmentation").type
        assert pa.types.is_large_string(stored) or pa.types.is_string(stored)
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "shapes.parquet"), frame)


numbers = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.none() | st.lists(numbers) | st.lists(st.lists(numbers), min_size=1)))
def test_what_goes_in_comes_out(values):
    column = shapes(values)
    assert [None if value is np.nan else value for value in column] == values
