"""The picker from code: its states, and what follows from them."""

from __future__ import annotations

import pytest

import labellerr_ds as lds
from labellerr_ds.panels.picker import STATES
from labellerr_ds.sandbox import Sandbox


@pytest.fixture
def slow():
    with Sandbox(files=12, export_seconds=60) as sandbox:
        yield lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])


def buttons(picker):
    return {name: not button.disabled for name, button in picker._buttons.items()}


def test_an_export_is_run_and_loaded(project):
    picker = lds.ExportPicker(project, statuses=["accepted"], format="coco_json").wait(30)
    seen = []
    picker.observe(lambda change: seen.append(change["new"]), "state")
    picker.run()
    assert picker.wait(30).state == "done"
    assert seen == ["running", "downloading", "done"]
    assert set(picker.df["status"]) == {"accepted"}
    assert picker.dataset.info["report_id"] == picker.report_id
    assert picker.report_id in picker.code
    assert "picker.df" in picker._line.value
    again = eval(picker.code, {"lds": lds, "client": project.client})
    assert len(again) == len(picker.dataset)


def test_one_of_the_list_is_loaded(project):
    report_id = lds.create_export(project, ["accepted"], name="mine").report_id
    picker = lds.ExportPicker(project).wait(30)
    assert "mine" in str(picker._list.options)
    picker._list.value = report_id
    picker.load()
    assert picker.wait(30).state == "done"
    assert picker.report_id == report_id


def test_what_is_enabled_follows_from_the_state(project):
    picker = lds.ExportPicker(project).wait(30)
    for state in STATES:
        picker.state = state
        busy = state in ("listing", "running", "downloading")
        assert buttons(picker) == {"refresh": not busy, "run": not busy, "stop": busy, "load": not busy}
        assert picker._since.disabled == busy


def test_waiting_is_stopped_at_once_and_nothing_is_asked_twice(slow):
    picker = lds.ExportPicker(slow, statuses=["accepted"]).wait(30)
    picker.run()
    picker.run()  # a second click
    picker.stop()
    assert picker.state == "stopped"
    assert "keeps running" in picker._line.value
    picker.refresh()
    assert len(picker.wait(30)._list.options) <= 2
    picker.run()
    with pytest.raises(TimeoutError, match="still running"):
        picker.wait(0.2)
    picker.stop()


def test_a_panel_that_is_made_again_ends_the_work_of_the_old_one(slow):
    old = lds.ExportPicker(slow, statuses=["accepted"]).wait(30)
    old.run()
    lds.ExportPicker(slow).wait(30)
    assert old.state == "stopped"


def test_nothing_matching_and_a_wrong_form_are_told_in_the_panel(project):
    picker = lds.ExportPicker(project, since="0s").wait(30)
    picker.run()
    assert picker._problem.value == "Choose at least one status."
    picker._choose(tuple(picker._boxes))
    picker.run()
    assert picker.wait(30).state == "done_empty"
    assert picker.df.empty
    assert picker.error is None
    picker._bucket.value = "a/../b"
    picker.run()
    assert "bucket_path must be" in picker._problem.value


def test_a_failure_is_one_line_and_details_and_no_key(slow, sandbox):
    client = lds.Client("canary-key-1234", "canary-secret-5678", "c", sandbox.base_url)
    picker = lds.ExportPicker(client.project("p"), statuses="all").wait(30)
    assert picker.state == "failed"
    assert "refused the keys" in picker._line.value
    assert isinstance(picker.error, lds.AuthError)
    told = picker._line.value + picker.error_details + repr(picker) + str(picker._repr_mimebundle_())
    assert "canary" not in told


def test_the_saved_notebook_has_the_state_and_the_line_that_repeats_it(project):
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    data, _ = picker._repr_mimebundle_()
    assert "ExportPicker(" in data["text/plain"]
    assert "lds.export_dataset(" in data["text/plain"]
