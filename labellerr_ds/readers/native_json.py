"""The native json export: a list of files, each with its answers."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pandas as pd

from labellerr_ds import service
from labellerr_ds.dataset import Dataset
from labellerr_ds.readers.answers import AnswerRows, json_text
from labellerr_ds.readers.assemble import (
    NO_STATUS,
    assemble,
    found_categories,
    milliseconds,
    number,
    status_words,
    whole,
)
from labellerr_ds.readers.decode import decode
from labellerr_ds.readers.issues import IssueLog

_KNOWN = {
    "file_id", "file_name", "file_metadata", "created_at", "file_status", "remarks", "activities", "latest_answer",
}  # fmt: skip
_KNOWN_METADATA = {"image_width", "image_height", "file_size", "file_format", "additional_metadata"}
FILE_COLUMNS = (
    "file_id", "file_name", "status", "width", "height", "file_format", "file_size_mb", "remarks", "created_at",
    "updated_at", "extra",
)  # fmt: skip


def read_native_json(body: bytes, *, categories: pd.DataFrame | None, info: dict[str, Any], strict: bool) -> Dataset:
    """A Dataset of a native json export.

    Parameters
    ----------
    body : bytes
        The whole file.
    categories : `categories` frame, optional
        The template; questions that it does not hold are added from the export.
    """
    issues = IssueLog()
    rows = AnswerRows(issues)
    files: list[tuple[Any, ...]] = []
    raws: list[msgspec.Raw] = decode(body, list[msgspec.Raw])
    for position, raw in enumerate(raws):
        files.append(_file(msgspec.json.decode(raw), position, rows, issues))
    columns = dict(zip(FILE_COLUMNS, map(list, zip(*files, strict=True)), strict=False))
    if files:
        columns["status"] = status_words(columns["status"])
    annotations = rows.columns()
    if "question_id" in annotations:
        annotations["category_id"] = annotations["question_id"]
    return assemble(
        files=columns,
        file_count=len(files),
        annotations=annotations,
        file_index=np.array(rows.file_index, dtype=np.int64),
        categories=found_categories(rows.questions, categories),
        issues=issues,
        info=info,
        strict=strict,
    )


def _file(told: Any, position: int, rows: AnswerRows, issues: IssueLog) -> tuple[Any, ...]:
    if not isinstance(told, dict):
        issues.add("bad_row", "files", None, position, f"entry {position} is no file; it is in `extra`.")
        return (None, None, NO_STATUS, *[None] * 7, json_text({"entry": told}))
    metadata = told.get("file_metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    extra = {key: value for key, value in told.items() if key not in _KNOWN}
    unknown = {key: value for key, value in metadata.items() if key not in _KNOWN_METADATA}
    issues.unknown_keys.update([*extra, *unknown])
    if metadata.get("additional_metadata"):
        unknown["additional_metadata"] = metadata["additional_metadata"]
    if told.get("activities"):
        extra["activities"] = told["activities"]
    if "file_metadata" in told and not isinstance(told["file_metadata"], dict) and told["file_metadata"]:
        unknown = told["file_metadata"]

    file_id = None if told.get("file_id") is None else str(told["file_id"])
    if file_id is None:
        issues.add("bad_row", "files", None, position, f"entry {position} has no file_id.")
    rows.begin(position, file_id if file_id is not None else f"row-{position}")
    extra.update(rows.read(told.get("latest_answer")))
    measures = {
        "image_width": whole(metadata.get("image_width")),
        "image_height": whole(metadata.get("image_height")),
        "file_size": number(metadata.get("file_size")),
    }
    for key, value in measures.items():
        if value is None and metadata.get(key) is not None:
            issues.add("not_a_number", "files", file_id, position, f"{key} of file {file_id} is {metadata[key]!r}.")
            unknown[key] = metadata[key]
    created = milliseconds(told.get("created_at"))
    if created is None and told.get("created_at") is not None:
        issues.add("not_a_number", "files", file_id, position, f"created_at of file {file_id} is no time.")
        extra["created_at"] = told["created_at"]
    if unknown:
        extra["file_metadata"] = unknown
    file_format, remarks = metadata.get("file_format"), told.get("remarks")
    return (
        file_id,
        None if told.get("file_name") is None else str(told["file_name"]),
        told.get("file_status", NO_STATUS),
        measures["image_width"],
        measures["image_height"],
        None if file_format is None else str(file_format).lower(),
        measures["file_size"],
        None if remarks is None else str(remarks),
        created,
        _last_activity(told.get("activities")),
        json_text(extra) if extra else None,
    )


def _last_activity(activities: Any) -> int | None:
    if not isinstance(activities, list):
        return None
    told = [service.first_of(each, service.ACTIVITY_TIME_KEYS) for each in activities if isinstance(each, dict)]
    times = [moment for moment in map(milliseconds, told) if moment is not None]
    return max(times, default=None)
