"""The second look: annotations whose ids are in doubt, of files in several records, or with an id that is repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
from labellerr_ds.finish.look import Ints, Seen, column_of, final_rows
from labellerr_ds.finish.union import FilesUnion
from labellerr_ds.tables import FILE_ROW, Tables


@dataclass(frozen=True)
class _Doubts:
    """What decides whether an annotation's id is in doubt."""

    files: FilesUnion
    row_of: Mapping[int, Ints]
    old_ids: Mapping[int, list[str | None]]  # by part, as the records came
    odd: Mapping[int, NDArray[np.bool_]]  # by part, the records whose annotations may need other ids
    repeated: NDArray[np.uint64]
    category_ids: Mapping[int, Mapping[str, str]]


def resolve_doubts(batches: Sequence[Tables], seen: Seen, files: FilesUnion, row_of: Mapping[int, Ints]) -> Edits:
    """Look again at annotations of files in several records, and at ids that are repeated."""
    repeated = repeated_hashes(seen.ids)
    final_ids = files.table["file_id"]
    odd = {}
    if seen.has_made:  # else every id is the service's or a number, whatever its file is called
        odd = {part: _odd_files(rows, final_ids, files.split) for part, rows in row_of.items()}
    if not len(repeated) and not any(each.any() for each in odd.values()):
        return Edits()
    numbered, repeated = _numbers_apart(batches, seen, row_of, repeated, odd)
    if not len(repeated) and not any(each.any() for each in odd.values()):
        return numbered
    old_ids: dict[int, list[str | None]] = {}
    for (part, _), table_ in zip(seen.file_parts, seen.files, strict=True):
        ids = table_["file_id"].to_pylist() if "file_id" in table_.column_names else [None] * table_.num_rows
        old_ids.setdefault(part, []).extend(ids)
    doubts = _Doubts(files, row_of, old_ids, odd, repeated, seen.categories.ids)
    new_ids = final_ids.to_pylist()
    rows: list[Row] = []
    for number, ((part, _), (places, _)) in enumerate(zip(seen.file_parts, seen.file_rows, strict=True)):
        if doubtful(repeated, seen.ids[number]).any() or (part in odd and odd[part][places].any()):
            rows += _doubtful_rows(number, batches[number], doubts, new_ids)
    edits = resolve(rows)
    edits.suffixes, edits.suffixed = numbered.suffixes, numbered.suffixed
    edits.renamed = [*numbered.renamed, *edits.renamed]
    return edits


_SUFFIXED = "^[0-9]+-[0-9]+$"


def _numbers_apart(
    batches: Sequence[Tables],
    seen: Seen,
    row_of: Mapping[int, Ints],
    repeated: NDArray[np.uint64],
    odd: Mapping[int, NDArray[np.bool_]],
) -> tuple[Edits, NDArray[np.uint64]]:
    """Suffixes for numbers of COCO that parts use for files of their own each, and the ids that stay in doubt.

    Shards that all count from 0 have every number as often as there are shards: that is done on columns.
    """
    edits = Edits()
    columns: list[tuple[NDArray[Any], ...]] = []
    for number, (part, _) in enumerate(seen.file_parts):
        if not doubtful(repeated, seen.ids[number]).any():
            continue
        annotations = batches[number].annotations
        ids = annotations["annotation_id"]
        own = hashes(ids)
        rows = np.flatnonzero(doubtful(repeated, own) & ~ids.is_null().to_numpy())
        plain = np.zeros(len(rows), dtype=bool)
        if "coco_id" in annotations.column_names:
            same = pc.equal(ids, annotations["coco_id"].cast(pa.large_string())).fill_null(False)
            plain = same.to_numpy()[rows]
        if pc.any(pc.match_substring_regex(ids.take(pa.array(rows[~plain])), _SUFFIXED)).as_py():
            return edits, repeated  # suffixes that are there already may be those that would be made
        places = column_of(annotations, FILE_ROW)[rows]
        files = final_rows(places, row_of.get(part))
        plain &= files >= 0
        if part in odd:
            plain[places >= 0] &= ~odd[part][places[places >= 0]]
        count = len(rows)
        columns.append((own[rows], np.full(count, number), rows, np.full(count, part), files, plain))
    if not columns:
        return edits, repeated
    every, numbers, rows, parts, files, plain = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(every, kind="stable")
    starts = np.flatnonzero(np.append(True, every[order][1:] != every[order][:-1]))
    sizes = np.diff(np.append(starts, len(order)))
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.repeat(np.arange(len(starts)), sizes)
    good = np.logical_and.reduceat(plain[order], starts)
    for key in (parts, files):  # once a part, and once a file
        by_key = np.lexsort((key, group))
        again = (group[by_key][1:] == group[by_key][:-1]) & (key[by_key][1:] == key[by_key][:-1])
        good[group[by_key][1:][again]] = False
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    moved = good[group] & (rank > 0)
    for number in np.unique(numbers[moved]).tolist():
        mine = moved & (numbers == number)
        edits.suffixes[number] = np.zeros(seen.sizes[number], dtype=np.int64)
        edits.suffixes[number][rows[mine]] = rank[mine] + 1
    edits.suffixed = int(moved.sum())
    if edits.suffixed:
        first = int(np.flatnonzero(good[group] & (rank == 0))[0])
        row_id = batches[int(numbers[first])].annotations["annotation_id"][int(rows[first])].as_py()
        edits.renamed.append((row_id, f"{row_id}-2"))
        edits.suffixed -= 1
    return edits, np.sort(every[order][starts][~good])


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
            is_counted=bool(odd[row]),
        )


def _content(row_hash: int, file: int, image_number: int | None) -> int:
    """What a row says; of one without a file the number that leads nowhere is all there is of it."""
    return row_hash if file >= 0 else hash((row_hash, image_number))
