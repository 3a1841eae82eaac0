"""scan_export: an export in batches, each saying what the whole says."""

from __future__ import annotations

import json
import pathlib

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pytest

import labellerr_ds as lds
from labellerr_ds.dataset import scan as module
from labellerr_ds.dataset.scan import ExportScan
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.png import read as png
from labellerr_ds.frames.tables import TABLE_NAMES

SAMPLES = pathlib.Path(__file__).parents[1] / "samples"


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of a few rows, so that small exports have many."""
    options = {"batch_bytes": 700, "batch_rows": 5}
    monkeypatch.setattr(png, "AHEAD", 4)
    made = ExportScan.__init__

    def with_small_ones(self, source, given, **more):
        made(self, source, ReadOptions(given.format, given.categories, given.files, progress=False, **options), **more)

    monkeypatch.setattr(ExportScan, "__init__", with_small_ones)


def served(project, form, folder):
    job = lds.create_export(project, "all", format=form)
    job.wait(progress=False)
    return job.download(folder, progress=False)


@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
def test_what_a_scan_writes_is_what_read_export_reads(project, tmp_path, small_batches, monkeypatch, form):
    monkeypatch.setattr(module, "ROW_GROUP_ROWS", 10)
    path, categories = served(project, form, tmp_path), project.categories()
    whole = lds.read_export(path, categories=categories)
    back = lds.read_export(lds.scan_export(path, categories=categories).to_parquet(tmp_path / "labels"))
    for name in TABLE_NAMES:
        pd.testing.assert_frame_equal(getattr(back, name), getattr(whole, name))
    assert back.info == whole.info
    if form == "csv":
        pd.testing.assert_frame_equal(back.raw, whole.raw)


@pytest.mark.parametrize("form", ["json", "coco_json", "csv", "png"])
def test_the_parts_of_a_scan_together_are_the_export(project, tmp_path, small_batches, form):
    path, categories = served(project, form, tmp_path), project.categories()
    whole = lds.read_export(path, categories=categories)
    with lds.scan_export(path, categories=categories) as scan:
        parts = list(scan)
    assert len(parts) > 3
    for name in ("files", "annotations"):
        rows = pd.concat([getattr(part, name) for part in parts], ignore_index=True)
        pd.testing.assert_frame_equal(rows, getattr(whole, name))
    both = lds.concat(parts)
    for name in ("files", "annotations", "categories"):
        pd.testing.assert_frame_equal(getattr(both, name), getattr(whole, name))


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("keys", [("images", "annotations", "categories"), ("annotations", "categories", "images")])
def test_the_keys_of_coco_may_come_in_any_order_and_on_any_number_of_lines(tmp_path, small_batches, keys, indent):
    export = json.loads((SAMPLES / "coco_client_review.json").read_text())
    order = {**{key: export[key] for key in keys}, "info": export["info"]}
    (tmp_path / "export.json").write_text(json.dumps(order, indent=indent))
    whole = lds.read_export(SAMPLES / "coco_client_review.json")
    back = lds.read_export(lds.scan_export(tmp_path / "export.json").to_parquet(tmp_path / "labels"))
    pd.testing.assert_frame_equal(back.files, whole.files)
    pd.testing.assert_series_equal(back.annotations["area"], whole.annotations["area"])
    assert back.annotations["segmentation"].tolist() == whole.annotations["segmentation"].tolist()


def test_duckdb_and_polars_read_the_batches(project, tmp_path, small_batches):
    path = served(project, "json", tmp_path)
    whole = lds.read_export(path)
    reader = lds.scan_export(path).reader()
    assert isinstance(reader, pa.RecordBatchReader)
    counted = duckdb.sql("select category, count(*) from reader where category is not null group by 1").fetchall()
    assert dict(counted) == whole.annotations["category"].value_counts().loc[lambda counts: counts > 0].to_dict()
    frame = polars.from_arrow(lds.scan_export(path).reader("files").read_all())
    assert frame["file_id"].to_list() == whole.files["file_id"].tolist()
    with pytest.raises(lds.InvalidArgumentError, match="table must be"):
        lds.scan_export(path).reader("issues")


def test_what_is_wrong_is_reported_once_and_strict_raises(tmp_path, small_batches):
    export = [{"file_id": f"f{place}", "file_status": "frozen", "latest_answer": [], "zorp": 1} for place in range(40)]
    (tmp_path / "export.json").write_text(json.dumps(export))
    scan = lds.scan_export(tmp_path / "export.json")
    with pytest.warns(lds.LabellerrWarning) as warned:
        counts = [sum(len(part.issues) for part in scan) for _ in range(2)]
    assert counts == [40, 40]
    assert len(warned) == 2
    with pytest.raises(lds.ReadError, match="unknown_status"):
        lds.scan_export(tmp_path / "export.json", strict=True).to_parquet(tmp_path / "labels")
    assert not (tmp_path / "labels").exists()


def test_nothing_stays_on_disk(tmp_path, monkeypatch, small_batches):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scan = lds.scan_export(SAMPLES / "native_review.json")
    assert sum(len(part) for part in scan) == 6
    assert list(tmp_path.iterdir())
    scan.close()
    assert not list(tmp_path.iterdir())
    with pytest.raises(lds.InvalidArgumentError, match="scan is closed"):
        scan.to_parquet(tmp_path / "labels")
    list(lds.scan_export(SAMPLES / "native_review.json"))
    assert not list(tmp_path.iterdir())


def test_a_reader_of_a_scan_that_was_closed_meanwhile_is_an_error_and_not_the_end():
    with lds.scan_export(SAMPLES / "native_review.json") as scan:
        parts, reader = iter(scan), scan.reader("files")
    for use in (lambda: next(parts), reader.read_all):
        with pytest.raises(lds.InvalidArgumentError, match="scan is closed"):
            use()


def test_a_file_that_is_gone_by_the_first_use_is_a_read_error(tmp_path):
    path = tmp_path / "export.json"
    path.write_text("[]")
    scan = lds.scan_export(path)
    path.unlink()
    with pytest.raises(lds.ReadError, match="is gone"):
        list(scan)


def test_a_folder_of_parquet_is_no_export_to_be_scanned(tmp_path):
    folder = lds.read_export(SAMPLES / "native_review.json").to_parquet(tmp_path / "labels")
    with pytest.raises(lds.InvalidArgumentError, match="holds Parquet files already"):
        list(lds.scan_export(folder))
