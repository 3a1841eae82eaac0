"""The pixels of one mask, by colour or value."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from labellerr_ds.core.limits import Limits
from labellerr_ds.formats.archive import PNG, Member
from labellerr_ds.formats.png.color_maps import RGB
from labellerr_ds.formats.png.detect import open_mask
from labellerr_ds.images.pixels import UNREADABLE
from labellerr_ds.shapes.rle import LabelRegion, label_regions, rle_to_mask

MOST_COLORS = 8192  # more than any mask has, one that tells instances by color too; each costs time


@dataclass
class Mask:
    """A decoded mask: its size, mode, and the pixels of each colour or value but the background."""

    height: int
    width: int
    mode: str
    regions: list[tuple[RGB | None, int | None, LabelRegion]]


def decode_mask(member: Member, largest: int = Limits.pixels) -> Mask | str:
    """The mask, or why it could not be read."""
    try:
        body = member.read()
        if damage := _damage(body):
            return damage
        with open_mask(io.BytesIO(body), member.head) as image:
            if image.width * image.height > largest:  # before a pixel is unpacked
                return f"{image.width:,} x {image.height:,} pixels; the limit is {largest:,}, see limits="
            image.load()
            return _regions(image)
    except MemoryError:
        return "not enough memory for its pixels"
    except UNREADABLE as problem:
        return f"{type(problem).__name__}: {str(problem).split(' <')[0]}"


def _damage(body: bytes) -> str | None:
    """Which part of a PNG does not have its checksum; Pillow does not look at that of the pixels.

    Notes
    -----
    A length, a name, the bytes, and the CRC-32 of both: https://www.w3.org/TR/png-3/#5Chunk-layout
    """
    view, at = memoryview(body), len(PNG)
    if not body.startswith(PNG):
        return None
    while at + 12 <= len(body):
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        if end + 4 > len(body):
            break
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return f"checksum mismatch in its part {kind!r}"
        if kind == b"IEND":
            return None
        at = end + 4
    return "it is cut short"


def _regions(image: Image.Image) -> Mask | str:
    mode = image.mode
    if mode in ("RGB", "RGBA", "PA", "LA", "La", "CMYK", "YCbCr"):
        return _of_colors(image, mode)
    values = np.asarray(image)
    if values.dtype == bool:
        values = values.astype(np.uint8)
    regions: list[tuple[RGB | None, int | None, LabelRegion]] = []
    palette = image.getpalette("RGB") or [] if mode == "P" else None
    for region in label_regions(values):
        value = region.label
        if palette is None:
            color = (value, value, value) if 0 <= value < 256 else None
        else:
            entry = tuple(palette[3 * value : 3 * value + 3])
            color = (entry[0], entry[1], entry[2]) if len(entry) == 3 else None
        black_first = palette is None or palette[:3] in ([], [0, 0, 0])
        if color in (None, (0, 0, 0)) and (value == 0 or not black_first):
            continue  # black is background
        regions.append((color, value, region))
    return Mask(image.height, image.width, mode, regions)


def _of_colors(image: Image.Image, mode: str) -> Mask | str:
    rgba = np.array(image.convert("RGBA"))
    if image.getcolors(MOST_COLORS) is None:
        return f"more than {MOST_COLORS:,} colors, as a photograph has and no mask"
    codes = rgba.view("<u4")[..., 0] & 0xFFFFFF  # a pixel in one number: red in the lowest byte
    transparent = rgba[..., 3] == 0
    if transparent.any():
        codes[transparent] = 0
    painted = (
        (region.label & 255, (region.label >> 8) & 255, region.label >> 16, region) for region in label_regions(codes)
    )
    regions: list[tuple[RGB | None, int | None, LabelRegion]] = [
        ((red, green, blue), None, region)
        for red, green, blue, region in sorted(painted, key=lambda entry: entry[:3])
        if region.label
    ]
    return Mask(image.height, image.width, mode, regions)


def merged(regions: list[LabelRegion], mask: Mask) -> LabelRegion:
    """Several labels of one category as one."""
    size = [mask.height, mask.width]
    pixels = np.zeros(size, dtype=np.uint8)
    for region in regions:
        pixels |= rle_to_mask({"size": size, "counts": region.counts})
    return next(region for region in label_regions(pixels) if region.label)
