"""coco_json beyond what is well."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import examples

import labellerr_ds as lds


def read(tmp_path, annotations=(), images=None, categories=None, **more):
    told = {
        "images": [{"id": 0, "width": 10, "height": 8, "file_name": "a.jpg"}] if images is None else images,
        "annotations": list(annotations),
        "categories": [{"id": 0, "name": "car"}] if categories is None else categories,
        **more,
    }
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(told))
    return lds.read_export(path)


def box(**more):
    return {"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 2, 3, 4], "area": 12, **more}


@pytest.mark.parametrize(
    ("annotation", "code"),
    [
        (box(image_id=7), "dangling_image_id"),
        (box(image_id="x"), "dangling_image_id"),
        (box(category_id=9), "dangling_category_id"),
        (box(area="big"), "not_a_number"),
        (box(bbox=[5, 2, -3, 4]), "swapped_corners"),
        (box(segmentation="oops"), "bad_segmentation"),
        (box(segmentation=[[1, 2, 3, 4]]), "bad_segmentation"),
        (box(segmentation=[[1, 2, 3, 4, 5, 1e308], [1]]), "bad_segmentation"),
        (box(segmentation=[[1, 2], [3, 4], [5, 6]]), "bad_segmentation"),
        (box(segmentation=[[[1, 2], [3, 4], [5, 6]]]), "bad_segmentation"),
        (box(parts={"0": [1, 2]}), "unparsed_answer"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*values under unknown keys")
def test_an_odd_annotation_is_kept_and_reported(tmp_path, annotation, code):
    with pytest.warns(lds.LabellerrWarning, match=code):
        dataset = read(tmp_path, [annotation])
    assert len(dataset.annotations) == 1
    assert code in dataset.issues["code"].tolist()


def unread_of(dataset):
    """The annotations without a row: those of files, and those of none."""
    kept = [annotation for text in dataset.files["extra"].dropna() for annotation in json.loads(text)["unread"]]
    return [*kept, *dataset.info.get("unread", [])]


@pytest.mark.parametrize(
    "annotation",
    [
        box(bbox=[1, 2, 3]),
        box(bbox=[1, 2, "wide", 4]),
        box(bbox=None),
        box(bbox=None, segmentation=[[]]),
        box(bbox=None, segmentation=[[1, 2, 3, 4]]),
        box(bbox=None, segmentation={"size": [8, 10], "counts": [3]}),
        box(bbox=None, keypoints=[0, 0, 0]),
    ],
)
def test_an_annotation_without_any_shape_gets_no_row_and_is_kept_on_its_file(tmp_path, annotation):
    with pytest.warns(lds.LabellerrWarning, match="bad_segmentation"):
        dataset = read(tmp_path, [annotation])
    assert dataset.annotations.empty
    assert unread_of(dataset) == [{key: value for key, value in annotation.items() if value is not None}]
    assert dataset.issues[["code", "table", "id", "position"]].values.tolist() == [
        ["bad_segmentation", "files", "0", 0]
    ]
    assert dataset.files["label_state"].isna().all()


def test_an_annotation_that_is_no_object_is_kept_beside_the_files(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="unparsed_answer"):
        dataset = read(tmp_path, ["annotation"])
    assert unread_of(dataset) == [{"entry": "annotation"}]
    assert dataset.issues["table"].tolist() == ["annotations", "export"]


def test_a_box_of_a_negative_size_is_put_right(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match="was corrected"):
        row = read(tmp_path, [box(bbox=[5, 2, -3, 4])]).annotations.iloc[0]
    assert row[["bbox_x", "bbox_width"]].tolist() == [2, 3]


def test_unknown_keys_go_to_extra_with_one_warning(tmp_path):
    with pytest.warns(lds.LabellerrWarning, match=r"'score' \(2\)") as warned:
        dataset = read(tmp_path, [box(score=0.5), box(id=2, score=None), box(id=3)])
    assert len(warned) == 1
    told = [json.loads(extra) for extra in dataset.annotations["extra"].dropna()]
    assert told == [{"score": 0.5}, {"score": None}]


def test_ids_that_are_text_or_whole_floats_are_found(tmp_path):
    images = [{"id": "0", "width": 10, "height": 8, "file_name": "a.jpg"}]
    dataset = read(tmp_path, [box(image_id=0.0), box(id="k", image_id="0")], images)
    assert dataset.annotations["file_name"].tolist() == ["a.jpg", "a.jpg"]
    assert dataset.annotations["annotation_id"].tolist() == ["1", "k"]


def test_an_annotation_without_an_id_gets_one_by_its_place(tmp_path):
    bare = {key: value for key, value in box().items() if key != "id"}
    dataset = read(tmp_path, [bare, bare])
    assert dataset.annotations["annotation_id"].tolist() == ["0/0/0", "0/0/1"]
    assert dataset.annotations["coco_id"].isna().all()


def test_categories_of_one_question_keep_their_own_ids(tmp_path):
    categories = [
        {"id": 0, "name": "car", "labellerr_question_id": "q"},
        {"id": 1, "name": "van", "labellerr_question_id": "q"},
    ]
    dataset = read(tmp_path, [box(), box(id=2, category_id=1)], categories=categories)
    assert dataset.categories["category_id"].tolist() == ["0", "1"]
    assert dataset.annotations["question_id"].tolist() == ["q", "q"]
    assert dataset.annotations["category"].tolist() == ["car", "van"]


def test_two_categories_of_one_name_are_one_name_and_two_ids(tmp_path):
    categories = [{"id": 0, "name": "car"}, {"id": 1, "name": "car"}]
    dataset = read(tmp_path, [box(), box(id=2, category_id=1)], categories=categories)
    assert dataset.annotations["category"].cat.categories.tolist() == ["car"]
    assert dataset.annotations["category_id"].tolist() == ["0", "1"]


def test_an_image_without_annotations_is_still_a_file(tmp_path):
    dataset = read(tmp_path)
    assert len(dataset) == 1
    assert dataset.files["annotation_count"].tolist() == [0]


def test_ids_over_64_bit_are_kept_as_text(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset = read(tmp_path, [box(id=2**70)])
    assert str(2**70) in str(dataset.annotations.iloc[0].to_dict())


def test_a_json_object_that_is_no_coco_says_what_was_expected(tmp_path):
    path = tmp_path / "error.json"
    path.write_text('{"error": "expired"}')
    with pytest.raises(lds.ReadError, match=r"keys \['error'\].*expected images, annotations"):
        lds.read_export(path)


@pytest.mark.parametrize("sides", [[0, 0, 6201, 2.9e304], [-1e308, 0, -1e308, 5]])
def test_a_box_beyond_any_number_is_kept_without_a_warning_of_numpy(tmp_path, sides):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset = read(tmp_path, [box(bbox=sides, area=None)])
    assert dataset.annotations["area"].tolist() == [float("inf")]


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["size", "counts", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
annotation = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ["id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "keypoints", "attributes", "zorp"],
        odd,
    ),
)


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(
        annotation | odd,
        max_size=5,
        unique_by=lambda each: json.dumps(each.get("id") if isinstance(each, dict) else each),
    )
)
def test_nothing_breaks_the_reader_and_no_row_is_lost(tmp_path_factory, annotations):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset = read(tmp_path_factory.mktemp("any"), annotations)
    assert len(dataset.annotations) + len(unread_of(dataset)) == len(annotations)
    shapes = dataset.annotations[["bbox_x", "segmentation", "keypoints"]].notna().any(axis=1)
    assert shapes.all()


rings = st.lists(
    st.lists(st.integers(0, 400).map(lambda number: number / 4), min_size=6, max_size=12).map(
        lambda ring: ring[: len(ring) // 2 * 2]
    ),
    min_size=1,
    max_size=3,
)


@settings(deadline=None)
@given(st.lists(rings, min_size=1, max_size=4))
def test_boxes_and_areas_that_were_not_told_come_from_the_rings(tmp_path_factory, shapes):
    annotations = [
        {"id": place, "image_id": 0, "category_id": 0, "segmentation": shape} for place, shape in enumerate(shapes)
    ]
    frame = read(tmp_path_factory.mktemp("rings"), annotations).annotations
    assert frame["segmentation"].tolist() == shapes
    for row, shape in zip(frame.itertuples(), shapes, strict=True):
        xs = [x for ring in shape for x in ring[0::2]]
        assert (row.bbox_x, row.bbox_width) == (min(xs), max(xs) - min(xs))
        area = 0.0
        for ring in shape:
            x, y = np.array(ring[0::2]), np.array(ring[1::2])
            area += abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        assert row.area == area


# --- links


def image(number, name, **more):
    return {"id": number, "width": 10, "height": 8, "file_name": name, "labellerr_file_status": "accepted", **more}


def states(dataset):
    column = dataset.files["label_state"]
    return column.astype(object).where(column.notna(), None).tolist()


def quiet(*arguments, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        return read(*arguments, **more)


@pytest.mark.parametrize("link", [None, [0], {"id": 0}, True, 0.5, "x"])
def test_an_annotation_without_a_readable_link_makes_every_file_without_annotations_unknown(tmp_path, link):
    images = [image(0, "a.jpg"), image(1, "b.jpg")]
    dataset = quiet(tmp_path, [box(), box(id=2, image_id=link)], images)
    assert states(dataset) == ["labelled", None]
    assert dataset.annotations["file_id"].isna().tolist() == [False, True]
    assert ["unparsed_answer", "export"] in dataset.issues[["code", "table"]].values.tolist()


def test_a_readable_link_to_an_absent_image_changes_nothing_for_other_files(tmp_path):
    dataset = quiet(tmp_path, [box(image_id=7)], [image(0, "a.jpg"), image("b", "b.jpg"), image("c", "c.jpg")])
    assert states(dataset) == ["negative", None, None]  # a text may stand for the number that is not there
    dataset = quiet(tmp_path, [box(image_id="b"), box(id=2, image_id=7)], [image(0, "a.jpg"), image("b", "b.jpg")])
    assert states(dataset) == ["negative", "labelled"]
    assert dataset.issues["code"].tolist() == ["dangling_image_id"]


def test_an_annotation_of_a_number_that_several_images_share_belongs_to_none_of_them(tmp_path):
    images = [image(0, "a.jpg"), image(1, "b.jpg"), image(1, "c.jpg"), image(1, "d.jpg")]
    dataset = quiet(tmp_path, [box(image_id=1)], images)
    assert states(dataset) == ["negative", None, None, None]
    assert dataset.annotations["file_id"].isna().all()
    assert dataset.annotations["coco_image_id"].tolist() == [1]
    assert dataset.issues["code"].tolist().count("duplicate_file_id") >= 2
    assert states(quiet(tmp_path, [box()], images)) == ["labelled", *["negative"] * 3]  # nobody names it


def test_the_same_image_twice_is_one(tmp_path):
    dataset = read(tmp_path, [box()], [image(0, "a.jpg"), image(0, "a.jpg")])
    assert states(dataset) == ["labelled"]


def test_an_image_without_a_number_is_not_empty(tmp_path):
    without = {key: value for key, value in image(0, "a.jpg").items() if key != "id"}
    dataset = quiet(tmp_path, [box(image_id=0)], [without])
    assert states(dataset) == [None]


@pytest.mark.parametrize("key", ["annotation", "Annotations", None])
def test_a_coco_file_without_its_list_of_annotations_has_no_empty_file(tmp_path, key):
    export = {"images": [image(0, "a.jpg"), image(1, "b.jpg")], "categories": [{"id": 0, "name": "car"}]}
    (tmp_path / "in.json").write_text(json.dumps(export if key is None else {**export, key: [box()]}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset = lds.read_export(tmp_path / "in.json")
    assert states(dataset) == [None, None]
    assert dataset.issues[["code", "table"]].values.tolist() == [["unparsed_answer", "export"]]
    with pytest.raises(lds.ReadError, match="no file of 2 has a list of labels"):
        lds.read_export(tmp_path / "in.json", strict=True)


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ([{"id": 1, "image_id": 0, "caption": "a cat"}], "a COCO file of captions"),
        ([{"image_id": 0, "file_name": "a.png", "segments_info": [{"id": 1}]}], "a COCO file of a panoptic"),
    ],
)
def test_other_kinds_of_coco_files_are_refused_by_name(tmp_path, annotations, words):
    with pytest.raises(lds.ReadError, match=words):
        read(tmp_path, annotations)


def test_annotations_that_were_not_understood_are_written_again_by_the_archive(tmp_path):
    images = [image(0, "a.jpg"), image(1, "b.jpg"), image(2, "c.jpg")]
    dataset = quiet(tmp_path, [box(), box(id=2, image_id=1, bbox=None), box(id=3, image_id=None)], images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        back = lds.read_export(dataset.to_coco_json(tmp_path / "back.json", archive=True))
    assert states(back) == states(dataset) == ["labelled", None, None]
    assert unread_of(back) == unread_of(dataset) == [{"id": 2, "image_id": 1, "category_id": 0, "area": 12.0}]
