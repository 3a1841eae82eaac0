"""One look at every batch of an export: what has to change in each, and what only the whole shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds import schema
from labellerr_ds.finish.identity import (
    ID_COLUMNS,
    Edits,
    Place,
    Row,
    doubtful,
    hashes,
    home_of,
    repeated_hashes,
    resolve,
    row_hashes,
)
from labellerr_ds.finish.positions import missing_positions
from labellerr_ds.finish.union import (
    CategoriesUnion,
    FilesUnion,
    Issue,
    has_repeats,
    issue_rows,
    unite_files,
    unite_info,
)
from labellerr_ds.tables import FILE_ROW, Tables, complete, dictionary, table

Ints = NDArray[np.int64]


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


@dataclass
class _Seen:
    """What one look at the batches gathers."""

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
    alone: bool = False  # annotations without their categories


def plan(batches: Sequence[Tables]) -> Plan:
    """Look at every batch once, and at what is in doubt again."""
    seen = _look(batches)
    parts = np.repeat([part for part, _ in seen.file_parts], [count for _, count in seen.file_parts]).astype(np.int64)
    every = pa.concat_tables(seen.files, promote_options="default") if seen.files else pa.table({})
    if "file_id" not in every.column_names:
        every = every.append_column("file_id", pa.nulls(len(parts), pa.large_string()))
    files = unite_files(every, parts)
    row_of = {part: files.row_of[parts == part] for part in dict.fromkeys(parts.tolist())}
    spans = _spans(seen.file_parts, files.row_of)
    edits = _resolve_doubts(batches, seen, files, row_of)
    sizes = [size - len(edits.dropped.get(batch, ())) for batch, size in enumerate(seen.sizes)]
    starts = np.cumsum([0, *sizes])[:-1].tolist()
    categories = seen.categories
    finished, file_issues = _finish_files(files, _counts(batches, seen, files, row_of, edits))
    issues = [*files.issues, *file_issues, *categories.reported(), *_dangling(seen, starts, edits)]
    for place, issue in edits.issues:
        dropped = sum(row < place.row for row in edits.dropped.get(place.batch, ()))
        issues.append(issue._replace(position=starts[place.batch] + place.row - dropped))
    if edits.renamed:
        first = edits.renamed[0]
        message = (
            f"{len(edits.renamed):,} annotations have a COCO id that another file of the export uses for another "
            f"image; a suffix keeps them apart. The first: {first[0]!r} is {first[1]!r}."
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
            batches, seen.without_id, lambda batch: final_files(batch, row_of), seen.categories.ids
        ),
        starts=starts,
        issues=complete("issues", table("issues", issue_rows(issues), len(issues))),
        info=unite_info(seen.infos),
        unknown_keys=seen.unknown_keys,
        raw_header=next(iter(seen.raw_headers.values())) if len(set(seen.raw_headers.values())) == 1 else None,
    )


def _look(batches: Sequence[Tables]) -> _Seen:
    seen = _Seen([], [], CategoriesUnion(), [], [], [], [], [], [], Counter())
    infos: dict[int, Mapping[str, Any]] = {}
    previous: tuple[int, pa.Table] | None = None
    for batch in batches:
        seen.files.append(batch.files)
        seen.file_parts.append((batch.part, batch.files.num_rows))
        if previous is None or batch.part == previous[0] or not batch.categories.equals(previous[1]):
            seen.categories.add(batch.part, batch.categories.to_pylist())
        else:  # shards mostly have the same categories
            seen.categories.repeat(batch.part, previous[0])
        if batch.categories.num_rows:
            previous = (batch.part, batch.categories)
        infos[batch.part] = {**infos.get(batch.part, {}), **batch.info}
        seen.unknown_keys.update(batch.unknown_keys)
        seen.raw_headers[batch.part] = seen.raw_headers.get(batch.part) or batch.raw_header
        _look_at_annotations(batch.annotations, seen)
    seen.infos = list(infos.values())
    named = any("category" in batch.annotations.column_names for batch in batches)
    seen.alone = named and not seen.categories.rows
    return seen


def _look_at_annotations(annotations: pa.Table, seen: _Seen) -> None:
    rows = column_of(annotations, FILE_ROW)
    used, counts = np.unique(rows[rows >= 0], return_counts=True)
    seen.file_rows.append((used, counts))
    seen.sizes.append(annotations.num_rows)
    if "annotation_id" in annotations.column_names:
        ids = annotations["annotation_id"]
        seen.ids.append(hashes(ids) if not ids.null_count else hashes(ids.drop_null()))
        seen.without_id.append(bool(ids.null_count))
    else:
        seen.ids.append(np.array([], dtype=np.uint64))
        seen.without_id.append(annotations.num_rows > 0)
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
    seen.category_ids.append(firsts)


def _spans(file_parts: Sequence[tuple[int, int]], row_of: Ints) -> list[tuple[int, int]]:
    """Of each batch the finished files whose first record is in it; they follow each other."""
    first = np.zeros(int(row_of.max(initial=-1)) + 1, dtype=np.int64)
    first[row_of[::-1]] = np.arange(len(row_of))[::-1]
    ends = np.searchsorted(first, np.cumsum([count for _, count in file_parts]))
    return list(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))


# --- annotations in doubt


@dataclass(frozen=True)
class _Doubts:
    """What decides whether an annotation's id is in doubt."""

    files: FilesUnion
    row_of: Mapping[int, Ints]
    old_ids: Mapping[int, list[str | None]]  # by part, as the records came
    odd: Mapping[int, NDArray[np.bool_]]  # by part, the records whose annotations may need other ids
    repeated: NDArray[np.uint64]
    category_ids: Mapping[int, Mapping[str, str]]


