"""Which files are masks, by their content."""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from labellerr_ds.formats.archive import PNG, Member
from labellerr_ds.images.pixels import UNREADABLE

LOOKED_AT = 3  # masks of a folder
COLORS_OF_A_PHOTOGRAPH = 512  # more than a mask has classes
MOST_LOOKED_AT = 40_000_000  # pixels


def is_png(member: Member) -> bool:
    """Return True for a PNG file."""
    return member.head.startswith(PNG)


def is_photograph(member: Member) -> bool:
    """Return True if an image has more colours than any mask; grey values are no colours."""
    try:
        with member.open() as file, open_mask(file, member.head) as image:
            if image.width * image.height > MOST_LOOKED_AT:
                return False
            return image.mode in ("RGB", "RGBA") and image.getcolors(COLORS_OF_A_PHOTOGRAPH) is None
    except UNREADABLE:
        return False


def open_mask(file: BinaryIO, head: bytes) -> Image.Image:
    """Open an image; of a PNG our own limit of pixels holds, and not Pillow's warning and error."""
    return PngImageFile(file) if head.startswith(PNG) else Image.open(file)
