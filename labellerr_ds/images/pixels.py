"""Image pixels: opening an image in the frame of its labels, and cutting boxes out of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from labellerr_ds.core.errors import warn
from labellerr_ds.images.files import Images, locate

UNREADABLE = (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises where a file is no image, or a damaged one."""


def open_image(path: Path | BinaryIO, width: int | None = None, height: int | None = None) -> Image.Image:
    """Open an image in the orientation of its labels.

    Labels lie on what a browser shows, which is rotated as EXIF says. Only where `width` and `height` are those of the
    pixels as stored, and not of the rotated ones, the labels lie on the pixels as stored, and nothing is rotated.

    Parameters
    ----------
    path : Path or binary file
    width, height : int, optional
        The size in pixels that the export has for the file.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    OSError
        If the file does not exist, or is not an image that Pillow reads.

    Examples
    --------
    >>> import io
    >>> stored = io.BytesIO()
    >>> exif = Image.Exif()
    >>> exif[0x0112] = 6  # the orientation: rotate by 90 degrees
    >>> Image.new("RGB", (40, 30)).save(stored, "JPEG", exif=exif)
    >>> open_image(stored).size
    (30, 40)
    >>> open_image(stored, 40, 30).size
    (40, 30)
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
