"""A link to a file: whole, or not there."""

from __future__ import annotations

import gzip
import itertools

import pytest
from rawserver import answer, serving

import labellerr_ds as lds
from labellerr_ds.storage import fetch as transfer_fetch
from labellerr_ds.storage.signed_link import download, local_name


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(transfer_fetch, "DOWNLOAD_TRIES", 2)
    monkeypatch.setattr(transfer_fetch, "intervals", lambda first: itertools.repeat(0.0))


BODY = b"0123456789" * 1000


def fetch(respond, folder):
    with serving(respond) as server:
        return download(lds.SignedLink(f"{server.url}/b/export.json?sig=1"), folder, progress=False).path, server


def test_a_file_comes_whole_under_its_name(tmp_path):
    path, server = fetch(lambda came, number: answer(200, BODY), tmp_path / "new")
    assert path == tmp_path / "new" / "export.json"
    assert path.read_bytes() == BODY
    assert server.log[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("length", ["10001", "99999"])
def test_a_body_cut_short_leaves_nothing(tmp_path, length):
    with pytest.raises(lds.DownloadError, match="try again"):
        fetch(lambda came, number: answer(200, BODY, Content_Length=length), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_stays_whole_where_a_download_fails(tmp_path):
    (tmp_path / "export.json").write_bytes(b"earlier")
    with pytest.raises(lds.DownloadError):
        fetch(lambda came, number: answer(200, BODY, Content_Length="10001"), tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


def test_transfer_coding_is_undone(tmp_path):
    coded = gzip.compress(BODY)
    path, _ = fetch(lambda came, number: answer(200, coded, Content_Encoding="gzip"), tmp_path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("status", [403, 404, 500, 204])
def test_anything_but_200_is_an_error(tmp_path, status):
    with pytest.raises(lds.DownloadError, match=f"expected HTTP 200, got {status}"):
        fetch(lambda came, number: answer(status, b"<Error>Request has expired</Error>"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_expired_link_says_to_ask_for_a_new_one(fresh, tmp_path):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    job = lds.create_export(project, "all")
    job.wait(progress=False)
    link = job.link()
    assert link.expires_at is not None
    fresh.advance(hours=2)
    with pytest.raises(lds.DownloadError, match=r"Request has expired[\s\S]*ask for a new link"):
        download(link, tmp_path, progress=False)
    assert job.download(tmp_path, progress=False).exists()


@pytest.mark.parametrize(
    ("served", "local"),
    [
        ("export.json", "export.json"),
        ("..%2F..%2Fetc", "_.._etc"),
        ("", "export"),
        (".hidden", "hidden"),
        ("a:b*c", "a_b_c"),
    ],
)
def test_a_name_for_this_disk(served, local):
    assert local_name(served) == local
