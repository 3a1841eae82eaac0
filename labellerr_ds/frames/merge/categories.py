"""The categories of all parts of an export as one list.

Ids that the service gave hold everywhere. COCO's numbers hold within their own file only: of several files, a number
*and* a name are one category; others get an id with a suffix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labellerr_ds.frames.merge.ids import NUMBERS, add_suffix, is_number
from labellerr_ds.frames.merge.issues import Issue
from labellerr_ds.frames.merge.renamed import Renamed, duplicate_issue, reused_issue


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
            *([reused_issue("categories", "category", "name", Renamed.of(self.renamed))] if self.renamed else []),
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
                new = self._apart[row_id, name] = add_suffix(row_id, set(self._by_id))
            self.ids.setdefault(part, {}).setdefault(row_id, new)
            self.renamed.append((row_id, new))
            again = self._by_id.get(new)
            return again[0] if again else self._append({**row, "category_id": new})
        place = self._append(row)
        if known:
            self.issues.append(duplicate_issue("categories", "category_id", row_id, place))
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
