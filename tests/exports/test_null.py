"""A service that refuses null in the statuses: all files are requested once more without those that have none."""

from __future__ import annotations

import pytest

import labellerr_ds as lds
from labellerr_ds.core.models import names_none
from labellerr_ds.sandbox import Sandbox
from labellerr_ds.sandbox.exports import RefusedError
from labellerr_ds.service.project import endpoints_of


@pytest.fixture
def refusing(serve):
    sandbox = serve("null-refused")
    return sandbox, lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])


def creates(sandbox):
    return sum(request.path == "/sdk/export/files" for request in sandbox.requests)


@pytest.mark.parametrize("statuses", ["all", ["all"], ["ALL", "accepted"]])
def test_all_is_requested_once_more_without_null(refusing, statuses):
    sandbox, project = refusing
    before = creates(sandbox)
    with pytest.warns(lds.LabellerrWarning, match="does not include them"):
        dataset = lds.export_dataset(project, statuses, progress=False)
    assert creates(sandbox) == before + 2
    truth = sandbox.truth(sandbox.project_ids[0])["files"]
    assert dataset.files["file_id"].tolist() == truth.loc[truth["status"] != "none", "file_id"].tolist()
    assert "none" not in dataset.info["statuses"]


@pytest.mark.parametrize("statuses", [[None], ["none"], ["all", None], ["accepted", lds.FileStatus.NONE]])
def test_a_list_that_names_none_is_an_error_in_the_services_words(refusing, statuses):
    sandbox, project = refusing
    before = creates(sandbox)
    with pytest.raises(lds.ServiceError, match="none is not an allowed value"):
        lds.create_export(project, statuses)
    assert creates(sandbox) == before + 1


def test_nothing_without_null_is_sent_twice(refusing):
    sandbox, project = refusing
    before = creates(sandbox)
    assert len(lds.export_dataset(project, ["accepted"], progress=False))
    with pytest.raises(lds.EmptyExportError):
        lds.create_export(project, "annotated", since=sandbox.now)
    assert creates(sandbox) == before + 2


@pytest.mark.parametrize(
    ("status", "words", "error"),
    [
        (401, "who are you", lds.AuthError),
        (403, "not yours", lds.AuthError),
        (404, "gone", lds.NotFoundError),
        (429, "slow down", lds.ServiceError),
        (400, "No files found with the given status", lds.EmptyExportError),
    ],
)
def test_other_refusals_are_not_taken_for_one_of_null(fresh, monkeypatch, status, words, error):
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    endpoints_of(project).facts()
    monkeypatch.setattr("labellerr_ds.service.transport.time.sleep", lambda _: None)

    def refuse(*_):
        raise RefusedError(status, words)

    monkeypatch.setattr(fresh._exports, "create", refuse)
    with pytest.raises(error):
        lds.create_export(project, "all")
    assert creates(fresh) == 1


@pytest.mark.parametrize(
    ("statuses", "named"),
    [("all", False), (["all"], False), ("none", True), ([None], True), (["accepted"], False), (["all", "None"], True)],
)
def test_none_is_named_or_is_a_part_of_all(statuses, named):
    assert names_none(statuses) == named


# --- a mirror of such a service


def test_a_mirror_keeps_files_that_an_export_without_null_does_not_list(tmp_path):
    with Sandbox(files=24, export_seconds=0) as sandbox:
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        mirror = lds.Mirror(tmp_path / "mirror")
        mirror.sync(project, progress=False)
        kept = mirror.dataset().files
        sandbox.advance(days=20)
        sandbox.variants = sandbox._exports.variants = frozenset({"null-refused"})
        with pytest.warns(lds.LabellerrWarning, match="does not include them"):
            result = mirror.sync(project, full=True, progress=False)
        truth = sandbox.truth(sandbox.project_ids[0])["files"]
    assert result.not_covered == ("none",)
    assert "status none not covered" in repr(result)
    assert result.removed == 0
    now = mirror.dataset().files
    assert set(kept["file_id"]) <= set(now["file_id"])
    listed = truth[truth["status"] != "none"].set_index("file_id")["status"]
    assert now.set_index("file_id")["status"].astype(str).loc[listed.index].tolist() == listed.tolist()


def test_such_a_full_sync_is_not_due_again_at_once(tmp_path, serve):
    sandbox = serve("null-refused")
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    mirror = lds.Mirror(tmp_path / "mirror")
    with pytest.warns(lds.LabellerrWarning, match="does not include them"):
        assert mirror.sync(project, progress=False).full
    again = mirror.sync(project, progress=False)  # no file has changed, so that no export was created
    assert (again.full, bool(again), again.not_covered) == (False, False, ("none",))
