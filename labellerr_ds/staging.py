"""An export of many shards, read by several processes: each stages some, one unites them, each finishes its own.

Nothing here knows an engine; `labellerr_ds.cluster` runs these functions on Dask. What goes between processes is
picklable and has no credentials.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from labellerr_ds import schema
from labellerr_ds.collector import collector_off
from labellerr_ds.converters.selection import Frames, classes_of
from labellerr_ds.converters.yolo import to_yolo
from labellerr_ds.dataset import Dataset
from labellerr_ds.errors import InvalidArgumentError, LabellerrWarning, ReadError
from labellerr_ds.finish import Plan, all_issues, apply, moved_issues, plan
from labellerr_ds.finish.identity import Edits
from labellerr_ds.finish.look import Glance, gathered, glance
from labellerr_ds.finish.union import codes_of, has_repeats
from labellerr_ds.models import S3Object, Source
from labellerr_ds.owners import scratched
from labellerr_ds.readers.archive import HEAD_BYTES, PNG, Member
from labellerr_ds.readers.csv import shape_columns
from labellerr_ds.readers.options import ReadOptions
from labellerr_ds.readers.png import MaskContext, look_at_masks, read_some_masks
from labellerr_ds.readers.read import read_batches
from labellerr_ds.readers.recognise import recognise
from labellerr_ds.schema import Table
from labellerr_ds.shapes.rasters import FILLED
from labellerr_ds.tables import Tables, empty, table, to_frame
from labellerr_ds.target import folder_at
from labellerr_ds.transfer.s3 import Bucket, split_url
from labellerr_ds.transfer.source import files_at, objects_at

PARTS = 10_000_000  # parts that a shard may have
_NOTHING = pa.table({})


class Shard(NamedTuple):
    """A file of an export: on a disk that all processes see, or in a bucket.

    Attributes
    ----------
    name : str
        Within the export.
    path : str or None
    bucket : str or None
    item : S3Object or None
    """

    name: str
    path: str | None
    bucket: str | None = None
    item: S3Object | None = None

    def __str__(self) -> str:
        return self.path or f"s3://{self.bucket}/{self.item.key if self.item else ''}"


@dataclass(frozen=True)
class Staged:
    """What a process says of the shards that it staged.

    Attributes
    ----------
    first : int
        The place of its first shard.
    batches : list of Tables
        Without annotations.
    glances : list of Glance
    paths : list of str
        Where the annotations of each batch are.
    """

    first: int
    batches: list[Tables]
    glances: list[Glance]
    paths: list[str]


class Batches(Sequence[Tables]):
    """Batches of all processes; the annotations of one are read when it is asked for."""

    def __init__(self, batches: Sequence[Tables], paths: Sequence[str]) -> None:
        self._batches, self._paths = batches, paths

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        return replace(self._batches[number], annotations=pq.read_table(self._paths[number]))


def shards_of(urls: str | Path | Sequence[str | Path]) -> list[Shard]:
    """The shards of a folder, a prefix, a file, or several of them, in their order.

    Raises
    ------
    InvalidArgumentError, ReadError
    """
    if isinstance(urls, str | os.PathLike):
        return _below(str(urls))
    if not isinstance(urls, Sequence) or not urls:
        raise InvalidArgumentError("urls must be a path or s3:// address, or a list of them.")
    return [shard for url in urls for shard in _below(str(url))]


def _below(url: str) -> list[Shard]:
    if url.lower().startswith(("s3://", "s3a://")):
        bucket, _ = split_url(url)
        return [Shard(name, None, bucket, item) for name, item in objects_at(url)]
    path = Path(url).expanduser()
    if not path.exists():
        raise ReadError(f"nothing exists at {url!r}.")
    return [Shard(name, str(each.absolute())) for name, each in files_at(path)]


def _members(shards: Sequence[Shard], kept: ExitStack) -> list[tuple[str, Path]]:
    """The files of shards on this machine."""
    members: dict[int, Path] = {place: Path(shard.path) for place, shard in enumerate(shards) if shard.path}
    buckets = dict.fromkeys(shard.bucket for shard in shards if shard.bucket)
    for name in buckets:
        folder = kept.enter_context(scratched("shards"))
        mine = [(place, shard.item) for place, shard in enumerate(shards) if shard.bucket == name and shard.item]
        paths = [folder / f"{place:06}" for place, _ in mine]
        Bucket(str(name)).fetch([item for _, item in mine], paths, progress=False)
        members.update(zip((place for place, _ in mine), paths, strict=True))
    return [(shard.name, members[place]) for place, shard in enumerate(shards)]


def _member(shard: Shard) -> Member:
    """A shard as a file that is fetched when it is opened."""

    def opened() -> BinaryIO:
        with ExitStack() as kept:
            ((_, path),) = _members([shard], kept)
            return io.BytesIO(path.read_bytes())

    return Member(shard.name, PNG if shard.name.lower().endswith(".png") else b"", opened)


def form_of(shard: Shard) -> str | None:
    """The format of a shard; None for an archive, which is known where it is opened."""
    with ExitStack() as kept:
        ((name, path),) = _members([shard], kept)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        return recognise(Member(name, head, lambda: path.open("rb")))


def masks_of(shards: Sequence[Shard], options: ReadOptions) -> tuple[list[Shard], MaskContext]:
    """The shards that are masks, and what they say together."""
    by_name = {shard.name: shard for shard in shards}
    members = [_member(shard) for shard in shards]
    masks = [member for member in members if member.head]
    context = look_at_masks(masks, [member for member in members if not member.head], options)
    kept = [by_name[member.name] for member in context.folders.masks]
    return kept, context._replace(folders=replace(context.folders, masks=[]))


def own_context(context: MaskContext, shards: Sequence[Shard]) -> MaskContext:
    """What some of the masks need of the context."""
    stems = {shard.name: context.folders.stems[shard.name] for shard in shards}
    return context._replace(folders=replace(context.folders, stems=stems))


# --- in each process


def shape_columns_of(shards: Sequence[Shard]) -> frozenset[str]:
    """The columns with shapes in csv shards without a template."""
    with ExitStack() as kept:
        files = _members(shards, kept)
        members = [Member(name, b"", lambda path=path: path.open("rb")) for name, path in files]  # type: ignore[misc]
        return frozenset().union(*map(shape_columns, members))


def stage(first: int, shards: Sequence[Shard], folder: str, options: ReadOptions, name: str) -> Staged:
    """Read shards, and keep their annotations in the folder.

    Parameters
    ----------
    first : int
        The place of the first shard in the export.
    shards : sequence of Shard
    folder : str
        On a disk that all processes see.
    options : ReadOptions
    name : str
        What the export is called.
    """
    with ExitStack() as kept, collector_off():
        source = Source(name, tuple(_members(shards, kept)))
        return _staged(first, read_batches(source, options), folder)


def stage_masks(first: int, shards: Sequence[Shard], folder: str, options: ReadOptions, context: MaskContext) -> Staged:
    """As `stage`, for masks."""
    with ExitStack() as kept:
        files = _members(shards, kept)
        masks = [Member(name, PNG, lambda path=path: path.open("rb")) for name, path in files]  # type: ignore[misc]
        batches = read_some_masks(masks, context, options, is_first=not first)
        return _staged(first, (replace(batch, info={"format": "png"}) for batch in batches), folder)


def _staged(first: int, batches: Iterator[Tables], folder: str) -> Staged:
    made = Staged(first, [], [], [])
    for number, batch in enumerate(batches):
        path = Path(folder) / f"{first:08}-{number:05}.parquet"
        beside = path.with_suffix(f".{os.getpid()}")
        pq.write_table(batch.annotations, beside, compression="zstd")
        os.replace(beside, path)  # a task that is run twice writes the same
        made.paths.append(str(path))
        made.glances.append(glance(batch.annotations))
        part = first * PARTS + batch.part
        made.batches.append(replace(batch, annotations=_NOTHING, raw=None, raw_header=None, part=part))
    return made


# --- united


class Whole(NamedTuple):
    """What all shards say together.

    Attributes
    ----------
    plan : Plan
    issues : pyarrow.Table
    partitions : list of str
        What `finished` takes: a file each.
    """

    plan: Plan
    issues: pa.Table
    partitions: list[str]


class Partition(NamedTuple):
    """What a process needs to finish what one staged.

    Attributes
    ----------
    plan : Plan
        Of its batches, and the files that they are about.
    batches : list of Tables
    paths : list of str
        Where the annotations of each batch are.
    lenders : list of str
        The partitions that have annotations of its files as well.
    elsewhere : list of str
        Ids of its files whose first record is in another partition.
    """

    plan: Plan
    batches: list[Tables]
    paths: list[str]
    lenders: list[str]
    elsewhere: list[str]


def united(staged: Sequence[Staged], folder: str) -> Whole:
    """Unite what processes staged, and write down what each needs to finish its own.

    In memory are the files, and of annotations their counts and hashes.
    """
    staged = sorted(staged, key=lambda stage: stage.first)
    batches = [batch for each in staged for batch in each.batches]
    paths = [path for each in staged for path in each.paths]
    looks = [look for each in staged for look in each.glances]
    whole = plan(Batches(batches, paths), gathered(zip(batches, looks, strict=True)))
    moved = [moved_issues(whole, batch, number) for number, batch in enumerate(batches) if batch.issues.num_rows]
    partitions = [str(Path(folder) / f"{one.first:08}.plan") for one in staged]
    ends = np.cumsum([len(one.batches) for one in staged]).tolist()
    ranges = [range(end - len(one.batches), end) for one, end in zip(staged, ends, strict=True)]
    homes = _homes(whole, ranges)
    lenders = _lenders(whole, batches, ranges, homes)
    for place, (one, numbers) in enumerate(zip(staged, ranges, strict=True)):
        bare = [replace(batch, files=_NOTHING, issues=_NOTHING, categories=_NOTHING) for batch in one.batches]
        own = _own_plan(whole, batches, numbers)
        others = [partitions[other] for other in sorted(lenders[place])]
        start, stop = _span(whole, numbers)
        away = pa.array(start + np.flatnonzero(homes[start:stop] != place))
        elsewhere = whole.files["file_id"].take(away).to_pylist()
        Path(partitions[place]).write_bytes(pickle.dumps(Partition(own, bare, one.paths, others, elsewhere)))
    return Whole(whole, all_issues([*moved, whole.issues]), partitions)


def _span(whole: Plan, numbers: range) -> tuple[int, int]:
    """The files that come with some batches: from, to."""
    return (whole.spans[numbers[0]][0], whole.spans[numbers[-1]][1]) if numbers else (0, 0)


def _homes(whole: Plan, ranges: Sequence[range]) -> NDArray[np.int64]:
    """For each of the files the partition in which the first record of its id is."""
    homes = np.zeros(whole.files.num_rows, dtype=np.int64)
    for place, numbers in enumerate(ranges):
        start, stop = _span(whole, numbers)
        homes[start:stop] = place
    ids = whole.files["file_id"]
    if has_repeats(ids):
        codes = codes_of(ids)
        _, first, which = np.unique(codes, return_index=True, return_inverse=True)
        homes = np.where(codes >= 0, homes[first][which], homes)
    return homes


def _lenders(
    whole: Plan, batches: Sequence[Tables], ranges: Sequence[range], homes: NDArray[np.int64]
) -> list[set[int]]:
    """Of each partition the others that have annotations of its files."""
    lenders: list[set[int]] = [set() for _ in ranges]
    for place, numbers in enumerate(ranges):
        parts = dict.fromkeys(batches[number].part for number in numbers)
        for rows in (whole.row_of[part] for part in parts if part in whole.row_of):
            for owner in np.unique(homes[rows]).tolist():
                if owner != place:
                    lenders[owner].add(place)
    return lenders


def _own_plan(whole: Plan, batches: Sequence[Tables], numbers: range) -> Plan:
    """The plan for some batches that follow each other, numbered from 0, with the files that they are about."""
    parts = list(dict.fromkeys(batches[number].part for number in numbers))
    spans = [whole.spans[number] for number in numbers]
    rows = {part: whole.row_of[part] for part in parts if part in whole.row_of}
    nothing = np.zeros(0, dtype=np.int64)
    used = np.unique(np.concatenate([nothing, *rows.values(), *(np.arange(start, stop) for start, stop in spans)]))
    if whole.files["file_id"].null_count:  # ids are made of rows there
        used = np.arange(whole.files.num_rows)
    local = {number: place for place, number in enumerate(numbers)}
    edits = Edits()
    edits.values.update(
        {(local[number], column): each for (number, column), each in whole.edits.values.items() if number in local}
    )
    edits.suffixes.update({local[number]: each for number, each in whole.edits.suffixes.items() if number in local})
    edits.dropped.update({local[number]: each for number, each in whole.edits.dropped.items() if number in local})
    return replace(
        whole,
        files=whole.files.take(pa.array(used)),
        row_of={part: np.searchsorted(used, each) for part, each in rows.items()},
        spans=[(int(np.searchsorted(used, start)), int(np.searchsorted(used, stop))) for start, stop in spans],
        category_ids={part: whole.category_ids[part] for part in parts if part in whole.category_ids},
        category_places={},
        edits=edits,
        positions={local[number]: each for number, each in whole.positions.items() if number in local},
        starts=[whole.starts[number] for number in numbers],
        issues=whole.issues.slice(0, 0),
    )


# --- in each process again


def finished(partition: str, table: Table) -> pd.DataFrame:
    """The finished rows of what one process staged, in Arrow's dtypes."""
    return _plain(table, _finished(_partition(partition))).to_pandas(types_mapper=pd.ArrowDtype)


