"""Second pass: files that are in several records, and annotations whose ids conflict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.frames.merge.annotation_ids import ID_COLUMNS, Edits, Place, Row, resolve_rows
from labellerr_ds.frames.merge.files import FilesUnion, unite_files
from labellerr_ds.frames.merge.generated_ids import id_prefix
from labellerr_ds.frames.merge.hashing import hashes, is_repeated, repeated_hashes, row_hashes
from labellerr_ds.frames.merge.ids import Ints
from labellerr_ds.frames.merge.scan_ids import ExportStats, column_of, final_rows
from labellerr_ds.frames.tables import FILE_ROW, Tables


@dataclass(frozen=True)
class _Conflicts:
    """What decides whether an annotation's id is in doubt."""

    files: FilesUnion
    row_of: Mapping[int, Ints]
    old_ids: Mapping[int, list[str | None]]  # by part, as the records came
    odd: Mapping[int, NDArray[np.bool_]]  # by part, the records whose annotations may need other ids
    repeated: NDArray[np.uint64]
    category_ids: Mapping[int, Mapping[str, str]]


@dataclass(frozen=True)
class Resolution:
    """The files of an export, each once, and what changes in its annotations.

    Attributes
    ----------
    files : FilesUnion
    row_of : by part
        The row of the files for each record.
    edits : Edits
    """

    files: FilesUnion
    row_of: Mapping[int, Ints]
    edits: Edits


def resolve_conflicts(batches: Sequence[Tables], stats: ExportStats) -> Resolution:
    """Unite the files of all parts, and decide the ids of annotations that conflict.

    Parameters
    ----------
    batches : sequence of Tables
        Read again only where ids conflict.
    stats : ExportStats
    """
    counts = [count for _, count in stats.file_parts]
    parts = np.repeat([part for part, _ in stats.file_parts], counts).astype(np.int64)
    records = pa.concat_tables(stats.files, promote_options="default") if stats.files else pa.table({})
    records = records.combine_chunks()  # rows are taken out of it once a batch
    if "file_id" not in records.column_names:
        records = records.append_column("file_id", pa.nulls(len(parts), pa.large_string()))
    files = unite_files(records, parts)
    row_of = _by_part(files.row_of, parts)
    return Resolution(files, row_of, _resolve_annotations(batches, stats, files, row_of))


def _by_part(row_of: Ints, parts: Ints) -> dict[int, Ints]:
    """The rows of each part, in order."""
    order = np.argsort(parts, kind="stable")
    names, firsts = np.unique(parts[order], return_index=True)
    return dict(zip(names.tolist(), np.split(row_of[order], firsts[1:]), strict=True)) if len(names) else {}


def _resolve_annotations(
    batches: Sequence[Tables], stats: ExportStats, files: FilesUnion, row_of: Mapping[int, Ints]
) -> Edits:
    """Return the edits of annotations of files in several records, and of ids that are repeated."""
    repeated = repeated_hashes(stats.ids)
    final_ids = files.table["file_id"]
    odd = {}
    if stats.has_made:  # else every id is the service's or a number, whatever its file is called
        lacks_id = final_ids.is_null().to_numpy()
        is_split = np.zeros(len(final_ids), dtype=bool)
        if files.split is not None:
            is_split = pc.is_in(final_ids, value_set=files.split.combine_chunks()).to_numpy()
        odd = {part: _odd_files(rows, lacks_id, is_split) for part, rows in row_of.items()}
    if not len(repeated) and not any(each.any() for each in odd.values()):
        return Edits()
    numbered, repeated = _numbers_apart(batches, stats, files, row_of, repeated, odd)
    if not len(repeated) and not any(each.any() for each in odd.values()):
        return numbered
    old_ids: dict[int, list[str | None]] = {}
    for (part, _), table_ in zip(stats.file_parts, stats.files, strict=True):
        ids = table_["file_id"].to_pylist() if "file_id" in table_.column_names else [None] * table_.num_rows
        old_ids.setdefault(part, []).extend(ids)
    conflicts = _Conflicts(files, row_of, old_ids, odd, repeated, stats.categories.ids)
    new_ids = final_ids.to_pylist()
    rows: list[Row] = []
    for number, ((part, _), (places, _)) in enumerate(zip(stats.file_parts, stats.file_rows, strict=True)):
        if is_repeated(repeated, stats.ids[number]).any() or (part in odd and odd[part][places].any()):
            rows += _conflicting_rows(number, batches[number], conflicts, new_ids)
    edits = resolve_rows(rows, stats.suffixed)
    edits.suffixes, edits.suffixed = numbered.suffixes, numbered.suffixed
    edits.renamed = [*numbered.renamed, *edits.renamed]
    return edits


class _Numbered(NamedTuple):
    """Of a batch the rows whose ids are repeated, and the place of each id among the repeated ones."""

    batch: int
    rows: NDArray[np.int32]
    places: NDArray[np.int32]


