"""The three doors: from a project to a frame, a COCO object or a Dataset, in one call."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import pandas as pd

from labellerr_ds.client import as_project
from labellerr_ds.dataset import Dataset, empty_dataset
from labellerr_ds.errors import EmptyExportError, InvalidArgumentError, warn
from labellerr_ds.exports import create_export, empty_export
from labellerr_ds.models import ExportFormat, S3Destination

if TYPE_CHECKING:
    from typing_extensions import Unpack

Level = Literal["annotation", "file"]


class Options(TypedDict, total=False):
    """The keywords that the three doors share.

    name, description : str
        As the dashboard shows the export.
    question_ids : list of str
        Only answers to these questions.
    destination : 'local' or S3Destination
    timeout : float
        Seconds to wait, 3,600 where none is given.
    progress : bool
        Show how far it is, on by default.
    cache : bool
        Every export is new, so there is nothing to keep yet; accepted, and without effect.
    strict : bool
        Raise where something was not understood, instead of telling it in ``dataset.issues``.
    download_to : path
        A folder to keep the downloaded file in.
    allow_empty : bool
        An empty result instead of `EmptyExportError`.
    """

    name: str | None
    description: str | None
    question_ids: Iterable[str] | None
    destination: S3Destination | Literal["local"]
    timeout: float | None
    progress: bool
    cache: bool
    strict: bool
    download_to: str | Path | None
    allow_empty: bool


def export_dataset(
    project: object,
    statuses: Iterable[object] | str,
    since: object = None,
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
) -> Dataset:
    """Export a project's labels, wait, download, and read them.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
        An id takes the credentials from the environment.
    statuses : list of statuses
        ``None`` in the list stands for the files without a status; ``"all"``, ``"annotated"`` and
        ``"reviewed"`` for several.
    since : datetime, date, str, timedelta, optional
        Only files that changed after it; what has no time zone is local time, ``"7d"`` is before now.
    format : {'json', 'coco_json', 'csv', 'png'}
    name, description, question_ids, destination, timeout, progress, cache, strict, download_to, allow_empty
        See `labellerr_ds.door.Options`.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> client = Client.sandbox()
    >>> project = client.project(client.projects()["project_id"][0])
    >>> dataset = export_dataset(project, ["accepted"], progress=False)
    >>> dataset.files["status"].unique().tolist()
    ['accepted']
    """
    project = as_project(project)
    request = None
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
        dataset = job.load(download_to=download_to, progress=progress, strict=strict)
    except EmptyExportError as problem:
        if not allow_empty:
            raise
        asked = {"statuses": problem.statuses, "since": problem.since, "format": str(format)}
        info = {"project_id": project.project_id, "project_name": project.name, **asked}
        return empty_dataset(project.categories(), info)
    if not len(dataset) and not allow_empty:
        raise empty_export(request)
    return dataset


def export_to_dataframe(
    project: object,
    statuses: Iterable[object] | str,
    since: object = None,
    *,
    format: str | ExportFormat = "json",
    level: Level = "annotation",
    **options: Unpack[Options],
) -> pd.DataFrame:
    """Export a project's labels into one typed frame.

    Parameters
    ----------
    project, statuses, since, format
        As for `export_dataset`.
    level : {'annotation', 'file'}
        A row an annotation, or a row a file, files without annotations included.
    **options
        See `labellerr_ds.door.Options`.

    Returns
    -------
    DataFrame
        With the same columns and dtypes whatever came.

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> client = Client.sandbox()
    >>> project = client.project(client.projects()["project_id"][0])
    >>> df = export_to_dataframe(project, ["accepted"], progress=False)
    >>> df["status"].unique().tolist()
    ['accepted']
    """
    if level not in ("annotation", "file"):
        raise InvalidArgumentError(f"level must be 'annotation' or 'file', got {level!r}.")
    dataset = export_dataset(project, statuses, since, format=format, **options)
    if level == "annotation" and len(dataset) and dataset.annotations.empty:
        warn(f"{len(dataset)} files came, and no annotation on them; level='file' shows the files.")
    return dataset.to_frame(level=level)


def export_to_coco(
    project: object,
    statuses: Iterable[object] | str,
    since: object = None,
    *,
    format: str | ExportFormat = "coco_json",
    **options: Unpack[Options],
) -> Any:
    """Export a project's labels into a ready ``pycocotools.coco.COCO``, its index built.

    Parameters
    ----------
    project, statuses, since, format
        As for `export_dataset`; all four formats will do.
    **options
        See `labellerr_ds.door.Options`.

    Returns
    -------
    pycocotools.coco.COCO

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> client = Client.sandbox()
    >>> project = client.project(client.projects()["project_id"][0])
    >>> coco = export_to_coco(project, ["accepted"], progress=False)
    >>> len(coco.getImgIds()) > 0
    True
    """
    return export_dataset(project, statuses, since, format=format, **options).to_coco()
