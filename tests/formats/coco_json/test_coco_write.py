"""COCO out: without loss, and as pycocotools takes it."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labellerr_ds as lds
from labellerr_ds.shapes.rle import mask_to_rle

SAMPLES = pathlib.Path(__file__).parents[2] / "samples"
HAND = pathlib.Path(__file__).parents[2] / "hand"


def test_the_coco_sample_is_written_back_without_loss(tmp_path):
    path = lds.read_export(SAMPLES / "coco_client_review.json").to_coco_json(tmp_path / "back.json", archive=True)
    assert json.loads(path.read_text()) == json.loads((SAMPLES / "coco_client_review.json").read_text())


def test_the_native_sample_is_written_and_read_back_without_loss(tmp_path):
    dataset = lds.read_export(SAMPLES / "native_review.json")
    back = lds.read_export(dataset.to_coco_json(tmp_path / "back.json", archive=True))
    pd.testing.assert_frame_equal(back.files.drop(columns="coco_id"), dataset.files.drop(columns="coco_id"))
    assert back.files["coco_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert back.issues.empty


def test_fields_that_the_schema_does_not_name_come_back(tmp_path):
    told = json.loads((SAMPLES / "coco_client_review.json").read_text())
    told["images"][0]["weather"] = {"sky": ["blue", 1.5]}
    told["annotations"][0]["score"] = 0.25
    told["annotations"][1]["segmentation"] = {"size": [3647, 2663], "counts": [9711958, 3]}
    told["categories"][0]["zorp"] = None
    told["videos"] = [{"id": 3}]
    (tmp_path / "odd.json").write_text(json.dumps(told))
    with pytest.warns(lds.LabellerrWarning, match="4 values under unknown keys"):
        dataset = lds.read_export(tmp_path / "odd.json")
    assert json.loads(dataset.to_coco_json(tmp_path / "back.json", archive=True).read_text()) == told


@pytest.mark.parametrize("variant", ["", "ids-one", "ids-plain", "boxes-corners"])
def test_an_export_read_and_written_is_the_same_by_value(serve, tmp_path, variant):
    sandbox = serve(variant)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    dataset = lds.export_dataset(project, "all", format="coco_json", download_to=tmp_path / "served", progress=False)
    (served,) = (tmp_path / "served").iterdir()
    theirs, ours = (
        json.loads(served.read_text()),
        json.loads(dataset.to_coco_json(tmp_path / "ours.json", archive=True).read_text()),
    )
    for category in ours["categories"]:
        category.pop("labellerr_question_type", None)  # the template's
    assert "contributor" not in ours["info"]
    del theirs["info"]["contributor"]  # the key of the caller
    for annotation in [*ours["annotations"], *theirs["annotations"]]:
        if annotation.get("segmentation") in ([], [[]]):
            del annotation["segmentation"]  # two forms of none
    for annotation in ours["annotations"]:
        if "keypoints" in annotation:
            del annotation["bbox"]  # of a point: of size 0
    if variant == "ids-plain":
        for category in theirs["categories"]:
            del category["attributes"]
    assert ours == theirs


def test_the_object_is_what_pycocotools_reads_from_the_file(tmp_path):
    from pycocotools.coco import COCO

    dataset = lds.read_export(HAND / "coco.coco.json")
    ours = dataset.to_coco(negatives="all")
    theirs = COCO(str(dataset.to_coco_json(tmp_path / "back.json", archive=True)))
    assert ours.getImgIds() == theirs.getImgIds()
    assert [ours.original_ids[number] for number in ours.getAnnIds()] == theirs.getAnnIds()
    assert ours.getCatIds() == theirs.getCatIds()
    for number in (1, 2, 3):
        mask = ours.annToMask(ours.anns[number])
        assert (mask == theirs.annToMask(theirs.anns[ours.original_ids[number]])).all()
        assert mask.any()


def evaluated(coco, kind: str) -> float:
    """AP of a dataset against itself."""
    from pycocotools.cocoeval import COCOeval

    results = []
    for annotation in coco.dataset["annotations"]:
        told = {"image_id": annotation["image_id"], "category_id": annotation["category_id"], "score": 0.9}
        if kind == "segm":
            results.append({**told, "segmentation": coco.annToRLE(annotation)})
        else:
            results.append({**told, "bbox": annotation["bbox"]})
    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(coco, coco.loadRes(results), kind)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return float(run.stats[0])


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_dataset_against_itself_has_an_ap_of_one(tmp_path, kind, first):
    """Ids from 0, rings, several parts, both kinds of RLE, boxes alone, and crowds."""
    square = [10, 10, 40, 10, 40, 40, 10, 40]
    mask = np.zeros((80, 80), dtype=bool)
    mask[20:60, 30:50] = True
    runs = [60 * 80 + 10, 30, 50, 30, 50, 30, 80 * 80 - 60 * 80 - 200]
    told = {
        "images": [{"id": number, "width": 80, "height": 80, "file_name": f"{number}.jpg"} for number in range(3)],
        "categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}],
        "annotations": [
            {"image_id": 0, "category_id": 0, "segmentation": [square], "iscrowd": 0},
            {"image_id": 0, "category_id": 1, "segmentation": [square, [50, 50, 70, 50, 70, 70]], "iscrowd": 0},
            {"image_id": 1, "category_id": 0, "bbox": [5, 5, 30, 20], "area": 600, "segmentation": [], "iscrowd": 0},
            {"image_id": 1, "category_id": 1, "bbox": [35.5, 30.25, 20, 20], "iscrowd": 0},
            {"image_id": 1, "category_id": 1, "segmentation": {"size": [80, 80], "counts": runs}, "iscrowd": 1},
            {"image_id": 2, "category_id": 0, "segmentation": mask_to_rle(mask), "iscrowd": 0},
        ],
    }  # fmt: skip
    for number, annotation in enumerate(told["annotations"], start=first):
        annotation["id"] = number
    (tmp_path / "in.json").write_text(json.dumps(told))
    dataset = lds.read_export(tmp_path / "in.json")
    coco = dataset.to_coco()
    assert min(coco.getAnnIds()) == 1
    assert list(coco.original_ids.values()) == [each["id"] for each in told["annotations"]]
    assert evaluated(coco, kind) == pytest.approx(1.0)
    assert (
        json.loads(dataset.to_coco_json(tmp_path / "out.json", archive=True).read_text())["annotations"][0]["id"]
        == first
    )


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_dataset_of_the_sandbox_against_itself_has_an_ap_of_one(project):
    for form in ("json", "csv", "coco_json", "png"):  # points and lines as well
        coco = lds.export_to_coco(project, ["accepted", "review"], format=form, progress=False)
        assert evaluated(coco, "bbox") == evaluated(coco, "segm") == pytest.approx(1.0)


def test_areas_and_boxes_come_from_the_pixels_where_that_is_asked_for():
    dataset = lds.read_export(HAND / "coco.coco.json")
    told, computed = (dataset.to_coco(negatives="all", recompute=recompute) for recompute in (False, True))
    for number in told.getAnnIds():
        mask = computed.annToMask(computed.anns[number])
        assert computed.anns[number]["area"] == mask.sum()
    assert [each["area"] for each in told.anns.values()] != [each["area"] for each in computed.anns.values()]


def test_broken_rle_never_reaches_pycocotools(tmp_path):
    broken = {"size": [4, 4], "counts": [3]}
    told = {
        "images": [{"id": 0, "width": 4, "height": 4, "file_name": "a.jpg"}],
        "categories": [{"id": 0, "name": "a"}],
        "annotations": [
            {"id": 5, "image_id": 0, "category_id": 0, "bbox": [0, 0, 2, 2], "segmentation": broken},
        ],
    }  # fmt: skip
    (tmp_path / "in.json").write_text(json.dumps(told))
    with pytest.warns(lds.LabellerrWarning, match="bad_segmentation"):
        dataset = lds.read_export(tmp_path / "in.json")
    with pytest.warns(lds.LabellerrWarning, match="1 annotations have an RLE, a ring or keypoints that do not"):
        coco = dataset.to_coco()
    assert coco.annToMask(coco.anns[5]).sum() == 4
    assert json.loads(dataset.to_coco_json(tmp_path / "out.json", archive=True).read_text()) == told


def test_two_exports_that_use_an_id_twice_stay_apart(tmp_path):
    def one(name, *categories):
        told = {
            "images": [{"id": 1, "width": 20, "height": 20, "file_name": name}],
            "categories": [{"id": number, "name": each} for number, each in enumerate(categories, start=1)],
            "annotations": [
                {"id": number, "image_id": 1, "category_id": number, "bbox": [number, 1, 5, 5]}
                for number, _ in enumerate(categories, start=1)
            ],
        }
        (tmp_path / name).write_text(json.dumps(told))
        return lds.read_export(tmp_path / name)

    parts = [one("a.jpg", "car"), one("b.jpg", "person", "car")]
    with pytest.warns(lds.LabellerrWarning, match=r"reused_coco_id \(3\)"):
        both = lds.concat(parts)
    assert both.files["file_id"].tolist() == ["1", "1-2"]
    assert both.categories[["category_id", "name"]].values.tolist() == [["1", "car"], ["1-2", "person"], ["2", "car"]]
    coco = both.to_coco()
    found = [
        (coco.imgs[each["image_id"]]["file_name"], coco.cats[each["category_id"]]["name"])
        for each in coco.anns.values()
    ]
    assert found == [("a.jpg", "car"), ("b.jpg", "person"), ("b.jpg", "car")]
    assert list(coco.original_ids.values()) == [1, 1, 2]


def test_ids_from_one_where_they_are_asked_for(tmp_path):
    dataset = lds.read_export(SAMPLES / "coco_client_review.json")
    told = json.loads(dataset.to_coco_json(tmp_path / "one.json", archive=True, renumber=True).read_text())
    for name in ("images", "annotations", "categories"):
        assert [each["id"] for each in told[name]] == list(range(1, len(told[name]) + 1))
    again = lds.read_export(tmp_path / "one.json")
    pd.testing.assert_series_equal(again.annotations["category"], dataset.annotations["category"])
    assert again.annotations["file_name"].tolist() == dataset.annotations["file_name"].tolist()


def test_categories_of_one_name_become_one(project, tmp_path):
    dataset = lds.export_dataset(project, "all", format="coco_json", progress=False)
    assert dataset.categories["name"].duplicated().any()
    told = json.loads(dataset.to_coco_json(tmp_path / "one.json", negatives="all").read_text())
    names = {each["id"]: each["name"] for each in told["categories"]}
    assert len(set(names.values())) == len(names)
    assert [names[each["category_id"]] for each in told["annotations"]] == dataset.annotations["category"].tolist()


def test_keypoints_keep_their_skeleton(tmp_path):
    told = {
        "images": [{"id": 1, "width": 50, "height": 50, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "person", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": [3, 4, 2, 30, 20, 0]}],
    }
    (tmp_path / "in.json").write_text(json.dumps(told))
    coco = lds.read_export(tmp_path / "in.json").to_coco()
    assert coco.cats[1]["skeleton"] == [[1, 2]]
    assert coco.anns[1]["num_keypoints"] == 1
    assert coco.anns[1]["keypoints"] == [3, 4, 2, 30, 20, 0]


def test_other_formats_get_the_same_ids_each_time(project):
    first, second = (
        lds.export_dataset(project, ["accepted"], format="png", progress=False).to_coco() for _ in range(2)
    )
    assert first.getAnnIds() == second.getAnnIds()
    assert first.dataset["images"] == second.dataset["images"]


def test_building_the_object_prints_nothing(capsys):
    lds.read_export(HAND / "coco.coco.json").to_coco(negatives="all")
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
        lds.read_export(HAND / "coco.coco.json").to_coco_json(tmp_path / "nowhere" / "x.json", archive=True)
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
    assert json.loads(dataset.to_coco_json(folder / "out.json", archive=True).read_text()) == told
