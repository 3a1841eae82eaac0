"""Annotations drawn over their image, without a screen: what plots, and panels, show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from labellerr_ds import images as pictures
from labellerr_ds import masks, rasters
from labellerr_ds.colors import class_color

EMPTY = (128, 132, 138)
TILE, GAP = 320, 6  # pixels


def draw(
    frame: pd.DataFrame, image: Image.Image | None = None, *, opacity: float = 0.4, longest: int | None = None
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
    """
    size = _size(frame, image)
    base = Image.new("RGB", size, EMPTY) if image is None else image.convert("RGB")
    scale = 1.0 if longest is None else min(1.0, longest / max(base.size))
    if scale < 1:
        base = base.resize([max(1, round(side * scale)) for side in base.size], Image.Resampling.BILINEAR)
    ratio = (base.width / size[0], base.height / size[1])
    over = Image.new("RGBA", base.size)
    pen = ImageDraw.Draw(over)
    for shape, name in zip(rasters.shapes(frame), frame["category"].astype(object), strict=True):
        color = class_color(name)
        rgb = tuple(int(color[place : place + 2], 16) for place in (1, 3, 5))
        fill = (*rgb, round(255 * opacity))
        if shape.type == "mask" and isinstance(shape.segmentation, dict):
            _draw_mask(over, shape.segmentation, fill)
            continue
        if shape.type == "point":
            x, y = shape.box[0] * ratio[0], shape.box[1] * ratio[1]
            if math.isfinite(x) and math.isfinite(y):
                pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=(*rgb, 255), outline=(255, 255, 255, 255))
            continue
        lines = [shape.segmentation] if shape.type == "polyline" else rasters.rings_of(shape, turned=True)
        for ring in lines:
            points = np.asarray(ring, dtype=np.float64).reshape(-1, 2) * ratio
            if len(points) < 2 or not np.isfinite(points).all():
                continue
            told = [tuple(point) for point in points.tolist()]
            if shape.type != "polyline":
                pen.polygon(told, fill=fill)
                told.append(told[0])
            pen.line(told, fill=(*rgb, 255), width=max(2, round(max(base.size) / 400)), joint="curve")
    return Image.alpha_composite(base.convert("RGBA"), over).convert("RGB")


def _size(frame: pd.DataFrame, image: Image.Image | None) -> tuple[int, int]:
    sides = frame[["image_width", "image_height"]].dropna()
    if len(sides):
        return int(sides.iloc[0, 0]), int(sides.iloc[0, 1])
    return image.size if image is not None else (640, 480)


def _draw_mask(over: Image.Image, rle: dict[str, Any], fill: tuple[int, ...]) -> None:
    try:
        raster = masks.rle_to_mask(rle)
    except masks.BROKEN:
        return  # check() tells
    small = Image.fromarray(raster.astype(np.uint8) * 255).resize(over.size, Image.Resampling.NEAREST)
    over.paste(Image.new("RGBA", over.size, fill), mask=small)


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
