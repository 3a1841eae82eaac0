"""Pascal VOC, COCO panoptic, and HuggingFace: read back by readers of the tests' own, and by the libraries."""

from __future__ import annotations

import json
import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from shapes_of import read

import labellerr_ds as lds
from labellerr_ds.shapes.rle import rle_to_mask


@pytest.fixture(scope="module")
def exported(serve, tmp_path_factory):
    sandbox = serve()
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    dataset = lds.export_dataset(project, "all", progress=False)
    folder = tmp_path_factory.mktemp("images")
    dataset.download_images(folder, progress=False)
    return dataset, folder


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        yield


def test_voc_has_the_pixels_that_each_box_touches_counted_from_one(tmp_path):
    told = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}],
        "categories": [{"id": 1, "name": "a <b> & \x01c"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 60, 40]},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [10.25, 5.5, 4.5, 3]},
            {"id": 3, "image_id": 1, "category_id": 1, "bbox": [50, 30, 30, 30]},
        ],
    }
    result = read(tmp_path, told).to_pascal_voc(tmp_path / "voc")
    root = ElementTree.parse(tmp_path / "voc" / "Annotations" / "a.xml").getroot()
    boxes = [[int(box.find(side).text) for side in ("xmin", "ymin", "xmax", "ymax")] for box in root.iter("bndbox")]
    assert boxes == [[1, 1, 60, 40], [11, 6, 15, 9], [51, 31, 60, 40]]
    assert [each.text for each in root.iter("truncated")] == ["0", "0", "1"]
    assert root.find("object/name").text == "a <b> &  c"
    assert root.find("size/width").text == "60"
    assert (tmp_path / "voc" / "ImageSets" / "Main" / "train.txt").read_text() == "a\n"
    assert (result.images, result.annotations) == (1, 3)


def test_panoptic_has_each_visible_segment_with_its_pixels(exported, tmp_path):
    dataset, _ = exported
    result = dataset.to_panoptic(tmp_path / "panoptic", order="large_first")
    told = json.loads((tmp_path / "panoptic" / "panoptic_train.json").read_text())
    names = {each["id"]: each["name"] for each in told["categories"]}
    seen = 0
    for annotation in told["annotations"]:
        colors = np.asarray(Image.open(tmp_path / "panoptic" / "panoptic_train" / annotation["file_name"]), dtype=int)
        ids = colors[..., 0] + 256 * colors[..., 1] + 65536 * colors[..., 2]
        assert set(np.unique(ids)) - {0} == {each["id"] for each in annotation["segments_info"]}
        for segment in annotation["segments_info"]:
            mask = ids == segment["id"]
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            assert segment["area"] == mask.sum()
            assert segment["bbox"] == [
                columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1,
            ]  # fmt: skip
            assert names[segment["category_id"]] in set(dataset.categories["name"])
            seen += 1
    assert seen == result.annotations


def test_an_image_folder_has_a_row_for_each_image(exported, tmp_path):
    dataset, images = exported
    result = dataset.to_huggingface(tmp_path / "hf", images=images, split=dataset.split())
    rows = [
        json.loads(line)
        for path in (tmp_path / "hf").glob("*/metadata.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert len(rows) == result.images
    assert sum(len(row["objects"]["bbox"]) for row in rows) == result.annotations
    assert len(list((tmp_path / "hf").rglob("*.jpg"))) + len(list((tmp_path / "hf").rglob("*.png"))) == len(rows)
    boxes = dataset.annotations.set_index("annotation_id")
    for row in rows:
        for row_id, box, name in zip(
            row["objects"]["id"], row["objects"]["bbox"], row["objects"]["category"], strict=True
        ):
            assert box[0] == boxes.loc[row_id, "bbox_x"]
            assert name == boxes.loc[row_id, "category"]


def test_parquet_holds_the_images_and_the_classes(exported, tmp_path):
    dataset, images = exported
    result = dataset.to_huggingface(tmp_path / "hf", form="parquet", images=images)
    (path,) = (tmp_path / "hf" / "data").iterdir()
    table = pq.read_table(path)
    assert table.num_rows == result.images
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    names = features["objects"]["category"]["feature"]["names"]
    row = next(row for row in table.to_pylist() if row["objects"]["id"])
    told = dataset.annotations.set_index("annotation_id").loc[row["objects"]["id"][0]]
    assert names[row["objects"]["category"][0]] == told["category"]
    assert row["image"]["bytes"][:2] in (b"\xff\xd8", b"\x89P")


def test_images_that_are_not_there_are_told(exported, tmp_path):
    dataset, _ = exported
    result = dataset.to_huggingface(tmp_path / "hf", images={})
    assert result.images == 0
    assert (result.left_out["reason"].str.contains("not there")).any()
    with pytest.raises(lds.InvalidArgumentError, match="holds the images"):
        dataset.to_huggingface(tmp_path / "other")
    with pytest.raises(lds.InvalidArgumentError, match="form must be"):
        dataset.to_huggingface(tmp_path / "other", form="csv", images={})


def test_without_the_library_it_says_how_to_install_it(exported, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(lds.MissingExtraError, match="pip install datasets"):
        exported[0].to_huggingface()


def test_the_result_is_a_path_and_shows_its_counts(exported, tmp_path):
    import os

    result = exported[0].to_yolo(tmp_path / "yolo")
    assert os.fspath(result) == str(tmp_path / "yolo")
    assert f"{result.images} images" in repr(result)
    assert rle_to_mask({"size": [1, 1], "counts": [0, 1]}).all()
