"""What an export changes in a mirror: the rows to write, and what becomes of each file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import joined, table
from labellerr_ds.mirror.rows import SCHEMA, tombstones

CHANGE = ("added", "changed", "removed")
OWN_KEYS = ["file_id", "file_name", "status", "content_hash"]
KEYS = [*OWN_KEYS, "deleted_at"]
"""What `changes` needs of the rows of an export, and of those that are there."""
NO_KEYS = SCHEMA.empty_table().select(KEYS)


@dataclass(frozen=True)
class Changes:
    """What an export changes.

    Attributes
    ----------
    written : pyarrow.BooleanArray
        For each row of the export whether it is to be written.
    tombstones : pyarrow.Table
        To be written as well: of the files that are no more.
    added, changed, removed : pyarrow.Table
        Of each file `file_id`, `file_name`, `status`; of a removed one as they were.
    unchanged : int
        Files that stay as they are.
    """

    written: pa.BooleanArray
    tombstones: pa.Table
    added: pa.Table
    changed: pa.Table
    removed: pa.Table
    unchanged: int

    def __bool__(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.added.num_rows or self.changed.num_rows or self.removed.num_rows)


def changes(old: pa.Table, new: pa.Table, exported_at: int, *, full: bool) -> Changes:
    """What the rows of an export change.

    Parameters
    ----------
    old : pyarrow.Table
        The columns `KEYS` of all rows that are there, also of files that are no more.
    new : pyarrow.Table
        The columns `OWN_KEYS` of the rows of the export.
    exported_at : int
        When it was created, Unix milliseconds.
    full : bool
        Whether it has every file that there is: what it lacks was deleted.
    """
    place = pc.index_in(new["file_id"], old["file_id"])
    is_new = place.is_null().to_numpy()
    at = place.fill_null(0).to_numpy()
    if old.num_rows:
        is_gone = old["deleted_at"].is_valid().to_numpy()[at] & ~is_new
        same = old["content_hash"].to_numpy()[at] == new["content_hash"].to_numpy()
    else:
        is_gone = same = np.zeros(new.num_rows, dtype=bool)
    is_added = is_new | is_gone
    is_changed = ~is_added & ~same
    alive = old.filter(pc.is_null(old["deleted_at"]))
    lost = alive.slice(0, 0)
    if full:
        lost = alive.filter(pc.invert(pc.is_in(alive["file_id"], new["file_id"].combine_chunks())))
    named = KEYS[:3]
    return Changes(
        pa.array(is_added | is_changed),
        tombstones(lost["file_id"].to_pylist(), exported_at),
        new.filter(pa.array(is_added)).select(named),
        new.filter(pa.array(is_changed)).select(named),
        lost.select(named),
        alive.num_rows - int(is_changed.sum()) - lost.num_rows,
    )


class Part(NamedTuple):
    """Some of the rows of an export.

    Attributes
    ----------
    length : int
    size : int
        About the bytes that they take on a disk.
    read : callable
        Gives them, of `SCHEMA`.
    """

    length: int
    size: int
    read: Callable[[], pa.Table]


@dataclass(frozen=True)
class Rows:
    """The rows of an export: of each what decides whether it changed, and all of it where it is asked for.

    Attributes
    ----------
    keys : pyarrow.Table
        Their columns `OWN_KEYS`.
    parts : sequence of Part
        In the order of `keys`.
    """

    keys: pa.Table
    parts: Sequence[Part]

    @classmethod
    def of(cls, rows: pa.Table) -> Rows:
        """Rows that are in memory."""
        return cls(rows.select(OWN_KEYS), [Part(rows.num_rows, rows.nbytes // 4, lambda: rows)])

    def changed(self, made: Changes) -> ChangedRows:
        """Those that are to be written."""
        return ChangedRows(self, made)


class ChangedRows:
    """The rows to be written, a part after the other; gone through more than once where a commit has to be repeated.

    Parameters
    ----------
    rows : Rows
    made : Changes
    """

    def __init__(self, rows: Rows, made: Changes) -> None:
        self._rows, self._made = rows, made

    @property
    def size(self) -> int:
        """About the bytes that they take on a disk."""
        return sum(part.size * wanted.true_count // max(part.length, 1) for part, wanted in self._wanted())

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for part, wanted in self._wanted():
            if wanted.true_count:
                yield from part.read().filter(wanted).to_batches()
        yield from self._made.tombstones.to_batches()

    def _wanted(self) -> Iterator[tuple[Part, pa.BooleanArray]]:
        start = 0
        for part in self._rows.parts:
            yield part, self._made.written.slice(start, part.length)
            start += part.length


def united_categories(new: pa.Table, old: str | None) -> str:
    """The categories of an export as JSON, and after them those that only an earlier one had."""
    if old is not None:
        before = categories_of(old)
        rest = before.filter(pc.invert(pc.is_in(before["category_id"], new["category_id"].combine_chunks())))
        new = joined("categories", [new, rest])
    return json.dumps(new.to_pylist(), ensure_ascii=False, separators=(",", ":"))


def categories_of(text: str) -> pa.Table:
    """Categories out of JSON."""
    listed = json.loads(text)
    columns = {column.name: [each.get(column.name) for each in listed] for column in schema.TABLES["categories"]}
    return table("categories", columns, len(listed))
