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

import random
import time
from datetime import datetime, timezone

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.core import vendor
from labellerr_ds.sandbox import VARIANTS, scene
from labellerr_ds.shapes.rle import rle_to_mask

FILES = [
    "file_id", "file_name", "status", "label_state", "width", "height", "file_format", "file_size_mb", "remarks",
    "created_at", "annotation_count",
]  # fmt: skip
BOX = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]
NOT_IN_COCO = {"file_size_mb", "annotation_count", "label_state"}
PLAIN_LACKS = {"file_id", "status", "remarks", "label_state"}
ONE_BY_ONE = [name for names in VARIANTS.values() for name in names]
FORMATS = ("json", "csv", "coco_json", "png")
PAIRS_PER_FORMAT = 12
PIXELS = 1e-9
"""How much coordinates with the noise of real exports may differ."""


def pairs(form: str) -> list[str]:
    """Pairs of variants that do not exclude each other, drawn at random and the same in each run."""
    rng = random.Random(form)
    rows = [rng.sample(sorted(VARIANTS), 2) for _ in range(PAIRS_PER_FORMAT)]
    return [",".join(rng.choice(VARIANTS[row]) for row in both) for both in rows]


def tried(form: str) -> list[str]:
    return ["", "contributor-key", *ONE_BY_ONE, *pairs(form)]


def plain(values: pd.Series) -> list[object]:
    """Values with None for what is missing, so that frames of two origins compare by value."""
    return [None if not isinstance(value, list | dict) and pd.isna(value) else value for value in values.tolist()]


def assert_equal(ours: pd.DataFrame, theirs: pd.DataFrame, columns: list[str], exact: bool) -> None:
    """Equal values; without `exact`, coordinates may differ by `PIXELS`."""
    for name in columns:
        a, b = plain(ours[name]), plain(theirs[name])
        if not exact and name in (*BOX, "area", "segmentation"):
            assert close(a, b), name
        else:
            assert a == b, name


def close(a: object, b: object) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b) <= PIXELS * max(1.0, abs(b) / 1e4)  # an area has more digits before its point
    return a == b


def exported(sandbox, place: int, form: str, statuses="all", **more) -> lds.Dataset:
    client = lds.Client.sandbox(sandbox)
    return lds.export_dataset(client.project(sandbox.project_ids[place]), statuses, format=form, progress=False, **more)


def exported_with_truth(sandbox, place: int, form: str) -> tuple[lds.Dataset, dict[str, pd.DataFrame]]:
    """All files of a project, and what the sandbox holds; without the files that the service refuses to export."""
    truth = sandbox.truth(sandbox.project_ids[place])
    if "null-refused" not in sandbox.variants:
        return exported(sandbox, place, form), truth
    with pytest.warns(lds.LabellerrWarning, match="refused the files without a status"):
        dataset = exported(sandbox, place, form)
    for name in ("files", "annotations"):
        truth[name] = truth[name][truth[name]["status"] != "none"].reset_index(drop=True)
    return dataset, truth


@pytest.mark.parametrize("place", range(4), ids=["street", "traffic", "reviews", "calls"])
@pytest.mark.parametrize(("form", "variant"), [(form, each) for form in ("json", "csv") for each in tried(form)])
def test_json_and_csv_carry_everything(serve, form, variant, place):
    sandbox = serve(variant)
    dataset, truth = exported_with_truth(sandbox, place, form)
    exact = "quarters" in variant
    assert_equal(dataset.files, truth["files"], FILES, exact)
    assert_equal(dataset.annotations, truth["annotations"], list(truth["annotations"].columns), exact)
    assert_equal(dataset.categories, truth["categories"], list(truth["categories"].columns), exact)
    assert dataset.issues.empty


@pytest.mark.parametrize("variant", [*tried("coco_json"), "coco-turned,rotation-ccw,ids-plain,parts,quarters"])
def test_coco_json_carries_the_shapes_of_images(serve, variant):
    sandbox, exact = serve(variant), "quarters" in variant
    dataset, truth = exported_with_truth(sandbox, 0, "coco_json")
    told = truth["annotations"]
    told = told[told["type"].isin(["bbox", "polygon", "point"])].reset_index(drop=True)
    lacks = NOT_IN_COCO | (PLAIN_LACKS if "ids-plain" in variant else set())
    assert_equal(dataset.files, truth["files"], [name for name in FILES if name not in lacks], exact)
    assert dataset.annotations["file_name"].tolist() == told["file_name"].tolist()
    assert dataset.issues.empty

    columns = ["category", *BOX, "area", "image_width", "image_height", "attributes"]
    if "ids-plain" not in variant:
        columns += ["file_id", "status", "question_id", "category_id"]
    if "coco-turned" in variant:
        told, exact = _turned(told, -1 if "rotation-ccw" in variant else 1), False
    assert_equal(dataset.annotations, told, columns, exact)
    turned = told["segmentation"].notna() & (told["type"] == "bbox")
    told.loc[turned, "type"] = "polygon"
    annotations = dataset.annotations
    if "boxes-corners" in variant:
        boxes = told["type"] == "bbox"
        rings = annotations[boxes]["segmentation"]
        assert set(annotations["type"]) == {"polygon", "point"}
        assert all(len(shape) == 1 and len(shape[0]) == 8 for shape in rings)
        annotations, told = annotations[~boxes], told[~boxes]
    assert_equal(annotations, told, ["type", "segmentation"], exact)
    if "ids-plain" not in variant:
        own = ~told["annotation_id"].str.contains("/")
        assert_equal(annotations[own], told[own], ["annotation_id"], exact)


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


@pytest.mark.parametrize("variant", [*tried("png"), "png-class,parts,body-zip-folder", "png-turned,rotation-ccw"])
def test_png_carries_the_pixels_of_each_file_and_class(serve, variant):
    sandbox = serve(variant)
    dataset, truth = exported_with_truth(sandbox, 0, "png")
    files = truth["files"]
    masks, classes = sandbox.masks(sandbox.project_ids[0]), sandbox.mask_classes(sandbox.project_ids[0])
    stems = files["file_name"].str.replace(r"^.*/", "", regex=True).str.rsplit(".", n=1).str[0]
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
        if index and file_id in keys
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


def test_all_fifteen_statuses_are_among_the_files(sandbox):
    statuses = sandbox.truth(sandbox.project_ids[0])["files"]["status"]
    assert set(statuses) == {status.value for status in lds.FileStatus}


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
        for file_id, mask in zip(rows["file_id"], rows.labellerr.masks(rotated=turned), strict=True):
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
