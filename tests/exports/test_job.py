"""Creating, waiting, picking up."""

from __future__ import annotations

import itertools

import pytest
from rawserver import answer, serving

import labellerr_ds as lds
from labellerr_ds.core.backoff import intervals

JSON = {"Content_Type": "application/json"}


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.slept.append(seconds)


def job_of(server, time=None):
    time = time or Time()
    client = lds.Client("key1", "secret1", "c", server.url)
    job = lds.ExportJob(client.project("p"), "r")
    job._clock, job._sleep = time.clock, time.sleep
    return job


def states(*bodies):
    """The bodies one after the other, the last for ever."""
    return lambda came, number: answer(200, bodies[min(number, len(bodies)) - 1].encode(), **JSON)


RUNNING = '{"status": [{"report_id": "r", "is_completed": false, "export_status": "Processing"}]}'
DONE = '{"status": [{"report_id": "r", "is_completed": true, "export_status": "Created"}]}'
ABSENT = '{"status": []}'


def test_intervals_grow_from_one_second_to_fifteen():
    assert list(itertools.islice(intervals(), 3)) == [1.0, 1.5, 2.25]
    assert max(itertools.islice(intervals(), 20)) == 15


def test_waiting_looks_at_once():
    time = Time()
    with serving(states(DONE)) as server:
        assert job_of(server, time).wait(progress=False).is_completed
    assert time.slept == []


def test_waiting_looks_again_until_it_is_done():
    time = Time()
    with serving(states(RUNNING, '{"status": [{"report_id": "r", "is_completed": null}]}', ABSENT, DONE)) as server:
        assert job_of(server, time).wait(progress=False).raw == "Created"
        assert len(server.log) == 4
    assert time.now == 1.0 + 1.5 + 2.25


def test_the_deadline_raises_and_names_the_way_on():
    time = Time()
    with (
        serving(states(RUNNING)) as server,
        pytest.raises(lds.ExportTimeoutError, match=r"lds.ExportJob\(project, 'r'\)") as caught,
    ):
        job_of(server, time).wait(timeout=10, progress=False)
    assert time.now == 10
    assert caught.value.report_id == "r"
    assert isinstance(caught.value, TimeoutError)


def test_a_failed_export_raises_at_once_with_the_services_reason_and_status_never_does():
    body = '{"status": [{"report_id": "r", "is_completed": true, "export_status": "failed", "error": "disk broke"}]}'
    with serving(states(body)) as server:
        job = job_of(server)
        assert job.status().state == "failed"
        assert job.status().reason == "disk broke"
        with pytest.raises(lds.ExportFailedError, match="disk broke") as caught:
            job.wait(progress=False)
    assert caught.value.reason == "disk broke"


def test_a_report_id_that_nobody_knows_is_told_after_some_looks():
    with serving(states(ABSENT)) as server:
        job = job_of(server)
        assert job.status().state == "unknown"
        with pytest.raises(lds.NotFoundError, match="does not know it"):
            job.wait(progress=False)
        assert len(server.log) == 6


def test_ctrl_c_leaves_the_export_running_and_says_how_to_go_on(capsys):
    class Stopped(Time):
        def sleep(self, seconds):
            raise KeyboardInterrupt

    with serving(states(RUNNING)) as server, pytest.raises(KeyboardInterrupt):
        job_of(server, Stopped()).wait(progress=False)
    assert "lds.ExportJob(project, 'r').wait()" in capsys.readouterr().err


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_timeout_that_is_none_is_refused(project, timeout):
    with pytest.raises(lds.InvalidArgumentError, match="timeout must be seconds"):
        lds.ExportJob(project, "r").wait(timeout)


@pytest.mark.parametrize("report_id", ["", None, 3])
def test_a_report_id_that_is_none_is_refused(project, report_id):
    with pytest.raises(lds.InvalidArgumentError, match="report_id must be a str"):
        lds.ExportJob(project, report_id)


