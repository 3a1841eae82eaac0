"""Bytes to text: one policy for encodings and delimiters."""

from __future__ import annotations

import csv
import io
from itertools import chain

from labellerr_ds.core import vendor

_KNOWN = frozenset(chain.from_iterable(vendor.CSV_COLUMNS.values()))
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
DELIMITERS = ",;\t|"
HEADER_BYTES = 1_000_000  # the first row of a table is shorter


def is_utf16(head: bytes) -> bool:
    """Whether a text begins with the byte order mark of UTF-16."""
    return head.startswith((b"\xff\xfe", b"\xfe\xff"))


def as_utf8(body: bytes) -> bytes:
    """The same text in UTF-8 without a byte order mark."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[3:] if encoding == "utf-8-sig" else body.decode(encoding, errors="replace").encode()
    return body


def start_of(head: bytes) -> bytes:
    """Return the start of a file's text in UTF-8, without a byte order mark and leading blanks."""
    return as_utf8(head[: len(head) // 2 * 2]).lstrip() if head else b""


def as_text(body: bytes) -> tuple[str, int | None]:
    """The text of a table, by its byte order mark, else UTF-8, else cp1252; and the byte that is not UTF-8."""
    body = as_utf8(body)
    try:
        return body.decode("utf-8"), None
    except UnicodeDecodeError as problem:
        return body.decode("cp1252", errors="replace"), problem.start


def header_of(text: str) -> tuple[list[str], str]:
    """The first row of a table, and the delimiter that gives it the most columns, columns of `files` before all."""
    tried = {}
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text[:HEADER_BYTES], newline=""), delimiter=delimiter)
        tried[delimiter] = next(iter(reader), [])

    def fits(delimiter: str) -> tuple[int, bool, int]:
        names = tried[delimiter]
        known = sum(spelled(name) in _KNOWN for name in names)
        return known, not any(name.count('"') % 2 for name in names), len(names)

    delimiter = max(DELIMITERS, key=fits)
    return tried[delimiter], delimiter


def spelled(name: str) -> str:
    """The name of a column in lower case, with _ for spaces."""
    return name.strip().lower().replace(" ", "_")
