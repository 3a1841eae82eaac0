"""What an export changes in a mirror: the rows to write, and what becomes of each file."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds import schema
from labellerr_ds.mirror.rows import tombstones
from labellerr_ds.tables import joined, table

KEYS = ["file_id", "file_name", "status", "content_hash", "deleted_at"]
"""What `changes` needs of the rows that are there."""


@dataclass(frozen=True)
class Changes:
    """What an export changes.

    Attributes
    ----------
    rows : pyarrow.Table
        To be written: as they are now, and tombstones.
    added, changed, removed : pyarrow.Table
        Of each file `file_id`, `file_name`, `status`; of a removed one as they were.
    unchanged : int
        Files that stay as they are.
    """

    rows: pa.Table
    added: pa.Table
    changed: pa.Table
    removed: pa.Table
    unchanged: int


def changes(old: pa.Table, new: pa.Table, exported_at: int, *, full: bool) -> Changes:
    """What the rows of an export change.

    Parameters
    ----------
    old : pyarrow.Table
        The columns `KEYS` of all rows that are there, also of files that are no more.
    new : pyarrow.Table
        The rows of the export.
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
    written = new.filter(pa.array(is_added | is_changed))
    rows = pa.concat_tables([written, tombstones(lost["file_id"].to_pylist(), exported_at)])
    keys = KEYS[:3]
    return Changes(
        rows,
        new.filter(pa.array(is_added)).select(keys),
        new.filter(pa.array(is_changed)).select(keys),
        lost.select(keys),
        alive.num_rows - int(is_changed.sum()) - lost.num_rows,
    )


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
