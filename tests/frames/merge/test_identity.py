"""Ids that are made where the export has none."""

from __future__ import annotations

import json

import pytest

import labellerr_ds as lds


def box(x):
    return {"xmin": x, "ymin": 2, "xmax": x + 5, "ymax": 9}


def file(name, own_id, x):
    """A file without an id: a box on two frames under an id of its own, and one without any."""
    things = [
        {"answer_id": own_id, "frames": {"0": {"answer": box(1)}, "7": {"answer": box(1)}}},
        {"answer": box(x)},
    ]
    return {
        "file_name": name, "file_status": "accepted",
        "latest_answer": [{"question_id": "car", "question_type": "BoundingBox", "answer": things}],
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*bad_row:labellerr_ds.LabellerrWarning")  # of files without an id
@pytest.mark.parametrize("x", [7, 8], ids=["equal boxes", "other boxes"])
def test_a_made_id_counts_over_the_whole_file_also_where_another_part_has_made_the_same(tmp_path, x):
    for name, part in {"0.json": file("a.jpg", "A", 7), "1.json": file("b.jpg", "B", x)}.items():
        (tmp_path / name).write_text(json.dumps([part]))
    ids = lds.read_export(tmp_path).annotations["annotation_id"].tolist()
    assert ids == ["A@0", "A@7", "row-0/car/2", "B@0", "B@7", "row-1/car/2"]
