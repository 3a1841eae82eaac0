"""In the calling process: what all processes staged is united, and each is left what it needs to finish its own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.distributed.pickles import dump
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.distributed.stage import NOTHING, Batches, Staged
from labellerr_ds.frames.merge import Plan, all_issues, moved_issues, plan_merge
from labellerr_ds.frames.merge.annotation_ids import Edits
from labellerr_ds.frames.merge.ids import codes_of, has_repeats
from labellerr_ds.frames.merge.scan_ids import collect_stats
from labellerr_ds.frames.tables import Tables
from labellerr_ds.storage.s3 import AT_ONCE


class Whole(NamedTuple):
    """What all shards say together.

    Attributes
    ----------
    plan : Plan
    issues : pyarrow.Table
    partitions : dict of str
        What `finished` takes, a file each, and the name of its first shard.
    lenders : dict of str
        Those in which are annotations of files that others have whole: what `lend` takes, before `whole_files`.
    """

    plan: Plan
    issues: pa.Table
    partitions: dict[str, str]
    lenders: dict[str, str]


class Partition(NamedTuple):
    """What a process needs to finish what one staged.

    Attributes
    ----------
    plan : Plan
        Of its batches, and the files that they are about.
    batches : list of Tables
    names : list of str
        Where in the folder the annotations of each batch are.
    number : int
        Its own: that of its first shard.
    homes : numpy.ndarray
        Of each file of the plan the number of the partition that has it whole.
    lenders : list of int
        The partitions that have annotations of its files as well.
    borrowers : list of int
        The partitions of whose files it has annotations.
    issues : pyarrow.Table
        Of the files whose home it is, and of its annotations, at their positions in it.
    """

    plan: Plan
    batches: list[Tables]
    names: list[str]
    number: int
    homes: NDArray[np.int64]
    lenders: list[int]
    borrowers: list[int]
    issues: pa.Table


def united(staged: Sequence[Staged], folder: SharedFolder, home: Literal["first", "last"] = "first") -> Whole:
    """Unite what processes staged, and write down what each needs to finish its own.

    In memory are the files, and of annotations their counts and hashes.

    Parameters
    ----------
    staged : sequence of Staged
    folder : SharedFolder
        That of the annotations.
    home : {'first', 'last'}
        Which of the records of a file decides about the partition that has it whole.
    """
    staged = sorted(staged, key=lambda stage: stage.first)
    batches = [batch for one in staged for batch in one.batches]
    names = [name for one in staged for name in one.names]
    stats = [item for one in staged for item in one.stats]
    whole = plan_merge(Batches(folder, batches, names), collect_stats(zip(batches, stats, strict=True)))
    moved = [moved_issues(whole, batch, number) for number, batch in enumerate(batches) if batch.issues.num_rows]
    issues = all_issues([*moved, whole.issues])
    firsts = np.array([one.first for one in staged], dtype=np.int64)
    partitions = {folder.path_of(f"{one.first:08}.plan"): one.shard for one in staged}
    ends = np.cumsum([len(one.batches) for one in staged]).tolist()
    ranges = [range(end - len(one.batches), end) for one, end in zip(staged, ends, strict=True)]
    homes = _homes(whole, ranges, home)
    borrowers = _borrowers(whole, batches, ranges, homes)
    lending: list[list[int]] = [[] for _ in ranges]
    for place, others in enumerate(borrowers):
        for other in others:
            lending[other].append(place)
    own_issues = _own_issues(whole, issues, ranges, homes)

    def write(place: int) -> None:
        numbers = ranges[place]
        bare = [replace(batch, files=NOTHING, issues=NOTHING, categories=NOTHING) for batch in staged[place].batches]
        own = _own_plan(whole, batches, numbers)
        mine = Partition(
            own,
            bare,
            staged[place].names,
            staged[place].first,
            firsts[homes[own.numbers]],
            firsts[lending[place]].tolist(),
            firsts[borrowers[place]].tolist(),
            own_issues[place],
        )
        dump(folder, f"{mine.number:08}.plan", mine)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(write, range(len(staged))))
    lenders = {path: name for (path, name), others in zip(partitions.items(), borrowers, strict=True) if others}
    return Whole(whole, issues, partitions, lenders)


def _span(whole: Plan, numbers: range) -> tuple[int, int]:
    """The files that come with some batches: from, to."""
    return (whole.spans[numbers[0]][0], whole.spans[numbers[-1]][1]) if numbers else (0, 0)


def _homes(whole: Plan, ranges: Sequence[range], home: Literal["first", "last"]) -> NDArray[np.int64]:
    """For each of the files the partition in which the first, or last, record of its id is."""
    homes = np.zeros(whole.files.num_rows, dtype=np.int64)
    for place, numbers in enumerate(ranges):
        start, stop = _span(whole, numbers)
        homes[start:stop] = place
    ids = whole.files["file_id"]
    if has_repeats(ids):
        codes = codes_of(ids)
        step = 1 if home == "first" else -1
        _, chosen, which = np.unique(codes[::step], return_index=True, return_inverse=True)
        homes = np.where(codes >= 0, homes[::step][chosen][which][::step], homes)
    return homes


def _borrowers(
    whole: Plan, batches: Sequence[Tables], ranges: Sequence[range], homes: NDArray[np.int64]
) -> list[list[int]]:
    """Of each partition the others of whose files it has annotations."""
    borrowers = []
    for place, numbers in enumerate(ranges):
        parts = dict.fromkeys(batches[number].part for number in numbers)
        rows = [whole.row_of[part] for part in parts if part in whole.row_of]
        owners = np.unique(homes[np.concatenate(rows)]) if rows else homes[:0]
        borrowers.append(owners[owners != place].tolist())
    return borrowers


def _own_issues(whole: Plan, issues: pa.Table, ranges: Sequence[range], homes: NDArray[np.int64]) -> list[pa.Table]:
    """Of each partition the issues of the files whose home it is, and of its annotations."""
    nothing = issues.schema.empty_table()  # a slice is pickled with all that it is of
    if not issues.num_rows:
        return [nothing] * len(ranges)
    positions = issues["position"].to_numpy()  # NaN where there is none
    starts = np.array([whole.starts[numbers[0]] for numbers in ranges])
    staged_in = np.searchsorted(starts, np.nan_to_num(positions), side="right") - 1
    files = pc.index_in(issues["id"], whole.files["file_id"].combine_chunks()).to_numpy()
    kinds = issues["table"].cast(pa.large_string()).to_numpy(zero_copy_only=False)
    of_file, of_row = (kinds == "files") & ~np.isnan(files), (kinds == "annotations") & ~np.isnan(positions)
    own = np.where(of_row, staged_in, -1)
    own[of_file] = homes[files[of_file].astype(np.int64)]
    local = pa.array(np.where(of_row, positions - starts[own], 0).astype(np.int64), mask=~of_row)
    moved = issues.set_column(issues.column_names.index("position"), "position", local)
    return [moved.filter(pa.array(own == place)) if (own == place).any() else nothing for place in range(len(ranges))]


def _own_plan(whole: Plan, batches: Sequence[Tables], numbers: range) -> Plan:
    """The plan for some batches that follow each other, numbered from 0, with the files that they are about."""
    parts = list(dict.fromkeys(batches[number].part for number in numbers))
    spans = [whole.spans[number] for number in numbers]
    rows = {part: whole.row_of[part] for part in parts if part in whole.row_of}
    nothing = np.zeros(0, dtype=np.int64)
    used = np.unique(np.concatenate([nothing, *rows.values(), *(np.arange(start, stop) for start, stop in spans)]))
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
        issues=whole.issues.schema.empty_table(),
        numbers=used,
    )