def _plain(name: Table, batches: Sequence[Tables]) -> pa.Table:
    """A table of finished batches below each other, in the types of `plain_schema`."""
    plain = plain_schema(name)
    return pa.concat_tables([getattr(batch, name).cast(plain) for batch in batches] or [plain.empty_table()])


def _typed(name: Table, plain: pa.Table) -> pa.Table:
    """A plain table in the types of the frames again."""
    return table(name, dict(zip(plain.column_names, plain.columns, strict=True)), plain.num_rows)


def _finished(mine: Partition) -> list[Tables]:
    return [apply(mine.plan, batch, number) for number, batch in enumerate(Batches(mine.batches, mine.paths))]


def _partition(path: str) -> Partition:
    made: Partition = pickle.loads(Path(path).read_bytes())
    return made


def whole_files(partition: str, *, every_record: bool = False) -> Dataset:
    """The files that begin in a partition, each with all of its annotations, wherever they were staged.

    Rows without a file are where they were staged. Further records of a file whose first is in another partition are
    there with `every_record`, and have no annotations here. Partitions that lend rows are finished once more each.
    """
    mine = _partition(partition)
    batches = _finished(mine)
    files = _plain("files", batches)
    elsewhere = pc.is_in(files["file_id"], value_set=pa.array(mine.elsewhere, pa.large_string()))
    own_files = files.filter(pc.invert(elsewhere))
    own = own_files["file_id"].combine_chunks()
    rows = []
    for place in sorted([partition, *mine.lenders]):  # as the shards follow each other
        annotations = _plain("annotations", batches if place == partition else _finished(_partition(place)))
        ids = annotations["file_id"]
        is_own = pc.is_in(ids, value_set=own, skip_nulls=True)
        rows.append(annotations.filter(pc.or_(is_own, pc.is_null(ids)) if place == partition else is_own))
    return Dataset.from_tables(
        Tables(
            _typed("files", files if every_record else own_files),
            _typed("annotations", pa.concat_tables(rows)), mine.plan.categories,
            empty("issues"), info=mine.plan.info,
        )
    )  # fmt: skip


