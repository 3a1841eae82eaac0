"""What goes out to other tools: finished images, one class a name, boxes where they are."""

from __future__ import annotations

import contextlib
import json
import warnings
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import examples

import labellerr_ds as lds

BOX = {"xmin": 10, "ymin": 10, "xmax": 50, "ymax": 30}
STATUSES = ["accepted", "review", "rejected", None, "skipped", "assigned"]


def question(name, kind, answers, question_id=None):
    return {"question_id": question_id or f"q-{name}", "question_name": name, "question_type": kind, "answer": answers}


def thing(number, answer):
    return {"answer_id": f"a{number}", "answer": answer}


def a_file(number, status, answers, name=None):
    return {
        "file_id": f"f{number}", "file_name": name or f"{number}.jpg", "file_status": status,
        "file_metadata": {"image_width": 100, "image_height": 80}, "latest_answer": answers,
    }  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def reading(files):
        (tmp_path / "in.json").write_text(json.dumps(files))
        return lds.read_export(tmp_path / "in.json")

    return reading


@pytest.fixture
def of_each_status(read):
    """Two files of each status: one with a box, one without."""
    files = []
    for number, status in enumerate(STATUSES):
        files.append(a_file(2 * number, status, [question("car", "BoundingBox", [thing(number, BOX)])]))
        files.append(a_file(2 * number + 1, status, []))
    return read(files)


def told_where(left_out):
    return pytest.warns(lds.LabellerrWarning, match="left out") if left_out else contextlib.nullcontext()


@pytest.mark.parametrize(("negatives", "images"), [("finished", 7), ("all", 12), ("none", 6)])
def test_files_without_a_shape_go_out_as_negatives_only_where_they_are_finished(
    of_each_status, tmp_path, negatives, images
):
    with told_where(images < 12):
        coco = of_each_status.to_coco(negatives=negatives)
    with told_where(images < 12):
        path = of_each_status.to_coco_json(tmp_path / "out.json", negatives=negatives)
    with told_where(images < 12):
        written = of_each_status.to_yolo(tmp_path / "yolo", negatives=negatives)
    assert len(coco.imgs) == len(json.loads(path.read_text())["images"]) == written.images == images
    assert len(coco.anns) == 6


def test_what_is_no_negative_is_counted(of_each_status):
    with pytest.warns(lds.LabellerrWarning, match=r"5 of 12 files \(without a shape, and no negatives"):
        of_each_status.to_coco()


def test_the_archive_has_all_files(of_each_status, tmp_path):
    path = of_each_status.to_coco_json(tmp_path / "out.json", archive=True)
    assert len(json.loads(path.read_text())["images"]) == 12


def test_a_word_that_negatives_does_not_know_is_refused(of_each_status):
    with pytest.raises(lds.InvalidArgumentError, match="negatives must be"):
        of_each_status.to_coco(negatives="some")
    with pytest.raises(lds.InvalidArgumentError, match="classes must be"):
        of_each_status.to_coco(classes="by id")


@pytest.fixture
def two_cars(read):
    """Two questions of one name, a question that is no shape, and one that nothing shows."""
    return read([
        a_file(0, "accepted", [
            question("car", "BoundingBox", [thing(1, BOX)], "q1"), question("weather", "radio", "sunny"),
            question("car", "polygon", [thing(2, [{"x": 1, "y": 1}, {"x": 9, "y": 1}, {"x": 9, "y": 9}])], "q2"),
        ]),
    ])  # fmt: skip


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_classes_of_one_name_are_one_and_questions_are_none(two_cars):
    coco = two_cars.to_coco()
    assert [each["name"] for each in coco.dataset["categories"]] == ["car"]
    assert coco.getCatIds(catNms=["car"]) == [1]
    assert [each["category_id"] for each in coco.dataset["annotations"]] == [1, 1]
    exported = two_cars.to_coco(classes="as_exported")
    assert [each["name"] for each in exported.dataset["categories"]] == ["car", "weather", "car"]
    assert [each["category_id"] for each in exported.dataset["annotations"]] == [1, 3]