def _resolve_doubts(batches: Sequence[Tables], seen: _Seen, files: FilesUnion, row_of: Mapping[int, Ints]) -> Edits:
    """Look again at annotations of files in several records, and at ids that are repeated."""
    repeated = repeated_hashes(seen.ids)
    final_ids = files.table["file_id"]
    odd = {part: _odd_files(rows, final_ids, files.split) for part, rows in row_of.items()}
    if not len(repeated) and not any(each.any() for each in odd.values()):
        return Edits()
    old_ids: dict[int, list[str | None]] = {}
    for (part, _), table_ in zip(seen.file_parts, seen.files, strict=True):
        ids = table_["file_id"].to_pylist() if "file_id" in table_.column_names else [None] * table_.num_rows
        old_ids.setdefault(part, []).extend(ids)
    doubts = _Doubts(files, row_of, old_ids, odd, repeated, seen.categories.ids)
    new_ids = final_ids.to_pylist()
    rows: list[Row] = []
    for number, batch in enumerate(batches):
        if batch.annotations.num_rows:
            rows += _doubtful_rows(number, batch, doubts, new_ids)
    return resolve(rows)


def _odd_files(rows: Ints, ids: pa.ChunkedArray, split: set[str]) -> NDArray[np.bool_]:
    """Of a part's records those whose annotations may need other ids than their reader could give."""
    moved = ids.is_null().to_numpy()[rows] & (rows != np.arange(len(rows)))
    if not split:
        return np.asarray(moved)
    again = pc.is_in(ids, pa.array(list(split), pa.large_string())).to_numpy()[rows]
    return np.asarray(moved | again)


def _doubtful_rows(number: int, batch: Tables, doubts: _Doubts, new_ids: list[str | None]) -> Iterator[Row]:
    annotations, part = batch.annotations, batch.part
    places = column_of(annotations, FILE_ROW)
    final = final_rows(places, doubts.row_of.get(part))
    again = np.zeros(len(places), dtype=bool)
    if len(doubts.repeated) and "annotation_id" in annotations.column_names:
        known = ~annotations["annotation_id"].is_null().to_numpy()
        again = doubtful(doubts.repeated, hashes(annotations["annotation_id"])) & known
    odd = np.zeros(len(places), dtype=bool)
    odd[places >= 0] = doubts.odd[part][places[places >= 0]] if part in doubts.odd else False
    rows = np.flatnonzero(again | odd)
    if not len(rows):
        return
    taken = annotations.take(pa.array(rows))
    contents = row_hashes(taken)
    named = {name: taken[name].to_pylist() if name in taken.column_names else [None] * len(rows) for name in ID_COLUMNS}
    numbers = taken["coco_image_id"].to_pylist() if "coco_image_id" in taken.column_names else [None] * len(rows)
    renamed = doubts.category_ids.get(part, {})
    for at, row in enumerate(rows):
        ids = {name: column[at] for name, column in named.items()}
        if ids["category_id"] is not None:
            ids["category_id"] = renamed.get(ids["category_id"], ids["category_id"])
        place, target = int(places[row]), int(final[row])
        yield Row(
            place=Place(number, int(row)),
            record=(part, place),
            file=target,
            old_home=home_of(doubts.old_ids[part][place] if place >= 0 else None, place),
            home=home_of(new_ids[target] if target >= 0 else None, target),
            ids=ids,
            content=_content(int(contents[at]), target, numbers[at]) if again[row] else None,
        )


