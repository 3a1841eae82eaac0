"""What a notebook prints of each of our objects."""

from __future__ import annotations

import pytest

import labellerr_ds as lds
from labellerr_ds.core.card import card, counted


@pytest.mark.filterwarnings("ignore::labellerr_ds.LabellerrWarning")
def test_each_object_says_what_is_in_it_and_what_comes_next(client, project, tmp_path):
    dataset = lds.export_dataset(project, "all", progress=False)
    changed = dataset.annotations.iloc[:-40]
    shown = {
        "dataset": dataset,
        "project": project,
        "job": lds.create_export(project, ["accepted"]),
        "written": dataset.to_yolo(tmp_path / "yolo"),
        "split": dataset.split(0.7, 0.2, 0.1),
        "comparison": lds.compare(dataset.annotations, changed),
    }
    told = {name: each._repr_html_() for name, each in shown.items()}
    assert "next: <code>" in told["dataset"]
    assert f"{len(dataset):,}: " in told["dataset"]
    assert project.project_id in told["project"]
    assert shown["job"].report_id in told["job"]
    assert "accepted" in told["job"]
    assert "left out" in told["written"]
    assert "train" in told["split"]
    assert "removed 40" in told["comparison"]
    for text in told.values():
        assert "http" not in text.replace(client.base_url, "")  # nothing is asked of another host
        assert "<script" not in text
        assert "text-align:left" in text


def test_looking_at_a_project_asks_the_service_nothing(client):
    assert "nowhere" in client.project("nowhere")._repr_html_()


def test_names_are_text():
    assert "<img" not in card("<img src=x>", [("<b>", "<i>")], then="<u>")
    assert "<b>" not in card("a", [("<b>", "c")])
    assert counted([("car", 3), ("tree", 0)]) == "car 3"
    assert counted([(number, 1) for number in range(10)], 2) == "0 1, 1 1, and 8 more"