def test_the_lowest_id_of_a_name_is_kept(tmp_path):
    told = {
        "images": [{"id": 1, "width": 9, "height": 9, "file_name": "a.jpg"}],
        "categories": [{"id": 7, "name": "car"}, {"id": 3, "name": "car"}, {"id": 5, "name": "bus"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 1, 4, 4]}],
    }
    (tmp_path / "in.json").write_text(json.dumps(told))
    coco = lds.read_export(tmp_path / "in.json").to_coco()
    assert sorted(coco.cats) == [3, 5]
    assert coco.anns[1]["category_id"] == 3


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_an_annotation_without_a_class_stays_out_and_is_counted(tmp_path):
    told = {
        "images": [{"id": 1, "width": 9, "height": 9, "file_name": "a.jpg"}],
        "categories": [{"id": 3, "name": "car"}],
        "annotations": [{"id": 1, "image_id": 1, "bbox": [1, 1, 4, 4]}],
    }
    (tmp_path / "in.json").write_text(json.dumps(told))
    dataset = lds.read_export(tmp_path / "in.json")
    with pytest.warns(lds.LabellerrWarning, match=r"1 of 1 annotations \(without a class\)"):
        coco = dataset.to_coco()
    assert not coco.anns
    assert len(dataset.to_coco(classes="as_exported", negatives="all").anns) == 1


def test_a_rotated_box_is_where_it_is_where_that_is_asked_for(read):
    dataset = read([a_file(0, "accepted", [question("car", "BoundingBox", [thing(1, {**BOX, "rotation": 90})])])])
    straight, turned = (dataset.to_coco(rotated=turned).anns[1] for turned in (False, True))
    assert straight["bbox"] == [10, 10, 40, 20]
    np.testing.assert_allclose(turned["bbox"], [20, 0, 20, 40], atol=1e-9)
    ring = np.reshape(turned["segmentation"][0], (4, 2))
    np.testing.assert_allclose(sorted(map(tuple, ring.round(6))), [(20, 0), (20, 40), (40, 0), (40, 40)], atol=1e-6)
    assert turned["area"] == 800
    assert "rotation" not in turned


def test_file_names_are_unique_and_those_of_the_images(read, tmp_path):
    dataset = read([
        a_file(number, "accepted", [question("car", "BoundingBox", [thing(number, BOX)])], name)
        for number, name in enumerate(["a.jpg", "a.jpg", "A.png", "cam 1/a.jpg"])
    ])  # fmt: skip
    told = json.loads(dataset.to_coco_json(tmp_path / "out.json").read_text())
    names = [image["file_name"] for image in told["images"]]
    assert names == ["a.jpg", "a_f1.jpg", "A_f2.png", "cam 1_a.jpg"]
    written = dataset.to_yolo(tmp_path / "yolo")
    labels = sorted(path.name for path in (written.folder / "labels" / "train").iterdir())
    assert labels == sorted(f"{name.rpartition('.')[0]}.txt" for name in names)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_all_statuses_of_the_sandbox_give_the_same_images_in_coco_and_yolo(project, tmp_path):
    dataset = lds.export_dataset(project, "all", progress=False)
    coco = dataset.to_coco()
    shown = set(dataset.annotations.loc[dataset.annotations["bbox_x"].notna(), "file_id"])
    finished = dataset.files["label_state"].isin(["labelled", "negative"])
    assert len(coco.imgs) == int((dataset.files["file_id"].isin(shown) | finished).sum()) < len(dataset)
    assert not pd.Series([image["file_name"] for image in coco.dataset["images"]]).isna().any()


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_file_that_lost_its_shapes_is_no_negative(tmp_path):
    told = {
        "images": [
            {"id": number, "width": 9, "height": 9, "file_name": f"{number}.jpg", "labellerr_file_status": "accepted"}
            for number in (1, 2, 3)
        ],
        "categories": [{"id": 3, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 1, "bbox": [1, 1, 4, 4]},  # without a class
            {"id": 2, "image_id": 2, "category_id": 3, "segmentation": "?"},
        ],
    }
    (tmp_path / "in.json").write_text(json.dumps(told))
    coco = lds.read_export(tmp_path / "in.json").to_coco()
    assert list(coco.imgs) == [3]
    assert not coco.anns


@pytest.mark.parametrize("name", ["../evil", "a/b", ".", "..", "/tmp/x", "a\\b", " train"])
def test_the_name_of_a_split_never_leads_out_of_the_folder(of_each_status, tmp_path, name):
    for convert in (of_each_status.to_yolo, of_each_status.to_pascal_voc, of_each_status.to_panoptic):
        with pytest.raises(lds.InvalidArgumentError, match="the name of a split"):
            convert(tmp_path / "out", split={"f0": name})
    assert list(tmp_path.iterdir()) == [tmp_path / "in.json"]


