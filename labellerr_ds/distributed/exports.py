"""Exports on a Dask cluster."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from labellerr_ds.core.atomic import folder_at
from labellerr_ds.core.errors import InvalidArgumentError, LabellerrError, MissingExtraError, ReadError, warn
from labellerr_ds.core.hint import Hint, advice, argument, call, either
from labellerr_ds.core.limits import Limits
from labellerr_ds.core.models import ExportFormat, resolve_format
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.core.temp_names import scratch, scratched
from labellerr_ds.distributed.convert import Converted, Shares, classes_in, convert, drawn_classes, write_data_yaml
from labellerr_ds.distributed.partition import finished, lend, meta_of
from labellerr_ds.distributed.shards import Shard, form_of, masks_of, own_context, shape_columns_of, shards_of
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.distributed.stage import Staged, refuse, stage, stage_masks
from labellerr_ds.distributed.tasks import current, is_killed, reason, run, run_all
from labellerr_ds.distributed.unite import Whole, united
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.recognise import refuse_several
from labellerr_ds.formats.selection import summed
from labellerr_ds.frames.merge import report
from labellerr_ds.storage.s3 import is_s3

log = logging.getLogger(__name__)

MOST_LISTED = 5  # reasons why shards could not be read
MOST_BLAMED = 20  # shards that are read one at a time: where more kill their workers it is the cluster


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
    progress: ProgressOption = True,
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
    folder : path or ``s3://`` address, optional
        Where the annotations are kept, seen by all workers and this process: a call makes a folder of its own in it,
        which is yours to remove. A temporary folder of this machine where none is given, which goes with this process.
    shards_a_task : int, optional
        10, and 500 masks, where none is given: a task costs some milliseconds.
    on_error : {'raise', 'collect'}
        Of shards that cannot be read, or whose worker dies each time: raise, naming them; or keep the others, with one
        warning and the names in ``attrs["labellerr"]["failed"]`` of the frame.
    progress : bool
        A bar of the tasks, for what takes over a second.

    Returns
    -------
    dask.dataframe.DataFrame
        A partition a task, in Arrow's dtypes: categories are text, shapes JSON text. ``attrs["labellerr"]`` has what
        the export says of itself, ``failed``, the ``folder`` of its own, and the address of the ``dashboard``.

    Raises
    ------
    MissingExtraError
        Without Dask: ``pip install 'labellerr-ds[dask]'``.
    ReadError, InvalidArgumentError, DiskError, ConnectionFailedError

    Notes
    -----
    The calling process holds what it unites: of a million annotations of 100,000 files some 90 to 300 MB, whatever
    their shapes.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("a", "b"):
    ...     record = {"file_id": name, "file_status": "accepted", "latest_answer": []}
    ...     _ = (folder / f"{name}.json").write_text(json.dumps([record]))
    >>> read_exports_dask(folder, "files")["label_state"].compute().tolist()
    ['negative', 'negative']
    """
    try:
        import dask.dataframe as dd
    except ImportError:
        raise MissingExtraError(
            "reading on a cluster needs Dask.", hint=advice("pip install 'labellerr-ds[dask]'")
        ) from None
    if table not in ("annotations", "files"):
        raise InvalidArgumentError(f"table must be 'annotations' or 'files', got {table!r}.")
    wanted = None if format is None else resolve_format(format).value
    options = ReadOptions(format=wanted, categories=categories, files=files, progress=False, limits=limits or Limits())
    client, shards = current(client), shards_of(urls)
    home = SharedFolder(_temporary() if folder is None else folder).own("staged")
    try:
        whole, failed = read_shards(
            shards, options, client, home,
            name=_name_of(urls), shards_a_task=shards_a_task, on_error=on_error, strict=strict, progress=progress,
        )  # fmt: skip
    except BaseException:
        home.remove()
        raise
    frame = dd.from_map(finished, list(whole.partitions), table=table, meta=meta_of(table), label="labellerr")
    own = {"failed": failed, "folder": home.path, "dashboard": _dashboard(client)}
    frame.attrs = {"labellerr": {**whole.plan.info, **own}}
    return frame


