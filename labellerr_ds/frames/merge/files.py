"""The files of all parts of an export as one table.

Ids that the service gave hold everywhere. COCO's numbers hold within their own file only: of several files, a number
*and* a name are one image; others get an id with a suffix.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.frames.merge.ids import NUMBERS, SUFFIXED, add_suffix, codes_of, has_repeats, is_number
from labellerr_ds.frames.merge.issues import Issue
from labellerr_ds.frames.merge.renamed import Renamed, duplicate_issue, reused_issue

DERIVED = frozenset({"label_state", "annotation_count"})
"""Columns of files that follow from the annotations, and so say nothing about whether two records are equal."""


@dataclass(frozen=True)
class FilesUnion:
    """The files of all parts, each once.

    Attributes
    ----------
    table : pyarrow.Table
        The records that stay.
    row_of : (N,) integers
        For each record that came, its row in `table`; equal records share one.
    split : pyarrow.ChunkedArray or None
        Ids whose annotations may stand in several records.
    issues : list of Issue
    """

    table: pa.Table
    row_of: NDArray[np.int64]
    split: pa.ChunkedArray | None
    issues: list[Issue]


def unite_files(table: pa.Table, parts: NDArray[np.int64]) -> FilesUnion:
    """Records that are equal are one; those of one id that differ stay, and are reported.

    It is done on columns but for the records whose ids are there twice in the end: shards that all count their images
    from 0 repeat every id, and there may be millions of them.

    Parameters
    ----------
    table : pyarrow.Table
        The records of all parts, in order.
    parts : (N,) integers
        The part of each.
    """
    row_of = np.arange(table.num_rows)
    rows = _repeated(table["file_id"])
    if not len(rows):
        return FilesUnion(table, row_of, None, [])
    ids, renamed = _images_apart(table, rows, parts)
    issues = []
    if renamed.rows:
        issues.append(reused_issue("files", "image", "file_name", renamed))
        table = _replaced(table, "file_id", ids)
    split = ids.take(pa.array(rows))
    rows = _repeated(ids)
    table = _masks_joined(table, rows)
    columns = [name for name in table.column_names if name not in DERIVED | NUMBERS]
    records = table.select(columns).take(pa.array(rows)).to_pandas()
    groups = records.groupby(columns, dropna=False, sort=False, observed=True).ngroup().to_numpy()
    _, first, which = np.unique(groups, return_index=True, return_inverse=True)
    row_of[rows] = rows[first][which]
    kept = row_of == np.arange(len(row_of))
    place = np.cumsum(kept) - 1
    table, row_of = table.filter(pa.array(kept)), place[row_of]
    records = records[kept[rows]]
    stays = records["file_id"].duplicated(keep=False).to_numpy()
    places = place[rows[kept[rows]][stays]].tolist()
    seen: dict[str, dict[str, Any]] = {}
    for at, record in zip(places, records[stays].to_dict("records"), strict=True):
        first_of_id = seen.setdefault(record["file_id"], record)
        if first_of_id is not record:
            differing = [name for name in columns if not _equal(first_of_id[name], record[name])]
            issues.append(duplicate_issue("files", "file_id", record["file_id"], at, differing))
    return FilesUnion(table, row_of, split, issues)


def _repeated(ids: pa.ChunkedArray) -> NDArray[np.int64]:
    """The rows whose id another row has as well."""
    if not has_repeats(ids):
        return np.zeros(0, dtype=np.int64)
    codes = codes_of(ids)
    counts = np.bincount(codes[codes >= 0])
    return np.flatnonzero((codes >= 0) & (counts[codes] > 1))


def _replaced(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def _images_apart(
    table: pa.Table, rows: NDArray[np.int64], parts: NDArray[np.int64]
) -> tuple[pa.ChunkedArray, Renamed]:
    """Ids in which a number that several parts use for images of different names is apart; and what was renamed.

    Parameters
    ----------
    table : pyarrow.Table
    rows : (N,) integers
        Those whose id is there more than once.
    parts : (M,) integers
        Of all records.
    """
    ids = table["file_id"]
    if "coco_id" not in table.column_names:
        return ids, Renamed.of([])
    own, names, numbers = (table[name].take(pa.array(rows)) for name in ("file_id", "file_name", "coco_id"))
    plain = pc.equal(own, numbers.cast(pa.large_string())).fill_null(False).to_numpy()
    images = pd.DataFrame({"id": codes_of(own), "name": codes_of(names), "part": parts[rows]})[plain]
    contradicts = len(images.drop_duplicates(["id", "part"])) < len(images.drop_duplicates())
    if contradicts or pc.any(pc.match_substring_regex(ids, SUFFIXED)).as_py():
        return _images_apart_one_by_one(ids, rows, parts, names.to_pylist(), numbers.to_pylist())
    first = images.drop_duplicates(["id", "name"])
    ranks = first.assign(rank=first.groupby("id").cumcount())
    suffixes = np.zeros(len(ids), dtype=np.int64)
    suffixes[rows[plain]] = images.merge(ranks, on=["id", "name"], how="left")["rank"].to_numpy()
    moved = np.flatnonzero(suffixes)
    if not len(moved):
        return ids, Renamed.of([])
    text = pa.large_string()
    apart_ids = pc.binary_join_element_wise(ids, pa.array(suffixes + 1).cast(text), pa.scalar("-", text))
    made = pc.if_else(pa.array(suffixes > 0), apart_ids, ids)
    return made, Renamed(len(moved), (ids[int(moved[0])].as_py(), made[int(moved[0])].as_py()))


def _images_apart_one_by_one(
    ids: pa.ChunkedArray, rows: NDArray[np.int64], parts: NDArray[np.int64], names: list[Any], numbers: list[Any]
) -> tuple[pa.ChunkedArray, Renamed]:
    """As `_images_apart`, where a file contradicts itself, or ids have suffixes already."""
    old = ids.to_pylist()
    taken, final = set(old), list(old)
    by_name: dict[tuple[str, Any], str] = {}
    by_part: dict[tuple[str, int], str] = {}
    met: set[str] = set()
    renamed = []
    for row, name, number in zip(rows, names, numbers, strict=True):
        row_id, part = old[row], int(parts[row])
        if not is_number(row_id, number):
            continue
        key = (row_id, name)
        if key not in by_name:
            here = by_part.get((row_id, part))  # two names in one file: that file contradicts itself
            by_name[key] = row_id if row_id not in met else here or add_suffix(row_id, taken)
            met.add(row_id)
        if final[row] != by_name[key]:
            final[row] = by_name[key]
            renamed.append((row_id, final[row]))
        by_part.setdefault((row_id, part), final[row])
    return pa.chunked_array([_text(final)]), Renamed.of(renamed)


def _masks_joined(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Records of one file with masks of their own have those of all in `extra`: they are parts of that file."""
    if "extra" not in table.column_names:
        return table
    taken = pa.array(rows)
    ids, extras = table["file_id"].take(taken).to_pylist(), table["extra"].take(taken).to_pylist()
    by_id: dict[Any, dict[str, Any]] = defaultdict(dict)
    for row_id, text in zip(ids, extras, strict=True):
        if text is not None and '"mask_path"' in text:
            by_id[row_id][text] = json.loads(text)
    united: dict[tuple[Any, str | None], str] = {}
    for row_id, read in by_id.items():
        listed = [extra["mask_path"] for extra in read.values()]
        paths = [path for one in listed for path in (one if isinstance(one, list) else [one])]
        if len(read) > 1 and len(set(paths)) == len(paths):  # a mask in both: two versions of the file
            whole = {key: value for extra in read.values() for key, value in extra.items()}
            text = json.dumps({**whole, "mask_path": paths}, ensure_ascii=False, separators=(",", ":"))
            united.update({(row_id, part): text for part in read})
    if not united:
        return table
    every = table["extra"].to_pylist()
    for row, key in zip(rows.tolist(), zip(ids, extras, strict=True), strict=True):
        every[row] = united.get(key, key[1])
    return _replaced(table, "extra", pa.chunked_array([_text(every)]))


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) or bool(pd.isna(one) and pd.isna(other))


def _text(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.large_string())
