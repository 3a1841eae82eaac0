"""Two exports whose numbers restart, and files of one name: nothing of one file lands in another's."""

from __future__ import annotations

import json
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.widgets.pages import Pages

WIDTH, HEIGHT = 200, 100
FILES = {"f1": "a.jpg", "f2": "b.jpg", "f3": "a.jpg", "f4": "A.png"}
LEFT = {"f1": 10, "f2": 50, "f3": 90, "f4": 130}  # where the square of each file lies


def shard(*file_ids, first=0):
    images = [
        {
            "id": number, "file_name": FILES[file_id], "width": WIDTH, "height": HEIGHT, "labellerr_file_id": file_id,
            "labellerr_file_status": "accepted",
        }
        for number, file_id in enumerate(file_ids, start=first)
    ]  # fmt: skip
    corners = [0, 20, 20, 20, 20, 40, 0, 40]
    squares = [
        {
            "id": number, "image_id": number, "category_id": 0, "iscrowd": 0, "area": 400,
            "bbox": [LEFT[file_id], 20, 20, 20], "labellerr_answer_id": f"answer-{file_id}",
            "segmentation": [[side + (place % 2 == 0) * LEFT[file_id] for place, side in enumerate(corners)]],
        }
        for number, file_id in enumerate(file_ids, start=first)
    ]  # fmt: skip
    return {"images": images, "annotations": squares, "categories": [{"id": 0, "name": "car"}]}


@pytest.fixture(params=["folder", "concat", "twice"])
def dataset(request, tmp_path):
    """Two shards that count from 0: in a folder, united, and united with an older export of the same files."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for name, told in (("1", shard("f1", "f2")), ("2", shard("f3", "f4"))):
        (folder / f"{name}.json").write_text(json.dumps(told))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)  # reused_coco_id
        if request.param == "folder":
            return lds.read_export(folder)
        parts = [lds.read_export(path) for path in sorted(folder.iterdir())]
        return lds.concat(parts if request.param == "concat" else [*parts, *reversed(parts)])


def of_coco(told):
    images = {each["id"]: each["labellerr_file_id"] for each in told["images"]}
    return {(images[each["image_id"]], each["bbox"][0]) for each in told["annotations"]}


EXPECTED = set(LEFT.items())


def test_in_the_frames(dataset):
    frame = dataset.annotations
    assert sorted(zip(frame["file_id"], frame["bbox_x"], strict=True)) == sorted(EXPECTED)


@pytest.mark.parametrize("archive", [False, True])
def test_in_coco(dataset, tmp_path, archive):
    assert of_coco(dataset.to_coco().dataset) == EXPECTED
    told = json.loads(dataset.to_coco_json(tmp_path / "c.json", archive=archive).read_text())
    assert of_coco(told) == EXPECTED
    if not archive:
        names = [each["file_name"].casefold().rpartition(".")[0] for each in told["images"]]
        assert len(set(names)) == 4


def test_in_yolo_and_voc(dataset, tmp_path):
    found = {}
    dataset.to_yolo(tmp_path / "yolo", task="detect")
    for path in (tmp_path / "yolo" / "labels").rglob("*.txt"):
        (line,) = path.read_text().splitlines()
        _, x, _, width, _ = map(float, line.split())
        found[path.stem] = round((x - width / 2) * WIDTH)
    dataset.to_pascal_voc(tmp_path / "voc")
    for path in (tmp_path / "voc" / "Annotations").iterdir():
        (xmin,) = ElementTree.parse(path).iter("xmin")
        assert found[path.stem] == int(xmin.text) - 1
    assert sorted(found.values()) == sorted(LEFT.values())
    assert {stem: found[stem] for stem in ("a", "b")} == {"a": 10, "b": 50}
    assert [left for stem, left in found.items() if "f3" in stem] == [90]
    assert [left for stem, left in found.items() if "f4" in stem] == [130]


def test_in_panoptic_and_huggingface(dataset, tmp_path):
    dataset.to_panoptic(tmp_path / "panoptic")
    told = json.loads((tmp_path / "panoptic" / "panoptic_train.json").read_text())
    images = {each["id"]: each["labellerr_file_id"] for each in told["images"]}
    for each in told["annotations"]:
        pixels = np.asarray(Image.open(tmp_path / "panoptic" / "panoptic_train" / each["file_name"])).any(axis=2)
        assert np.flatnonzero(pixels.any(axis=0))[0] == LEFT[images[each["image_id"]]]
    assert len(told["annotations"]) == 4
    pictures = {}
    for file_id, name in FILES.items():
        pictures[file_id] = tmp_path / f"{file_id}{name[-4:]}"
        Image.new("RGB", (WIDTH, HEIGHT), (LEFT[file_id], 0, 0)).save(pictures[file_id])
    dataset.to_huggingface(tmp_path / "hf", images=pictures)
    for line in (tmp_path / "hf" / "train" / "metadata.jsonl").read_text().splitlines():
        row = json.loads(line)
        red = np.asarray(Image.open(tmp_path / "hf" / "train" / row["file_name"]))[0, 0, 0]
        assert row["objects"]["bbox"][0][0] == LEFT[row["file_id"]] == pytest.approx(int(red), abs=3)


def test_in_a_split_a_comparison_and_the_viewer(dataset):
    split = dataset.split(train=0.5, val=0.5, test=0, seed=3)
    files = split.files.set_index("file_id")["split"]
    assert sorted(files.index) == sorted(FILES)
    for name in ("train", "val"):
        part = split[name]
        assert {*zip(part.annotations["file_id"], part.annotations["bbox_x"], strict=True)} == {
            pair for pair in EXPECTED if files[pair[0]] == name
        }
    told = lds.compare(dataset, dataset)
    assert set(told.annotations["change"]) == {"same"}
    assert len(told.annotations) == len(told.files) == 4
    pages = Pages(dataset, None, None)
    assert {(pages.file_id(page), *pages.frame(page)["bbox_x"]) for page in range(len(pages))} == EXPECTED


def test_an_old_and_a_new_export_of_a_file_keep_both_and_say_so(tmp_path):
    old, new = shard("f1"), shard("f1")
    new["annotations"][0]["bbox"] = [12, 20, 20, 20]
    del new["annotations"][0]["segmentation"]
    parts = []
    for told in (old, new):
        (tmp_path / "in.json").write_text(json.dumps(told))
        parts.append(lds.read_export(tmp_path / "in.json"))
    with pytest.warns(lds.LabellerrWarning, match="duplicate_annotation_id"):
        both = lds.concat(parts)
    assert len(both) == 1
    assert both.annotations["bbox_x"].tolist() == [10, 12]
    newest = lds.update(*parts)
    assert newest.annotations["bbox_x"].tolist() == [12]
