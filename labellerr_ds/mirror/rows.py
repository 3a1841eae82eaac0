"""Tables to rows and back: a row a file, its annotations and issues nested in it, and a hash of what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.frames import schema
from labellerr_ds.frames.merge.hashing import hashes
from labellerr_ds.frames.schema import Column
from labellerr_ds.frames.tables import Tables, complete, empty, table

FROM_FILE = {
    "file_id": "file_id", "file_name": "file_name", "status": "status",
    "image_width": "width", "image_height": "height",
}  # fmt: skip
"""What an annotation has from its file: its columns, and those of the file."""
DERIVED = frozenset({*FROM_FILE, "category"})
ANSWERS = tuple(column for column in schema.TABLES["annotations"] if column.name not in DERIVED)
ISSUES = tuple(column for column in schema.TABLES["issues"] if column.name != "position")
PLACE = "row"
"""Of a nested issue: the place of its annotation among those of the file; NA where it is about the file."""
FILES_A_PIECE = 20_000  # text of Delta is addressed with 32 bits

_DELTA = {
    pa.large_string(): pa.string(),
    schema.ARROW["category"]: pa.string(),
    schema.ARROW["time"]: pa.timestamp("us", tz="UTC"),
}


def _type(column: Column) -> pa.DataType:
    kind = schema.ARROW[column.kind]
    return _DELTA.get(kind, kind)


_ANSWER = pa.struct([(column.name, _type(column)) for column in ANSWERS])
_ISSUE = pa.struct([*((column.name, _type(column)) for column in ISSUES), (PLACE, pa.int64())])
OWN = (
    pa.field("annotations", pa.list_(_ANSWER)),
    pa.field("issues", pa.list_(_ISSUE)),
    pa.field("content_hash", pa.int64()),
    pa.field("exported_at", pa.timestamp("us", tz="UTC")),
    pa.field("deleted_at", pa.timestamp("us", tz="UTC")),
)
SCHEMA = pa.schema([*(pa.field(column.name, _type(column)) for column in schema.TABLES["files"]), *OWN])
"""A row of the store: the columns of `files`, and `OWN`: when the export was created that brought the row as it is, and
when a file that is no more was first missing."""


def rows_of(tables: Tables, exported_at: int) -> pa.Table:
    """The rows of an export.

    Parameters
    ----------
    tables : Tables
        Finished. Of records with one `file_id` the last is taken, with the annotations of all; records and annotations
        without a `file_id` are in no row.
    exported_at : int
        Unix milliseconds, by the service's clock.

    Returns
    -------
    pyarrow.Table
        Of `SCHEMA`, each `file_id` once.
    """
    files = tables.files
    ids = files["file_id"].combine_chunks()
    last = {file_id: row for row, file_id in enumerate(ids.to_pylist()) if file_id is not None}
    kept = pa.array(list(last.values()), pa.int64())
    files = files.take(kept)
    ids = files["file_id"].combine_chunks()
    annotations, sizes, homes = _in_order(tables.annotations, ids)
    issues = _issues(tables, ids, homes)
    hashed = pa.array(_content_hashes(files, annotations, sizes).view(np.int64))
    starts = np.cumsum(sizes) - sizes
    pieces = []
    for first in range(0, files.num_rows, FILES_A_PIECE):
        some, mine = files.slice(first, FILES_A_PIECE), sizes[first : first + FILES_A_PIECE]
        own = annotations.slice(int(starts[first]), int(mine.sum()))
        columns = [some[column.name].cast(_type(column)) for column in schema.TABLES["files"]]
        columns += [
            _nested(_struct(own, ANSWERS, _ANSWER), mine),
            pa.array(issues[first : first + FILES_A_PIECE], OWN[1].type),
            hashed.slice(first, FILES_A_PIECE),
            _stamps(exported_at, len(mine)),
            pa.nulls(len(mine), OWN[4].type),
        ]
        pieces.append(pa.table(columns, schema=SCHEMA))
    return pa.concat_tables(pieces) if pieces else SCHEMA.empty_table()


def tombstones(file_ids: list[str], deleted_at: int) -> pa.Table:
    """Rows that say that files are no more."""
    count = len(file_ids)
    given = {"file_id": pa.array(file_ids, pa.string()), "deleted_at": _stamps(deleted_at, count)}
    return pa.table([given.get(each.name, pa.nulls(count, each.type)) for each in SCHEMA], schema=SCHEMA)


def tables_of(rows: pa.Table, categories: pa.Table) -> Tables:
    """Rows as finished tables, files in the order in which they were created.

    Parameters
    ----------
    rows : pyarrow.Table
        Of `SCHEMA`, or of some of its columns.
    categories : pyarrow.Table
    """
    rows = rows.sort_by([("created_at", "ascending"), ("file_id", "ascending")])
    names = [column.name for column in schema.TABLES["files"] if column.name in rows.column_names]
    files = complete("files", table("files", {name: rows[name] for name in names}, rows.num_rows))
    annotations, issues = empty("annotations"), empty("issues")
    if "annotations" in rows.column_names:
        annotations = _annotations(rows, files, categories)
    if "issues" in rows.column_names:
        issues = _issues_table(rows)
    return Tables(files, annotations, categories, issues)


# --- to rows


def _stamps(milliseconds: int, count: int) -> pa.Array:
    return pa.array([milliseconds] * count, pa.int64()).cast(pa.timestamp("ms", tz="UTC")).cast(OWN[3].type)


def _in_order(annotations: pa.Table, ids: pa.Array) -> tuple[pa.Table, NDArray[np.int64], NDArray[np.int64]]:
    """Annotations in the order of their files; how many each file has; and the new place of each of the old rows."""
    owners = pc.index_in(annotations["file_id"], ids).fill_null(len(ids)).to_numpy().astype(np.int64)
    order = np.argsort(owners, kind="stable")
    order = order[: int((owners < len(ids)).sum())]
    homes = np.full(len(owners), -1, dtype=np.int64)
    sizes = np.bincount(owners, minlength=len(ids) + 1)[:-1].astype(np.int64)
    homes[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return annotations.take(pa.array(order)), sizes, homes


def _struct(given: pa.Table, columns: tuple[Column, ...], kind: pa.StructType) -> pa.StructArray:
    pieces = [given[column.name].cast(_type(column)) for column in columns]
    arrays = [pa.concat_arrays(piece.chunks) if piece.num_chunks else pa.nulls(0, piece.type) for piece in pieces]
    return pa.StructArray.from_arrays(arrays, fields=[kind.field(place) for place in range(kind.num_fields)])


def _nested(values: pa.StructArray, sizes: NDArray[np.int64]) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _issues(tables: Tables, ids: pa.Array, homes: NDArray[np.int64]) -> list[list[dict[str, Any]]]:
    """The issues of files, and of annotations by their place in their file; those of neither are in no row."""
    row_of = {file_id: row for row, file_id in enumerate(ids.to_pylist())} if tables.issues.num_rows else {}
    owners = tables.annotations["file_id"]
    listed: list[list[dict[str, Any]]] = [[] for _ in range(len(ids))]
    for issue in tables.issues.to_pylist():
        position, place, owner = issue.pop("position"), None, None
        if issue["table"] == "files":
            owner = issue["id"]
        elif issue["table"] == "annotations" and position is not None and position < len(owners):
            owner, place = owners[position].as_py(), int(homes[position])
        if owner in row_of:
            listed[row_of[owner]].append({**issue, PLACE: place})
    return listed


def _content_hashes(files: pa.Table, annotations: pa.Table, sizes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """64 bits for what each file says, in every process the same: its own columns, and its annotations in order."""
    whole = _row_hashes(files, tuple(column for column in schema.TABLES["files"]))
    parts = _row_hashes(annotations, ANSWERS)
    starts = np.cumsum(sizes) - sizes
    order = np.arange(len(parts)) - np.repeat(starts, sizes)
    parts = _mixed(parts + order.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    filled = sizes > 0
    if len(parts):
        whole[filled] ^= np.add.reduceat(parts, starts[filled])
    return _mixed(whole)


def _row_hashes(given: pa.Table, columns: tuple[Column, ...]) -> NDArray[np.uint64]:
    total = np.zeros(given.num_rows, dtype=np.uint64)
    for column in columns:
        total = _mixed(total * np.uint64(31) + _column_hashes(given[column.name]))
    return total


def _column_hashes(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    kind, missing = column.type, column.is_null().to_numpy().astype(bool)
    if pa.types.is_dictionary(kind):
        column = column.cast(pa.large_string())
    if pa.types.is_large_string(column.type):
        bits: NDArray[np.uint64] = hashes(column)
    elif pa.types.is_floating(kind):
        numbers = column.fill_null(float("nan")).to_numpy() + 0.0  # -0.0 is 0.0
        missing |= np.isnan(numbers)
        bits = numbers.view(np.uint64)
    else:
        bits = column.cast(pa.int64()).fill_null(0).to_numpy().astype(np.uint64)
    return _mixed(np.where(missing, np.uint64(0x5BD1E995), bits))


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Bits spread over the whole word.

    Notes
    -----
    The finalizer of SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    spread: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return spread


# --- from rows


def _annotations(rows: pa.Table, files: pa.Table, categories: pa.Table) -> pa.Table:
    parts = []
    for start, piece in _pieces(rows["annotations"]):
        owners = pc.add(pc.list_parent_indices(piece), start)
        values = pc.list_flatten(piece)
        columns = {name: values.field(place) for place, name in enumerate(each.name for each in values.type)}
        columns.update({name: files[own].take(owners) for name, own in FROM_FILE.items()})
        columns["category"] = _names(columns["category_id"], categories)
        parts.append(complete("annotations", table("annotations", columns, len(values))))
    if not parts:
        return empty("annotations")
    return pa.concat_tables(parts).unify_dictionaries()


def _pieces(lists: pa.ChunkedArray) -> Iterator[tuple[int, pa.Array]]:
    start = 0
    for chunk in lists.chunks:
        yield start, chunk
        start += len(chunk)


def _names(ids: pa.Array, categories: pa.Table) -> pa.Array:
    """The name of each category; two of one name are one word."""
    codes, words = schema.dictionary_of(categories["name"])
    places = pc.index_in(ids.cast(pa.large_string()), categories["category_id"]).fill_null(len(codes))
    own = np.append(codes, -1)[places.to_numpy(zero_copy_only=False)].astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(own, mask=own < 0), pa.array(words, pa.large_string()))


def _issues_table(rows: pa.Table) -> pa.Table:
    """The issues of rows, at the positions that files and annotations have there."""
    starts = None
    if "annotations" in rows.column_names:
        counts = pc.list_value_length(rows["annotations"]).fill_null(0).to_numpy()
        starts = np.cumsum(counts) - counts
    listed = []
    for row, inside in enumerate(rows["issues"].to_pylist()):
        for issue in inside or ():
            place, position = issue.pop(PLACE), None if issue["table"] == "annotations" else row
            if place is not None and starts is not None:
                position = int(starts[row]) + place
            listed.append({**issue, "position": position})
    columns = {column.name: [issue[column.name] for issue in listed] for column in schema.TABLES["issues"]}
    return complete("issues", table("issues", columns, len(listed)))
