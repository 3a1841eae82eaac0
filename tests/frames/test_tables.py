"""Tables: frames to Arrow and back."""

from __future__ import annotations

import pandas as pd
import pytest

from labellerr_ds.frames import schema, tables


@pytest.mark.parametrize("name", schema.TABLES)
def test_a_frame_of_missing_values_comes_back_equal(name):
    frame = schema.build(name, {}, 2)
    pd.testing.assert_frame_equal(tables.to_frame(tables.from_frame(frame, name), name), frame)


def test_times_unknown_statuses_and_json_come_back_equal():
    frame = schema.build("files", {"status": ["odd", "none"], "created_at": [1, None], "extra": ["{}", None]}, 2)
    pd.testing.assert_frame_equal(tables.to_frame(tables.from_frame(frame, "files"), "files"), frame)


@pytest.mark.parametrize("name", schema.TABLES)
def test_a_table_of_no_rows_has_the_columns_of_the_schema(name):
    empty = tables.empty(name)
    assert empty.column_names == [column.name for column in schema.TABLES[name]]
    pd.testing.assert_frame_equal(tables.to_frame(empty, name), schema.empty(name))


def test_a_column_of_another_length_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="expected 2 rows, got 1"):
        tables.table("files", {"file_id": ["a"]}, 2)
