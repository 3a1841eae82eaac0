"""Run-length encoded masks (RLE), as COCO has them: runs down the columns, background first.

The text form is that of ``pycocotools`` (``rleToString`` in its ``maskApi.c``): five bits a
character, each run less the run two before it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labellerr_ds.shapes.contours import mask_to_rings

Counts = NDArray[np.int64]
RLE = dict[str, Any]
"""``{"size": [height, width], "counts": str}``; `counts` may also be bytes, or a list of run lengths."""

BROKEN = (ValueError, TypeError, KeyError, OverflowError)
"""What is raised by a shape that does not hold together."""

LONGEST = 1 << 16  # pixels of an image's side
MOST_PIXELS = 1 << 30  # of a mask
FARTHEST = 1e7  # pixels: beyond, native code overflows
LEAST_NUMBERS = 6  # of a ring: three points
MAX_FLOAT = sys.float_info.max


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


def checked_counts(rle: RLE) -> Counts:
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
    height, width = (int(side) for side in size)
    if runs.ndim != 1:
        raise ValueError("the runs are not a list of numbers")
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"the runs sum to {runs.sum()}, the image has {height} x {width} pixels")
    return runs


def rle_to_mask(rle: RLE) -> NDArray[np.bool_]:
    """The pixels of an RLE, ``(H, W)`` bool."""
    runs = checked_counts(rle)
    height, width = (int(side) for side in rle["size"])
    if height * width > MOST_PIXELS:
        raise ValueError(f"a mask of {width:,} x {height:,} pixels is too large")
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


# --- from shapes, and between them; pycocotools defines the answers, and gets nothing that was not checked


def polygons_to_rle(rings: list[list[float]], height: int, width: int) -> RLE:
    """The pixels of a polygon, its parts united, as pycocotools fills it.

    Parameters
    ----------
    rings : list of ``[x1, y1, x2, y2, …]``
        Pixels; three points or more.
    height, width : int

    Examples
    --------
    >>> rle_to_mask(polygons_to_rle([[1, 0, 3, 0, 3, 2, 1, 2]], 2, 4)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0]]
    """
    from pycocotools import mask as coco_mask

    height, width = checked_size(height, width)
    kept = list(map(checked_ring, rings))
    if not kept:
        return empty_rle(height, width)
    # in an array that is no list of numbers, pycocotools takes four numbers for a box; six it never does
    filled = coco_mask.frPyObjects(kept, height, width)
    return _text(filled[0] if len(filled) == 1 else coco_mask.merge(filled))


def boxes_to_rle(boxes: ArrayLike, height: int, width: int) -> list[RLE]:
    """The pixels of boxes ``(N, 4)``, ``x, y, width, height``, as pycocotools fills them."""
    from pycocotools import mask as coco_mask

    height, width = checked_size(height, width)
    sides = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    if not len(sides):
        return []
    if not np.isfinite(sides).all() or np.abs(sides).max() > FARTHEST:
        raise ValueError("a box of numbers that are not finite, or far outside of any image")
    return [_text(each) for each in coco_mask.frPyObjects(sides, height, width)]


def mask_to_rle(mask: NDArray[Any]) -> RLE:
    """A raster ``(H, W)``, non-zero is the object, as RLE.

    Examples
    --------
    >>> mask_to_rle(np.array([[0, 1], [0, 1]]))
    {'size': [2, 2], 'counts': '22'}
    """
    raster = np.asarray(mask)
    if raster.ndim != 2:
        raise ValueError(f"a mask has two axes, (H, W); got {raster.ndim}")
    flat = np.ascontiguousarray((raster != 0).T).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], changes, [len(flat)]])
    runs = np.diff(bounds)
    if len(flat) and flat[0]:
        runs = np.concatenate([[0], runs])
    return {"size": [int(raster.shape[0]), int(raster.shape[1])], "counts": compress_counts(runs if len(flat) else [])}


def rle_to_polygons(rle: RLE) -> tuple[list[list[float]], list[list[float]]]:
    """The outlines of an RLE along the edges of its pixels: rings of the parts, and rings of the holes.

    COCO's rings are all parts: to keep holes, keep the RLE, or join the rings with
    `labellerr_ds.contours.join_rings`. Filled again by pycocotools the pixels are the same.
    """
    runs = checked_counts(rle)
    height = int(rle["size"][0])
    area, (x, y, wide, high) = area_and_bbox(runs, height)
    if not area:
        return [], []
    outer, holes = mask_to_rings(rle_to_mask(crop_rle(rle, (x, y, wide, high))))
    corner = np.array([x, y])
    parts, gaps = ([(ring + corner).ravel().tolist() for ring in rings] for rings in (outer, holes))
    return parts, gaps


def empty_rle(height: int, width: int) -> RLE:
    """No pixel of an image."""
    return {"size": [height, width], "counts": compress_counts([height * width])}


def rle_area(rle: RLE) -> int:
    """Pixels of the object."""
    return int(checked_counts(rle)[1::2].sum())


def rle_bbox(rle: RLE) -> tuple[int, int, int, int]:
    """The tight box, ``x, y, width, height`` in pixels; all 0 for no pixel."""
    return area_and_bbox(checked_counts(rle), int(rle["size"][0]))[1]


def rle_iou(
    a: list[RLE], b: list[RLE], iscrowd: list[bool] | None = None, *, checked: bool = False
) -> NDArray[np.float64]:
    """Intersection over union of each pair, ``(len(a), len(b))``, without rasters.

    Parameters
    ----------
    a, b : lists of RLE of one size
    iscrowd : list of bool, optional
        Of `b`: for a crowd it is the intersection over the area of `a`, as COCO has it.
    checked : bool
        They come from functions of this module, and are known to hold together.

    Returns
    -------
    (N, M) float64
        0 where both are empty.
    """
    from pycocotools import mask as coco_mask

    sizes = {tuple(map(int, rle["size"])) for rle in (*a, *b)}
    if len(sizes) > 1:
        raise ValueError(f"masks of several sizes cannot be compared: {sorted(sizes)}")
    if not a or not b:
        return np.zeros((len(a), len(b)))
    crowds = [bool(each) for each in iscrowd] if iscrowd else [False] * len(b)
    sides = [a, b] if checked else [_native(a), _native(b)]
    ious = coco_mask.iou(*sides, crowds)
    return np.nan_to_num(np.asarray(ious, dtype=np.float64).reshape(len(a), len(b)))


def unite_rles(rles: list[RLE], *, intersect: bool = False) -> RLE:
    """The pixels of any of the masks, or with `intersect` of all."""
    from pycocotools import mask as coco_mask

    if not rles:
        raise ValueError("no masks to unite")
    if len({tuple(map(int, rle["size"])) for rle in rles}) > 1:
        raise ValueError("masks of several sizes cannot be united")
    return _text(coco_mask.merge(_native(rles), intersect=intersect))


def crop_rle(rle: RLE, box: tuple[int, int, int, int]) -> RLE:
    """The part of a mask in a box of whole pixels, without a raster of the whole.

    Parameters
    ----------
    rle : RLE
    box : (x, y, width, height)
        Within the image.

    Examples
    --------
    >>> rle_to_mask(crop_rle(mask_to_rle(np.eye(4)), (1, 1, 2, 2))).astype(int).tolist()
    [[1, 0], [0, 1]]
    """
    runs = checked_counts(rle)
    height, width = (int(side) for side in rle["size"])
    x, y, wide, high = box
    if not (x >= 0 and y >= 0 and wide >= 0 and high >= 0 and x + wide <= width and y + high <= height):
        raise ValueError(f"the box {box} is not within an image of {width} x {height} pixels")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, _between(runs, x * height, (x + wide) * height))
    return mask_to_rle(flat.reshape(wide, height).T[y : y + high])


def _between(runs: Counts, start: int, stop: int) -> Counts:
    """How much of each run lies between two positions."""
    ends = np.cumsum(runs)
    lengths: Counts = np.clip(ends, start, stop) - np.clip(ends - runs, start, stop)
    return lengths


def _native(rles: list[RLE]) -> list[dict[str, Any]]:
    """For pycocotools' native code, which reads beyond what does not hold together."""
    checked = []
    for rle in rles:
        runs, counts = checked_counts(rle), rle["counts"]
        text = compress_counts(runs) if isinstance(counts, list) else counts
        packed = text.encode("ascii") if isinstance(text, str) else bytes(text)
        checked.append({"size": [int(side) for side in rle["size"]], "counts": packed})
    return checked


def _text(rle: dict[str, Any]) -> RLE:
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def checked_size(height: int, width: int) -> tuple[int, int]:
    """The size of an image that can be filled, else a ValueError."""
    if not (0 < height <= LONGEST and 0 < width <= LONGEST and height * width <= MOST_PIXELS):
        raise ValueError(f"an image of {width} x {height} pixels cannot be filled")
    return int(height), int(width)


def is_ring(ring: Any) -> bool:
    """Return True for a ring: a list of an even number of finite numbers, three points or more."""
    if not isinstance(ring, list) or len(ring) % 2 or len(ring) < LEAST_NUMBERS:
        return False
    # a number beyond a float's range, as an integer has it, is no number of a shape
    return all(type(number) in (int, float) and abs(number) <= MAX_FLOAT for number in ring)


def checked_ring(ring: list[float]) -> list[float]:
    """Return a ring within reach of native code.

    Raises
    ------
    ValueError
        For anything but a ring; see `is_ring`.
    """
    if not is_ring(ring) or max(map(abs, ring)) > FARTHEST:
        raise ValueError("a ring has three or more pairs of finite numbers, not far outside of any image")
    return [float(number) for number in ring]
