"""Shapes of COCO as others write them: keypoints beside shapes, rings and RLE that do not hold, numbers as text."""

from __future__ import annotations

import json

import numpy as np
import pytest

import labellerr_ds as lds

STAR = [10, 10, 30, 10, 30, 30, 10, 30]


@pytest.fixture
def read(tmp_path):
    def reading(*annotations, size=(40, 50), **more):
        told = {
            "images": [{
                "id": 1, "height": size[0], "width": size[1], "file_name": "a.jpg", "labellerr_file_status": "accepted"
            }],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": [
                {"id": number, "image_id": 1, "category_id": 1, **each} for number, each in enumerate(annotations, 1)
            ],
            **more,
        }  # fmt: skip
        (tmp_path / "in.json").write_text(json.dumps(told))
        return lds.read_export(tmp_path / "in.json")

    return reading


# --- keypoints


@pytest.mark.parametrize("keypoints", [[12, 13, 2], [0, 0, 0]])
def test_one_keypoint_and_a_polygon_are_a_polygon_with_a_keypoint_beside_it(read, keypoints):
    (row,) = read({"segmentation": [STAR], "keypoints": keypoints}).annotations.itertuples()
    assert (row.type, row.segmentation, row.keypoints) == ("polygon", [STAR], keypoints)


def test_a_keypoint_that_is_not_marked_and_a_box_are_a_box(read):
    (row,) = read({"bbox": [5, 6, 7, 8], "keypoints": [0, 0, 0]}).annotations.itertuples()
    assert (row.type, row.bbox_x, row.keypoints) == ("bbox", 5, [0, 0, 0])


def test_a_marked_keypoint_alone_is_a_point(read):
    (row,) = read({"keypoints": [12.5, 13, 2], "bbox": [12.5, 13, 0, 0]}).annotations.itertuples()
    assert (row.type, row.segmentation) == ("point", [12.5, 13])


def test_keypoints_that_come_three_by_three_are_one_list(read):
    dataset = read({"keypoints": [[1, 2, 2], [3, 4, 1]], "bbox": [1, 2, 2, 2]})
    assert dataset.annotations["keypoints"].iloc[0] == [1, 2, 2, 3, 4, 1]
    assert dataset.issues.empty
    assert dataset.to_coco().anns[1]["num_keypoints"] == 2
    assert dataset.annotations.labellerr.check().empty


def test_keypoints_that_are_no_numbers_are_told_and_kept_in_extra(read):
    with pytest.warns(lds.LabellerrWarning, match="bad_segmentation"):
        dataset = read({"keypoints": [1, None, 2, 3], "segmentation": [STAR]})
    (row,) = dataset.annotations.itertuples()
    assert row.type == "polygon"
    assert json.loads(row.extra) == {"keypoints": [1, None, 2, 3]}


def test_the_box_of_keypoints_stays_where_it_is(read):
    box = [13.31, 14.43, 20.5, 10.25]
    coco = read({"keypoints": [14, 15, 2, 20, 20, 2], "bbox": box}).to_coco()
    assert coco.anns[1]["bbox"] == box


@pytest.mark.parametrize("shape", [[STAR], {"size": [40, 50], "counts": [405, 20, 1575]}, []])
def test_a_shape_beside_keypoints_goes_to_masks_and_to_every_format(read, tmp_path, shape):
    dataset = read({"keypoints": [14, 15, 2, 20, 20, 2], "bbox": [10, 10, 20, 20], "segmentation": shape})
    (mask,) = dataset.annotations.labellerr.masks()
    assert mask.any()
    assert dataset.to_yolo(tmp_path / "yolo").annotations == 1
    assert dataset.to_pascal_voc(tmp_path / "voc").annotations == 1
    if shape:  # a box has no place in it
        assert dataset.to_panoptic(tmp_path / "panoptic").annotations == 1


# --- what does not hold together

ODD_RINGS = [[10, None, 30, 10, 30, 30], ["a", 1, 2, 3, 4, 5], [[1, 2], [3, 4], [5, 6]], [10, {}, 30, 10, 30, 30]]


@pytest.mark.parametrize("ring", ODD_RINGS)
def test_a_ring_of_anything_but_numbers_is_told_and_reaches_nobody(read, ring, tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="bad_segmentation"):
        dataset = read({"segmentation": [ring], "bbox": [10, 10, 20, 20], "area": 9}, {"segmentation": [STAR]})
    assert dataset.issues["position"].tolist() == [0]
    accessor = dataset.annotations.labellerr
    with pytest.warns(lds.LabellerrWarning, match="1 shapes do not hold together"):
        assert list(accessor.polygons()) == [[], [STAR]]
    with pytest.warns(lds.LabellerrWarning, match="1 shapes do not hold together"):
        assert [mask is None for mask in accessor.masks()] == [True, False]
    with pytest.warns(lds.LabellerrWarning, match="1 annotations have"):
        coco = dataset.to_coco()
    assert coco.annToMask(coco.anns[1]).sum() == 400  # its box
    with pytest.warns(lds.LabellerrWarning, match="does not hold together"):
        assert dataset.to_yolo(tmp_path / "yolo").annotations == 1


