"""How alike images look: difference hashes, and groups of near duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from labellerr_ds.images.pixels import UNREADABLE


def difference_hash(path: Path) -> int | None:
    """64 bits of what an image looks like (dHash): where a picture of 9 x 8 pixels grows brighter; None if unreadable.

    Pictures that look alike differ in few bits.
    """
    try:
        with Image.open(path) as image:
            small = ImageOps.exif_transpose(image).convert("L").resize((9, 8), Image.Resampling.BILINEAR)
    except UNREADABLE:
        return None
    values = np.asarray(small, dtype=np.int16)
    bits = (values[:, 1:] > values[:, :-1]).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def alike(hashes: Mapping[str, int], bits: int = 4) -> Iterator[tuple[str, str]]:
    """Pairs of keys whose hashes differ in at most so many of their 64 bits.

    Of ``bits + 1`` stretches of a hash one must be equal then, so only those that share one are compared. A
    hash of nearly no bits, as flat pictures have, says nothing, and is alike to none.
    """
    hashes = {key: value for key, value in hashes.items() if 2 * bits <= value.bit_count() <= 64 - 2 * bits}
    step = -(-64 // (bits + 1))
    pairs: set[tuple[str, str]] = set()
    for start in range(0, 64, step):
        same: dict[int, list[str]] = {}
        for key, value in hashes.items():
            same.setdefault((value >> start) & ((1 << step) - 1), []).append(key)
        for keys in same.values():
            for place, one in enumerate(keys):
                for other in keys[place + 1 :]:
                    if (one, other) not in pairs and (hashes[one] ^ hashes[other]).bit_count() <= bits:
                        pairs.add((one, other))
                        yield one, other


def groups_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What hangs together by pairs: each key's group, named after its smallest key."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {key: root(key) for key in list(parent)}
