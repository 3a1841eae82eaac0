"""The cells of a csv as text: by Arrow's reader where readers do not differ, else by pandas' or Python's."""

from __future__ import annotations

import contextlib
import csv
import io
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.hint import DOWNLOAD_AGAIN
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.text import HEADER_BYTES, as_text, as_utf8, header_of

FEW_BYTES = 1 << 13
_END = "\N{END OF TEXT}"  # a row of its own after the text, unless a quoted cell is open there
Cells = list[pa.Array]
OddRows = dict[int, list[str]]
"""What a row has more than the header; nothing where it has less."""


def table_of(member: Member, issues: IssueLog) -> tuple[list[str], Cells, OddRows]:
    """Return the header, the columns, and the odd rows of a table.

    Raises
    ------
    ReadError
        With the name of the file, and the row.
    """
    body = member.read()
    body = as_utf8(body)
    # a letter may be cut at the end: of a table that is not UTF-8 the header is read again
    header, delimiter = header_of(body[:HEADER_BYTES].decode("utf-8", errors="ignore"))
    cells = even_cells(body, delimiter, len(header)) if header else None
    if cells is not None:
        return header, cells, {}
    text, odd_byte = as_text(body)
    if odd_byte is not None:
        message = f"the table is not UTF-8 (byte {odd_byte:,}); it was read as cp1252."
        issues.add("guessed_encoding", "export", None, odd_byte, message, "warning")
    header, columns, odd_rows = careful_cells(text, member.name)
    return header, [pa.array(column, pa.large_string()) for column in columns], odd_rows


def even_cells(body: bytes, delimiter: str, wide: int) -> Cells | None:
    """The columns of a table in UTF-8 with one length of row, and nothing about which readers differ; else None."""
    plain_lines = body.count(b"\r") == body.count(b"\r\n")
    if wide < 2 or b"\0" in body or not plain_lines or not _is_plainly_quoted(body, delimiter.encode()):
        return None
    if len(body) < FEW_BYTES:
        return _few_cells(body, delimiter, wide)
    names = [str(place) for place in range(wide)]
    try:
        read = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(body), 1 << 16) + 1),
            pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False, check_utf8=True
            ),
        )
    except pa.ArrowInvalid:
        return None
    return [column.combine_chunks() for column in read.slice(1).columns]


def _few_cells(body: bytes, delimiter: str, wide: int) -> Cells | None:
    """As `even_cells`, for a table of which opening Arrow's reader would take most of the time."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    if any(len(row) != wide for row in rows):
        return None
    return [pa.array([row[place] for row in rows[1:]], pa.large_string()) for place in range(wide)]


def _is_plainly_quoted(body: bytes, delimiter: bytes) -> bool:
    """Whether each quote is doubled, or stands at the beginning or the end of a cell, and for nothing else."""
    # Of a run of quotes, which is doubled ones with perhaps one more, only that one is left, among its neighbours.
    values = np.frombuffer(body.replace(b'""', b""), np.uint8)
    quotes = np.flatnonzero(values == ord('"'))
    if not len(quotes):
        return True
    before = values[np.maximum(quotes - 1, 0)]
    after = values[np.minimum(quotes + 1, len(values) - 1)]
    opens = (quotes == 0) | (before == ord("\n")) | (before == ord(delimiter))
    ends = quotes + 1 == len(values)
    closes = ends | (after == ord("\n")) | (after == ord("\r")) | (after == ord(delimiter))
    in_turn = opens[::2].all() and closes[1::2].all() and not opens[1::2].any() and not closes[::2].any()
    return bool(in_turn) and len(quotes) % 2 == 0


def careful_cells(text: str, name: str = "") -> tuple[list[str], list[list[str]], OddRows]:
    """Return the header, columns and odd rows of any table."""
    header, delimiter = header_of(text)
    if not header:
        raise ReadError(f"{name}: the table has no header in row 1: it is empty.")
    wide = len(header)
    try:
        read = pd.read_csv(
            io.StringIO(text, newline=""), sep=delimiter, header=None, dtype=object, keep_default_na=False,
            na_filter=False, index_col=False, quotechar='"', skip_blank_lines=True, low_memory=False,
        )  # fmt: skip
    except pd.errors.ParserError:
        if (row := _unclosed_row(text, delimiter)) is not None:
            raise ReadError(
                f"{name}: the table is cut short: it ends within a quoted cell that begins in row {row:,}.",
                hint=DOWNLOAD_AGAIN,
            ) from None
        return header, *_uneven_cells(text, delimiter, wide, name)
    columns = [read[place].fillna("").tolist()[1:] for place in read.columns]
    # pandas fills up a short row without a word; what is cut short in a cell without quotes ends in one.
    last = text[text.rstrip("\r\n").rfind("\n") + 1 :]
    short = False
    if last.count('"') % 2 == 0 and len(last) < csv.field_size_limit():
        with contextlib.suppress(csv.Error):
            short = len(next(csv.reader([last], delimiter=delimiter), header)) < wide
    return header, columns, {len(read) - 2: []} if short and len(read) > 1 else {}


def _unclosed_row(text: str, delimiter: str) -> int | None:
    """Return the row, counted from 1, with a quoted cell that the text ends in; None if it ends in none."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with contextlib.suppress(csv.Error):
        rows = [row for row in csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=delimiter) if row]
        return None if rows[-1] == [_END] else len(rows)
    return None


def _uneven_cells(text: str, delimiter: str, wide: int, name: str) -> tuple[list[list[str]], dict[int, list[str]]]:
    """The columns of a table in which a row is longer than the header, and its odd rows."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [row for row in reader if row][1:]
    except csv.Error as problem:
        raise ReadError(
            f"{name}: the table cannot be read from line {reader.line_num:,} on: {problem}.", hint=DOWNLOAD_AGAIN
        ) from None
    odd = {place: row[wide:] for place, row in enumerate(rows) if len(row) != wide}
    return [[row[place] if place < len(row) else "" for row in rows] for place in range(wide)], odd