def convert_exports(
    urls: str | Path | Sequence[str | Path],
    out: str | Path,
    to: Literal["yolo", "coco"],
    client: Any = None,
    *,
    images: str | Path | None = None,
    split: Mapping[str, float] | None = None,
    seed: int = 0,
    format: str | ExportFormat | None = None,
    categories: pd.DataFrame | None = None,
    folder: str | Path | None = None,
    shards_a_task: int | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    limits: Limits | None = None,
    overwrite: bool = False,
    progress: ProgressOption = True,
) -> list[Path] | list[str]:
    """Convert the shards of an export on a Dask cluster, a task a partition.

    A file is converted where its first record is, with its annotations of all shards; classes have one number
    everywhere.

    Parameters
    ----------
    urls, client, format, categories, shards_a_task, on_error, limits, progress
        As for `read_exports_dask`.
    folder : path or ``s3://`` address, optional
        As for `read_exports_dask`; nothing stays in it.
    out : path or ``s3://`` address
        A new or an empty folder, seen by all workers and this process.
    to : {'yolo', 'coco'}
        Folders of YOLO (polygons) with a ``data.yaml`` for all of them; or COCO files as
        ``to_coco_json(archive=True)`` writes them, which `read_export` reads as one.
    images : folder, optional
        Images to copy beside the labels of YOLO, seen by all workers; without them it is labels alone.
    split : mapping of str to float, optional
        Shares of the splits of YOLO, ``{"train": 0.8, "val": 0.2}``: by the hash of the file's id and `seed`, as
        `Dataset.split` does without a group. Without it all is ``train``, which is ``val`` as well.
    seed : int
    overwrite : bool
        Replace a folder in which something is, wholly, once the new one is whole. Not for S3.

    Returns
    -------
    list of Path, or of str for S3
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
    if split is not None and to != "yolo":
        raise InvalidArgumentError("split is for YOLO, and to is 'coco'.", hint=call("lds.read_export(out).split()"))
    shares = None if split is None else Shares.checked(split, seed)
    client, shards = current(client), shards_of(urls)
    with ExitStack() as kept:
        target = _new(out, shards, overwrite, kept)
        near = kept.enter_context(scratched("staged")) if folder is None else folder
        home = kept.enter_context(SharedFolder(near).lent("staged"))
        whole, _ = read_shards(
            shards, options, client, home,
            name=_name_of(urls), shards_a_task=shards_a_task, on_error=on_error, progress=progress,
        )  # fmt: skip
        classes: list[str] = []
        if to == "yolo":
            used = run_all(client, drawn_classes, whole.partitions, "looking", progress)
            classes = classes_in(whole.plan.categories, set().union(*used))
        copied = None if images is None else str(Path(images).absolute())
        lend_out(client, whole, progress)
        task = partial(convert, out=target.path, to=to, classes=classes, images=copied, shares=shares)
        written: list[Converted] = run_all(client, task, whole.partitions, "converting", progress)
        if target.lacks(one.name for one in written):
            raise InvalidArgumentError(
                f"the workers do not see {str(out)!r}: out must be on a disk that all of them see, or in S3."
            )
        if to == "yolo":
            write_data_yaml(target, written, classes, shares)
    left = sum((one.left_out for one in written), Counter())
    if reasons := summed(left):
        warn(f"left out or incomplete: {reasons}.")
    if is_s3(out):
        return [target.path_of(one.name) for one in written]
    return [Path(out).absolute() / one.name for one in written]


def _new(out: str | Path, shards: Sequence[Shard], overwrite: bool, kept: ExitStack) -> SharedFolder:
    """Where to write: on a disk beside `out`, which takes its place at the end."""
    if is_s3(out):
        target = SharedFolder(out)
        if not target.is_empty():
            raise InvalidArgumentError(
                f"there are objects below {target.path}, of an earlier call perhaps.",
                hint="remove them, or choose another prefix",
            )
        return target
    home = Path(out).absolute()
    if any(shard.path and home in Path(shard.path).parents for shard in shards):
        raise InvalidArgumentError(f"out must not be the folder of the shards, {str(out)!r}.")
    return SharedFolder(kept.enter_context(folder_at(home, overwrite=overwrite)))


def read_shards(
    shards: Sequence[Shard],
    options: ReadOptions,
    client: Any,
    folder: SharedFolder,
    *,
    name: str,
    shards_a_task: int | None = None,
    on_error: str = "raise",
    strict: bool = False,
    home: Literal["first", "last"] = "first",
    progress: ProgressOption = True,
    hint: Hint | None = None,
) -> tuple[Whole, list[str]]:
    """Shards, staged by tasks and united here; and the names of those that could not be read.

    Parameters
    ----------
    shards : sequence of Shard
    options : ReadOptions
    client : dask.distributed.Client or None
        None for this process.
    folder : SharedFolder
        One that no other call has.
    name : str
        What the export is called.
    shards_a_task, on_error, strict, progress
        As for `read_exports_dask`.
    home : {'first', 'last'}
        As for `united`.
    hint : Hint, optional
        What to do next if shards cannot be read. Default: ``on_error="collect"``.
    """
    if on_error not in ("raise", "collect"):
        raise InvalidArgumentError(f"on_error must be 'raise' or 'collect', got {on_error!r}.")
    form = options.format or next((form for form in map(form_of, shards[:8]) if form), None)
    if form == "png":
        shards, context = masks_of(shards, options)
    size = (500 if form == "png" else 10) if shards_a_task is None else shards_a_task
    if not isinstance(size, int) or size < 1:
        raise InvalidArgumentError(f"shards_a_task must be an int, 1 or more; got {shards_a_task!r}.")

    def task(first: int, some: Sequence[Shard]) -> Callable[[], Staged]:
        if form == "png":
            return partial(stage_masks, first, some, folder.path, options, own_context(context, some))
        return partial(stage, first, some, folder.path, options, name)

    starts = range(0, len(shards), size)
    if form == "csv" and options.categories is None:
        some_tasks = {start: partial(shape_columns_of, shards[start : start + size]) for start in starts}
        looks, _ = run(client, some_tasks, "looking", progress)
        options = replace(options, shape_columns=frozenset().union(*looks.values()))
    groups = {start: shards[start : start + size] for start in starts}
    staged, failed = run(client, {start: task(start, some) for start, some in groups.items()}, "reading", progress)
    if failed and size > 1:  # which of them it is
        alone = {start + place: [shard] for start in failed for place, shard in enumerate(groups[start])}
        more, failed = run(client, {start: task(start, some) for start, some in alone.items()}, "again", progress)
        staged.update(more)
    killed = [start for start, problem in failed.items() if is_killed(problem)]
    for start in killed if 1 < len(killed) <= MOST_BLAMED else ():  # Dask blames what waited beside the deadly one, too
        more, still = run(client, {start: task(start, [shards[start]])}, "again", progress)
        staged.update(more)
        del failed[start]
        failed.update(still)
    names = [str(shards[start]) for start in sorted(failed)]
    if names:
        if not staged and (problem := _one_reason(failed.values())):
            raise problem
        firsts: dict[str, int] = {}
        for start in sorted(failed):
            firsts.setdefault(reason(failed[start]).removeprefix(f"{shards[start].name}: "), start)
        listed = "; ".join(f"{shards[start]}: {words}" for words, start in [*firsts.items()][:MOST_LISTED])
        message = f"{len(names):,} of {len(shards):,} shards could not be read: {listed}."
        if on_error == "raise":
            raise ReadError(message, hint=hint or argument("on_error", "collect"))
        warn(message)
    read = [one for one in staged.values() if one.batches]
    if not read:
        refuse(shards[:size], options, name)
        raise ReadError("no shard could be read.")
    if folder.lacks(name for one in read for name in one.names):
        raise InvalidArgumentError(
            f"the workers do not see the folder {folder.path!r} of this process.",
            hint=either(argument("folder"), "it must be on a disk that all workers see, or in S3"),
        )
    refuse_several((str(batch.info["format"]) for one in read for batch in one.batches), name)
    whole = united(read, folder, home)
    report(whole.issues, whole.plan.unknown_keys, source=name, strict=strict)
    if client is not None:
        log.info("%d shards on %s: %s", len(shards), client.scheduler.address, client.dashboard_link)
    return whole, names


def lend_out(client: Any, whole: Whole, progress: ProgressOption) -> None:
    """Have each partition write down what others need of it, before tasks that take whole files."""
    run_all(client, lend, whole.lenders, "sharing", progress)


def _dashboard(client: Any) -> str | None:
    """Where a person watches the cluster."""
    return None if client is None else str(client.dashboard_link or "") or None


def _name_of(urls: str | Path | Sequence[str | Path]) -> str:
    return Path(str(urls)).name if isinstance(urls, str | os.PathLike) else "export"


def _temporary() -> Path:
    """A folder of this machine that goes with this process."""
    made = scratch("staged")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _one_reason(problems: Iterable[BaseException]) -> LabellerrError | None:
    """The error that all tasks raised, where it is about no shard: keys that are missing, say."""
    first, *others = problems
    same = all(type(other) is type(first) and str(other) == str(first) for other in others)
    return first if same and isinstance(first, LabellerrError) and not isinstance(first, ReadError) else None
