"""What the viewer sends and shows, without a browser."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from shapes_of import read

import labellerr_ds as lds
from labellerr_ds.panels.shell import script


@pytest.fixture
def dataset(tmp_path):
    told = {
        "images": [
            {"id": place, "file_name": f"{place}.png", "width": 40, "height": 30, "labellerr_file_id": f"f{place}"}
            for place in range(3)
        ],
        "categories": [{"id": 0, "name": "car"}, {"id": 1, "name": "<b>"}],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 0, "bbox": [2, 3, 10, 8]},
            {"id": 2, "image_id": 0, "category_id": 1, "segmentation": {"size": [30, 40], "counts": [300, 90, 810]}},
            {"id": 3, "image_id": 2, "category_id": 0, "segmentation": [[1, 1, 9, 1, 9, 9], [20, 20, 30, 20, 30, 28]]},
            {"id": 4, "image_id": 2, "category_id": 0, "keypoints": [5, 6, 2]},
        ],
    }  # fmt: skip
    return read(tmp_path, told)


def test_shapes_go_as_coordinates_and_run_lengths(dataset):
    viewer = lds.AnnotationViewer(dataset)
    message, (picture, xy, runs) = viewer._packet(0)
    assert picture == b""
    assert np.frombuffer(xy, np.float32).tolist() == [2, 3, 12, 3, 12, 11, 2, 11]
    assert np.frombuffer(runs, np.int32).tolist() == [300, 90, 810]
    assert [shape["kind"] for shape in message["shapes"]] == ["box", "mask"]
    assert json.loads(json.dumps(message)) == message
    message, (_, xy, _) = viewer._packet(2)
    polygon, point = message["shapes"]
    assert polygon["parts"] == [[0, 6], [6, 6]]
    assert np.frombuffer(xy, np.float32)[point["start"] :].tolist() == [5, 6]
    assert [shape["row"] for shape in message["shapes"]] == [2, 3]


def test_files_without_annotations_are_pages_of_a_dataset_and_not_of_a_frame(dataset):
    assert lds.AnnotationViewer(dataset).count == 3
    assert dataset.annotations.labellerr.view().count == 2
    assert lds.AnnotationViewer(dataset)._packet(1).message["shapes"] == []


def test_a_video_is_paged_by_its_frames(serve):
    sandbox = serve()
    videos = lds.export_dataset(lds.Client.sandbox(sandbox).project(sandbox.project_ids[1]), "all", progress=False)
    viewer = lds.AnnotationViewer(videos)
    frames = videos.annotations.dropna(subset=["frame"])
    assert viewer.count >= frames.drop_duplicates(["file_id", "frame"]).shape[0]
    assert sum(len(rows) for rows in viewer._rows) == len(viewer._shapes)


def test_an_image_of_another_size_warns_and_one_that_is_not_there_too(dataset, tmp_path):
    Image.new("RGB", (50, 30)).save(tmp_path / "0.png")
    viewer = lds.AnnotationViewer(dataset, images={"f0": tmp_path / "0.png"})
    message, (picture, *_) = viewer._packet(0)
    assert picture.startswith(b"\x89PNG")
    assert "50 x 30 pixels, the export tells 40 x 30" in message["warning"]
    assert "not there" in viewer._packet(1).message["warning"]
    assert lds.AnnotationViewer(dataset)._packet(1).message["warning"] == ""


def test_images_come_through_links_that_stay_in_python(project):
    exported = lds.export_dataset(project, ["accepted"], progress=False)
    viewer = lds.AnnotationViewer(exported, images="links")
    message, (picture, *_) = viewer._packet(0)
    assert picture[:2] in (b"\xff\xd8", b"\x89P")
    assert "Signature" not in json.dumps(message) + json.dumps(viewer.get_state(), default=str)
    with pytest.raises(lds.InvalidArgumentError, match="exported in this process"):
        lds.AnnotationViewer(exported.annotations, images="links")


def test_a_comparison_marks_what_changed(dataset):
    after = dataset.annotations.copy()
    after.loc[0, "bbox_x"] = 5.0
    after = after.drop(index=2)
    viewer = lds.AnnotationViewer(dataset, compare=after)
    labels = [shape["label"] for index in range(3) for shape in viewer._packet(index).message["shapes"]]
    assert sorted(labels) == ["before: car", "moved: car", "removed: car", "same: <b>", "same: car"]


def test_the_saved_notebook_has_a_picture_and_text(dataset):
    data, _ = lds.AnnotationViewer(dataset)._repr_mimebundle_()
    assert "AnnotationViewer(3 files; 0.png)" in data["text/plain"]
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (40, 30)


def test_classes_that_are_not_wanted_are_hidden_at_first_also_in_the_picture(dataset):
    viewer = lds.AnnotationViewer(dataset, classes=["car"])
    assert viewer.hidden == [1]
    assert viewer.png() != lds.AnnotationViewer(dataset).png()
    with pytest.raises(lds.InvalidArgumentError, match="no class 'cat'; there are car, <b>"):
        lds.AnnotationViewer(dataset, classes=["cat"])


def test_finding_goes_on_after_the_file_that_is_shown(dataset):
    viewer = lds.AnnotationViewer(dataset)
    for expected in (1, 2, 0):
        viewer._find(".PNG")
        assert viewer.index == expected
    viewer._find("nothing")
    assert viewer.index == 0
    viewer.index = 99
    assert viewer.index == 2


@pytest.mark.parametrize("other", [3, "x", None])
def test_what_is_no_dataset_is_refused(other):
    with pytest.raises(lds.InvalidArgumentError, match="a viewer takes a Dataset"):
        lds.AnnotationViewer(other)


def test_nothing_to_show_is_a_viewer_of_no_files(dataset):
    viewer = lds.AnnotationViewer(dataset.only([]))
    assert viewer.count == 0
    assert viewer.png().startswith(b"\x89PNG")


def test_the_scripts_fetch_nothing_and_write_no_html():
    for name in ("viewer.js", "shell.js"):
        text = script(name)
        for word in ("http://", "https://", "innerHTML", "insertAdjacentHTML", "import "):
            assert word not in text
