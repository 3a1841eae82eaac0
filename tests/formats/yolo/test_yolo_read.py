"""YOLO folders, as several tools arrange them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import labellerr_ds as lds

BOX = "0 0.5 0.5 0.2 0.4\n"
PLACED = [40.0, 15.0, 20.0, 20.0]  # of that box on an image of 100 x 50
SIDES = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]


def write(folder, files, names="names: [car, bus]\n"):
    """Text files and images of 100 x 50 by their paths; None for an image."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            Image.new("RGB", (100, 50)).save(folder / path)
        else:
            (folder / path).write_text(text)
    if names:
        (folder / "data.yaml").write_text(names)
    return folder


@pytest.mark.parametrize(
    ("labels", "image", "file_id", "split"),
    [
        ("labels/train/a.txt", "images/train/a.jpg", "train/a", '{"split":"train"}'),
        ("valid/labels/a.txt", "valid/images/a.jpg", "valid/a", '{"split":"val"}'),
        ("labels/a.txt", "images/a.png", "a", None),
        ("obj_train_data/a.txt", "obj_train_data/a.png", "obj_train_data/a", None),
        ("labels/a.txt", "a.png", "a", None),
        ("labels/test/a.txt", "pictures/a.png", "test/a", '{"split":"test"}'),
    ],
)
def test_each_arrangement_is_known(tmp_path, labels, image, file_id, split):
    dataset = lds.read_yolo(write(tmp_path, {labels: BOX, image: None}))
    assert dataset.files["file_id"].tolist() == [file_id]
    assert dataset.files["file_name"].tolist() == [image.rsplit("/", 1)[-1]]
    assert dataset.files["extra"].fillna("").tolist() == [split or ""]
    assert dataset.annotations[["category", "type", *SIDES]].values.tolist() == [["car", "bbox", *PLACED]]


@pytest.mark.parametrize(
    ("names", "expected"),
    [("names: [car, bus]\n", "bus"), ("names: {0: car, 1: bus}\n", "bus"), ("names:\n  1: 'no'\n", "no"), (None, "1")],
)
def test_names_of_classes_come_from_the_yaml_file(tmp_path, names, expected):
    write(tmp_path, {"labels/a.txt": "1" + BOX[1:], "images/a.png": None}, names)
    assert lds.read_yolo(tmp_path).annotations["category"].tolist() == [expected]


def test_names_of_classes_come_from_a_list(tmp_path):
    write(tmp_path, {"a.txt": "1" + BOX[1:], "a.png": None, "classes.txt": "car\nbus\n"}, None)
    assert lds.read_yolo(tmp_path).annotations["category"].tolist() == ["bus"]


def test_a_polygon_is_its_ring_in_pixels_with_its_area_and_box(tmp_path):
    write(tmp_path, {"labels/a.txt": "0 0.1 0.2 0.3 0.2 0.3 0.6\n", "images/a.png": None})
    (row,) = lds.read_yolo(tmp_path).annotations.to_dict("records")
    assert row["type"] == "polygon"
    np.testing.assert_allclose(row["segmentation"], [[10, 10, 30, 10, 30, 30]])
    np.testing.assert_allclose([row["area"], *(row[side] for side in SIDES)], [200, 10, 10, 20, 20])
    assert row["iscrowd"] is False or not row["iscrowd"]


def test_keypoints_have_their_box_and_flags(tmp_path):
    line = "0 0.5 0.5 0.2 0.4 0.1 0.2 2 0 0 0\n"
    write(tmp_path, {"labels/a.txt": line, "images/a.png": None}, "names: [car]\nkpt_shape: [2, 3]\n")
    (row,) = lds.read_yolo(tmp_path).annotations.to_dict("records")
    assert [row[side] for side in SIDES] == PLACED
    assert row["keypoints"] == [10, 10, 2, 0, 0, 0]


def test_a_file_with_an_empty_text_is_a_negative_and_one_without_is_unlabelled(tmp_path):
    write(tmp_path, {"labels/a.txt": "", "labels/b.txt": BOX, "images/a.png": None, "images/b.png": None})
    write(tmp_path, {"images/c.png": None})
    files = lds.read_yolo(tmp_path).files
    assert files[["file_id", "status", "label_state"]].values.tolist() == [
        ["a", "accepted", "negative"],
        ["b", "accepted", "labelled"],
        ["c", "none", "unlabelled"],
    ]
    plain = lds.read_yolo(tmp_path, status=None).files
    assert plain["status"].isna().all()


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5\n", "car 0.5 0.5 0.2 0.4\n", "0 nan 0.5 0.2 0.4\n", "-1 0.5 0.5 0.2 0.4\n", "0.5 0 0 1 1\n"]
)
def test_a_line_that_is_no_label_is_told_and_the_file_no_negative(tmp_path, line):
    write(tmp_path, {"labels/a.txt": line, "images/a.png": None})
    with pytest.warns(lds.LabellerrWarning, match="bad_row"):
        dataset = lds.read_yolo(tmp_path)
    assert dataset.files["label_state"].isna().all()
    assert line.strip() in dataset.issues["message"].iloc[0]
    with pytest.raises(lds.ReadError, match="bad_row"):
        lds.read_yolo(tmp_path, strict=True)


