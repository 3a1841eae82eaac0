"""The panels as a person uses them, in a real browser."""

from __future__ import annotations

import pytest

SHAPES = """
import json, pathlib, tempfile, warnings
import labellerr_ds as lds
warnings.simplefilter("ignore")
told = {
    "images": [{"id": n, "file_name": f"{n}.jpg", "width": 200, "height": 100} for n in range(3)],
    "categories": [{"id": 0, "name": "car"}, {"id": 1, "name": "<img src=x onerror=alert(1)>"}],
    "annotations": [
        {"id": 1, "image_id": 0, "category_id": 0, "bbox": [20, 20, 60, 60], "iscrowd": 0},
        {"id": 2, "image_id": 0, "category_id": 1, "segmentation": {"size": [100, 200], "counts": [12000, 2000, 6000]}},
        {"id": 3, "image_id": 1, "category_id": 0, "segmentation": [[100, 10, 190, 10, 190, 90]]},
    ],
}
path = pathlib.Path(tempfile.mkdtemp()) / "in.json"
path.write_text(json.dumps(told))
dataset = lds.read_export(path)
"""
GREY = [128, 132, 138]


def pixel(page, x, y):
    return page.evaluate(
        """([x, y]) => {
          const canvas = document.querySelector('.labellerr-viewer canvas');
          return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3);
        }""",
        [x, y],
    )


def drawn(page, what):
    page.wait_for_selector(f".labellerr-viewer canvas[data-drawn='{what}']", timeout=30000)


def blend(color, alpha):
    return [
        round(alpha * int(color[place : place + 2], 16) + (1 - alpha) * grey)
        for place, grey in zip((1, 3, 5), GREY, strict=True)
    ]


def close(one, other):
    return all(abs(a - b) <= 3 for a, b in zip(one, other, strict=True))


def test_the_viewer_draws_pages_filters_dims_selects_and_shows_thumbnails(notebook):
    from labellerr_ds.colors import class_color

    opened = notebook(SHAPES, "viewer = lds.AnnotationViewer(dataset, opacity=0.5)\nviewer")
    page, cells = opened.page, opened.cells()
    drawn(page, "0:0.jpg")
    opened.picture("viewer")
    car, other = class_color("car"), class_color("<img src=x onerror=alert(1)>")
    page.uncheck(".labellerr-viewer label:has-text('labels') input")
    assert close(pixel(page, 50, 50), blend(car, 0.5))
    assert close(pixel(page, 130, 50), blend(other, 0.5))  # columns 120 to 139 of the mask
    assert close(pixel(page, 5, 5), GREY)

    root = page.locator(".labellerr-viewer")
    root.focus()
    for key in ("x", "a", "m", "y", "d", "d"):  # would cut, insert or change cells
        page.keyboard.press(key)
    page.keyboard.press("n")
    drawn(page, "1:1.jpg")
    assert close(pixel(page, 170, 30), blend(car, 0.5))
    page.keyboard.press("End")
    drawn(page, "2:2.jpg")
    assert "no annotations on this file" in page.inner_text(".labellerr-viewer .status")
    page.keyboard.press("Home")
    drawn(page, "0:0.jpg")

    page.keyboard.press("]")
    assert close(pixel(page, 50, 50), blend(car, 0.6))
    page.keyboard.press("1")
    assert close(pixel(page, 50, 50), GREY)
    page.keyboard.press("0")
    assert close(pixel(page, 50, 50), blend(car, 0.6))
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "() => document.querySelector('.labellerr-viewer .status').textContent.startsWith('car, 60 x 60')"
    )
    assert opened.told("viewer.selected, viewer.index, round(viewer.opacity, 2)", "(0, 0, 0.6)")

    page.keyboard.press("g")
    page.wait_for_selector(".labellerr-viewer .grid[data-drawn='0']")
    assert page.locator(".labellerr-viewer .grid img").count() == 3
    opened.picture("viewer_grid")
    page.click(".labellerr-viewer .grid button >> nth=1")
    drawn(page, "1:1.jpg")
    assert "<img src=x onerror=alert(1)>" not in page.inner_html(".labellerr-viewer")
    assert opened.cells() == cells


