"""COCO out: without loss, and as pycocotools takes it."""

from __future__ import annotations

import json
import pathlib
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labellerr_ds as lds

SAMPLES = pathlib.Path(__file__).parent / "samples"
HAND = pathlib.Path(__file__).parent / "hand"


def test_the_coco_sample_is_written_back_without_loss(tmp_path):
    path = lds.read_export(SAMPLES / "coco_client_review.json").to_coco_json(tmp_path / "back.json")
    assert json.loads(path.read_text()) == json.loads((SAMPLES / "coco_client_review.json").read_text())


def test_the_native_sample_is_written_and_read_back_without_loss(tmp_path):
    dataset = lds.read_export(SAMPLES / "native_review.json")
    back = lds.read_export(dataset.to_coco_json(tmp_path / "back.json"))
    pd.testing.assert_frame_equal(back.files.drop(columns="coco_id"), dataset.files.drop(columns="coco_id"))
    assert back.files["coco_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert back.issues.empty


def test_fields_that_the_schema_does_not_name_come_back(tmp_path):
    told = json.loads((SAMPLES / "coco_client_review.json").read_text())
    told["images"][0]["weather"] = {"sky": ["blue", 1.5]}
    told["annotations"][0]["score"] = 0.25
    told["annotations"][1]["segmentation"] = {"size": [4480, 6720], "counts": [30105597, 3]}
    told["categories"][0]["zorp"] = None
    told["videos"] = [{"id": 3}]
    (tmp_path / "odd.json").write_text(json.dumps(told))
    with pytest.warns(lds.LabellerrWarning, match="4 values under keys"):
        dataset = lds.read_export(tmp_path / "odd.json")
    assert json.loads(dataset.to_coco_json(tmp_path / "back.json").read_text()) == told


@pytest.mark.parametrize("variant", ["", "ids-one", "ids-plain", "boxes-rings"])
def test_an_export_read_and_written_is_the_same_by_value(serve, tmp_path, variant):
    sandbox = serve(variant)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    dataset = lds.export_dataset(project, "all", format="coco_json", download_to=tmp_path / "served", progress=False)
    (served,) = (tmp_path / "served").iterdir()
    theirs, ours = json.loads(served.read_text()), json.loads(dataset.to_coco_json(tmp_path / "ours.json").read_text())
    for annotation in ours["annotations"]:
        if annotation.get("segmentation") == []:
            del annotation["segmentation"]  # COCO's form of a box has an empty one
        if "keypoints" in annotation:
            del annotation["bbox"]  # of a point: of size 0
    if variant == "ids-plain":
        for category in theirs["categories"]:
            del category["attributes"]
    assert ours == theirs


def test_the_object_is_what_pycocotools_reads_from_the_file(tmp_path):
    from pycocotools.coco import COCO

    dataset = lds.read_export(HAND / "coco.coco.json")
    ours = dataset.to_coco()
    theirs = COCO(str(dataset.to_coco_json(tmp_path / "back.json")))
    assert ours.getImgIds() == theirs.getImgIds()
    assert ours.getAnnIds() == theirs.getAnnIds()
    assert ours.getCatIds() == theirs.getCatIds()
    for number in (0, 1, 2):
        mask = ours.annToMask(ours.anns[number])
        assert (mask == theirs.annToMask(theirs.anns[number])).all()
        assert mask.any()


def test_building_the_object_prints_nothing(capsys):
    lds.read_export(HAND / "coco.coco.json").to_coco()
    assert capsys.readouterr().out == ""


def test_annotations_that_have_no_place_in_coco_are_counted(project):
    dataset = lds.export_dataset(project, ["accepted"], progress=False)
    left = (~dataset.annotations["type"].isin(["bbox", "polygon", "point", "polyline"])).sum()
    with pytest.warns(lds.LabellerrWarning, match=f"{left} of {len(dataset.annotations)} annotations"):
        coco = dataset.to_coco()
    assert len(coco.getAnnIds()) == len(dataset.annotations) - left
    assert len(coco.getImgIds()) == len(dataset)


def test_a_folder_that_is_not_there_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        lds.read_export(HAND / "coco.coco.json").to_coco_json(tmp_path / "nowhere" / "x.json")
    assert list(tmp_path.iterdir()) == []


boxes = st.fixed_dictionaries(
    {
        "image_id": st.integers(0, 2),
        "category_id": st.integers(0, 1),
        "bbox": st.lists(st.integers(0, 400).map(lambda number: number / 4), min_size=4, max_size=4),
        "area": st.floats(0, 1e6, allow_nan=False),
        "iscrowd": st.integers(0, 1),
        "segmentation": st.just([])
        | st.lists(st.lists(st.integers(0, 99), min_size=6, max_size=6), min_size=1, max_size=2),
    },
    optional={"attributes": st.just([]) | st.dictionaries(st.text(max_size=3), st.integers()), "zorp": st.integers()},
)


@settings(deadline=None)
@given(st.lists(boxes, max_size=5))
def test_any_coco_read_and_written_is_the_same_by_value(tmp_path_factory, annotations):
    folder = tmp_path_factory.mktemp("coco")
    told = {
        "images": [{"id": number, "width": 100, "height": 100, "file_name": f"{number}.jpg"} for number in range(3)],
        "annotations": [{"id": place, **annotation} for place, annotation in enumerate(annotations)],
        "categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "a"}],
    }
    (folder / "in.json").write_text(json.dumps(told))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset = lds.read_export(folder / "in.json")
    assert json.loads(dataset.to_coco_json(folder / "out.json").read_text()) == told
