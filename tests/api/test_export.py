"""The three doors: the main job, and all that may be wrong with it."""

from __future__ import annotations

import logging
import warnings
from datetime import datetime

import pandas as pd
import pytest

import labellerr_ds as lds


def test_the_main_job_is_one_line(project):
    df = lds.export_to_dataframe(project, ["accepted"], "90d", progress=False)
    assert set(df["status"]) == {"accepted"}
    told = df.attrs["labellerr"]
    assert told["format"] == "json"
    assert told["statuses"] == ["accepted"]
    assert told["since"].endswith("+00:00")
    assert pd.Timestamp(told["exported_at"]).tzinfo is not None
    assert told["project_name"] == "Street scenes"
    assert "?" not in str(told)


def test_a_row_a_file_holds_the_files_without_annotations(project):
    files = lds.export_to_dataframe(project, "all", level="file", progress=False)
    assert (files["annotation_count"] == 0).any()
    assert files.columns[0] == "file_name"


@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
def test_coco_comes_from_all_four_formats(project, form):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)  # answers that are no shapes stay out
        coco = lds.export_to_coco(project, ["accepted", "review"], format=form, progress=False)
    assert len(coco.getImgIds()) > 0
    assert len(coco.getAnnIds()) > 0
    for annotation in coco.loadAnns(coco.getAnnIds()):
        if annotation.get("segmentation"):
            assert coco.annToMask(annotation).any()
            break


@pytest.mark.parametrize("variant", ["", "empty-status", "empty-file"])
@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
def test_an_empty_result_is_one_error_however_the_service_says_it(serve, variant, form):
    sandbox = serve(variant)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    since = sandbox.now
    with pytest.raises(
        lds.EmptyExportError, match=r"no files with the status accepted changed since[\s\S]*Hint: statuses="
    ):
        lds.export_dataset(project, ["accepted"], since, format=form, progress=False)
    df = lds.export_to_dataframe(project, ["accepted"], since, format=form, allow_empty=True, progress=False)
    assert df.empty
    assert df.attrs["labellerr"]["statuses"] == ["accepted"]
    assert df.attrs["labellerr"]["since"] == since.isoformat()
    full = lds.export_to_dataframe(project, ["accepted"], format=form, progress=False)
    assert df.columns.tolist() == full.columns.tolist()
    same = [name for name in df.columns if name != "category"]
    assert df[same].dtypes.tolist() == full[same].dtypes.tolist()


def test_files_without_any_annotation_warn_and_say_how_many(serve):
    sandbox = serve()
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    files = sandbox.truth(project.project_id)["files"]
    status = files.groupby("status")["annotation_count"].sum()
    bare = status[status == 0].index[0]
    count = (files["status"] == bare).sum()
    with pytest.warns(lds.LabellerrWarning, match=f"{count} files have no annotations"):
        assert lds.export_to_dataframe(project, [bare], progress=False).empty


def test_the_download_is_kept_where_it_is_asked_for(project, tmp_path):
    lds.export_dataset(project, ["accepted"], format="csv", download_to=tmp_path / "kept", progress=False)
    (kept,) = (tmp_path / "kept").iterdir()
    assert lds.read_export(kept).info["format"] == "csv"


def test_a_level_that_is_none_is_refused_before_anything_is_asked(project, sandbox):
    before = len(sandbox.requests)
    with pytest.raises(lds.InvalidArgumentError, match="level must be"):
        lds.export_to_dataframe(project, ["accepted"], level="image")
    assert len(sandbox.requests) == before


def test_a_naive_since_is_logged(project, caplog):
    from datetime import datetime

    caplog.set_level(logging.INFO)
    lds.export_dataset(project, "all", datetime(2020, 1, 1), progress=False)
    assert "taken as local time" in caplog.text


def test_an_unknown_keyword_is_refused(project):
    with pytest.raises(TypeError, match="fromat"):
        lds.export_to_dataframe(project, ["accepted"], fromat="csv")


def test_the_deadline_is_passed_on(serve):
    sandbox = serve(export_seconds=30)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[2])
    with pytest.raises(lds.ExportTimeoutError, match="after 0.1 s"):
        lds.export_dataset(project, "all", timeout=0.1, progress=False)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ({"timeout": "abc"}, "timeout must be seconds"),
        ({"timeout": -1}, "timeout must be seconds"),
        ({"statuses": [pd.NA]}, "unknown status <NA>"),
        ({"name": 5}, "name must be a str"),
        ({"description": 5}, "description must be a str"),
        ({"question_ids": ["nope"]}, "unknown question id 'nope'"),
        ({"question_ids": [5]}, "unknown question id 5"),
        ({"question_ids": ["car"]}, "Hint: question_ids="),
        ({"since": datetime(1960, 1, 1)}, "after 1970"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_created(project, words, what):
    before = len(project.exports())
    with pytest.raises(lds.InvalidArgumentError, match=what):
        lds.export_dataset(project, **{"statuses": ["accepted"], "progress": False, **words})
    assert len(project.exports()) == before


def test_a_file_to_download_to_is_refused_before_anything_is_created(project, tmp_path):
    (tmp_path / "file").touch()
    before = len(project.exports())
    with pytest.raises(lds.InvalidArgumentError, match="download_to must be a folder"):
        lds.export_dataset(project, ["accepted"], download_to=tmp_path / "file", progress=False)
    assert len(project.exports()) == before


@pytest.mark.parametrize("words", [{"categories": [1]}, {"files": [1]}])
def test_what_is_no_frame_is_refused(tmp_path, words):
    (tmp_path / "export.json").write_text('[{"file_id": "f"}]')
    with pytest.raises(lds.InvalidArgumentError, match="frame, not a list"):
        lds.read_export(tmp_path / "export.json", **words)


@pytest.mark.parametrize("path", ["", None, 5])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(lds.InvalidArgumentError, match="expected a path"):
        lds.read_export(path)
