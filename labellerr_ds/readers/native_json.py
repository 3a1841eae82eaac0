"""The native json export: a list of files, each with its answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from labellerr_ds import vendor
from labellerr_ds.readers.archive import Member
from labellerr_ds.readers.categories import TemplateCategories
from labellerr_ds.readers.issues import IssueLog
from labellerr_ds.readers.json_windows import open_json
from labellerr_ds.readers.options import ReadOptions
from labellerr_ds.readers.questions import Answers
from labellerr_ds.readers.records import batch_of
from labellerr_ds.readers.values import NO_STATUS, json_text, milliseconds, number, status_word, whole
from labellerr_ds.tables import Tables

_KNOWN = {
    "file_id", "file_name", "file_metadata", "created_at", "file_status", "remarks", "activities", "latest_answer",
}  # fmt: skip
_KNOWN_METADATA = {"image_width", "image_height", "file_size", "file_format", "additional_metadata"}


def read_native_json(member: Member, part: int, options: ReadOptions) -> Iterator[Tables]:
    """Batches of a native json export; questions that the template does not have are added from the export."""
    answers, categories = Answers(IssueLog()), TemplateCategories(options.categories)
    count = 0
    with open_json(member, options.batch_bytes) as json_file:
        array = json_file.outline().array
        for raws in json_file.elements(array, msgspec.Raw) if array else ():
            records = [_file(msgspec.json.decode(raw), row, answers) for row, raw in enumerate(raws, count)]
            yield batch_of(records, count, part, answers, categories)
            count += len(records)
    if not count:
        yield batch_of([], 0, part, answers, categories)


def _file(record: Any, row: int, answers: Answers) -> tuple[Any, ...]:
    """A file in the columns of `records.FILE_COLUMNS`; reads its answers on the way."""
    rows = answers.rows
    if not isinstance(record, dict):
        rows.issues.add("bad_row", "files", None, row, "an entry is not a file; it is in `extra`.")
        return (None, None, None, *[None] * 7, json_text({"entry": record}))
    metadata = record.get("file_metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    extra = {key: value for key, value in record.items() if key not in _KNOWN}
    unknown = {key: value for key, value in metadata.items() if key not in _KNOWN_METADATA}
    rows.issues.unknown_keys.update([*extra, *unknown])
    if metadata.get("additional_metadata"):
        unknown["additional_metadata"] = metadata["additional_metadata"]
    if record.get("activities"):
        extra["activities"] = record["activities"]
    if "file_metadata" in record and not isinstance(record["file_metadata"], dict) and record["file_metadata"]:
        unknown = record["file_metadata"]

    file_id = None if record.get("file_id") is None else str(record["file_id"])
    if file_id is None:
        rows.issues.add("bad_row", "files", None, row, "an entry has no file_id.")
    rows.begin(row, file_id if file_id is not None else f"row-{row}")
    extra.update(answers.read(record.get("latest_answer")))
    measures = {
        "image_width": whole(metadata.get("image_width")),
        "image_height": whole(metadata.get("image_height")),
        "file_size": number(metadata.get("file_size")),
    }
    for key, value in measures.items():
        if value is None and metadata.get(key) is not None:
            rows.issues.add("not_a_number", "files", file_id, row, f"{key} of file {file_id} is {metadata[key]!r}.")
            unknown[key] = metadata[key]
    created = milliseconds(record.get("created_at"))
    if created is None and record.get("created_at") is not None:
        rows.issues.add(
            "not_a_number", "files", file_id, row, f"created_at of file {file_id} is {record['created_at']!r}."
        )
        extra["created_at"] = record["created_at"]
    if unknown:
        extra["file_metadata"] = unknown
    file_format, remarks = metadata.get("file_format"), record.get("remarks")
    return (
        file_id,
        None if record.get("file_name") is None else str(record["file_name"]),
        status_word(record.get("file_status", NO_STATUS)),
        measures["image_width"],
        measures["image_height"],
        None if file_format is None else str(file_format).lower(),
        measures["file_size"],
        None if remarks is None else str(remarks),
        created,
        _last_activity(record.get("activities")),
        json_text(extra) if extra else None,
    )


def _last_activity(activities: Any) -> int | None:
    if not isinstance(activities, list):
        return None
    moments = [vendor.first_of(each, vendor.ACTIVITY_TIME_KEYS) for each in activities if isinstance(each, dict)]
    return max((moment for moment in map(milliseconds, moments) if moment is not None), default=None)
