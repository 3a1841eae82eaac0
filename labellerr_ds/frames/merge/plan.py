"""The plan of a merge: what changes in each batch, and what only the whole export has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from labellerr_ds.frames import schema
from labellerr_ds.frames.merge.annotation_ids import Edits
from labellerr_ds.frames.merge.conflicts import Resolution
from labellerr_ds.frames.merge.evidence import Evidence, gather_evidence, info_with_unread, with_unread
from labellerr_ds.frames.merge.files import FilesUnion
from labellerr_ds.frames.merge.generated_ids import missing_positions
from labellerr_ds.frames.merge.ids import Ints, has_repeats
from labellerr_ds.frames.merge.issues import Issue, issue_rows
from labellerr_ds.frames.merge.provenance import unite_info
from labellerr_ds.frames.merge.scan_ids import ExportStats, column_of, final_files, final_rows
from labellerr_ds.frames.tables import FILE_ROW, Tables, complete, dictionary, table


@dataclass(frozen=True)
class Plan:
    """What to do with each batch; it holds the files, and of the annotations no more than a few numbers.

    Attributes
    ----------
    files, categories : pyarrow.Table
        Finished.
    row_of : by part
        The row of `files` for each record that came.
    spans : by batch
        Which rows of `files` come with it: from, to.
    category_ids : by part
        New ids of categories by those they came with.
    edits : Edits
        Of annotations.
    positions : by batch
        Of its annotations, where some have no id: see `missing_positions`.
    starts : by batch
        The row that its first annotation has in the whole.
    category_places : by part
        The row of `categories` for each that came.
    issues : pyarrow.Table
        Those that no batch has by itself.
    info : dict
    unknown_keys : Counter
    raw_header : tuple of str or None
        Of a csv, where every part has the same.
    numbers : (N,) integers or None
        Where it is a part of another plan, the row that each of its `files` has there.
    """

    files: pa.Table
    categories: pa.Table
    row_of: Mapping[int, Ints]
    spans: Sequence[tuple[int, int]]
    category_ids: Mapping[int, Mapping[str, str]]
    category_places: Mapping[int, Sequence[int]]
    edits: Edits
    positions: Mapping[int, Ints]
    starts: Sequence[int]
    issues: pa.Table
    info: dict[str, Any]
    unknown_keys: Counter[str]
    raw_header: tuple[str, ...] | None
    numbers: Ints | None = None


def plan(batches: Sequence[Tables], stats: ExportStats, resolution: Resolution) -> Plan:
    """Return what changes in each batch, and what only the whole export has.

    Parameters
    ----------
    batches : sequence of Tables
        Read again only if annotations without an id, or rows that are dropped, are in them.
    stats : ExportStats
    resolution : Resolution
    """
    files, row_of, edits = resolution.files, resolution.row_of, resolution.edits
    spans = _spans(stats.file_parts, files.row_of)
    sizes = [size - len(edits.dropped.get(batch, ())) for batch, size in enumerate(stats.sizes)]
    starts = np.cumsum([0, *sizes])[:-1].tolist()
    categories = stats.categories
    counts = _counts(batches, stats, files, row_of, edits)
    evidence = gather_evidence(stats, files.row_of, row_of, files.table["file_id"])
    finished, file_issues = _finish_files(with_unread(files.table, evidence.unread), counts, evidence)
    issues = [*files.issues, *file_issues, *categories.reported(), *_dangling(stats, starts, edits)]
    for place, issue in edits.issues:
        dropped = sum(row < place.row for row in edits.dropped.get(place.batch, ()))
        issues.append(issue._replace(position=starts[place.batch] + place.row - dropped))
    if edits.renamed:
        first, count = edits.renamed[0], len(edits.renamed) + edits.suffixed
        message = (
            f"{count:,} annotations have a COCO id that another file of the export uses for another image; a suffix "
            f"keeps them apart. The first: {first[0]!r} is {first[1]!r}."
        )
        issues.append(Issue("warning", "reused_coco_id", "annotations", None, None, message))
    rows = categories.rows
    names = [column.name for column in schema.TABLES["categories"]]
    return Plan(
        files=finished,
        categories=complete(
            "categories", table("categories", {name: [row.get(name) for row in rows] for name in names}, len(rows))
        ),
        row_of=row_of,
        spans=spans,
        category_ids=categories.ids,
        category_places=categories.places,
        edits=edits,
        positions=missing_positions(
            batches, stats.without_id, lambda batch: final_files(batch, row_of), stats.categories.ids
        ),
        starts=starts,
        issues=complete("issues", table("issues", issue_rows(issues), len(issues))),
        info=info_with_unread(unite_info(stats.infos), evidence.unread),
        unknown_keys=stats.unknown_keys,
        raw_header=next(iter(stats.raw_headers.values())) if len(set(stats.raw_headers.values())) == 1 else None,
    )


def _spans(file_parts: Sequence[tuple[int, int]], row_of: Ints) -> list[tuple[int, int]]:
    """Of each batch the finished files whose first record is in it; they follow each other."""
    first = np.zeros(int(row_of.max(initial=-1)) + 1, dtype=np.int64)
    first[row_of[::-1]] = np.arange(len(row_of))[::-1]
    ends = np.searchsorted(first, np.cumsum([count for _, count in file_parts]))
    return list(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))


def _counts(
    batches: Sequence[Tables], stats: ExportStats, files: FilesUnion, row_of: Mapping[int, Ints], edits: Edits
) -> Ints:
    """Annotations of each finished file; records that differ under one id have those of the id as a whole."""
    table_ = files.table
    counts = np.zeros(table_.num_rows, dtype=np.int64)
    for part, (rows, number_of) in zip((part for part, _ in stats.file_parts), stats.file_rows, strict=True):
        np.add.at(counts, final_rows(rows, row_of.get(part)), number_of)
    for number, dropped in edits.dropped.items():
        batch = batches[number]
        places = final_rows(column_of(batch.annotations, FILE_ROW)[dropped], row_of.get(batch.part))
        np.subtract.at(counts, places[places >= 0], 1)
    if has_repeats(table_["file_id"]):
        ids = pd.Series(table_["file_id"].to_pylist(), dtype=object)
        shared = pd.Series(counts).groupby(ids, dropna=True).transform("sum").to_numpy()
        counts = np.where(ids.isna(), counts, shared).astype(np.int64)
    return counts


def _finish_files(table_: pa.Table, counts: Ints, evidence: Evidence) -> tuple[pa.Table, list[Issue]]:
    issues = []
    words, codes = list(schema.STATUSES), np.full(table_.num_rows, -1)
    if "status" in table_.column_names:
        codes, words = schema.dictionary_of(table_["status"], schema.STATUSES)
    for row in np.flatnonzero(codes >= len(schema.STATUSES)):
        file_id = table_["file_id"][int(row)].as_py()
        message = f"file {file_id} has the unknown status {words[codes[row]]!r}."
        issues.append(Issue("warning", "unknown_status", "files", str(file_id), int(row), message))
    states = schema.label_states(codes, words, counts, evidence.found_empty)
    issues += evidence.issues(table_["file_id"], counts)
    derived = {
        "status": dictionary(codes, words),
        "annotation_count": pa.array(counts),
        "label_state": dictionary(states, schema.LABEL_STATES),
    }
    for name, values in derived.items():
        if name in table_.column_names:
            table_ = table_.drop_columns([name])
        table_ = table_.append_column(name, values)
    return complete("files", table_), issues


def _dangling(stats: ExportStats, starts: Sequence[int], edits: Edits) -> Iterator[Issue]:
    """Categories that annotations name, and that the export does not have."""
    if stats.alone:
        return
    known = {row.get("category_id") for row in stats.categories.rows}
    known.update(*(ids for ids in stats.categories.ids.values()))
    dangling: dict[str, tuple[int, int]] = {}
    for batch, firsts in enumerate(stats.category_ids):
        for category_id in sorted(set(firsts) - known):
            row, count = firsts[category_id]
            dropped = sum(each < row for each in edits.dropped.get(batch, ()))
            first, total = dangling.get(category_id, (starts[batch] + row - dropped, 0))
            dangling[category_id] = (first, total + count)
    for category_id, (position, count) in dangling.items():
        message = f"{count:,} annotations name the category {category_id!r}, which is not in the export."
        yield Issue("error", "dangling_category_id", "annotations", category_id, position, message)
