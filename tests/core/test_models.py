"""Statuses, formats, and the frozen facts of an export."""

from __future__ import annotations

import pytest

import labellerr_ds as lds
from labellerr_ds.core.models import FileStatus, resolve_format, resolve_statuses


def test_there_are_fifteen_statuses_each_with_its_description():
    assert len(FileStatus) == 15
    assert all(status.description for status in FileStatus)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        (["accepted"], ["accepted"]),
        ("accepted", ["accepted"]),
        ([None], ["none"]),
        (["none", None], ["none"]),
        ("reviewed", ["client_review", "cr_assigned", "accepted"]),
        (["accepted", "reviewed"], ["accepted", "client_review", "cr_assigned"]),
        ([FileStatus.R_SKIPPED, "ACCEPTED"], ["r_skipped", "accepted"]),
        (("annotated", None), ["review", "r_assigned", "client_review", "cr_assigned", "accepted", "none"]),
    ],
)
def test_statuses_and_words_are_understood(asked, meant):
    assert [status.value for status in resolve_statuses(asked)] == meant


def test_all_is_all_fifteen():
    assert resolve_statuses("all") == tuple(FileStatus)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (None, 'statuses="all" or statuses=\\[None\\]'),
        ([], "empty"),
        (["acepted"], r"known are all, annotated[\s\S]*did you mean 'accepted'"),
        ("coco", "unknown status 'coco'"),
        ([3], "unknown status 3"),
        (3, "list of statuses, not int"),
    ],
)
def test_what_is_no_status_is_refused(asked, words):
    with pytest.raises(lds.InvalidArgumentError, match=words):
        resolve_statuses(asked)


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'coco_json'"):
        resolve_format("coco")
    assert resolve_format("COCO_JSON") is lds.ExportFormat.COCO_JSON


def test_an_s3_destination_needs_a_connection():
    with pytest.raises(lds.InvalidArgumentError, match="connection_id is empty"):
        lds.S3Destination("bucket", connection_id="")


def test_a_link_hides_its_query():
    link = lds.SignedLink("https://store/export.json?X-Signature=abc")
    assert repr(link) == str(link) == "SignedLink('https://store/export.json', expires_at=None)"
    assert link.url.endswith("abc")
