"""Annotation ids over a whole export: made from positions, kept apart, and which rows are there twice.

An id is *real* (the service's), a *number* of COCO, which holds within its own file, or *made*:
``<file_id>/<question_id>/<position>``, where the position counts the rows of that question in that file over
all its parts; for an answer about an object the object's id stands for the file's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labellerr_ds.frames.merge.ids import add_suffix, is_number
from labellerr_ds.frames.merge.issues import Issue

ID_COLUMNS = ("annotation_id", "category_id", "question_id", "parent_id", "track_id", "coco_id")


class Place(NamedTuple):
    """Where an annotation stands: batch and row of it."""

    batch: int
    row: int


@dataclass
class Row:
    """An annotation whose id is in doubt.

    Attributes
    ----------
    place : Place
    record : hashable
        The record of a file that it was read from; ids that were made there hold in it.
    file : int
        Row of the finished files, -1 for none.
    old_home, home : str
        What its made id begins with, where it is not about another object: as the reader had it, and as it must be.
    ids : dict
        `ID_COLUMNS`.
    content : int or None
        Of a row whose id may be there twice: the hash of what it says.
    is_counted : bool
        Whether all rows of its file are in doubt, so that ids can be made anew by counting them.
    """

    place: Place
    record: Any
    file: int
    old_home: str
    home: str
    ids: dict[str, Any]
    content: int | None = None
    is_counted: bool = True


@dataclass
class Edits:
    """What changes in the annotations: values by column, rows that leave, and what is reported."""

    values: dict[tuple[int, str], dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    dropped: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    issues: list[tuple[Place, Issue]] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    suffixes: dict[int, NDArray[np.int32]] = field(default_factory=dict)  # by batch: n for an id that becomes ``id-n``
    suffixed: int = 0

    def change(self, row: Row, column: str, new: str) -> None:
        """Give a row another id."""
        if row.ids[column] != new:
            self.values[row.place.batch, column][row.place.row] = new

    def id_of(self, row: Row) -> Any:
        """The row's annotation id as it will be."""
        return self.values.get((row.place.batch, "annotation_id"), {}).get(row.place.row, row.ids["annotation_id"])


def resolve_rows(rows: Sequence[Row], suffixed: set[str]) -> Edits:
    """Ids for rows in doubt, given in the order of the export; a file that is counted is there with all of its rows.

    `suffixed` are the ids of all rows that look like numbers with a suffix: no row gets one of them.
    """
    edits = Edits()
    _report_repeats(rows, edits)
    _make_ids([row for row in rows if row.is_counted], edits)
    _separate([row for row in rows if row.content is not None], suffixed, edits)
    return edits


def _report_repeats(rows: Sequence[Row], edits: Edits) -> None:
    """Report records of a file that are there again, as far as their answers have no id of the service.

    Nobody can tell equal answers from the same answers, so that they stay; rows with an id are one (`_separate`).
    """
    by_file: dict[int, dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.file >= 0:
            by_file[row.file][row.record].append(row)
    for records in by_file.values():
        earlier: set[tuple[str, int | None]] = set()
        for mine in records.values() if len(records) > 1 else ():
            made = [row for row in mine if _has_made_id(row)]
            known = [(row.ids["annotation_id"], row.content) for row in mine if row.content is not None]
            if made and len(known) == len(mine) and earlier.issuperset(known):
                message = f"file {made[0].home} is there again with equal answers that have no id; they were kept."
                issue = Issue("warning", "repeated_answers", "annotations", made[0].home, None, message)
                edits.issues.append((made[0].place, issue))
            earlier.update(known)


def _has_made_id(row: Row) -> bool:
    """Whether the reader made the id, or that of the track it is of."""
    own, home = row.ids["track_id"] or row.ids["annotation_id"], row.ids["parent_id"] or row.old_home
    return own is None or _is_made(own, home, row.ids["category_id"] or row.ids["question_id"])


def _make_ids(rows: Sequence[Row], edits: Edits) -> None:
    positions: Counter[tuple[str, str]] = Counter()
    renamed: dict[tuple[Any, str], str] = {}
    for row in rows:
        parent, track, own = row.ids["parent_id"], row.ids["track_id"], row.ids["annotation_id"]
        question = row.ids["category_id"] or row.ids["question_id"]
        home, old_home = row.home, row.old_home
        if parent is not None:
            old_home, home = parent, renamed.get((row.record, parent), parent)
            edits.change(row, "parent_id", home)
        new = f"{home}/{question}/{positions[home, question]}"
        positions[home, question] += 1
        if track is not None:
            if _is_made(track, old_home, question):
                made = renamed.setdefault((row.record, track), new)
                edits.change(row, "track_id", made)
                if own is not None and own.startswith(f"{track}@"):
                    edits.change(row, "annotation_id", made + own[len(track) :])
        elif own is not None and _is_made(own, old_home, question):
            edits.change(row, "annotation_id", new)
            renamed[row.record, own] = new


def _is_made(row_id: str, home: str, question: str | None) -> bool:
    start = f"{home}/{question}/"
    return row_id.startswith(start) and row_id[len(start) :].isdigit()


def _separate(rows: Sequence[Row], suffixed: set[str], edits: Edits) -> None:
    """Of rows with one id: what is equal is one row, what is another file's number gets a suffix, the rest stays."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[edits.id_of(row)].append(row)
    taken = suffixed.union(groups)
    for row_id, same in list(groups.items()):
        if len(same) == 1:
            continue
        for own, mine in _by_id(row_id, same, taken).items():
            if own != row_id:
                for row in mine:
                    edits.change(row, "annotation_id", own)
                    edits.renamed.append((row_id, own))
            _drop_equal(own, mine, edits)


def _by_id(row_id: str, rows: Sequence[Row], taken: set[str]) -> dict[str, list[Row]]:
    """Rows of one id by the ids that they get: a number that another part uses on another image gets a suffix."""
    groups: dict[str, list[Row]] = defaultdict(list)
    by_file: dict[int, str] = {}
    by_part: dict[Any, str] = {}
    for row in rows:
        own, part = row_id, row.record[0]
        if is_number(row_id, row.ids["coco_id"]):
            if row.file not in by_file:  # twice within one part: that part contradicts itself
                by_file[row.file] = row_id if not by_file else by_part.get(part) or add_suffix(row_id, taken)
            own = by_file[row.file]
            by_part.setdefault(part, own)
        groups[own].append(row)
    return groups


def _drop_equal(row_id: str, rows: Sequence[Row], edits: Edits) -> None:
    seen: set[tuple[int, int | None]] = set()
    for row in rows:
        question = row.ids["category_id"] or row.ids["question_id"]
        made = _is_made(row_id, row.ids["parent_id"] or row.home, question)
        said = (row.file, row.content)
        if said in seen and not made:
            edits.dropped[row.place.batch].append(row.place.row)
        elif seen:
            message = f"duplicate annotation_id {row_id!r}."
            edits.issues.append(
                (row.place, Issue("warning", "duplicate_annotation_id", "annotations", row_id, None, message))
            )
        seen.add(said)
