"""Tables to rows of a mirror and back, and the hash of what a row says."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import labellerr_ds as lds
from labellerr_ds.dataset.dataset import dataset_of_tables, tables_of_dataset
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import Tables, complete, table
from labellerr_ds.mirror.rows import rows_of, tables_of, tombstones

NOW = 1_764_000_000_000


def in_order(dataset):
    """Frames in the order that a mirror gives: files as they were created, annotations as they stand in them."""
    files = dataset.files.sort_values(["created_at", "file_id"], ignore_index=True)
    place = pd.Series(files.index, index=files["file_id"])
    by_file = dataset.annotations["file_id"].map(place)
    return files, dataset.annotations.iloc[by_file.argsort(kind="stable")].reset_index(drop=True)


def made_of(files, annotations=()):
    columns = {name: [each.get(name) for each in files] for name in ("file_id", "file_name", "status", "remarks")}
    rows = {name: [each.get(name) for each in annotations] for name in ("annotation_id", "file_id", "value", "area")}
    categories = complete("categories", table("categories", {}, 0))
    return Tables(
        complete("files", table("files", columns, len(files))),
        complete("annotations", table("annotations", rows, len(annotations))),
        categories,
        complete("issues", table("issues", {}, 0)),
    )


@pytest.mark.parametrize("name", ["Street scenes", "Traffic videos", "Product reviews", "Phone calls"])
def test_an_export_comes_back_from_rows_as_it_was(client, name):
    dataset = lds.export_dataset(client.project(name), "all", progress=False)
    tables = tables_of_dataset(dataset)
    back = dataset_of_tables(tables_of(rows_of(tables, NOW), tables.categories))
    files, annotations = in_order(dataset)
    pd.testing.assert_frame_equal(back.files, files)
    pd.testing.assert_frame_equal(back.annotations, annotations)


def test_issues_come_back_at_the_rows_that_they_are_about(tmp_path):
    bad = {"answer_id": "b", "answer": {"xmin": 9, "ymin": 2, "xmax": 1, "ymax": 5}}
    good = {"answer_id": "a", "answer": {"xmin": 1, "ymin": 2, "xmax": 4, "ymax": 5}}
    question = {"question_id": "q", "question_name": "car", "question_type": "BoundingBox"}
    files = [
        {"file_id": name, "file_name": f"{name}.jpg", "file_status": "review", "created_at": created}
        | {"latest_answer": [{**question, "answer": boxes}]}
        for name, created, boxes in (("late", 2000, [good]), ("early", 1000, [{**good, "answer_id": "c"}, bad]))
    ]
    (tmp_path / "export.json").write_bytes(json.dumps(files).encode())
    with pytest.warns(lds.LabellerrWarning, match="swapped_corners"):
        dataset = lds.read_export(tmp_path / "export.json")
    assert dataset.annotations["annotation_id"].tolist() == ["a", "c", "b"]
    tables = tables_of_dataset(dataset)
    back = dataset_of_tables(tables_of(rows_of(tables, NOW), tables.categories))
    assert back.annotations["annotation_id"].tolist() == ["c", "b", "a"]
    assert back.issues[["code", "id", "position"]].values.tolist() == [["swapped_corners", "early", 1]]


def test_of_records_with_one_id_the_last_is_the_row_with_the_annotations_of_all():
    records = [{"file_id": "f", "status": "review"}, {"file_id": "f", "status": "accepted"}, {"file_name": "no id"}]
    rows = rows_of(made_of(records, [{"annotation_id": "a", "file_id": "f"}, {"annotation_id": "lost"}]), NOW)
    assert rows.select(["file_id", "status"]).to_pylist() == [{"file_id": "f", "status": "accepted"}]
    assert [each["annotation_id"] for each in rows["annotations"][0].as_py()] == ["a"]


def test_a_tombstone_has_an_id_and_a_time_alone():
    (row,) = tombstones(["f"], NOW).to_pylist()
    assert {name for name, value in row.items() if value is not None} == {"file_id", "deleted_at"}


RECORD = st.fixed_dictionaries(
    {"remarks": st.none() | st.text(max_size=3), "status": st.sampled_from(schema.STATUSES)},
    optional={"answers": st.lists(st.tuples(st.text(max_size=2), st.none() | st.floats(allow_nan=False)), max_size=3)},
)


def hash_of(record):
    answers = [
        {"annotation_id": str(place), "file_id": "f", "value": value, "area": area}
        for place, (value, area) in enumerate(record.get("answers", ()))
    ]
    told = {"file_id": "f", "remarks": record["remarks"], "status": record["status"]}
    return rows_of(made_of([told], answers), NOW)["content_hash"][0].as_py()


@given(RECORD, RECORD)
def test_two_files_have_one_hash_only_where_they_say_the_same(one, other):
    told = [(each["remarks"], each["status"], each.get("answers", [])) for each in (one, other)]
    assert (hash_of(one) == hash_of(other)) == (told[0] == told[1])


def test_a_hash_does_not_depend_on_the_files_beside_it_nor_on_when_it_was_exported(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    whole = rows_of(tables_of_dataset(dataset), NOW)
    hashes = dict(zip(whole["file_id"].to_pylist(), whole["content_hash"].to_pylist(), strict=True))
    half = rows_of(tables_of_dataset(dataset.only(list(hashes)[::2])), NOW + 1)
    assert {name: hashes[name] for name in list(hashes)[::2]} == dict(
        zip(half["file_id"].to_pylist(), half["content_hash"].to_pylist(), strict=True)
    )


def test_a_hash_is_the_same_in_another_process():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom test_rows import hash_of\n"
        "print(hash_of({'remarks': 'ü', 'status': 'review', 'answers': [('x', 1.5)]}))"
    )
    here = str(pathlib.Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, here], capture_output=True, text=True, check=True)
    assert int(done.stdout) == hash_of({"remarks": "ü", "status": "review", "answers": [("x", 1.5)]})
