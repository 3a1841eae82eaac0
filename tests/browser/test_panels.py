"""The panels in JupyterLab, as a person uses them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from shapes import GREY, SHAPES, blend, close

from labellerr_ds.images.colors import PALETTE

PICKER = """
import labellerr_ds as lds
client = lds.Client.sandbox()
picker = lds.ExportPicker(client.project(client.projects()['project_id'][0]), statuses=['accepted'])
picker
"""


def test_the_viewer_draws_pages_filters_dims_selects_and_shows_thumbnails(notebook):
    opened = notebook(SHAPES, "viewer = lds.AnnotationViewer(dataset, opacity=0.5)\nviewer")
    page, cells = opened.page, opened.cells()
    opened.drawn("0:0.jpg")
    car, other = PALETTE[:2]
    page.uncheck(".labellerr-viewer label:has-text('labels') input")
    assert close(opened.pixel(50, 50), blend(car, 0.5))
    assert close(opened.pixel(130, 50), blend(other, 0.5))  # columns 120 to 139 of the mask
    assert close(opened.pixel(119, 50), GREY)
    assert close(opened.pixel(141, 50), GREY)
    assert close(opened.pixel(5, 5), GREY)

    root = page.locator(".labellerr-viewer")
    root.focus()
    opened.press("x", "a", "m", "y", "d", "d")  # would cut, insert or change cells
    opened.press("n")
    opened.drawn("1:1.jpg")
    assert close(opened.pixel(170, 30), blend(car, 0.5))
    opened.press("End")
    opened.drawn("2:2.jpg")
    assert "no annotations on this file" in page.inner_text(".labellerr-viewer .status")
    opened.press("Home")
    opened.drawn("0:0.jpg")

    opened.press("]")
    assert close(opened.pixel(50, 50), blend(car, 0.6))
    opened.press("1")
    assert close(opened.pixel(50, 50), GREY)
    opened.press("2")
    assert "hidden by the class filter" in page.inner_text(".labellerr-viewer .status")
    page.get_by_role("button", name="Show all").click()
    assert close(opened.pixel(50, 50), blend(car, 0.6))
    root.focus()
    opened.press("ArrowDown")
    page.wait_for_function(
        "() => document.querySelector('.labellerr-viewer .status').textContent.startsWith('car, 60 x 60')"
    )
    assert opened.told("viewer.selected, viewer.index, round(viewer.opacity, 2)", "(0, 0, 0.6)")
    canvas = page.locator(".labellerr-viewer .stage canvas").first
    size = canvas.bounding_box()
    canvas.click(position={"x": size["width"] * 130 / 200, "y": size["height"] * 0.5})
    assert opened.told("viewer.selected", "1")
    assert canvas.get_attribute("aria-label").startswith("<img src=x onerror=alert(1)>")

    root.focus()
    opened.press("+", "+")
    assert close(opened.pixel(10, 50), blend(car, 0.6))  # 1.25 twice about the middle: what was at 42 is there now
    opened.press("f")
    page.fill(".labellerr-viewer .position", "2")
    opened.press("Enter")
    opened.drawn("1:1.jpg")
    page.fill(".labellerr-viewer input[type=search]", "nowhere")
    opened.press("Enter")
    page.get_by_text("No file has 'nowhere' in its name.").wait_for()
    page.fill(".labellerr-viewer input[type=search]", "2.J")
    opened.press("Enter")
    opened.drawn("2:2.jpg")
    page.fill(".labellerr-viewer .position", "1.5")
    opened.press("Enter")
    opened.drawn("0:0.jpg")
    page.uncheck(".labellerr-viewer label:has-text('boxes') input")
    assert close(opened.pixel(50, 50), GREY)
    page.check(".labellerr-viewer label:has-text('boxes') input")
    page.get_by_role("button", name="Next ›").click()
    opened.drawn("1:1.jpg")
    page.get_by_role("button", name="Next ›").click()
    opened.drawn("2:2.jpg")

    root.focus()
    opened.press("g")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn='0-3']")
    assert page.locator(".labellerr-viewer .tile").all_inner_texts() == ["0.jpg (2)", "1.jpg (1)", "2.jpg (0)"]
    opened.press("ArrowLeft", "Enter")
    opened.drawn("1:1.jpg")
    assert "<img src=x onerror=alert(1)>" not in page.inner_html(".labellerr-viewer")
    opened.press("Escape")  # back to the cell, where keys are Lab's again
    assert page.evaluate("() => document.activeElement.classList.contains('jp-Cell')")
    assert opened.cells() == cells


SCENES = """
import labellerr_ds as lds
client = lds.Client.sandbox()
project = client.project("Street scenes")
dataset = lds.export_dataset(project, "all", progress=False)
viewer = lds.AnnotationViewer(dataset, images=project)
viewer.where(category="pedestrian", answer=("weather", "rain"), order="annotations")
viewer
"""


def test_the_objects_and_answers_of_a_file_are_beside_it_and_files_are_filtered(notebook):
    opened = notebook(SCENES)
    page = opened.page
    objects = page.locator(".labellerr-viewer .objects .object")
    objects.first.wait_for()
    page.wait_for_function("() => /rain/.test(document.querySelector('.labellerr-viewer .answers').textContent)")
    expected = int(opened.execute("print(int(viewer._pages._is_shape_row[viewer._pages.rows(0)].sum()))"))
    assert objects.count() == expected
    opened.picture("viewer_objects", ".labellerr-viewer")

    walker = page.locator(".labellerr-viewer .object", has_text="pedestrian").first
    walker.click()
    row = walker.get_attribute("data-row")
    assert opened.told("viewer.selected", row)
    walker.locator("dt", has_text="id").wait_for()
    told = opened.execute("row = dataset.annotations.loc[viewer.selected]; print(row['annotation_id'])").strip()
    assert told in walker.inner_text()
    page.locator(".labellerr-viewer").focus()
    opened.press("ArrowDown")
    page.wait_for_function(
        "(row) => document.querySelector('.object[aria-selected=true]')?.dataset.row !== row", arg=row
    )

    count = opened.execute("print((dataset.files['status'] == 'accepted').sum())").strip()
    page.get_by_label("Files to show").select_option(label=f"accepted ({count})")
    page.get_by_text(f"of {count}", exact=True).wait_for()
    assert opened.told("viewer.count, viewer.index", f"({count}, 0)")
    wet = opened.execute("print(viewer._pages.files_with('answer', ('weather', 'rain')).sum())").strip()
    page.get_by_label("Files to show").select_option(label=f"weather = rain ({wet})")
    page.get_by_text(f"of {wet}", exact=True).wait_for()
    page.get_by_label("Files to show").select_option(label=f"accepted ({count})")
    page.get_by_text(f"of {count}", exact=True).wait_for()
    page.mouse.move(2, 2)  # off the list, whose objects are told when the pointer is over them
    page.wait_for_function("() => /accepted/.test(document.querySelector('.labellerr-viewer .status').textContent)")
    page.get_by_label("Order of the files").select_option("name")
    page.locator(".labellerr-viewer").focus()
    opened.press("g")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn^='0-']")
    names = [text.rsplit(" (", 1)[0] for text in page.locator(".labellerr-viewer .tile").all_inner_texts()]
    assert names == sorted(names, key=str.casefold)
    opened.press("g")

    opened.press("o")
    page.wait_for_function("() => document.querySelector('.labellerr-viewer .objects').hidden")
    opened.press("?")
    page.get_by_text("select an annotation", exact=True).wait_for()
    opened.press("Escape")  # closes the help, and no more
    assert page.locator(".labellerr-viewer .help").is_hidden()
    assert page.evaluate("() => document.activeElement.classList.contains('labellerr-viewer')")


CALLS = """
import labellerr_ds as lds
client = lds.Client.sandbox()
project = client.project("Phone calls")
calls = lds.export_dataset(project, "all", progress=False)
segments = calls.annotations[calls.annotations["type"] == "segment"]
viewer = lds.AnnotationViewer(calls, images=project)
viewer.where(rows=calls.files["file_id"].eq(segments["file_id"].value_counts().index[0]))
viewer
"""
TEXTS = """
import pathlib, tempfile
import labellerr_ds as lds
folder = pathlib.Path(tempfile.mkdtemp())
text = "Ada met <b>Charles</b> \\U0001F600 in London. Ada wrote notes.\\n" * 3
(folder / "note.txt").write_text(text, encoding="utf-8")
second = text.index("Ada", 5)
spans = [{"start": 0, "end": 3, "text": "Ada"}, {"start": second, "end": second + 3, "text": "Ada"},
         {"text": "<b>Charles</b>"}, {"start": 1, "end": 2, "text": "nowhere"}]
