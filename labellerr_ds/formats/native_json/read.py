"""The native json export: a list of files, each with its answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from labellerr_ds.core import vendor
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.answers.categories import TemplateCategories
from labellerr_ds.formats.answers.questions import Answers
from labellerr_ds.formats.answers.records import batch_of, columns_of
from labellerr_ds.formats.answers.typed_answers import QUESTIONS, TypedAnswers
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.decoding import UNSET, decoder, first_fit, plain, raw_fields
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.json_windows import open_json
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.values import NO_STATUS, Int64, Moment, milliseconds, number, status_of, whole
from labellerr_ds.frames.tables import ListState, Tables

_KNOWN = {
    "file_id", "file_name", "file_metadata", "created_at", "file_status", "remarks", "activities", "latest_answer",
}  # fmt: skip
_KNOWN_METADATA = {"image_width", "image_height", "file_size", "file_format", "additional_metadata"}


class Metadata(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """What a file's `file_metadata` nearly always is."""

    image_width: Int64 | None = None
    image_height: Int64 | None = None
    file_size: float | None = None
    file_format: str | None = None
    additional_metadata: Any = None


class File(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A file as it nearly always is, without its answers; what is not so goes the careful way."""

    file_id: str
    file_name: str | None = None
    file_metadata: Metadata = Metadata()
    created_at: Moment | None = None
    file_status: str | msgspec.UnsetType | None = msgspec.UNSET
    remarks: str | None = None
    activities: list[Any] | None = None


_FILES: Any = tuple(
    msgspec.defstruct(
        "AnsweredFile",
        [("latest_answer", question)],  # required: a list that is missing is not an empty one
        bases=(File,),
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )
    for question in QUESTIONS
)
_decode_file = [decoder(each) for each in _FILES]


def read_native_json(member: Member, part: int, options: ReadOptions) -> Iterator[Tables]:
    """Batches of a native json export; questions that the template does not have are added from the export."""
    answers, categories = Answers(IssueLog()), TemplateCategories(options.categories)
    files = _Files(answers)
    count = 0
    with open_json(member, options.batch_bytes) as json_file:
        array = json_file.outline().array
        for entries in json_file.elements(array, *_FILES) if array else ():
            files.issues.add_mended("files", (count + place for place in json_file.mended))
            records = [files.read(entry, row) for row, entry in enumerate(entries, count)]
            yield batch_of(columns_of(records), count, part, answers, categories)
            count += len(records)
    if not count:
        yield batch_of(columns_of([]), 0, part, answers, categories)


class _Files:
    """Reads files to the columns of `records.FILE_COLUMNS`, and their answers on the way."""

    def __init__(self, answers: Answers) -> None:
        self.rows, self.answers = answers.rows, TypedAnswers(answers)
        self.issues = answers.rows.issues

    def read(self, entry: Any, row: int) -> tuple[Any, ...]:
        """The columns of a file, a struct or JSON; `row` is its row within its part."""
        if isinstance(entry, File):
            return self._usual(entry, row)
        record = first_fit(entry, _decode_file)
        return self._odd(entry, row) if record is UNSET else self._usual(record, row)

    def _usual(self, file: Any, row: int) -> tuple[Any, ...]:
        metadata = file.file_metadata
        self.rows.begin(row, file.file_id)
        before = self.rows.mark
        self.answers.read(file.latest_answer)
        state = self.rows.state_since(before)
        extra: dict[str, Any] = {"activities": file.activities} if file.activities else {}
        if metadata.additional_metadata:
            extra["file_metadata"] = {"additional_metadata": metadata.additional_metadata}
        return (
            file.file_name,
            status_of(NO_STATUS if file.file_status is msgspec.UNSET else file.file_status),
            metadata.image_width,
            metadata.image_height,
            None if metadata.file_format is None else metadata.file_format.lower(),
            metadata.file_size,
            file.remarks,
            file.created_at,
            _last_activity(file.activities) if file.activities else None,
            file.file_id,
            json_text(extra) if extra else None,
            state,
        )

    def _odd(self, raw: msgspec.Raw, row: int) -> tuple[Any, ...]:
        fields = raw_fields(raw)
        if fields is UNSET:
            self.issues.add("bad_row", "files", None, row, "an entry is not a file; it is in `extra`.")
            return (*[None] * 10, json_text({"entry": plain(raw)}), ListState.MISSING)
        raw_answers = fields.pop("latest_answer", None)
        record = {key: plain(value) for key, value in fields.items()}
        metadata = record.get("file_metadata")
        if not isinstance(metadata, dict):
            metadata = {}
        extra = {key: value for key, value in record.items() if key not in _KNOWN}
        unknown = {key: value for key, value in metadata.items() if key not in _KNOWN_METADATA}
        self.issues.unknown_keys.update([*extra, *unknown])
        if metadata.get("additional_metadata"):
            unknown["additional_metadata"] = metadata["additional_metadata"]
        if record.get("activities"):
            extra["activities"] = record["activities"]
        if "file_metadata" in record and not isinstance(record["file_metadata"], dict) and record["file_metadata"]:
            unknown = record["file_metadata"]

        file_id = None if record.get("file_id") is None else str(record["file_id"])
        if file_id is None:
            self.issues.add("bad_row", "files", None, row, "an entry has no file_id.")
        self.rows.begin(row, file_id if file_id is not None else f"row-{row}")
        state = ListState.MISSING
        if raw_answers is not None and bytes(raw_answers).lstrip()[:1] in (b"[", b"{"):
            state = self.answers.read_json(raw_answers)
        elif raw_answers is not None:
            extra["latest_answer"] = plain(raw_answers)
        measures = {
            "image_width": whole(metadata.get("image_width")),
            "image_height": whole(metadata.get("image_height")),
            "file_size": number(metadata.get("file_size")),
        }
        for key, value in measures.items():
            if value is None and metadata.get(key) is not None:
                self.issues.add("not_a_number", "files", file_id, row, f"{key} of file {file_id} is {metadata[key]!r}.")
                unknown[key] = metadata[key]
        created = milliseconds(record.get("created_at"))
        if created is None and record.get("created_at") is not None:
            self.issues.add(
                "not_a_number", "files", file_id, row, f"created_at of file {file_id} is {record['created_at']!r}."
            )
            extra["created_at"] = record["created_at"]
        if unknown:
            extra["file_metadata"] = unknown
        file_format, remarks = metadata.get("file_format"), record.get("remarks")
        return (
            None if record.get("file_name") is None else str(record["file_name"]),
            status_of(record.get("file_status", NO_STATUS)),
            measures["image_width"],
            measures["image_height"],
            None if file_format is None else str(file_format).lower(),
            measures["file_size"],
            None if remarks is None else str(remarks),
            created,
            _last_activity(record.get("activities")),
            file_id,
            json_text(extra) if extra else None,
            state,
        )


def _last_activity(activities: Any) -> int | None:
    if not isinstance(activities, list):
        return None
    moments = [vendor.first_of(each, vendor.ACTIVITY_TIME_KEYS) for each in activities if isinstance(each, dict)]
    return max((moment for moment in map(milliseconds, moments) if moment is not None), default=None)