def _numbers_apart(
    batches: Sequence[Tables],
    stats: ExportStats,
    files: FilesUnion,
    row_of: Mapping[int, Ints],
    repeated: NDArray[np.uint64],
    odd: Mapping[int, NDArray[np.bool_]],
) -> tuple[Edits, NDArray[np.uint64]]:
    """Suffixes for numbers of COCO that parts use for files of their own each, and the ids that stay in doubt.

    Shards that all count from 0 have every number as often as there are shards: so it is done on columns, a batch
    after the other, with a few bytes for each annotation.
    """
    edits = Edits()
    if stats.suffixed:
        return edits, repeated  # suffixes that are there already may be those that would be made
    good = np.ones(len(repeated), dtype=bool)
    last_part = np.full(len(repeated), -1, dtype=np.int64)
    in_several = np.bincount(files.row_of, minlength=1) > 1  # files that more than one part may have
    shared: list[NDArray[np.int64]] = []
    numbered: list[_Numbered] = []
    for number, (part, _) in enumerate(stats.file_parts):
        if not is_repeated(repeated, stats.ids[number]).any():
            continue
        annotations = batches[number].annotations
        ids = annotations["annotation_id"]
        own = hashes(ids)
        rows = np.flatnonzero(is_repeated(repeated, own) & ~ids.is_null().to_numpy())
        plain = np.zeros(len(rows), dtype=bool)
        if "coco_id" in annotations.column_names:
            same = pc.equal(ids, annotations["coco_id"].cast(pa.large_string())).fill_null(False)
            plain = same.to_numpy()[rows]
        homes = column_of(annotations, FILE_ROW)[rows]
        targets = final_rows(homes, row_of.get(part))
        plain &= targets >= 0
        if part in odd:
            plain[homes >= 0] &= ~odd[part][homes[homes >= 0]]
        places = np.searchsorted(repeated, own[rows])
        good[places[~plain]] = False
        ordered = np.sort(places)
        good[ordered[1:][ordered[1:] == ordered[:-1]]] = False  # once a part
        good[places[last_part[places] == part]] = False  # its batches follow each other
        last_part[places] = part
        crossing = (targets >= 0) & in_several[targets]
        shared.append(places[crossing] * len(in_several) + targets[crossing])
        numbered.append(_Numbered(number, rows.astype(np.int32), places.astype(np.int32)))
    pairs = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *shared]))
    good[pairs[1:][pairs[1:] == pairs[:-1]] // len(in_several)] = False  # and once a file
    _add_suffixes(edits, numbered, good, stats.sizes)
    if edits.suffixed:
        first = next(each for each in numbered if good[each.places].any())
        row = int(first.rows[np.flatnonzero(good[first.places])[0]])
        row_id = batches[first.batch].annotations["annotation_id"][row].as_py()
        edits.renamed.append((row_id, f"{row_id}-2"))
        edits.suffixed -= 1
    return edits, repeated[~good]


def _add_suffixes(edits: Edits, numbered: Sequence[_Numbered], good: NDArray[np.bool_], sizes: Sequence[int]) -> None:
    """A suffix for every id that was there before, counted in the order of the batches."""
    counts = np.zeros(len(good), dtype=np.int32)
    for batch, rows, places in numbered:
        fine = good[places]
        ranks = counts[places[fine]]
        counts[places[fine]] += 1  # such an id is once in a batch
        if not ranks.any():
            continue
        suffixes = np.zeros(sizes[batch], dtype=np.int32)
        suffixes[rows[fine]] = np.where(ranks > 0, ranks + 1, 0)
        edits.suffixes[batch] = suffixes
        edits.suffixed += int((ranks > 0).sum())


def _odd_files(rows: Ints, lacks_id: NDArray[np.bool_], is_split: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of a part's records those whose annotations may need other ids than their reader could give."""
    return np.asarray((lacks_id[rows] & (rows != np.arange(len(rows)))) | is_split[rows])


def _conflicting_rows(number: int, batch: Tables, conflicts: _Conflicts, new_ids: list[str | None]) -> Iterator[Row]:
    annotations, part = batch.annotations, batch.part
    places = column_of(annotations, FILE_ROW)
    final = final_rows(places, conflicts.row_of.get(part))
    again = np.zeros(len(places), dtype=bool)
    if len(conflicts.repeated) and "annotation_id" in annotations.column_names:
        known = ~annotations["annotation_id"].is_null().to_numpy()
        again = is_repeated(conflicts.repeated, hashes(annotations["annotation_id"])) & known
    odd = np.zeros(len(places), dtype=bool)
    odd[places >= 0] = conflicts.odd[part][places[places >= 0]] if part in conflicts.odd else False
    rows = np.flatnonzero(again | odd)
    if not len(rows):
        return
    taken = annotations.take(pa.array(rows))
    contents = row_hashes(taken)
    named = {name: taken[name].to_pylist() if name in taken.column_names else [None] * len(rows) for name in ID_COLUMNS}
    numbers = taken["coco_image_id"].to_pylist() if "coco_image_id" in taken.column_names else [None] * len(rows)
    renamed = conflicts.category_ids.get(part, {})
    for at, row in enumerate(rows):
        ids = {name: column[at] for name, column in named.items()}
        if ids["category_id"] is not None:
            ids["category_id"] = renamed.get(ids["category_id"], ids["category_id"])
        place, target = int(places[row]), int(final[row])
        yield Row(
            place=Place(number, int(row)),
            record=(part, place),
            file=target,
            old_home=id_prefix(conflicts.old_ids[part][place] if place >= 0 else None, place),
            home=id_prefix(new_ids[target] if target >= 0 else None, target),
            ids=ids,
            content=_content(int(contents[at]), target, numbers[at]) if again[row] else None,
            is_counted=bool(odd[row]),
        )


def _content(row_hash: int, file: int, image_number: int | None) -> int:
    """What a row says; of one without a file the number that leads nowhere is all there is of it."""
    return row_hash if file >= 0 else hash((row_hash, image_number))
