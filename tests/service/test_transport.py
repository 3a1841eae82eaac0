"""Requests: what is sent where, what is repeated, and what never reaches a text."""

from __future__ import annotations

import logging
import traceback

import pytest
from rawserver import answer, serving

import labellerr_ds as lds
from labellerr_ds.service.client import transport_of
from labellerr_ds.service.project import endpoints_of
from labellerr_ds.service.transport import redact

CANARY = {"api_key": "canary-key-1234", "api_secret": "canary-secret-5678", "client_id": "c1"}
SECRETS = ("canary-key-1234", "canary-secret-5678", "canary-signature")
CREDENTIALS = {"api_key", "api_secret", "client_id"}
JSON = {"Content_Type": "application/json"}
FACTS = answer(200, b'{"response": {"project_id": "p", "data_type": "image"}}', **JSON)


def client_of(server) -> lds.Client:
    return lds.Client(**CANARY, base_url=server.url)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, lds.AuthError, "Hint: api_key= and api_secret="),
        (403, lds.AuthError, "client_id"),
        (404, lds.NotFoundError, "check the id"),
        (500, lds.ServiceError, "HTTP 500"),
        (302, lds.UnexpectedAnswerError, "redirects"),
    ],
)
def test_an_error_says_what_to_check(status, kind, words):
    with serving(lambda came, number: answer(status, b'{"error": "no: canary-key-1234"}', Location="/x")) as server:
        with pytest.raises(kind, match=words) as caught:
            client_of(server).projects()
        assert len(server.log) == (5 if status == 500 else 1)
    assert "canary" not in str(caught.value)


def test_no_redirect_of_the_api_is_followed_and_no_credential_leaves():
    with serving(lambda came, number: answer(200, b"{}")) as elsewhere:

        def away(came, number):
            return answer(302, Location=f"{elsewhere.url}/steal")

        with serving(away) as server, pytest.raises(lds.UnexpectedAnswerError, match="not followed"):
            client_of(server).projects()
        assert elsewhere.log == []


def test_a_signed_link_gets_no_credential_not_even_over_a_redirect(tmp_path):
    with serving(lambda came, number: answer(200, b"whole")) as last:
        with serving(lambda came, number: answer(302, Location=f"{last.url}/b?X-Signature=canary-signature")) as first:
            link = lds.SignedLink(f"{first.url}/a?X-Signature=canary-signature")
            path, _ = download(link, tmp_path)
        assert path.read_bytes() == b"whole"
        for came in [*first.log, *last.log]:
            assert not CREDENTIALS & set(came.headers)
            assert "origin" not in came.headers


def test_a_get_is_repeated_where_the_service_stumbles():
    def stumbling(came, number):
        return answer(503) if number < 3 else answer(200, b'{"response": {"projects": []}}', **JSON)

    with serving(stumbling) as server:
        assert client_of(server).projects().empty
        assert len(server.log) == 3


def test_asking_for_a_status_may_be_repeated():
    def stumbling(came, number):
        return answer(502) if number == 1 else answer(200, b'{"status": []}', **JSON)

    with serving(stumbling) as server:
        assert endpoints_of(client_of(server).project("p")).export_states(["r"]) == {}
        assert [came.method for came in server.log] == ["POST", "POST"]


@pytest.mark.parametrize("told", [None, answer(503), answer(502, b"<html>"), answer(500, b"{}")])
def test_the_post_that_creates_an_export_is_sent_once_and_the_doubt_is_told(told):
    with serving(lambda came, number: FACTS if came.method == "GET" else told) as server:
        with pytest.raises(lds.AmbiguousCreateError, match=r"'nightly'.*may or may not exist") as caught:
            lds.create_export(client_of(server).project("p"), ["accepted"], name="nightly")
        assert [came.method for came in server.log].count("POST") == 1
    assert caught.value.name == "nightly"


def test_an_answer_that_is_no_json_is_told():
    with serving(lambda came, number: answer(200, b"<html>hello</html>", Content_Type="text/html")) as server:
        with pytest.raises(lds.UnexpectedAnswerError, match="expected JSON, got text/html"):
            client_of(server).projects()


def test_nobody_there_is_a_connection_error_that_names_the_host_only():
    with serving(lambda came, number: None) as server:
        pass
    with pytest.raises(lds.ConnectionFailedError, match=f"127.0.0.1:{server.port}") as caught:
        endpoints_of(client_of(server).project("p")).export_states(["r"])
    assert caught.value.request_id


@pytest.mark.parametrize("url", ["", "api.labellerr.com", "ftp://host", "https://"])
def test_a_base_url_that_is_none_is_refused(url):
    with pytest.raises(lds.InvalidArgumentError, match="base_url"):
        lds.Client(**CANARY, base_url=url or "x")


def test_no_secret_is_in_a_repr_a_log_a_message_or_a_traceback(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    told = []

    def hostile(came, number):
        if came.path.startswith("/store"):
            return answer(403, f"<Error>denied ?X-Signature={SECRETS[2]}</Error>".encode())
        return answer(400, f'{{"error": "bad key {SECRETS[0]} of {SECRETS[1]}"}}'.encode(), **JSON)

    with serving(hostile) as server:
        client = client_of(server)
        job = lds.ExportJob(client.project("p"), "r")
        link = lds.SignedLink(f"{server.url}/store/x.json?X-Signature={SECRETS[2]}")
        told += [repr(each) for each in (client, transport_of(client), client.project("p"), job, link)]
        for call in (client.projects, job.status, job.link, lambda: download(link, tmp_path)):
            with pytest.raises(lds.LabellerrError) as caught:
                call()
            told += traceback.format_exception(caught.value)
            assert caught.value.__context__ is None or caught.value.__suppress_context__
    with pytest.raises(lds.DownloadError) as caught:
        download(link, tmp_path)
    told += traceback.format_exception(caught.value)
    text = "".join(told) + caplog.text
    assert [secret for secret in SECRETS if secret in text] == []
    assert "Starting new HTTP connection" in caplog.text


def test_a_client_is_not_pickled():
    import pickle

    with pytest.raises(TypeError, match="holds keys"):
        pickle.dumps(lds.Client(**CANARY))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("GET /a?sig=1 HTTP", "GET /a?… HTTP"),
        ("'https://s/x?a=1&b=2'", "'https://s/x?…'"),
        ("why? because", "why? because"),
        ("nothing", "nothing"),
    ],
)
def test_queries_are_taken_out(text, safe):
    assert redact(text) == safe


def download(link, folder):
    from labellerr_ds.storage.signed_link import download as fetch

    return fetch(link, folder, progress=False)


def test_no_key_is_in_a_traceback_that_shows_local_variables():
    def hostile(came, number):
        return answer(400, b'{"error": "no"}', **JSON)

    with serving(hostile) as server:
        client = client_of(server)
        calls = [
            client.projects,
            lambda: lds.create_export(client.project("p"), ["accepted"]),
            lambda: lds.create_s3_connection(
                client, access_key="canary-aws-key", secret_key="canary-aws-secret", name="n", bucket_path="b/p/"
            ),
        ]
        told = ""
        for call in calls:
            with pytest.raises(lds.LabellerrError) as caught:
                call()
            trace = caught.tb.tb_next.tb_next  # the frames of the package: this test's own holds the keys on purpose
            while trace:
                told += repr(trace.tb_frame.f_locals)
                trace = trace.tb_next
    assert "hostile" not in told
    assert "transport" in told.lower()
    assert "canary" not in told
