"""The viewer from code: its three forms, and what a saved notebook shows."""

from __future__ import annotations

import base64
import inspect
import io
import json

import pytest
from PIL import Image
from traitlets import TraitError

import labellerr_ds as lds
from labellerr_ds.frames import schema
from labellerr_ds.images.colors import PALETTE, rgb
from labellerr_ds.widgets.canvas_viewer import CanvasViewer
from labellerr_ds.widgets.display import script
from labellerr_ds.widgets.image_viewer import PictureViewer

BACKENDS = ["canvas", "image"]


def test_each_backend_is_what_it_is_called(dataset, monkeypatch):
    assert isinstance(lds.AnnotationViewer(dataset), CanvasViewer)
    assert isinstance(lds.AnnotationViewer(dataset, backend="image"), PictureViewer)
    assert isinstance(dataset.annotations.labellerr.view(backend="image"), PictureViewer)
    for backend in ("auto", "canvas", "image"):
        assert isinstance(lds.AnnotationViewer(dataset, backend=backend), lds.AnnotationViewer)
    with pytest.raises(lds.InvalidArgumentError, match="one of auto, canvas, image; got 'webgl'"):
        lds.AnnotationViewer(dataset, backend="webgl")
    with pytest.raises(lds.InvalidArgumentError, match="'over' or 'side'"):
        lds.AnnotationViewer(dataset, layout="below")
    monkeypatch.setenv("VSCODE_PID", "1")
    assert isinstance(lds.AnnotationViewer(dataset), PictureViewer)
    assert isinstance(lds.AnnotationViewer(dataset, backend="canvas"), CanvasViewer)


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_is_driven_by_its_traits(dataset, backend):
    viewer = lds.AnnotationViewer(dataset, backend=backend)
    assert (viewer.index, viewer.count) == (0, 3)
    viewer.index = 99
    assert viewer.index == 2
    viewer.index = -4
    assert viewer.index == 0
    assert viewer.find("1.")
    assert viewer.index == 1
    assert not viewer.find("nothing")
    assert not viewer.find("")
    viewer.opacity = 7
    assert viewer.opacity == 1
    assert repr(viewer) == "AnnotationViewer(3 files; 1.png)"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_saved_notebook_has_a_picture_and_text(dataset, backend):
    data = lds.AnnotationViewer(dataset, backend=backend)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "AnnotationViewer(3 files; 0.png)" in data["text/plain"]
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (40, 30)


def test_classes_that_are_not_wanted_are_hidden_at_first_also_in_the_picture(dataset):
    viewer = lds.AnnotationViewer(dataset, classes=["car"])
    assert viewer.hidden == [1, 2]
    assert viewer.png() != lds.AnnotationViewer(dataset).png()
    with pytest.raises(lds.InvalidArgumentError, match="no shape has the class 'cat'; there are car, <b>, person"):
        lds.AnnotationViewer(dataset, classes=["cat"])


def test_the_picture_shows_points_and_skeletons_in_the_colour_of_their_class(dataset):
    picture = dataset.draw(dataset.files["file_id"][2], classes=["person"])
    color = rgb(PALETTE[2])
    assert picture.getpixel((10, 12)) == color  # a hand, seen or not
    assert picture.getpixel((7, 8)) == color  # on the way to it
    assert picture.getpixel((1, 28)) == (128, 132, 138)  # a foot that is not labelled is at no place


def test_the_plain_viewer_follows_its_controls_and_its_traits(dataset):
    viewer = lds.AnnotationViewer(dataset, backend="image")
    assert viewer._previous.disabled
    assert viewer._line.value == "1 of 3   0.png: 2 annotations, 2 of them shown"
    first = viewer._picture.value
    viewer._shown.value = [0]
    assert viewer.hidden == [1, 2]
    assert viewer._picture.value != first
    assert viewer._line.value.endswith("2 annotations, 1 of them shown")
    viewer._next.click()
    viewer._at.value = 3
    assert viewer.index == 2
    assert viewer._next.disabled
    viewer._find.value = "0.p"
    assert viewer.index == 0
    viewer.hidden = []
    assert len(viewer._shown.value) == 3
    viewer._opacity.value = 0.9
    assert viewer.opacity == 0.9


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_to_show_is_a_viewer_of_no_files(dataset, backend):
    viewer = lds.AnnotationViewer(dataset.only([]), backend=backend)
    assert viewer.count == 0
    assert viewer.png().startswith(b"\x89PNG")
    assert repr(viewer) == "AnnotationViewer(0 files; no files)"


