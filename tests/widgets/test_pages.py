"""What a viewer pages through, without a panel."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shapes_of import cocos, read

import labellerr_ds as lds
from labellerr_ds.frames import schema
from labellerr_ds.images.colors import NO_CLASS
from labellerr_ds.images.display import read_picture
from labellerr_ds.widgets.messages import packet
from labellerr_ds.widgets.pages import Pages


def message(pages, page=0):
    return packet(pages, page).message


def test_shapes_go_as_coordinates_and_run_lengths(dataset):
    pages = Pages(dataset, None, None)
    told, (picture, xy, runs) = packet(pages, 0)
    assert picture == b""
    assert np.frombuffer(xy, np.float32).tolist() == [2, 3, 12, 3, 12, 11, 2, 11]
    assert np.frombuffer(runs, np.int32).tolist() == [300, 90, 810]
    assert [shape["kind"] for shape in told["shapes"]] == ["box", "mask"]
    assert json.loads(json.dumps(told)) == told
    told, (_, xy, _) = packet(pages, 2)
    polygon, point, person = told["shapes"]
    xy = np.frombuffer(xy, np.float32)
    assert polygon["parts"] == [[0, 6], [6, 6]]
    assert xy[point["start"] :][: point["length"]].tolist() == [5, 6]
    assert [shape["row"] for shape in told["shapes"]] == [2, 3, 4]
    np.testing.assert_array_equal(xy[person["start"] :], [5, 6, 10, 12, np.nan, np.nan])
    assert person["edges"] == [(0, 1), (0, 2)]


def test_files_without_annotations_are_pages_of_a_dataset_and_not_of_a_frame(dataset):
    assert len(Pages(dataset, None, None)) == 3
    assert len(Pages(dataset.annotations, None, None)) == 2
    assert message(Pages(dataset, None, None), 1)["shapes"] == []


def test_every_shape_is_on_the_page_of_its_file_and_frame(serve):
    sandbox = serve()
    for number in range(2):
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[number])
        dataset = lds.export_dataset(project, "all", progress=False)
        pages = Pages(dataset, None, None)
        shapes = dataset.annotations[dataset.annotations["type"].isin(schema.SHAPE_TYPES)]
        assert sum(len(pages.rows(page)) for page in range(len(pages))) == len(shapes)
        for page in range(len(pages)):
            frame = pages.frame(page)
            assert set(frame["file_id"]) <= {pages.file_id(page)}
            assert frame["frame"].nunique() <= 1
            first, count = pages.siblings(page)
            assert first <= page < first + count
        assert {pages.file_id(page) for page in range(len(pages))} == set(dataset.files["file_id"])


@pytest.mark.filterwarnings("ignore::labellerr_ds.LabellerrWarning")
@given(told=cocos())
def test_opening_any_export_loses_no_shape(told, tmp_path_factory):
    dataset = read(tmp_path_factory.mktemp("in"), told)
    known = set(dataset.files["file_id"].dropna())
    frame = dataset.annotations
    wanted = frame[frame["type"].isin(schema.SHAPE_TYPES) & frame["file_id"].isin(known)]
    pages = Pages(dataset, None, None)
    assert sorted(row for page in range(len(pages)) for row in pages.rows(page)) == wanted.index.tolist()
    for page in range(len(pages)):
        assert len(message(pages, page)["shapes"]) <= len(pages.rows(page))


def test_a_frame_of_other_tools_will_do(dataset):
    frame = dataset.annotations.copy()
    frame["category"] = frame["category"].astype(object)
    frame["type"] = frame["type"].astype(str)
    frame.loc[0, "category"] = None
    pages = Pages(frame.drop(columns=["status", "frame"]), None, None)
    assert pages.classes == ["(no class)", "<b>", "car", "person"]
    assert pages.status(0) == ""


def test_an_image_of_another_size_warns_and_one_that_is_not_there_too(dataset, tmp_path):
    Image.new("RGB", (50, 30)).save(tmp_path / "0.png")
    pages = Pages(dataset, None, {"f0": tmp_path / "0.png"})
    told, (picture, *_) = packet(pages, 0)
    assert picture.startswith(b"\x89PNG")
    assert "50 x 30 pixels, the export says 40 x 30" in told["warning"]
    assert "not there" in message(pages, 1)["warning"]
    assert message(Pages(dataset, None, None), 1)["warning"] == ""


def test_frames_of_videos_are_found_by_file_and_frame(serve, tmp_path, monkeypatch):
    sandbox = serve()
    videos = lds.export_dataset(lds.Client.sandbox(sandbox).project(sandbox.project_ids[1]), "all", progress=False)
    row = videos.annotations.dropna(subset=["frame"]).iloc[0]
    Image.new("RGB", (8, 6)).save(tmp_path / "frame.png")
    monkeypatch.setattr("labellerr_ds.widgets.pages.LOOKED_FOR", 1000)
    pages = Pages(videos, None, {(row["file_id"], row["frame"]): tmp_path / "frame.png"})
    found = [page for page in range(len(pages)) if pages.source(page) is not None]
    assert [pages.name(page) for page in found] == [f"{row['file_name']}, frame {row['frame']}"]


@pytest.mark.parametrize("orientation", [None, 6])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_large_and_odd_pictures_come_smaller_and_in_the_frame_of_the_labels(tmp_path, form, orientation):
    image = Image.new("RGB", (3000, 1500), "white")
    image.paste("red", (0, 0, 1500, 1500))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    image.save(tmp_path / "in", form, exif=exif)
    picture = read_picture(tmp_path / "in", None)
    assert picture.size == ((1500, 3000) if orientation else (3000, 1500))
    shown = Image.open(io.BytesIO(picture.body))
    assert max(shown.size) == 2048
    assert shown.size[0] / shown.size[1] == picture.size[0] / picture.size[1]
    assert shown.convert("RGB").getpixel((5, 5))[0] > 250
    assert shown.convert("RGB").getpixel((5, 5))[1] < 10


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_picture_is_none(body):
    assert read_picture(body, None) is None


def test_images_come_through_links_that_stay_in_python(project):
    exported = lds.export_dataset(project, ["accepted"], progress=False)
    pages = Pages(exported, None, "links")
    pages.ahead([0, 1])
    told, (picture, *_) = packet(pages, 0)
    assert picture[:2] in (b"\xff\xd8", b"\x89P")
    assert "Signature" not in json.dumps(told)
    with pytest.raises(lds.InvalidArgumentError, match="exported in this process"):
        Pages(exported.annotations, None, "links")


def test_an_image_that_could_not_be_had_is_asked_for_again(fresh):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    pages = Pages(lds.export_dataset(project, ["accepted"], progress=False), None, "links")
    pages._links._project = lds.Client.sandbox(fresh).project("nowhere")
    told = message(pages)
    assert told["again"]
    assert "could not be had" in told["warning"]
    pages._links._project = project
    assert message(pages)["again"]  # it is not asked for at every look
    pages.again(0)
    assert "again" not in message(pages)


def test_a_comparison_marks_what_changed_and_on_which_side(dataset):
    after = dataset.annotations.copy()
    after.loc[0, "bbox_x"] = 5.0
    after = after.drop(index=2)
    pages = Pages(dataset, after, None)
    told = sorted((shape["label"], shape["side"]) for page in range(3) for shape in message(pages, page)["shapes"])
    assert told == [
        ("before: car", "a"), ("moved: car", "b"), ("removed: car", "a"), ("same: <b>", "both"), ("same: car", "both"),
        ("same: person", "both"),
    ]  # fmt: skip
    assert [pages.next_change(at) for at in (0, 1, 2)] == [2, 2, 0]
    assert Pages(dataset, dataset, None).next_change(0) is None


def test_finding_goes_on_after_the_file_that_is_shown(dataset):
    pages = Pages(dataset, None, None)
    assert [pages.find(".PNG", at) for at in range(3)] == [1, 2, 0]
    assert pages.find("nothing", 0) is None
    assert pages.find("1.p", 2) == 1


@pytest.mark.parametrize("other", [3, "x", None, pd.DataFrame({"a": [1]})])
def test_what_is_no_dataset_is_refused(other):
    with pytest.raises(lds.InvalidArgumentError, match="a viewer takes a Dataset"):
        Pages(other, None, None)


@given(st.integers(0, 3))
def test_a_broken_shape_is_left_out_and_the_others_stay(place):
    frame = schema.build(
        "annotations",
        {
            "file_id": ["f"] * 4, "file_name": ["f"] * 4, "category": ["car"] * 4, "type": ["mask"] * 4,
            "segmentation": ['{"size":[2,2],"counts":[1,3]}'] * place + ['{"size":[2,2],"counts":[9]}']
            + ['{"size":[2,2],"counts":[1,3]}'] * (3 - place),
        },
        4,
    )  # fmt: skip
    assert len(message(Pages(frame, None, None))["shapes"]) == 3


@pytest.mark.parametrize(
    "images",
    [5, "", {"f0": 5}, {"f0": None}, {("f0",): "x.png"}, {("f0", "one"): "x.png"}, pd.Series(["x.png"], ["f0"])],
    ids=str,
)
def test_images_that_cannot_be_meant_are_refused(dataset, images):
    with pytest.raises(lds.InvalidArgumentError, match="images"):
        Pages(dataset, None, images)


@pytest.mark.filterwarnings("ignore::labellerr_ds.core.errors.LabellerrWarning")
def test_a_file_name_that_no_disk_takes_is_not_there(dataset, tmp_path):
    files = dataset.files.assign(file_name="x" * 300)
    long = lds.Dataset(files, dataset.annotations, dataset.categories, dataset.issues)
    assert "not there" in message(Pages(long, None, tmp_path))["warning"]


@pytest.mark.parametrize("column", ["rotation", "bbox_y", "segmentation"])
def test_a_frame_without_a_column_is_refused_by_its_name(dataset, column):
    with pytest.raises(lds.InvalidArgumentError, match=column):
        Pages(dataset.annotations.drop(columns=column), None, None)
    with pytest.raises(lds.InvalidArgumentError, match="status"):
        Pages(dataset.annotations, dataset.annotations.drop(columns="status"), None)


def test_what_is_new_in_a_frame_is_a_page_of_the_comparison(dataset):
    new = dataset.annotations.copy()
    new["file_id"], new["file_name"], new["annotation_id"] = "g" + new["file_id"], "g" + new["file_name"], "g"
    with pytest.warns(lds.LabellerrWarning, match="no file_id is in both"):
        pages = Pages(dataset, new, None)
    assert len(pages) == 5
    labels = [shape["label"] for page in range(5) for shape in message(pages, page)["shapes"]]
    assert sum(label.startswith("added") for label in labels) == 5


def test_a_frame_without_values_has_no_answers_to_filter_by_and_rows_without_a_class_are_a_choice(dataset):
    bare = dataset.annotations.drop(columns="value")
    bare["category"] = bare["category"].astype(object).where(bare.index != bare.index[0], None)
    pages = Pages(bare, None, None)
    assert not [choice for choice in pages.choices() if choice.by == "answer"]
    (choice,) = (choice for choice in pages.choices() if choice.value == NO_CLASS)
    assert pages.files_with("category", NO_CLASS).sum() == choice.files == 1


def test_a_whole_video_is_not_fetched_for_a_look(serve):
    sandbox = serve()
    videos = lds.export_dataset(lds.Client.sandbox(sandbox).project(sandbox.project_ids[1]), "all", progress=False)
    pages = Pages(videos, None, "links")
    assert all(pages.source(page) is None for page in range(len(pages)))
    assert pages._links._coming == {}


def test_sixteen_bits_a_pixel_are_scaled_and_upright_pictures_go_as_they_are(tmp_path):
    Image.fromarray(np.full((4, 6), 32768, dtype=np.uint16)).save(tmp_path / "deep.png")
    shown = Image.open(io.BytesIO(read_picture(tmp_path / "deep.png", None).body))
    assert abs(shown.convert("RGB").getpixel((2, 2))[0] - 128) <= 2
    exif = Image.Exif()
    exif[0x0112] = 1
    Image.new("RGB", (64, 48)).save(tmp_path / "upright.jpg", exif=exif)
    assert read_picture(tmp_path / "upright.jpg", None).body == (tmp_path / "upright.jpg").read_bytes()
