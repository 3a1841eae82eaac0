"""The transfer coding gzip, undone piece by piece, with its end verified and its growth bounded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from labellerr_ds.core.disk import PIECE_BYTES
from labellerr_ds.core.errors import DownloadError

HARMLESS_BYTES = 1 << 28
LARGEST_RATIO = 200  # labels as JSON shrink to a tenth; what shrinks to less is made to fill a disk


class BrokenCodingError(Exception):
    """The coding is damaged, or ends before its end."""


def gunzipped(pieces: Iterator[bytes], what: str) -> Iterator[tuple[bytes, int]]:
    """The decoded bytes, each piece with the bytes that it was on the wire.

    Raises
    ------
    BrokenCodingError
    DownloadError
        Where little becomes too much.
    """
    decoder, came, made = zlib.decompressobj(wbits=31), 0, 0
    try:
        for piece in pieces:
            left, counted = piece, len(piece)
            came += len(piece)
            while left:
                if decoder.eof:  # the members of a gzip follow each other
                    decoder = zlib.decompressobj(wbits=31)
                out = decoder.decompress(left, PIECE_BYTES)
                left = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                made += len(out)
                if made > HARMLESS_BYTES and made > LARGEST_RATIO * came:
                    raise DownloadError(
                        f"{what}: {came:,} bytes of gzip became over {made:,}, more than {LARGEST_RATIO} times as "
                        "many.",
                        hint="if that is meant, download it with another tool, and read the file",
                    )
                yield out, counted
                counted = 0
    except zlib.error:
        raise BrokenCodingError from None
    if not decoder.eof:
        raise BrokenCodingError
