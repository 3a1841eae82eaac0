"""The picker from code: its states, and what follows from them."""

from __future__ import annotations

import asyncio
import time

import pytest

import labellerr_ds as lds
from labellerr_ds.core.progress import Progress
from labellerr_ds.sandbox import Sandbox
from labellerr_ds.service.project import endpoints_of
from labellerr_ds.widgets import export_list
from labellerr_ds.widgets import session as module
from labellerr_ds.widgets.session import BUSY, STATES, StoppedError


@pytest.fixture
def slow():
    with Sandbox(files=12, export_seconds=60) as sandbox:
        yield lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])


@pytest.fixture
def unused(fresh):
    return lds.Client.sandbox(fresh).project(fresh.project_ids[0])


def enabled(picker):
    return {name: not button.disabled for name, button in picker._form.buttons.items()}


def line(picker):
    return picker._form.line.value


def told(picker, field):
    return picker._form.problems[field].value


def test_an_export_is_run_and_loaded(client, project):
    picker = lds.ExportPicker(project, statuses=["accepted"], format="coco_json").wait(30)
    seen = []
    picker.observe(lambda change: seen.append(change["new"]), "state")
    picker.run()
    assert picker.wait(30).state == "done"
    assert seen == ["running", "downloading", "done"]
    assert set(picker.df["status"]) == {"accepted"}
    assert picker.dataset.info["report_id"] == picker.report_id
    assert picker.report_id in picker.code
    assert "picker.df" in line(picker)
    again = eval(picker.code, {"lds": lds, "client": client})
    assert len(again) == len(picker.dataset)


def test_the_code_line_repeats_what_the_form_says(unused, fresh):
    picker = lds.ExportPicker(unused, statuses=["accepted", None], since="7d", format="csv").wait(30)
    assert picker.state == "empty"
    assert "no exports yet" in line(picker)
    picker._form.name.value = "nightly"
    expected = "['none', 'accepted'], since='7d', format='csv', name='nightly')"
    assert picker._form.code.value == f"lds.export_dataset(client.project({unused.project_id!r}), {expected}"
    assert len(eval(picker.code, {"lds": lds, "client": lds.Client.sandbox(fresh)})) > 0
    picker._form.destination.value = "s3"
    assert "destination=lds.S3Destination('', connection_id='')" in picker._form.code.value


def test_one_of_the_list_is_loaded(project):
    report_id = lds.create_export(project, ["accepted"], name="mine").report_id
    picker = lds.ExportPicker(project).wait(30)
    picker.load()
    assert told(picker, "list") == "Pick an export from the list, or run a new one."
    labels = {value: text for text, value in picker._form.list.options}
    assert "mine" in labels[report_id]
    picker._form.list.value = report_id
    picker.load()
    assert picker.wait(30).state == "done"
    assert picker.report_id == report_id
    assert told(picker, "list") == ""
    other = lds.create_export(project, ["review"]).report_id
    picker.load(other)
    assert picker.wait(30).report_id == other


def test_what_is_enabled_follows_from_the_state(project):
    picker = lds.ExportPicker(project).wait(30)
    for state in STATES:
        picker.state = state
        busy = state in BUSY
        assert enabled(picker) == {"refresh": not busy, "run": not busy, "stop": busy, "load": False}
        assert all(field.disabled == busy for field in picker._form.fields())
        assert picker._form.bar.layout.visibility == ("visible" if busy else "hidden")


def test_waiting_is_stopped_at_once_and_nothing_is_asked_twice(slow):
    picker = lds.ExportPicker(slow, statuses=["accepted"]).wait(30)
    picker.run()
    picker.run()  # a second click
    time.sleep(1)
    assert line(picker).startswith("Waiting: 1 check, 0:0")
    began = time.monotonic()
    picker.stop()
    assert time.monotonic() - began < 0.5
    assert picker.state == "stopped"
    assert "keeps running" in line(picker)
    assert picker.report_id in picker.code
    picker.refresh()
    assert len(picker.wait(30)._form.list.options) == 2
    picker.run()
    with pytest.raises(TimeoutError, match="still running"):
        picker.wait(0.2)
    picker.stop()


