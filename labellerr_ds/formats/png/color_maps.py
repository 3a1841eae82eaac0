"""Colour maps that lie beside masks: which class a colour or a value is, as the tools of the trade write it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.decoding import any_json
from labellerr_ds.formats.text import as_text, header_of
from labellerr_ds.images.colors import hex_color, rgb

RGB = tuple[int, int, int]
NAMES_ALONE = frozenset({"classes", "class_names", "codes", "labels", "label_names", "names", "obj"})
"""What a text is called that has the name of a class a line, from value 0 on."""
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<name>[^:]+):(?P<color>\d+,\d+,\d+|\d+)(:.*)?",  # CVAT's labelmap.txt
        r"(?P<color>\d+[\s,]+\d+[\s,]+\d+)[\s,]+(?P<name>\D.*)",  # CamVid's label_colors.txt
        r"(?P<name>.*\D)[\s,]+(?P<color>\d+[\s,]+\d+[\s,]+\d+)",
        r"(?P<color>\d+)[\s,:]+(?P<name>\D.*)",
        r"(?P<name>.*\D)[\s,]+(?P<color>\d+)",
    )
)


def color_map(member: Member) -> dict[str, list[RGB | int]]:
    """Colours or values by class name, out of a JSON, a table or a text; nothing where it is none of them.

    Read are an object or a list of objects with `name` and `color` or `id`, also under `categories`; a table of names
    and colours, or of names and red, green and blue; lines as ``name:r,g,b:parts:actions`` (CVAT), ``r g b name``
    (CamVid), ``name r g b``, ``value name`` and ``name value``; and names alone, a line each, in a ``classes.txt``,
    ``labels.txt`` or ``codes.txt``. Black and 0 are background.
    """
    path = PurePosixPath(member.name.lower())
    readers = {".json": _of_json, ".csv": _of_table, ".txt": _of_lines, ".names": _of_lines}
    read = readers.get(path.suffix)
    colors: dict[str, list[RGB | int]] = {}
    for label, color in read(member.read(), path.stem) if read else ():
        understood = _color(color)
        if isinstance(label, str) and label and understood is not None and understood not in (0, (0, 0, 0)):
            colors.setdefault(label, []).append(understood)
    return colors


def _of_json(body: bytes, stem: str) -> Iterable[tuple[Any, Any]]:
    entry = any_json(body)
    if isinstance(entry, dict) and isinstance(entry.get("categories"), list):
        entry = entry["categories"]
    if isinstance(entry, dict):
        return entry.items()
    return [
        (item.get("name"), item.get("color", item.get("id")))
        for item in (entry if isinstance(entry, list) else [])
        if isinstance(item, dict)
    ]


def _of_table(body: bytes, stem: str) -> Iterable[tuple[Any, Any]]:
    text, _ = as_text(body)
    _, delimiter = header_of(text)
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    return [(row[0], " ".join(row[1:4]) if len(row) > 3 else row[1]) for row in rows[1:] if len(row) > 1]


def _of_lines(body: bytes, stem: str) -> Iterable[tuple[Any, Any]]:
    lines = [line.strip() for line in as_text(body)[0].splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    for form in _FORMS:
        matches = [form.fullmatch(line) for line in lines]
        if matches and all(matches):
            return [(match["name"].strip(), match["color"]) for match in matches if match]
    if stem not in NAMES_ALONE:
        return []
    before = 1 if lines[:1] == ["__ignore__"] else 0  # labelme's, of value -1
    return [(name, str(value)) for value, name in enumerate(lines[before:])]


def _color(entry: Any) -> RGB | int | None:
    if isinstance(entry, str):
        numbers = re.findall(r"\d+", entry) if not entry.startswith("#") else []
        if len(numbers) == 3:
            entry = [int(each) for each in numbers]
        elif len(numbers) == 1 and entry.strip().isdigit():
            return int(entry)
    if isinstance(entry, int) and not isinstance(entry, bool):
        return entry
    text = hex_color(entry)
    return None if text is None else rgb(text)
