"""Records of files and their answers to batches: what native json and csv have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labellerr_ds.formats.answers.categories import TemplateCategories
from labellerr_ds.formats.answers.questions import Answers
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import LIST_STATE, Tables, table

FILE_COLUMNS = (*schema.RECORDED_FILE_COLUMNS, LIST_STATE)


def columns_of(records: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """The columns of records that are in the order of `FILE_COLUMNS`."""
    columns = zip(*records, strict=True) if records else [[]] * len(FILE_COLUMNS)
    return {name: list(column) for name, column in zip(FILE_COLUMNS, columns, strict=True)}


def batch_of(
    columns: Mapping[str, list[Any]], first: int, part: int, answers: Answers, categories: TemplateCategories
) -> Tables:
    """The batch of these columns of `files`, and of the answers read so far."""
    annotations, rows = answers.rows.take()
    issues, keys = answers.rows.issues.take()
    return Tables(
        files=table("files", columns, len(columns["file_id"])),
        annotations=table("annotations", annotations if rows else {}, rows),
        categories=categories.with_questions(answers.questions),
        issues=issues,
        part=part,
        first_file=first,
        unknown_keys=keys,
        unread=answers.rows.take_unread(),
    )
