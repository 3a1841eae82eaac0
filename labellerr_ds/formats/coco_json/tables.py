"""The images and categories of a coco_json export."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pandas as pd
import pyarrow as pa

from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.decoding import plain
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.values import (
    NO_STATUS,
    Int64,
    Moment,
    as_text,
    lookup_key,
    milliseconds,
    number,
    status_of,
    whole,
)
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import LIST_STATE, ListState, table
from labellerr_ds.images.colors import hex_color

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
    "labellerr_label_state",
}
_IMAGE_EXTRA = {"coco_url", "url", "file_url", "license", "flickr_url", "date_captured", "file_metadata"}
_CATEGORY_KEYS = {"id", "name", "supercategory", "color", "labellerr_question_id", "labellerr_question_type"}
_CATEGORY_EXTRA = {"isthing", "attributes", "keypoints", "skeleton", "options"}


ClassIds = dict[Any, tuple[str, str | None]]
"""`category_id` and `question_id` by COCO's number."""


def read_categories(entries: list[Any], template: pd.DataFrame | None, issues: IssueLog) -> tuple[pa.Table, ClassIds]:
    """The `categories`, and what COCO's numbers stand for."""
    dicts = [entry if isinstance(entry, dict) else {"name": None, "entry": entry} for entry in entries]
    questions = [as_text(entry.get("labellerr_question_id")) for entry in dicts]
    kinds = {} if template is None else dict(zip(template["question_id"], template["question_type"], strict=True))
    uses = Counter(questions)
    rows: list[tuple[Any, ...]] = []
    by_id: ClassIds = {}
    for position, (entry, question) in enumerate(zip(dicts, questions, strict=True)):
        row_id = question if question is not None and uses[question] == 1 else as_text(entry.get("id"))
        if row_id is None:
            issues.add("bad_row", "categories", None, position, "a category has no id.")
        kind = kinds.get(question, as_text(entry.get("labellerr_question_type")))
        rows.append(
            (
                as_text(entry.get("name")),
                None if kind is None or pd.isna(kind) else str(kind),
                hex_color(entry.get("color")),
                as_text(entry.get("supercategory")),
                row_id,
                question,
                whole(entry.get("id")),
                _extra_of_category(entry, issues),
            )
        )
        key = lookup_key(entry.get("id"))
        if key in by_id and by_id[key][0] != row_id:
            message = f"duplicate category id {key!r}."
            issues.add("duplicate_category_id", "categories", row_id, position, message, "warning")
        by_id.setdefault(key, (row_id or "", question))
    names = [column.name for column in schema.TABLES["categories"]]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=False))
    return table("categories", columns or {name: [] for name in names}, len(rows)), by_id


def _extra_of_category(entry: dict[str, Any], issues: IssueLog) -> str | None:
    extra = {key: value for key, value in entry.items() if key not in _CATEGORY_KEYS}
    issues.unknown_keys.update(key for key in extra if key not in _CATEGORY_EXTRA)
    extra = _filled(extra, _CATEGORY_EXTRA)
    color = entry.get("color")
    if color is not None and (hex_color(color) is None or not isinstance(color, list) or len(color) != 3):
        extra["color"] = color
    return json_text(extra) if extra else None


