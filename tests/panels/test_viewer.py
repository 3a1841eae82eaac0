"""The viewer from code: its three forms, and what a saved notebook shows."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.colors import class_color
from labellerr_ds.panels.canvas_viewer import CanvasViewer
from labellerr_ds.panels.picture_viewer import PictureViewer
from labellerr_ds.panels.shell import script

BACKENDS = ["canvas", "image"]


def rgb(color):
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def test_each_backend_is_what_it_is_called(dataset, monkeypatch):
    assert isinstance(lds.AnnotationViewer(dataset), CanvasViewer)
    assert isinstance(lds.AnnotationViewer(dataset, backend="image"), PictureViewer)
    assert isinstance(dataset.annotations.labellerr.view(backend="image"), lds.AnnotationViewer)
    picture = lds.AnnotationViewer(dataset, backend="static", index=2)
    assert isinstance(picture, Image.Image)
    assert picture.size == (40, 30)
    with pytest.raises(lds.InvalidArgumentError, match="one of auto, canvas, image, static"):
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
    with pytest.raises(lds.InvalidArgumentError, match="no class 'cat'; there are car, <b>, person"):
        lds.AnnotationViewer(dataset, classes=["cat"])


def test_the_picture_shows_points_and_skeletons_in_the_colour_of_their_class(dataset):
    picture = lds.AnnotationViewer(dataset, backend="static", index=2, classes=["person"])
    color = rgb(class_color("person"))
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
    viewer._at.value = 2
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
    for odd in ({}, None, {"kind": "other"}, {"kind": "change"}, {"kind": "find"}):
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
