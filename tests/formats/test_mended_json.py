"""What Python writes and JSON does not have: read, kept as far as it can be, and told."""

from __future__ import annotations

import json

import pytest

import labellerr_ds as lds

BOX = {"xmin": 1, "ymin": 1, "xmax": 5, "ymax": 5}


def file(number, answer=BOX, remarks=""):
    question = {"question_id": "q", "question_name": "car", "question_type": "BoundingBox"}
    return {
        "file_id": f"f{number}", "file_status": "accepted", "remarks": remarks,
        "latest_answer": [{**question, "answer": [{"answer_id": f"a{number}", "answer": answer}]}],
    }  # fmt: skip


def read(tmp_path, told):
    (tmp_path / "in.json").write_text(json.dumps(told))
    with pytest.warns(lds.LabellerrWarning, match="mended_json"):
        return lds.read_export(tmp_path / "in.json")


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_one_number_that_is_none_costs_no_other_file(tmp_path, odd):
    dataset = read(tmp_path, [file(0), file(1, {**BOX, "xmax": odd}), file(2)])
    assert dataset.annotations["file_id"].tolist() == ["f0", "f2"]
    assert json.loads(dataset.files["extra"][1])["latest_answer"][0]["answer"][0]["answer_id"] == "a1"
    mended = dataset.issues[dataset.issues["code"] == "mended_json"]
    assert mended[["table", "position"]].values.tolist() == [["files", 1]]


def test_half_of_a_surrogate_pair_costs_no_other_file(tmp_path):
    dataset = read(tmp_path, [file(0), file(1, remarks="a\ud800b"), file(2, remarks="é")])
    assert dataset.files["remarks"].tolist() == ["", "a\ufffdb", "é"]
    assert dataset.annotations["bbox_width"].tolist() == [4, 4, 4]


def test_a_number_that_is_none_in_coco_costs_no_other_annotation(tmp_path):
    told = {
        "images": [{"id": 1, "width": 9, "height": 9, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "area": area}
            for number, area in enumerate((4.0, float("nan"), 4.0))
        ],
    }
    dataset = read(tmp_path, told)
    assert dataset.annotations["area"].tolist() == [4, 4, 4]
    assert dataset.issues[["code", "table", "position"]].values.tolist() == [["mended_json", "annotations", 1]]


def test_what_is_no_json_even_for_python_is_refused_as_before(tmp_path):
    (tmp_path / "in.json").write_text('[{"file_id": "f", "remarks": nope}]')
    with pytest.raises(lds.ReadError, match="it is not JSON from byte"):
        lds.read_export(tmp_path / "in.json")


def test_strict_raises_for_it(tmp_path):
    (tmp_path / "in.json").write_text(json.dumps([file(0, {**BOX, "xmax": float("nan")})]))
    with pytest.raises(lds.ReadError, match="mended_json"):
        lds.read_export(tmp_path / "in.json", strict=True)
