"""Ids that had to be separated or are there twice, as issues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labellerr_ds.frames.merge.issues import Issue


class Renamed(NamedTuple):
    """How many rows got another id, and the first of them: old, new."""

    rows: int
    first: tuple[str, str]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> Renamed:
        """Of these pairs."""
        return cls(len(pairs), pairs[0] if pairs else ("", ""))


def duplicate_issue(table: str, key: str, row_id: str, position: int, differing: Sequence[str] = ()) -> Issue:
    """Return the issue of an id that two records have."""
    differs = f", the records differ in {', '.join(differing)}" if differing else ""
    return Issue("warning", f"duplicate_{key}", table, row_id, position, f"duplicate {key} {row_id!r}{differs}.")


def reused_issue(table: str, noun: str, name: str, renamed: Renamed) -> Issue:
    """Return the issue of numbers that several files of the export use."""
    old, new = renamed.first
    message = (
        f"{renamed.rows:,} rows have a COCO {noun} id that another file of the export uses with another {name}; a "
        f"suffix keeps them apart. The first: {old!r} is {new!r}."
    )
    return Issue("warning", "reused_coco_id", table, None, None, message)
