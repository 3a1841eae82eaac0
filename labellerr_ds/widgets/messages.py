"""What the canvas gets of a page: its shapes in typed buffers, and its picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from labellerr_ds.analysis.wide import attributes_of
from labellerr_ds.images import pdf
from labellerr_ds.images.colors import NO_CLASS
from labellerr_ds.images.display import LONGEST, read_picture
from labellerr_ds.images.render import NO_SIZE
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.rle import BROKEN, checked_counts
from labellerr_ds.widgets.media import MEDIA, Media, media_of
from labellerr_ds.widgets.pages import MATCHED, Pages, side_of

THUMBNAIL = 256
MOST_ANSWERS, LONGEST_ANSWER = 200, 300  # of a file; letters


class Packet(NamedTuple):
    """A message and its buffers: picture or sound, float32 coordinates, int32 runs."""

    message: dict[str, Any]
    buffers: list[bytes]


def packet(pages: Pages, page: int, *, longest: int = LONGEST) -> Packet:
    """One page.

    Parameters
    ----------
    pages : Pages
    page : int
    longest : int
        Pixels of the picture's longer side, at most.
    """
    stated = pages.size(page)
    is_picture = not pages.is_media(page)
    picture = read_picture(pages.source(page), stated, longest) if is_picture else None
    size = stated or (picture.size if picture else NO_SIZE)
    frame, marks = pages.frame(page), pages.marks(page)
    xy: list[float] = []
    runs: list[np.ndarray[Any, np.dtype[np.int32]]] = []
    shapes: list[dict[str, Any]] = []
    labels = pages.labels[pages.rows(page)]
    others = pages.answers(page)
    media = _media(pages, page, others, longest)
    if media is not None:
        others = others[others["type"] != "segment"]
    answers, children = _answers(others, frame)
    ids, attributes = (
        frame[name].astype(object).tolist() if name in frame else [None] * len(frame)
        for name in ("annotation_id", "attributes")
    )
    for position, (shape, place, row) in enumerate(
        zip(rasters.shapes(frame), pages.class_places(page), labels, strict=True)
    ):
        name = pages.classes[place]
        entry = _shape(shape, xy, runs, pages.skeletons.get(name, []))
        if entry is None:
            continue
        word, color = marks.get(position, ("", ""))
        label = f"{word}: {name}" if word else name
        box = [float(side) for side in shape.box] if np.isfinite(shape.box).all() else None
        extent = f", {_pixels(shape.box[2])} x {_pixels(shape.box[3])} px" if box else ""
        turned = (
            f", turned by {shape.rotation:g}\N{DEGREE SIGN}" if shape.rotation and np.isfinite(shape.rotation) else ""
        )
        entry.update(
            row=int(row),
            cls=place, label=label, summary=f"{label}{extent}{turned}, {shape.type}", box=box,
        )  # fmt: skip
        own_id = ids[position]
        entry.update(
            type=shape.type,
            extent=extent.removeprefix(", ") if box and any(box[2:]) else shape.type,
            id=_text(own_id),
            attributes=_attributes(attributes[position]),
            children=children.get(own_id, []),
        )
        if word == MATCHED:
            entry["tag"] = ""
        if word:
            entry["color"] = color
            entry["side"] = side_of(word)
        shapes.append(entry)
    first, count = pages.siblings(page)
    message = {
        "index": page, "name": pages.name(page), "status": pages.status(page), "width": size[0], "height": size[1],
        "shapes": shapes, "first": first, "siblings": count, "answers": answers,
        "warning": "",
    }  # fmt: skip
    if is_picture or longest != THUMBNAIL:  # a thumbnail of a sound is not fetched
        message.update(missing(pages, page, picture.size if picture else None, stated))
    if media is not None:
        message["media"] = media.message
        message["warning"] = media.warning or message["warning"]
    joined = np.concatenate(runs) if runs else np.zeros(0, dtype=np.int32)
    coordinates = np.array(xy, dtype=np.float32)
    body = picture.body if picture else media.body if media else b""
    return Packet(message, [body, coordinates.tobytes(), joined.tobytes()])


def _media(pages: Pages, page: int, others: pd.DataFrame, longest: int) -> Media | None:
    """What of its file is played or read; None of a picture. A thumbnail has the segments alone."""
    if not pages.is_media(page):
        return None
    source = None if longest == THUMBNAIL else pages.source(page)
    return media_of(pages.name(page), source, others[others["type"] == "segment"], pages.colors)


Pairs = list[tuple[str, str]]
"""Names, and what they are answered with."""


def _answers(rows: pd.DataFrame, shapes: pd.DataFrame) -> tuple[Pairs, dict[Any, Pairs]]:
    """The answers of a page's file in words; and those about an object, by its id."""
    objects = set(shapes["annotation_id"].dropna()) if "annotation_id" in shapes else set()
    answers: Pairs = []
    children: dict[Any, Pairs] = {}
    for row in rows.head(MOST_ANSWERS).to_dict("records"):
        value = " ".join(_text(row.get("value")).split())[:LONGEST_ANSWER]
        moments = [row.get(name) for name in ("time", "end_time")]
        when = " to ".join(f"{moment:g} s" for moment in moments if isinstance(moment, float) and np.isfinite(moment))
        pair = (_text(row.get("category")) or NO_CLASS, f"{when}: {value}" if when else value)
        parent = row.get("parent_id")
        if isinstance(parent, str) and parent in objects:
            children.setdefault(parent, []).append(pair)
        else:
            answers.append(pair)
    return answers, children