def test_labels_whose_image_is_missing_are_told(tmp_path):
    write(tmp_path, {"labels/a.txt": BOX, "labels/b.txt": BOX, "images/b.png": None})
    with pytest.warns(lds.LabellerrWarning, match="unreadable_image"):
        dataset = lds.read_yolo(tmp_path)
    assert dataset.annotations["file_id"].tolist() == ["b"]
    assert set(dataset.issues["code"]) == {"unreadable_image", "bad_row"}
    assert dataset.files.set_index("file_id")["label_state"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("files", "names", "message"),
    [
        ({"readme.txt": "hello"}, None, "no text files of YOLO labels"),
        ({"labels/a.txt": BOX}, None, "Hint: images="),
        ({"labels/a.txt": BOX, "a.png": None}, "names: 3\n", "must be a list"),
        ({"labels/a.txt": BOX, "a.png": None}, "names: [a]\nkpt_shape: 3\n", "kpt_shape"),
        ({"labels/a.txt": BOX, "a.png": None}, "names: [a\n", "is not YAML"),
    ],
)
def test_what_cannot_be_read_says_what_is_missing(tmp_path, files, names, message):
    with pytest.raises(lds.ReadError, match=message):
        lds.read_yolo(write(tmp_path, files, names))


def test_no_folder_is_an_error(tmp_path):
    with pytest.raises(lds.ReadError, match="does not exist"):
        lds.read_yolo(tmp_path / "nothing")


def test_images_may_be_in_another_folder(tmp_path):
    write(tmp_path / "labels_only", {"labels/train/a.txt": BOX})
    write(tmp_path / "pictures", {"a.jpg": None}, None)
    dataset = lds.read_yolo(tmp_path / "labels_only", images=tmp_path / "pictures")
    assert dataset.annotations[SIDES].values.tolist() == [PLACED]


def test_an_image_on_its_side_has_the_size_that_is_shown(tmp_path):
    write(tmp_path, {"labels/a.txt": BOX})
    picture = Image.new("RGB", (50, 100))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "labels" / "a.jpg", exif=exif)
    dataset = lds.read_yolo(tmp_path)
    assert dataset.files[["width", "height"]].values.tolist() == [[100, 50]]
    assert dataset.annotations[SIDES].values.tolist() == [PLACED]


# --- what we write ourselves


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_our_own_folder_reads_back_within_half_a_pixel(project, tmp_path, task):
    dataset = lds.export_dataset(project, ["accepted", "review"], progress=False)
    dataset.download_images(tmp_path / "images", progress=False)
    with pytest.warns(lds.LabellerrWarning):
        dataset.to_yolo(tmp_path / "yolo", task=task, images=tmp_path / "images", split=dataset.split())
    back = lds.read_yolo(tmp_path / "yolo", strict=True)
    whole = dataset.annotations[dataset.annotations["type"].isin(["bbox", "polygon", "mask"])]
    assert len(back.annotations) == len(whole)
    tables = [
        frame.assign(category=frame["category"].astype(str)).sort_values(["category", *SIDES])[["category", *SIDES]]
        for frame in (back.annotations.round(2), whole.round(2))
    ]
    assert tables[0]["category"].tolist() == tables[1]["category"].tolist()
    assert (
        np.abs(np.sort(tables[0][SIDES].to_numpy(), axis=0) - np.sort(tables[1][SIDES].to_numpy(), axis=0)).max() < 0.5
    )


RING = st.lists(st.integers(0, 100), min_size=6, max_size=12).filter(lambda sides: len(sides) % 2 == 0)


@given(st.lists(st.tuples(st.integers(0, 3), RING), max_size=5))
def test_any_polygons_come_back_as_they_were_written(tmp_path_factory, things):
    folder = tmp_path_factory.mktemp("yolo")
    lines = [" ".join([str(number), *(f"{side / 100:.6f}" for side in ring)]) for number, ring in things]
    write(folder, {"labels/a.txt": "\n".join(lines), "images/a.png": None}, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        rows = lds.read_yolo(folder).annotations
    assert rows["category"].astype(str).tolist() == [str(number) for number, _ in things]
    for shape, (_, ring) in zip(rows["segmentation"], things, strict=True):
        expected = [side * (0.5 if place % 2 else 1) for place, side in enumerate(ring)]
        np.testing.assert_allclose(shape[0], expected, atol=1e-3)
