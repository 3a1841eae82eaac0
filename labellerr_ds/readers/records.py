"""Records of files and their answers to batches: what native json and csv have in common."""

from __future__ import annotations

from typing import Any

from labellerr_ds.readers.categories import TemplateCategories
from labellerr_ds.readers.questions import Answers
from labellerr_ds.tables import Tables, table

FILE_COLUMNS = (
    "file_id", "file_name", "status", "width", "height", "file_format", "file_size_mb", "remarks", "created_at",
    "updated_at", "extra",
)  # fmt: skip


def batch_of(
    records: list[tuple[Any, ...]], first: int, part: int, answers: Answers, categories: TemplateCategories
) -> Tables:
    """The batch of these records, in the columns of `FILE_COLUMNS`, and of the answers read so far."""
    columns = dict(zip(FILE_COLUMNS, map(list, zip(*records, strict=True)), strict=False))
    annotations, rows = answers.rows.take()
    issues, keys = answers.rows.issues.take()
    return Tables(
        files=table("files", columns or {name: [] for name in FILE_COLUMNS}, len(records)),
        annotations=table("annotations", annotations, rows),
        categories=categories.with_questions(answers.questions),
        issues=issues,
        part=part,
        first_file=first,
        unknown_keys=keys,
    )
