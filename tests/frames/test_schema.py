"""The frames: the same columns and dtypes whatever came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labellerr_ds.core.models import FileStatus
from labellerr_ds.frames import schema

TEXT = "str" if pd.__version__ >= "3" else "string"


@pytest.mark.parametrize("table", schema.TABLES)
def test_no_rows_have_the_dtypes_of_some(table):
    empty, some = schema.empty(table), schema.build(table, {}, 3)
    assert list(empty.dtypes) == list(some.dtypes)
    assert empty.columns.tolist() == [column.name for column in schema.TABLES[table]]
    assert isinstance(some.index, pd.RangeIndex)


@pytest.mark.parametrize("table", schema.TABLES)
def test_what_is_not_there_is_missing_everywhere(table):
    some = schema.build(table, {}, 2)
    told = some.drop(columns="annotation_count", errors="ignore")
    assert told.isna().all(axis=None)


def test_the_dtypes_are_those_of_the_description():
    dtypes = schema.empty("annotations").dtypes
    assert str(dtypes["file_id"]) == TEXT
    assert str(dtypes["frame"]) == "Int64"
    assert str(dtypes["bbox_x"]) == "float64"
    assert str(dtypes["iscrowd"]) == "boolean"
    assert str(dtypes["segmentation"]) == "segmentation"
    assert str(dtypes["extra"]) == TEXT
    assert not dtypes["status"].ordered
    assert dtypes["type"].categories.tolist()[:2] == ["bbox", "polygon"]
    files = schema.empty("files").dtypes
    assert str(files["created_at"]) == "datetime64[ns, UTC]"
    assert str(files["annotation_count"]) == "int64"
    assert files["status"].categories.tolist() == [status.value for status in FileStatus]


def test_an_unknown_status_is_added_to_the_categories():
    status = schema.build("files", {"status": ["none", "odd", None]}, 3)["status"]
    assert status.tolist()[:2] == ["none", "odd"]
    assert status.cat.categories[-1] == "odd"
    codes, words = status.cat.codes.to_numpy(), status.cat.categories
    unlabelled, pre_labelled = (schema.LABEL_STATES.index(state) for state in ("unlabelled", "pre_labelled"))
    assert schema.label_states(codes, words, [0, 0, 0], np.full(3, True)).tolist() == [unlabelled, -1, -1]
    assert schema.label_states(codes, words, [1, 1, 1], np.full(3, False)).tolist() == [pre_labelled, -1, -1]


@pytest.mark.parametrize(
    ("status", "with_some", "without"),
    [
        ("none", "pre_labelled", "unlabelled"),
        ("assigned", "in_progress", "in_progress"),
        ("r_assigned", "in_review", "in_review"),
        ("accepted", "labelled", "negative"),
        ("client_rejected", "rejected", "rejected"),
        ("cr_critical", "skipped", "skipped"),
    ],
)
def test_what_having_no_annotation_means(status, with_some, without):
    codes = [schema.STATUSES.index(status)] * 2
    states = schema.label_states(np.array(codes), schema.STATUSES, [3, 0], np.array([False, True]))
    assert [schema.LABEL_STATES[state] for state in states] == [with_some, without]
    assert schema.label_states(np.array(codes), schema.STATUSES, [3, 0], np.array([False, False]))[1] == -1


def test_a_column_that_is_none_is_a_mistake_of_ours():
    with pytest.raises(KeyError, match="no columns of files"):
        schema.build("files", {"n_annotations": [1]}, 1)
