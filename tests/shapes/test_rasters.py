"""From rows to pixels: as pycocotools has them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask
from shapes_of import rings
from thorough import examples

import labellerr_ds as lds
from labellerr_ds.frames import schema
from labellerr_ds.shapes.boxes import ring_areas
from labellerr_ds.shapes.rle import (
    boxes_to_rle,
    crop_rle,
    empty_rle,
    label_regions,
    mask_to_rle,
    polygons_to_rle,
    rle_area,
    rle_bbox,
    rle_iou,
    rle_to_mask,
    rle_to_polygons,
    unite_rles,
)

H, W = 120, 150


def annotations(**columns):
    length = len(next(iter(columns.values())))
    given = {"image_width": [W] * length, "image_height": [H] * length, "file_id": ["f"] * length}
    return schema.build("annotations", {**given, **columns}, length)


@settings(max_examples=examples(1000))
@given(st.lists(rings(W, H), min_size=1, max_size=3))
def test_a_polygon_fills_the_pixels_that_pycocotools_fills(parts):
    rle = polygons_to_rle(parts, H, W)
    theirs = coco_mask.merge(coco_mask.frPyObjects(parts, H, W))
    assert rle == {"size": [H, W], "counts": theirs["counts"].decode()}
    raster = rle_to_mask(rle)
    assert (raster == coco_mask.decode(theirs).astype(bool)).all()
    assert rle_area(rle) == raster.sum() == coco_mask.area(theirs)
    assert list(rle_bbox(rle)) == coco_mask.toBbox(theirs).tolist()
    assert mask_to_rle(raster) == rle


@settings(max_examples=examples(300))
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_a_mask_as_rle_is_the_mask(mask):
    rle = mask_to_rle(mask)
    theirs = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    assert rle["counts"] == theirs["counts"].decode()
    assert (rle_to_mask(rle) == mask).all()
    parts, holes = rle_to_polygons(rle)
    back = np.zeros(mask.shape, dtype=bool)
    for ring in (*parts, *holes):
        back ^= rle_to_mask(polygons_to_rle([ring], *mask.shape))
    assert (back == mask).all()


@settings(max_examples=examples(150))
@given(st.lists(rings(W, H), min_size=2, max_size=2), st.tuples(*[st.integers(0, 60)] * 4))
def test_iou_union_and_crop_are_those_of_the_rasters(parts, box):
    a, b = (polygons_to_rle([part], H, W) for part in parts)
    left, right = rle_to_mask(a), rle_to_mask(b)
    union = (left | right).sum()
    expected = (left & right).sum() / union if union else 0.0
    assert rle_iou([a], [b])[0, 0] == pytest.approx(expected)
    crowd = (left & right).sum() / left.sum() if left.any() else 0.0
    assert rle_iou([a], [b], [True])[0, 0] == pytest.approx(crowd)
    assert (rle_to_mask(unite_rles([a, b])) == (left | right)).all()
    assert (rle_to_mask(unite_rles([a, b], intersect=True)) == (left & right)).all()
    x, y, width, height = box
    assert (rle_to_mask(crop_rle(a, box)) == left[y : y + height, x : x + width]).all()


@settings(max_examples=examples(150))
@given(rings(W, H, low=5), st.data())
def test_outlines_of_large_shapes_keep_their_area(ring, data):
    rle = polygons_to_rle([ring], H, W)
    if rle_area(rle) < 32 * 32:
        return
    parts, holes = rle_to_polygons(rle)
    again = polygons_to_rle(parts, H, W)
    if not holes:
        assert rle_iou([rle], [again])[0, 0] >= 0.98


@settings(max_examples=examples(200))
@given(hnp.arrays(np.int32, (13, 17), elements=st.integers(0, 5)))
def test_a_label_map_as_rle_is_each_label(labels):
    for region in label_regions(labels):
        mask = labels == region.label
        theirs = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        assert region.counts == theirs["counts"].decode()
        assert region.area == mask.sum()
        assert list(region.bbox) == coco_mask.toBbox(theirs).tolist()


@pytest.mark.parametrize("boxes", [[[1.25, 2.5, 30, 20.75]], [[-4, -4, 20, 20]], [[140, 100, 40, 40], [0, 0, 1, 1]]])
def test_a_box_fills_the_pixels_that_pycocotools_fills(boxes):
    theirs = coco_mask.frPyObjects(np.array(boxes, dtype=np.double), H, W)
    assert [rle["counts"] for rle in boxes_to_rle(boxes, H, W)] == [each["counts"].decode() for each in theirs]


@pytest.mark.parametrize(
    "rle",
    [
        {"size": [4, 4], "counts": [3]}, {"size": [4, 4], "counts": [-1, 17]}, {"size": [4, 4], "counts": "zz~"},
        {"size": [4, 4], "counts": [20]}, {"size": [2**40, 2**40], "counts": [3]},
    ],
)  # fmt: skip
def test_what_does_not_hold_together_never_reaches_native_code(rle):
    for call in (rle_area, rle_to_mask, lambda each: rle_iou([each], [each])):
        with pytest.raises(ValueError, match="RLE|runs"):
            call(rle)


@pytest.mark.parametrize("ring", [[0, 0, float("nan"), 1, 2, 2], [0, 0, 1e30, 1, 2, 2], [0, 0, 1, 1, 2, 2, 3]])
def test_a_ring_that_is_none_is_refused(ring):
    with pytest.raises(ValueError, match="pairs of finite numbers"):
        polygons_to_rle([ring], 10, 10)
    with pytest.raises(ValueError, match="cannot be filled"):
        polygons_to_rle([[0, 0, 4, 0, 4, 4]], 0, 10)


@pytest.mark.parametrize("ring", [[1, 1, 5, 5], [1, 1, 5, 5, 9], list("115591"), [True] * 6, [1e400] * 6])
def test_what_is_no_ring_is_refused(ring):
    with pytest.raises(ValueError, match="three or more pairs of finite numbers"):
        polygons_to_rle([ring], 10, 10)
    assert polygons_to_rle([], 10, 10) == empty_rle(10, 10)


def test_masks_of_several_sizes_are_not_compared():
    with pytest.raises(ValueError, match="several sizes"):
        rle_iou([empty_rle(2, 2)], [empty_rle(3, 3)])
    with pytest.raises(ValueError, match="not within"):
        crop_rle(empty_rle(2, 2), (0, 0, 3, 1))


# --- the accessor


def test_masks_come_one_at_a_time_and_are_those_of_the_shapes():
    frame = annotations(
        type=["bbox", "polygon", "mask", "point", "text"],
        segmentation=[None, "[[1,1,9,1,9,9]]", '{"size":[120,150],"counts":[0,240,17760]}', "[3,4]", None],
        bbox_x=[2.0, 1, 0, 3, None], bbox_y=[2.0, 1, 0, 4, None], bbox_width=[4.0, 8, 2, 0, None],
        bbox_height=[4.0, 8, 120, 0, None],
    )  # fmt: skip
    lazily = frame.labellerr.masks()
    first = next(lazily)
    assert first.dtype == bool
    assert first.shape == (H, W)
    assert first.sum() == 16
    polygon, mask, point, text = lazily
    assert (polygon == coco_mask.decode(coco_mask.frPyObjects([[1, 1, 9, 1, 9, 9]], H, W))[..., 0]).all()
    assert mask.sum() == 240
    assert point is None
    assert text is None
    assert [rle is None for rle in frame.labellerr.rles()] == [False, False, False, True, True]
    assert frame.labellerr.polygons()[:3] == [
        [[2, 2, 6, 2, 6, 6, 2, 6]], [[1, 1, 9, 1, 9, 9]], [[0, 0, 2, 0, 2, 120, 0, 120]],
    ]  # fmt: skip


def test_a_box_is_turned_about_its_centre_where_that_is_asked_for():
    frame = annotations(
        type=["bbox"], bbox_x=[40.0], bbox_y=[40.0], bbox_width=[40.0], bbox_height=[20.0], rotation=[90.0]
    )
    straight, turned = next(frame.labellerr.masks()), next(frame.labellerr.masks(rotated=True))
    assert rle_bbox(mask_to_rle(straight)) == (40, 40, 40, 20)
    assert rle_bbox(mask_to_rle(turned)) == (50, 30, 20, 40)
    assert frame.labellerr.boxes("xywh", rotated=True).round(9).tolist() == [[50, 30, 20, 40]]
    assert (frame.labellerr.label_map("f", instances=True, rotated=True) == turned).all()
    (ring,) = frame.labellerr.polygons(rotated=True)[0]
    assert ring_areas(np.array(ring).reshape(-1, 2), np.array([4]))[0] == pytest.approx(800)


def test_boxes_in_every_convention_and_as_shares():
    frame = annotations(bbox_x=[15.0], bbox_y=[12.0], bbox_width=[30.0], bbox_height=[24.0], type=["bbox"])
    accessor = frame.labellerr
    assert accessor.boxes("xyxy").tolist() == [[15, 12, 45, 36]]
    assert accessor.boxes("xywh").tolist() == [[15, 12, 30, 24]]
    assert accessor.boxes("cxcywh").tolist() == [[30, 24, 30, 24]]
    assert accessor.boxes("cxcywh", normalized=True).tolist() == [[0.2, 0.2, 0.2, 0.2]]
    unknown = annotations(bbox_x=[1.0], image_width=[None], type=["bbox"])
    assert np.isnan(unknown.labellerr.boxes("xyxy", normalized=True)).all()
    with pytest.raises(lds.InvalidArgumentError, match="form must be"):
        accessor.boxes("yxyx")


def test_a_label_map_paints_later_over_earlier_or_smaller_over_larger():
    frame = annotations(
        type=["bbox", "bbox"], bbox_x=[10.0, 0.0], bbox_y=[10.0, 0.0], bbox_width=[5.0, 50.0], bbox_height=[5.0, 50.0],
        category=["car", "road"],
    )  # fmt: skip
    given = frame.labellerr.label_map()
    assert given.dtype == np.int32
    assert given.shape == (H, W)
    assert set(np.unique(given)) == {0, 2}  # the road lies over the car
    small_on_top = frame.labellerr.label_map("f", order="large_first")
    assert (small_on_top == 1).sum() == 25
    assert set(np.unique(frame.labellerr.label_map(instances=True, order="large_first"))) == {0, 1, 2}
    with pytest.raises(lds.InvalidArgumentError, match="no annotations of file"):
        frame.labellerr.label_map("g")
    with pytest.raises(lds.InvalidArgumentError, match="order must be"):
        frame.labellerr.label_map(order="random")


def test_a_shape_that_does_not_hold_together_is_none_and_counted():
    frame = annotations(type=["mask"], segmentation=['{"size":[4,4],"counts":[3]}'])
    for ask in ("masks", "rles", "polygons"):
        with pytest.warns(lds.LabellerrWarning, match=r"1 shapes do not hold together.*check\(\)"):
            found = list(getattr(frame.labellerr, ask)())
        assert found == ([[]] if ask == "polygons" else [None])


@pytest.mark.parametrize("variant", ["", "png-turned"])
def test_the_pixels_of_a_json_are_those_of_the_png_masks(serve, variant):
    """The service's masks are painted in the order of the answers, boxes as assumed before they are turned."""
    sandbox = serve(variant)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    shapes = lds.export_to_dataframe(project, "all", progress=False)
    shapes = shapes[shapes["type"].isin(["bbox", "polygon"])]
    told = lds.export_to_dataframe(project, "all", format="png", progress=False)
    names = list(shapes["category"].cat.categories)
    stems = told["file_name"].str.replace(r"_[0-9a-f-]{36}$", "", regex=True)
    assert len(told)
    seen = 0
    for file_id, mine in shapes.groupby("file_id"):
        labels = mine.labellerr.label_map(rotated=bool(variant))
        stem = mine["file_name"].iloc[0].rsplit(".", 1)[0]
        rows = told[(stems == stem) & ((told["file_id"] == file_id) | (told["file_id"] == told["file_name"]))]
        for name, same in rows.groupby(rows["category"].astype(str)):  # two questions share the name "car"
            united = unite_rles(same["segmentation"].tolist())
            assert (rle_to_mask(united) == (labels == names.index(name) + 1)).all()
            seen += len(same)
    assert seen == len(told)