def _attributes(text: Any) -> Pairs:
    """Attributes in words; nothing where they are no JSON."""
    try:
        attributes = attributes_of(text)
    except ValueError:
        return []
    return [(name, " ".join(str(value).split())[:LONGEST_ANSWER]) for name, value in attributes.items()]


def _text(value: Any) -> str:
    return "" if value is None or (not isinstance(value, list | dict) and pd.isna(value)) else str(value)


def _pixels(side: float) -> str:
    """A length in pixels, no finer than a tenth."""
    return f"{round(float(side), 1):g}"


def unshowable(pages: Pages, page: int, problem: Exception) -> Packet:
    """What is sent in the place of a page that cannot be made."""
    warning = f"This file cannot be shown: {type(problem).__name__}: {problem}"
    message = {
        "index": page, "name": pages.file_id(page), "status": "", "width": NO_SIZE[0], "height": NO_SIZE[1],
        "shapes": [], "first": page, "siblings": 1, "warning": warning, "answers": [],
    }  # fmt: skip
    return Packet(message, [b"", b"", b""])


def missing(pages: Pages, page: int, size: tuple[int, int] | None, stated: tuple[int, int] | None) -> dict[str, Any]:
    """What is to be said of a page's picture: a warning, and whether it may be asked for again.

    Parameters
    ----------
    pages : Pages
    page : int
    size : (int, int) or None
        Of the picture; None where there is none.
    stated : (int, int) or None
        As the export tells it.
    """
    if size and stated and size != stated:
        sides = f"{size[0]} x {size[1]} pixels, the export says {stated[0]} x {stated[1]}"
        return {"warning": f"The image has {sides}."}
    if size is None and pages.wanted and pages.is_moment(page):
        return {"warning": "Frames of a video are known as (file_id, frame) in images=; it is drawn on grey."}
    kind = pages.kind(page)
    if kind in (*MEDIA, "pdf"):
        return _missing_media(pages, page, kind, size is not None)
    if size is None and pages.remote:
        return {"warning": "The image could not be had: annotations are drawn on grey.", "again": True}
    if size is None and pages.wanted:
        return {"warning": "The image is not there, or cannot be opened: annotations are drawn on grey."}
    return {"warning": ""}


def _missing_media(pages: Pages, page: int, kind: str, is_shown: bool) -> dict[str, Any]:
    """Why a sound, a text or a PDF is not there."""
    if is_shown or (kind != "pdf" and pages.source(page) is not None):
        return {"warning": ""}
    if not pages.wanted:
        word = {"audio": "played", "text": "read", "pdf": "seen"}[kind]
        return {"warning": f"The file can be {word} here where the viewer gets it: images=project, or a folder."}
    if pages.source(page) is None:
        return {"warning": "The file could not be had.", "again": pages.remote}
    if not pdf.can_draw():
        return {"warning": "The first page of a PDF is shown by pypdfium2: pip install 'labellerr-ds[pdf]'."}
    return {"warning": "The PDF cannot be opened."}


def _shape(
    shape: rasters.Shape,
    xy: list[float],
    runs: list[np.ndarray[Any, np.dtype[np.int32]]],
    skeleton: list[tuple[int, int]],
) -> dict[str, Any] | None:
    """How the browser draws it; its numbers go to the end of `xy` or `runs`. None for what does not hold together."""
    try:
        if shape.type == "mask":
            lengths = checked_counts(shape.segmentation).astype(np.int32)
            start = sum(map(len, runs))
            runs.append(lengths)
            size = [int(side) for side in shape.segmentation["size"]]
            return {"kind": "mask", "size": size, "start": start, "length": len(lengths)}
        if shape.type in ("point", "keypoints"):
            points = rasters.points_of(shape)
            start = len(xy)
            xy.extend(side for point in points for side in (point or (np.nan, np.nan)))
            edges = [edge for edge in skeleton if max(edge) < len(points) and min(edge) >= 0]
            return {"kind": "points", "start": start, "length": len(xy) - start, "edges": edges} if points else None
        lines = [shape.segmentation] if shape.type == "polyline" else rasters.rings_of(shape, rotated=True)
        parts = []
        for ring in lines:
            if not isinstance(ring, list) or len(ring) < 4:
                continue
            parts.append([len(xy), len(ring) // 2 * 2])
            xy.extend(map(float, ring[: len(ring) // 2 * 2]))
    except BROKEN:
        return None
    kind = {"polyline": "line", "bbox": "box"}.get(shape.type, "polygon")
    return {"kind": kind, "parts": parts} if parts else None
