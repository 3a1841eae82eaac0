"""What a panel leaves in a notebook."""

from __future__ import annotations

import json
import re
import time

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter
from nbclient import NotebookClient

import labellerr_ds as lds
from labellerr_ds.widgets import display

MAKE = """
import warnings; warnings.simplefilter("ignore")
import labellerr_ds as lds
client = lds.Client.sandbox()
project = client.project(client.projects()["project_id"][0])
dataset = lds.export_dataset(project, ["accepted"], progress=False)
"""


@pytest.fixture(scope="module")
def ran():
    """A notebook with both panels, as it is saved."""
    cells = [
        MAKE,
        "viewer = lds.AnnotationViewer(dataset)\nviewer",
        "picker = lds.ExportPicker(project, statuses=['accepted']).wait(30)\npicker",
        "lds.AnnotationViewer(dataset, backend='image')",
        "dataset",
        "import time\nviewer.index = 2\npicker.run()\npicker.wait(30)\ntime.sleep(1.8)\nprint(viewer._pages.name(2))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def outputs(notebook, cell):
    return [output["data"] for output in notebook.cells[cell].outputs]


@pytest.mark.parametrize("cell", [1, 3])
def test_a_viewer_is_a_live_view_and_after_it_a_picture(ran, cell):
    live, still = outputs(ran, cell)
    assert "application/vnd.jupyter.widget-view+json" in live
    assert live["text/plain"] == "AnnotationViewer"
    assert "image/png" not in live
    assert set(still) == {"text/plain", "image/png"}


def test_what_is_saved_is_what_was_shown_last(ran):
    shown = re.fullmatch(r"AnnotationViewer\(\d+ files; (.*)\)", outputs(ran, 1)[1]["text/plain"])[1]
    assert shown == ran.cells[-1].outputs[0]["text"].strip()
    still = outputs(ran, 2)[1]["text/plain"]
    assert ", done, " in still
    assert "picker.df" in still
    assert "lds.ExportJob(" in still


def test_a_dataset_is_a_table_and_text(ran):
    (data,) = outputs(ran, 4)
    assert set(data) == {"text/html", "text/plain"}
    told, _ = DisplayFormatter().format(lds.read_export(lds_sample()))
    assert {"text/html", "text/plain"} <= set(told)


def lds_sample():
    import pathlib

    return sorted((pathlib.Path(__file__).parents[1] / "samples").rglob("*.json"))[0]


def test_no_key_is_in_the_saved_notebook_nor_in_the_state_of_its_widgets(ran):
    text = json.dumps(ran)
    assert "Signature" not in text
    assert "secret" not in text.lower().replace("labellerr_api_secret", "")


def test_quick_changes_are_one_new_picture(dataset):
    viewer = lds.AnnotationViewer(dataset)
    told = []

    class Handle:
        def update(self, bundle, raw):
            told.append(bundle["text/plain"])

    viewer._still_handle = Handle()
    for index in (1, 2, 1):
        viewer.index = index
    time.sleep(display.STILL_AFTER_S + 0.5)
    assert told == ["AnnotationViewer(3 files; 1.png)"]
