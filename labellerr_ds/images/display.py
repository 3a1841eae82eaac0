"""Images as they are shown: for the browser, or for Pillow; the first page of a PDF is one too."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from labellerr_ds.images import pdf
from labellerr_ds.images.pixels import UNREADABLE, open_image, to_rgb

LONGEST = 2048  # pixels of a picture's longer side, as it is sent to a browser
Source = Path | bytes | None


class Picture(NamedTuple):
    """A picture for the browser, and the size it has in the frame of the labels."""

    body: bytes
    size: tuple[int, int]


def read_picture(source: Source, stated: tuple[int, int] | None, longest: int = LONGEST) -> Picture | None:
    """A picture that browsers show, no larger than `longest`; None where there is none, or none that can be opened."""
    if source is None:
        return None
    try:
        body = pdf.first_page(source if isinstance(source, bytes) else source.read_bytes())
        with Image.open(io.BytesIO(body)) as raw:
            plain = raw.format in ("JPEG", "PNG") and max(raw.size) <= longest and not raw.mode.startswith("I")
            if plain and _is_upright(raw):
                return Picture(body, raw.size)  # as it is: the browser decodes it, and says where it cannot
        image, size = _opened(body, stated, longest)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=88)
    except UNREADABLE:
        return None
    return Picture(out.getvalue(), size)


def open_picture(source: Source, stated: tuple[int, int] | None, longest: int | None) -> Image.Image | None:
    """A picture for Pillow, in the frame of the labels; None where there is none, or none that can be opened."""
    if source is None:
        return None
    try:
        body = pdf.first_page(source if isinstance(source, bytes) else source.read_bytes())
        return _opened(body, stated, longest)[0]
    except UNREADABLE:
        return None


def _opened(body: bytes, stated: tuple[int, int] | None, longest: int | None) -> tuple[Image.Image, tuple[int, int]]:
    """The picture, no larger than `longest`, and the size that it has itself."""
    with Image.open(io.BytesIO(body)) as raw:
        if longest and raw.format == "JPEG" and _is_upright(raw):
            size = raw.size
            raw.draft("RGB", (longest, longest))  # decoded at a half, quarter or eighth, which is quicker
            image = raw.convert("RGB")
        else:
            image = open_image(io.BytesIO(body), *(stated or (None, None)))
            size = image.size
            image = to_rgb(image)
    if longest:
        image.thumbnail((longest, longest))
    return image, size


def _is_upright(image: Image.Image) -> bool:
    return image.getexif().get(0x0112) in (None, 1)
