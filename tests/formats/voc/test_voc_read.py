"""Pascal VOC folders."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

import labellerr_ds as lds

SIDES = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]


def box(*corners, tag="bndbox", names=("xmin", "ymin", "xmax", "ymax")):
    inner = "".join(f"<{name}>{number}</{name}>" for name, number in zip(names, corners, strict=True))
    return f"<{tag}>{inner}</{tag}>"


def write(folder, name="a", *things, size=True):
    objects = "".join(f"<object>{thing}</object>" for thing in things)
    told = "<size><width>100</width><height>50</height><depth>3</depth></size>" if size else ""
    (folder / f"{name}.xml").write_text(f"<annotation><filename>{name}.jpg</filename>{told}{objects}</annotation>")
    return folder


def test_a_box_counts_its_pixels_from_1(tmp_path):
    write(tmp_path, "a", "<name>car</name>" + box(41, 16, 60, 35))
    dataset = lds.read_voc(tmp_path)
    assert dataset.annotations[["category", *SIDES, "area"]].values.tolist() == [["car", 40, 15, 20, 20, 400]]
    assert dataset.files[["file_id", "file_name", "width", "height", "status", "label_state"]].values.tolist() == [
        ["a", "a.jpg", 100, 50, "accepted", "labelled"]
    ]


@pytest.mark.parametrize(
    ("numbers", "corners", "expected"),
    [
        ((0, 0, 10, 10), "auto", [0, 0, 10, 10]),
        ((40.5, 15, 60.5, 35), "auto", [40.5, 15, 20, 20]),
        ((41, 16, 61, 36), "edges_from_1", [40, 15, 20, 20]),
        ((40, 15, 60, 35), "edges", [40, 15, 20, 20]),
    ],
)
def test_other_tools_write_corners(tmp_path, numbers, corners, expected):
    write(tmp_path, "a", "<name>car</name>" + box(*numbers))
    assert lds.read_voc(tmp_path, corners=corners).annotations[SIDES].values.tolist() == [expected]


def test_flags_are_attributes_and_a_pose_where_one_is_told(tmp_path):
    flags = "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult>"
    write(tmp_path, "a", "<name>car</name>" + flags + box(1, 1, 9, 9))
    (told,) = lds.read_voc(tmp_path).annotations["attributes"]
    assert told == '{"pose":"Left","truncated":true,"difficult":false}'


def test_a_turned_box_has_its_rotation_in_degrees(tmp_path):
    turned = box(50, 25, 20, 10, math.pi / 6, tag="robndbox", names=("cx", "cy", "w", "h", "angle"))
    write(tmp_path, "a", "<name>car</name>" + turned)
    (row,) = lds.read_voc(tmp_path).annotations.to_dict("records")
    np.testing.assert_allclose([*(row[side] for side in SIDES), row["rotation"]], [40, 20, 20, 10, 30])


@pytest.mark.parametrize(
    "ring",
    [
        "<polygon><x1>11</x1><y1>11</y1><x2>31</x2><y2>11</y2><x3>31</x3><y3>31</y3></polygon>",
        "<polygon><pt><x>11</x><y>11</y></pt><pt><x>31</x><y>11</y></pt><pt><x>31</x><y>31</y></pt></polygon>",
    ],
)
def test_a_polygon_is_read_in_both_of_its_forms(tmp_path, ring):
    write(tmp_path, "a", "<name>car</name>" + ring)
    (row,) = lds.read_voc(tmp_path).annotations.to_dict("records")
    assert (row["type"], row["segmentation"], row["area"]) == ("polygon", [[10, 10, 30, 10, 30, 30]], 200)


def test_splits_come_from_the_lists_and_sizes_from_the_images(tmp_path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "JPEGImages").mkdir()
    write(tmp_path / "Annotations", "a", "<name>car</name>" + box(1, 1, 9, 9), size=False)
    for name in ("a", "b"):
        Image.new("RGB", (100, 50)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("a\n")
    (tmp_path / "ImageSets" / "Main" / "car_val.txt").write_text("a 1\n")
    files = lds.read_voc(tmp_path).files
    assert files["file_id"].tolist() == ["a", "b"]
    assert files["width"].tolist() == [100, 100]
    assert files["status"].tolist() == ["accepted", "none"]
    assert files["extra"].dropna().tolist() == ['{"split":"val"}']


@pytest.mark.parametrize("thing", ["<name>car</name>", box(1, 1, 9, 9), "<name>car</name>" + box(1, 1, 9, "x")])
def test_an_object_that_is_not_understood_is_told_and_the_file_no_negative(tmp_path, thing):
    write(tmp_path, "a", thing)
    with pytest.warns(lds.LabellerrWarning, match="bad_row"):
        dataset = lds.read_voc(tmp_path)
    assert dataset.files["label_state"].isna().all()


def test_xml_that_is_cut_short_is_told(tmp_path):
    write(tmp_path, "a", "<name>car</name>" + box(1, 1, 9, 9))
    (tmp_path / "b.xml").write_text("<annotation><object>")
    with pytest.warns(lds.LabellerrWarning, match="bad_row"):
        dataset = lds.read_voc(tmp_path)
    assert dataset.issues["message"].tolist() == ["b.xml is not XML."]
    assert dataset.files["file_id"].tolist() == ["a", "b"]


def test_an_entity_that_grows_without_end_is_no_annotation(tmp_path):
    lines = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "{"x" * 99}">{lines}]><annotation><filename>&e9;</filename></annotation>'
    (tmp_path / "a.xml").write_text(bomb)
    with pytest.warns(lds.LabellerrWarning, match="bad_row"):
        assert lds.read_voc(tmp_path).issues["message"].tolist() == ["a.xml is not XML."]


def test_a_folder_without_any_is_an_error(tmp_path):
    with pytest.raises(lds.ReadError, match="no XML files of Pascal VOC"):
        lds.read_voc(tmp_path)
    with pytest.raises(lds.InvalidArgumentError, match="corners must be"):
        lds.read_voc(tmp_path, corners="middle")


def test_our_own_folder_reads_back_within_half_a_pixel(project, tmp_path):
    dataset = lds.export_dataset(project, ["accepted", "review"], progress=False)
    with pytest.warns(lds.LabellerrWarning):
        dataset.to_pascal_voc(tmp_path / "voc", split=dataset.split())
    back = lds.read_voc(tmp_path / "voc", strict=True)
    whole = dataset.annotations[dataset.annotations["type"].isin(["bbox", "polygon", "mask"])]
    assert back.annotations["category"].value_counts().to_dict() == {
        name: count for name, count in whole["category"].value_counts().items() if count
    }
    low = np.floor(whole[SIDES[:2]].to_numpy())
    high = np.ceil(whole[SIDES[:2]].to_numpy() + whole[SIDES[2:]].to_numpy())
    expected = np.sort(np.concatenate([low, high - low], axis=1), axis=0)
    np.testing.assert_allclose(np.sort(back.annotations[SIDES].to_numpy(), axis=0), expected, atol=0.5)
