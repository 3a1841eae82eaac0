"""Dataset, concat, Parquet."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labellerr_ds as lds
from labellerr_ds.dataset.dataset import Dataset
from labellerr_ds.frames import schema

SAMPLES = pathlib.Path(__file__).parents[1] / "samples"
TABLES = ["files", "annotations", "categories", "issues"]


def dataset_of(project, form="json", statuses="all"):
    return lds.export_dataset(project, statuses, format=form, progress=False)


@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
def test_parquet_gives_equal_frames_back(project, tmp_path, form):
    dataset = dataset_of(project, form)
    back = lds.read_export(dataset.to_parquet(tmp_path / "new" / "folder"))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(back, name), getattr(dataset, name))
        assert getattr(back, name).attrs == getattr(dataset, name).attrs
    assert back.info == dataset.info
    if form == "csv":
        pd.testing.assert_frame_equal(back.raw, dataset.raw)


def test_the_name_of_a_file_is_refused_for_a_folder_of_parquet(project, tmp_path):
    with pytest.raises(lds.InvalidArgumentError, match="is a folder of four tables"):
        dataset_of(project).to_parquet(tmp_path / "labels.parquet")
    assert list(tmp_path.iterdir()) == []


def test_parquet_is_plain_for_every_tool(project, tmp_path):
    import pyarrow.parquet as pq

    dataset_of(project).to_parquet(tmp_path)
    stored = pq.read_table(tmp_path / "annotations.parquet").schema
    assert str(stored.field("segmentation").type) in ("string", "large_string")


def test_no_rows_come_back_from_parquet_with_their_dtypes(tmp_path):
    dataset = Dataset(**{name: schema.empty(name) for name in TABLES})
    back = lds.read_export(dataset.to_parquet(tmp_path))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(back, name), getattr(dataset, name))


def test_a_folder_in_which_a_file_is_of_another_dataset_has_a_checksum_mismatch(project, tmp_path):
    import pyarrow.parquet as pq

    dataset = dataset_of(project)
    dataset.to_parquet(tmp_path / "labels")
    path = tmp_path / "labels" / "annotations.parquet"
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1  # one bit, of the same length
    path.write_bytes(body)
    with pytest.raises(lds.ReadError, match=r"annotations\.parquet: checksum mismatch|cannot be read"):
        lds.read_export(tmp_path / "labels")
    other = pq.read_table(dataset.to_parquet(tmp_path / "other") / "files.parquet")
    pq.write_table(other.slice(1), tmp_path / "other" / "files.parquet")
    with pytest.raises(lds.ReadError, match="it is not the file of this dataset"):
        lds.read_export(tmp_path / "other")


def test_every_frame_tells_where_it_came_from(project):
    dataset = dataset_of(project, "coco_json", ["accepted"])
    told = dataset.annotations.attrs["labellerr"]
    keys = [
        "schema_version", "library_version", "project_id", "project_name", "report_id", "format", "statuses", "since",
        "exported_at", "source",
    ]  # fmt: skip
    assert list(told)[:10] == keys
    assert json.loads(json.dumps(told)) == told
    assert told == dataset.info == dataset.files.attrs["labellerr"]


def test_the_reprs_are_short_and_escaped(project):
    dataset = dataset_of(project)
    assert repr(dataset).startswith("Dataset('Street scenes': ")
    assert len(dataset) == len(dataset.files)
    frame = dataset.categories.copy()
    hostile = "<img src=x onerror=alert(1)>"
    annotations = dataset.annotations.copy()
    annotations["category"] = pd.Categorical([hostile] * len(annotations))
    html = Dataset(dataset.files, annotations, frame, dataset.issues, {"source": hostile})._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html
    assert "<script" not in html
    assert "http" not in html


def test_levels(project):
    dataset = dataset_of(project)
    assert dataset.to_frame() is dataset.annotations
    assert dataset.to_frame(level="file") is dataset.files
    with pytest.raises(lds.InvalidArgumentError, match="level must be"):
        dataset.to_frame(level="image")


def test_concat_unites_categories_and_provenance(serve):
    sandbox = serve()
    client = lds.Client.sandbox(sandbox)
    one, two = (dataset_of(client.project(project_id)) for project_id in sandbox.project_ids[:2])
    both = lds.concat([one, two])
    assert len(both) == len(one) + len(two)
    assert str(both.annotations["category"].dtype) == "category"
    assert (
        both.annotations["category"].tolist()
        == one.annotations["category"].tolist() + two.annotations["category"].tolist()
    )
    assert both.info["project_id"] == sandbox.project_ids[:2]
    assert both.info["format"] == "json"
    assert both.files.dtypes.tolist() == one.files.dtypes.tolist()
    frame = lds.concat([one.annotations, two.annotations])
    pd.testing.assert_frame_equal(frame, both.annotations, check_like=False)
    assert frame["segmentation"].dtype == "segmentation"


@pytest.mark.parametrize("parts", [[], [pd.DataFrame(), 3], [3]])
def test_concat_refuses_what_it_cannot_put_together(parts):
    with pytest.raises(lds.InvalidArgumentError):
        lds.concat(parts)


statuses = st.lists(st.sampled_from([None, "none", "accepted", "odd", "odder"]), max_size=4)


@settings(deadline=None)
@given(st.lists(statuses, min_size=1, max_size=4))
def test_concat_loses_no_row_and_keeps_the_values(parts):
    frames = [schema.build("files", {"status": part}, len(part)) for part in parts]
    joined = lds.concat(frames)
    expected = [status for part in parts for status in part]
    assert [None if pd.isna(status) else status for status in joined["status"]] == expected
    assert isinstance(joined.index, pd.RangeIndex)


def test_the_accessor_gives_boxes_and_plain_text(project):
    frame = dataset_of(project).annotations
    boxes = frame.labellerr.boxes("xyxy")
    assert boxes.shape == (len(frame), 4)
    assert str(frame.labellerr.plain()["segmentation"].dtype) == str(schema.TEXT)
    with pytest.raises(lds.InvalidArgumentError, match="form must be one of"):
        frame.labellerr.boxes("yolo")
    with pytest.raises(lds.InvalidArgumentError, match="missing column 'bbox_x'"):
        pd.DataFrame({"a": [1]}).labellerr.boxes()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_plain_frame_that_pandas_wrote_and_read_is_as_good(project, tmp_path, ending):
    frame, path = dataset_of(project).annotations, tmp_path / f"labels.{ending}"
    if ending == "csv":
        frame.labellerr.plain().to_csv(path, index=False)
        back = pd.read_csv(path, keep_default_na=False, na_values=[""])
    else:
        frame.labellerr.plain().to_parquet(path)
        code = f"import pandas, sys; assert len(pandas.read_parquet({str(path)!r})) == {len(frame)}"
        code += "; assert 'labellerr_ds' not in sys.modules"
        subprocess.run([sys.executable, "-c", code], check=True)
        back = pd.read_parquet(path)
    assert back["value"].fillna("").tolist() == frame["value"].fillna("").tolist()
    assert back.labellerr.polygons() == frame.labellerr.polygons()
    assert back.labellerr.rles() == frame.labellerr.rles()
    assert len(back.labellerr.check()) == len(frame.labellerr.check())


def test_the_frames_html_does_not_run_what_is_in_it(tmp_path):
    path = tmp_path / "e.json"
    answer = {"question_id": "q", "question_name": "<img src=x>", "question_type": "radio", "answer": "<script>"}
    path.write_text(json.dumps([{"file_id": "f", "file_name": "<b>", "latest_answer": [answer]}]))
    html = lds.read_export(path).annotations._repr_html_()
    assert "<img" not in html
    assert "<script>" not in html
