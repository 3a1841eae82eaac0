"""YOLO: the original polygons, whole, and nothing lost without a word."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes_of import cocos, parity, read, rings

import labellerr_ds as lds
from labellerr_ds.shapes.rle import mask_to_rle, polygons_to_rle, rle_to_mask

WIDTH, HEIGHT = 160, 120


def written(folder, annotations, categories=("car",), **options):
    told = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT, "labellerr_file_status": "accepted"}
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(categories)],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 0, "iscrowd": 0, **each}
            for number, each in enumerate(annotations)
        ],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        return read(folder, told).to_yolo(folder / "yolo", **options)


def lines(folder, name="a"):
    return [line.split() for line in (folder / "yolo" / "labels" / "train" / f"{name}.txt").read_text().splitlines()]


def drawn(line, scale=1):
    """As a reader of a trainer's fills a line: even-odd."""
    points = np.array(line[1:], dtype=float).reshape(-1, 2) * (WIDTH * scale, HEIGHT * scale)
    return parity([points], HEIGHT * scale, WIDTH * scale)


def test_a_polygon_is_the_original_one_as_shares(tmp_path):
    ring = [10.25, 20.5, 90.75, 22, 80, 100.125]
    written(tmp_path, [{"segmentation": [ring]}])
    (line,) = lines(tmp_path)
    assert line[0] == "0"
    back = np.array(line[1:], dtype=float).reshape(-1, 2) * (WIDTH, HEIGHT)
    np.testing.assert_allclose(back, np.reshape(ring, (-1, 2)), atol=1e-3)


def test_a_box_is_centre_and_size(tmp_path):
    written(tmp_path, [{"bbox": [40, 30, 80, 60]}], task="detect")
    assert lines(tmp_path) == [["0", "0.500000", "0.500000", "0.500000", "0.500000"]]


def test_parts_and_holes_are_joined_and_stay_what_they_are(tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[10:80, 10:80] = True
    mask[30:50, 30:50] = False
    mask[20:60, 100:150] = True
    result = written(tmp_path, [{"segmentation": mask_to_rle(mask)}])
    (line,) = lines(tmp_path)
    assert (drawn(line) != mask).sum() <= 0.01 * mask.sum()
    assert result.annotations == 1
    assert result.left_out.empty


@settings(max_examples=25)
@given(rings(WIDTH, HEIGHT, low=5), rings(WIDTH, HEIGHT, low=5))
def test_large_polygons_of_two_parts_come_back_within_a_hundredth_of_their_area(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("yolo")
    both = [parity([np.reshape(ring, (-1, 2)) * 4], HEIGHT * 4, WIDTH * 4) for ring in (one, other)]
    apart = not (both[0] & both[1]).any() and all(mask.sum() > 16 * 32 * 32 for mask in both)
    written(folder, [{"segmentation": [one, other] if apart else [one]}])
    original = both[0] | both[1] if apart else both[0]
    if original.sum() > 16 * 32 * 32:
        found = lines(folder)
        assert (drawn(found[0], 4) != original).sum() <= 0.01 * original.sum()


@settings(max_examples=25)
@given(st.data())
def test_large_masks_come_back_within_a_hundredth_of_their_area(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("yolo")
    parts = data.draw(st.lists(rings(WIDTH, HEIGHT, low=5), min_size=1, max_size=2))
    rle = polygons_to_rle(parts, HEIGHT, WIDTH)
    mask = rle_to_mask(rle)
    rows, columns = mask.any(axis=1).sum(), mask.any(axis=0).sum()
    if min(rows, columns) <= 32 or mask.sum() < 32 * 32:
        return
    written(folder, [{"segmentation": rle}])
    (line,) = lines(folder)
    assert (drawn(line) != mask).sum() <= 0.01 * mask.sum()


def test_parts_that_overlap_are_one_outline(tmp_path):
    one, other = [10, 10, 60, 10, 60, 60, 10, 60], [30, 30, 80, 30, 80, 70, 30, 70]
    written(tmp_path, [{"segmentation": [one, other]}])
    (line,) = lines(tmp_path)
    assert drawn(line).sum() == 3600


def test_a_box_of_parts_that_overlap_has_their_own_corners(tmp_path):
    one, other = [10.5, 10.25, 60, 10.25, 60, 60, 10.5, 60], [30, 30, 80.75, 30, 80.75, 70.5, 30, 70.5]
    written(tmp_path, [{"segmentation": [one, other]}], task="detect")
    (line,) = lines(tmp_path)
    x, y, width, height = np.array(line[1:], dtype=float) * (WIDTH, HEIGHT, WIDTH, HEIGHT)
    np.testing.assert_allclose([x - width / 2, y - height / 2, width, height], [10.5, 10.25, 70.25, 60.25], atol=2e-4)


def test_keypoints_are_flagged_shares_beside_their_box(tmp_path):
    person = {"keypoints": [40, 30, 2, 80, 60, 1, 7, 7, 0], "num_keypoints": 2, "bbox": [40, 30, 80, 60]}
    child = {"keypoints": [16, 12, 2, 170, 60, 2], "num_keypoints": 2}
    box = {"bbox": [1, 1, 9, 9]}
    result = written(tmp_path, [person, child, box], task="pose")
    assert [" ".join(line) for line in lines(tmp_path)] == [
        "0 0.500000 0.500000 0.500000 0.500000 0.250000 0.250000 2 0.500000 0.500000 1 0.000000 0.000000 0",
        "0 0.550000 0.300000 0.900000 0.400000 0.100000 0.100000 2 0.000000 0.000000 0 0.000000 0.000000 0",
    ]
    assert yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())["kpt_shape"] == [3, 3]
    assert result.left_out["reason"].tolist() == [
        "a bbox is not supported by this format", "keypoints outside of the image are written as not labelled",
    ]  # fmt: skip
    assert result.left_out["written"].tolist() == [False, True]


def test_keypoints_that_change_places_in_a_mirror_are_known_by_their_names(tmp_path):
    told = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "person", "keypoints": ["nose", "left_eye", "right_eye"]}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "keypoints": [5, 5, 2, 6, 4, 2, 4, 4, 2]}
        ],
    }
    read(tmp_path, told).to_yolo(tmp_path / "yolo", task="pose")
    assert yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())["flip_idx"] == [0, 2, 1]


