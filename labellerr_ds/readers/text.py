"""Bytes to text and JSON: one policy, and errors that name the byte."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import chain
from typing import Any, TypeVar

import msgspec

from labellerr_ds import vendor
from labellerr_ds.errors import ReadError

T = TypeVar("T")
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


def decode(body: bytes | msgspec.Raw, kind: type[T], *, name: str = "", start: int = 0) -> T:
    """JSON of a whole file, or of a part of one.

    Parameters
    ----------
    body : bytes
    kind : type
    name : str
        The file, for the error.
    start : int
        The byte of the file at which the body begins.

    Raises
    ------
    ReadError
        With the byte offset, where it is cut short or is not JSON.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise json_error("it is nested too deep", None, name) from None
    except UnicodeDecodeError:
        raise utf8_error(bytes(body), name, start) from None
    except msgspec.ValidationError as problem:
        raise json_error(f"it does not have the form of an export: {problem}", None, name) from None
    except msgspec.DecodeError as problem:
        message = str(problem)
    if "truncated" in message:
        raise cut_short(start + len(bytes(body)), name)
    match = re.search(r"\(byte (\d+)\)", message)
    if not match:
        raise json_error(message, None, name)
    offset = start + int(match[1])
    message = message.replace(match[0], f"(byte {offset})")
    raise json_error(f"it is not JSON from byte {offset} on: {message}", offset, name)


class _NoNumber:
    """What `NaN` and `Infinity` are read as: they are no JSON, though Python writes them."""


_SURROGATE = re.compile("[\ud800-\udfff]")


_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")


def elements_of(body: bytes, *, name: str, start: int) -> tuple[list[msgspec.Raw], list[int]]:
    """The elements of an array, undecoded, and which of them had to be mended; see `decode`, `mended_elements`."""
    try:
        elements = decode(body, list[msgspec.Raw], name=name, start=start)
        if _ESCAPED.search(body):  # it is looked into only when it is decoded
            decode(body, list[Any], name=name, start=start)
    except ReadError:
        mended = mended_elements(body)
        if mended is None:
            raise
        return mended
    return elements, []


def mended_elements(body: bytes) -> tuple[list[msgspec.Raw], list[int]] | None:
    """The elements of an array that only Python's own reader takes, and which of them had to be mended.

    `NaN` and `Infinity` become null, half of a surrogate pair U+FFFD. None where it is not JSON all the same.
    """
    try:
        values = json.loads(body.decode("utf-8", "surrogatepass"), parse_constant=lambda word: _NoNumber())
    except (ValueError, RecursionError):
        return None
    elements, mended = [], []
    for place, value in enumerate(values):
        met: list[Any] = []
        text, halves = _SURROGATE.subn("\ufffd", json.dumps(value, ensure_ascii=False, default=met.append))
        if met or halves:
            mended.append(place)
        elements.append(msgspec.Raw(text.encode()))
    return elements, mended


def json_error(what: str, offset: int | None, name: str = "") -> ReadError:
    """The error of a file that is not the JSON that it should be."""
    where = f"{name}: " if name else ""
    return ReadError(f"{where}the JSON cannot be read: {what}. Download the export again.", byte_offset=offset)


def cut_short(size: int, name: str = "") -> ReadError:
    """The error of a JSON file that ends in the middle of a value."""
    return json_error(f"it is cut short: it ends at byte {size} in the middle of a value", size, name)


def utf8_error(body: bytes, name: str, start: int = 0) -> ReadError:
    """The error of bytes that are not UTF-8."""
    offset = None
    try:
        body.decode()
    except UnicodeDecodeError as problem:
        offset = start + problem.start
    where = f"{name}: " if name else ""
    return ReadError(f"{where}expected UTF-8, got something else at byte {offset}.", byte_offset=offset)