def drawn_classes(partition: str) -> set[str]:
    """The names of the classes that have a shape with pixels here."""
    rows = _plain("annotations", _finished(_partition(partition)))
    is_filled = pc.is_in(rows["type"], value_set=pa.array(FILLED, pa.large_string()))
    return set(rows["category"].filter(is_filled).drop_null().unique().to_pylist())


class Converted(NamedTuple):
    """What a process wrote, and how much of what it left out: counts by table and reason."""

    path: str
    left_out: Counter[tuple[str, str]]


def convert(partition: str, out: str, to: str, classes: Sequence[str], images: str | None) -> Converted:
    """Write the files of a partition as YOLO or COCO."""
    dataset, name = whole_files(partition, every_record=to == "coco"), Path(partition).stem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabellerrWarning)  # one for all partitions says it
        if to == "coco":
            path = dataset.to_coco_json(Path(out) / f"{name}.json", archive=True, overwrite=True)
            answers = int((~dataset.annotations["type"].isin(schema.SHAPE_TYPES)).sum())
            return Converted(str(path), Counter({("annotations", "an answer has no place in this format"): answers}))
        frames = Frames(dataset.files, dataset.annotations, dataset.categories)
        with folder_at(Path(out) / name, overwrite=True) as beside:
            written = to_yolo(beside, frames, images=images, classes=classes)
    reasons = zip(written.left_out["table"].astype(str), written.left_out["reason"].astype(str), strict=True)
    return Converted(str(Path(out) / name), Counter(reasons))