def sent(viewer, message):
    told = []
    viewer.send = lambda content, buffers=None: told.append(content)
    viewer._hear(viewer, message, [])
    if viewer._worker:
        viewer._worker.shutdown()
    return [(each["kind"], each.get("index")) for each in told]


def test_the_browser_is_answered_page_by_page_and_told_when_that_was_all(dataset):
    viewer = lds.AnnotationViewer(dataset)
    assert sent(viewer, {"kind": "pages", "pages": [1, 2]}) == [("pages", 1), ("pages", 2), ("done", None)]
    assert sent(viewer, {"kind": "thumbnails", "pages": [0]}) == [("thumbnails", 0), ("done", None)]
    for odd in ({"kind": "pages", "pages": [7, "x", None, -1]}, {"kind": "pages"}):
        assert sent(viewer, odd) == [("done", None)]
    assert sent(viewer, {"kind": "find", "text": "nowhere"}) == [("note", None)]
    for odd in ({}, None, {"kind": "other"}, {"kind": "change"}):
        assert sent(viewer, odd) == []


def test_images_through_links_do_not_hold_up_the_kernel_and_are_in_no_state(project):
    viewer = lds.AnnotationViewer(lds.export_dataset(project, ["accepted"], progress=False), images="links")
    assert viewer._worker is not None
    assert sent(viewer, {"kind": "pages", "pages": [0, 1]}) == [("pages", 0), ("pages", 1), ("done", None)]
    assert "Signature" not in str(viewer.get_state())


def test_the_scripts_fetch_nothing_and_write_no_html():
    for names in (["canvas.js", "grid.js", "viewer.js"], ["shell.js"]):
        text = script(*names)
        for word in ("http://", "https://", "innerHTML", "insertAdjacentHTML", "import ", "eval("):
            assert word not in text


@pytest.mark.parametrize("backend", BACKENDS)
def test_selecting_a_row_from_code_shows_its_page_and_another_page_selects_none(dataset, backend):
    viewer = lds.AnnotationViewer(dataset, backend=backend)
    viewer.selected = 3
    assert viewer.index == 2
    viewer.index = 0
    assert viewer.selected is None
    for wrong in (99, "x"):
        with pytest.raises((lds.InvalidArgumentError, TraitError)):
            viewer.selected = wrong
    part = dataset.annotations[dataset.annotations["category"] == "person"]
    viewer = part.labellerr.view(backend=backend)
    viewer.selected = part.index[0]
    assert part.loc[viewer.selected, "category"] == "person"


@pytest.mark.parametrize("index", [["a", "b", "c", "d", "e"], [0, 0, 1, 1, 2]])
def test_rows_without_unique_whole_numbers_are_called_by_their_position(dataset, index):
    viewer = dataset.annotations.set_axis(index).labellerr.view()
    viewer.selected = 4
    assert viewer._packet(viewer.index).message["shapes"][-1]["row"] == 4


def test_shapes_as_json_text_are_drawn_too(dataset):
    plain = dataset.annotations.labellerr.plain()
    assert plain.labellerr.view().png() == dataset.annotations.labellerr.view().png()


def test_side_by_side_is_seen_in_the_picture_too(dataset):
    after = dataset.annotations.copy()
    after.loc[0, "bbox_y"] = 18.0
    over, side = (lds.AnnotationViewer(dataset, compare=after, layout=layout).image() for layout in ("over", "side"))
    assert (over.size, side.size) == ((40, 30), (86, 30))
    moved = [side.getpixel((left + 4, 27)) != (128, 132, 138) for left in (0, 46)]
    assert moved == [False, True]


def test_images_that_are_nowhere_are_told_at_once(dataset, tmp_path):
    for images in (tmp_path, {"f0": tmp_path / "none.png"}, {"nope": tmp_path}):
        with pytest.warns(lds.LabellerrWarning, match="none of the 3 files has its image there, '0.png' for one"):
            lds.AnnotationViewer(dataset, images=images)
    with pytest.raises(lds.InvalidArgumentError, match="no folder 'link'"):
        lds.AnnotationViewer(dataset, images="link")


def test_images_come_through_the_links_of_a_project_that_is_named(project, tmp_path):
    lds.export_dataset(project, ["accepted"], progress=False).to_parquet(tmp_path / "labels")
    viewer = lds.AnnotationViewer(lds.read_export(tmp_path / "labels"), images=project)
    assert viewer._packet(0).buffers[0]


