"""The panels in Notebook 7 and Voila."""

from __future__ import annotations

import pytest
from shapes import SHAPES, blend, close

from labellerr_ds.images.colors import PALETTE

BOTH = [
    SHAPES,
    "lds.AnnotationViewer(dataset, opacity=0.5)",
    "client = lds.Client.sandbox()\n"
    "picker = lds.ExportPicker(client.project(client.projects()['project_id'][0]), statuses=['accepted'])\npicker",
]


@pytest.mark.parametrize("kind", ["notebook", "voila"])
def test_an_export_is_run_and_the_viewer_is_paged(notebook, kind):
    opened = notebook(*BOTH, kind=kind)
    page, car = opened.page, PALETTE[0]
    opened.drawn("0:0.jpg")
    page.uncheck(".labellerr-viewer label:has-text('labels') input")
    assert close(opened.pixel(50, 50), blend(car, 0.5))
    cells = opened.cells() if kind == "notebook" else None
    page.locator(".labellerr-viewer").focus()
    opened.page.keyboard.press("x")
    opened.page.keyboard.press("n")
    opened.drawn("1:1.jpg")
    assert close(opened.pixel(170, 30), blend(car, 0.5))
    page.get_by_role("button", name="Previous").click()
    opened.drawn("0:0.jpg")
    opened.said("exports yet")
    page.wait_for_selector(".labellerr-panel[data-lm-suppress-shortcuts]")
    page.locator(".labellerr-panel select").first.focus()
    opened.page.keyboard.press("x")
    page.get_by_role("button", name="Run export").click()
    opened.said("picker.df")
    stills = page.locator(".jp-OutputArea img").all()
    assert not any(still.is_visible() for still in stills)
    opened.picture(kind)
    if kind == "notebook":
        assert opened.cells() == cells