def sweep(out: Path, partitions: Sequence[str]) -> None:
    """Remove what an earlier call wrote for partitions that are no more."""
    current = {Path(partition).stem for partition in partitions}
    for path in out.iterdir():
        if re.fullmatch(r"[0-9]{8}(\.json)?", path.name) and path.name[:8] not in current:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def classes_in(categories: pa.Table, used: set[str]) -> list[str]:
    """The classes of YOLO, in the order of all categories."""
    return classes_of(to_frame(categories, "categories"), used)


def write_data_yaml(out: Path, folders: Sequence[Path], classes: Sequence[str]) -> None:
    """One ``data.yaml`` for folders of YOLO beside each other; Ultralytics takes lists."""
    paths = [f"{folder.name}/images/train" for folder in folders]
    content = {"train": paths, "val": list(paths), "nc": len(classes), "names": dict(enumerate(classes))}
    (out / "data.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def plain_schema(table: Table) -> pa.Schema:
    """The columns of a table in types that every engine keeps: categories are text, shapes JSON text."""
    kinds: Mapping[pa.DataType, pa.DataType] = {schema.ARROW["category"]: pa.large_string()}
    columns = schema.TABLES[table]
    return pa.schema([(each.name, kinds.get(schema.ARROW[each.kind], schema.ARROW[each.kind])) for each in columns])


def meta_of(table: Table) -> pd.DataFrame:
    """The frame of no rows, as `finished` gives it."""
    return plain_schema(table).empty_table().to_pandas(types_mapper=pd.ArrowDtype)
