"""The checks of a whole export, over tables alone: what no batch can know by itself.

A file or annotation that is in several parts, ids, counts, label states, the names of categories, references
that lead nowhere, positions: all of it follows from one look at every batch and a second one at the rows in doubt
(`plan`), and is then applied to each batch by itself (`apply`), so that batches may lie on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.core.errors import ReadError, warn
from labellerr_ds.frames import schema
from labellerr_ds.frames.merge.generated_ids import filled_ids
from labellerr_ds.frames.merge.plan import Plan, plan
from labellerr_ds.frames.merge.scan_ids import Ints, column_of, final_files, final_rows
from labellerr_ds.frames.tables import FILE_ROW, Tables, complete, dictionary, empty, joined

TOGETHER_ROWS = 100_000

__all__ = ["Plan", "apply", "finish", "moved_issues", "plan", "report"]


def finish(batches: Sequence[Tables]) -> Tables:
    """One export out of all of its batches.

    Parameters
    ----------
    batches : sequence of Tables
        In order. It is gone through several times: a list, or batches on disk.

    Returns
    -------
    Tables
        All columns of the schema; `report` says what is in its issues.
    """
    whole = plan(batches)
    issues = [moved_issues(whole, batch, number) for number, batch in enumerate(batches) if batch.issues.num_rows]
    raws = [batch.raw for batch in batches if batch.raw is not None and whole.raw_header]
    return Tables(
        files=whole.files,
        annotations=joined("annotations", [_annotations(whole, some) for some in _grouped(whole, batches)]),
        categories=whole.categories,
        issues=all_issues([*issues, whole.issues]),
        info=whole.info,
        raw=pa.concat_tables(raws) if raws else None,
        raw_header=whole.raw_header,
        unknown_keys=whole.unknown_keys,
    )


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


def all_issues(parts: Sequence[pa.Table]) -> pa.Table:
    """The issues of all batches; what several parts have of one row is there once."""
    together = joined("issues", parts)
    if together.num_rows < 2:
        return together
    frame = together.select(["code", "table", "id", "position", "message"]).to_pandas()
    return together.filter(pa.array(~frame.duplicated().to_numpy()))


def report(issues: pa.Table, unknown_keys: Counter[str], *, source: str, strict: bool) -> None:
    """At most two warnings: one counts the issues, one the unknown keys.

    Parameters
    ----------
    issues : pyarrow.Table
    unknown_keys : Counter
    source : str
        What the export is called.
    strict : bool
        Raise where there are issues, instead of warning.

    Raises
    ------
    ReadError
        Where `strict` and there are issues.
    """
    if issues.num_rows:
        counts = Counter(issues["code"].to_pylist())
        listed = ", ".join(f"{code} ({count:,})" for code, count in counts.most_common())
        first = issues["message"][0].as_py()
        if strict:
            raise ReadError(f"{source}: {listed}. The first: {first} strict=False reports them instead.")
        warn(f"{source}: {listed}; see dataset.issues. The first: {first}")
    if unknown_keys:
        keys = ", ".join(f"{key!r} ({count:,})" for key, count in unknown_keys.most_common(12))
        total = sum(unknown_keys.values())
        warn(f"{source}: {total:,} values under unknown keys were kept in `extra`: {keys}.")


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
