"""Read an export from a file, a folder or a bucket, complete or in batches."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from labellerr_ds.core.limits import Limits
from labellerr_ds.core.models import ExportFormat, resolve_format
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.dataset.dataset import Dataset, dataset_of_tables
from labellerr_ds.dataset.scan import ExportScan
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.read import read_tables
from labellerr_ds.storage.project_images import ProjectImages
from labellerr_ds.storage.source import locate

if TYPE_CHECKING:
    pass


def read_export(
    path_or_url: str | Path,
    format: str | ExportFormat | None = None,
    *,
    categories: pd.DataFrame | None = None,
    files: pd.DataFrame | None = None,
    strict: bool = False,
    progress: ProgressOption = True,
    limits: Limits | None = None,
) -> Dataset:
    """Read an export that is on disk or in a bucket; no service needed.

    Parameters
    ----------
    path_or_url : str or Path
        A file, a ZIP or gzip of it, a folder of shards or masks, or one that `Dataset.to_parquet` made; or
        ``s3://bucket/key``: an object, or a prefix of shards or masks. Keys, region and endpoint of S3 come
        from the user's own AWS settings; what follows the bucket is the key as it is, not URL-encoded.
    format : {'json', 'coco_json', 'csv', 'png'}, optional
        What it must be; else it is recognised by its content, never by its name.
    categories : DataFrame, optional
        The template (``project.categories()``), which gives classes, colors and question types.
    files : DataFrame, optional
        A `files` frame, which gives the file of each mask.
    strict : bool
        Raise where something was not understood, instead of listing it in ``dataset.issues``.
    progress : bool
        A bar, for what takes over a second.
    limits : Limits, optional
        How much is unpacked and read; more than any export has where none is given.

    Returns
    -------
    Dataset

    Raises
    ------
    ReadError
        What is read is not the format, is cut short, or holds nothing that can be read.
    LimitError
        An archive unpacks to more than `limits`.
    AuthError, NotFoundError, DownloadError, StorageError
        Where the bucket refused, or did not give the objects whole.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "export.json"
    >>> file = {"file_id": "f1", "file_name": "a.jpg", "file_status": "accepted", "latest_answer": []}
    >>> _ = path.write_text(json.dumps([file]))
    >>> read_export(path).files[["file_name", "label_state"]].values.tolist()
    [['a.jpg', 'negative']]
    """
    options = _options(format, categories, files, progress, limits)
    with ExitStack() as kept:
        tables = read_tables(locate(path_or_url, kept, progress=progress), options, strict=strict)
    return dataset_of_tables(tables, image_source=ProjectImages())


def scan_export(
    path_or_url: str | Path,
    format: str | ExportFormat | None = None,
    *,
    categories: pd.DataFrame | None = None,
    files: pd.DataFrame | None = None,
    strict: bool = False,
    progress: ProgressOption = True,
    limits: Limits | None = None,
) -> ExportScan:
    """Read an export in batches, for what does not fit into memory.

    Parameters
    ----------
    path_or_url, format, categories, files, strict, progress, limits
        As for `read_export`.

    Returns
    -------
    ExportScan
        An iterator over Datasets; ``.to_parquet(folder)``; ``.reader()`` for duckdb and polars.

    Raises
    ------
    ReadError, AuthError, NotFoundError, DownloadError, StorageError
        As `read_export`; what is wrong with the content is known at the first use.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "export.json"
    >>> file = {"file_id": "f1", "file_name": "a.jpg", "file_status": "accepted", "latest_answer": []}
    >>> _ = path.write_text(json.dumps([file]))
    >>> [len(part) for part in scan_export(path)]
    [1]
    """
    options = _options(format, categories, files, progress, limits)
    kept = ExitStack()
    source = locate(path_or_url, kept, progress=progress)
    return ExportScan(source, options, strict=strict, kept=kept, image_source=ProjectImages())


def _options(
    format: str | ExportFormat | None,
    categories: pd.DataFrame | None,
    files: pd.DataFrame | None,
    progress: ProgressOption,
    limits: Limits | None,
) -> ReadOptions:
    wanted = None if format is None else resolve_format(format).value
    given = Limits() if limits is None else limits
    return ReadOptions(format=wanted, categories=categories, files=files, progress=progress, limits=given)
