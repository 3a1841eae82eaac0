"""The png export: masks, a class a colour. Pixels become RLE one mask at a time."""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError
from tqdm.auto import tqdm

from labellerr_ds import schema
from labellerr_ds.dataset import Dataset
from labellerr_ds.errors import ReadError
from labellerr_ds.masks import LabelRegion, label_regions
from labellerr_ds.readers.assemble import assemble
from labellerr_ds.readers.csv import as_text, header_of
from labellerr_ds.readers.issues import IssueLog
from labellerr_ds.readers.unpack import Member

_UUID = re.compile(r"(?:^|_)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$", re.IGNORECASE)
RGB = tuple[int, int, int]


@dataclass
class Classes:
    """How a mask's colours and values read as categories."""

    by_color: dict[RGB, str] = field(default_factory=dict)
    by_value: dict[int, str] = field(default_factory=dict)
    by_folder: dict[str, str] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    added: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)  # id: name, colour


@dataclass
class Mask:
    """A decoded mask: its size, mode, and the pixels of each colour or value but the background."""

    height: int
    width: int
    mode: str
    regions: list[tuple[RGB | None, int | None, LabelRegion]]


def read_masks(
    members: list[Member],
    others: list[Member],
    *,
    categories: pd.DataFrame | None,
    files: pd.DataFrame | None,
    info: dict[str, Any],
    strict: bool,
    progress: bool,
) -> Dataset:
    """A Dataset of masks.

    Parameters
    ----------
    members : the PNG files
    others : what else lay beside them; colour maps are taken from there
    categories : `categories` frame, optional
        Its `color`, and its `coco_id` for grey masks, tell the classes.
    files : `files` frame, optional
        Tells to which file a mask belongs, by the file's id or the stem of its name.
    """
    issues = IssueLog()
    table = schema.empty("categories") if categories is None else categories
    classes = _classes(table, others, issues)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        decoded = list(
            tqdm(pool.map(_decode, members), total=len(members), desc="masks", delay=1, disable=not progress)
        )
    found = _Files(files, info, issues)
    rows: list[tuple[Any, ...]] = []
    file_index: list[int] = []
    for member, mask in zip(members, decoded, strict=True):
        position = found.place(member.name, mask if isinstance(mask, Mask) else None)
        if isinstance(mask, str):
            issues.add("unreadable_image", "files", found.ids[position], position, f"mask {member.name}: {mask}.")
            continue
        for category_id, regions in _by_category(member.name, mask, classes, issues).items():
            region = regions[0] if len(regions) == 1 else _merged(regions, mask)
            size = [mask.height, mask.width]
            shape = msgspec.json.encode({"size": size, "counts": region.counts}).decode()
            rows.append(
                (
                    f"{member.name}/{category_id}",
                    category_id,
                    *map(float, region.bbox),
                    float(region.area),
                    shape,
                )
            )
            file_index.append(position)
    names = (
        "annotation_id",
        "category_id",
        "bbox_x",
        "bbox_y",
        "bbox_width",
        "bbox_height",
        "area",
        "segmentation",
    )
    columns: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=False))
    table = _with_added(table, classes)
    questions = dict(zip(table["category_id"], table["question_id"], strict=True))
    ids = columns.get("category_id", [])
    columns["question_id"] = [None if pd.isna(question := questions.get(each)) else question for each in ids]
    columns["type"] = ["mask"] * len(rows)
    columns["iscrowd"] = [False] * len(rows)
    return assemble(
        files=found.columns(),
        file_count=len(found.ids),
        annotations=columns,
        file_index=np.array(file_index, dtype=np.int64),
        categories=table,
        issues=issues,
        info=info,
        strict=strict,
    )


# --- pixels


def _decode(member: Member) -> Mask | str:
    """The mask, or why it could not be read."""
    try:
        with Image.open(io.BytesIO(member.read())) as image:
            image.load()
            return _regions(image)
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as problem:
        return f"{type(problem).__name__}: {str(problem).split(' <')[0]}"


def _regions(image: Image.Image) -> Mask:
    mode = image.mode
    if mode in ("RGB", "RGBA", "PA", "LA", "La", "CMYK", "YCbCr"):
        return _of_colors(image, mode)
    values = np.asarray(image)
    if values.dtype == bool:
        values = values.astype(np.uint8)
    regions: list[tuple[RGB | None, int | None, LabelRegion]] = []
    palette = image.getpalette("RGB") or [] if mode == "P" else None
    for region in label_regions(values):
        value = region.label
        if palette is None:
            color = (value, value, value) if 0 <= value < 256 else None
        else:
            entry = tuple(palette[3 * value : 3 * value + 3])
            color = (entry[0], entry[1], entry[2]) if len(entry) == 3 else None
        if value == 0 and color in (None, (0, 0, 0)):
            continue  # black is background
        regions.append((color, value, region))
    return Mask(image.height, image.width, mode, regions)