def test_a_file_that_lost_all_its_annotations_is_no_negative(tmp_path):
    outside, box = {"segmentation": [[500, 5, 600, 5, 600, 9]]}, {"bbox": [5, 5, 9, 9]}
    for number, annotation in enumerate([outside, {**box, "category_id": 9}, {**box, "iscrowd": 1}]):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = written(folder, [annotation])
        assert (result.images, result.annotations) == (0, 0)
        assert "not a negative" in result.left_out.loc[result.left_out["table"] == "files", "reason"].iloc[0]
    folder = tmp_path / "all"
    folder.mkdir()
    assert written(folder, [outside], negatives="all").images == 1


def test_videos_documents_and_calls_are_no_negatives(serve, tmp_path):
    sandbox = serve()
    for place, project_id in enumerate(sandbox.project_ids[1:4]):
        dataset = lds.export_dataset(lds.Client.sandbox(sandbox).project(project_id), "all", progress=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lds.LabellerrWarning)
            assert dataset.to_yolo(tmp_path / str(place)).images == 0


def test_what_leaves_the_image_is_cut_at_its_border(tmp_path):
    result = written(
        tmp_path,
        [
            {"segmentation": [[-50, 10, 50, 10, 50, 60, -50, 60]]},
            {"bbox": [150, 100, 50, 50]},
            {"bbox": [500, 5, 9, 9]},
        ],
    )
    first, second = (np.array(line[1:], dtype=float).reshape(-1, 2) * (WIDTH, HEIGHT) for line in lines(tmp_path))
    assert first.min() >= 0
    assert first[:, 0].max() == pytest.approx(50)
    assert second.max(axis=0).tolist() == [WIDTH, HEIGHT]
    assert result.left_out["reason"].tolist() == ["nothing of it lies within the image"]


