"""Run-length encoded masks (RLE), as COCO has them: runs down the columns, background first.

The text form is that of ``pycocotools`` (``rleToString`` in its ``maskApi.c``): five bits a
character, each run less the run two before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]


def compress_counts(counts: ArrayLike) -> str:
    """Run lengths to COCO's text.

    Examples
    --------
    >>> compress_counts([6, 1, 40, 4, 5])
    '61X13mN'
    """
    runs = np.array(counts, dtype=np.int64)
    left = runs.copy()
    left[3:] -= runs[1:-2]
    columns = []
    active = np.ones(len(left), dtype=bool)
    while active.any():
        bits = left & 0x1F
        left >>= 5
        more = np.where(bits & 0x10, left != -1, left != 0)
        columns.append(np.where(active, (bits | (more << 5)) + 48, 0))
        active &= more
    if not columns:
        return ""
    table = np.stack(columns, axis=1)
    return table[table > 0].astype(np.uint8).tobytes().decode("ascii")


def expand_counts(text: str) -> Counts:
    """COCO's text to run lengths.

    Examples
    --------
    >>> expand_counts('61X13mN').tolist()
    [6, 1, 40, 4, 5]
    """
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    if ((codes < 0) | (codes > 63)).any() or (len(codes) and codes[-1] & 0x20):
        raise ValueError("no RLE text: a character out of range, or cut short")
    ends = np.flatnonzero((codes & 0x20) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    lengths = ends - starts + 1
    if (lengths > 12).any():
        raise ValueError("no RLE text: a run longer than any image")
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    runs = np.add.reduceat((codes & 0x1F) << (5 * place), starts) if len(starts) else codes[:0]
    runs = np.where(codes[ends] & 0x10, runs - (np.int64(1) << (5 * lengths)), runs)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def checked_counts(rle: dict[str, object]) -> Counts:
    """The run lengths of an RLE that holds together.

    Raises
    ------
    ValueError
        Where a run is negative or the runs do not cover the image exactly.
    """
    size, counts = rle["size"], rle["counts"]
    if isinstance(counts, bytes):
        counts = counts.decode("ascii")
    runs = expand_counts(counts) if isinstance(counts, str) else np.array(counts, dtype=np.int64)
    height, width = (int(side) for side in size)  # type: ignore[attr-defined]
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"the runs sum to {runs.sum()}, the image has {height} x {width} pixels")
    return runs


def rle_to_mask(rle: dict[str, object]) -> NDArray[np.bool_]:
    """The pixels of an RLE, ``(H, W)`` bool."""
    runs = checked_counts(rle)
    height, width = (int(side) for side in rle["size"])  # type: ignore[attr-defined]
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask: NDArray[np.bool_] = flat.reshape(width, height).T
    return mask


def area_and_bbox(runs: Counts, height: int) -> tuple[int, tuple[int, int, int, int]]:
    """Pixels of a mask and the tight box around them, ``x, y, width, height``; all 0 for no pixel."""
    ends = np.cumsum(runs)[1::2]
    lengths = runs[1::2]
    ends, lengths = ends[lengths > 0], lengths[lengths > 0]
    if not len(ends):
        return 0, (0, 0, 0, 0)
    return int(lengths.sum()), _bbox(ends - lengths, ends, height)


def _bbox(starts: Counts, ends: Counts, height: int) -> tuple[int, int, int, int]:
    left, right = starts // height, (ends - 1) // height
    x = int(left.min())
    if (left != right).any():  # a run over a column's end holds the lowest and the highest row
        low, high = 0, height - 1
    else:
        low, high = int((starts % height).min()), int(((ends - 1) % height).max())
    return x, low, int(right.max()) - x + 1, high - low + 1


@dataclass(frozen=True)
class LabelRegion:
    """The pixels of one label in a label map."""

    label: int
    counts: str
    area: int
    bbox: tuple[int, int, int, int]


def label_regions(labels: NDArray[Any]) -> list[LabelRegion]:
    """One RLE for each label of a label map, in the order of the labels; 0 included.

    Works on the boundaries of runs alone, so the cost is that of one transpose and not of the
    number of labels.

    Parameters
    ----------
    labels : (H, W) integers
    """
    height = labels.shape[0]
    flat = np.ascontiguousarray(labels.T).ravel()
    if not len(flat):
        return []
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.append(starts[1:], len(flat))
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    regions = []
    for group in np.split(order, np.flatnonzero(np.diff(values[order])) + 1):
        first, last = starts[group], ends[group]
        counts = np.empty(2 * len(group), dtype=np.int64)
        counts[0::2] = first - np.concatenate([[0], last[:-1]])
        counts[1::2] = last - first
        if last[-1] < len(flat):
            counts = np.append(counts, len(flat) - last[-1])
        regions.append(
            LabelRegion(
                int(values[group[0]]),
                compress_counts(counts),
                int((last - first).sum()),
                _bbox(first, last, height),
            )
        )
    return regions