def test_a_download_tells_its_bytes_and_is_stopped_too(project):
    picker = lds.ExportPicker(project, statuses="all").wait(30)
    seen = []
    picker._form.line.observe(lambda change: seen.append(change["new"]), "value")
    picker.run()
    picker.wait(30)
    assert any(text.startswith("Downloading: ") and text.endswith("(100%)") for text in seen)
    picker._session.work.stop()
    with pytest.raises(StoppedError):
        picker._session.received(picker._session.work, Progress("downloading", 1, 2, "B"))


def test_a_panel_that_is_made_again_ends_the_work_of_the_old_one(slow):
    old = lds.ExportPicker(slow, statuses=["accepted"]).wait(30)
    old.run()
    lds.ExportPicker(slow).wait(30)
    assert old.state == "stopped"


def test_it_can_be_awaited_while_other_tasks_go_on(project):
    async def both():
        picker = lds.ExportPicker(project, statuses=["accepted"])
        picker.run()
        found, _ = await asyncio.gather(_wait(picker), asyncio.sleep(0))
        return found

    async def _wait(picker):
        return await picker

    assert asyncio.run(both()).state == "done"


def test_nothing_matching_is_no_failure(unused):
    picker = lds.ExportPicker(unused, statuses="all", since="0s").wait(30)
    picker.run()
    assert picker.wait(30).state == "done_empty"
    assert "nothing in it" in line(picker)
    assert picker.df.empty
    assert picker.error is None


def test_a_wrong_form_is_told_beside_the_field_and_asks_for_nothing(unused):
    picker = lds.ExportPicker(unused).wait(30)
    assert [status.value for status in picker._form.filled().statuses] == ["accepted"]
    picker._form.choices["clear"].click()
    assert not enabled(picker)["run"]  # nothing can be exported without a status
    picker.run()
    assert told(picker, "statuses") == "Choose at least one status."
    assert isinstance(picker.error, lds.InvalidArgumentError)
    with pytest.raises(lds.InvalidArgumentError, match="last week"):
        lds.ExportPicker(unused, since="last week")
    assert picker._form.problems["statuses"].layout.display == ""
    picker._form.choices["all"].click()
    assert len(picker._form.filled().statuses) == 15
    for since in ("2999-01-01", "some day", "12"):
        picker._form.since.value = since
        picker.run()
        assert picker.wait(30).state == "idle"
        assert since in told(picker, "since")
        assert told(picker, "statuses") == ""
    picker._form.since.value = ""
    picker._form.destination.value = "s3"
    picker._form.bucket.value = "a/../b"
    picker.run()
    assert "bucket_path must be" in told(picker, "destination")
    assert unused.exports().empty


def test_s3_connections_are_asked_for_once_they_are_needed(unused):
    picker = lds.ExportPicker(unused, statuses="all").wait(30)
    assert picker._form._in_bucket.layout.display == "none"
    picker._form.destination.value = "s3"
    assert picker._form._in_bucket.layout.display == ""
    for _ in range(50):
        if told(picker, "destination"):
            break
        time.sleep(0.1)
    assert "create_s3_connection" in told(picker, "destination")


def test_how_many_files_a_status_has_is_known_after_an_export_without_since(unused):
    picker = lds.ExportPicker(unused, statuses=["accepted"], since="30d").wait(30)
    picker.run()
    picker.wait(30)
    accepted = picker._form.boxes[lds.FileStatus.ACCEPTED]
    assert accepted.description == "accepted - passed by the client: final"
    picker._form.since.value = ""
    picker.run()
    picker.wait(30)
    assert accepted.description == f"accepted - passed by the client: final ({len(picker.dataset)} files)"