def _of_colors(image: Image.Image, mode: str) -> Mask:
    rgba = np.asarray(image.convert("RGBA"), dtype=np.uint32)
    codes = np.where(rgba[..., 3] == 0, 0, (rgba[..., 0] << 16) | (rgba[..., 1] << 8) | rgba[..., 2])
    regions: list[tuple[RGB | None, int | None, LabelRegion]] = [
        ((region.label >> 16, (region.label >> 8) & 255, region.label & 255), None, region)
        for region in label_regions(codes)
        if region.label
    ]
    return Mask(image.height, image.width, mode, regions)


def _merged(regions: list[LabelRegion], mask: Mask) -> LabelRegion:
    """Several labels of one category as one."""
    from labellerr_ds.masks import rle_to_mask

    size = [mask.height, mask.width]
    pixels = np.zeros(size, dtype=np.uint8)
    for region in regions:
        pixels |= rle_to_mask({"size": size, "counts": region.counts})
    return next(region for region in label_regions(pixels) if region.label)


def _by_category(path: str, mask: Mask, classes: Classes, issues: IssueLog) -> dict[str, list[LabelRegion]]:
    """The regions of each category, in the order of the categories; those that are none last."""
    grouped: dict[str, list[LabelRegion]] = {}
    folder = classes.by_folder.get(PurePosixPath(path).parent.name)
    for color, value, region in mask.regions:
        known = folder
        if known is None and color is not None and color != (0, 0, 0):
            known = classes.by_color.get(color)
        if known is None and value is not None:
            known = classes.by_value.get(value)
        if known is None:
            told = "#{:02x}{:02x}{:02x}".format(*color) if color is not None and color != (0, 0, 0) else None
            known = str(value) if value is not None and mask.mode != "P" else told or str(value)
            issues.add(
                "unmatched_color", "annotations", f"{path}/{known}", None,
                f"mask {path}: {region.area:,} pixels of {known}, which belongs to no category. "
                "Pass categories= with its color, or its coco_id for a value.", "warning",
            )  # fmt: skip
            classes.added.setdefault(known, (None, told))
        grouped.setdefault(known, []).append(region)
    return dict(sorted(grouped.items(), key=lambda pair: classes.order.get(pair[0], len(classes.order))))


# --- classes


def _classes(table: pd.DataFrame, others: Iterable[Member], issues: IssueLog) -> Classes:
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
        for name, told in color_map(member).items():
            for each in told:
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
    drawn = [row_id for row_id in ids if str(kinds.get(row_id)).lower() in ("boundingbox", "polygon")]
    return drawn or ids


def color_map(member: Member) -> dict[str, list[RGB | int]]:
    """Colours or values by class name, out of a `.json`, a `.csv` or a `labelmap.txt`; nothing where it is none."""
    body = member.read()
    name = PurePosixPath(member.name).name.lower()
    pairs: list[tuple[Any, Any]] = []
    if name.endswith(".json"):
        try:
            told = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return {}
        if isinstance(told, dict) and isinstance(told.get("categories"), list):
            told = told["categories"]
        if isinstance(told, dict):
            pairs = list(told.items())
        elif isinstance(told, list):
            pairs = [(each.get("name"), each.get("color", each.get("id"))) for each in told if isinstance(each, dict)]
    elif name.endswith(".csv"):
        text = as_text(body)
        _, delimiter = header_of(text)
        rows = [line.split(delimiter, 1) for line in text.splitlines()[1:]]
        pairs = [(row[0].strip('" '), row[1].strip('" ')) for row in rows if len(row) == 2]
    elif name.endswith(".txt"):
        lines = [line.strip() for line in as_text(body).splitlines()]
        parts = [line.split(":") for line in lines if line and not line.startswith("#")]
        pairs = [(part[0], part[1]) for part in parts if len(part) > 1]
    found: dict[str, list[RGB | int]] = {}
    for label, color in pairs:
        understood = _color(color)
        if isinstance(label, str) and label and understood is not None and understood not in (0, (0, 0, 0)):
            found.setdefault(label, []).append(understood)
    return found


