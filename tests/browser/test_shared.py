"""What is left of a panel in a notebook that is saved, opened again without a kernel, or made a page."""

from __future__ import annotations

import nbconvert
import nbformat
import pytest
from servers import Notebook, Page
from shapes import SHAPES


@pytest.fixture
def saved(notebook, server, browser, opened):
    """A notebook with panels, saved after the viewer was turned to the second file."""
    found = notebook(
        SHAPES,
        "viewer = lds.AnnotationViewer(dataset)\nviewer",
        "client = lds.Client.sandbox()\n"
        "picker = lds.ExportPicker(client.project(client.projects()['project_id'][0])).wait(30)\npicker",
        "dataset",
    )
    found.drawn("0:0.jpg")
    found.page.locator(".labellerr-viewer").focus()
    found.press("n")
    found.drawn("1:1.jpg")
    found.page.wait_for_function(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells][1].outputs.get(1)
               ?.data['text/plain'].includes('1.jpg')"""
    )
    found.command("docmanager:save")
    return found


def seen(page):
    """The pictures that can be seen, by their width."""
    return page.evaluate(
        """async () => {
          const found = [...document.querySelectorAll('.jp-Notebook img, .jp-OutputArea img')].filter(
            (image) => image.checkVisibility());
          await Promise.all(found.map((image) => image.decode()));
          return found.map((image) => image.naturalWidth);
        }"""
    )


def test_opened_again_without_a_kernel_it_shows_the_last_picture_and_text(saved, browser, opened):
    notebook = nbformat.read(saved.path, 4)
    assert "widgets" not in notebook.metadata
    notebook.metadata["kernelspec"] = {"name": "gone", "display_name": "gone", "language": "python"}
    path = saved.path.with_name("again.ipynb")
    nbformat.write(notebook, path)
    page = Notebook(browser.new_page())
    opened.append(page)
    # Lab takes another kernel where the notebook's is gone: here it gets none
    page.page.route(
        "**/api/sessions*", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    page.expected = ("kernel", "Failed to load resource", "Failed to fetch")
    page.page.goto(saved.address.replace(saved.path.name, path.name))
    page.page.wait_for_selector(".jp-OutputArea img")
    assert seen(page.page) == [200]
    page.page.click(".jp-Dialog .jp-mod-accept")  # "Error Starting Kernel"
    page.page.click(".jp-Dialog .jp-mod-reject")  # "No Kernel"
    page.page.wait_for_selector(".jp-Dialog", state="detached")
    page.page.get_by_text("ExportPicker('").wait_for()  # Lab draws the cells further down a moment later
    page.page.get_by_text("lds.export_dataset(client.project(").wait_for()
    page.picture("without_a_kernel", ".jp-Cell >> nth=1")


@pytest.mark.parametrize("template", ["lab", "classic", "basic"])
def test_a_page_made_of_it_shows_the_pictures_and_runs_no_name_of_a_class(saved, browser, opened, template):
    exporter = nbconvert.HTMLExporter(template_name=template, require_js_url="", mathjax_url="", jquery_url="")
    body, _ = exporter.from_notebook_node(nbformat.read(saved.path, 4))
    path = saved.path.with_suffix(f".{template}.html")
    path.write_text(body, encoding="utf-8")
    page = Page(browser.new_page())
    opened.append(page)
    page.page.route("http*://*/**", lambda route: route.abort())  # nbconvert's templates name other hosts
    page.page.goto(path.as_uri())
    assert page.page.evaluate("() => [...document.images].map((image) => image.naturalWidth)") == [200]
    assert "lds.export_dataset(client.project(" in page.page.inner_text("body")
    assert page.page.locator("img[src='x']").count() == 0
    assert "img src=x onerror=alert(1)" in page.page.inner_text("body")  # as text, in the dataset's table
    assert not [told for told in page.complaints if "dialog" in told]
    page.away.clear()
    page.complaints.clear()


def test_the_live_notebook_shows_each_panel_once(saved):
    assert seen(saved.page) == []
    assert saved.page.locator(".labellerr-viewer").count() == 1
    assert saved.page.locator(".labellerr-panel").count() == 1
    assert "AnnotationViewer(" not in saved.page.inner_text(".jp-Notebook").replace("lds.AnnotationViewer(", "")