def test_a_failure_is_one_line_and_details_and_no_key(slow, sandbox):
    client = lds.Client("canary-key-1234", "canary-secret-5678", "c", sandbox.base_url)
    picker = lds.ExportPicker(client.project("p"), statuses="all").wait(30)
    assert picker.state == "failed"
    assert "refused the keys" in line(picker)
    assert isinstance(picker.error, lds.AuthError)
    assert picker._form.remedy.description == "Retry"
    assert picker._form.details.layout.display == "none"
    picker._form.more.click()
    assert "Traceback" in picker._form.details.value
    assert picker._form.details.layout.display == ""
    text = (
        line(picker) + picker.error_details + repr(picker) + str(picker._repr_mimebundle_()) + str(picker.get_state())
    )
    assert "canary" not in text


def test_after_a_failure_a_click_tries_again_and_what_was_loaded_stays(fresh):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    picker.run()
    picker.wait(30)
    kept = picker.dataset
    endpoints_of(project).transport.base_url = "http://127.0.0.1:9"
    picker._form.list.value = picker._form.list.options[-1][1]
    picker.refresh()
    assert picker.wait(60).state == "failed"
    assert "picker.df is still what was loaded at" in line(picker)
    assert picker.dataset is kept
    endpoints_of(project).transport.base_url = fresh.base_url
    picker._form.remedy.click()
    assert picker.wait(30).state == "idle"
    assert picker._form.remedy.layout.display == "none"


def test_an_export_that_may_exist_is_not_asked_for_again_by_a_click(fresh, monkeypatch):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    create = module.create_job
    asked = []

    def lost(*args, **options):
        asked.append(create(*args, **options))
        raise lds.AmbiguousCreateError("no clear answer came", name="x")

    monkeypatch.setattr(module, "create_job", lost)
    picker.run()
    assert picker.wait(30).state == "failed"
    assert picker._form.remedy.description == "Refresh"
    picker._form.remedy.click()
    assert picker.wait(30).state == "idle"
    assert len(asked) == 1
    assert asked[0].report_id in [value for _, value in picker._form.list.options]


def test_a_link_that_expired_is_replaced_by_a_new_one_for_the_same_export(fresh, monkeypatch):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    load = lds.ExportJob.load
    monkeypatch.setattr(lds.ExportJob, "load", _raises(lds.DownloadError("the link has expired")))
    picker.run()
    assert picker.wait(30).state == "failed"
    assert picker._form.remedy.description == "Get a new link"
    monkeypatch.setattr(lds.ExportJob, "load", load)
    picker._form.remedy.click()
    assert picker.wait(30).state == "done"
    assert len(project.exports()) == 1


def _raises(problem):
    def load(*args, **options):
        raise problem

    return load


def test_the_list_follows_an_export_that_is_running(monkeypatch):
    monkeypatch.setattr(export_list, "FIRST_S", 0.3)
    with Sandbox(files=12, export_seconds=1.5) as sandbox:
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        lds.create_export(project, ["accepted"])
        picker = lds.ExportPicker(project).wait(30)
        assert "running" in picker._form.list.options[1][0]
        for _ in range(50):
            if "completed" in picker._form.list.options[1][0]:
                break
            time.sleep(0.1)
        assert "completed" in picker._form.list.options[1][0]
        assert picker.state == "idle"


def test_the_saved_notebook_has_the_state_and_the_line_that_repeats_it(project):
    data = lds.ExportPicker(project, statuses=["accepted"]).wait(30)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "ExportPicker(" in data["text/plain"]
    assert "lds.export_dataset(" in data["text/plain"]


def test_no_two_controls_share_a_layout(project):
    picker = lds.ExportPicker(project).wait(30)
    form = picker._form
    controls = [*form.fields(), *form.buttons.values(), form.bar, form.line, form.code, form.details, form.remedy]
    assert len({control.layout.model_id for control in controls}) == len(controls)


def until(told, seconds=10):
    end = time.monotonic() + seconds
    while not told() and time.monotonic() < end:
        time.sleep(0.05)
    return told()


def listed(picker):
    return [value for _, value in picker._form.list.options]


def test_who_observes_the_state_may_call_the_panel(project):
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    picker.observe(lambda change: picker.refresh() if change["new"] == "done" else None, "state")
    picker.run()
    assert until(lambda: picker.dataset is not None and picker.state == "idle")
    picker.stop()