record = {"file_id": "t1", "file_name": "note.txt", "file_metadata": {}, "latest_answer": [
    {"question_id": "q", "question_name": "person", "question_type": "stt", "answer": {"segments": spans}}]}
import json
(folder / "export.json").write_text(json.dumps([record]))
viewer = lds.AnnotationViewer(lds.read_export(folder / "export.json"), images=folder)
viewer
"""
DOCUMENTS = """
import labellerr_ds as lds
project = lds.Client.sandbox().project("Product reviews")
viewer = lds.AnnotationViewer(lds.export_dataset(project, "all", progress=False), images=project)
viewer
"""


def test_the_segments_of_a_call_are_on_a_time_line_and_are_played(notebook):
    opened = notebook(CALLS)
    page = opened.page
    page.wait_for_function("() => document.querySelector('.labellerr-viewer audio')?.duration > 60", timeout=60000)
    rows = page.locator(".labellerr-viewer .segments tr")
    shown = int(opened.execute("print(segments['file_id'].value_counts().iloc[0])"))
    assert rows.count() == page.locator(".labellerr-viewer .timeline button").count() == shown
    assert page.locator(".labellerr-viewer .stage").is_hidden()
    assert f"{shown} segment" in page.inner_text(".labellerr-viewer .status")
    opened.picture("viewer_audio", ".labellerr-viewer")

    rows.first.get_by_role("button").click()
    page.wait_for_function("() => document.querySelector('.segments tr').classList.contains('now')")
    page.wait_for_function(  # a segment is played to its end, and not on
        "() => { const sound = document.querySelector('audio'); return sound.paused && !sound.dataset.until; }"
    )
    told = opened.execute(
        "first = segments[segments['file_id'] == viewer._pages.file_id(0)].sort_values('time').iloc[0]\n"
        "print(first['end_time'])"
    )
    end = float(told)
    assert end - 0.05 <= page.evaluate("() => document.querySelector('audio').currentTime") <= end + 0.6
    page.locator(".labellerr-viewer").focus()
    opened.press("Space")
    page.wait_for_function("() => !document.querySelector('audio').paused")
    opened.press("g")  # and is silent where it is not seen
    page.wait_for_function("() => document.querySelector('audio').paused")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn^='0-']")
    assert page.locator(".labellerr-viewer .tile").first.inner_text().endswith(f"({shown})")


def test_spans_of_a_text_are_marked_in_it(notebook):
    opened = notebook(TEXTS)
    page = opened.page
    marks = page.locator(".labellerr-viewer .text-body mark")
    marks.first.wait_for()
    assert marks.all_inner_texts() == ["Ada", "<b>Charles</b>", "Ada"]
    assert page.inner_text(".labellerr-viewer .text-body").count("\U0001f600") == 3
    assert page.locator(".labellerr-viewer .segments tr").count() == 4
    assert page.locator(".labellerr-viewer .text-body b").count() == 0
    opened.picture("viewer_text", ".labellerr-viewer")


def test_the_first_page_of_a_pdf_is_drawn(notebook):
    opened = notebook(DOCUMENTS)
    page = opened.page
    page.wait_for_selector(".labellerr-viewer canvas[data-drawn^='0:']", timeout=60000)
    assert opened.pixel(5, 5) == [255, 255, 255]
    assert "no shapes on this file" in page.inner_text(".labellerr-viewer .status")
    opened.picture("viewer_pdf", ".labellerr-viewer")


def test_opacity_and_filter_answer_while_the_kernel_is_busy(notebook):
    opened = notebook(
        SHAPES, "viewer = lds.AnnotationViewer(dataset, opacity=0.5)\nviewer", "import time; time.sleep(8)"
    )
    page, car = opened.page, PALETTE[0]

    def busy():
        return page.locator(".jp-InputArea-prompt").nth(2).inner_text() == "[*]:"

    opened.drawn("0:0.jpg")  # the first file came with the panel
    page.uncheck(".labellerr-viewer label:has-text('labels') input")
    page.locator(".labellerr-viewer").focus()
    opened.press("[")
    assert close(opened.pixel(50, 50), blend(car, 0.4))
    opened.press("1")
    assert close(opened.pixel(50, 50), GREY)
    assert busy()
    page.wait_for_selector(".labellerr-viewer[data-held='0 1']", timeout=20000)  # the neighbour, once it is free
    page.evaluate(
        """() => {
          const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          window.running = true;
          kernel.requestExecute({ code: 'time.sleep(5)' }).done.then(() => { window.running = false; });
        }"""
    )
    opened.press("0", "n")
    opened.drawn("1:1.jpg")
    assert close(opened.pixel(170, 30), blend(car, 0.4))
    assert page.evaluate("() => window.running")


def test_what_changed_is_drawn_over_one_another_and_side_by_side(notebook):
    opened = notebook(
        SHAPES,
        "after = dataset.annotations.copy()\nafter.loc[0, 'bbox_x'] = 30.0\nafter = after.drop(index=2)\n"
        "viewer = lds.AnnotationViewer(dataset, compare=after, opacity=1)\nviewer",
    )
    page = opened.page
    opened.drawn("0:0.jpg")
    page.uncheck(".labellerr-viewer label:has-text('labels') input")
    moved, gone = (230, 159, 0), (213, 94, 0)
    assert close(opened.pixel(85, 50), moved)
    assert close(opened.pixel(25, 50), GREY)  # where it was there is an outline
    opened.picture("viewer_over", ".labellerr-viewer")
    page.locator(".labellerr-viewer").focus()
    opened.press("s")
    page.wait_for_selector(".labellerr-viewer .sides")
    assert close(opened.pixel(85, 50, canvas=0), GREY)  # before it ended at 80
    assert not close(opened.pixel(25, 50, canvas=0), GREY)
    assert close(opened.pixel(25, 50, canvas=1), GREY)  # and now begins at 30
    assert close(opened.pixel(85, 50, canvas=1), moved)
    assert close(opened.pixel(130, 50, canvas=0), opened.pixel(130, 50, canvas=1))  # the mask is the same
    opened.press("d")
    opened.drawn("1:1.jpg")
    assert close(opened.pixel(170, 30, canvas=0), gone)
    assert close(opened.pixel(170, 30, canvas=1), GREY)
    assert opened.told("viewer.arrangement", "side")


def test_a_hundred_thousand_files_are_scrolled_through(notebook):
    opened = notebook(
        "import labellerr_ds as lds, pandas as pd\nfrom labellerr_ds.frames import schema\nn = 100_000\n"
        "ids = [f'f{i}' for i in range(n)]\n"
        "files = schema.build('files', {'file_id': ids, 'file_name': [f'{i}.jpg' for i in ids],"
        " 'width': [64] * n, 'height': [48] * n}, n)\n"
        "rows = schema.build('annotations', {'file_id': ids[::2], 'category': ['car'] * (n // 2),"
        " 'type': ['bbox'] * (n // 2), 'bbox_x': [0.0] * (n // 2), 'bbox_y': [0.0] * (n // 2),"
        " 'bbox_width': [64.0] * (n // 2), 'bbox_height': [48.0] * (n // 2)}, n // 2)\n"
        "dataset = lds.Dataset(files, rows, schema.empty('categories'), schema.empty('issues'))",
        "viewer = lds.AnnotationViewer(dataset, opacity=1)\nviewer",
    )
    page = opened.page
    opened.drawn("0:f0.jpg")
    page.locator(".labellerr-viewer").focus()
    opened.press("g")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn^='0-']")
    assert page.locator(".labellerr-viewer .tile").count() < 40
    page.evaluate("() => { const grid = document.querySelector('.labellerr-viewer .grid'); grid.scrollTop = 1e9; }")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn$='-100000']")
    assert "f99999.jpg (0)" in page.locator(".labellerr-viewer .tile").all_inner_texts()
    color = page.evaluate(
        """() => { const tile = [...document.querySelectorAll('.labellerr-viewer .tile')].find(
             (each) => each.textContent === 'f99998.jpg (1)');
           return [...tile.firstChild.getContext('2d').getImageData(100, 100, 1, 1).data].slice(0, 3); }"""
    )
    assert close(color, blend(PALETTE[0], 1))
    opened.press("Home")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn^='0-']")
    page.fill(".labellerr-viewer input[type=search]", "f50000.")
    opened.press("Enter")  # found while thumbnails are shown: the list goes there
    page.get_by_role("option", name="f50000.jpg (1)", selected=True).wait_for()
    page.locator(".labellerr-viewer .tile[aria-selected=true]").focus()
    opened.press("End", "ArrowLeft", "Enter")
    opened.drawn("99998:f99998.jpg")
    assert opened.told("viewer.index", "99998")


def test_images_come_through_links_and_frames_of_a_video_are_scrubbed(notebook):
    opened = notebook(
        "import labellerr_ds as lds\nclient = lds.Client.sandbox()\nids = client.projects()['project_id']\n"
        "photos = lds.export_dataset(client.project(ids[0]), ['accepted'], progress=False)\n"
        "videos = lds.export_dataset(client.project(ids[1]), 'all', progress=False)",
        "viewer = lds.AnnotationViewer(photos, images='links')\nviewer",
        "films = lds.AnnotationViewer(videos)\nfilms",
        "after = photos.annotations.copy()\nboxes = after.index[after['type'] == 'bbox'][:3]\n"
        "after.loc[boxes[0], 'bbox_x'] += 60\nafter.loc[boxes[1], 'category'] = 'car'\n"
        "lds.AnnotationViewer(photos, compare=after.drop(index=boxes[2]), images='links', layout='side')",
    )
    page = opened.page
    page.wait_for_selector(".labellerr-viewer canvas[data-drawn^='0:']", timeout=30000)
    page.wait_for_function("() => document.querySelectorAll('.labellerr-viewer canvas[data-drawn]').length === 3")
    assert page.locator(".jp-OutputArea-child:visible").count() == 3  # the stills are there, and hidden
    opened.picture("viewer_sides", ".labellerr-viewer:has(.sides)")
    opened.execute("viewer.index = 1")
    page.wait_for_selector(".labellerr-viewer canvas[data-drawn^='1:']")
    assert page.locator(".labellerr-viewer .warning").count() == 0
    opened.picture("viewer", ".labellerr-viewer")
    page.locator(".labellerr-viewer").first.focus()
    opened.press("g")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn]:not([data-drawn=''])")
    opened.picture("viewer_grid", ".labellerr-viewer")
    opened.execute("films.index = next(i for i in range(films.count) if films._pages.siblings(i)[1] > 3)")
    scrub = page.locator(".labellerr-viewer .scrubber input").nth(1)
    scrub.wait_for()
    scrub.focus()
    opened.press("End")
    first, count = map(int, opened.execute("print(*films._pages.siblings(films.index))").split())
    assert opened.told("films.index", str(first + count - 1))
    page.locator(".labellerr-viewer").nth(1).focus()
    opened.press("PageDown")
    assert opened.told("films._pages.siblings(films.index)[0] == films.index or films.index == films.count - 1", "True")


def test_the_viewer_of_core_widgets_pages_filters_and_keeps_letters(notebook):
    opened = notebook(SHAPES, "viewer = lds.AnnotationViewer(dataset, backend='image')\nviewer")
    page = opened.page
    following = page.get_by_role("button", name="Next")
    following.wait_for(timeout=30000)
    page.wait_for_selector(".labellerr-panel[data-lm-suppress-shortcuts]")
    cells = opened.cells()
    opened.said("0.jpg: 2 annotations, 2 of them shown")
    page.locator(".labellerr-panel select").focus()
    opened.press("x", "a", "m", "y")
    page.locator(".labellerr-panel select").select_option(label="car")
    opened.said("2 annotations, 1 of them shown")
    following.click()
    opened.said("1.jpg: 1 annotations")
    assert page.locator(".labellerr-panel img").evaluate("(image) => image.naturalWidth") == 200
    assert opened.cells() == cells
    assert "<img src=x onerror=alert(1)>" not in page.inner_html(".labellerr-panel")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_an_export_goes_from_the_picker_to_a_frame(notebook, theme):
    opened = notebook(PICKER, theme=theme)
    page = opened.page
    run = page.get_by_role("button", name="Run export")
    run.wait_for(timeout=60000)
    opened.said("exports yet")
    cells = opened.cells()
    page.wait_for_selector(".labellerr-panel[data-lm-suppress-shortcuts]")
    page.locator(".labellerr-panel input[type=checkbox]").first.focus()
    opened.press("x", "a", "m", "y")
    assert opened.cells() == cells
    page.locator(".labellerr-panel select").first.focus()
    opened.press("x", "a", "m", "y")
    assert opened.cells() == cells
    run.click()
    opened.said("picker.df")
    opened.picture(f"picker_{theme.split()[-1].lower()}", ".labellerr-panel")
    told = opened.execute("print(picker.state, len(picker.df) > 0, set(picker.df['status']), picker.code)")
    assert told.startswith("done True {'accepted'} lds.ExportJob(")
    assert re.search(r"accepted - .* \(\d+ files?\)", page.inner_text(".labellerr-panel"))
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_role("button", name="Copied", exact=True).wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == opened.execute("print(picker.code)").strip()
    assert page.locator("[role=region][aria-label='Labellerr export picker']").count() == 1
    assert page.locator("[role=progressbar][aria-label='Progress of the export']").count() == 1


def test_a_picker_stops_fails_tries_again_and_finds_nothing(notebook):
    opened = notebook(
        "import labellerr_ds as lds\nfrom labellerr_ds.sandbox import Sandbox\n"
        "sandbox = Sandbox(files=12, export_seconds=60).start()\nclient = lds.Client.sandbox(sandbox)\n"
        "picker = lds.ExportPicker(client.project(sandbox.project_ids[0]), since='0s')\npicker",
    )
    page = opened.page
    run = page.get_by_role("button", name="Run export")
    opened.said("exports yet")
    page.get_by_role("button", name="clear", exact=True).click()
    expect(run).to_be_disabled()
    page.get_by_role("button", name="finished work only").click()
    expect(run).to_be_enabled()
    run.click()
    opened.said("finished with nothing in it")
    page.get_by_label("Since").fill("2999-01-01")
    run.click()
    opened.said("in the future")
    page.get_by_label("Since").fill("")
    run.click()
    opened.said("Waiting")
    bar = page.get_by_role("progressbar", name="Progress of the export")
    assert bar.get_attribute("aria-valuetext").startswith("Waiting")
    opened.picture("picker_waiting", ".labellerr-panel")
    page.get_by_role("button", name="Stop waiting").click()
    opened.said("keeps running on Labellerr")
    secret = opened.execute("print(sandbox.api_secret[::-1])").strip()[::-1]
    opened.execute(
        "transport = client._transport; real = transport.base_url; transport.base_url = 'http://127.0.0.1:9'"
    )
    page.get_by_role("button", name="Refresh", exact=True).click()
    opened.said("No answer")
    page.get_by_role("button", name="Details").click()
    assert secret not in page.inner_html(".labellerr-panel")
    opened.picture("picker_failed", ".labellerr-panel")
    opened.execute("transport.base_url = real")
    page.get_by_role("button", name="Retry").click()
    opened.said("Choose statuses")
    opened.execute("sandbox.stop()")
    run.click()
    opened.said("may have been created")
    told = opened.execute(
        "print(picker.state, type(picker.error).__name__, sandbox.api_secret in picker.error_details)"
    )
    assert told.strip() == "failed AmbiguousCreateError False"


FLAWED = """
import labellerr_ds as lds
from labellerr_ds.sandbox import Sandbox
sandbox = Sandbox(files=40).start()
project = lds.Client.sandbox(sandbox).project("Street scenes with errors")
dataset = lds.export_dataset(project, "all", progress=False).with_predictions(sandbox.predictions())
viewer = lds.AnnotationViewer(dataset, images=project)
viewer
"""


def test_predictions_are_seen_beside_labels(notebook):
    opened = notebook(FLAWED)
    page = opened.page
    page.locator(".labellerr-viewer .object", has_text="match").first.wait_for()
    page.get_by_label("Order of the files").select_option("differences")
    assert opened.told("viewer.order, viewer.index", "('differences', 0)")
    wrong = page.locator(".labellerr-viewer .object", has_text=re.compile("missed|false positive|not (car|pedestrian)"))
    wrong.first.wait_for()
    wrong.first.click()
    page.wait_for_function(
        "() => /missed|false positive|not /.test(document.querySelector('.labellerr-viewer .status').textContent)"
    )
    opened.picture("viewer_predictions", ".labellerr-viewer")
    page.locator(".labellerr-viewer").focus()
    opened.press("s")
    captions = page.locator(".labellerr-viewer figcaption")
    assert captions.all_inner_texts() == ["labels", "predictions"]
    opened.execute("viewer.where(order='score')")
    expect(page.get_by_label("Order of the files")).to_have_value("score")  # the panel follows the call
    opened.press("d")
    opened.told("viewer.index > 0", "True")
