"""Which class a colour or a value of a mask is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from labellerr_ds.core import vendor
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.png.color_maps import RGB, color_map
from labellerr_ds.frames import schema
from labellerr_ds.images.colors import rgb


@dataclass
class Classes:
    """How a mask's colours and values read as categories."""

    by_color: dict[RGB, str] = field(default_factory=dict)
    by_value: dict[int, str] = field(default_factory=dict)
    by_folder: dict[str, str] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    added: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)  # id: name, colour

    @property
    def are_known(self) -> bool:
        """Whether a template or a colour map tells of any class."""
        return bool(self.order)


def read_classes(table: pd.DataFrame, others: Iterable[Member]) -> Classes:
    """How colours and values read: by the categories, and by the colour maps that lay beside the masks."""
    classes = Classes()
    taken: Counter[str] = Counter()
    by_name: dict[str, list[str]] = {}
    for row_id, name, color, coco_id in zip(
        table["category_id"], table["name"], table["color"], table["coco_id"], strict=True
    ):
        if not pd.isna(color):
            classes.by_color.setdefault(rgb(color), row_id)
        if not pd.isna(coco_id):
            classes.by_value.setdefault(int(coco_id), row_id)
        if not pd.isna(name):
            by_name.setdefault(name, []).append(row_id)
            classes.by_folder.setdefault(name, row_id)
            classes.by_folder[f"{name}_{row_id}"] = row_id
        classes.by_folder.setdefault(row_id, row_id)
    for member in others:
        for name, colors in color_map(member).items():
            for pair in colors:
                ids = _drawn(table, by_name.get(name, []))
                row_id = ids[min(taken[name], len(ids) - 1)] if ids else name
                taken[name] += 1
                if not ids:
                    classes.by_folder.setdefault(name, name)
                    classes.added[name] = (
                        name,
                        None if isinstance(pair, int) else "#{:02x}{:02x}{:02x}".format(*pair),
                    )
                if isinstance(pair, int):
                    classes.by_value[pair] = row_id
                else:
                    classes.by_color[pair] = row_id
    classes.order = {row_id: place for place, row_id in enumerate([*table["category_id"], *classes.added])}
    return classes


def _drawn(table: pd.DataFrame, ids: list[str]) -> list[str]:
    """Of categories with one name those that a mask can show, in order; all where none says so."""
    kinds = dict(zip(table["category_id"], table["question_type"], strict=True))
    drawn = [row_id for row_id in ids if str(kinds.get(row_id)).lower() in vendor.MASK_QUESTION_TYPES]
    return drawn or ids


def with_added(table: pd.DataFrame, classes: Classes) -> pd.DataFrame:
    """The categories, and after them those that only the masks or their colour maps tell of."""
    new = {row_id: entry for row_id, entry in classes.added.items() if row_id not in set(table["category_id"])}
    if not new:
        return table
    names, colors = zip(*new.values(), strict=True)
    added = schema.build("categories", {"category_id": list(new), "name": list(names), "color": list(colors)}, len(new))
    return pd.concat([table, added], ignore_index=True) if len(table) else added
