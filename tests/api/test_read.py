"""Recognising and unpacking; and what is nothing that can be read."""

from __future__ import annotations

import gzip
import json
import pathlib
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import labellerr_ds as lds

SAMPLES = pathlib.Path(__file__).parents[1] / "samples"
NATIVE = (SAMPLES / "native_review.json").read_bytes()
COCO = (SAMPLES / "coco_client_review.json").read_bytes()


@pytest.mark.parametrize(
    ("sample", "form", "count"), [("native_review", "json", 6), ("coco_client_review", "coco_json", 5)]
)
def test_the_samples_are_read_with_no_warning(sample, form, count):
    dataset = lds.read_export(SAMPLES / f"{sample}.json")
    assert dataset.info["format"] == form
    assert len(dataset) == count
    assert dataset.issues.empty


def test_the_native_sample_value_by_value():
    files = lds.read_export(SAMPLES / "native_review.json").files
    told = json.loads(NATIVE)
    assert files["file_id"].tolist() == [each["file_id"] for each in told]
    assert files["file_size_mb"].tolist() == [each["file_metadata"]["file_size"] for each in told]
    assert files["width"].tolist() == [each["file_metadata"]["image_width"] for each in told]
    assert [stamp.value // 10**6 for stamp in files["created_at"]] == [each["created_at"] for each in told]
    assert files["status"].unique().tolist() == ["review"]
    assert files["label_state"].unique().tolist() == ["in_review"]
    assert files["remarks"].tolist() == [""] * 6
    assert files["extra"].isna().all()


def test_the_coco_sample_value_by_value():
    dataset = lds.read_export(SAMPLES / "coco_client_review.json")
    told = json.loads(COCO)
    frame = dataset.annotations
    assert frame["segmentation"].tolist() == [each["segmentation"] for each in told["annotations"]]
    assert frame["area"].tolist() == [each["area"] for each in told["annotations"]]
    assert frame[["bbox_x", "bbox_y", "bbox_width", "bbox_height"]].values.tolist() == [
        each["bbox"] for each in told["annotations"]
    ]
    assert frame["coco_id"].tolist() == [0, 19]
    assert frame["category"].tolist() == ["vehicle", "vehicle"]
    assert frame["category"].cat.categories.tolist() == ["person", "vehicle"]
    assert dataset.info["exported_at"] == "2025-09-21T18:18:17.970000+00:00"


def zipped(path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return path


@pytest.mark.parametrize("name", ["export.json", "export", "export.csv"])
def test_the_name_does_not_matter(tmp_path, name):
    (tmp_path / name).write_bytes(NATIVE)
    assert lds.read_export(tmp_path / name).info["format"] == "json"


def test_archives_in_archives_are_opened(tmp_path):
    path = zipped(tmp_path / "a.zip", **{"in/e.json": NATIVE, "__MACOSX/in/._e.json": b"\0\5", ".DS_Store": b"x"})
    assert len(lds.read_export(path)) == 6
    (tmp_path / "b").write_bytes(gzip.compress(path.read_bytes()))
    assert len(lds.read_export(str(tmp_path / "b"))) == 6


def test_a_folder_of_shards_is_one_dataset(tmp_path):
    told = json.loads(NATIVE)
    for place in range(3):
        (tmp_path / f"part-{place}").write_text(json.dumps(told[2 * place : 2 * place + 2]))
    dataset = lds.read_export(tmp_path)
    whole = lds.read_export(SAMPLES / "native_review.json")
    pd.testing.assert_frame_equal(dataset.files, whole.files)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_does_not_matter(tmp_path, encoding):
    (tmp_path / "e").write_bytes(NATIVE.decode().encode(encoding))
    assert len(lds.read_export(tmp_path / "e")) == 6


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"<html><body>expired</body></html>", "Hint: download the export again"),
        (b"\x00\x01\x02 nothing", r"begins with b'\\x00"),
        (b"Internal error, try later", "expected json, coco_json, csv, PNG masks"),
        (b'{"error": "expired"}', r"keys \['error'\]"),
        (b"PK\x03\x04 broken", "ZIP is damaged"),
        (gzip.compress(b"[1,2,3]" * 1000, mtime=0)[:40], "gzip is damaged or cut short"),
        (b"[1, 2", "cut short: it ends at byte 5"),
        (b'[{"file_id": zorp}]', "not JSON from byte 13 on"),
        (b"[" * 100_000, "nested too deep"),
        (b'[{"file_id": "\xff"}]', "expected UTF-8, got something else at byte 14"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path, body, words):
    path = tmp_path / "export"
    path.write_bytes(body)
    with pytest.raises(lds.ReadError, match=words):
        lds.read_export(path)


@pytest.mark.parametrize("body", [NATIVE, COCO])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated_json_tells_the_byte(tmp_path, body, part):
    cut = int(len(body) * part)
    (tmp_path / "e").write_bytes(body[:cut])
    with pytest.raises(lds.ReadError) as caught:
        lds.read_export(tmp_path / "e")
    assert caught.value.byte_offset == cut


@pytest.mark.parametrize("entries", [{}, {"readme.md": "hello"}, {"a.bin": b"\0\1"}])
def test_a_zip_without_anything_readable_is_an_error(tmp_path, entries):
    with pytest.raises(lds.ReadError, match=r"holds no files|expected json"):
        lds.read_export(zipped(tmp_path / "a.zip", **entries))


def test_a_body_that_is_not_the_format_asked_for_names_what_it_is(tmp_path):
    with pytest.raises(lds.ReadError, match='expected coco_json, got json[\\s\\S]*format="json"'):
        lds.read_export(SAMPLES / "native_review.json", "coco_json")


def test_several_formats_in_one_archive_must_be_chosen_from(tmp_path):
    path = zipped(tmp_path / "a.zip", **{"a.json": NATIVE, "b.json": COCO})
    with pytest.raises(lds.ReadError, match="several formats"):
        lds.read_export(path)
    assert len(lds.read_export(path, "coco_json")) == 5


@pytest.mark.parametrize("path", ["/nowhere/at/all.json", "https://host/x?sig=1"])
def test_a_path_that_is_none(path):
    with pytest.raises(lds.LabellerrError, match="nothing exists at|cannot read https") as caught:
        lds.read_export(path)
    assert "sig" not in str(caught.value)


def test_a_frame_that_is_no_categories_frame_is_refused():
    with pytest.raises(lds.InvalidArgumentError, match="must be a categories frame"):
        lds.read_export(SAMPLES / "native_review.json", categories=pd.DataFrame({"name": ["car"]}))


def test_a_damaged_parquet_folder_is_told(tmp_path):
    folder = lds.read_export(SAMPLES / "native_review.json").to_parquet(tmp_path / "p")
    (folder / "files.parquet").write_bytes(b"PAR1")
    with pytest.raises(lds.ReadError, match="Parquet"):
        lds.read_export(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("where", ["file", "folder", "zip", "frames"])
def test_strict_raises_wherever_there_are_issues(tmp_path, where):
    good, odd = ([{"file_id": name, "file_status": status}] for name, status in (("f", "accepted"), ("g", "frozen")))
    shards = tmp_path / "shards"
    shards.mkdir()
    for name, told in (("1.json", good), ("2.json", odd)):
        (shards / name).write_text(json.dumps(told))
    path = shards / "2.json" if where == "file" else shards
    if where == "zip":
        path = shutil.make_archive(str(tmp_path / "all"), "zip", shards)
    with pytest.warns(lds.LabellerrWarning, match="unknown_status"):
        dataset = lds.read_export(path)
    if where == "frames":
        path = dataset.to_parquet(tmp_path / "frames")
    with pytest.raises(lds.ReadError, match="unknown_status"):
        lds.read_export(path, strict=True)


# --- folders that are no export


def photograph(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)).save(path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"labels/a.txt": "0 0.5 0.5 0.1 0.1\n", "images/a.png": None}, r"is a YOLO folder[\s\S]*lds.read_yolo"),
        ({"Annotations/a.xml": "<annotation></annotation>"}, r"is a Pascal VOC folder[\s\S]*lds.read_voc"),
        ({f"{number}.png": None for number in range(8)}, "holds 8 photographs"),
        ({f"{number}.jpg": None for number in range(8)}, "holds 8 photographs"),
    ],
)
def test_a_folder_that_is_no_export_is_refused_by_what_it_is(tmp_path, files, message):
    for name, text in files.items():
        if text is None:
            photograph(tmp_path / name)
        else:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    with pytest.raises(lds.ReadError, match=message):
        lds.read_export(tmp_path)


