"""Answers as the labelling screen stores them: a label instead of a question, a rate instead of times."""

from __future__ import annotations

import json
import warnings

import pandas as pd
import pytest

import labellerr_ds as lds

BOX = {"xmin": 1, "ymin": 1, "xmax": 5, "ymax": 5}
SAMPLES = {"30": {"frame": 30, "answer": BOX}, "45": {"frame": 45, "answer": BOX, "timestamp": 1.25}}
OBJECT = {
    "label": "car", "option_type": "BoundingBox", "_id": "o1", "groupId": "g1", "attributes": [], "start": 0, "end": 2,
    "startFrame": 30, "fps": 15, "frames": SAMPLES,
}  # fmt: skip


def read(tmp_path, *answers, **more):
    path = tmp_path / "export.json"
    record = {"file_id": "f1", "file_name": "a.mp4", "file_status": "accepted", "latest_answer": list(answers), **more}
    path.write_text(json.dumps([record]))
    return lds.read_export(path)


def check(dataset):
    rows = dataset.annotations
    assert rows["category"].tolist() == ["car", "car"]
    assert rows["type"].tolist() == ["bbox", "bbox"]
    assert rows["annotation_id"].tolist() == ["o1@30", "o1@45"]
    assert rows["track_id"].tolist() == ["o1", "o1"]
    assert rows["time"].tolist() == [2.0, 1.25]  # frame / fps without a timestamp
    assert dataset.issues.empty


def test_an_object_without_a_question_has_the_class_of_its_label(tmp_path):
    dataset = read(tmp_path, OBJECT)
    check(dataset)
    assert json.loads(dataset.annotations["extra"][0])["groupId"] == "g1"
    assert dataset.categories["name"].tolist() == ["car"]


def test_objects_within_a_question_without_a_name_have_the_class_of_their_label(tmp_path):
    question = {"question_id": "q", "question_type": "BoundingBox", "answer": [OBJECT]}
    check(read(tmp_path, question))
    other = {**OBJECT, "label": "van", "_id": "o2"}
    dataset = read(tmp_path, {**question, "answer": [OBJECT, other]})
    assert dataset.annotations["category"].tolist() == ["car", "car", "van", "van"]
    assert dataset.categories["name"].tolist() == ["car", "van"]


def test_the_name_of_the_question_comes_before_the_label(tmp_path):
    question = {"question_id": "q", "question_name": "vehicle", "question_type": "BoundingBox", "answer": [OBJECT]}
    assert read(tmp_path, question).annotations["category"].tolist() == ["vehicle", "vehicle"]


@pytest.mark.parametrize(
    ("rate", "time"), [(15, 2.0), ("30", 1.0), (0, None), (-1, None), ("fast", None), (None, None)]
)
def test_the_time_of_a_frame_follows_from_its_rate(tmp_path, rate, time):
    sample = {"frame": 30, "answer": BOX, "fps": rate}
    item = {"answer_id": "a", "frames": {"30": sample}}
    question = {"question_id": "q", "question_name": "car", "question_type": "BoundingBox", "answer": [item]}
    (found,) = read(tmp_path, question).annotations["time"]
    assert (None if pd.isna(found) else found) == time


def test_a_file_of_pre_annotations_is_no_export_of_empty_files(tmp_path):
    """The format in which videos are uploaded: its labels are under another key."""
    upload = [{"file_name": "a.mp4", "annotations": [{"question_name": "car", "answer": [{"frames": SAMPLES}]}]}]
    (tmp_path / "video.json").write_text(json.dumps(upload))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = lds.read_export(tmp_path / "video.json")
    assert dataset.annotations.empty
    assert dataset.files["label_state"].isna().all()
    assert json.loads(dataset.files["extra"][0])["annotations"] == upload[0]["annotations"]
    assert not any("rows were kept" in str(warning.message) for warning in caught)
    assert ["unparsed_answer", "export"] in dataset.issues[["code", "table"]].values.tolist()
