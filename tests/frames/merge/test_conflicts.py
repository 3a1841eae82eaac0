"""Parts that repeat rows: counts, positions of issues and generated ids follow from what stays."""

from __future__ import annotations

import json
import warnings

import pytest

import labellerr_ds as lds

RING = [{"x": 1, "y": 1}, {"x": 9, "y": 1}, {"x": 9, "y": 9}]


def file(file_id, *answers, **more):
    question = {"question_id": "q", "question_name": "car", "question_type": "polygon", "answer": list(answers)}
    return {"file_id": file_id, "file_name": f"{file_id}.jpg", "latest_answer": [question], **more}


def answer(answer_id=None, at=0, **more):
    ring = [{"x": point["x"] + at, "y": point["y"]} for point in RING]
    return {"answer": [ring], **({"answer_id": answer_id} if answer_id else {}), **more}


def read(folder, *parts):
    for number, part in enumerate(parts):
        (folder / f"{number}.json").write_text(json.dumps(part))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        return lds.read_export(folder)


def test_a_row_that_is_there_twice_counts_once(tmp_path):
    part = [file("f", answer("a"), answer("b", at=20))]
    dataset = read(tmp_path, part, part)
    assert dataset.annotations["annotation_id"].tolist() == ["a", "b"]
    assert dataset.files["annotation_count"].tolist() == [2]


def test_an_issue_after_a_dropped_row_has_the_row_that_stays(tmp_path):
    # "a" of the second part is dropped; "b" has the id of another shape, which is an issue at the row it ends at
    dataset = read(tmp_path, [file("f", answer("a"), answer("b"))], [file("f", answer("a"), answer("b", at=20))])
    issue = dataset.issues[dataset.issues["code"] == "duplicate_annotation_id"].iloc[0]
    assert dataset.annotations["annotation_id"].tolist() == ["a", "b", "b"]
    assert issue["position"] == 2


def test_generated_ids_count_from_zero_in_each_file(tmp_path):
    # an unknown key takes the slow path
    dataset = read(tmp_path, [file("f", answer(unknown=1), answer(at=20, unknown=1)), file("g", answer(unknown=1))])
    assert dataset.annotations["annotation_id"].tolist() == ["f/q/0", "f/q/1", "g/q/0"]


def test_an_id_of_the_service_that_begins_like_a_generated_one_stays(tmp_path):
    parts = [[file("f", answer("f/q/old"), answer())], [file("f", answer("f/q/new", at=20), answer(at=40))]]
    dataset = read(tmp_path, *parts)
    assert {"f/q/old", "f/q/new"} <= set(dataset.annotations["annotation_id"])
    assert dataset.annotations["annotation_id"].is_unique


def test_an_integer_beyond_64_bits_is_read_as_a_number(tmp_path):
    ring = [{"x": 2**70, "y": 1}, {"x": 9, "y": 1}, {"x": 9, "y": 9}]
    dataset = read(tmp_path, [file("f", {"answer": [ring], "unknown": 1})])
    assert dataset.annotations["segmentation"][0] == [[2.0**70, 1, 9, 1, 9, 9]]


def test_what_several_parts_report_of_one_row_is_one_issue(tmp_path):
    part = [file("f", answer("a"), file_metadata={"image_width": "wide"})]
    dataset = read(tmp_path, part, part)
    assert dataset.issues["code"].tolist() == ["not_a_number"]


def test_unknown_keys_are_counted_over_all_parts(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.json").write_text(json.dumps([file(f"f{number}", answer(f"a{number}"), owner="x")]))
    with pytest.warns(lds.LabellerrWarning, match=r"3 values under unknown keys .*'owner' \(3\)"):
        lds.read_export(tmp_path)
