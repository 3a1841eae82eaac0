"""check(): each problem found where it is, and only there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from shapes_of import read

import labellerr_ds as lds
from labellerr_ds.analysis import quality

GOOD = {"bbox": [5, 5, 20, 20], "category_id": 1}


def read_annotations(tmp_path, annotations):
    told = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80, "labellerr_file_id": "f"}],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "van"}],
        "annotations": [
            {"id": number, "image_id": 1, "iscrowd": 0, "labellerr_answer_id": f"a{number}", **each}
            for number, each in enumerate(annotations, start=1)
        ],
    }
    return read(tmp_path, told).annotations


def checked(tmp_path, annotations, **options):
    return read_annotations(tmp_path, annotations).labellerr.check(**options)


@pytest.mark.parametrize(
    ("problem", "bad"),
    [
        ("zero_area", {"segmentation": [[40, 40, 60, 40, 50, 40]], "bbox": [40, 40, 20, 9], "category_id": 1}),
        ("tiny", {"bbox": [40, 40, 1.5, 30], "category_id": 1}),
        ("outside_image", {"bbox": [90, 40, 30, 30], "category_id": 1}),
        ("outside_image", {"bbox": [-20, 40, 15, 30], "category_id": 1}),
        ("duplicate", GOOD),
        ("near_identical", {"bbox": [5, 5, 20.5, 20], "category_id": 1}),
        ("box_mask_mismatch", {"segmentation": [[40, 40, 60, 40, 60, 60]], "bbox": [30, 40, 30, 20], "category_id": 1}),
        ("broken_shape", {"segmentation": [[40, 40, 1e30, 40, 60, 60]], "bbox": [40, 40, 20, 20], "category_id": 1}),
    ],
)
def test_a_problem_is_found_where_it_is(tmp_path, problem, bad):
    told = checked(tmp_path, [GOOD, bad])
    found = told[told["problem"] == problem]
    assert found["row"].tolist() == [1]
    assert found["annotation_id"].tolist() == ["a2"]
    assert found["file_name"].tolist() == ["a.jpg"]
    assert not (told["row"] == 0).any()


def test_one_shape_in_two_spellings_of_json_is_a_duplicate(tmp_path):
    ring = {"segmentation": [[40, 40, 60, 40, 60, 60]], "bbox": [40, 40, 20, 20], "category_id": 1}
    annotations = read_annotations(tmp_path, [ring, ring])
    texts = ["[[40,40,60,40,60,60]]", "[[40, 40, 60, 40, 60, 60]]"]
    annotations["segmentation"] = annotations["segmentation"].array._from_sequence(texts)
    assert annotations.labellerr.check()["problem"].tolist() == ["duplicate"]


def test_a_frame_that_lost_the_dtype_of_its_shapes_is_checked_all_the_same(tmp_path):
    annotations = read_annotations(tmp_path, [GOOD, GOOD])
    annotations["segmentation"] = annotations["segmentation"].astype(object)
    assert annotations.labellerr.check()["problem"].tolist() == ["duplicate"]


def test_points_outside_are_found_and_any_index_will_do(tmp_path):
    told = checked(tmp_path, [GOOD, {"keypoints": [-50, 999, 2], "category_id": 1}])
    assert told[["problem", "row"]].to_numpy().tolist() == [["outside_image", 1]]
    frame = read(tmp_path, json.loads((tmp_path / "in.json").read_text())).annotations
    for index in ([0.5, 1.5], ["a", "b"]):
        assert frame.set_axis(index).labellerr.check()["row"].tolist() == index[1:]


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_an_unknown_class_is_found(tmp_path):
    told = checked(tmp_path, [GOOD, {**GOOD, "bbox": [50, 50, 9, 9], "category_id": 9}])
    assert told["problem"].tolist() == ["unknown_class"]
    assert told["category"].isna().all()


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_broken_rle_is_found_and_nothing_native_sees_it(tmp_path):
    told = checked(
        tmp_path, [{"segmentation": {"size": [80, 100], "counts": [3]}, "bbox": [0, 0, 9, 9], "category_id": 1}]
    )
    assert told["problem"].tolist() == ["broken_shape"]
    assert "runs sum to 3" in told["message"][0]


@pytest.mark.parametrize(
    "other",
    [{"bbox": [5, 5, 20, 20], "category_id": 2}, {"bbox": [30, 5, 20, 20], "category_id": 1}, {**GOOD, "iscrowd": 1}],
)
def test_what_is_no_problem_is_not_told(tmp_path, other):
    assert checked(tmp_path, [GOOD, other]).empty


def test_the_sandbox_is_clean_and_the_columns_are_there_for_no_rows(project):
    df = lds.export_to_dataframe(project, "all", progress=False)
    told = df.labellerr.check()
    assert set(told["problem"]) <= {"shared_name"}
    nothing = df.iloc[:0].labellerr.check()
    assert nothing.columns.tolist() == [
        "problem",
        "row",
        "annotation_id",
        "file_id",
        "file_name",
        "category",
        "message",
    ]
    assert nothing.dtypes.astype(str).tolist() == told.dtypes.astype(str).tolist()
    assert list(nothing["problem"].cat.categories) == list(quality.PROBLEMS)


def test_images_that_are_missing_odd_broken_or_alike_are_found(tmp_path):
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 255, (8, 10), dtype=np.uint8)).resize((100, 80))
    names = ["a", "b", "c", "d", "e"]
    told = {
        "images": [
            {"id": number, "file_name": f"{name}.png", "width": 100, "height": 80, "labellerr_file_id": name}
            for number, name in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 1, 9, 9]}],
    }
    (tmp_path / "told.json").write_text(json.dumps(told))
    dataset = lds.read_export(tmp_path / "told.json")
    folder = tmp_path / "images"
    folder.mkdir()
    picture.save(folder / "a.png")
    picture.point(lambda value: min(255, value + 2)).save(folder / "b.png")
    Image.fromarray(rng.integers(0, 255, (8, 10), dtype=np.uint8)).resize((50, 40)).save(folder / "c.png")
    (folder / "d.png").write_bytes(b"\x89PNG no")
    found = dataset.annotations.labellerr.check(files=dataset.files, images=folder)
    assert dict(zip(found["file_id"], found["problem"].astype(str), strict=True)) == {
        "b": "alike_images", "c": "image_size", "d": "unreadable_image", "e": "missing_image",
    }  # fmt: skip
    assert found["row"].isna().all()
