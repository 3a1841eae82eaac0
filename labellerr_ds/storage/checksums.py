"""Checksums of files, as object stores compute them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from labellerr_ds.core.disk import PIECE_BYTES


def md5_of(path: Path, sizes: Sequence[int]) -> list[bytes]:
    """The MD5 of each of consecutive parts of a file."""
    digests = []
    with path.open("rb") as file:
        for size in sizes:
            digest, left = hashlib.md5(usedforsecurity=False), size
            while left and (piece := file.read(min(left, PIECE_BYTES))):
                digest.update(piece)
                left -= len(piece)
            digests.append(digest.digest())
    return digests


def crc32c_of(path: Path) -> bytes:
    """The CRC32C of a file, in the order of bytes in which Google's stores tell it."""
    from google_crc32c import extend

    checksum = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            checksum = extend(checksum, piece)
    return int(checksum).to_bytes(4, "big")


def multipart_etag(path: Path, sizes: Sequence[int]) -> str:
    """The ETag of what was uploaded in parts, without their count: the MD5 of the parts' MD5s, as S3 computes it."""
    return hashlib.md5(b"".join(md5_of(path, sizes)), usedforsecurity=False).hexdigest()