def test_what_was_stopped_changes_nothing_any_more(fresh, monkeypatch):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    other = lds.create_export(project, ["review"])
    create = module.create_job

    def slowly(*args, **options):
        time.sleep(1)
        return create(*args, **options)

    monkeypatch.setattr(module, "create_job", slowly)
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    picker.run()
    picker.stop()
    assert picker.report_id is None
    assert "export_dataset(" in picker.code
    picker.load(other.report_id)
    picker.wait(30)
    time.sleep(1.2)
    assert (picker.state, picker.report_id) == ("done", other.report_id)
    assert set(picker.df["status"]) == {"review"}


def test_a_new_link_is_never_a_new_export_also_after_a_second_click(fresh, monkeypatch):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    monkeypatch.setattr(
        lds.ExportJob, "load", lambda *args, **options: (time.sleep(1), _raises(lds.DownloadError("x"))())
    )
    picker.run()
    until(lambda: picker.state == "downloading")
    picker.run()
    picker.refresh()
    picker.wait(30)
    monkeypatch.undo()
    picker._form.remedy.click()
    assert picker.wait(30).state == "done"
    assert len(project.exports()) == 1


def test_trying_again_to_load_loads_the_same_and_creates_nothing(fresh, monkeypatch):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    report_id = lds.create_export(project, ["review"]).report_id
    picker = lds.ExportPicker(project, statuses=["accepted"]).wait(30)
    failing = _raises(lds.ExportFailedError("it failed", report_id=report_id))
    monkeypatch.setattr("labellerr_ds.widgets.session.states_of", failing)
    picker.load(report_id)
    assert picker.wait(30).state == "failed"
    monkeypatch.undo()
    picker._form.remedy.click()
    assert picker.wait(30).state == "done"
    assert picker.report_id == report_id
    assert len(project.exports()) == 1


def test_an_id_that_nobody_knows_is_told(project, monkeypatch):
    monkeypatch.setattr("labellerr_ds.exports.polling.intervals", lambda first=1: iter([0.01] * 50))
    picker = lds.ExportPicker(project).wait(30)
    picker.load("nope")
    assert picker.wait(30).state == "failed"
    assert isinstance(picker.error, lds.NotFoundError)


def test_a_new_export_is_in_the_list_without_a_click(unused):
    picker = lds.ExportPicker(unused, statuses=["accepted"]).wait(30)
    picker.run()
    picker.wait(30)
    assert until(lambda: picker.report_id in listed(picker))


def test_a_panel_that_was_made_again_or_closed_asks_for_nothing(slow, monkeypatch):
    monkeypatch.setattr(export_list, "FIRST_S", 0.1)
    lds.create_export(slow, ["accepted"])
    panels = [lds.ExportPicker(slow).wait(30) for _ in range(3)]
    panels[-1].close()
    assert until(lambda: not any(panel._session.exports.is_followed for panel in panels))


def test_a_result_without_files_keeps_what_was_read(unused, monkeypatch):
    load = lds.ExportJob.load
    monkeypatch.setattr(lds.ExportJob, "load", lambda job, **options: load(job, **options).only([]))
    picker = lds.ExportPicker(unused, statuses=["accepted"]).wait(30)
    picker.run()
    assert picker.wait(30).state == "done_empty"
    assert len(picker.dataset.categories)
    assert picker.dataset.info["report_id"] == picker.report_id


def test_an_export_that_went_to_s3_asks_for_its_folder(unused, fresh):
    destination = lds.S3Destination("labels/nightly/", connection_id="c1")
    picker = lds.ExportPicker(unused).wait(30)
    picker._form.destinations["r1"] = "s3"
    picker.load("r1")
    assert "say here to which folder" in told(picker, "destination")
    picker._session.job = lds.ExportJob(unused, "r1", destination=destination)
    picker.state = "stopped"
    names = {"lds": lds, "client": lds.Client.sandbox(fresh)}
    assert eval(picker.code.removesuffix(".load()"), names).destination == destination
