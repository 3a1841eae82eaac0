"""Annotations drawn over their image, without a screen: what plots, still pictures and the plain viewer show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from labellerr_ds import images as pictures
from labellerr_ds import masks, rasters
from labellerr_ds.colors import class_color

EMPTY = (128, 132, 138)
TILE, GAP = 320, 6  # pixels
NO_SIZE = (640, 480)
NO_CLASS = "(no class)"

Marks = Mapping[int, tuple[str, str]]
"""Of a comparison: by position among the rows, a word and a colour."""


def draw(
    frame: pd.DataFrame,
    image: Image.Image | None = None,
    *,
    opacity: float = 0.4,
    longest: int | None = None,
    labels: bool = False,
    marks: Marks | None = None,
    skeletons: Mapping[str, list[tuple[int, int]]] | None = None,
) -> Image.Image:
    """The annotations of one file over its image; on grey of the size that the export tells where there is none.

    Parameters
    ----------
    frame : annotations of one file
    image : PIL image, optional
    opacity : float
        Of what is filled, 0 to 1.
    longest : int, optional
        Pixels of the longer side of the result.
    labels : bool
        The names of the classes.
    marks : mapping of position to (word, colour), optional
        What a comparison says of rows.
    skeletons : mapping of class to pairs of keypoints, counted from 0, optional
    """
    size = _size(frame, image)
    base = Image.new("RGB", size, EMPTY) if image is None else image.convert("RGB")
    scale = 1.0 if longest is None else min(1.0, longest / max(base.size))
    if scale < 1:
        base = base.resize([max(1, round(side * scale)) for side in base.size], Image.Resampling.BILINEAR)
    ratio = np.array([base.width / size[0], base.height / size[1]])
    over = Image.new("RGBA", base.size)
    names = frame["category"].astype(object).where(frame["category"].notna(), NO_CLASS)
    texts: list[tuple[float, float, str, str]] = []
    for position, (shape, name) in enumerate(zip(rasters.shapes(frame), names, strict=True)):
        word, color = (marks or {}).get(position, ("", class_color(name)))
        _draw_shape(over, shape, ratio, color, opacity, (skeletons or {}).get(str(name), []))
        if labels and all(map(math.isfinite, shape.box)):
            texts.append((shape.box[0] * ratio[0], shape.box[1] * ratio[1], f"{word}: {name}" if word else name, color))
    for x, y, text, color in texts:
        _draw_text(over, x, y, text, color)
    return Image.alpha_composite(base.convert("RGBA"), over).convert("RGB")


def _draw_shape(
    over: Image.Image,
    shape: rasters.Shape,
    ratio: NDArray[np.float64],
    color: str,
    opacity: float,
    skeleton: list[tuple[int, int]],
) -> None:
    rgb = _rgb(color)
    fill, line = (*rgb, round(255 * opacity)), (*rgb, 255)
    pen, width = ImageDraw.Draw(over), max(2, round(max(over.size) / 400))
    if shape.type == "mask" and isinstance(shape.segmentation, dict):
        _draw_mask(over, shape.segmentation, fill)
        return
    if shape.type in ("point", "keypoints"):
        points = [None if point is None else tuple(np.array(point) * ratio) for point in rasters.points_of(shape)]
        for one, other in skeleton:
            ends = [point for at, point in enumerate(points) if at in (one, other) and point is not None]
            if len(ends) == 2:
                pen.line(ends, fill=line, width=width)
        for x, y in filter(None, points):
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=line, outline=(255, 255, 255, 255))
        return
    for ring in [shape.segmentation] if shape.type == "polyline" else rasters.rings_of(shape, turned=True):
        corners = np.asarray(ring, dtype=np.float64).reshape(-1, 2) * ratio
        if len(corners) < 2 or not np.isfinite(corners).all():
            continue
        told = [tuple(corner) for corner in corners.tolist()]
        if shape.type != "polyline":
            pen.polygon(told, fill=fill)
            told.append(told[0])
        pen.line(told, fill=line, width=width, joint="curve")


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def _size(frame: pd.DataFrame, image: Image.Image | None) -> tuple[int, int]:
    sides = frame[["image_width", "image_height"]].dropna()
    if len(sides):
        return int(sides.iloc[0, 0]), int(sides.iloc[0, 1])
    return image.size if image is not None else NO_SIZE


def _draw_mask(over: Image.Image, rle: dict[str, Any], fill: tuple[int, ...]) -> None:
    try:
        raster = masks.rle_to_mask(rle)
    except masks.BROKEN:
        return  # check() tells
    small = Image.fromarray(raster.astype(np.uint8) * 255).resize(over.size, Image.Resampling.NEAREST)
    over.paste(Image.new("RGBA", over.size, fill), mask=small)


def _draw_text(over: Image.Image, x: float, y: float, text: str, color: str) -> None:
    pen, size = ImageDraw.Draw(over), max(10, round(max(over.size) / 70))
    font = ImageFont.load_default(size)
    text = text.encode("latin-1", "replace").decode("latin-1")  # what Pillow's own font has
    left, top = max(0, x), max(0, y - size - 4)
    pen.rectangle((left, top, left + pen.textlength(text, font=font) + 6, top + size + 4), fill=(*_rgb(color), 255))
    red, green, blue = _rgb(color)
    light = 0.3 * red + 0.59 * green + 0.11 * blue > 150
    pen.text((left + 3, top + 1), text, font=font, fill=(0, 0, 0, 255) if light else (255, 255, 255, 255))


def grid(frame: pd.DataFrame, file_ids: list[str], images: Any) -> NDArray[np.uint8]:
    """Several files as tiles of one picture, ``(H, W, 3)``."""
    where = {} if images is None else pictures.locate(frame, images)
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
        image = pictures.open_image(path, *_size(frame, None))
        image.load()
    except pictures.UNREADABLE:
        return None
    return image
