"""JSON decoding: the only module of the readers that calls a JSON decoder, and the errors that a user sees instead.

What the decoders raise depends on their version. Here every such error becomes a `ReadError` with the file and the
byte, or a value that says that the text does not fit; no other module of the readers needs to know them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.hint import DOWNLOAD_AGAIN

T = TypeVar("T")
UNSET = msgspec.UNSET
Text = bytes | bytearray | memoryview | str | msgspec.Raw

_NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOT_PYTHON_JSON = (ValueError, RecursionError)
_LONGEST_NUMBER = 308  # digits: no float has more before its point
_SURROGATE = re.compile("[\ud800-\udfff]")
_decode = msgspec.json.Decoder().decode


def decoder(kind: Any) -> Callable[[Any], Any]:
    """Return a function that decodes JSON as `kind`, and returns `UNSET` for JSON of another form."""
    decode_kind = msgspec.json.Decoder(kind).decode

    def decode_or_unset(text: Any) -> Any:
        try:
            return decode_kind(text)
        except _NOT_DECODED:
            return UNSET

    return decode_or_unset


def first_fit(text: Any, decoders: Iterable[Callable[[Any], Any]]) -> Any:
    """Return the result of the first decoder that the text fits; `UNSET` if it fits none."""
    for decode in decoders:
        value = decode(text)
        if value is not UNSET:
            return value
    return UNSET


any_json = decoder(Any)
"""Decode any JSON."""
raw_fields = decoder(dict[str, msgspec.Raw])
"""Decode an object to its undecoded values by key."""
raw_items = decoder(list[msgspec.Raw])
"""Decode an array to its undecoded elements."""


def plain(text: Text, *, name: str = "") -> Any:
    """Return the plain value of JSON that is known to be valid.

    Numbers that no float can hold become infinite, as in Python's own decoder; half of a surrogate pair becomes
    U+FFFD.

    Raises
    ------
    ReadError
        If it is nested too deep, or is not JSON after all.
    """
    try:
        return _decode(text)
    except _NOT_DECODED:
        pass
    try:
        value = _python_decoded(_text_of(text), lambda number: math.copysign(math.inf, -1 if number[0] == "-" else 1))
    except RecursionError:
        raise json_error("it is nested too deep", None, name) from None
    except ValueError as error:
        raise json_error(str(error), getattr(error, "pos", None), name) from None
    return _without_halves(value)


def decode(body: Any, kind: type[T], *, name: str = "", start: int = 0) -> T:
    """Decode JSON of a complete file, or of a part of one.

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
        With the byte offset, if it is cut short, is not UTF-8 or is not JSON.
    """
    check_utf8(body, name, start)
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise json_error("it is nested too deep", None, name) from None
    except msgspec.ValidationError as error:
        raise json_error(f"it does not have the form of an export: {error}", start, name) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = str(error)
    if "truncated" in message:
        raise cut_short(start + len(bytes(body)), name)
    match = re.search(r"\(byte (\d+)\)", message)
    if not match:
        raise json_error(message, start, name)
    offset = start + int(match[1])
    message = message.replace(match[0], f"(byte {offset})")
    raise json_error(f"it is not JSON from byte {offset} on: {message}", offset, name)


def elements_of(body: bytes, *, name: str, start: int) -> tuple[list[msgspec.Raw], list[int]]:
    """Return the undecoded elements of an array, and the indices of those that had to be corrected.

    Each of them decodes. `NaN`, `Infinity` and numbers that no float can hold become null, and half of a surrogate
    pair U+FFFD.

    Raises
    ------
    ReadError
        As `decode`.
    """
    elements = raw_items(body)
    if elements is not UNSET and _decodes(body):
        return elements, []
    corrected = _corrected_elements(body)
    if corrected is None:
        decode(body, list[Any], name=name, start=start)  # raises, and names the byte
        raise json_error("it is not JSON", start, name)
    return corrected


def _decodes(body: bytes) -> bool:
    try:
        _decode(body)
    except _NOT_DECODED:
        return False
    return True


def _corrected_elements(body: bytes) -> tuple[list[msgspec.Raw], list[int]] | None:
    """As `elements_of`, by Python's own decoder; None for what is not JSON either."""
    numbers: list[Any] = []
    try:
        values = _python_decoded(body.decode("utf-8", "surrogatepass"), _NotFinite)
    except _NOT_PYTHON_JSON:
        return None
    elements, corrected = [], []
    for index, value in enumerate(values):
        numbers.clear()
        written, halves = _SURROGATE.subn("\ufffd", json.dumps(value, ensure_ascii=False, default=numbers.append))
        if numbers or halves:
            corrected.append(index)
        elements.append(msgspec.Raw(written.encode()))
    return elements, corrected


class _NotFinite:
    """Stands for a number that JSON or a float cannot hold, until it is written as null."""

    def __init__(self, number: str) -> None:
        self.number = number


def _python_decoded(text: str, not_finite: Callable[[str], Any]) -> Any:
    """Decode by Python's own decoder, which takes `NaN`, `Infinity`, and numbers of any size.

    Raises
    ------
    ValueError, RecursionError
    """

    def parse_float(number: str) -> Any:
        value = float(number)
        return value if math.isfinite(value) else not_finite(number)

    def parse_int(number: str) -> Any:
        return int(number) if len(number) <= _LONGEST_NUMBER else not_finite(number)

    return json.loads(text, parse_float=parse_float, parse_int=parse_int, parse_constant=not_finite)


def _text_of(text: Text) -> str:
    return text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")


def _without_halves(value: Any) -> Any:
    """Return a value without halves of surrogate pairs."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_halves(item) for item in value]
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(item) for key, item in value.items()}
    return value


# --- errors


def check_utf8(body: Any, name: str, start: int = 0) -> bool:
    """Return True for UTF-8; False for halves of surrogate pairs in it, which Python's encoder writes on request.

    Raises
    ------
    ReadError
        For other bytes, with their offset.
    """
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        try:
            str(body, "utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise utf8_error(name, start + error.start) from None
        return False
    return True


def json_error(what: str, offset: int | None, name: str = "") -> ReadError:
    """Return the error of a file that is not the JSON that it should be."""
    where = f"{name}: " if name else ""
    return ReadError(f"{where}the JSON cannot be read: {what}.", byte_offset=offset, hint=DOWNLOAD_AGAIN)


def cut_short(size: int, name: str = "") -> ReadError:
    """Return the error of a JSON file that ends in the middle of a value."""
    return json_error(f"it is cut short: it ends at byte {size} in the middle of a value", size, name)


def utf8_error(name: str, offset: int) -> ReadError:
    """Return the error of bytes that are not UTF-8."""
    where = f"{name}: " if name else ""
    return ReadError(f"{where}expected UTF-8, got something else at byte {offset}.", byte_offset=offset)
