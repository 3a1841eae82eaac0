"""Annotations drawn over their image, without a screen: what plots, still pictures and the plain viewer show."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from labellerr_ds.images.colors import GREY, NO_CLASS, colors_of, ink
from labellerr_ds.images.files import locate
from labellerr_ds.images.pixels import UNREADABLE, open_image, to_rgb
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.rle import BROKEN, checked_counts

EMPTY = (128, 132, 138)
TILE, GAP = 320, 6  # pixels
NO_SIZE = (640, 480)


class Mark(NamedTuple):
    """What a comparison says about a row.

    Attributes
    ----------
    word : str
    color : str
    outlined : bool
        Drawn without its inside; masks, which have no outline, at half the opacity.
    tagged : bool
        With its name.
    """

    word: str
    color: str
    outlined: bool = False
    tagged: bool = True


Marks = Mapping[int, Mark]
"""By position among the rows."""


def draw(
    frame: pd.DataFrame,
    image: Image.Image | None = None,
    *,
    size: tuple[int, int] | None = None,
    opacity: float = 0.4,
    longest: int | None = None,
    labels: bool = False,
    marks: Marks | None = None,
    skeletons: Mapping[str, list[tuple[int, int]]] | None = None,
    colors: Mapping[str, str] | None = None,
) -> Image.Image:
    """The annotations of one file over its image; on grey of the size that the export tells where there is none.

    What lies under other shapes stays visible, as on a canvas: fills are blended one over the other, and all
    outlines come after them. A shape that does not hold together is left out; `check` tells it.

    Parameters
    ----------
    frame : annotations of one file
    image : PIL image, optional
    size : (int, int), optional
        Width and height in which the coordinates are; else as the annotations tell, else the image's own.
    opacity : float
        Of what is filled, 0 to 1.
    longest : int, optional
        Pixels of the longer side of the result.
    labels : bool
        The names of the classes.
    marks : mapping of position to Mark, optional
    skeletons : mapping of class to pairs of keypoints, counted from 0, optional
    colors : mapping of class to ``#rrggbb``, optional
        Else as `colors_of` has them.
    """
    colors = colors_of(frame) if colors is None else colors
    size = size or _size(frame, image)
    shown = size if image is None else image.size
    scale = 1.0 if longest is None else min(1.0, longest / max(shown))
    final = (max(1, round(shown[0] * scale)), max(1, round(shown[1] * scale)))
    base = Image.new("RGB", final, EMPTY) if image is None else to_rgb(image)
    base = base if base.size == final else base.resize(final, Image.Resampling.BILINEAR)
    base = base.copy() if base is image else base  # the caller's own is not drawn on
    ratio = np.array([base.width / size[0], base.height / size[1]])
    names = frame["category"].astype(object).where(frame["category"].notna(), NO_CLASS)
    lines: list[_Lines] = []
    texts: list[tuple[float, float, float, str, str]] = []
    for position, (shape, name) in enumerate(zip(rasters.shapes(frame), names, strict=True)):
        word, color, outlined, tagged = (marks or {}).get(position) or Mark("", colors.get(str(name), GREY))
        share = opacity if not outlined else opacity / 2 if shape.type == "mask" else 0.0
        try:
            lines.append(_fill(base, shape, ratio, color, share, (skeletons or {}).get(str(name), [])))
        except BROKEN:
            continue
        if labels and tagged and all(map(math.isfinite, shape.box)):
            label = " ".join((f"{word}: {name}" if word else str(name)).split())
            x, y, low = shape.box[0], shape.box[1], shape.box[1] + shape.box[3]
            texts.append((x * ratio[0], y * ratio[1], low * ratio[1], label, color))
    pen, width = ImageDraw.Draw(base), max(2, round(max(base.size) / 400))
    for color, strokes, dots in lines:
        for wide, of in ((width + 2, ink(color)), (width, color)):  # on a rim, to be seen on what has its colour
            for stroke in strokes:
                pen.line(stroke, fill=of, width=wide, joint="curve")
        for x, y in dots:
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=ink(color))
            pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=color)
    taken: list[tuple[float, float, float, float]] = []
    height = max(10, round(max(base.size) / 70))
    for x, y, low, text, color in texts:
        taken.append(_draw_text(pen, (x, y, low), text, color, height, base.size, taken))
    return base


def skeletons_of(categories: pd.DataFrame) -> dict[str, list[tuple[int, int]]]:
    """Return which keypoints of each class are joined by a line, counted from 0 (COCO counts from 1)."""
    skeletons: dict[str, list[tuple[int, int]]] = {}
    for name, extra in zip(categories["name"], categories["extra"], strict=True):
        fields = {} if pd.isna(extra) else json.loads(extra)
        edges = fields.get("skeleton") if isinstance(fields, dict) else None
        pairs = [edge for edge in edges or [] if isinstance(edge, list) and len(edge) == 2]
        if pairs and all(isinstance(end, int) for edge in pairs for end in edge):
            skeletons[str(name)] = [(edge[0] - 1, edge[1] - 1) for edge in pairs]
    return skeletons


class _Lines(NamedTuple):
    """What is drawn of a shape after all insides."""

    color: str
    strokes: list[list[tuple[float, float]]]
    dots: list[tuple[float, float]]


def _fill(
    base: Image.Image,
    shape: rasters.Shape,
    ratio: NDArray[np.float64],
    color: str,
    opacity: float,
    skeleton: list[tuple[int, int]],
) -> _Lines:
    """Blend a shape's inside over the picture; its lines are for later."""
    if shape.type == "mask":
        _blend(base, *_mask_on(shape.segmentation, base.size), color, opacity)
        return _Lines(color, [], [])
    if shape.type in ("point", "keypoints"):
        points = [
            None if point is None else (point[0] * ratio[0], point[1] * ratio[1]) for point in rasters.points_of(shape)
        ]
        edges = [[points[end] for end in edge if 0 <= end < len(points)] for edge in skeleton]
        strokes = [[end for end in edge if end is not None] for edge in edges]
        return _Lines(color, [edge for edge in strokes if len(edge) == 2], [each for each in points if each])
    lines = [shape.segmentation] if shape.type == "polyline" else rasters.rings_of(shape, rotated=True)
    strokes = []
    for line in lines:
        if not isinstance(line, list):
            continue
        corners = np.asarray(line[: len(line) // 2 * 2], dtype=np.float64).reshape(-1, 2) * ratio
        if len(corners) < 2 or not np.isfinite(corners).all():
            continue
        ring = [(float(x), float(y)) for x, y in corners]
        if shape.type != "polyline":
            if opacity:
                _blend(base, *_ring_on(corners, base.size), color, opacity)
            ring.append(ring[0])
        strokes.append(ring)
    return _Lines(color, strokes, [])


def _blend(base: Image.Image, x: int, y: int, inside: Image.Image | None, color: str, opacity: float) -> None:
    if inside is not None:
        base.paste(color, (x, y), inside.point(lambda value: round(value * opacity)))


def _ring_on(corners: NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, Image.Image | None]:
    """Where a ring lies on a picture, and its inside there."""
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, size).astype(int).tolist()
    right, low = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, size).astype(int).tolist()
    if left >= right or top >= low:
        return 0, 0, None
    inside = Image.new("L", (right - left, low - top))
    ImageDraw.Draw(inside).polygon([(x - left, y - top) for x, y in corners.tolist()], fill=255)
    return left, top, inside