def test_one_class_may_be_named_alone_and_help_tells_the_parameters(dataset):
    assert lds.AnnotationViewer(dataset, classes="car").hidden == [1, 2]
    assert list(inspect.signature(lds.AnnotationViewer).parameters)[:3] == ["dataset", "compare", "images"]


def test_a_page_that_cannot_be_made_is_told_and_the_others_come(dataset, monkeypatch):
    from labellerr_ds.widgets import canvas_viewer

    viewer, make = lds.AnnotationViewer(dataset), canvas_viewer.packet

    def failing(pages, page, **options):
        if page == 1:
            raise RuntimeError("a surprise")
        return make(pages, page, **options)

    monkeypatch.setattr(canvas_viewer, "packet", failing)
    assert sent(viewer, {"kind": "pages", "pages": [0, 1, 2]}) == [
        *(("pages", page) for page in range(3)),
        ("done", None),
    ]


def test_a_drawn_file_opens_no_panel_and_has_the_size_of_its_image(dataset, tmp_path):
    from ipywidgets import Widget

    Image.new("RGB", (3000, 2250)).save(tmp_path / "0.png")
    before = len(_instances(Widget))
    picture = dataset.draw(dataset.files["file_id"][0], images=tmp_path)
    assert len(_instances(Widget)) == before
    assert picture.size == (3000, 2250)
    assert lds.AnnotationViewer(dataset, images=tmp_path).image().size == (3000, 2250)


def _instances(widget):
    from ipywidgets.widgets import widget as module

    return getattr(module, "_instances", None) or widget.widgets


def test_the_plain_viewer_warns_of_another_size(dataset, tmp_path):
    Image.new("RGB", (50, 30)).save(tmp_path / "0.png")
    viewer = lds.AnnotationViewer(dataset, images=tmp_path, backend="image")
    assert "50 x 30 pixels, the export says 40 x 30" in viewer._line.value


def test_a_closed_viewer_lets_go_of_its_images(project):
    viewer = lds.AnnotationViewer(lds.export_dataset(project, ["accepted"], progress=False), images="links")
    viewer.close()
    assert viewer._pages._links._pool._shutdown


@pytest.mark.parametrize("backend", BACKENDS)
def test_where_shows_the_files_that_have_all_of_it(project, backend):
    dataset = lds.export_dataset(project, "all", progress=False)
    viewer = lds.AnnotationViewer(dataset, backend=backend)
    rows, files = dataset.annotations, dataset.files
    cars = set(rows.loc[rows["category"] == "car", "file_id"])
    accepted = set(files.loc[files["status"] == "accepted", "file_id"])

    def shown():
        return [viewer._pages.file_id(page) for page in range(viewer.count)]

    assert viewer.where(category="car", status="accepted") == len(cars & accepted)
    assert set(shown()) == cars & accepted
    rain = rows["category"].eq("weather") & rows["value"].eq("rain")
    assert (
        viewer.where(answer=("weather", "rain"))
        == viewer.where(rain.fillna(False))
        == rows.loc[rain, "file_id"].nunique()
    )
    assert viewer.where(files["status"].eq("review")) == (files["status"] == "review").sum()
    assert viewer.where(name="STREET_") == files["file_name"].str.contains("street_").sum()
    viewer.where(order="annotations")
    counts = files.set_index("file_id")["annotation_count"].loc[shown()].tolist()
    assert counts == sorted(counts, reverse=True)
    viewer.where(order="name", label_state="negative")
    assert set(shown()) == set(files.loc[files["label_state"] == "negative", "file_id"])
    assert viewer.where(category="nothing") == 0
    assert "no files" in repr(viewer)
    assert viewer.where() == len(files)
    with pytest.raises(lds.InvalidArgumentError, match="a boolean Series of the"):
        viewer.where(rain.iloc[:3])
    with pytest.raises(lds.InvalidArgumentError, match="have no issues"):
        lds.AnnotationViewer(rows, backend=backend).where(issue=True)
    with pytest.raises(lds.InvalidArgumentError, match="order must be"):
        viewer.where(order="size")


def test_files_with_an_issue_are_shown_alone(tmp_path):
    boxes = [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]},
        {"id": 2, "image_id": 2, "category_id": 9, "bbox": [1, 1, 5, 5]},
    ]
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 20, "height": 20} for n in (1, 2, 3)]
    told = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": boxes}
    (tmp_path / "in.json").write_text(json.dumps(told))
    with pytest.warns(lds.LabellerrWarning):
        dataset = lds.read_export(tmp_path / "in.json")
    viewer = lds.AnnotationViewer(dataset)
    assert (viewer.where(issue=True), viewer._pages.name(0)) == (1, "2.jpg")
    assert (viewer.where(issue="dangling_category_id"), viewer.where(issue="bad_row")) == (1, 0)
    viewer._hear(None, {"kind": "choices"}, None)
    assert ("issue", "dangling_category_id", 1) in {
        (choice["by"], choice["value"], choice["files"]) for choice in viewer.choices if choice["by"] == "issue"
    }


