"""Which files are Labellerr's csv, by their content."""

from __future__ import annotations

import csv

from labellerr_ds.core import vendor
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.text import HEADER_BYTES, as_text, header_of, spelled, start_of

COLUMN_OF = {spelling: column for column, spellings in vendor.CSV_COLUMNS.items() for spelling in spellings}
"""The column of `files` by the spelling of a header."""


def is_csv(member: Member) -> bool:
    """Return True for a table whose header names a column of `files`."""
    start = start_of(member.head)
    if not start or start.startswith(b"<") or b"\0" in start:
        return False
    with member.open() as file:
        text = as_text(file.read(HEADER_BYTES))[0]
    try:
        header, _ = header_of(text)
    except csv.Error:
        return False
    return any(COLUMN_OF.get(spelled(name)) in ("file_id", "file_name") for name in header)
