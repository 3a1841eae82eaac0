"""What comes back equals what the sandbox holds: each project, format and variant.

What each format cannot carry, and why:

========== =====================================================================================
json       when a file last changed (`updated_at`): no export file carries it
csv        the same
coco_json  the same; the file's size; answers to questions, polylines, children (`parent_id`);
           rotation; it is for images only. With `ids-plain` also the ids, statuses and remarks.
           With `boxes-corners` boxes are rings, so their type is `polygon`; with `coco-turned` the
           rotated ones are, turned
png        all but pixels: instances of one class are one, later answers lie over earlier, what
           lies wholly under others is gone; sizes, names' endings, remarks and times of files;
           statuses, but where one alone was asked for; images only
========== =====================================================================================
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import labellerr_ds as lds
from labellerr_ds import vendor
from labellerr_ds.sandbox import VARIANTS, scene
from labellerr_ds.shapes.rle import rle_to_mask

FILES = [
    "file_id", "file_name", "status", "label_state", "width", "height", "file_format", "file_size_mb", "remarks",
    "created_at", "annotation_count",
]  # fmt: skip
BOX = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]
NOT_IN_COCO = {"file_size_mb", "annotation_count", "label_state"}
PLAIN_LACKS = {"file_id", "status", "remarks", "label_state"}
COMMON = [
    "list",
    "list-flat",
    "list-404",
    "status-top",
    "status-null",
    "status-no-link",
    "link-text",
    "link-download-url",
]
COMMON += ["link-late", "body-zip", "body-zip-folder", "body-gzip", "parts", "since-inclusive"]
OF_ANSWERS = ["answers-question", "answers-dict", "values-list", "video-list"]
TOUCHES = {
    "json": ["", *COMMON[1:], *OF_ANSWERS],
    "csv": [
        "",
        "body-zip-folder",
        "body-gzip",
        "parts",
        *OF_ANSWERS,
        "csv-answers",
        "csv-bom-semicolon",
        "csv-answers,parts,answers-question",
        "csv-bom-semicolon,parts,body-zip",
    ],
    "coco_json": [
        "",
        "body-zip",
        "body-gzip",
        "parts",
        "ids-one",
        "ids-plain",
        "boxes-corners",
        "boxes-corners,ids-plain,parts",
        "coco-turned",
        "coco-turned,boxes-corners,rotation-ccw",
    ],
    "png": [
        "",
        "body-zip-folder",
        "body-gzip",
        "parts",
        *VARIANTS["png"],
        "png-class,parts,body-zip-folder",
        "png-turned",
        "png-turned,rotation-ccw",
    ],
}


def test_every_variant_is_tried():
    tried = {name for variants in TOUCHES.values() for each in variants for name in each.split(",") if name}
    tried |= {"empty-status", "empty-file"}  # in test_door.py
    tried |= {"status-untouched"}  # in mirror/test_mirror.py
    tried |= {"s3-plain", "s3-loose"}  # in test_s3_exports.py
    assert tried == {name for names in VARIANTS.values() for name in names}


def plain(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Objects with None for what is missing, so that frames of two makers compare by value."""
    told = {}
    for name in columns:
        values = frame[name].tolist()
        told[name] = [None if not isinstance(value, list | dict) and pd.isna(value) else value for value in values]
    return pd.DataFrame(told, dtype=object)


def assert_equal(ours: pd.DataFrame, theirs: pd.DataFrame, columns: list[str]) -> None:
    for name in columns:
        a, b = plain(ours, [name])[name].tolist(), plain(theirs, [name])[name].tolist()
        assert a == b, name


def exported(sandbox, place: int, form: str, statuses="all", **more) -> lds.Dataset:
    client = lds.Client.sandbox(sandbox)
    return lds.export_dataset(client.project(sandbox.project_ids[place]), statuses, format=form, progress=False, **more)


@pytest.mark.parametrize("place", range(4), ids=["street", "traffic", "reviews", "calls"])
@pytest.mark.parametrize(
    ("form", "variant"), [(form, variant) for form in ("json", "csv") for variant in TOUCHES[form]]
)
def test_json_and_csv_carry_everything(serve, form, variant, place):
    sandbox = serve(variant)
    truth = sandbox.truth(sandbox.project_ids[place])
    dataset = exported(sandbox, place, form)
    assert_equal(dataset.files, truth["files"], FILES)
    assert_equal(dataset.annotations, truth["annotations"], list(truth["annotations"].columns))
    assert_equal(dataset.categories, truth["categories"], list(truth["categories"].columns))
    assert dataset.issues.empty