def test_boxes_are_turned_where_that_is_asked_for(project, tmp_path):
    dataset = lds.export_dataset(project, "all", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        dataset.to_yolo(tmp_path / "straight")
        dataset.to_yolo(tmp_path / "turned", rotated=True)
    a, b = ({p.name: p.read_text() for p in (tmp_path / n).rglob("*.txt")} for n in ("straight", "turned"))
    assert a.keys() == b.keys()
    assert a != b


def test_names_that_files_share_get_their_ids_and_images_are_copied(project, tmp_path):
    dataset = lds.export_dataset(project, "all", progress=False)
    dataset.download_images(tmp_path / "images", progress=False)
    split = dataset.split()
    with pytest.warns(lds.LabellerrWarning, match="no shape, and label_state is .*, not negative"):
        result = dataset.to_yolo(tmp_path / "yolo", images=tmp_path / "images", split=split)
    labels, images = ({path.stem for path in (tmp_path / "yolo" / name).rglob("*.*")} for name in ("labels", "images"))
    assert labels == images
    assert len(labels) == result.images
    left = result.left_out[result.left_out["table"] == "files"]
    assert result.images + len(left) == len(dataset)
    states = dataset.files.set_index("file_id").loc[left["id"], "label_state"]
    assert not set(states) & {"labelled", "negative"}
    config = (tmp_path / "yolo" / "data.yaml").read_text()
    for name in ("train", "val", "test"):
        if not (tmp_path / "yolo" / "labels" / name).exists():  # a small one may have nothing to show
            assert name not in config
            continue
        assert f'{name}: "images/{name}"' in config
        told = set(split.files.loc[split.files["split"] == name, "file_name"].str.rsplit(".", n=1).str[0])
        for path in (tmp_path / "yolo" / "labels" / name).iterdir():
            assert any(path.stem.startswith(each.replace('"', "_").replace(",", "_")) for each in told)


@pytest.mark.parametrize(("negatives", "count"), [("finished", 2), ("all", 3), ("none", 1)])
def test_only_finished_files_are_negatives_unless_told_otherwise(tmp_path, negatives, count):
    told = {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": 9, "height": 9, "labellerr_file_status": status}
            for number, status in enumerate(["accepted", "accepted", "skipped"])
        ],
        "categories": [{"id": 0, "name": "a"}],
        "annotations": [{"id": 0, "image_id": 0, "category_id": 0, "bbox": [1, 1, 5, 5]}],
    }
    dataset = read(tmp_path, told)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        result = dataset.to_yolo(tmp_path / "out", negatives=negatives)
    assert result.images == count
    assert len(list((tmp_path / "out" / "labels" / "train").iterdir())) == count


def test_class_names_come_through_yaml(tmp_path):
    names = ("a: b", '"quoted"', "ünï", "yes", "- x", "#")
    written(tmp_path, [], categories=names)
    told = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert told["names"] == dict(enumerate(names))
    assert told["nc"] == len(names)


def test_a_folder_with_other_labels_in_it_is_refused(tmp_path):
    written(tmp_path, [])
    with pytest.raises(lds.InvalidArgumentError, match="exists already"):
        written(tmp_path, [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task": "obb"}, "task must be"),
        ({"negatives": True}, "negatives must be"),
        ({"split": 3}, "split must be"),
        ({"split": {"1": "names"}, "negatives": "all"}, "a split cannot be called 'names', which is another key"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(tmp_path, options, words):
    with pytest.raises(lds.InvalidArgumentError, match=words):
        written(tmp_path, [], **options)


def counted(folder):
    labels = list((folder / "labels").rglob("*.txt"))
    return len(labels), sum(len(path.read_text().splitlines()) for path in labels)


CONVERTERS = {
    "yolo": (lambda dataset, folder, split: dataset.to_yolo(folder, split=split), counted),
    "detect": (lambda dataset, folder, split: dataset.to_yolo(folder, split=split, task="detect"), counted),
    "voc": (
        lambda dataset, folder, split: dataset.to_pascal_voc(folder, split=split),
        lambda folder: (
            len(list((folder / "Annotations").iterdir())),
            sum(path.read_text().count("<object>") for path in (folder / "Annotations").iterdir()),
        ),
    ),
    "panoptic": (
        lambda dataset, folder, split: dataset.to_panoptic(folder, split=split),
        lambda folder: tuple(
            map(
                sum,
                zip(
                    (0, 0),
                    *(
                        (len(told["images"]), sum(len(each["segments_info"]) for each in told["annotations"]))
                        for told in (json.loads(path.read_text()) for path in folder.glob("*.json"))
                    ),
                    strict=True,
                ),
            )
        ),
    ),
}


@pytest.mark.parametrize("name", CONVERTERS)
@settings(max_examples=30)
@given(told=cocos(), data=st.data())
def test_no_converter_loses_an_image_or_an_annotation_without_saying_so(tmp_path_factory, name, told, data):
    folder = tmp_path_factory.mktemp(name)
    convert, count = CONVERTERS[name]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        dataset = read(folder, told)
        split = {each["labellerr_file_id"]: data.draw(st.sampled_from(["train", "val"])) for each in told["images"]}
        said.clear()
        result = convert(dataset, folder / "out", split)
    assert count(folder / "out") == (result.images, result.annotations)
    left = result.left_out[~result.left_out["written"]]
    assert result.images + (left["table"] == "files").sum() == len(dataset)
    assert result.annotations + (left["table"] == "annotations").sum() == len(dataset.annotations)
    assert bool(said) == bool(len(result.left_out))
    assert set(left.loc[left["table"] == "annotations", "id"]) <= set(dataset.annotations["annotation_id"])
    if said:
        assert "left out or incomplete" in str(said[-1].message)
