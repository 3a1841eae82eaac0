"""An export in the shape of a real one: a box has one empty ring, a name is a path, a key is the contributor."""

from __future__ import annotations

import json
import pathlib
import warnings

import clusters
import pandas as pd
import pytest
from canary import leaks
from PIL import Image

import labellerr_ds as lds

pytestmark = clusters.MARKS
SAMPLE = pathlib.Path(__file__).parents[1] / "samples" / "coco_boxes_accepted.json"
KEY = "0a1b2c.3d4e5f60718293a4b5c6d7e8f9"
TYPES = ["polygon", "polygon", "bbox", "polygon", "polygon", "polygon"]


@pytest.fixture
def dataset():
    return lds.read_export(SAMPLE)


def same(one: lds.Dataset, other: lds.Dataset) -> None:
    for name in ("files", "annotations", "categories"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_dtype=True)


def test_a_box_with_one_empty_ring_is_a_box(dataset):
    box = dataset.annotations.iloc[2]
    assert dataset.annotations["type"].tolist() == TYPES
    assert box[["bbox_x", "bbox_y", "bbox_width", "bbox_height", "area"]].tolist() == [
        34.0132292832, 161.5909090909, 566.4802684135001, 208.63636363639998, 118188.38327356447,
    ]  # fmt: skip
    assert pd.isna(box["segmentation"])
    assert dataset.issues.empty
    assert dataset.annotations.labellerr.check().empty
    assert dataset.files["label_state"].tolist() == ["labelled"]


def test_the_converters_write_all_six_objects(dataset, tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (640, 480)).save(tmp_path / "images" / "car.jpg")
    for task in ("detect", "segment"):
        written = dataset.to_yolo(tmp_path / task, task=task, images=tmp_path / "images")
        (labels,) = (written.folder / "labels" / "train").glob("*.txt")
        assert len(labels.read_text().splitlines()) == written.annotations == 6
        assert written.left_out.empty  # its image was found by the end of its name
    written = dataset.to_pascal_voc(tmp_path / "voc")
    assert sum(path.read_text().count("<object>") for path in written.folder.rglob("*.xml")) == 6
    assert len(dataset.to_coco().anns) == 6
    assert len(json.loads(dataset.to_coco_json(tmp_path / "coco.json").read_text())["annotations"]) == 6
    assert dataset.to_huggingface(tmp_path / "huggingface", images=tmp_path / "images").annotations == 6


def test_a_panoptic_image_has_what_is_not_covered(dataset, tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="left out"):
        written = dataset.to_panoptic(tmp_path / "panoptic")
    assert written.annotations == 4
    left = written.left_out
    assert left["table"].tolist() == ["annotations"] * 2
    assert left["id"].isin(dataset.annotations["annotation_id"]).all()
    assert left["reason"].str.len().gt(0).all()


def test_every_way_to_read_it_reads_the_same(dataset, tmp_path):
    with lds.scan_export(SAMPLE) as scan:
        (part,) = scan
        same(part, dataset)
        same(lds.read_export(scan.to_parquet(tmp_path / "labels")), dataset)
    same(lds.update(dataset, lds.read_export(SAMPLE)), dataset)
    same(lds.concat([dataset, lds.read_export(SAMPLE)]), dataset)
    same(lds.read_export(dataset.to_coco_json(tmp_path / "archive.json", archive=True)), dataset)


def test_a_cluster_reads_the_same(dataset, cluster, tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "000.json").write_bytes(SAMPLE.read_bytes())
    rows = lds.read_exports_dask(tmp_path / "shards", client=cluster, progress=False).compute()
    assert rows["type"].tolist() == TYPES
    assert rows["bbox_width"].tolist() == dataset.annotations["bbox_width"].tolist()


def test_a_mirror_keeps_boxes_as_boxes(fresh, tmp_path):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    mirror = lds.Mirror(tmp_path / "mirror")
    mirror.sync(project, progress=False)
    truth = fresh.truth(fresh.project_ids[0])["annotations"]
    kept = mirror.dataset().annotations
    assert sorted(kept["type"]) == sorted(truth["type"])
    assert kept["segmentation"].isna().sum() == truth["segmentation"].isna().sum()


def written_texts(folder: pathlib.Path) -> str:
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


def test_a_contributor_in_the_form_of_a_key_goes_nowhere(dataset, tmp_path):
    dataset.to_parquet(tmp_path / "out" / "parquet")
    dataset.to_coco_json(tmp_path / "out" / "coco.json", archive=True)
    dataset.to_coco_json(tmp_path / "out" / "portable.json")
    dataset.annotations.to_parquet(tmp_path / "out" / "frame.parquet")
    shown = [repr(dataset), dataset._repr_html_(), json.dumps(dataset.info), str(dataset.annotations.attrs)]
    shown += [str(dataset.to_coco().dataset), written_texts(tmp_path / "out"), dataset.annotations.to_json()]
    for text in shown:
        assert KEY not in text
        assert not leaks(text)
    assert dataset.info["extra"]["info"]["url"] == "https://example.com"


def test_an_address_as_contributor_stays():
    sample = SAMPLE.with_name("coco_client_review.json")
    assert lds.read_export(sample).info["extra"]["info"]["contributor"] == "someone@example.com"


@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
def test_the_callers_own_key_goes_nowhere(sandbox, tmp_path, caplog, form):
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    dataset = lds.export_dataset(project, "all", format=form, progress=False)
    dataset.to_parquet(tmp_path / "out" / "parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset.to_coco_json(tmp_path / "out" / "coco.json", archive=True)
    shown = [
        json.dumps(dataset.info),
        repr(dataset),
        dataset._repr_html_(),
        written_texts(tmp_path / "out"),
        caplog.text,
    ]
    assert not any(sandbox.api_key in text or sandbox.api_secret in text for text in shown)