def test_filter_keeps_dtypes_and_names_what_is_not_there(project):
    df = lds.export_to_dataframe(project, "all", progress=False)
    cars = df.labellerr.filter(category="car", type=["bbox"], min_area=500)
    assert set(cars["category"]) == {"car"}
    assert (cars["area"] >= 500).all()
    assert cars.dtypes.equals(df.dtypes)
    assert cars.index.tolist() == list(range(len(cars)))
    with pytest.raises(lds.InvalidArgumentError, match="no category 'cat' in this frame; there are"):
        df.labellerr.filter(category="cat")
    assert len(df.labellerr.filter(max_area=0.5, status="accepted")) == 0


def test_wide_is_a_row_a_file_and_a_column_a_question(project):
    df = lds.export_to_dataframe(project, "all", progress=False)
    table = df.labellerr.wide()
    assert table["file_id"].is_unique
    said = df[df["type"].isin(["classification", "text"])]
    for name in ("weather", "scene tags"):
        told = {key: group["value"].tolist() for key, group in said[said["category"] == name].groupby("file_id")}
        for row in table[["file_id", name]].dropna(subset=[name]).itertuples(index=False):
            assert told[row[0]] == (row[1] if isinstance(row[1], list) else [row[1]])
        assert table[name].notna().sum() == len(told)
    assert df.iloc[:0].labellerr.wide().empty


@pytest.mark.parametrize("call", ["masks", "boxes", "polygons", "wide", "check", "label_map"])
def test_a_frame_that_is_not_ours_names_the_missing_column(call):
    import pandas as pd

    with pytest.raises(lds.InvalidArgumentError, match="missing column '.*'"):
        getattr(pd.DataFrame({"x": [1]}).labellerr, call)()


def test_crops_are_the_boxes_of_the_images(project, tmp_path):
    dataset = lds.export_dataset(project, ["accepted"], progress=False)
    dataset.download_images(tmp_path, progress=False)
    boxes = dataset.annotations.labellerr.filter(type="bbox")
    found = dict(boxes.labellerr.crops(tmp_path))
    for index, crop in found.items():
        row = boxes.loc[index]
        assert abs(crop.width - row["bbox_width"]) <= 2 or row["bbox_x"] + row["bbox_width"] > row["image_width"]
    assert len(found) == len(boxes)
    with pytest.warns(lds.LabellerrWarning, match="gave no crop"), warnings.catch_warnings():
        assert dict(boxes.labellerr.crops({})) == {}
