"""In each process: shards are read, and their annotations kept; what they say in short is returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from labellerr_ds.core.gc import collector_off
from labellerr_ds.core.models import Source
from labellerr_ds.distributed.shards import Shard, is_beside, member_at, members_of
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.png.read import MaskContext, read_some_masks
from labellerr_ds.formats.read import read_batches
from labellerr_ds.frames.merge.scan_ids import BatchStats, batch_stats
from labellerr_ds.frames.tables import Tables

PARTS = 10_000_000  # parts that a shard may have
NOTHING = pa.table({})


@dataclass(frozen=True)
class Staged:
    """What a process says of the shards that it staged.

    Attributes
    ----------
    first : int
        The place of its first shard.
    shard : str
        What that is called.
    batches : list of Tables
        Without annotations.
    stats : list of BatchStats
    names : list of str
        Where in the folder the annotations of each batch are.
    """

    first: int
    shard: str
    batches: list[Tables]
    stats: list[BatchStats]
    names: list[str]


class Batches(Sequence[Tables]):
    """Batches of all processes; the annotations of one are read when it is asked for."""

    def __init__(self, folder: SharedFolder, batches: Sequence[Tables], names: Sequence[str]) -> None:
        self._folder, self._batches, self._names = folder, batches, names

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        return next(self._read([number]))

    def __iter__(self) -> Iterator[Tables]:
        return self._read(range(len(self)))

    def _read(self, numbers: Sequence[int]) -> Iterator[Tables]:
        with self._folder.reading([self._names[number] for number in numbers]) as paths:
            for number, path in zip(numbers, paths, strict=True):
                yield replace(self._batches[number], annotations=pq.read_table(path))


def stage(first: int, shards: Sequence[Shard], folder: str, options: ReadOptions, name: str) -> Staged:
    """Read shards, and keep their annotations in the folder.

    Parameters
    ----------
    first : int
        The place of the first shard in the export.
    shards : sequence of Shard
    folder : str
        A `SharedFolder`.
    options : ReadOptions
    name : str
        What the export is called.
    """
    with ExitStack() as kept, collector_off():
        files = members_of(shards, kept)
        if all(is_beside(member_at(*file), options.format) for file in files):
            return Staged(first, str(shards[0]), [], [], [])
        return _staged(first, shards[0], read_batches(Source(name, tuple(files)), options), folder)


def stage_masks(first: int, shards: Sequence[Shard], folder: str, options: ReadOptions, context: MaskContext) -> Staged:
    """As `stage`, for masks."""
    with ExitStack() as kept:
        masks = [member_at(*file) for file in members_of(shards, kept)]
        batches = read_some_masks(masks, context, options, is_first=not first)
        return _staged(first, shards[0], (replace(batch, info={"format": "png"}) for batch in batches), folder)


def refuse(shards: Sequence[Shard], options: ReadOptions, name: str) -> None:
    """Raise what reading says of shards that are no export."""
    with ExitStack() as kept:
        for _ in read_batches(Source(name, tuple(members_of(shards, kept))), options):
            pass


def _staged(first: int, shard: Shard, batches: Iterator[Tables], folder: str) -> Staged:
    made, shared = Staged(first, str(shard), [], [], []), SharedFolder.lent_by(folder)
    for number, batch in enumerate(batches):
        name = f"{first:08}-{number:05}.parquet"
        with shared.writing(name) as path:  # a task that is run twice writes the same
            pq.write_table(batch.annotations, path, compression="zstd")
        made.names.append(name)
        made.stats.append(batch_stats(batch.annotations))
        part = first * PARTS + batch.part
        made.batches.append(replace(batch, annotations=NOTHING, raw=None, raw_header=None, part=part))
    return made