def test_an_export_takes_a_moment_and_passes_through_states(serve):
    sandbox = serve(export_seconds=0.6)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    job = lds.create_export(project, ["accepted"])
    assert job.status().state == "running"
    assert project.exports().loc[0, "state"] == "running"
    assert job.wait(progress=True).is_completed
    assert job.link().expires_at > sandbox.now


def test_an_export_is_picked_up_by_its_id(project, tmp_path):
    job = lds.create_export(project, ["accepted"], format="coco_json", name="mine")
    again = lds.ExportJob(project, job.report_id)
    again.wait(progress=False)
    assert again.name == "mine"
    dataset = again.load(progress=False)
    assert dataset.info["report_id"] == job.report_id
    assert dataset.info["exported_at"] is not None
    assert again.download(tmp_path, progress=False).read_bytes().startswith(b"{")


def test_one_status_that_was_asked_for_is_that_of_files_whose_format_has_none(serve):
    sandbox = serve("ids-plain")
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    for form in ("coco_json", "png"):
        made = lds.create_export(project, ["accepted"], format=form, since="2020-01-01")
        made.wait(progress=False)
        again = lds.ExportJob(project, made.report_id, statuses="accepted", since="2020-01-01")
        dataset = again.load(progress=False)
        assert set(dataset.files["status"]) == {"accepted"}
        assert set(dataset.files["label_state"]) <= {"labelled", "negative"}
        assert dataset.info["statuses"] == ["accepted"]
        assert dataset.info["since"] == made.load(progress=False).info["since"]
        assert set(lds.ExportJob(project, made.report_id).load(progress=False).files["status"].isna()) == {True}
    with pytest.raises(lds.InvalidArgumentError, match="unknown status"):
        lds.ExportJob(project, made.report_id, statuses=["done"])


def test_statuses_and_formats_of_the_list_are_an_open_set(project, monkeypatch):
    made = lds.create_export(project, ["accepted"])
    made.wait(progress=False)
    listed = project.exports().assign(statuses="accepted, frozen, None", format="spare_it_json")
    monkeypatch.setattr(type(project), "exports", lambda self: listed)
    dataset = lds.ExportJob(project, made.report_id).load(progress=False)
    assert dataset.info["statuses"] == ["accepted", "frozen", "none"]


def test_statuses_that_the_list_tells_are_used(project, monkeypatch):
    made = lds.create_export(project, ["accepted"], format="png")
    made.wait(progress=False)
    listed = project.exports().assign(statuses="accepted")
    monkeypatch.setattr(type(project), "exports", lambda self: listed)
    assert set(lds.ExportJob(project, made.report_id).load(progress=False).files["status"]) == {"accepted"}


def test_question_ids_choose_the_questions(project):
    wanted = project.categories()["question_id"][0]
    dataset = lds.export_dataset(project, "all", question_ids=[wanted], progress=False)
    assert set(dataset.annotations["question_id"]) == {wanted}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"question_ids": "all"}, "not a str"),
        ({"question_ids": []}, "question_ids is empty"),
        ({"destination": "s3://bucket"}, "S3Destination"),
        ({"format": "xml"}, "unknown export format"),
        ({"since": 1734393600000}, "got the number"),
        ({"since": "2999-01-01"}, "in the future"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused_before_anything_is_created(project, sandbox, arguments, words):
    with pytest.raises(lds.InvalidArgumentError, match=words):
        lds.create_export(project, ["accepted"], **arguments)
    assert "/sdk/export/files" not in [seen.path for seen in sandbox.requests[-2:]]


def test_an_export_to_s3_has_no_link(project):
    destination = lds.S3Destination("bucket/folder/", connection_id="c")
    job = lds.ExportJob(project, "r", destination=destination)
    with pytest.raises(lds.InvalidArgumentError, match="went to S3 and has no link"):
        job.link()


def test_the_clock_of_the_service_decides_what_is_the_future(fresh):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    fresh.advance(days=20)
    dataset = lds.export_dataset(project, "all", since=fresh.now, allow_empty=True, progress=False)
    assert len(dataset) == 0


def test_the_dashboard_has_an_address(project):
    assert project.project_id in lds.ExportJob(project, "r").dashboard_url