@pytest.mark.parametrize("variant", TOUCHES["coco_json"])
def test_coco_json_carries_the_shapes_of_images(serve, variant):
    sandbox = serve(variant)
    truth = sandbox.truth(sandbox.project_ids[0])
    told = truth["annotations"]
    told = told[told["type"].isin(["bbox", "polygon", "point"])].reset_index(drop=True)
    dataset = exported(sandbox, 0, "coco_json")
    lacks = NOT_IN_COCO | (PLAIN_LACKS if "ids-plain" in variant else set())
    assert_equal(dataset.files, truth["files"], [name for name in FILES if name not in lacks])
    assert dataset.annotations["file_name"].tolist() == told["file_name"].tolist()

    columns = [
        "category",
        "bbox_x",
        "bbox_y",
        "bbox_width",
        "bbox_height",
        "area",
        "image_width",
        "image_height",
        "attributes",
    ]
    if "ids-plain" not in variant:
        columns += ["file_id", "status", "question_id", "category_id"]
    if "coco-turned" in variant:
        told = _turned(told, -1 if "rotation-ccw" in variant else 1)
    measures = [name for name in columns if name == "area" or name.startswith("bbox_")]
    np.testing.assert_allclose(dataset.annotations[measures], told[measures].astype(float), atol=1e-9)
    assert_equal(dataset.annotations, told, [name for name in columns if name not in measures])
    turned = told["segmentation"].notna() & (told["type"] == "bbox")
    rings = dataset.annotations.loc[turned, "segmentation"]
    assert np.allclose(rings.tolist(), told.loc[turned, "segmentation"].tolist()) or not turned.any()
    told.loc[turned, "type"] = "polygon"
    told.loc[turned, "segmentation"] = rings
    if "boxes-corners" in variant:
        assert set(dataset.annotations["type"]) == {"polygon", "point"}
        rings = dataset.annotations[told["type"] == "bbox"]["segmentation"]
        assert all(len(shape) == 1 and len(shape[0]) == 8 for shape in rings)
        dataset, told = dataset.annotations[told["type"] != "bbox"], told[told["type"] != "bbox"]
    else:
        dataset = dataset.annotations
    assert_equal(dataset, told, ["type", "segmentation"])
    if "ids-plain" not in variant:
        own = ~told["annotation_id"].str.contains("/")
        assert_equal(dataset[own], told[own], ["annotation_id"])


def _turned(told: pd.DataFrame, sense: int) -> pd.DataFrame:
    """The truth with the corners of rotated boxes in `segmentation`, and the boxes around them."""
    told = told.astype({name: object for name in told.columns if name == "segmentation"})
    for row in told.index[(told["type"] == "bbox") & (told["rotation"].fillna(0) != 0)]:
        x, y, width, height, angle = told.loc[row, [*BOX, "rotation"]]
        cos, sin = np.cos(np.deg2rad(sense * angle)), np.sin(np.deg2rad(sense * angle))
        away = np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2
        corners = away @ np.array([[cos, sin], [-sin, cos]]) + (x + width / 2, y + height / 2)
        low, high = corners.min(axis=0), corners.max(axis=0)
        told.loc[row, BOX] = [*low, *(high - low)]
        told.at[row, "segmentation"] = [corners.ravel().tolist()]
    return told


@pytest.mark.parametrize("variant", TOUCHES["png"])
def test_png_carries_the_pixels_of_each_file_and_class(serve, variant):
    sandbox = serve(variant)
    files = sandbox.truth(sandbox.project_ids[0])["files"]
    masks, classes = sandbox.masks(sandbox.project_ids[0]), sandbox.mask_classes(sandbox.project_ids[0])
    dataset = exported(sandbox, 0, "png")
    stems = files["file_name"].str.rsplit(".", n=1).str[0]
    keys = dict(
        zip(
            files["file_id"],
            files["file_id"].where(stems.duplicated(keep=False) | ("png-id" in variant), stems),
            strict=True,
        )
    )
    expected = {
        (keys[file_id], classes[index - 1]): labels == index
        for file_id, labels in masks.items()
        for index in np.unique(labels)
        if index
    }
    found = {
        (file_id, category): rle_to_mask(shape)
        for file_id, category, shape in dataset.annotations[["file_id", "category_id", "segmentation"]].to_numpy(
            dtype=object
        )
    }
    assert found.keys() == expected.keys()
    assert all((found[key] == expected[key]).all() for key in expected)
    areas = dict(zip(found, dataset.annotations["area"], strict=True))
    assert all(areas[key] == pixels.sum() for key, pixels in expected.items())
    only_some = "png-annotated" in variant or "png-class" in variant
    held = {key for key, _ in expected} if only_some else set(keys.values())
    assert set(dataset.files["file_id"]) == held
    assert dataset.issues.empty