def _color(told: Any) -> RGB | int | None:
    if isinstance(told, str):
        numbers = re.findall(r"\d+", told) if not told.startswith("#") else []
        if len(numbers) == 3:
            told = [int(each) for each in numbers]
        elif len(numbers) == 1 and told.strip().isdigit():
            return int(told)
    if isinstance(told, int) and not isinstance(told, bool):
        return told
    text = schema.hex_color(told)
    return None if text is None else _rgb(text)


def _rgb(color: str) -> RGB:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _with_added(table: pd.DataFrame, classes: Classes) -> pd.DataFrame:
    new = {row_id: told for row_id, told in classes.added.items() if row_id not in set(table["category_id"])}
    if not new:
        return table
    names, colors = zip(*new.values(), strict=True)
    added = schema.build("categories", {"category_id": list(new), "name": list(names), "color": list(colors)}, len(new))
    return pd.concat([table, added], ignore_index=True) if len(table) else added


# --- files


class _Files:
    """The files that the masks belong to, each once."""

    def __init__(self, files: pd.DataFrame | None, info: Mapping[str, Any], issues: IssueLog) -> None:
        self.known, self.issues = files, issues
        statuses = info.get("statuses") or []
        self.status = statuses[0] if len(statuses) == 1 else None
        self.ids: list[str] = []
        self._rows: list[dict[str, Any]] = []
        self._place: dict[str, int] = {}
        self._stems: dict[str, list[int]] = {}
        self._by_id: dict[str, int] = {}
        if files is not None:
            for missing in {"file_id", "file_name"} - set(files.columns):
                raise ReadError(f"files= must be a files frame; the column {missing!r} is missing.")
            for row, (file_id, name) in enumerate(zip(files["file_id"], files["file_name"], strict=True)):
                self._by_id[file_id] = row
                self._stems.setdefault(str(name).rsplit(".", 1)[0], []).append(row)

    def place(self, path: str, mask: Mask | None) -> int:
        """The row of the file that a mask belongs to."""
        stem = PurePosixPath(path).name.rsplit(".", 1)[0]
        row = self._row(stem, path)
        file_id = self._id(stem) if row is None else str(self.known["file_id"].iloc[row])  # type: ignore[index]
        if file_id not in self._place:
            self._place[file_id] = len(self.ids)
            self.ids.append(file_id)
            told = {} if row is None else self.known.iloc[row].to_dict()  # type: ignore[union-attr]
            told = {key: value for key, value in told.items() if not pd.isna(value)}
            self._rows.append(
                {
                    "file_name": stem,
                    "status": self.status,
                    **told,
                    "file_id": file_id,
                    "paths": [],
                    "mode": None,
                }
            )
        position = self._place[file_id]
        mine = self._rows[position]
        mine["paths"].append(path)
        if mask is not None:
            size = (mine.get("width"), mine.get("height"))
            if size != (None, None) and size != (mask.width, mask.height):
                self.issues.add(
                    "size_mismatch", "files", file_id, position,
                    f"mask {path} is {mask.width} x {mask.height} pixels, its file {size[0]} x {size[1]}.",
                )  # fmt: skip
            mine["width"], mine["height"] = mine.get("width", mask.width), mine.get("height", mask.height)
            mine["mode"] = mask.mode
        return position

    def _row(self, stem: str, path: str) -> int | None:
        if self.known is None:
            return None
        ending = stem.rsplit("_", 1)[-1]
        for candidate in (stem, ending):
            if candidate in self._by_id:
                return self._by_id[candidate]
        rows = self._stems.get(stem, [])
        if len(rows) == 1:
            return rows[0]
        what = "no file" if not rows else f"{len(rows)} files"
        self.issues.add("unmatched_mask", "files", stem, None, f"mask {path} belongs to {what} of files=.", "warning")
        return None

    @staticmethod
    def _id(stem: str) -> str:
        found = _UUID.search(stem)
        return found[1] if found else stem

    def columns(self) -> dict[str, Any]:
        """The columns of `files`."""
        names = (
            "file_id",
            "file_name",
            "status",
            "width",
            "height",
            "file_format",
            "file_size_mb",
            "remarks",
        )
        columns: dict[str, Any] = {name: [row.get(name) for row in self._rows] for name in names}
        for name in ("created_at", "updated_at"):
            columns[name] = pd.DatetimeIndex([row.get(name, pd.NaT) for row in self._rows], tz="UTC").array
        extras = [
            {"mask_path": row["paths"][0] if len(row["paths"]) == 1 else row["paths"], "mode": row["mode"]}
            for row in self._rows
        ]
        columns["extra"] = [msgspec.json.encode(extra).decode() for extra in extras]
        return columns
