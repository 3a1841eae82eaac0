"""Files and categories of several parts as one; what identifies them, and what two exports agree on.

Ids that the service gave hold everywhere. COCO's numbers hold within their own file only: of several
files, a number *and* a name are one image or category; others get an id with a suffix.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.frames.tables import UNREAD

DERIVED = frozenset({"label_state", "annotation_count"})
"""Columns of files that follow from the annotations, and so say nothing about whether two records are equal."""
NUMBERS = frozenset({"coco_id", "coco_image_id"})
"""Columns that hold within their own file only."""


class Issue(NamedTuple):
    """A row of `issues`."""

    severity: str
    code: str
    table: str
    id: str | None
    position: int | None
    message: str


def is_number(row_id: str | None, coco_id: int | None) -> bool:
    """Whether an id is a number of COCO, with or without the suffix that keeps it apart from another file's.

    Examples
    --------
    >>> is_number("7", 7), is_number("7-2", 7), is_number("a7", 7), is_number("7", None)
    (True, True, False, False)
    """
    if row_id is None or coco_id is None:
        return False
    number, _, suffix = row_id.partition("-") if coco_id >= 0 else (row_id, "", "")
    return number == str(coco_id) and (suffix == "" or suffix.isdigit())


def apart(row_id: str, taken: set[str]) -> str:
    """The id with the first suffix that makes it unique; it is added to `taken`."""
    count = 2
    while (candidate := f"{row_id}-{count}") in taken:
        count += 1
    taken.add(candidate)
    return candidate


def has_repeats(ids: pa.ChunkedArray) -> bool:
    """Whether an id, missing ones left out, is there more than once."""
    return bool(pc.count_distinct(ids, mode="only_valid").as_py() < len(ids) - ids.null_count)


# --- files


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
        issues.append(_reused("files", "image", "file_name", renamed))
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
            issues.append(_duplicate("files", "file_id", record["file_id"], at, differing))
    return FilesUnion(table, row_of, split, issues)


def _repeated(ids: pa.ChunkedArray) -> NDArray[np.int64]:
    """The rows whose id another row has as well."""
    if not has_repeats(ids):
        return np.zeros(0, dtype=np.int64)
    codes = codes_of(ids)
    counts = np.bincount(codes[codes >= 0])
    return np.flatnonzero((codes >= 0) & (counts[codes] > 1))


def codes_of(values: pa.ChunkedArray) -> NDArray[np.int64]:
    """A number for each value, by the order in which they come; -1 for a missing one."""
    coded = values.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    codes: NDArray[np.int64] = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _replaced(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


class Renamed(NamedTuple):
    """How many rows got another id, and the first of them: old, new."""

    rows: int
    first: tuple[str, str]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> Renamed:
        """Of these pairs."""
        return cls(len(pairs), pairs[0] if pairs else ("", ""))


SUFFIXED = "^-?[0-9]+-[0-9]+$"


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
            by_name[key] = row_id if row_id not in met else here or apart(row_id, taken)
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


# --- categories


@dataclass
class CategoriesUnion:
    """The categories of all parts, each once.

    Attributes
    ----------
    rows : list of dict
        By column.
    places : by part
        For each of its rows the row here.
    ids : by part
        Where a number had to be kept apart: the new id by the old one.
    issues : list of Issue
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    places: dict[int, list[int]] = field(default_factory=dict)
    ids: dict[int, dict[str, str]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    _by_id: dict[str, list[int]] = field(default_factory=dict)
    _apart: dict[tuple[str, Any], str] = field(default_factory=dict)

    def add(self, part: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add the categories of a part, or more of them."""
        places = self.places.setdefault(part, [])
        mine = set(places)
        for row in rows:
            place = self._place(part, dict(row), mine)
            places.append(place)
            mine.add(place)

    def repeat(self, part: int, other: int) -> None:
        """Add the categories of another part once more, for a part that has the same."""
        self.places[part] = self.places[other]
        if other in self.ids:
            self.ids[part] = self.ids[other]

    def reported(self) -> list[Issue]:
        """What does not hold, renamed numbers as one."""
        return [
            *self.issues,
            *([_reused("categories", "category", "name", Renamed.of(self.renamed))] if self.renamed else []),
        ]

    def _place(self, part: int, row: dict[str, Any], mine: set[int]) -> int:
        row_id, name = row.get("category_id"), row.get("name")
        if row_id is None:
            return next((place for place, other in enumerate(self.rows) if other == row), None) or self._append(row)
        known = self._by_id.get(row_id, [])
        same = [place for place in known if None in (name, self.rows[place].get("name"))]
        same = [place for place in known if self.rows[place].get("name") == name] or same
        if same:
            self._merge(same[0], row)
            return same[0]
        if known and is_number(row_id, row.get("coco_id")) and not mine.intersection(known):
            new = self._apart.get((row_id, name))
            if new is None:
                new = self._apart[row_id, name] = apart(row_id, set(self._by_id))
            self.ids.setdefault(part, {}).setdefault(row_id, new)
            self.renamed.append((row_id, new))
            again = self._by_id.get(new)
            return again[0] if again else self._append({**row, "category_id": new})
        place = self._append(row)
        if known:
            self.issues.append(_duplicate("categories", "category_id", row_id, place))
        return place

    def _append(self, row: dict[str, Any]) -> int:
        self.rows.append(row)
        if row.get("category_id") is not None:
            self._by_id.setdefault(row["category_id"], []).append(len(self.rows) - 1)
        return len(self.rows) - 1

    def _merge(self, place: int, row: dict[str, Any]) -> None:
        """Fill in what the first of this id does not have; where they differ the first holds, and it is reported."""
        first, differing = self.rows[place], []
        for key, value in row.items():
            if value is None or first.get(key) == value:
                continue
            if first.get(key) is None:
                first[key] = value
            elif key == "extra":
                first[key] = _merged_json(first[key], value)
            elif key not in NUMBERS:
                differing.append(f"{key} {first[key]!r} and {value!r}")
        if differing:
            message = f"category_id {row['category_id']!r} has {', '.join(differing)}; the first was kept."
            issue = Issue("warning", "duplicate_category_id", "categories", row["category_id"], place, message)
            if issue not in self.issues:
                self.issues.append(issue)


def _merged_json(first: str, second: str) -> str:
    one, other = json.loads(first), json.loads(second)
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return first
    return json.dumps({**other, **one}, ensure_ascii=False, separators=(",", ":"))


# --- messages


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) or bool(pd.isna(one) and pd.isna(other))


def _duplicate(table: str, key: str, row_id: str, position: int, differing: Sequence[str] = ()) -> Issue:
    differs = f", the records differ in {', '.join(differing)}" if differing else ""
    return Issue("warning", f"duplicate_{key}", table, row_id, position, f"duplicate {key} {row_id!r}{differs}.")


def _reused(table: str, noun: str, name: str, renamed: Renamed) -> Issue:
    old, new = renamed.first
    message = (
        f"{renamed.rows:,} rows have a COCO {noun} id that another file of the export uses with another {name}; a "
        f"suffix keeps them apart. The first: {old!r} is {new!r}."
    )
    return Issue("warning", "reused_coco_id", table, None, None, message)


def _text(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.large_string())


# --- provenance


def unite_info(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all agree on; where they differ, the list of what they have, and the latest `exported_at`."""
    united: dict[str, Any] = {}
    for key in dict.fromkeys(key for info in infos for key in info):
        values = [info.get(key) for info in infos]
        united[key] = values[0] if all(value == values[0] for value in values) else values
    if UNREAD in united:  # objects that belong to no file, of all parts
        united[UNREAD] = [item for info in infos for item in info.get(UNREAD, [])]
    times = [info["exported_at"] for info in infos if isinstance(info.get("exported_at"), str)]
    if times:
        united["exported_at"] = max(times)
    return united


def issue_rows(issues: Iterator[Issue] | Sequence[Issue]) -> dict[str, list[Any]]:
    """The columns of `issues`."""
    rows = list(issues)
    return {name: [getattr(row, name) for row in rows] for name in Issue._fields}
