"""Large JSON files in pieces: where the elements of their arrays begin and end, found a window at a time.

One pass over the bytes with numpy finds the brackets outside of strings and their depth. What is kept are
*spans*: stretches of whole elements of about a window's size, which are then decoded one by one, so that a
file of any size is read in memory of a few windows.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.decoding import (
    UNSET,
    check_utf8,
    cut_short,
    decode,
    decoder,
    elements_of,
    first_fit,
    json_error,
    plain,
    raw_fields,
)
from labellerr_ds.formats.text import as_utf8, is_utf16

T = TypeVar("T")
SPAN_BYTES = 1 << 23
SCAN_BYTES = 1 << 18  # fits a processor's cache, with all that is made of it
DEEPEST = 200  # far below Python's recursion limit, which callers use as well
_NOT_WHITE = re.compile(rb"\S")
_OPEN, _CLOSE, _QUOTE, _BACKSLASH = b'{}"\\'


class Span(NamedTuple):
    """Bytes of a file, from and to."""

    start: int
    end: int


@dataclass
class Value:
    """An array or object on the top level of a file.

    Attributes
    ----------
    span : Span
        Brackets included.
    is_array : bool
    elements : list of Span
        Of an array: stretches of whole elements, without the brackets.
    """

    span: Span
    is_array: bool
    elements: list[Span] = field(default_factory=list)


@dataclass
class Outline:
    """What a JSON file holds, without its contents.

    Attributes
    ----------
    array : Value or None
        The file itself, where it is an array.
    values : dict
        Where it is an object: its arrays and objects by key.
    scalars : dict
        The other values by key.
    """

    array: Value | None = None
    values: dict[str, Value] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)


@contextmanager
def open_json(member: Member, span_bytes: int) -> Iterator[JsonFile]:
    """A file of an export as JSON; one in UTF-16 is read whole."""
    with member.open() as file:
        text = io.BytesIO(as_utf8(file.read())) if is_utf16(member.head) else file
        yield JsonFile(text, member.name, span_bytes)


class JsonFile:
    """A JSON file that is read in pieces.

    Parameters
    ----------
    file : binary file, seekable
    name : str
        For errors.
    span_bytes : int
        About how much is decoded at a time.
    """

    def __init__(self, file: BinaryIO, name: str, span_bytes: int = SPAN_BYTES) -> None:
        self.file, self.name, self.span_bytes = file, name, span_bytes
        self.mended: list[int] = []

    def outline(self) -> Outline:
        """One pass over the file.

        Raises
        ------
        ReadError
            Where it is cut short, nested too deep, or more follows after its end.
        """
        scan = _Scan(self.name, self.span_bytes)
        self.file.seek(0)
        base = 0
        while window := self.file.read(min(self.span_bytes, SCAN_BYTES)):
            scan.feed(window, base)
            base += len(window)
        if scan.depth or scan.top is None:
            raise cut_short(base, self.name)
        if scan.top == ord("["):
            return Outline(array=scan.values[0])
        skeleton = b"".join(scan.skeleton)
        fields = raw_fields(skeleton)
        if fields is UNSET:
            self.file.seek(0)
            decode(self.file.read(), dict[str, msgspec.Raw], name=self.name)  # names the byte
            raise json_error("it is not JSON", None, self.name)
        document = {key: plain(value, name=self.name) for key, value in fields.items()}
        values = {key: scan.values[value[0]] for key, value in document.items() if isinstance(value, list)}
        return Outline(values=values, scalars={key: value for key, value in document.items() if key not in values})

    def decode(self, value: Value) -> Any:
        """Return a complete array or object as plain values."""
        self.file.seek(value.span.start)
        text = self.file.read(value.span.end - value.span.start)
        check_utf8(text, self.name, value.span.start)
        (element,), _ = elements_of(b"[" + text + b"]", name=self.name, start=value.span.start - 1)
        return plain(element, name=self.name)

    def elements(self, array: Value, *usual: type[T]) -> Iterator[list[T] | list[msgspec.Raw]]:
        """The elements of an array, some at a time, as one of the `usual` types; undecoded where one is not that.

        `mended` lists which of those given last held what is not JSON.
        """
        decoders = [decoder(list[kind]) for kind in usual]  # type: ignore[valid-type]
        for start, text in self.texts(array):
            self.mended = []
            is_utf8 = check_utf8(text, self.name, start)
            parsed = first_fit(text, decoders) if is_utf8 else UNSET
            if parsed is UNSET:
                parsed, self.mended = elements_of(bytes(text), name=self.name, start=start)
            yield parsed

    def texts(self, array: Value) -> Iterator[tuple[int, memoryview]]:
        """The elements of an array, some at a time as an array of their own, and the byte at which it begins."""
        for number, span in enumerate(array.elements):
            start, text = self._bracketed(span, first=number == 0)
            if text is not None:
                yield start, text

    def _bracketed(self, span: Span, *, first: bool) -> tuple[int, memoryview | None]:
        """The elements of a span as an array of their own, and the byte at which it begins; None for white space.

        The array's own bracket, or the comma before the first element, becomes the opening one, so nothing is copied.
        """
        start = span.start - first
        body = bytearray(span.end - start + 1)
        self.file.seek(start)
        self.file.readinto(memoryview(body)[:-1])  # type: ignore[attr-defined]
        body[-1] = ord("]")
        at = _NOT_WHITE.search(body).start()  # type: ignore[union-attr]  # there is a bracket at the end
        if not first:
            if at == len(body) - 1:
                return span.end, None
            if body[at] != ord(","):
                raise json_error(f"it is not JSON from byte {start + at} on: expected ','", start + at, self.name)
            if _NOT_WHITE.search(body, at + 1).start() == len(body) - 1:  # type: ignore[union-attr]
                raise json_error(f"it is not JSON from byte {span.end} on: a trailing comma", span.end, self.name)
            body[at] = ord("[")
        return start + at, memoryview(body)[at:]


class _Scan:
    """Brackets and their depth, a window at a time."""

    def __init__(self, name: str, span_bytes: int) -> None:
        self.name, self.span_bytes = name, span_bytes
        self.depth = 0
        self.top: int | None = None  # the first bracket
        self.values: list[Value] = []
        self.skeleton: list[bytes] = []  # the top level, each value in it replaced by its number
        self._in_string = self._escaped = self._is_over = False
        self._gap: int | None = None  # where the text on the top level goes on from
        self._begun: tuple[int, bool] | None = None  # the value that is open: from, and whether it is an array
        self._element = 0  # where the next span begins
        self._spans: list[Span] = []

    def feed(self, window: bytes, base: int) -> None:
        """Look at the next bytes of the file; `base` is the offset of the first."""
        brackets, opens = self._brackets(window)
        if not len(brackets):
            self._gap_text(window, base, base + len(window))
            return
        if self.top is None:
            self.top = window[int(brackets[0])]
        level = 1 if self.top == ord("[") else 2  # the depth of the arrays that are cut into spans
        depths = self.depth + np.cumsum(np.where(opens, 1, -1))
        if depths.max() > DEEPEST:
            at = base + int(brackets[np.argmax(depths > DEEPEST)])
            raise json_error(f"it is nested too deep at byte {at}", at, self.name)
        events = np.flatnonzero(np.where(opens, depths <= level, depths < level))
        ends = np.flatnonzero(~opens & (depths == level))  # of elements
        for event in events.tolist():
            at = base + int(brackets[event])
            if self._is_over or depths[event] < 0:
                raise json_error(f"it is not JSON from byte {at} on: trailing characters", at, self.name)
            (self._opened if opens[event] else self._closed)(window, base, at, int(depths[event]), level)
        if self._begun is not None and self._begun[1] and len(ends):
            cut = base + int(brackets[ends[-1]]) + 1
            if cut - self._element >= self.span_bytes:
                self._spans.append(Span(self._element, cut))
                self._element = cut
        self._gap_text(window, base, base + len(window))
        self.depth = int(depths[-1])

    def _opened(self, window: bytes, base: int, at: int, depth: int, level: int) -> None:
        if depth == level:
            self._gap_text(window, base, at)
            self._gap = None
            self.skeleton.append(b"[%d]" % len(self.values))
            self._begun, self._element, self._spans = (at, window[at - base] == ord("[")), at + 1, []
        else:
            self.skeleton.append(b"{")
            self._gap = at + 1

    def _closed(self, window: bytes, base: int, at: int, depth: int, level: int) -> None:
        if depth == level - 1 and self._begun is not None:
            start, is_array = self._begun
            self._check_pair(ord("[") if is_array else ord("{"), window[at - base], at)
            spans = [*self._spans, Span(self._element, at)] if is_array and at > self._element else self._spans
            self.values.append(Value(Span(start, at + 1), is_array, spans))
            self._begun, self._gap = None, at + 1
        elif depth == 0:
            self._gap_text(window, base, at)
            self.skeleton.append(b"}")
            self._gap = None
        if depth == 0:
            self._check_pair(self.top, window[at - base], at)
            self._is_over, self._gap = True, at + 1

    def _check_pair(self, opened: int | None, closed: int, at: int) -> None:
        if opened is None or closed != opened + 2:  # in ASCII a bracket's closing one comes two after it
            raise json_error(f"it is not JSON from byte {at} on: unexpected {chr(closed)!r}", at, self.name)

    def _gap_text(self, window: bytes, base: int, end: int) -> None:
        if self._gap is None or end <= self._gap:
            return
        text = window[max(self._gap, base) - base : end - base]
        if self._is_over:
            if text.strip():
                at = end - len(text.lstrip())
                raise json_error(f"it is not JSON from byte {at} on: trailing characters", at, self.name)
        else:
            self.skeleton.append(text)
        self._gap = end

    def _brackets(self, window: bytes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Positions of the brackets outside of strings, and which of them open."""
        values = np.frombuffer(window, np.uint8)
        folded = values | 0x20  # [ and ] become { and }
        brackets = np.flatnonzero((folded == _OPEN) | (folded == _CLOSE))
        quotes = np.flatnonzero(values == _QUOTE)
        if self._escaped or b"\\" in window:
            quotes = self._unescaped(values, quotes)
        outside = (np.searchsorted(quotes, brackets) & 1) == int(self._in_string)
        self._in_string ^= bool(len(quotes) & 1)
        brackets = brackets[outside]
        return brackets, folded[brackets] == _OPEN

    def _unescaped(self, values: NDArray[np.uint8], quotes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The quotes that an even number of backslashes precedes."""
        slashes = np.flatnonzero(values == _BACKSLASH)
        carried = int(self._escaped)  # an odd run of them ended the last window
        if not len(slashes):
            self._escaped = False
            return quotes[1:] if carried and len(quotes) and quotes[0] == 0 else quotes
        new_run = np.concatenate([[True], np.diff(slashes) != 1])
        starts = slashes[np.flatnonzero(new_run)[np.cumsum(new_run) - 1]]
        lengths = slashes - starts + 1 + np.where(starts == 0, carried, 0)
        before = np.searchsorted(slashes, quotes) - 1
        follows = (before >= 0) & (slashes[before] == quotes - 1)
        escaped = follows & (lengths[before] & 1 == 1)
        if carried and len(quotes) and quotes[0] == 0:
            escaped[0] = True
        self._escaped = bool(slashes[-1] == len(values) - 1 and lengths[-1] & 1)
        unescaped: NDArray[np.int64] = quotes[~escaped]
        return unescaped
