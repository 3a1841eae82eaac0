"""Shapes at their edges: boxes without width, corners of one axis swapped, points with too many numbers."""

from __future__ import annotations

import json
import warnings

import pytest

import labellerr_ds as lds


def read(path, kind, answer, **more):
    question = {
        "question_id": "q",
        "question_name": "car",
        "question_type": kind,
        "answer": [{"answer": answer, **more}],
    }
    path.write_text(json.dumps([{"file_id": "f", "file_name": "a.jpg", "latest_answer": [question]}]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        return lds.read_export(path)


def box(x1, y1, x2, y2, **more):
    return {"xmin": x1, "ymin": y1, "xmax": x2, "ymax": y2, **more}


# an unknown key beside the answer takes the slow path
PATHS = pytest.mark.parametrize("more", [{}, {"unknown": 1}], ids=["fast path", "slow path"])


@PATHS
@pytest.mark.parametrize(
    ("corners", "expected", "is_swapped"),
    [
        ((5, 5, 5, 9), (5, 5, 0, 4), False),
        ((5, 5, 9, 5), (5, 5, 4, 0), False),
        ((9, 5, 5, 9), (5, 5, 4, 4), True),
        ((5, 9, 9, 5), (5, 5, 4, 4), True),
    ],
)
def test_corners_are_swapped_only_if_one_lies_before_the_other(tmp_path, corners, expected, is_swapped, more):
    dataset = read(tmp_path / "in.json", "BoundingBox", box(*corners), **more)
    row = dataset.annotations.iloc[0]
    assert tuple(row[["bbox_x", "bbox_y", "bbox_width", "bbox_height"]]) == expected
    assert row["area"] == expected[2] * expected[3]
    assert ("swapped_corners" in dataset.issues["code"].tolist()) == is_swapped


@PATHS
def test_a_point_has_one_point(tmp_path, more):
    points = [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    dataset = read(tmp_path / "in.json", "dot", points, **more)
    assert dataset.annotations.empty
    assert dataset.files["label_state"].isna().all()
