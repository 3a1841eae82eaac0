"""A finished export is downloaded once a machine, and what is not what was kept is never served."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time

import pandas as pd
import pytest
from thorough import examples
from typer.testing import CliRunner

import labellerr_ds as lds
from labellerr_ds.cli.app import app
from labellerr_ds.storage import cache


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELLERR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def downloads(caplog):
    """How often a file of an export was asked for until now."""
    caplog.set_level(logging.DEBUG, logger="labellerr_ds.sandbox")
    return lambda: sum(record.getMessage().startswith("GET /exports/") and "export." in record.getMessage()
                       for record in caplog.records)  # fmt: skip


@pytest.fixture
def job(project):
    job = lds.create_export(project, ["accepted"])
    job.wait(progress=False)
    return job


def data(home):
    (path,) = home.glob("*/data")
    return path


def test_an_export_is_downloaded_once_by_whoever_picks_it_up(job, client, downloads, home):
    first = job.load(progress=False)
    again = lds.ExportJob(client.project(job.project.project_id), job.report_id).load(progress=False)
    pd.testing.assert_frame_equal(first.annotations, again.annotations)
    assert again.info["verified"]
    assert again.info["source"] == first.info["source"]
    assert downloads() == 1
    assert [path.name for path in home.iterdir() if not path.is_dir() or any(path.iterdir())] == [
        data(home).parent.name
    ]


def test_without_the_cache_and_into_a_folder_of_ones_own_it_is_downloaded(job, downloads, home, tmp_path):
    job.load(progress=False, cache=False)
    job.load(progress=False, download_to=tmp_path / "mine")
    assert downloads() == 2
    assert not list(home.glob("*/data"))


def test_a_door_uses_it_too(project, downloads, home):
    dataset = lds.export_dataset(project, ["accepted"], progress=False)
    lds.ExportJob(project, dataset.info["report_id"]).load(progress=False)
    assert downloads() == 1
    lds.export_dataset(project, ["accepted"], progress=False, cache=False)
    assert len(list(home.glob("*/data"))) == 1


@pytest.mark.parametrize("what", ["edited", "cut", "sidecar", "gone", "other", "no json"])
def test_40_what_is_not_what_was_kept_is_downloaded_anew(job, downloads, home, what):
    before = job.load(progress=False)
    path = data(home)
    body, entry = path.read_bytes(), json.loads(path.with_name("entry.json").read_bytes())
    if what == "edited":
        path.write_bytes(body.replace(b"accepted", b"rejected", 1))
    elif what == "cut":
        path.write_bytes(body[:-1])
    elif what == "gone":
        path.unlink()
    elif what == "no json":
        path.with_name("entry.json").write_text("{")
    else:
        changed = {"digest": "0" * 64} if what == "sidecar" else {"key": "0" * 64}
        path.with_name("entry.json").write_text(json.dumps({**entry, **changed}))
    after = job.load(progress=False)
    pd.testing.assert_frame_equal(before.annotations, after.annotations)
    assert downloads() == 2
    assert data(home).read_bytes() == body


def test_40_a_large_file_is_hashed_when_it_was_changed_or_not_used_for_a_day(job, downloads, home, monkeypatch):
    monkeypatch.setattr(cache, "HASHED_BYTES", 10)
    job.load(progress=False)
    hashed = []
    monkeypatch.setattr(cache, "sha256_of", lambda path, digest=cache.sha256_of: hashed.append(path) or digest(path))
    job.load(progress=False)
    assert not hashed
    long_ago = time.time() - 2 * 86_400
    os.utime(data(home).with_name("entry.json"), (long_ago, long_ago))
    job.load(progress=False)
    assert len(hashed) == 1
    path = data(home)
    time.sleep(0.05)
    path.write_bytes(path.read_bytes().replace(b"accepted", b"rejected", 1))
    job.load(progress=False)
    assert len(hashed) == 3  # looked at, and kept anew
    assert downloads() == 2


def test_40_another_account_and_another_service_have_entries_of_their_own(job):
    owner = job._owner
    others = [owner._replace(**{name: "other"}) for name in owner._fields]
    assert len({each.key for each in [owner, *others]}) == 5


def test_no_key_and_no_link_is_in_it(job, client, home):
    job.load(progress=False)
    secrets = [str(client.api_key), str(client.api_secret), "Signature", "X-Amz", "?"]
    for path in home.rglob("*"):
        text = str(path) + (path.read_text() if path.name == "entry.json" else "")
        assert not [secret for secret in secrets if secret in text]


def test_the_least_recently_used_go_first_and_never_one_that_is_in_use(project, home, monkeypatch, tmp_path):
    jobs = []
    for _ in range(3):
        jobs.append(lds.create_export(project, ["accepted"]))
        jobs[-1].wait(progress=False)
        jobs[-1].load(progress=False)
        time.sleep(0.02)
    jobs[0].load(progress=False)  # used last
    keys = [job._owner.key for job in jobs]
    assert {path.parent.name for path in home.glob("*/data")} == set(keys)
    size = (home / keys[0] / "data").stat().st_size
    monkeypatch.setattr(cache, "LARGEST_BYTES", int(size * 2.5))
    os.link(home / keys[1] / "data", tmp_path / "reading")
    cache._shrink()
    assert {path.parent.name for path in home.glob("*/data")} == {keys[0], keys[1]}
    (tmp_path / "reading").unlink()
    monkeypatch.setattr(cache, "LARGEST_BYTES", size // 2)
    jobs[2].load(progress=False)  # larger than the whole: read, not kept
    assert list(home.glob("*/data")) == []


CHILD = """
import sys, labellerr_ds as lds
client = lds.Client()
dataset = lds.ExportJob(client.project(sys.argv[1]), sys.argv[2]).load(progress=False)
print(len(dataset.annotations))
"""


def children(job, sandbox, count):
    keys = {
        f"LABELLERR_{name.upper()}": getattr(sandbox, name)
        for name in ("api_key", "api_secret", "client_id", "base_url")
    }
    arguments = [sys.executable, "-c", CHILD, job.project.project_id, job.report_id]
    return [subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ, **keys}) for _ in range(count)]


def test_24_several_processes_share_it(job, sandbox, home):
    running = children(job, sandbox, 4)
    came = [each.communicate()[0] for each in running]
    assert {each.returncode for each in running} == {0}
    assert len(set(came)) == 1
    assert int(came[0]) == len(job.load(progress=False).annotations)
    assert len(list(home.glob("*/data"))) == 1
    assert not list(home.glob(".part-*"))


def test_23_processes_that_are_killed_leave_nothing_wrong_and_nothing_behind(job, sandbox, home):
    expected = len(job.load(progress=False).annotations)
    cache.clear()
    for number in range(examples(50, 3)):
        (child,) = children(job, sandbox, 1)
        time.sleep(0.6 + number / 20 % 0.5)
        child.kill()
        child.communicate()
    assert len(job.load(progress=False).annotations) == expected
    cache._shrink()
    assert not list(home.glob(".part-*"))
    assert len(list(home.glob("*/data"))) == 1


def test_a_folder_that_cannot_be_had_is_done_without(job, monkeypatch):
    monkeypatch.setenv("LABELLERR_CACHE", "/proc/nowhere")
    assert len(job.load(progress=False)) > 0


def test_an_export_that_cannot_be_read_is_not_kept(job, home, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    job.load(progress=False)
    path, entry = data(home), data(home).with_name("entry.json")
    path.write_bytes(path.read_bytes()[:-9])  # kept like this: what the service has is not the format
    told = {"size": path.stat().st_size, "digest": cache.sha256_of(path)}
    entry.write_text(json.dumps({**json.loads(entry.read_bytes()), **told}))
    with pytest.raises(lds.ReadError, match="was kept at"):
        job.load(progress=False)
    assert not list(home.glob("*/data"))


def test_the_shell_lists_it_clears_it_and_says_where_it_is(job, home):
    assert CliRunner().invoke(app, ["cache", "path"]).stdout.strip() == str(home)
    assert job.report_id not in CliRunner().invoke(app, ["cache", "list", "--as", "csv"]).stdout
    job.load(progress=False)
    assert job.report_id in CliRunner().invoke(app, ["cache", "list", "--as", "csv"]).stdout
    assert "1 exports removed" in CliRunner().invoke(app, ["cache", "clear"]).stderr
    assert not list(home.glob("*/data"))