def test_answers_are_among_what_the_browser_filters_by(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    viewer = lds.AnnotationViewer(dataset)
    viewer._hear(None, {"kind": "choices"}, None)
    answers = {tuple(choice["value"]): choice["files"] for choice in viewer.choices if choice["by"] == "answer"}
    assert answers["weather", "rain"] == viewer.where(answer=("weather", "rain"))
    viewer._hear(None, {"kind": "where", "by": "answer", "value": ["weather", "rain"], "order": "given"}, None)
    assert viewer.count == answers["weather", "rain"]


def test_a_row_on_a_file_that_is_filtered_away_cannot_be_selected(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    viewer = lds.AnnotationViewer(dataset)
    row = dataset.annotations.index[dataset.annotations["type"].eq("bbox")][0]
    viewer.where(~dataset.files["file_id"].eq(dataset.annotations.loc[row, "file_id"]))
    with pytest.raises(lds.InvalidArgumentError, match="selected"):
        viewer.selected = row


def test_a_page_tells_attributes_children_and_answers(project):
    dataset = lds.export_dataset(project, "all", progress=False)
    rows = dataset.annotations
    child = rows[rows["parent_id"].notna()].iloc[0]
    viewer = lds.AnnotationViewer(dataset)
    parent = rows.index[rows["annotation_id"].eq(child["parent_id"])][0]
    viewer.selected = parent
    message = viewer._packet(viewer.index).message
    (shape,) = (each for each in message["shapes"] if each["row"] == parent)
    assert shape["id"] == child["parent_id"]
    assert (child["category"], child["value"]) in shape["children"]
    is_shape = rows["type"].isin(schema.SHAPE_TYPES)
    answers = rows[rows["file_id"].eq(child["file_id"]) & rows["parent_id"].isna() & ~is_shape]
    assert [name for name, _ in message["answers"]] == answers["category"].tolist()


# --- predictions beside labels


@pytest.fixture
def predicted(serve):
    sandbox = serve(files=40)
    project = lds.Client.sandbox(sandbox).project("Street scenes with errors")
    return lds.export_dataset(project, "all", progress=False).with_predictions(sandbox.predictions())


def test_predictions_are_drawn_as_matches_false_positives_and_misses(predicted):
    viewer = lds.AnnotationViewer(predicted)
    words = {word.rsplit(" ", 1)[0] if word[-1].isdigit() else word for word, _ in viewer._pages._marks.values()}
    assert {"label", "match", "missed", "false positive"} <= words
    assert viewer.side_names == ["labels", "predictions"]
    comparison = lds.compare(predicted)
    counted = comparison.annotations["change"].value_counts()
    assert sum(word == "missed" for word, _ in viewer._pages._marks.values()) == counted["removed"]
    assert lds.AnnotationViewer(comparison).count == viewer.count


def test_files_are_ordered_by_differences_and_by_the_least_sure_prediction(predicted):
    viewer = lds.AnnotationViewer(predicted)
    viewer.where(order="score")
    assert viewer.order == "score"
    first = viewer._pages.name(0)
    least = predicted.predictions.loc[predicted.predictions["score"].idxmin(), "file_name"]
    assert first == least
    viewer.where(order="differences")
    changes = lds.compare(predicted).annotations
    most = changes[changes["change"].isin(["added", "removed", "reclassified", "changed"])]["file_id"].value_counts()
    mine = predicted.files.set_index("file_id")["file_name"]
    assert viewer._pages.name(0) in set(mine[most.index[most == most.max()]])
    viewer.where(order="area")
    with pytest.raises(lds.InvalidArgumentError, match="order must be one of given"):
        lds.AnnotationViewer(predicted.annotations).where(order="score")


def test_a_class_that_changed_says_from_what(dataset):
    boxes = dataset.annotations
    other = boxes.assign(category=boxes["category"].astype(str).replace("car", "bus").astype("category"))
    words = {word for word, _ in lds.AnnotationViewer(boxes, compare=other)._pages._marks.values()}
    assert "reclassified from car" in words
