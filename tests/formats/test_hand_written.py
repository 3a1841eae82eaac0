"""What the readers take, pinned by files that no generator wrote, each with the expected rows beside it."""

from __future__ import annotations

import json
import pathlib

import pandas as pd
import pytest

import labellerr_ds as lds
from labellerr_ds.frames import schema

HAND = pathlib.Path(__file__).parents[1] / "hand"
QUESTIONS = sorted(path.stem for path in HAND.glob("*.json") if "." not in path.stem)
OF_THE_FILE = {"file_name", "status", "image_width", "image_height"}


def rows_of(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Each row's values, without what is missing."""
    rows = []
    for row in frame.drop(columns=list(OF_THE_FILE)).to_dict("records"):
        rows.append({key: value for key, value in row.items() if isinstance(value, list | dict) or not pd.isna(value)})
    return rows


def template(name: str) -> pd.DataFrame:
    kind = {"unanswered": "select"}.get(name, name.removeprefix("video_"))
    columns = {"category_id": ["q1", "q2"], "question_id": ["q1", "q2"], "name": ["thing", None]}
    return schema.build("categories", {**columns, "question_type": [kind, None]}, 2)


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_type_of_native_json(name):
    dataset = lds.read_export(HAND / f"{name}.json")
    assert rows_of(dataset.annotations) == json.loads((HAND / f"{name}.expected.json").read_text())
    assert dataset.issues.empty


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_type_in_a_csv_with_the_template(name):
    dataset = lds.read_export(HAND / f"{name}.csv", categories=template(name))
    expected = json.loads((HAND / f"{name}.expected.json").read_text())
    for row in expected:
        if row["question_id"] == "q2":  # this template knows the question, and not its name
            del row["category"]
    assert rows_of(dataset.annotations) == expected
    assert dataset.issues.empty


def test_the_file_of_both():
    for name in ("radio.json", "radio.csv"):
        dataset = lds.read_export(HAND / name, categories=template("radio") if name.endswith("csv") else None)
        file, rows = dataset.files.iloc[0], dataset.annotations
        assert file.iloc[:9].tolist() == ["a.jpg", "review", "in_review", len(rows), 100, 80, "jpg", 0.5, ""]
        assert file["file_id"] == "f1"
        assert file["created_at"] == pd.Timestamp(1758605248989, unit="ms", tz="UTC")


def test_each_shape_of_coco_json():
    dataset = lds.read_export(HAND / "coco.coco.json")
    assert rows_of(dataset.annotations) == json.loads((HAND / "coco.expected.json").read_text())
    assert dataset.files["label_state"].tolist() == ["labelled", "unlabelled"]
    assert dataset.files["file_format"].tolist() == ["jpg", "png"]
    assert dataset.files["coco_id"].tolist() == [0, 1]
    assert dataset.categories["color"].tolist()[0] == "#5f9ea0"
    assert json.loads(dataset.categories["extra"][3]) == {"keypoints": ["a", "b", "c"], "skeleton": [[1, 2]]}
    assert dataset.issues.empty