def test_opacity_and_filter_answer_while_the_kernel_is_busy(notebook):
    from labellerr_ds.colors import class_color

    opened = notebook(
        SHAPES, "viewer = lds.AnnotationViewer(dataset, opacity=0.5)\nviewer", "import time; time.sleep(20)"
    )
    page = opened.page
    drawn(page, "0:0.jpg")
    page.uncheck(".labellerr-viewer label:has-text('labels') input")
    page.locator(".labellerr-viewer").focus()
    page.keyboard.press("[")
    assert close(pixel(page, 50, 50), blend(class_color("car"), 0.4))
    page.keyboard.press("n")  # the neighbour was sent before
    drawn(page, "1:1.jpg")
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status") == "busy"


def test_what_changed_is_drawn_over_one_another(notebook):
    opened = notebook(
        SHAPES,
        "after = dataset.annotations.copy()\nafter.loc[0, 'bbox_x'] = 30.0\nafter = after.drop(index=2)\n"
        "viewer = lds.AnnotationViewer(dataset, compare=after)\nviewer",
    )
    page = opened.page
    drawn(page, "0:0.jpg")
    texts = opened.execute("print([s['label'] for i in range(2) for s in viewer._packet(i).message['shapes']])")
    assert "before: car" in texts
    assert "moved: car" in texts
    assert "removed: car" in texts
    opened.picture("viewer_compare")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_an_export_goes_from_the_picker_to_a_frame(notebook, theme):
    opened = notebook(
        "import labellerr_ds as lds\nclient = lds.Client.sandbox()\n"
        "picker = lds.ExportPicker(client.project(client.projects()['project_id'][0]), statuses=['accepted'])\npicker",
        theme=theme,
    )
    page = opened.page
    run = page.get_by_role("button", name="Run export")
    run.wait_for(timeout=60000)
    page.wait_for_function("() => document.querySelector('.labellerr-live')?.textContent.length > 0")
    cells = opened.cells()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.labellerr-panel button')].some(
          (button) => button.textContent === 'Run export' && !button.disabled)"""
    )
    page.wait_for_selector(".labellerr-panel[data-lm-suppress-shortcuts]")
    opened.picture("picker_form")
    page.locator(".labellerr-panel input[type=checkbox]").first.focus()
    for key in ("x", "a", "m", "y"):
        page.keyboard.press(key)
    assert opened.cells() == cells
    run.click()
    page.wait_for_function(
        "() => document.querySelector('.labellerr-live').textContent.includes('picker.df')", timeout=30000
    )
    opened.picture(f"picker_{theme.split()[-1].lower()}")
    told = opened.execute("print(picker.state, len(picker.df) > 0, set(picker.df['status']), picker.code)")
    assert told.startswith("done True {'accepted'} lds.ExportJob(")
    assert page.locator("[role=region][aria-label='Labellerr export picker']").count() == 1


def test_a_picker_stops_fails_and_finds_nothing(notebook):
    opened = notebook(
        "import labellerr_ds as lds\nfrom labellerr_ds.sandbox import Sandbox\n"
        "sandbox = Sandbox(files=12, export_seconds=60).start()\nclient = lds.Client.sandbox(sandbox)\n"
        "picker = lds.ExportPicker(client.project(sandbox.project_ids[0]), statuses=['accepted'], since='0s')\npicker",
    )
    page = opened.page

    def said(text):
        page.wait_for_function(
            "(text) => document.querySelector('.labellerr-live')?.textContent.includes(text)", arg=text, timeout=30000
        )

    said("exports yet")
    page.get_by_role("button", name="Run export").click()
    said("finished with nothing in it")
    page.get_by_label("Since").fill("")
    page.get_by_role("button", name="Run export").click()
    said("Waiting")
    page.get_by_role("button", name="Stop waiting").click()
    said("keeps running on Labellerr")
    opened.execute("sandbox.stop()")
    page.get_by_role("button", name="Run export").click()
    said("may have been created")
    told = opened.execute(
        "print(picker.state, type(picker.error).__name__, sandbox.api_secret in picker.error_details)"
    )
    assert told.strip() == "failed AmbiguousCreateError False"
