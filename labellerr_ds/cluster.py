"""Exports on a Dask cluster: the only file that knows Dask."""

from __future__ import annotations

import atexit
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from labellerr_ds import staging
from labellerr_ds.converters.selection import summed
from labellerr_ds.disk import new_folder
from labellerr_ds.errors import InvalidArgumentError, MissingExtraError, ReadError, warn
from labellerr_ds.finish import report
from labellerr_ds.limits import Limits
from labellerr_ds.models import ExportFormat, resolve_format
from labellerr_ds.owners import scratch
from labellerr_ds.readers.options import ReadOptions
from labellerr_ds.staging import Converted, Shard, Staged

log = logging.getLogger(__name__)


def read_exports_dask(
    urls: str | Path | Sequence[str | Path],
    table: Literal["annotations", "files"] = "annotations",
    client: Any = None,
    *,
    format: str | ExportFormat | None = None,
    categories: pd.DataFrame | None = None,
    files: pd.DataFrame | None = None,
    folder: str | Path | None = None,
    shards_a_task: int | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    strict: bool = False,
    limits: Limits | None = None,
) -> Any:
    """Read the shards of an export on a Dask cluster, finished as one export.

    Each task reads some shards and keeps their annotations as Parquet; the calling process unites what they say
    (files, counts, label states, ids that are there twice, categories); each partition is then read with what the
    whole gives it. The rows are those of `read_export`.

    Parameters
    ----------
    urls : path, ``s3://`` address, or list of them
        Folders and prefixes of shards or masks, or the shards themselves, in order.
    table : {'annotations', 'files'}
    client : dask.distributed.Client, optional
        The current one where none is given; without any the shards are read in this process.
    format, categories, files, strict, limits
        As for `read_export`.
    folder : path, optional
        Where the annotations are kept, on a disk that all workers and this process see. A temporary folder of this
        machine where none is given, which goes with this process.
    shards_a_task : int, optional
        10, and 500 masks, where none is given: a task costs some milliseconds.
    on_error : {'raise', 'collect'}
        Of shards that cannot be read, or whose worker dies each time: raise, naming them; or keep the others, with one
        warning and the names in ``attrs["labellerr"]["failed"]`` of the frame.

    Returns
    -------
    dask.dataframe.DataFrame
        A partition a task, in Arrow's dtypes: categories are text, shapes JSON text. ``attrs["labellerr"]`` has what
        the export says of itself, ``failed``, and the address of the ``dashboard``.

    Raises
    ------
    MissingExtraError
        Without Dask: ``pip install 'labellerr-ds[dask]'``.
    ReadError, InvalidArgumentError

    Notes
    -----
    The calling process holds what it unites: of a million annotations of 100,000 files some 90 to 300 MB, whatever
    their shapes.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("a", "b"):
    ...     record = {"file_id": name, "file_name": f"{name}.jpg", "file_status": "accepted"}
    ...     _ = (folder / f"{name}.json").write_text(json.dumps([record]))
    >>> read_exports_dask(folder, "files")["label_state"].compute().tolist()
    ['negative', 'negative']
    """
    try:
        import dask.dataframe as dd
    except ImportError:
        raise MissingExtraError("reading on a cluster needs Dask: pip install 'labellerr-ds[dask]'.") from None
    if table not in ("annotations", "files"):
        raise InvalidArgumentError(f"table must be 'annotations' or 'files', got {table!r}.")
    wanted = None if format is None else resolve_format(format).value
    options = ReadOptions(format=wanted, categories=categories, files=files, progress=False, limits=limits or Limits())
    client = _current(client)
    whole, failed = _united(urls, client, options, folder, shards_a_task, on_error, strict)
    frame = dd.from_map(staging.finished, whole.partitions, table=table, meta=staging.meta_of(table), label="labellerr")
    frame.attrs = {"labellerr": {**whole.plan.info, "failed": failed, "dashboard": _dashboard(client)}}
    return frame


def convert_exports(
    urls: str | Path | Sequence[str | Path],
    out: str | Path,
    to: Literal["yolo", "coco"],
    client: Any = None,
    *,
    images: str | Path | None = None,
    format: str | ExportFormat | None = None,
    categories: pd.DataFrame | None = None,
    folder: str | Path | None = None,
    shards_a_task: int | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    limits: Limits | None = None,
) -> list[Path]:
    """Convert the shards of an export on a Dask cluster, a task a partition.

    A file is converted where its first record is, with its annotations of all shards; classes have one number
    everywhere.

    Parameters
    ----------
    urls, client, format, categories, folder, shards_a_task, on_error, limits
        As for `read_exports_dask`.
    out : path
        On a disk that all workers and this process see. What an earlier call wrote there is replaced.
    to : {'yolo', 'coco'}
        Folders of YOLO (polygons) with a ``data.yaml`` for all of them; or COCO files as
        ``to_coco_json(archive=True)`` writes them, which `read_export` reads as one.
    images : folder, optional
        Images to copy beside the labels of YOLO.

    Returns
    -------
    list of Path
        What each task wrote, in order. One warning counts what was left out.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> labels = {"images": [{"id": 1, "file_name": "a.jpg", "width": 8, "height": 8}],
    ...           "categories": [{"id": 1, "name": "car"}],
    ...           "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]}]}
    >>> _ = (folder / "a.json").write_text(json.dumps(labels))
    >>> (made,) = convert_exports(folder, folder / "yolo", "yolo")
    >>> (made / "labels" / "train" / "a.txt").read_text().split()[0]
    '0'
    """
    if to not in ("yolo", "coco"):
        raise InvalidArgumentError(f"to must be 'yolo' or 'coco', got {to!r}.")
    wanted = None if format is None else resolve_format(format).value
    options = ReadOptions(format=wanted, categories=categories, progress=False, limits=limits or Limits())
    if images is not None and not Path(images).is_dir():
        raise InvalidArgumentError(f"images must be a folder; nothing exists at {str(images)!r}.")
    client = _current(client)
    home = new_folder(Path(out).absolute())
    whole, _ = _united(urls, client, options, folder, shards_a_task, on_error, strict=False)
    staging.sweep(home, whole.partitions)
    classes: list[str] = []
    if to == "yolo":
        tasks = {place: partial(staging.drawn_classes, path) for place, path in enumerate(whole.partitions)}
        used = _all_of(client, tasks)
        classes = staging.classes_in(whole.plan.categories, set().union(*used))
    copied = None if images is None else str(Path(images).absolute())
    written: list[Converted] = _all_of(
        client,
        {
            place: partial(staging.convert, path, str(home), to, classes, copied)
            for place, path in enumerate(whole.partitions)
        },
    )
    left = sum((one.left_out for one in written), Counter())
    if reasons := summed(left):
        warn(f"left out or incomplete: {reasons}.")
    paths = [Path(one.path) for one in written]
    if to == "yolo":
        staging.write_data_yaml(home, paths, classes)
    return paths


