"""Copies of images that every reader sees as the labels do: without an orientation that only some readers apply."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

from PIL import Image, ImageOps

from labellerr_ds.images.pixels import UNREADABLE

ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4
_QUALITY = 95
Order = Literal["little", "big"]
_ORDERS: dict[bytes, Order] = {b"II": "little", b"MM": "big"}


def copy_upright(source: Path, target: Path, width: int | None, height: int | None) -> bool:
    """Copy an image; one with an EXIF orientation lies afterwards as its labels have it, and has none.

    Where the labels are in the frame of the pixels as they are stored, only the tag is taken away, which loses nothing
    in a JPEG; else the pixels are turned.

    Parameters
    ----------
    source, target : Path
    width, height : int or None
        As the labels have them; as a browser shows the image where they are not known.

    Returns
    -------
    bool
        Whether the image had an orientation.
    """
    try:
        with Image.open(source) as image:
            if image.getexif().get(ORIENTATION, 1) in (0, 1):
                shutil.copyfile(source, target)
                return False
            form, stored = image.format, image.size
            turned = ImageOps.exif_transpose(image)
            as_stored = turned.size != stored and (width, height) == stored
            if as_stored and form == "JPEG" and (body := _without_orientation(source.read_bytes())) is not None:
                target.write_bytes(body)
                return True
            kept = image.copy() if as_stored else turned
            kept.info.pop("exif", None)
            kept.info.pop("xmp", None)
            options: dict[str, Any] = {"quality": _QUALITY, "subsampling": 0} if form == "JPEG" else {}
            kept.save(target, form, **options)
    except UNREADABLE:
        shutil.copyfile(source, target)  # whoever reads it says so
        return False
    return True


def _without_orientation(jpeg: bytes) -> bytes | None:
    """A JPEG whose orientation is 1, nothing else of it changed; None where its place is not certain.

    Notes
    -----
    Segments of a JPEG: ITU-T T.81, B.1.1.4; the TIFF in its APP1: EXIF 2.32, 4.5.2 and 4.6.2.
    """
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] == 0xE1 and jpeg[at + 4 : at + 10] == b"Exif\0\0":
            start = at + 10
            order: Order | None = _ORDERS.get(jpeg[start : start + 2])
            if order is None:
                return None
            directory = start + int.from_bytes(jpeg[start + 4 : start + 8], order)
            for entry in range(int.from_bytes(jpeg[directory : directory + 2], order)):
                place = directory + 2 + 12 * entry
                if int.from_bytes(jpeg[place : place + 2], order) == ORIENTATION:
                    return jpeg[: place + 8] + (1).to_bytes(2, order) + jpeg[place + 10 :]
        at += 2 + length
    return None
