"""Classes renamed, merged and dropped; attributes and objects of others' making."""

from __future__ import annotations

import json
import sys
import types

import numpy as np
import pytest

import labellerr_ds as lds


@pytest.fixture
def dataset(project):
    return lds.export_dataset(project, "all", progress=False)


def test_classes_are_merged_and_dropped_with_the_answers_about_their_objects(dataset):
    made = dataset.remap({"car": "vehicle", "building": "vehicle", "pedestrian": None})
    before, after = dataset.annotations, made.annotations
    counts = before["category"].value_counts()
    assert after["category"].value_counts()["vehicle"] == counts["car"] + counts["building"]
    walkers = set(before.loc[before["category"] == "pedestrian", "annotation_id"])
    assert before["parent_id"].isin(walkers).any()
    assert not after["parent_id"].isin(walkers).any()
    assert not {"car", "building", "pedestrian"} & set(after["category"].cat.categories)
    assert not {"car", "building", "pedestrian"} & set(made.categories["name"])
    assert made.info["remapped"]["pedestrian"] == {"to": None, "annotations": int(counts["pedestrian"])}
    assert after.dtypes.astype(str).equals(before.dtypes.astype(str))
    sizes = after["file_id"].value_counts()
    assert made.files["annotation_count"].tolist() == [sizes.get(each, 0) for each in made.files["file_id"]]
    assert dataset.annotations is before  # the old one is as it was


def test_a_finished_file_that_had_nothing_else_is_a_negative(dataset):
    names = [name for name in dataset.categories["name"].dropna().unique() if name != "road"]
    made = dataset.remap(dict.fromkeys(names))
    left = made.files[(made.files["status"] == "accepted") & (made.files["annotation_count"] == 0)]
    assert len(left)
    assert set(left["label_state"]) == {"negative"}
    assert made.files["label_state"].dtype == dataset.files["label_state"].dtype


def test_nothing_changes_without_a_class(dataset):
    made = dataset.remap({})
    assert made.annotations.equals(dataset.annotations)
    assert made.files.equals(dataset.files)


def test_a_remapped_dataset_is_written_and_read(dataset, tmp_path):
    made = dataset.remap({"car": "vehicle"})
    assert lds.read_export(made.to_parquet(tmp_path / "kept")).annotations.equals(made.annotations)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ({"caar": "x"}, r"unknown class 'caar'; [\s\S]*did you mean 'car'"),
        ({"car": ""}, "must be a str, or None"),
        ({"car": 5}, "got 5"),
    ],
)
def test_what_is_no_class_is_refused(dataset, classes, words):
    with pytest.raises(lds.InvalidArgumentError, match=words):
        dataset.remap(classes)


def test_attributes_have_a_column_each(dataset):
    rows = dataset.annotations
    table = rows.labellerr.attributes()
    assert table.index.equals(rows.index)
    assert {"colour", "age", "truncated"} <= set(table.columns)
    for row, text in rows["attributes"].dropna().head(50).items():
        told = json.loads(text)
        pairs = told.items() if isinstance(told, dict) else [(each["name"], each["value"]) for each in told]
        for name, value in pairs:
            assert table.loc[row, name] == value


def test_detections_are_the_shapes_of_one_file(dataset, monkeypatch):
    made = {}
    monkeypatch.setitem(
        sys.modules, "supervision", types.SimpleNamespace(Detections=lambda **given: made.update(given))
    )
    rows = dataset.annotations
    file_id = rows.loc[rows["type"] == "polygon", "file_id"].iloc[0]
    mine = rows[(rows["file_id"] == file_id) & rows["type"].isin(["bbox", "polygon"])]
    rows.labellerr.detections(file_id)
    assert np.allclose(made["xyxy"], mine.labellerr.boxes("xyxy"))
    assert made["mask"].dtype == bool
    assert made["mask"].sum() == sum(mask.sum() for mask in mine.labellerr.masks())
    assert made["data"]["class_name"].tolist() == mine["category"].tolist()
    assert [rows["category"].cat.categories[code] for code in made["class_id"]] == mine["category"].tolist()
    with pytest.raises(lds.InvalidArgumentError, match="unknown file"):
        rows.labellerr.detections("nothing.jpg")
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(lds.MissingExtraError, match="pip install supervision"):
        rows.labellerr.detections(file_id)