def _all_of(client: Any, tasks: Mapping[int, Callable[[], Any]]) -> list[Any]:
    """What all tasks gave, in order; the first problem is raised."""
    done, failed = _run(client, tasks)
    for place in sorted(failed):
        raise ReadError(f"partition {place} could not be converted: {_words(failed[place])}.") from failed[place]
    return [done[place] for place in sorted(done)]


def _united(
    urls: str | Path | Sequence[str | Path],
    client: Any,
    options: ReadOptions,
    folder: str | Path | None,
    shards_a_task: int | None,
    on_error: str,
    strict: bool,
) -> tuple[staging.Whole, list[str]]:
    """The shards, staged by tasks and united here; and those that could not be read."""
    if on_error not in ("raise", "collect"):
        raise InvalidArgumentError(f"on_error must be 'raise' or 'collect', got {on_error!r}.")
    shards = staging.shards_of(urls)
    if not shards:
        raise ReadError(f"nothing exists at {urls!r}.")
    name = Path(str(urls)).name if isinstance(urls, str | Path) else "export"
    home = _folder(folder)
    form = options.format or next((form for form in map(staging.form_of, shards[:8]) if form), None)
    if form == "png":
        shards, context = staging.masks_of(shards, options)
    size = shards_a_task or (500 if form == "png" else 10)

    def task(first: int, some: Sequence[Shard]) -> Callable[[], Staged]:
        if form == "png":
            return partial(staging.stage_masks, first, some, home, options, staging.own_context(context, some))
        return partial(staging.stage, first, some, home, options, name)

    starts = range(0, len(shards), size)
    if form == "csv" and options.categories is None:
        some_tasks = {start: partial(staging.shape_columns_of, shards[start : start + size]) for start in starts}
        looks, _ = _run(client, some_tasks)
        options = replace(options, shape_columns=frozenset().union(*looks.values()))
    groups = {start: shards[start : start + size] for start in starts}
    staged, failed = _run(client, {start: task(start, some) for start, some in groups.items()})
    if failed and size > 1:  # which of them it is
        alone = {start + place: [shard] for start in failed for place, shard in enumerate(groups[start])}
        more, failed = _run(client, {start: task(start, some) for start, some in alone.items()})
        staged.update(more)
    names = {str(shards[start]): failed[start] for start in sorted(failed)}
    if names:
        listed = "; ".join(f"{shard}: {_words(problem)}" for shard, problem in list(names.items())[:5])
        message = f"{len(names):,} of {len(shards):,} shards could not be read: {listed}."
        if on_error == "raise":
            raise ReadError(f"{message} on_error='collect' reads the others.")
        warn(message)
    if not staged:
        raise ReadError("no shard could be read.")
    whole = staging.united(list(staged.values()), home)
    report(whole.issues, whole.plan.unknown_keys, source=name, strict=strict)
    if client is not None:
        log.info("%d shards on %s: %s", len(shards), client.scheduler.address, client.dashboard_link)
    return whole, list(names)


def _dashboard(client: Any) -> str | None:
    """Where a person watches the cluster."""
    return None if client is None else str(client.dashboard_link or "") or None


def _current(client: Any) -> Any:
    if client is not None:
        return client
    try:
        from distributed import get_client

        return get_client()
    except (ImportError, ValueError):
        return None


def _folder(folder: str | Path | None) -> str:
    if folder is not None:
        return str(new_folder(folder).absolute())
    made = str(scratch("staged"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _run(client: Any, tasks: Mapping[int, Callable[[], Any]]) -> tuple[dict[int, Any], dict[int, BaseException]]:
    """What tasks gave, and why others did not."""
    done: dict[int, Any] = {}
    failed: dict[int, BaseException] = {}
    if client is None:
        for key, task in tasks.items():
            try:
                done[key] = task()
            except Exception as raised:
                failed[key] = raised
        return done, failed
    from distributed import as_completed

    futures = {client.submit(task, pure=False): key for key, task in tasks.items()}
    for future in as_completed(list(futures)):
        key = futures[future]
        if (problem := future.exception()) is None:
            done[key] = future.result()
        else:
            failed[key] = problem
    return done, failed


def _words(problem: BaseException) -> str:
    if type(problem).__name__ == "KilledWorker":
        return "its worker died each time"
    return str(problem).rstrip(".")
