"""Apply the plan of a merge to a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.frames import schema
from labellerr_ds.frames.merge.generated_ids import filled_ids
from labellerr_ds.frames.merge.ids import Ints
from labellerr_ds.frames.merge.plan import Plan
from labellerr_ds.frames.merge.scan_ids import column_of, final_files, final_rows
from labellerr_ds.frames.tables import FILE_ROW, Tables, complete, dictionary, empty, joined

TOGETHER_ROWS = 100_000


def apply(whole: Plan, batch: Tables, number: int) -> Tables:
    """A batch with everything that the whole export gives it.

    Parameters
    ----------
    whole : Plan
    batch : Tables
    number : int
        Its place among the batches that were planned.

    Returns
    -------
    Tables
        Its files and annotations, with all columns of the schema, and its own issues. The categories are those of
        the whole.
    """
    start, stop = whole.spans[number]
    return Tables(
        files=whole.files.slice(start, stop - start),
        annotations=_annotations(whole, [(number, batch)]),
        categories=whole.categories,
        issues=moved_issues(whole, batch, number),
        info=whole.info,
        raw=batch.raw if whole.raw_header else None,
        raw_header=whole.raw_header,
    )


def merged_annotations(whole: Plan, batches: Sequence[Tables]) -> pa.Table:
    """Return the finished annotations of all batches."""
    return joined("annotations", [_annotations(whole, some) for some in _grouped(whole, batches)])


# --- a batch, or small ones together

_Numbered = Sequence[tuple[int, Tables]]


def _grouped(whole: Plan, batches: Sequence[Tables]) -> Iterator[_Numbered]:
    """Batches in order, small ones that need the same together: an export may be in thousands of files."""
    held: list[tuple[int, Tables]] = []
    rows = 0
    for number, batch in enumerate(batches):
        if held and (rows >= TOGETHER_ROWS or _renames(whole, batch) != _renames(whole, held[-1][1])):
            yield held
            held, rows = [], 0
        held.append((number, batch))
        rows += batch.annotations.num_rows
    if held:
        yield held


def _renames(whole: Plan, batch: Tables) -> Mapping[str, str]:
    return whole.category_ids.get(batch.part, {})


def _annotations(whole: Plan, batches: _Numbered) -> pa.Table:
    """The finished annotations of batches whose categories are renamed alike."""
    edited = [_edited(whole, batch, number) for number, batch in batches]
    rows = [
        final_rows(column_of(annotations, FILE_ROW), whole.row_of.get(batch.part))
        for annotations, (_, batch) in zip(edited, batches, strict=True)
    ]
    annotations = edited[0] if len(edited) == 1 else joined("annotations", edited)
    filled = _from_files(whole.files, annotations, np.concatenate(rows))
    return complete("annotations", _named(whole, _renames(whole, batches[0][1]), filled))


def _edited(whole: Plan, batch: Tables, number: int) -> pa.Table:
    """The annotations with the ids that they get, less the rows that are there already."""
    annotations, edits = batch.annotations, whole.edits
    for column in ("annotation_id", "track_id", "parent_id"):
        if changed := edits.values.get((number, column)):
            values = (
                annotations[column].to_pylist() if column in annotations.column_names else [None] * len(annotations)
            )
            for row, value in changed.items():
                values[row] = value
            annotations = _with(annotations, column, pa.array(values, pa.large_string()))
    if (suffixes := edits.suffixes.get(number)) is not None:
        ids, text = annotations["annotation_id"], pa.large_string()
        apart = pc.binary_join_element_wise(ids, pa.array(suffixes).cast(text), pa.scalar("-", text))
        annotations = _with(annotations, "annotation_id", pc.if_else(pa.array(suffixes > 0), apart, ids))
    if (positions := whole.positions.get(number)) is not None:
        files = final_files(batch, whole.row_of)
        annotations = _with(
            annotations,
            "annotation_id",
            filled_ids(annotations, whole.files["file_id"], files, positions, whole.numbers),
        )
    if dropped := edits.dropped.get(number):
        kept = np.ones(annotations.num_rows, dtype=bool)
        kept[dropped] = False
        annotations = annotations.filter(pa.array(kept))
    return annotations


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def _from_files(files: pa.Table, annotations: pa.Table, rows: Ints) -> pa.Table:
    """What annotations have from their file; what they have themselves stays where no file is known."""
    take = pa.array(rows, mask=rows < 0)
    pairs = {"file_name": "file_name", "status": "status", "image_width": "width", "image_height": "height"}
    for name, source in {**pairs, "file_id": "file_id"}.items():
        values = files[source].take(take)
        if name in annotations.column_names:
            own = annotations[name]
            if (rows >= 0).all():
                own = values
            elif pa.types.is_dictionary(own.type):
                words = pc.coalesce(values.cast(pa.large_string()), own.cast(pa.large_string()))
                own = dictionary(*schema.dictionary_of(words, schema.STATUSES))
            else:
                own = pc.coalesce(values, own)
            values = own
        annotations = _with(annotations, name, values)
    return annotations


def _named(whole: Plan, renames: Mapping[str, str], annotations: pa.Table) -> pa.Table:
    """The names of the categories, by their ids; annotations that come without any categories keep their own."""
    if "category" in annotations.column_names and not whole.categories.num_rows:
        return annotations
    names = list(dict.fromkeys(name for name in whole.categories["name"].to_pylist() if name is not None))
    if "category_id" not in annotations.column_names:
        return _with(annotations, "category", dictionary(np.full(annotations.num_rows, -1), names))
    coded = annotations["category_id"].combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    words = coded.dictionary.to_pylist()
    final = [renames.get(word, word) for word in words]
    if final != words:
        ids = pa.array([*final, None], pa.large_string())
        annotations = _with(annotations, "category_id", ids.take(coded.indices.fill_null(len(final))))
    place = {name: code for code, name in enumerate(names)}
    pairs = zip(whole.categories["category_id"].to_pylist(), whole.categories["name"].to_pylist(), strict=True)
    known = {row_id: place.get(name, -1) for row_id, name in reversed(list(pairs))}
    codes = np.array([*(known.get(word, -1) for word in final), -1])
    indices = coded.indices.fill_null(len(final)).to_numpy(zero_copy_only=False)
    return _with(annotations, "category", dictionary(codes[indices], names))


def moved_issues(whole: Plan, batch: Tables, number: int) -> pa.Table:
    """The issues of a batch, their positions those of the finished tables."""
    issues = batch.issues
    if not issues.num_rows:
        return empty("issues")
    issues = complete("issues", issues)
    dropped = np.sort(np.array(whole.edits.dropped.get(number, []), dtype=np.int64))
    positions: list[int | None] = []
    kept: list[bool] = []
    pairs = zip(issues["table"].to_pylist(), issues["position"].to_pylist(), strict=True)
    for table, position in pairs:
        gone = table == "annotations" and position is not None and position in dropped
        if position is not None and not gone:
            if table == "annotations":
                position += whole.starts[number] - int(np.searchsorted(dropped, position))
            elif table == "files" and position < len(whole.row_of.get(batch.part, ())):
                position = int(whole.row_of[batch.part][position])
            elif table == "categories" and position < len(whole.category_places.get(batch.part, ())):
                position = whole.category_places[batch.part][position]
        positions.append(position)
        kept.append(not gone)
    return _with(issues, "position", pa.array(positions, pa.int64())).filter(pa.array(kept))
