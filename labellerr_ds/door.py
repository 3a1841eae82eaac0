"""The doors: from a project to a frame, a COCO object or a Dataset, in one call; and from a file or bucket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import pandas as pd

from labellerr_ds.client import as_project
from labellerr_ds.dataset import Dataset, empty_dataset
from labellerr_ds.errors import EmptyExportError, InvalidArgumentError, ReadError, warn
from labellerr_ds.exports import create_export, empty_export
from labellerr_ds.models import ExportFormat, S3Destination, resolve_format
from labellerr_ds.readers import load_export
from labellerr_ds.readers.unpack import files_at, is_stray
from labellerr_ds.storage import Bucket, split_url

if TYPE_CHECKING:
    from typing_extensions import Unpack

Level = Literal["annotation", "file"]


class Options(TypedDict, total=False):
    """The keywords that the three doors share.

    Attributes
    ----------
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


def read_export(
    path_or_url: str | Path,
    format: str | ExportFormat | None = None,
    *,
    categories: pd.DataFrame | None = None,
    files: pd.DataFrame | None = None,
    strict: bool = False,
    progress: bool = True,
) -> Dataset:
    """Read an export that lies on disk or in a bucket; no service needed.

    Parameters
    ----------
    path_or_url : str or Path
        A file, a ZIP or gzip of it, a folder of shards or masks, or one that `Dataset.to_parquet` made; or
        ``s3://bucket/key``: an object, or a prefix of shards or masks. Keys, region and endpoint of S3 come
        from the user's own AWS settings; what stands after the bucket is the key as it is, not URL-encoded.
    format : {'json', 'coco_json', 'csv', 'png'}, optional
        What it must be; else it is recognised by its content, never by its name.
    categories : DataFrame, optional
        The template (``project.categories()``), which tells classes, colours and question types.
    files : DataFrame, optional
        A `files` frame that tells to which file a mask belongs.
    strict : bool
        Raise where something was not understood, instead of telling it in ``dataset.issues``.
    progress : bool
        A bar, for what takes over a second.

    Returns
    -------
    Dataset

    Raises
    ------
    ReadError
        What is read is not the format, is cut short, or holds nothing that can be read.
    AuthError, NotFoundError, DownloadError, StorageError
        Where the bucket refused, or did not give the objects whole.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "export.json"
    >>> _ = path.write_text(json.dumps([{"file_id": "f1", "file_name": "a.jpg", "file_status": "accepted"}]))
    >>> read_export(path).files[["file_name", "label_state"]].values.tolist()
    [['a.jpg', 'negative']]
    """
    wanted = None if format is None else resolve_format(format).value
    with ExitStack() as kept:
        source, found = _located(path_or_url, kept, progress)
        return load_export(
            source,
            found,
            format=wanted,
            categories=categories,
            files=files,
            info={},
            strict=strict,
            progress=progress,
        )


def _located(path_or_url: str | Path, kept: ExitStack, progress: bool) -> tuple[str, list[tuple[str, Path]]]:
    """What an export is called, and its files: the name of each within it, and where it lies on disk."""
    text = str(path_or_url)
    if isinstance(path_or_url, str) and "://" in text:
        scheme = text.split("://", 1)[0]
        if scheme.lower() not in ("s3", "s3a"):
            raise InvalidArgumentError(
                f"{scheme}:// cannot be read from here: download the file first, and pass its path."
            )
        return _from_bucket(text, kept, progress)
    path = Path(text).expanduser()
    if not path.exists():
        raise ReadError(f"there is nothing at {text!r}.")
    return path.name, files_at(path)


def _from_bucket(url: str, kept: ExitStack, progress: bool) -> tuple[str, list[tuple[str, Path]]]:
    bucket, key = split_url(url)
    store = Bucket(bucket)
    objects = store.find(key)
    if objects[0].key != key:  # a prefix, whose names begin below it
        key = key if key.endswith("/") or not key else key + "/"
        objects = [each for each in objects if not is_stray(each.key[len(key) :])]
        if not objects:
            raise ReadError(f"{url} holds nothing but hidden files.")
    cut = key.rfind("/") + 1
    folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="labellerr-")))
    # by number: a key may be anything, "../x" too
    paths = [folder / f"{number:06}" for number in range(len(objects))]
    store.fetch(objects, paths, progress=progress)
    source = key.rstrip("/").rsplit("/", 1)[-1] or bucket
    return source, [(each.key[cut:], path) for each, path in zip(objects, paths, strict=True)]
