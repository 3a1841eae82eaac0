"""Faults of the API, numbered as in README.md: one export is created, waiting ends in time, errors say what to do."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rawserver import answer, serving

import labellerr_ds as lds
from labellerr_ds.service.project import endpoints_of

JSON = {"Content_Type": "application/json"}
KEYS = {"api_key": "canary-key-1234", "api_secret": "canary-secret-5678", "client_id": "c1"}
FACTS = answer(200, b'{"response": {"project_id": "p", "data_type": "image"}}', **JSON)


def told(value, status=200, **headers):
    return answer(status, json.dumps(value).encode(), **JSON, **headers)


def state(word, *, completed=False):
    return told({"status": [{"report_id": "r", "is_completed": completed, "export_status": word}]})


def job_of(server):
    return lds.ExportJob(lds.Client(**KEYS, base_url=server.url).project("p"), "r")


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


TRANSIENT = [
    answer(500, b"{}"),
    answer(502, b"<html>bad gateway</html>"),
    answer(503),
    answer(504),
    answer(200, b"<html>maintenance</html>", Content_Type="text/html"),
    None,
]


@pytest.mark.parametrize("trouble", TRANSIENT)
def test_09_waiting_outlives_whatever_is_transient(trouble):
    clock = Clock()

    def respond(came, number):
        return trouble if number < 8 else state("Created", completed=True)

    with serving(respond) as server:
        job = job_of(server)
        job._clock, job._sleep = clock, clock.sleep
        assert job.wait(600, progress=False).is_completed
        assert len(server.log) == 8


def test_08_waiting_waits_as_long_as_a_busy_service_asks_but_a_minute_at_most():
    clock = Clock()
    asked = ["2", "86400", "garbage"]

    def respond(came, number):
        return told({}, 429, Retry_After=asked[number - 1]) if number <= 3 else state("Created", completed=True)

    with serving(respond) as server:
        job = job_of(server)
        job._clock, job._sleep = clock, clock.sleep
        assert job.wait(600, progress=False).is_completed
    assert 62 <= clock.now < 70


@pytest.mark.parametrize("trouble", [*TRANSIENT, told({}, 429, Retry_After="86400"), state("Processing")])
def test_12_waiting_ends_at_its_deadline_whatever_comes(trouble):
    clock = Clock()
    with serving(lambda came, number: trouble) as server:
        job = job_of(server)
        job._clock, job._sleep = clock, clock.sleep
        with pytest.raises(lds.ExportTimeoutError, match="it goes on at the service") as caught:
            job.wait(100, progress=False)
    assert clock.now == pytest.approx(100)
    assert caught.value.report_id == "r"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("kind", ["hangs", "trickles", "trickles its headers"])
def test_16_a_service_that_does_not_come_to_an_end_does_not_hold_up_the_deadline(kind):
    def respond(came, number):
        def slowly():
            if kind == "trickles":
                yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
            if kind == "trickles its headers":
                yield b"HTTP/1.1 200 OK\r\nX-Long: "
            for _ in range(40):
                time.sleep(0.2)
                yield b"" if kind == "hangs" else b" "

        return slowly()

    with serving(respond) as server:
        job, began = job_of(server), time.monotonic()
        with pytest.raises(lds.ExportTimeoutError, match="The last look"):
            job.wait(1.5, progress=False)
    assert time.monotonic() - began < 6.5


def test_14_refused_credentials_end_the_wait_at_once():
    with serving(lambda came, number: told({"error": "no"}, 401)) as server:
        with pytest.raises(lds.AuthError, match="api_key"):
            job_of(server).wait(60, progress=False)
        assert len(server.log) == 1


@pytest.mark.parametrize("reply", [None, answer(503), answer(502, b"<html>"), answer(200, b"<html>"), told({"x": 1})])
@pytest.mark.parametrize("is_there", [True, False])
def test_10_an_export_whose_answer_was_lost_is_looked_up_by_its_name_and_never_asked_for_again(reply, is_there):
    def respond(came, number):
        if came.method == "POST":
            return reply
        if came.path.startswith("/exports/list"):
            now = int(datetime.now(timezone.utc).timestamp() * 1000)
            items = [
                {"report_id": "old", "export_name": "nightly", "export_status": "Created", "created_at": now - 10**7}
            ]
            if is_there:
                items.append(
                    {"report_id": "r7", "export_name": "nightly", "export_status": "Created", "created_at": now}
                )
            return told({"response": {"completed": items, "in_progress": []}})
        return FACTS

    with serving(respond) as server:
        project = lds.Client(**KEYS, base_url=server.url).project("p")
        if is_there:
            assert lds.create_export(project, ["accepted"], name="nightly").report_id == "r7"
        else:
            with pytest.raises(lds.AmbiguousCreateError, match="does not have it yet") as caught:
                lds.create_export(project, ["accepted"], name="nightly")
            assert caught.value.name == "nightly"
        assert [came.method for came in server.log].count("POST") == 1


@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_15_nothing_to_export_is_that_at_any_status(status):
    def respond(came, number):
        return told({"error": "No files found with the given status"}, status) if came.method == "POST" else FACTS

    with serving(respond) as server:
        project = lds.Client(**KEYS, base_url=server.url).project("p")
        with pytest.raises(lds.EmptyExportError):
            lds.create_export(project, ["accepted"])


def test_08_a_busy_service_says_so_with_the_wait_it_asks_for(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with serving(lambda came, number: told({}, 429, Retry_After="7")) as server:
        with pytest.raises(lds.RateLimitedError, match="asks to wait 7 s") as caught:
            lds.Client(**KEYS, base_url=server.url).projects()
    assert caught.value.wait_s == 7


def test_21_an_address_is_told_without_a_name_and_password_in_it():
    with serving(lambda came, number: None) as server:
        pass
    url = server.url.replace("http://", "http://canary-user:canary-password@")
    with pytest.raises(lds.ConnectionFailedError) as caught:
        endpoints_of(lds.Client(**KEYS, base_url=url).project("p")).export_states(["r"])
    assert "canary" not in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(2**70) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
FIELDS = {
    "/project_drafts/projects/detailed_list": ["project_name", "data_type", "status_code", "created_at"],
    "/exports/list": ["export_name", "export_status", "export_format", "export_destination", "created_at", "statuses"],
    "/connectors/connections/list": ["name", "description", "created_at"],
    "/annotations/get_template": ["question_id", "question", "option_type", "color", "options"],
    "/exports/status": ["is_completed", "export_status", "error", "download_url"],
}


@settings(max_examples=40)
@given(data=st.data())
def test_13_no_value_of_a_field_breaks_a_frame_or_spoils_the_rows_beside_it(data):
    odd = {path: {name: data.draw(ODD) for name in names} for path, names in FIELDS.items()}

    def respond(came, number):
        path = came.path.split("?")[0]
        fields = odd.get(path, {})
        if path == "/exports/status":
            return told({"status": [{"report_id": "r", **fields}]})
        if path == "/exports/list":
            items = [
                {"report_id": "odd", **fields},
                {"report_id": "r", "export_name": "mine", "created_at": 1758473033804},
            ]
            return told({"response": {"completed": items, "in_progress": []}})
        if path == "/annotations/get_template":
            return told({"response": {"questions": [fields, {"question_id": "q", "question": "car"}]}})
        if path.startswith("/projects/project"):
            return told({"response": {**odd["/project_drafts/projects/detailed_list"], "annotation_template_id": "t"}})
        wrapped = [{"project_id": "p", "connection_id": "c", **fields}]
        return told({"response": {"projects": wrapped} if "projects" in path else wrapped})

    with serving(respond) as server:
        client = lds.Client(**KEYS, base_url=server.url)
        project = client.project("p")
        assert client.projects()["project_id"].tolist() == ["p"]
        assert client.s3_connections()["connection_id"].tolist() == ["c"]
        assert set(project.exports()["report_id"]) == {"odd", "r"}
        assert project.categories()["name"].tolist()[-1] == "car"
        assert lds.ExportJob(project, "r").name == "mine"
        assert lds.ExportJob(project, "r").status().state in ("running", "completed", "failed", "unknown")
        assert project.name is None or isinstance(project.name, str)
        assert project.data_type is None or isinstance(project.data_type, str)
