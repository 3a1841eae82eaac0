"""Image pixels: opening an image in the frame of its labels, and cutting boxes out of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from labellerr_ds.errors import warn
from labellerr_ds.images.files import Images, locate

UNREADABLE = (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises where a file is no image, or a damaged one."""


def open_image(path: Path | BinaryIO, width: int | None = None, height: int | None = None) -> Image.Image:
    """An image in the frame of its labels.

    A camera may tell by EXIF that its picture is to be turned. Labels are drawn on what a browser shows,
    turned; but where the export's size is that of the pixels as they are stored, and not of the turned
    ones, the labels are in that frame, and nothing is turned. This is the one place that decides it.

    Parameters
    ----------
    path : Path or file
    width, height : int, optional
        As the export tells them.
    """
    image = Image.open(path)
    turned = ImageOps.exif_transpose(image)
    if image.size != turned.size and (width, height) == image.size:
        return image
    return turned


def to_rgb(image: Image.Image) -> Image.Image:
    """An image of three channels; 16 bits a pixel, which Pillow would cut off at 255, are scaled to 8."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        image = Image.fromarray((values >> 8 if values.max(initial=0) > 255 else values).clip(0, 255).astype(np.uint8))
    return image.convert("RGB")


def crops(frame: pd.DataFrame, images: Images, pad: float) -> Iterator[tuple[Any, Image.Image]]:
    """The part of the image in each row's box; see ``df.labellerr.crops``."""
    where = locate(frame, images)
    passed, last, picture = 0, None, None
    order = frame["file_id"].map({file_id: place for place, file_id in enumerate(where)})
    for index, row in frame.iloc[np.argsort(order.fillna(-1).to_numpy(), kind="stable")].iterrows():
        box = row[["bbox_x", "bbox_y", "bbox_width", "bbox_height"]].to_numpy(dtype=np.float64)
        if row["file_id"] not in where or not np.isfinite(box).all():
            passed += 1
            continue
        if row["file_id"] != last:
            sides = [None if pd.isna(row[name]) else int(row[name]) for name in ("image_width", "image_height")]
            last = row["file_id"]
            try:
                picture = open_image(where[last], *sides)
                picture.load()
            except UNREADABLE:
                picture = None
        if picture is None:
            passed += 1
            continue
        left, top = np.floor(box[:2] - pad)
        right, low = np.ceil(box[:2] + box[2:] + pad)
        corners = (max(left, 0), max(top, 0), min(right, picture.width), min(low, picture.height))
        if corners[0] >= corners[2] or corners[1] >= corners[3]:
            passed += 1
            continue
        yield index, picture.crop((int(corners[0]), int(corners[1]), int(corners[2]), int(corners[3])))
    if passed:
        warn(f"{passed:,} of {len(frame):,} rows have no box within an image that is there, and gave no crop.")
