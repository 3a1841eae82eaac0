"""Faults of the network, numbered as in README.md: the file comes whole, or there is none and an error says why."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import google_crc32c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from objectserver import Served, serving_object
from rawserver import answer, serving

import labellerr_ds as lds
from labellerr_ds.core import temp_names
from labellerr_ds.service import transport
from labellerr_ds.storage import fetch
from labellerr_ds.storage import partial_files as parts
from labellerr_ds.storage.signed_link import download

BODY = bytes(random.Random(1).randbytes(300_000))
TABLE = b"file_id,file_name\n" + b"".join(b"f%06d,%06d.jpg\n" % (n, n) for n in range(4000))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(fetch, "DOWNLOAD_TRIES", 3)
    monkeypatch.setattr(fetch, "intervals", lambda first: itertools.repeat(0.0))


def link(server, **more):
    return lds.SignedLink(f"{server.url}/b/export.bin?X-Signature=canary-signature", **more)


def got(served, folder, **more):
    """The file that came; nothing else may be in its folder."""
    with serving_object(served) as server:
        path, _ = download(link(server), folder, progress=False, **more)
    assert [each.name for each in folder.iterdir()] == [path.name]
    return path.read_bytes(), server.log


def refused(served, folder, error, words, **more):
    with serving_object(served) as server, pytest.raises(error, match=words) as told:
        download(link(server), folder, progress=False, **more)
    assert "canary-signature" not in str(told.value)
    assert list(folder.iterdir()) == []
    return server.log


# --- 1 and 2: the line breaks


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 300_000), max_size=4))
def test_01_a_broken_line_goes_on_where_it_broke(tmp_path_factory, cuts):
    served = Served(BODY, cuts=list(cuts))
    with pytest.MonkeyPatch.context() as patient:
        patient.setattr(fetch, "DOWNLOAD_TRIES", 6)
        body, log = got(served, tmp_path_factory.mktemp("came"))
    assert body == BODY
    assert served.sent <= len(BODY) + 2**20
    for came in log[1:]:
        if "range" in came.headers:
            assert came.headers["if-match"] == f'"{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}"'
    assert all(came.headers["accept-encoding"] == "identity" for came in log)


def test_01_a_line_that_breaks_every_time_is_given_up(tmp_path):
    log = refused(Served(BODY, cuts=[100] * 50), tmp_path, lds.DownloadError, r"of 300,000 bytes, 3 times in a row")
    assert len(log) == 3


def test_02_chunks_that_break_off_are_fetched_anew(tmp_path):
    chunked = {"Transfer-Encoding": "chunked", "Content-Length": None}
    whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(TABLE), TABLE)
    served = Served(whole, cuts=[len(whole) // 2], headers=chunked, knows_ranges=False, etag='"v1"')
    assert got(served, tmp_path)[0] == TABLE


def test_02_a_table_without_a_length_is_told_to_be_unverified(tmp_path):
    served = Served(TABLE, cuts=[2_000], headers={"Content-Length": None}, etag='"v1"')
    with serving_object(served) as server, pytest.warns(lds.LabellerrWarning, match="does not prove that it is whole"):
        assert not download(link(server), tmp_path, progress=False).is_verified


@pytest.mark.parametrize("body", [b'[{"a": 1}]', gzip.compress(b"x", mtime=0), b"\x89PNG\r\n\x1a\n....IEND\xaeB`\x82"])
def test_02_what_has_an_end_of_its_own_needs_no_length(tmp_path, body):
    headers = {"Content-Length": None, **({"Content-Encoding": "gzip"} if body[:1] == b"\x1f" else {})}
    with serving_object(Served(body, headers=headers, etag='"v1"')) as server:
        assert download(link(server), tmp_path, progress=False).is_verified


def test_02_a_table_without_a_length_but_with_a_checksum_is_whole_or_an_error(tmp_path):
    whole = Served(TABLE, headers={"Content-Length": None})
    assert got(whole, tmp_path / "whole")[0] == TABLE
    (tmp_path / "cut").mkdir()
    cut = Served(TABLE, cuts=[2_000] * 9, headers={"Content-Length": None})
    refused(cut, tmp_path / "cut", lds.DownloadError, "checksum mismatch")


# --- 3, 4, 5: what a store answers to a range


@pytest.mark.parametrize(
    "part",
    [
        {"Content-Range": "bytes 7-299999/300000"},  # from elsewhere
        {"Content-Range": "bytes 100000-299999/300001"},  # of another file
        {"Content-Range": None},
        {"ETag": '"another"'},
    ],
)
def test_03_a_part_that_does_not_fit_is_not_used(tmp_path, part):
    def before(number, came):
        if "range" in came.headers:
            told = {"Content-Range": "bytes 100000-299999/300000", **part}
            return answer(206, b"x" * 200_000, **told)
        return None

    assert got(Served(BODY, cuts=[100_000], before=before), tmp_path)[0] == BODY


def test_04_a_store_that_knows_no_ranges_begins_anew_and_the_bar_goes_back(tmp_path):
    seen = []
    with serving_object(Served(BODY, cuts=[100_000], knows_ranges=False)) as server:
        path, _ = download(
            link(server), tmp_path, progress=lambda progress: seen.append((progress.done, progress.total))
        )
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert max(done for done, _ in seen) <= len(BODY)


@pytest.mark.parametrize("knows_if_match", [True, False])
def test_05_an_object_that_changed_in_between_comes_whole_in_its_new_form(tmp_path, knows_if_match):
    new = BODY[::-1]

    def before(number, came):
        if number == 2:
            served.body = new

    served = Served(BODY, cuts=[100_000], before=before, knows_if_match=knows_if_match)
    assert got(served, tmp_path)[0] == new


# --- 6 and 7: links that are refused


EXPIRED = [
    answer(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"),
    answer(400, b"<Error><Code>ExpiredToken</Code></Error>"),
]


@pytest.mark.parametrize("words", EXPIRED)
def test_06_a_link_that_expires_in_between_is_renewed_once_and_goes_on(tmp_path, words):
    renewed = []

    def before(number, came):
        return words if number == 2 else None

    with serving_object(Served(BODY, cuts=[100_000], before=before)) as server:
        path, _ = download(link(server), tmp_path, progress=False, renew=lambda: renewed.append(1) or link(server))
    assert path.read_bytes() == BODY
    assert renewed == [1]
    assert server.log[2].headers["range"] == "bytes=100000-"


def test_06_a_line_that_breaks_often_and_links_that_expire_cost_no_byte_twice(tmp_path):
    renewed, expired = [], []

    def before(number, came):
        start = int(came.headers.get("range", "bytes=0-")[6:-1])
        if start > 100_000 * (1 + len(expired)) and len(expired) < 2:
            expired.append(start)
            return EXPIRED[0]
        return None

    served = Served(BODY, cuts=[20_000] * 14, before=before)
    with serving_object(served) as server:
        path, _ = download(link(server), tmp_path, progress=False, renew=lambda: renewed.append(1) or link(server))
    assert path.read_bytes() == BODY
    assert served.sent == len(BODY)
    assert len(renewed) == len(expired) == 2


def test_06_links_that_expire_again_and_again_are_an_error(tmp_path):
    renewed = []
    with serving_object(Served(BODY, before=lambda number, came: EXPIRED[0])) as server:
        with pytest.raises(lds.LinkExpiredError, match="links in a row expired"):
            download(link(server), tmp_path, progress=False, renew=lambda: renewed.append(1) or link(server))
    assert len(renewed) == 3
    assert list(tmp_path.iterdir()) == []


def test_06_a_link_about_to_expire_is_renewed_before_it_is_asked(tmp_path):
    served, renewed = Served(BODY, cuts=[100_000]), []
    with serving_object(served) as server:
        soon = link(server, expires_at=datetime.now(timezone.utc) + timedelta(seconds=2))
        path, _ = download(soon, tmp_path, progress=False, renew=lambda: renewed.append(1) or link(server))
    assert path.read_bytes() == BODY
    assert renewed == [1]


def test_07_a_link_that_is_refused_for_another_reason_is_renewed_once_at_most(tmp_path):
    renewed = []
    refusal = answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
    with serving_object(Served(BODY, before=lambda number, came: refusal)) as server:
        with pytest.raises(lds.DownloadError, match="SignatureDoesNotMatch.*Access is denied"):
            download(link(server), tmp_path, progress=False, renew=lambda: renewed.append(1) or link(server))
    assert renewed == [1]


# --- 8, 9: busy and failing stores


@pytest.mark.parametrize(
    ("told", "waited"), [("2", 2.0), ("86400", 60.0), ("garbage", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
)
def test_08_a_busy_store_is_asked_again_when_it_says_but_within_a_minute(tmp_path, monkeypatch, told, waited):
    waits = []
    monkeypatch.setattr(fetch.threading.Event, "wait", lambda self, seconds=None: waits.append(seconds))

    def before(number, came):
        if number == 2:
            return answer(429, b"slow down", Retry_After=told)
        return None

    with serving(Served(BODY, cuts=[100_000], before=before).respond) as server:
        path, _ = download(link(server), tmp_path, progress=False)
    assert path.read_bytes() == BODY
    waits = [seconds for seconds in waits if seconds not in (None, temp_names.TOUCH_S)]  # of threads
    assert waits[-1] == waited


def test_09_a_storm_of_errors_is_outlived(tmp_path):
    def before(number, came):
        return answer(503, b"oops") if number in (2, 3) else None

    assert got(Served(BODY, cuts=[100_000], before=before), tmp_path)[0] == BODY


def test_09_errors_for_ever_end(tmp_path):
    refused(Served(BODY, before=lambda number, came: answer(503, b"oops")), tmp_path, lds.DownloadError, "503: oops")


# --- 16 to 19: what comes instead


def dribbled(head, body):
    """An answer whose body comes a byte in 50 ms."""
    yield head
    for place in range(len(body)):
        time.sleep(0.05)
        yield body[place : place + 1]


def test_16_a_trickle_is_as_good_as_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "SLOW_S", 0.3)
    trickle = Served(BODY)

    def slow(came, number):
        if number > 1:
            return trickle.respond(came, number)
        head, _, body = trickle.respond(came, number).partition(b"\r\n\r\n")

        return dribbled(head + b"\r\n\r\n", body[:400])  # twenty seconds

    started = time.monotonic()
    with serving(slow) as server:
        path, _ = download(link(server), tmp_path, progress=False)
        took = time.monotonic() - started
    assert path.read_bytes() == BODY
    assert took < 15


def test_16_headers_that_do_not_come_to_an_end_are_as_good_as_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "HEADERS_TIMEOUT_S", 0.3)
    whole = Served(BODY)

    def slow(came, number):
        if number > 1:
            return whole.respond(came, number)

        return dribbled(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 200)

    with serving(slow) as server:
        path, _ = download(link(server), tmp_path, progress=False)
        assert len(server.log) == 2
    assert path.read_bytes() == BODY


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><body>Please log in</body></html>",
        b"\n <html>captive portal</html>",
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code></Error>',
    ],
)
def test_17_a_page_that_comes_with_200_is_no_file(tmp_path, page):
    refused(Served(page), tmp_path, lds.DownloadError, "expected a file, got a page")


def test_18_a_coding_that_was_not_asked_for_is_undone_and_its_end_verified(tmp_path):
    coded = gzip.compress(TABLE[:40_000], mtime=0) + gzip.compress(TABLE[40_000:])
    whole = Served(coded, headers={"Content-Encoding": "gzip"})
    assert got(whole, tmp_path / "whole")[0] == TABLE
    (tmp_path / "cut").mkdir()
    half = Served(coded[: len(coded) // 2], headers={"Content-Encoding": "gzip"})
    refused(half, tmp_path / "cut", lds.DownloadError, "gzip coding is damaged, or ends before its end")


def test_18_a_checksum_may_be_of_the_coded_or_of_the_plain_bytes(tmp_path):
    coded = gzip.compress(TABLE, mtime=0)
    plain = base64.b64encode(hashlib.md5(TABLE, usedforsecurity=False).digest()).decode()
    headers = {"Content-Encoding": "gzip", "x-goog-hash": f"md5={plain}"}
    assert got(Served(coded, headers=headers, etag='"v1"'), tmp_path / "plain")[0] == TABLE
    assert got(Served(coded, headers={"Content-Encoding": "gzip"}), tmp_path / "coded")[0] == TABLE


def test_18_what_grows_beyond_measure_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("labellerr_ds.storage.content_encoding.HARMLESS_BYTES", 1 << 20)
    bomb = gzip.compress(bytes(50_000_000), 9)
    refused(Served(bomb, headers={"Content-Encoding": "gzip"}), tmp_path, lds.DownloadError, "200 times as many")


@pytest.mark.parametrize("name", ["etag", "md5", "crc32c"])
def test_19_a_bit_that_turned_is_found_and_fetched_again(tmp_path, name):
    sums = {
        "md5": base64.b64encode(hashlib.md5(BODY, usedforsecurity=False).digest()).decode(),
        "crc32c": base64.b64encode(google_crc32c.extend(0, BODY).to_bytes(4, "big")).decode(),
    }
    told = {"headers": {"x-goog-hash": f"{name}={sums[name]}"}, "etag": '"v1"'} if name != "etag" else {}
    flipped = bytearray(BODY)
    flipped[123_456] ^= 1

    def once(number, came):
        served.body = bytes(flipped) if number == 1 else BODY

    served = Served(BODY, before=once, **told)
    if name == "etag":
        served.etag = '"' + hashlib.md5(BODY, usedforsecurity=False).hexdigest() + '"'
    assert got(served, tmp_path / "once")[0] == BODY
    (tmp_path / "always").mkdir()
    always = Served(bytes(flipped), headers=dict(served.headers), etag=served.etag)
    refused(always, tmp_path / "always", lds.DownloadError, "checksum mismatch, twice")


def test_19_a_bit_that_turned_before_a_break_is_found_after_it(tmp_path):
    flipped = bytearray(BODY)
    flipped[10] ^= 1

    def first(number, came):
        served.body = bytes(flipped) if number == 1 else BODY

    served = Served(
        BODY, cuts=[100_000], before=first, etag='"' + hashlib.md5(BODY, usedforsecurity=False).hexdigest() + '"'
    )
    assert got(served, tmp_path)[0] == BODY


# --- 20: redirects


def test_20_no_credential_travels_to_a_store_nor_to_where_it_redirects(tmp_path, fresh):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    job = lds.create_export(project, "all")
    job.wait(progress=False)
    with serving_object(Served(BODY)) as there:
        to = answer(302, Location=f"{there.url}/b/export.bin?X-Signature=other")
        with serving(lambda came, number: to) as here:
            path, _ = download(link(here), tmp_path, progress=False)
    assert path.read_bytes() == BODY
    for came in (*here.log, *there.log):
        assert not {"api_key", "api_secret", "client_id", "authorization"} & set(came.headers)


# --- a process that is killed


CHILD = """
import sys, pathlib
import labellerr_ds as lds
from labellerr_ds.storage.signed_link import download
download(lds.SignedLink(sys.argv[1]), pathlib.Path(sys.argv[2]), progress=False)
"""


def test_23_the_next_process_goes_on_where_a_killed_one_stopped(tmp_path):
    served = Served(BODY, cuts=[200_000])

    def respond(came, number):
        if number != 1:
            return served.respond(came, number)
        head_and_some = served.respond(came, number)

        def slowly():
            yield head_and_some
            time.sleep(30)

        return slowly()

    with serving(respond) as server:
        child = subprocess.Popen([sys.executable, "-c", CHILD, link(server).url, str(tmp_path)])
        until = time.monotonic() + 30
        while time.monotonic() < until and not any(each.stat().st_size >= 150_000 for each in tmp_path.iterdir()):
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        (left,) = tmp_path.iterdir()
        assert "canary" not in left.name
        path, _ = download(link(server), tmp_path, progress=False)
    assert path.read_bytes() == BODY
    assert [each.name for each in tmp_path.iterdir()] == ["export.bin"]
    assert int(server.log[-1].headers["range"].removeprefix("bytes=").removesuffix("-")) >= 150_000


def interrupted(final, key):
    with parts.part(final, key) as out:
        out.write(b"old")
        raise KeyboardInterrupt


def test_23_what_was_left_of_another_version_is_removed(tmp_path):
    final = tmp_path / "export.bin"
    with pytest.raises(KeyboardInterrupt):
        interrupted(final, "old")
    (left,) = tmp_path.iterdir()
    with parts.part(final, "new") as out:
        assert out.tell() == 0
        assert not left.exists()
        out.write(b"new")
    assert final.read_bytes() == b"new"


def test_24_what_another_living_process_is_at_is_left_alone(tmp_path):
    final = tmp_path / "export.bin"
    with parts.part(final, "same") as mine:
        name = os.path.basename(mine.name)
        own, other = (f"-{process}-{temp_names._started(process)}-" for process in (os.getpid(), os.getppid()))
        theirs = tmp_path / name.replace(own, other)
        theirs.write_bytes(b"theirs")
        mine.write(b"mine")
        with parts.part(final, "same") as other:
            assert other.tell() == 0
            other.write(b"whole")
        assert final.read_bytes() == b"whole"
        assert theirs.read_bytes() == b"theirs"


def test_27_an_interrupted_download_goes_on_with_the_next_call(tmp_path):
    def interrupt(step):
        if step.done >= 100_000:
            raise KeyboardInterrupt

    served = Served(BODY)
    with serving_object(served) as server:
        with pytest.raises(KeyboardInterrupt):
            download(link(server), tmp_path, progress=interrupt)
        path, _ = download(link(server), tmp_path, progress=False)
    assert path.read_bytes() == BODY
    assert int(server.log[-1].headers["range"].removeprefix("bytes=").removesuffix("-")) >= 100_000
    assert json.dumps([each.name for each in tmp_path.iterdir()]) == '["export.bin"]'


def test_27_the_bar_of_a_resumed_download_ends_at_the_size_of_the_file(tmp_path):
    def interrupt(step):
        if step.done >= 100_000:
            raise KeyboardInterrupt

    steps = []
    with serving_object(Served(BODY)) as server:
        with pytest.raises(KeyboardInterrupt):
            download(link(server), tmp_path, progress=interrupt)
        download(link(server), tmp_path, progress=steps.append)
    assert steps[0].done >= 100_000
    assert (steps[-1].done, steps[-1].total) == (len(BODY), len(BODY))
