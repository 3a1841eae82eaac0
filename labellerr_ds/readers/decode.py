"""Bytes to text and JSON: one policy, and errors that tell the byte."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from labellerr_ds.errors import ReadError

T = TypeVar("T")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@contextmanager
def many_objects() -> Iterator[None]:
    """While millions of objects pile up the collector would look at them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def as_utf8(body: bytes) -> bytes:
    """The same text in UTF-8 without a byte order mark."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[3:] if encoding == "utf-8-sig" else body.decode(encoding, errors="replace").encode()
    return body


def decode(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """JSON of a whole file, or of a part of one that was looked at already.

    Raises
    ------
    ReadError
        With the byte offset, where it is cut short or is no JSON.
    """
    body = as_utf8(body) if isinstance(body, bytes) else body
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        message, offset = "it is nested too deep", None
    except UnicodeDecodeError as problem:
        message, offset = "it is not UTF-8", problem.start
    except msgspec.ValidationError as problem:
        message, offset = f"it has not the form of an export: {problem}", None
    except msgspec.DecodeError as problem:
        message = str(problem)
        if "truncated" in message:
            offset = len(bytes(body))
            message = f"it is cut short: it ends at byte {offset} in the middle of a value"
        else:
            found = re.search(r"\(byte (\d+)\)", message)
            offset = int(found[1]) if found else None
            message = f"it is no JSON from byte {offset} on: {message}" if found else message
    raise ReadError(f"the JSON cannot be read: {message}. Download the export again.", byte_offset=offset)
