"""The png export: masks, a class a colour. Pixels become RLE one mask at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from labellerr_ds.core.json_text import json_text
from labellerr_ds.core.progress import tracked
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.png.mask_classes import Classes, read_classes, with_added
from labellerr_ds.formats.png.mask_files import MaskFiles
from labellerr_ds.formats.png.mask_folders import Folders, look_at_folders
from labellerr_ds.formats.png.mask_pixels import Mask, decode_mask, merged
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import FILE_ROW, ListState, Tables, from_frame, table
from labellerr_ds.shapes.rle import LabelRegion

AHEAD = 128  # masks that are decoded before their rows are made


def read_masks(masks: list[Member], others: list[Member], options: ReadOptions) -> Iterator[Tables]:
    """Batches of masks: their pixels first, and at the end the files that they belong to, and the classes.

    Parameters
    ----------
    masks : list of Member
        The PNG files.
    others : list of Member
        What else was beside them: colour maps, and photographs, which have the endings of the files' names.
    options : ReadOptions
        The template's `color`, and its `coco_id` for grey masks, give the classes. `files` gives the file of a mask,
        by the file's id or the stem of its name.
    """
    context = look_at_masks(masks, others, options)
    yield from read_some_masks(context.folders.masks, context, options)


class MaskContext(NamedTuple):
    """What the masks of an export say together, before a pixel is read: their classes, and whose they are.

    Attributes
    ----------
    template : DataFrame
    classes : Classes
    folders : Folders
    """

    template: pd.DataFrame
    classes: Classes
    folders: Folders


def look_at_masks(masks: list[Member], others: list[Member], options: ReadOptions) -> MaskContext:
    """The context of masks; of each folder a few are looked at."""
    template = schema.empty("categories") if options.categories is None else options.categories
    classes = read_classes(template, others)
    return MaskContext(template, classes, look_at_folders(masks, others, classes))


def read_some_masks(
    masks: list[Member], context: MaskContext, options: ReadOptions, *, part: int = 0, is_first: bool = True
) -> Iterator[Tables]:
    """Batches of some of the masks.

    Parameters
    ----------
    masks : list of Member
    context : MaskContext
    options : ReadOptions
    part : int
        Their part of the export.
    is_first : bool
        Whether to report what holds for all masks.
    """
    issues = IssueLog()
    template, classes, folders = context
    if is_first:
        for name in folders.classes:
            message = f"the folder {name!r} was taken for a class, which no template names. Pass categories=."
            issues.add("unmatched_color", "categories", name, None, message, "warning")
    files = MaskFiles(options.files, issues, folders)
    rows: list[tuple[Any, ...]] = []
    decode = partial(decode_mask, largest=options.limits.pixels)
    progress = tracked(len(masks), "masks", options.progress, "masks")
    with progress as advance, ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(masks), AHEAD):  # not all at once: what is decoded ahead is held
            some = masks[start : start + AHEAD]
            for member, mask in zip(some, pool.map(decode, some), strict=True):
                rows += _rows_of(member, mask, files, classes, issues)
                advance(1)
            if len(rows) >= options.batch_rows:
                yield _batch(rows, template, issues, part)
                rows = []
    file_table = table("files", files.columns(), len(files.ids))
    yield _batch(rows, template, issues, part, files=file_table, classes=classes)


_COLUMNS = (
    "annotation_id", "category_id", "bbox_x", "bbox_y", "bbox_width", "bbox_height", "area", "segmentation", FILE_ROW,
)  # fmt: skip


def _rows_of(
    member: Member, mask: Mask | str, files: MaskFiles, classes: Classes, issues: IssueLog
) -> Iterator[tuple[Any, ...]]:
    """A row for each class of a mask, in the columns of `_COLUMNS`."""
    if isinstance(mask, str):
        place = files.place(member.name, None, None)
        files.states[place] = ListState.FOUND
        issues.add("unreadable_image", "files", files.ids[place], place, f"mask {member.name}: {mask}.")
        return
    place = files.place(member.name, (mask.width, mask.height), mask.mode)
    if mask.regions:
        files.states[place] = ListState.FOUND
    for category_id, regions in _by_category(member.name, mask, classes, issues).items():
        region = regions[0] if len(regions) == 1 else merged(regions, mask)
        shape = json_text({"size": [mask.height, mask.width], "counts": region.counts})
        box = map(float, region.bbox)
        yield (f"{member.name}/{category_id}", category_id, *box, float(region.area), shape, place)


def _batch(
    rows: list[tuple[Any, ...]],
    template: pd.DataFrame,
    issues: IssueLog,
    part: int,
    *,
    files: pa.Table | None = None,
    classes: Classes | None = None,
) -> Tables:
    columns: dict[str, Any] = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=False))
    categories = template if classes is None else with_added(template, classes)
    questions = dict(zip(template["category_id"], template["question_id"], strict=True))
    ids = columns.get("category_id", [])
    columns["question_id"] = [None if pd.isna(question := questions.get(each)) else question for each in ids]
    columns["type"], columns["iscrowd"] = ["mask"] * len(rows), [False] * len(rows)
    reported, keys = issues.take()
    return Tables(
        files=table("files", {}, 0) if files is None else files,
        annotations=table("annotations", columns, len(rows)),
        categories=from_frame(categories, "categories"),
        issues=reported,
        unknown_keys=keys,
        part=part,
    )


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
            hex_text = "#{:02x}{:02x}{:02x}".format(*color) if color is not None and color != (0, 0, 0) else None
            known = str(value) if value is not None and mask.mode != "P" else hex_text or str(value)
            issues.add(
                "unmatched_color", "annotations", f"{path}/{known}", None,
                f"mask {path}: {region.area:,} pixels of {known}, which belongs to no category. "
                "Pass categories= with its color, or its coco_id for a value.", "warning",
            )  # fmt: skip
            classes.added.setdefault(known, (None, hex_text))
        grouped.setdefault(known, []).append(region)
    return dict(sorted(grouped.items(), key=lambda pair: classes.order.get(pair[0], len(classes.order))))