def test_the_object_refuses_a_broken_shape_that_somebody_puts_into_it(read):
    coco = read({"segmentation": [STAR]}).to_coco()
    for shape in ([ODD_RINGS[0]], {"size": [40, 50], "counts": [3]}):
        coco.anns[1]["segmentation"] = shape
        with pytest.raises(lds.InvalidArgumentError, match="annotation 1 has no pixels"):
            coco.annToMask(coco.anns[1])


def test_the_object_can_be_pickled(read):
    import pickle

    coco = pickle.loads(pickle.dumps(read({"segmentation": [STAR]}).to_coco()))
    assert coco.annToMask(coco.anns[1]).sum() == 400


def test_a_broken_rle_is_told_though_its_box_and_area_are_there(read):
    broken = {"size": [40, 50], "counts": [3]}
    with pytest.warns(lds.LabellerrWarning, match="bad_segmentation"):
        dataset = read({"segmentation": broken, "bbox": [1, 1, 2, 2], "area": 4})
    assert dataset.issues["code"].tolist() == ["bad_segmentation"]


def test_an_rle_of_another_size_than_its_image_is_told(read):
    rle = {"size": [50, 40], "counts": [3, 5, 1992]}
    with pytest.warns(lds.LabellerrWarning, match="size_mismatch"):
        dataset = read({"segmentation": rle, "bbox": [1, 1, 2, 2], "area": 5})
    assert dataset.issues["message"].iloc[0].startswith("the mask of annotation 1 has 50 x 40 pixels")


def test_a_mask_larger_than_any_memory_is_none(read):
    rle = {"size": [10**5, 10**5], "counts": [0, 5, 10**10 - 5]}
    dataset = read({"segmentation": rle, "bbox": [0, 0, 1, 5], "area": 5}, size=(10**5, 10**5))
    with pytest.warns(lds.LabellerrWarning, match="1 shapes do not hold together"):
        assert list(dataset.annotations.labellerr.masks()) == [None]


@pytest.mark.parametrize("box", [[1, None, 3, 4], [1, 2, 3], {"x": 1}, "1 2 3 4", [1e308, 1e308, 1e308, 1e308]])
@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_box_that_is_none_stops_no_converter(read, tmp_path, box):
    dataset = read({"bbox": box, "area": 4})
    for annotation in dataset.to_coco().anns.values():  # none where nothing of it was understood
        assert len(annotation["bbox"]) == 4
        assert np.isfinite(annotation["bbox"]).all()
    dataset.to_pascal_voc(tmp_path / "voc")
    dataset.to_yolo(tmp_path / "yolo", task="detect")
    told = json.loads(dataset.to_coco_json(tmp_path / "out.json", archive=True).read_text())
    assert told["annotations"][0]["bbox"] == box


# --- numbers as text or float


@pytest.mark.parametrize(("told", "crowd"), [(1.0, True), (0.0, False), ("0", False), ("1", True), (True, True)])
def test_a_crowd_is_one_whatever_its_number_is_written_as(read, told, crowd):
    dataset = read({"segmentation": [STAR], "iscrowd": told})
    assert dataset.annotations["iscrowd"].tolist() == [crowd]
    assert dataset.to_coco().anns[1]["iscrowd"] == int(crowd)


def test_a_crowd_that_is_neither_is_told(read):
    with pytest.warns(lds.LabellerrWarning, match="not_a_number"):
        dataset = read({"segmentation": [STAR], "iscrowd": 7})
    assert dataset.annotations["iscrowd"].isna().all()
    assert dataset.to_coco().anns[1]["iscrowd"] == 0


# --- ids that are not there


def test_an_annotation_without_ids_has_one_of_its_own_and_no_category_is_named(tmp_path):
    told = {
        "images": [{"id": 1, "height": 9, "width": 9, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [{"image_id": 1, "bbox": [1, 1, 2, 2]}, {"image_id": 1, "bbox": [1, 1, 3, 3]}],
    }
    (tmp_path / "in.json").write_text(json.dumps(told))
    dataset = lds.read_export(tmp_path / "in.json")
    ids = dataset.annotations["annotation_id"]
    assert ids.is_unique
    assert not ids.str.contains("nan").any()
    assert dataset.issues.empty


def test_a_ring_beside_keypoints_gives_the_box_and_the_area_that_are_not_told(read):
    (row,) = read(
        {"segmentation": [[2, 2, 30, 2, 30, 20, 2, 20]], "keypoints": [5, 5, 2, 0, 0, 0, 9, 9, 2]}
    ).annotations.itertuples()
    assert (row.type, row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height, row.area) == (
        "keypoints",
        2,
        2,
        28,
        18,
        504,
    )
