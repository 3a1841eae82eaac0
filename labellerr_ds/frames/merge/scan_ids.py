"""One pass over the batches of an export: the files, and a few numbers about the annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.frames.merge.categories import CategoriesUnion
from labellerr_ds.frames.merge.hashing import hashes
from labellerr_ds.frames.merge.ids import SUFFIXED, Ints
from labellerr_ds.frames.tables import FILE_ROW, LIST_STATE, Tables, Unread

REPORTS = ("bad_row", "bad_segmentation", "duplicate_file_id", "unparsed_answer", "unreadable_image")
"""Codes of issues that say why nothing is known about the labels of a file."""


class BatchStats(NamedTuple):
    """Ids and counts of the annotations of one batch.

    Attributes
    ----------
    file_rows : (rows within the part, how many annotations each has)
    size : int
    ids : (N,) uint64
        Hashes of the ids that are there.
    lacks_ids : bool
    category_ids : dict
        First row and count by id.
    is_named : bool
        Whether annotations came with the names of their categories.
    has_made : bool
        Whether there may be ids that a reader made of a file's or an object's.
    suffixed : frozenset of str
        Ids that look like numbers of COCO with a suffix.
    """

    file_rows: tuple[Ints, Ints]
    size: int
    ids: NDArray[np.uint64]
    lacks_ids: bool
    category_ids: dict[str, tuple[int, int]]
    is_named: bool
    has_made: bool
    suffixed: frozenset[str]


@dataclass
class ExportStats:
    """Files, categories, and statistics of annotations, from one pass over the batches."""

    files: list[pa.Table]
    file_parts: list[tuple[int, int]]  # part, records; one a batch
    categories: CategoriesUnion
    file_rows: list[tuple[Ints, Ints]]  # by batch: rows within the part, and how many annotations each has
    sizes: list[int]  # annotations by batch
    ids: list[NDArray[np.uint64]]
    without_id: list[bool]
    category_ids: list[dict[str, tuple[int, int]]]  # by batch: first row and count by id
    infos: list[Mapping[str, Any]]
    unknown_keys: Counter[str]
    raw_headers: dict[int, tuple[str, ...] | None] = field(default_factory=dict)  # by part
    list_states: list[Ints] = field(default_factory=list)  # by batch, of its files
    reported: list[tuple[int, Ints]] = field(default_factory=list)  # part, files with one of the REPORTS
    unread: list[tuple[int, Unread]] = field(default_factory=list)  # part, object without a row
    unclear: list[tuple[int, Ints]] = field(default_factory=list)  # part, files whose labels may belong to others
    unlinked: Counter[int] = field(default_factory=Counter)  # by part, annotations without a readable link
    has_made: bool = False
    suffixed: set[str] = field(default_factory=set)
    alone: bool = False  # annotations without their categories


def scan_ids(batches: Iterable[Tables]) -> ExportStats:
    """Pass over the batches once: the ids, the counts and the categories, without a copy of a column."""
    return collect_stats((batch, batch_stats(batch.annotations)) for batch in batches)


def collect_stats(scanned: Iterable[tuple[Tables, BatchStats]]) -> ExportStats:
    """Return the statistics of an export; the annotations of the batches are not read."""
    stats = ExportStats([], [], CategoriesUnion(), [], [], [], [], [], [], Counter())
    infos: dict[int, Mapping[str, Any]] = {}
    previous: tuple[int, pa.Table] | None = None
    named = False
    for batch, own in scanned:
        stats.list_states.append(_list_states(batch.files))
        stats.files.append(batch.files.drop_columns([LIST_STATE] if LIST_STATE in batch.files.column_names else []))
        stats.unread += [(batch.part, each) for each in batch.unread]
        if batch.unclear_files:
            stats.unclear.append((batch.part, np.array(sorted(batch.unclear_files), dtype=np.int64)))
        stats.unlinked[batch.part] += batch.unlinked
        stats.file_parts.append((batch.part, batch.files.num_rows))
        if previous is None or batch.part == previous[0] or not batch.categories.equals(previous[1]):
            stats.categories.add(batch.part, batch.categories.to_pylist())
        else:  # shards mostly have the same categories
            stats.categories.repeat(batch.part, previous[0])
        if batch.categories.num_rows:
            previous = (batch.part, batch.categories)
        infos[batch.part] = {**infos.get(batch.part, {}), **batch.info}
        stats.unknown_keys.update(batch.unknown_keys)
        stats.raw_headers[batch.part] = stats.raw_headers.get(batch.part) or batch.raw_header
        if batch.issues.num_rows:
            stats.reported.append((batch.part, _reported(batch.issues)))
        stats.file_rows.append(own.file_rows)
        stats.sizes.append(own.size)
        stats.ids.append(own.ids)
        stats.without_id.append(own.lacks_ids)
        stats.category_ids.append(own.category_ids)
        named |= own.is_named
        stats.has_made |= own.has_made
        stats.suffixed |= own.suffixed
    stats.infos = list(infos.values())
    stats.alone = named and not stats.categories.rows
    return stats


def _list_states(files: pa.Table) -> Ints:
    """Return the list states of a batch of files.

    Raises
    ------
    ValueError
        If the reader gave none: nothing may then be said about files without annotations.
    """
    if not files.num_rows:
        return np.zeros(0, dtype=np.int64)
    if LIST_STATE not in files.column_names:
        raise ValueError(f"files of a batch without the column {LIST_STATE!r}")
    states: Ints = files[LIST_STATE].to_numpy()
    return states


def _reported(issues: pa.Table) -> Ints:
    """Return the rows, within their part, of files with one of the `REPORTS`."""
    frame = issues.select(["code", "table", "position"]).to_pandas()
    reported = frame["code"].isin(REPORTS) & (frame["table"] == "files") & frame["position"].notna()
    rows: Ints = frame.loc[reported, "position"].to_numpy(dtype=np.int64)
    return rows


def batch_stats(annotations: pa.Table) -> BatchStats:
    """Return the statistics of the annotations of a batch."""
    rows = column_of(annotations, FILE_ROW)
    used, counts = np.unique(rows[rows >= 0], return_counts=True)
    own, lacks, made = np.array([], dtype=np.uint64), annotations.num_rows > 0, False
    suffixed: frozenset[str] = frozenset()
    if "annotation_id" in annotations.column_names:
        ids = annotations["annotation_id"]
        own, lacks = hashes(ids) if not ids.null_count else hashes(ids.drop_null()), bool(ids.null_count)
        made = bool(pc.any(pc.match_substring(ids, "/")).as_py())
        suffixed = frozenset(ids.filter(pc.match_substring_regex(ids, SUFFIXED)).to_pylist())
    firsts: dict[str, tuple[int, int]] = {}
    if annotations.num_rows and "category_id" in annotations.column_names:
        coded = annotations["category_id"].combine_chunks().dictionary_encode()
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        places, first, count = np.unique(codes, return_index=True, return_counts=True)
        words = coded.dictionary.to_pylist()
        firsts = {
            words[place]: (int(row), int(number))
            for place, row, number in zip(places, first, count, strict=True)
            if place >= 0
        }
    named = "category" in annotations.column_names
    return BatchStats((used, counts), annotations.num_rows, own, lacks, firsts, named, made, suffixed)


def column_of(annotations: pa.Table, name: str) -> Ints:
    """A column of whole numbers; -1 throughout where it is not there."""
    if name not in annotations.column_names:
        return np.full(annotations.num_rows, -1)
    values: Ints = annotations[name].to_numpy()
    return values


def final_files(batch: Tables, row_of: Mapping[int, Ints]) -> Ints:
    """The row of the finished files for each annotation of a batch, -1 for none."""
    return final_rows(column_of(batch.annotations, FILE_ROW), row_of.get(batch.part))


def final_rows(places: Ints, row_of: Ints | None) -> Ints:
    """The row of the finished files for each row within a part; -1 stays -1."""
    rows = np.full(len(places), -1)
    if row_of is not None and len(row_of):
        rows[places >= 0] = row_of[places[places >= 0]]
    return rows
