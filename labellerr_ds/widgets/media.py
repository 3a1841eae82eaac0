"""What of a file is no picture: the sound of a call with its segments, and a text with its spans."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from labellerr_ds.formats.text import as_text
from labellerr_ds.images.colors import NO_CLASS

SOUNDS = {
    ".aac": "audio/aac", ".flac": "audio/flac", ".m4a": "audio/mp4", ".mp3": "audio/mpeg", ".oga": "audio/ogg",
    ".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".weba": "audio/webm",
}  # fmt: skip
TEXTS = frozenset({".log", ".md", ".rst", ".text", ".txt"})
PDF = ".pdf"
MEDIA = ("audio", "text")  # kinds that are played or read, and are no pictures
NO_PICTURES = frozenset({".h5", ".hdf", ".mpeg", ".mpg"})  # which Pillow has among the endings of images
LARGEST_SOUND = 32_000_000  # bytes; it goes to the browser as a whole
LONGEST_TEXT = 200_000  # letters that are shown


def kind_of(name: str | None) -> str:
    """What a file is by its name: ``audio``, ``text``, ``pdf``, ``picture``, or ``other`` for what is not shown."""
    ending = Path(name or "").suffix.lower()
    if ending in NO_PICTURES:
        return "other"
    if ending in SOUNDS:
        return "audio"
    if ending in TEXTS:
        return "text"
    if ending == PDF:
        return "pdf"
    return "picture" if not ending or ending in Image.registered_extensions() else "other"


class Media(NamedTuple):
    """What the browser gets of it: what is played or read, and the bytes of a sound."""

    message: dict[str, Any]
    body: bytes
    warning: str


def media_of(name: str, source: Path | bytes | None, rows: pd.DataFrame, colors: dict[str, str]) -> Media:
    """A sound or a text, with its segments in the order in which they begin.

    Parameters
    ----------
    name : str
        The file's, with the ending of a sound or a text.
    source : Path, bytes, or None where the file is not there
    rows : DataFrame
        Its rows of the type ``segment``.
    colors : dict
        ``#rrggbb`` by class.
    """
    segments = _segments(rows, colors)
    body, problem = _bytes_of(source)
    kind = kind_of(name)
    message: dict[str, Any] = {"kind": kind, "segments": segments}
    warning = problem
    if kind == "audio":
        message["type"] = SOUNDS[Path(name).suffix.lower()]
        if body is not None and len(body) > LARGEST_SOUND:
            warning = f"The sound has {len(body) / 1e6:,.0f} MB; up to {LARGEST_SOUND / 1e6:.0f} MB are played here."
            body = None
        return Media(message, body or b"", warning)
    if body is not None:
        text, broken = as_text(body)
        if broken is not None:
            warning = f"The text is not UTF-8 at byte {broken}: it is read as cp1252."
        if len(text) > LONGEST_TEXT:
            warning = f"The text has {len(text):,} letters, of which the first {LONGEST_TEXT:,} are shown."
        message["pieces"] = pieces(text, segments, LONGEST_TEXT)
    return Media(message, b"", warning)


def _bytes_of(source: Path | bytes | None) -> tuple[bytes | None, str]:
    if not isinstance(source, Path):
        return source, ""
    try:
        return source.read_bytes(), ""
    except OSError as problem:
        return None, f"The file cannot be read: {problem.strerror}."


def _segments(rows: pd.DataFrame, colors: dict[str, str]) -> list[dict[str, Any]]:
    segments = []
    columns = rows.reindex(columns=["category", "time", "end_time", "value"]).astype(object)
    for category, start, end, text in columns.itertuples(index=False):
        name = NO_CLASS if pd.isna(category) else str(category)
        moments = [None if pd.isna(moment) else float(moment) for moment in (start, end)]
        said = "" if pd.isna(text) else str(text)
        segments.append({"start": moments[0], "end": moments[1], "text": said, "name": name, "color": colors[name]})
    return sorted(segments, key=lambda segment: segment["start"] if segment["start"] is not None else float("inf"))


def pieces(text: str, segments: list[dict[str, Any]], longest: int | None = None) -> list[tuple[str, int]]:
    """A text cut at its spans: each piece with the place of its segment, -1 for what is in none.

    A segment's numbers are positions of letters where they hold its text; else it is where its text first comes. What
    overlaps one before it is left to that. Of a text that is longer than `longest` the first letters are cut.

    Examples
    --------
    >>> pieces("to Ada, now", [{"start": 3.0, "end": 6.0, "text": "Ada"}])
    [('to ', -1), ('Ada', 0), (', now', -1)]
    """
    spans = sorted(span for place, segment in enumerate(segments) if (span := _span(text, segment, place)) is not None)
    cut: list[tuple[str, int]] = []
    at, text = 0, text[:longest]
    for start, end, place in spans:
        if start < at or end > len(text):
            continue
        cut += [(text[at:start], -1)] if start > at else []
        cut.append((text[start:end], place))
        at = end
    return [*cut, (text[at:], -1)] if at < len(text) else cut


def _span(text: str, segment: dict[str, Any], place: int) -> tuple[int, int, int] | None:
    start, end, said = segment["start"], segment["end"], segment["text"]
    if start is not None and end is not None and 0 <= start < end <= len(text):
        first, last = int(start), int(end)
        if (first, last) == (start, end) and said in ("", text[first:last]):
            return first, last, place
    first = text.find(said) if said else -1
    return (first, first + len(said), place) if first >= 0 else None
