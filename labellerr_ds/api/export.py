"""The doors: from a project to a frame, a COCO object or a Dataset, in one call; and from a file or bucket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from labellerr_ds.core.disk import check_room
from labellerr_ds.core.errors import EmptyExportError, InvalidArgumentError, warn
from labellerr_ds.core.limits import Limits
from labellerr_ds.core.models import ExportFormat, S3Destination, Statuses, resolve_format
from labellerr_ds.core.since import Since
from labellerr_ds.dataset.dataset import Dataset, dataset_of_tables
from labellerr_ds.dataset.scan import ExportScan
from labellerr_ds.exports.create import create_export
from labellerr_ds.exports.outcome import empty_error, empty_result
from labellerr_ds.exports.polling import checked_timeout
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.read import read_tables
from labellerr_ds.service.client import Client, ProjectLike, as_project
from labellerr_ds.storage.project_images import ProjectImages
from labellerr_ds.storage.source import locate

if TYPE_CHECKING:
    from pycocotools.coco import COCO

    from labellerr_ds.formats.coco_json.portable import Classes
    from labellerr_ds.formats.selection import Negatives

Level = Literal["annotation", "file"]


def export_dataset(
    project: ProjectLike,
    statuses: Statuses,
    since: Since = None,
    *,
    format: str | ExportFormat = "json",
    name: str | None = None,
    description: str | None = None,
    question_ids: Iterable[str] | None = None,
    destination: S3Destination | Literal["local"] = "local",
    timeout: float | None = None,
    progress: bool = True,
    cache: bool = True,
    strict: bool = False,
    download_to: str | Path | None = None,
    allow_empty: bool = False,
    client: Client | None = None,
) -> Dataset:
    """Export a project's labels, wait, download, and read them.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
        A str is an id or a name.
    statuses : list of statuses
        ``None`` in the list stands for the files without a status; ``"all"``, ``"annotated"`` and
        ``"reviewed"`` for several.
    since : datetime, date, str, timedelta, optional
        Only files that changed after it; what has no time zone is local time, ``"7d"`` is before now.
    format : {'json', 'coco_json', 'csv', 'png'}
    name, description : str, optional
        As the dashboard shows the export; a unique name is made where there is none.
    question_ids : list of str, optional
        Only answers to these questions; None is all.
    destination : 'local' or S3Destination
        Where the service writes the export; what goes to S3 is read from there.
    timeout : float, optional
        Seconds to wait; 3,600 where none is given.
    progress : bool
        Show how far it is, for what takes over a second.
    cache : bool
        Keep a copy of the export on this machine, so that picking it up again downloads nothing; not with
        `download_to`, and not for S3.
    strict : bool
        Raise where something was not understood, instead of listing it in ``dataset.issues``.
    download_to : path, optional
        A folder to keep the downloaded file in.
    allow_empty : bool
        An empty result instead of `EmptyExportError`.
    client : Client, optional
        For a project id or name; else one is made of the credentials in the environment.

    Returns
    -------
    Dataset

    Raises
    ------
    InvalidArgumentError, AuthError, NotFoundError
        Before anything is created.
    EmptyExportError
        Where no file matches.
    ExportFailedError, ExportTimeoutError
    DownloadError, ReadError

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> project = Client.sandbox().project("Street scenes")
    >>> dataset = export_dataset(project, ["accepted"], progress=False)
    >>> dataset.files["status"].unique().tolist()
    ['accepted']
    """
    checked_timeout(timeout)
    if download_to is not None and Path(download_to).exists() and not Path(download_to).is_dir():
        raise InvalidArgumentError(f"download_to must be a folder; {str(download_to)!r} is a file.")
    check_room(download_to or tempfile.gettempdir())  # before anything is asked of the service
    project, request = as_project(project, client), None
    try:
        job = create_export(
            project,
            statuses,
            format=format,
            since=since,
            name=name,
            description=description,
            question_ids=question_ids,
            destination=destination,
        )
        request = job.request
        job.wait(timeout, progress=progress)
        dataset = job.load(download_to=download_to, progress=progress, strict=strict, cache=cache)
    except EmptyExportError as problem:
        if not allow_empty:
            raise
        return empty_result(project, problem, format)
    if not len(dataset) and not allow_empty:
        raise empty_error(request)
    return dataset


def export_to_dataframe(
    project: ProjectLike,
    statuses: Statuses,
    since: Since = None,
    *,
    format: str | ExportFormat = "json",
    level: Level = "annotation",
    name: str | None = None,
    description: str | None = None,
    question_ids: Iterable[str] | None = None,
    destination: S3Destination | Literal["local"] = "local",
    timeout: float | None = None,
    progress: bool = True,
    cache: bool = True,
    strict: bool = False,
    download_to: str | Path | None = None,
    allow_empty: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """Export a project's labels into one typed frame.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
        A str is an id or a name.
    statuses : list of statuses
        ``None`` in the list stands for the files without a status; ``"all"``, ``"annotated"`` and
        ``"reviewed"`` for several.
    since : datetime, date, str, timedelta, optional
        Only files that changed after it; what has no time zone is local time, ``"7d"`` is before now.
    format : {'json', 'coco_json', 'csv', 'png'}
    level : {'annotation', 'file'}
        A row an annotation, or a row a file, files without annotations included.
    name, description : str, optional
        As the dashboard shows the export; a unique name is made where there is none.
    question_ids : list of str, optional
        Only answers to these questions; None is all.
    destination : 'local' or S3Destination
        Where the service writes the export; what goes to S3 is read from there.
    timeout : float, optional
        Seconds to wait; 3,600 where none is given.
    progress : bool
        Show how far it is, for what takes over a second.
    cache : bool
        Keep a copy of the export on this machine, so that picking it up again downloads nothing; not with
        `download_to`, and not for S3.
    strict : bool
        Raise where something was not understood, instead of listing it in ``dataset.issues``.
    download_to : path, optional
        A folder to keep the downloaded file in.
    allow_empty : bool
        An empty result instead of `EmptyExportError`.
    client : Client, optional
        For a project id or name; else one is made of the credentials in the environment.

    Returns
    -------
    DataFrame
        With the same columns and dtypes whatever came.

    Raises
    ------
    InvalidArgumentError, AuthError, NotFoundError
        Before anything is created.
    EmptyExportError
        Where no file matches.
    ExportFailedError, ExportTimeoutError
    DownloadError, ReadError

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> project = Client.sandbox().project("Street scenes")
    >>> df = export_to_dataframe(project, ["accepted"], progress=False)
    >>> df["status"].unique().tolist()
    ['accepted']
    """
    if level not in ("annotation", "file"):
        raise InvalidArgumentError(f"level must be 'annotation' or 'file', got {level!r}.")
    dataset = export_dataset(
        project,
        statuses,
        since,
        format=format,
        name=name,
        description=description,
        question_ids=question_ids,
        destination=destination,
        timeout=timeout,
        progress=progress,
        cache=cache,
        strict=strict,
        download_to=download_to,
        allow_empty=allow_empty,
        client=client,
    )
    if level == "annotation" and len(dataset) and dataset.annotations.empty:
        warn(f"{len(dataset)} files came, without any annotation; level='file' shows the files.")
    return dataset.to_frame(level=level)


def export_to_coco(
    project: ProjectLike,
    statuses: Statuses,
    since: Since = None,
    *,
    format: str | ExportFormat = "coco_json",
    name: str | None = None,
    description: str | None = None,
    question_ids: Iterable[str] | None = None,
    destination: S3Destination | Literal["local"] = "local",
    timeout: float | None = None,
    progress: bool = True,
    cache: bool = True,
    strict: bool = False,
    download_to: str | Path | None = None,
    allow_empty: bool = False,
    client: Client | None = None,
    negatives: Negatives = "finished",
    classes: Classes = "by_name",
    rotated: bool = False,
) -> COCO:
    """Export a project's labels into a ready ``pycocotools.coco.COCO``, its index built.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
        A str is an id or a name.
    statuses : list of statuses
        ``None`` in the list stands for the files without a status; ``"all"``, ``"annotated"`` and
        ``"reviewed"`` for several.
    since : datetime, date, str, timedelta, optional
        Only files that changed after it; what has no time zone is local time, ``"7d"`` is before now.
    format : {'json', 'coco_json', 'csv', 'png'}
    name, description : str, optional
        As the dashboard shows the export; a unique name is made where there is none.
    question_ids : list of str, optional
        Only answers to these questions; None is all.
    destination : 'local' or S3Destination
        Where the service writes the export; what goes to S3 is read from there.
    timeout : float, optional
        Seconds to wait; 3,600 where none is given.
    progress : bool
        Show how far it is, for what takes over a second.
    cache : bool
        Keep a copy of the export on this machine, so that picking it up again downloads nothing; not with
        `download_to`, and not for S3.
    strict : bool
        Raise where something was not understood, instead of listing it in ``dataset.issues``.
    download_to : path, optional
        A folder to keep the downloaded file in.
    allow_empty : bool
        An empty result instead of `EmptyExportError`.
    client : Client, optional
        For a project id or name; else one is made of the credentials in the environment.
    negatives : {'finished', 'all', 'none'}
        Which files without a shape are images of it: those whose work is finished, all, or none.
    classes : {'by_name', 'as_exported'}
        Classes of shapes alone, those of one name united; or every category as it came.
    rotated : bool
        A rotated box as the ring of its corners; else as it was before it was turned.

    Returns
    -------
    pycocotools.coco.COCO

    Raises
    ------
    InvalidArgumentError, AuthError, NotFoundError
        Before anything is created.
    EmptyExportError
        Where no file matches.
    ExportFailedError, ExportTimeoutError
    DownloadError, ReadError

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> project = Client.sandbox().project("Street scenes")
    >>> coco = export_to_coco(project, ["accepted"], progress=False)
    >>> len(coco.getImgIds()) > 0
    True
    """
    dataset = export_dataset(
        project,
        statuses,
        since,
        format=format,
        name=name,
        description=description,
        question_ids=question_ids,
        destination=destination,
        timeout=timeout,
        progress=progress,
        cache=cache,
        strict=strict,
        download_to=download_to,
        allow_empty=allow_empty,
        client=client,
    )
    return dataset.to_coco(negatives=negatives, classes=classes, rotated=rotated)


def read_export(
    path_or_url: str | Path,
    format: str | ExportFormat | None = None,
    *,
    categories: pd.DataFrame | None = None,
    files: pd.DataFrame | None = None,
    strict: bool = False,
    progress: bool = True,
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
    progress: bool = True,
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
    progress: bool,
    limits: Limits | None,
) -> ReadOptions:
    wanted = None if format is None else resolve_format(format).value
    given = Limits() if limits is None else limits
    return ReadOptions(format=wanted, categories=categories, files=files, progress=progress, limits=given)