def _filled(extra: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Without the keys that are known and have nothing in them."""
    return {key: value for key, value in extra.items() if key not in known or value not in (None, "", {}, [])}


_FILE_COLUMNS = (
    "file_id", "file_name", "status", "width", "height", "file_format", "file_size_mb", "remarks", "created_at",
    "coco_id", "extra", LIST_STATE,
)  # fmt: skip
NO_IMAGE, SEVERAL_IMAGES = -1, -2
"""Rows of a number that no image has, and of one that different images have."""


class Image(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An image as it nearly always is; what is not so goes the careful way."""

    id: Int64
    file_name: str | None = None
    width: Int64 | None = None
    height: Int64 | None = None
    date_created: Moment | None = None
    labellerr_file_id: str | None = None
    labellerr_file_status: str | msgspec.UnsetType | None = msgspec.UNSET
    labellerr_file_remarks: str | None = None


class ImageReader:
    """Reads images to `files`, some at a time.

    Parameters
    ----------
    issues : IssueLog
    list_state : ListState
        Of the file's list of annotations.

    Attributes
    ----------
    count : int
        How many were read.
    rows : dict
        Their rows by COCO's number; `SEVERAL_IMAGES` for a number of different images.
    rows_of_shared : dict
        The rows of the images that share a number.
    rows_of_texts : dict
        The rows of images whose id is a text and no number.
    unclear : set of int
        The rows of images that our own archive marks: their labels are unknown.
    """

    def __init__(self, issues: IssueLog, list_state: ListState) -> None:
        self.issues, self.count, self._list_state = issues, 0, list_state
        self.rows: dict[Any, int] = {}
        self.rows_of_shared: dict[Any, list[int]] = {}
        self.rows_of_texts: dict[str, int] = {}
        self._ids_of_texts: dict[int, str] = {}
        self.unclear: set[int] = set()
        self._identities = array("q")  # hashes of the id and name of each image
        self._sides = array("q")  # height and width of each, -1 for what is not told

    def read(self, entries: Sequence[Image] | Sequence[msgspec.Raw]) -> pa.Table:
        """The `files` of these images."""
        if entries and isinstance(entries[0], Image):
            return self._usual(cast(Sequence[Image], entries))
        raws = cast(Sequence[msgspec.Raw], entries)
        records = [self._record(plain(raw), row) for row, raw in enumerate(raws, self.count)]
        self.count += len(records)
        columns = dict(zip(_FILE_COLUMNS, map(list, zip(*records, strict=True)), strict=False))
        return table("files", columns, len(records))

    def _usual(self, images: Sequence[Image]) -> pa.Table:
        ids = [str(image.id) if image.labellerr_file_id is None else image.labellerr_file_id for image in images]
        numbers = [image.id for image in images]
        rows = dict(zip(numbers, range(self.count, self.count + len(images)), strict=True))
        if len(rows) == len(images) and self.rows.keys().isdisjoint(rows):
            self.rows.update(rows)
            self._identities.extend(map(hash, zip(ids, (image.file_name for image in images), strict=True)))
        else:
            for row, (number, row_id, image) in enumerate(zip(numbers, ids, images, strict=True), self.count):
                self._index(number, row_id, image.file_name, row)
        self.count += len(images)
        self._sides.extend([
            -1 if side is None else side for image in images for side in (image.height, image.width)
        ])  # fmt: skip
        columns = {
            "file_id": ids,
            "file_name": [image.file_name for image in images],
            "status": [
                None if image.labellerr_file_status is msgspec.UNSET else status_of(image.labellerr_file_status)
                for image in images
            ],
            "width": [image.width for image in images],
            "height": [image.height for image in images],
            "file_format": [_ending(image.file_name) for image in images],
            "remarks": [image.labellerr_file_remarks for image in images],
            "created_at": [image.date_created for image in images],
            "coco_id": numbers,
            LIST_STATE: [self._list_state] * len(images),
        }
        return table("files", columns, len(images))

    def _record(self, image: Any, row: int) -> tuple[Any, ...]:
        if not isinstance(image, dict):
            self.issues.add("bad_row", "files", None, row, "an image is not an object; it is in `extra`.")
            image = {"entry": image}
        extra: dict[str, Any] = {}
        if not image.keys() <= _IMAGE_KEYS:
            extra = {key: value for key, value in image.items() if key not in _IMAGE_KEYS}
            self.issues.unknown_keys.update(key for key in extra if key not in _IMAGE_EXTRA)
            extra = _filled(extra, _IMAGE_EXTRA)
        row_id = as_text(image.get("labellerr_file_id"))
        row_id = as_text(image.get("id")) if row_id is None else row_id
        number_key = lookup_key(image.get("id"))
        if number_key is None:
            what = "no id" if image.get("id") is None else f"the id {image['id']!r}, which is not a number"
            self.issues.add("bad_row", "files", row_id, row, f"an image has {what}.")
        for key in ("width", "height"):
            if image.get(key) is not None and whole(image[key]) is None:
                self.issues.add("not_a_number", "files", row_id, row, f"{key} of image {row_id} is {image[key]!r}.")
                extra[key] = image[key]
        created = milliseconds(image.get("date_created"))
        if created is None and image.get("date_created") is not None:
            extra["date_created"] = image["date_created"]
        metadata = {}
        if isinstance(extra.get("file_metadata"), dict):  # where our own writer puts what COCO has no place for
            metadata = extra.pop("file_metadata")
            more = {key: value for key, value in metadata.items() if key not in ("file_size", "file_format")}
            extra.update({"file_metadata": more} if more else {})
        name = as_text(image.get("file_name"))
        self._keep_size(whole(image.get("height")), whole(image.get("width")))
        self._index(number_key, row_id, name, row)
        if "labellerr_label_state" in image:
            self.unclear.add(row)
        return (
            row_id,
            name,
            status_of(image.get("labellerr_file_status", NO_STATUS)),
            whole(image.get("width")),
            whole(image.get("height")),
            as_text(metadata.get("file_format")) or _ending(name),
            number(metadata.get("file_size")),
            as_text(image.get("labellerr_file_remarks")),
            created,
            whole(image.get("id")),
            json_text(extra) if extra else None,
            ListState.MISSING if number_key is None else self._list_state,  # no annotation can name it
        )

    def id_of(self, row: int, text: str) -> str:
        """Return the file id of an image whose number is a text."""
        return self._ids_of_texts.get(row, text)

    def size(self, row: int) -> tuple[int | None, int | None]:
        """Height and width of an image, None where it is missing, and for -1."""
        height, width = self._sides[2 * row : 2 * row + 2] if row >= 0 else (-1, -1)
        return (None if height < 0 else height), (None if width < 0 else width)

    def _keep_size(self, height: int | None, width: int | None) -> None:
        self._sides.extend((-1 if height is None else height, -1 if width is None else width))

    def _index(self, key: Any, row_id: str | None, name: str | None, row: int) -> None:
        identity = hash((row_id, name))
        self._identities.append(identity)
        if key is None:
            return
        if isinstance(key, str):
            self.rows_of_texts[key] = row
            if row_id is not None:
                self._ids_of_texts[row] = row_id
        first = self.rows.setdefault(key, row)
        if first == row:
            return
        if first != SEVERAL_IMAGES and self._identities[first] == identity:
            return  # the same file once more
        shared = self.rows_of_shared.setdefault(key, [first])
        shared.append(row)
        self.rows[key] = SEVERAL_IMAGES
        self.issues.add("duplicate_file_id", "files", row_id, row, f"duplicate image id {key!r}.", "warning")


def _ending(name: str | None) -> str | None:
    """The ending of a file's name, as `pathlib` sees it."""
    stem, dot, ending = (name or "").rpartition("/")[2].rpartition(".")
    return ending.lower() or None if dot and stem else None