letters = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("\x00\x07\x7f\x85\x9f\u2028\ufeff\ufffe\uffff\U0001f600:#'\"\\\n\t"),
    min_size=1,
    max_size=6,
)


@settings(max_examples=examples(100), deadline=None)
@given(names=st.lists(letters, min_size=1, max_size=3, unique=True))
def test_every_file_is_read_by_its_own_parser_whatever_a_class_is_called(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("names")
    answers = [question(name, "BoundingBox", [thing(place, BOX)], f"q{place}") for place, name in enumerate(names)]
    (folder / "in.json").write_text(json.dumps([a_file(0, "accepted", answers)]))
    dataset = lds.read_export(folder / "in.json")
    config = yaml.safe_load((dataset.to_yolo(folder / "yolo").folder / "data.yaml").read_text(encoding="utf-8"))
    assert list(config["names"].values()) == names
    written = dataset.to_pascal_voc(folder / "voc")
    root = ElementTree.parse(written.folder / "Annotations" / "0.xml").getroot()
    assert len(root.findall("object")) == len(names)
    told = json.loads(dataset.to_coco_json(folder / "out.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in told["categories"]] == names


def test_files_of_a_png_export_get_the_endings_of_their_images(project, tmp_path):
    lds.export_dataset(project, "all", progress=False).download_images(tmp_path / "images", progress=False)
    masks = lds.export_dataset(project, ["accepted"], format="png", progress=False)
    masks.to_coco_json(tmp_path / "coco.json", images=tmp_path / "images")
    names = [each["file_name"] for each in json.loads((tmp_path / "coco.json").read_text())["images"]]
    there = {path.name for path in (tmp_path / "images").iterdir()}
    assert names
    assert set(names) <= there
    result = masks.to_yolo(tmp_path / "yolo", images=tmp_path / "images")
    assert len(list((tmp_path / "yolo" / "images" / "train").iterdir())) == result.images == len(names)


@pytest.mark.parametrize("archive", [False, True])
def test_no_class_or_annotation_of_the_portable_file_has_the_number_0(project, tmp_path, archive):
    dataset = lds.export_dataset(project, "all", format="coco_json", progress=False)
    told = json.loads(dataset.to_coco_json(tmp_path / "c.json", archive=archive, negatives="all").read_text())
    for name in ("annotations", "categories"):
        assert (min(each["id"] for each in told[name]) == 0) == archive
    names = {each["id"]: each["name"] for each in told["categories"]}
    frame = dataset.annotations.set_index("annotation_id")["category"]
    for each in told["annotations"]:
        if "labellerr_answer_id" in each:
            assert names[each["category_id"]] == frame[each["labellerr_answer_id"]]


def test_a_file_in_coco_is_named_as_its_image_also_where_another_of_its_name_is_left_out(read, tmp_path):
    car = question("car", "BoundingBox", [thing(1, BOX)])
    dataset = read([a_file(1, "review", [], name="a.jpg"), a_file(2, "accepted", [car], name="a.png")])
    with pytest.warns(lds.LabellerrWarning, match="left out"):
        dataset.to_coco_json(tmp_path / "c.json")
    (image,) = json.loads((tmp_path / "c.json").read_text())["images"]
    assert image["file_name"] == "a_f2.png"
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    with pytest.warns(lds.LabellerrWarning, match="left out"):
        dataset.to_coco_json(tmp_path / "c.json", images=tmp_path / "images", overwrite=True)
    (image,) = json.loads((tmp_path / "c.json").read_text())["images"]
    assert image["file_name"] == "a.png"


@pytest.mark.parametrize("archive", [False, True])
def test_our_own_files_are_read_without_a_warning_and_with_their_attributes(project, tmp_path, archive):
    dataset = lds.export_dataset(project, "all", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)  # what is left out
        dataset.to_coco_json(tmp_path / "labels.json", archive=archive)
    back = lds.read_export(tmp_path / "labels.json").annotations
    told = back["attributes"].dropna()
    ids = back.loc[told.index, "annotation_id"]
    before = dataset.annotations.set_index("annotation_id")["attributes"]
    assert len(told) > 0
    named = ids.isin(before.index).to_numpy(dtype=bool)
    assert told[named].tolist() == before[ids[named]].tolist()