def _mask_on(rle: Any, size: tuple[int, int]) -> tuple[int, int, Image.Image | None]:
    """Where a mask lies on a picture, and its pixels there: only those that are shown are looked up among the runs."""
    runs = checked_counts(rle)
    height, width = (int(side) for side in rle["size"])
    ends = np.cumsum(runs)
    on = np.flatnonzero(runs[1::2]) * 2 + 1
    if not len(on):
        return 0, 0, None
    columns = ((np.arange(size[0]) + 0.5) * width / size[0]).astype(np.int64)
    rows = ((np.arange(size[1]) + 0.5) * height / size[1]).astype(np.int64)
    first, last = (ends[on[0]] - runs[on[0]]) // height, (ends[on[-1]] - 1) // height
    kept = (columns >= first) & (columns <= last)
    if not kept.any():
        return 0, 0, None
    pixels = columns[kept][None, :] * height + rows[:, None]
    inside = np.searchsorted(ends, pixels, side="right") % 2 == 1
    return int(np.argmax(kept)), 0, Image.fromarray(inside.astype(np.uint8) * 255)


def _size(frame: pd.DataFrame, image: Image.Image | None) -> tuple[int, int]:
    sides = frame[["image_width", "image_height"]].dropna()
    if len(sides) and (sides.iloc[0] > 0).all():
        return int(sides.iloc[0, 0]), int(sides.iloc[0, 1])
    return image.size if image is not None else NO_SIZE


def _draw_text(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float, float],
    text: str,
    color: str,
    size: int,
    within: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float]:
    """Write a label above a shape from x and y to `low`, else below it, else within: where there is room; its box."""
    font = ImageFont.load_default(size)
    text = text.encode("latin-1", "replace").decode("latin-1")  # what Pillow's own font has
    wide, high = pen.textlength(text, font=font) + 6, size + 4
    x, y, low = place
    left = min(max(0, x), max(0, within[0] - wide))
    tops = [each for each in (y - high, low, y) if 0 <= each <= within[1] - high]
    tops = tops or [min(max(0, y), max(0, within[1] - high))]
    top = next((each for each in tops if not _meets((left, each, left + wide, each + high), taken)), tops[0])
    pen.rectangle((left, top, left + wide, top + high), fill=color)
    pen.text((left + 3, top + 1), text, font=font, fill=ink(color))
    return left, top, left + wide, top + high


def _meets(box: tuple[float, float, float, float], taken: list[tuple[float, float, float, float]]) -> bool:
    return any(box[0] < each[2] and each[0] < box[2] and box[1] < each[3] and each[1] < box[3] for each in taken)


def grid(frame: pd.DataFrame, file_ids: list[str], images: Any) -> NDArray[np.uint8]:
    """Several files as tiles of one picture, ``(H, W, 3)``."""
    where = {} if images is None else locate(frame, images)
    columns = max(1, math.ceil(math.sqrt(len(file_ids))))
    rows = math.ceil(len(file_ids) / columns)
    step = TILE + GAP
    sheet = Image.new("RGB", (columns * step - GAP, rows * step - GAP), "white")
    for place, file_id in enumerate(file_ids):
        mine = frame[frame["file_id"] == file_id]
        tile = draw(mine, _opened(where.get(file_id), mine), longest=TILE)
        x, y = place % columns * step, place // columns * step
        sheet.paste(tile, (x + (TILE - tile.width) // 2, y + (TILE - tile.height) // 2))
    return np.asarray(sheet)


def _opened(path: Any, frame: pd.DataFrame) -> Image.Image | None:
    if path is None:
        return None
    try:
        image = open_image(path, *_size(frame, None))
        image.load()
    except UNREADABLE:
        return None
    return image
