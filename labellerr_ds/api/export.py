"""From a project to a frame, a COCO object or a Dataset in one call; and an export without waiting for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from labellerr_ds.core.disk import check_room
from labellerr_ds.core.errors import EmptyExportError, InvalidArgumentError, warn
from labellerr_ds.core.hint import argument
from labellerr_ds.core.models import ExportFormat, S3Destination, Statuses
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.core.since import Since
from labellerr_ds.dataset.dataset import Dataset
from labellerr_ds.exports.create import create_job
from labellerr_ds.exports.job import ExportJob
from labellerr_ds.exports.outcome import empty_error, empty_result
from labellerr_ds.exports.polling import checked_timeout
from labellerr_ds.service.client import Client
from labellerr_ds.service.project_like import ProjectLike, as_project

if TYPE_CHECKING:
    from pycocotools.coco import COCO

    from labellerr_ds.formats.coco_json.portable import Classes
    from labellerr_ds.formats.selection import Negatives

Level = Literal["annotation", "file"]


def create_export(
    project: ProjectLike,
    statuses: Statuses,
    *,
    format: str | ExportFormat = "json",
    since: Since = None,
    name: str | None = None,
    description: str | None = None,
    question_ids: Iterable[str] | None = None,
    destination: S3Destination | Literal["local"] = "local",
    client: Client | None = None,
) -> ExportJob:
    """Ask the service for an export. The request is sent once, and never again by itself.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
        A str is an id or a name.
    statuses : list of statuses
        ``None`` in the list stands for the files without a status; ``"all"``, ``"annotated"`` and
        ``"reviewed"`` for several. If the service refuses files without a status, ``"all"`` is requested once more
        without them, with a warning.
    format : {'json', 'coco_json', 'csv', 'png'}
    since : datetime, date, str, timedelta, optional
        Only files that changed after it; what has no time zone is local time, ``"7d"`` is before now.
    name, description : str, optional
        As the dashboard shows them; a unique name is made where there is none.
    question_ids : list of str, optional
        Only answers to these questions; None is all.
    destination : 'local' or S3Destination
    client : Client, optional
        For a project id or name; else one is made of the credentials in the environment.

    Returns
    -------
    ExportJob

    Raises
    ------
    InvalidArgumentError, AuthError, NotFoundError
    EmptyExportError
        Where the service says at once that no file matches.
    AmbiguousCreateError
        Where it is not known whether the request arrived.

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> client = Client.sandbox()
    >>> job = create_export(client.project("Street scenes"), ["accepted"])
    >>> job.wait(progress=False).state
    'completed'
    """
    return create_job(
        as_project(project, client),
        statuses,
        format=format,
        since=since,
        name=name,
        description=description,
        question_ids=question_ids,
        destination=destination,
    )


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
    progress: ProgressOption = True,
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
        job = create_job(
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
    progress: ProgressOption = True,
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
        warn(f"{len(dataset):,} files have no annotations.", hint=argument("level", "file"))
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
    progress: ProgressOption = True,
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
