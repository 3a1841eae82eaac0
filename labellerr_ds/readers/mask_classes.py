"""Which class a colour or a value of a mask is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import msgspec
import pandas as pd

from labellerr_ds import schema, vendor
from labellerr_ds.readers.archive import Member
from labellerr_ds.readers.text import as_text, header_of

RGB = tuple[int, int, int]


@dataclass
class Classes:
    """How a mask's colours and values read as categories."""

    by_color: dict[RGB, str] = field(default_factory=dict)
    by_value: dict[int, str] = field(default_factory=dict)
    by_folder: dict[str, str] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    added: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)  # id: name, colour


def read_classes(table: pd.DataFrame, others: Iterable[Member]) -> Classes:
    """How colours and values read: by the categories, and by the colour maps that lay beside the masks."""
    classes = Classes()
    taken: Counter[str] = Counter()
    by_name: dict[str, list[str]] = {}
    for row_id, name, color, coco_id in zip(
        table["category_id"], table["name"], table["color"], table["coco_id"], strict=True
    ):
        if not pd.isna(color):
            classes.by_color.setdefault(_rgb(color), row_id)
        if not pd.isna(coco_id):
            classes.by_value.setdefault(int(coco_id), row_id)
        if not pd.isna(name):
            by_name.setdefault(name, []).append(row_id)
            classes.by_folder.setdefault(name, row_id)
            classes.by_folder[f"{name}_{row_id}"] = row_id
        classes.by_folder.setdefault(row_id, row_id)
    for member in others:
        for name, colors in color_map(member).items():
            for each in colors:
                ids = _drawn(table, by_name.get(name, []))
                row_id = ids[min(taken[name], len(ids) - 1)] if ids else name
                taken[name] += 1
                if not ids:
                    classes.added[name] = (
                        name,
                        None if isinstance(each, int) else "#{:02x}{:02x}{:02x}".format(*each),
                    )
                if isinstance(each, int):
                    classes.by_value[each] = row_id
                else:
                    classes.by_color[each] = row_id
    classes.order = {row_id: place for place, row_id in enumerate([*table["category_id"], *classes.added])}
    return classes


def _drawn(table: pd.DataFrame, ids: list[str]) -> list[str]:
    """Of categories with one name those that a mask can show, in order; all where none says so."""
    kinds = dict(zip(table["category_id"], table["question_type"], strict=True))
    drawn = [row_id for row_id in ids if str(kinds.get(row_id)).lower() in vendor.MASK_QUESTION_TYPES]
    return drawn or ids


def color_map(member: Member) -> dict[str, list[RGB | int]]:
    """Colours or values by class name, out of a `.json`, a `.csv` or a `labelmap.txt`; nothing where it is none."""
    body = member.read()
    name = PurePosixPath(member.name).name.lower()
    pairs: list[tuple[Any, Any]] = []
    if name.endswith(".json"):
        try:
            entry = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return {}
        if isinstance(entry, dict) and isinstance(entry.get("categories"), list):
            entry = entry["categories"]
        if isinstance(entry, dict):
            pairs = list(entry.items())
        elif isinstance(entry, list):
            pairs = [(each.get("name"), each.get("color", each.get("id"))) for each in entry if isinstance(each, dict)]
    elif name.endswith(".csv"):
        text, _ = as_text(body)
        _, delimiter = header_of(text)
        rows = [line.split(delimiter, 1) for line in text.splitlines()[1:]]
        pairs = [(row[0].strip('" '), row[1].strip('" ')) for row in rows if len(row) == 2]
    elif name.endswith(".txt"):
        lines = [line.strip() for line in as_text(body)[0].splitlines()]
        parts = [line.split(":") for line in lines if line and not line.startswith("#")]
        pairs = [(part[0], part[1]) for part in parts if len(part) > 1]
    found: dict[str, list[RGB | int]] = {}
    for label, color in pairs:
        understood = _color(color)
        if isinstance(label, str) and label and understood is not None and understood not in (0, (0, 0, 0)):
            found.setdefault(label, []).append(understood)
    return found


def _color(entry: Any) -> RGB | int | None:
    if isinstance(entry, str):
        numbers = re.findall(r"\d+", entry) if not entry.startswith("#") else []
        if len(numbers) == 3:
            entry = [int(each) for each in numbers]
        elif len(numbers) == 1 and entry.strip().isdigit():
            return int(entry)
    if isinstance(entry, int) and not isinstance(entry, bool):
        return entry
    text = schema.hex_color(entry)
    return None if text is None else _rgb(text)


def _rgb(color: str) -> RGB:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def with_added(table: pd.DataFrame, classes: Classes) -> pd.DataFrame:
    """The categories, and after them those that only the masks or their colour maps tell of."""
    new = {row_id: entry for row_id, entry in classes.added.items() if row_id not in set(table["category_id"])}
    if not new:
        return table
    names, colors = zip(*new.values(), strict=True)
    added = schema.build("categories", {"category_id": list(new), "name": list(names), "color": list(colors)}, len(new))
    return pd.concat([table, added], ignore_index=True) if len(table) else added
