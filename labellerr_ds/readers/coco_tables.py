"""The images and categories of a coco_json export."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import msgspec
import pandas as pd

from labellerr_ds import schema
from labellerr_ds.readers.assemble import NO_STATUS, milliseconds, number, status_words, whole
from labellerr_ds.readers.issues import IssueLog

# Keys of COCO itself (cocodataset.org, "Data format") and of Labellerr, which need no warning.
_IMAGE_KEYS = {
    "id",
    "width",
    "height",
    "file_name",
    "date_created",
    "labellerr_file_id",
    "labellerr_file_status",
    "labellerr_file_remarks",
}
_IMAGE_EXTRA = {"coco_url", "url", "file_url", "license", "flickr_url", "date_captured", "file_metadata"}
_CATEGORY_KEYS = {"id", "name", "supercategory", "color", "labellerr_question_id"}
_CATEGORY_EXTRA = {"isthing", "attributes", "keypoints", "skeleton"}


def read_categories(
    told: list[Any], template: pd.DataFrame | None, issues: IssueLog
) -> tuple[pd.DataFrame, dict[Any, tuple[str, str | None]]]:
    """The frame, and (category_id, question_id) by COCO's id."""
    entries = [each if isinstance(each, dict) else {"name": None, "entry": each} for each in told]
    questions = [as_text(each.get("labellerr_question_id")) for each in entries]
    kinds = {} if template is None else dict(zip(template["question_id"], template["question_type"], strict=True))
    rows: list[tuple[Any, ...]] = []
    by_id: dict[Any, tuple[str, str | None]] = {}
    for position, (entry, question) in enumerate(zip(entries, questions, strict=True)):
        row_id = question if question is not None and questions.count(question) == 1 else as_text(entry.get("id"))
        if row_id is None:
            issues.add("bad_row", "categories", None, position, f"category {position} has no id.")
        extra = {key: value for key, value in entry.items() if key not in _CATEGORY_KEYS}
        issues.unknown_keys.update(key for key in extra if key not in _CATEGORY_EXTRA)
        extra = {
            key: value for key, value in extra.items() if key not in _CATEGORY_EXTRA or value not in (None, [], {}, "")
        }
        color = entry.get("color")
        if color is not None and (schema.hex_color(color) is None or not isinstance(color, list) or len(color) != 3):
            extra["color"] = color
        rows.append(
            (
                row_id,
                as_text(entry.get("name")),
                as_text(entry.get("supercategory")),
                schema.hex_color(color),
                question,
                kinds.get(question),
                whole(entry.get("id")),
                _json(extra),
            )
        )
        key = lookup_key(entry.get("id"))
        if key in by_id:
            again = f"category id {key!r} stands there once more."
            issues.add("duplicate_category_id", "categories", row_id, position, again, "warning")
        by_id.setdefault(key, (row_id or "", question))
    names = [column.name for column in schema.TABLES["categories"]]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=False))
    return schema.build("categories", columns, len(rows)), by_id


def read_images(told: list[Any], issues: IssueLog) -> tuple[dict[str, Any], dict[Any, int]]:
    """The columns of `files`, and the row by COCO's id."""
    rows: list[tuple[Any, ...]] = []
    index: dict[Any, int] = {}
    for position, image in enumerate(told):
        if not isinstance(image, dict):
            issues.add("bad_row", "files", None, position, f"image {position} is no object; it is in `extra`.")
            image = {"entry": image}
        extra: dict[str, Any] = {}
        if not image.keys() <= _IMAGE_KEYS:
            extra = {key: value for key, value in image.items() if key not in _IMAGE_KEYS}
            issues.unknown_keys.update(key for key in extra if key not in _IMAGE_EXTRA)
            extra = {
                key: value for key, value in extra.items() if key not in _IMAGE_EXTRA or value not in (None, "", {}, [])
            }
        row_id = as_text(image.get("labellerr_file_id"))
        row_id = as_text(image.get("id")) if row_id is None else row_id
        if image.get("id") is None:
            issues.add("bad_row", "files", row_id, position, f"image {position} has no id.")
        for key in ("width", "height"):
            if image.get(key) is not None and whole(image[key]) is None:
                issues.add("not_a_number", "files", row_id, position, f"{key} of image {row_id} is {image[key]!r}.")
                extra[key] = image[key]
        created = milliseconds(image.get("date_created"))
        if created is None and image.get("date_created") is not None:
            extra["date_created"] = image["date_created"]
        metadata = extra.get("file_metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        more = {key: value for key, value in metadata.items() if key not in ("file_size", "file_format")}
        if metadata:  # as our own writer puts what COCO has no place for
            extra = {key: value for key, value in extra.items() if key != "file_metadata"}
            extra.update({"file_metadata": more} if more else {})
        name = as_text(image.get("file_name"))
        ending = PurePosixPath(name).suffix[1:].lower() or None if name else None
        rows.append(
            (
                row_id,
                name,
                image.get("labellerr_file_status", NO_STATUS),
                whole(image.get("width")),
                whole(image.get("height")),
                as_text(metadata.get("file_format")) or ending,
                number(metadata.get("file_size")),
                as_text(image.get("labellerr_file_remarks")),
                created,
                whole(image.get("id")),
                _json(extra),
            )
        )
        key = lookup_key(image.get("id"))
        if key in index:
            issues.add(
                "duplicate_file_id", "files", row_id, position, f"image id {key!r} stands there once more.", "warning"
            )
        if key is not None:
            index.setdefault(key, position)
    names = (
        "file_id",
        "file_name",
        "status",
        "width",
        "height",
        "file_format",
        "file_size_mb",
        "remarks",
        "created_at",
        "coco_id",
        "extra",
    )
    columns: dict[str, Any] = {name: [] for name in names}
    columns.update(zip(names, map(list, zip(*rows, strict=True)), strict=False))
    columns["status"] = status_words(columns["status"])
    return columns, index


def lookup_key(value: Any) -> Any:
    """An id to look things up by: 3, 3.0 and "3" are one."""
    found = whole(value)
    return value if found is None and isinstance(value, str) else found


def as_text(value: Any) -> str | None:
    """The text of an id or a name, as it came."""
    return None if value is None else str(value)


def _json(extra: dict[str, Any]) -> str | None:
    return msgspec.json.encode(extra).decode() if extra else None