def test_masks_beside_an_export_are_read_only_where_one_of_them_is_asked_for(tmp_path):
    Image.new("L", (4, 4), 1).save(tmp_path / "mask.png")
    (tmp_path / "export.json").write_text(
        '[{"file_id": "f", "file_name": "f.jpg", "file_status": "accepted", "latest_answer": []}]'
    )
    with pytest.raises(lds.ReadError, match=r"PNG masks and export.json[\s\S]*format="):
        lds.read_export(tmp_path)
    assert lds.read_export(tmp_path, format="json").files["file_id"].tolist() == ["f"]
    with pytest.warns(lds.LabellerrWarning, match="unmatched_color"):
        assert lds.read_export(tmp_path, format="png").files["file_id"].tolist() == ["mask"]


def test_a_photograph_among_masks_is_told_and_costs_no_minutes(tmp_path):
    large = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(large).save(tmp_path / "photo.png")
    for number in range(6):
        Image.new("L", (4, 4), 0).save(tmp_path / f"{number}.png")
    with pytest.warns(lds.LabellerrWarning, match="unreadable_image"):
        dataset = lds.read_export(tmp_path)
    assert "more than 8,192 colors" in dataset.issues["message"].iloc[0]


@pytest.mark.parametrize("stray", ["desktop.ini", "Thumbs.db", ".DS_Store"])
def test_what_a_system_leaves_beside_an_export_is_not_read(tmp_path, stray):
    (tmp_path / stray).write_text("x")
    (tmp_path / "export.json").write_text(
        '[{"file_id": "f", "file_name": "f.jpg", "file_status": "accepted", "latest_answer": []}]'
    )
    assert len(lds.read_export(tmp_path)) == 1