@pytest.mark.parametrize("variant", ["", "rotation-ccw"])
def test_rotated_boxes_lie_on_the_picture_where_turned_says(serve, monkeypatch, tmp_path, variant):
    sandbox = serve(variant)
    monkeypatch.setattr(vendor, "ROTATION_SENSE", -1 if variant else 1)
    pink = (255, 0, 255)  # whatever is seen of things
    monkeypatch.setattr(scene, "finish", lambda picture, *_, **__: picture)
    paint = {name: lambda wide, high, _: Image.new("RGBA", (wide, high), (*pink, 255)) for name in scene.PAINTERS}
    monkeypatch.setattr(
        scene, "PAINTERS", {**paint, "road": scene.PAINTERS["road"], "building": scene.PAINTERS["building"]}
    )
    client = lds.Client.sandbox(sandbox)
    project = client.project(sandbox.project_ids[0])
    dataset = lds.export_dataset(project, "all", progress=False)
    rows = dataset.annotations
    rows = rows[(rows["type"] == "bbox") & (rows["rotation"] != 0)].head(12)
    assert len(rows) > 5
    images = {row.file_id: row.path for row in dataset.download_images(tmp_path, progress=False).itertuples()}
    shares = {True: [], False: []}
    for turned, seen in shares.items():
        for file_id, mask in zip(rows["file_id"], rows.labellerr.masks(turned=turned), strict=True):
            picture = np.asarray(Image.open(images[file_id]).convert("RGB")).astype(int)
            shown = np.abs(picture - pink).max(axis=2) < 60  # JPEG
            seen.append((shown & mask).sum() / mask.sum())
    assert np.mean(shares[True]) > np.mean(shares[False]) + 0.02
    assert np.median(shares[True]) > 0.9


def test_png_of_one_status_knows_the_status(sandbox):
    dataset = exported(sandbox, 0, "png", ["accepted"])
    assert set(dataset.files["status"]) == {"accepted"}


@pytest.mark.parametrize("form", ["coco_json", "png"])
def test_what_is_for_images_only_is_refused_for_others_with_the_services_words(sandbox, form):
    with pytest.raises(lds.ServiceError, match="not supported for video projects"):
        exported(sandbox, 1, form)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
@pytest.mark.parametrize("variant", ["", "since-inclusive"])
def test_since_gives_exactly_the_files_that_changed(serve, monkeypatch, form, zone, variant):
    sandbox = serve(variant)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        files = sandbox.truth(sandbox.project_ids[0])["files"]
        moment = files["updated_at"].sort_values().iloc[len(files) // 2]
        naive = datetime.fromtimestamp(moment.timestamp())
        after = files["updated_at"] >= moment if variant else files["updated_at"] > moment
        changed = files[after]
        for since in (naive, moment, moment.to_pydatetime(), moment.isoformat()):
            dataset = exported(sandbox, 0, form, since=since)
            if form == "png":
                assert len(dataset) == len(changed)
            else:
                assert dataset.files["file_id"].tolist() == changed["file_id"].tolist()
        assert dataset.info["since"] == datetime.fromtimestamp(moment.timestamp(), timezone.utc).isoformat()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_world_goes_on_and_increments_tell_what_changed(fresh):
    project_id = fresh.project_ids[0]
    before = fresh.truth(project_id)
    mark = fresh.now
    fresh.advance(days=5)
    after = fresh.truth(project_id)
    changed = exported(fresh, 0, "json", since=mark).files
    told = after["files"][after["files"]["updated_at"] > mark]
    assert changed["file_id"].tolist() == told["file_id"].tolist()
    assert set(before["files"]["file_id"]) - set(after["files"]["file_id"]) == set(after["deleted"]["file_id"])
