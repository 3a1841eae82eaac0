"""Tables: the four tables of an export in plain Arrow columns, in whole or in batches.

Readers give batches of them, `merge` makes one export of these, and a `Dataset` is frames over the
result. Nothing here knows where the bytes came from, or what becomes of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from labellerr_ds.frames import schema
from labellerr_ds.frames.schema import Table

TABLE_NAMES: tuple[Table, ...] = ("files", "annotations", "categories", "issues")

FILE_ROW = "file_row"
"""A column of unfinished annotations: the row of their file among the files of their part, -1 for none."""

LIST_STATE = "list_state"
"""A column of unfinished files, which every reader must give: the `ListState` of their list of labels."""


class ListState(IntEnum):
    """What a reader found where the labels of a file should be.

    Only `EMPTY` makes a file count as without annotations. A value that was not understood is `FOUND`: it never
    counts as an absent one.
    """

    EMPTY = 0
    """The list was found under a known key, and is empty or has nothing but unanswered questions."""
    FOUND = 1
    """The list was found, and holds something, understood or not."""
    MISSING = 2
    """There is no list, or none under a known key."""

    @classmethod
    def of_answers(cls, states: Iterable[ListState]) -> ListState:
        """Return the state of a list by those of its answers: it is empty if all of them are."""
        return cls.FOUND if cls.FOUND in states else cls.EMPTY


UNREAD = "unread"
"""The key in `extra` of a file of a coco_json, and in `info`, of objects that got no row."""


class Unread(NamedTuple):
    """An object that has neither a shape nor a value, and so no row.

    Attributes
    ----------
    file_row : int
        The row of its file among the files of its part, -1 for none.
    key : str
        The key of the export under which it was found.
    text : str
        The object, as JSON.
    code : one of `schema.ISSUE_CODES`
    reason : str
        Why it has no row, for the issue about it: "a polygon could not be parsed".
    """

    file_row: int
    key: str
    text: str
    code: str
    reason: str


@dataclass(frozen=True)
class Tables:
    """The four tables of an export, or of a batch of it.

    Attributes
    ----------
    files, annotations, categories, issues : pyarrow.Table
        Columns of the schema. A batch lacks those that only the whole export gives (counts, label states, what
        annotations have from their file), and its annotations have `FILE_ROW` instead.
    info : mapping
        What the export says of itself.
    raw : pyarrow.Table or None
        csv only: the table as it was read, all text; its columns are numbered, `raw_header` has their names.
    part : int
        Of a batch: the file of the export that it was read from. COCO's numbers hold within one part.
    first_file : int
        Of a batch: how many files of its part came in earlier batches.
    unknown_keys : Counter
        Of a batch: keys that were not known, whose values are in `extra`.
    unread : sequence of Unread
        Of a batch: objects without a row. They are kept in `extra` of their file, or of `info`.
    unclear_files : frozenset of int
        Of a batch: rows of files whose labels may belong to others, since they share a number or have none.
    unlinked : int
        Of a batch: annotations without a readable link to a file. Any file of the part may be theirs.
    """

    files: pa.Table
    annotations: pa.Table
    categories: pa.Table
    issues: pa.Table
    info: Mapping[str, Any] = field(default_factory=dict)
    raw: pa.Table | None = None
    raw_header: tuple[str, ...] | None = None
    part: int = 0
    first_file: int = 0
    unknown_keys: Counter[str] = field(default_factory=Counter)
    unread: tuple[Unread, ...] = ()
    unclear_files: frozenset[int] = frozenset()
    unlinked: int = 0

    def frames(self) -> dict[str, Any]:
        """The four DataFrames by name, and `raw`; what `Dataset` takes.

        The tables are used up, a column at a time: a large export is never there twice.
        """
        frames: dict[str, Any] = {str(name): to_frame(self._taken(name), name) for name in TABLE_NAMES}
        frames["raw"] = None
        if self.raw is not None and self.raw_header is not None:
            columns = {place: schema.text(column) for place, column in enumerate(self.raw.columns)}
            frames["raw"] = pd.DataFrame(columns, index=pd.RangeIndex(self.raw.num_rows))
            frames["raw"].columns = pd.Index(self.raw_header, dtype=object)
        return frames

    def _taken(self, name: Table) -> dict[str, pa.ChunkedArray]:
        """The columns of a table, which is gone then."""
        given = getattr(self, name)
        object.__setattr__(self, name, _NOTHING)
        return dict(zip(given.column_names, given.columns, strict=True))


def table(name: Table, columns: Mapping[str, Any], length: int) -> pa.Table:
    """A table of these columns alone, each of its type in the schema.

    Parameters
    ----------
    columns : mapping
        Values by column: Arrow or numpy arrays, lists (None is missing), pandas arrays. Times are Unix milliseconds or
        times; categories are words or dictionary arrays. `FILE_ROW` and `LIST_STATE` may be among them.
    length : int
        The number of rows.
    """
    if not columns and not length:
        return _NOTHING
    kinds = _kinds(name)
    arrays = {}
    for key, values in columns.items():
        if key in (FILE_ROW, LIST_STATE):
            arrays[key] = pa.array(values, pa.int64())
        elif kinds[key] == "time":
            arrays[key] = schema.arrow_times(values)
        elif kinds[key] == "category":
            arrays[key] = _dictionary(key, values)
        else:
            arrays[key] = _array(values, schema.ARROW[kinds[key]])
    if not arrays:
        return pa.table({"_": pa.nulls(length)}).select([])
    made = pa.table(arrays)
    if made.num_rows != length:
        raise ValueError(f"{name}: expected {length} rows, got {made.num_rows}")
    return made


_NOTHING = pa.table({})


@cache
def _kinds(name: Table) -> dict[str, schema.Kind]:
    return {column.name: column.kind for column in schema.TABLES[name]}


def _array(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values if values.type == kind else values.cast(kind)
    if isinstance(values, np.ndarray) and values.dtype == object:
        values = values.tolist()
    made = pa.array(values, from_pandas=True) if hasattr(values, "__arrow_array__") else None
    return pa.array(values, kind, from_pandas=True) if made is None else made.cast(kind)


def _dictionary(name: str, values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray) and pa.types.is_dictionary(values.type):
        return values
    if isinstance(values, pd.Categorical):
        return dictionary(values.codes, list(values.categories))
    return dictionary(*schema.dictionary_of(values, schema.FIXED_CATEGORIES.get(name, ())))


def dictionary(codes: Any, words: Sequence[str]) -> pa.DictionaryArray:
    """A category column of Arrow from codes and words; -1 is missing."""
    codes = np.asarray(codes)
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.large_string()))


def with_status(files: pa.Table, status: str) -> pa.Table:
    """A table of files in which those without a status have this one."""
    statuses = files["status"].to_pylist() if "status" in files.column_names else [None] * files.num_rows
    if None not in statuses:
        return files
    words = [status if word is None else word for word in statuses]
    return table("files", {**dict(zip(files.column_names, files.columns, strict=True)), "status": words}, len(words))


def complete(name: Table, given: pa.Table) -> pa.Table:
    """The table with all columns of the schema, in order; those that are not there are missing values."""
    arrays = []
    for column in schema.TABLES[name]:
        if column.name in given.column_names:
            arrays.append(given[column.name])
        elif column.kind == "category":
            codes = np.full(given.num_rows, -1)
            arrays.append(dictionary(codes, schema.FIXED_CATEGORIES.get(column.name, ())))
        else:
            arrays.append(pa.nulls(given.num_rows, schema.ARROW[column.kind]))
    return pa.table(arrays, names=[column.name for column in schema.TABLES[name]])


@cache
def empty(name: Table) -> pa.Table:
    """The finished table of no rows."""
    return complete(name, pa.table({"_": pa.nulls(0)}).select([]))


def to_frame(given: pa.Table | dict[str, pa.ChunkedArray], name: Table) -> pd.DataFrame:
    """The DataFrame of a finished table, or of its columns, which are taken out of the dict one after the other."""
    columns = given if isinstance(given, dict) else dict(zip(given.column_names, given.columns, strict=True))
    length = len(next(iter(columns.values()))) if columns else 0
    # In one piece, since Arrow would join the pieces of a column each time that rows of it are taken.
    arrays = {
        column.name: schema.typed(
            column,
            columns.pop(column.name).combine_chunks() if column.kind == "text" else columns.pop(column.name),
            length,
        )
        for column in schema.TABLES[name]
    }
    return pd.DataFrame(arrays, index=pd.RangeIndex(length), copy=False)


def from_frame(frame: pd.DataFrame, name: Table) -> pa.Table:
    """The table of a DataFrame of the schema; columns that the schema does not have are left out."""
    columns = {column.name: frame[column.name].array for column in schema.TABLES[name] if column.name in frame}
    return complete(name, table(name, columns, len(frame)))


def joined(name: Table, parts: Iterable[pa.Table]) -> pa.Table:
    """Batches of one table below each other; their dictionaries are united."""
    kept = list(parts)
    if not kept:
        return empty(name)
    return pa.concat_tables(kept, promote_options="default").unify_dictionaries()


def with_info(given: Tables, info: Mapping[str, Any]) -> Tables:
    """The same tables, with this provenance."""
    return replace(given, info=dict(info))