def _content(row_hash: int, file: int, image_number: int | None) -> int:
    """What a row says; of one without a file the number that leads nowhere is all there is of it."""
    return row_hash if file >= 0 else hash((row_hash, image_number))


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
    found = np.full(len(places), -1)
    if row_of is not None and len(row_of):
        found[places >= 0] = row_of[places[places >= 0]]
    return found


# --- files and categories


def _counts(
    batches: Sequence[Tables], seen: _Seen, files: FilesUnion, row_of: Mapping[int, Ints], edits: Edits
) -> Ints:
    """Annotations of each finished file; records that differ under one id have those of the id as a whole."""
    table_ = files.table
    counts = np.zeros(table_.num_rows, dtype=np.int64)
    for part, (rows, each) in zip((part for part, _ in seen.file_parts), seen.file_rows, strict=True):
        np.add.at(counts, final_rows(rows, row_of.get(part)), each)
    for number, dropped in edits.dropped.items():
        batch = batches[number]
        places = final_rows(column_of(batch.annotations, FILE_ROW)[dropped], row_of.get(batch.part))
        np.subtract.at(counts, places[places >= 0], 1)
    if has_repeats(table_["file_id"]):
        ids = pd.Series(table_["file_id"].to_pylist(), dtype=object)
        shared = pd.Series(counts).groupby(ids, dropna=True).transform("sum").to_numpy()
        counts = np.where(ids.isna(), counts, shared).astype(np.int64)
    return counts


def _finish_files(files: FilesUnion, counts: Ints) -> tuple[pa.Table, list[Issue]]:
    table_, issues = files.table, []
    words, codes = list(schema.STATUSES), np.full(table_.num_rows, -1)
    if "status" in table_.column_names:
        codes, words = schema.dictionary_of(table_["status"], schema.STATUSES)
    for row in np.flatnonzero(codes >= len(schema.STATUSES)):
        file_id = table_["file_id"][int(row)].as_py()
        message = f"file {file_id} has the unknown status {words[codes[row]]!r}."
        issues.append(Issue("warning", "unknown_status", "files", str(file_id), int(row), message))
    derived = {
        "status": dictionary(codes, words),
        "annotation_count": pa.array(counts),
        "label_state": dictionary(schema.label_states(codes, words, counts), schema.LABEL_STATES),
    }
    for name, values in derived.items():
        if name in table_.column_names:
            table_ = table_.drop_columns([name])
        table_ = table_.append_column(name, values)
    return complete("files", table_), issues


def _dangling(seen: _Seen, starts: Sequence[int], edits: Edits) -> Iterator[Issue]:
    """Categories that annotations name, and that the export does not have."""
    if seen.alone:
        return
    known = {row.get("category_id") for row in seen.categories.rows}
    known.update(*(ids for ids in seen.categories.ids.values()))
    found: dict[str, tuple[int, int]] = {}
    for batch, firsts in enumerate(seen.category_ids):
        for category_id in sorted(set(firsts) - known):
            row, count = firsts[category_id]
            dropped = sum(each < row for each in edits.dropped.get(batch, ()))
            first, total = found.get(category_id, (starts[batch] + row - dropped, 0))
            found[category_id] = (first, total + count)
    for category_id, (position, count) in found.items():
        message = f"{count:,} annotations name the category {category_id!r}, which is not in the export."
        yield Issue("error", "dangling_category_id", "annotations", category_id, position, message)
