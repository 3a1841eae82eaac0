"""From rows of an annotations frame to their rings and pixels, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.core.hint import call
from labellerr_ds.shapes.boxes import box_corners
from labellerr_ds.shapes.rle import (
    BROKEN,
    FARTHEST,
    RLE,
    boxes_to_rle,
    checked_counts,
    checked_ring,
    compress_counts,
    polygons_to_rle,
    rle_area,
    rle_to_mask,
    rle_to_polygons,
)
from labellerr_ds.shapes.segmentation import decode_shape, texts_of

T = TypeVar("T")
BOX = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]
FILLED = ("bbox", "polygon", "mask")
"""The types that have pixels."""


class Shape(NamedTuple):
    """What a row's shape is made of."""

    type: str
    segmentation: Any
    box: tuple[float, float, float, float]
    rotation: float
    height: int | None
    width: int | None
    iscrowd: bool = False
    keypoints: Any = None

    @property
    def form(self) -> str | None:
        """What of it encloses pixels: ``mask``, ``polygon`` or ``bbox``; None for points, lines and answers.

        Keypoints have the shape that came with them, else their box.
        """
        if self.type not in (*FILLED, "keypoints"):
            return None
        if isinstance(self.segmentation, dict):
            return "mask"
        if isinstance(self.segmentation, list) and self.segmentation:
            return "polygon"
        return "bbox" if self.type != "polygon" and all(abs(side) <= FARTHEST for side in self.box) else None


class Shapes:
    """The shapes of an annotations frame by the position of their row; each is decoded when it is asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._types = frame["type"].astype(object).where(frame["type"].notna(), None).tolist()
        self._texts = texts_of(frame["segmentation"])
        self._keypoints = texts_of(frame["keypoints"]) if "keypoints" in frame else [None] * len(frame)
        self.boxes = frame[BOX].to_numpy(dtype=np.float64)
        self._corners = list(map(tuple, self.boxes.tolist()))
        self._sides = [
            [None if missing else int(side) for side, missing in zip(frame[name], frame[name].isna(), strict=True)]
            for name in ("image_height", "image_width")
        ]
        self._rotations = frame["rotation"].to_numpy(dtype=np.float64).tolist()
        self._crowds = (
            frame["iscrowd"].astype("boolean").fillna(False).tolist() if "iscrowd" in frame else [False] * len(frame)
        )

    def written(self, position: int) -> tuple[str | None, str | None]:
        """The JSON of a row's segmentation, and of its keypoints."""
        return self._texts[position], self._keypoints[position]

    def __getitem__(self, position: int) -> Shape:
        if not 0 <= position < len(self._types):
            raise IndexError(position)
        text, points = self.written(position)
        keypoints = decode_shape(points) if points else None
        return Shape(
            str(self._types[position]),
            np.nan if text is None else decode_shape(text),
            self._corners[position],
            self._rotations[position],
            self._sides[0][position],
            self._sides[1][position],
            bool(self._crowds[position]),
            keypoints if isinstance(keypoints, list) else None,
        )


def shapes(frame: pd.DataFrame) -> Iterator[Shape]:
    """The shapes of an annotations frame, in the order of its rows."""
    return iter(Shapes(frame))


def rings_of(shape: Shape, *, rotated: bool = False) -> list[list[float]]:
    """The rings of a shape, ``[x1, y1, x2, y2, …]`` each, in pixels; none for what encloses nothing.

    A box is its four corners; with `rotated`, about its centre by its rotation. A mask gives the rings of its
    parts, along the edges of its pixels: holes are lost there.

    Raises
    ------
    ValueError
        Where a ring is anything but pairs of numbers within reach of an image.
    """
    rings = _rings(shape, rotated)
    if shape.form == "polygon":
        for ring in rings:
            checked_ring(ring)
    return rings


def _rings(shape: Shape, rotated: bool) -> list[list[float]]:
    """As `rings_of`, of a polygon as they came."""
    if shape.form == "polygon":
        return list(shape.segmentation)
    if shape.form == "mask":
        return rle_to_polygons(shape.segmentation)[0]
    if shape.form == "bbox":
        rotation = np.array([shape.rotation]) if rotated else None
        return box_corners(np.array([shape.box]), rotation).tolist()  # type: ignore[no-any-return]
    return []


def points_of(shape: Shape) -> list[tuple[float, float] | None]:
    """Where a point is, or keypoints are, in pixels; None for a keypoint that is not labelled."""
    if shape.keypoints:
        triples = np.asarray(shape.keypoints[: len(shape.keypoints) // 3 * 3], dtype=np.float64).reshape(-1, 3)
        return [(x, y) if flag and np.isfinite((x, y)).all() else None for x, y, flag in triples.tolist()]
    x, y = shape.box[:2]
    return [(x, y)] if np.isfinite((x, y)).all() else []


def rle_of(shape: Shape, *, rotated: bool = False) -> RLE | None:
    """The pixels of a shape as pycocotools fills it; None for what has none, or no size of its image.

    Raises
    ------
    ValueError
        For what does not hold together: nothing that was not checked reaches native code.
    """
    if shape.form == "mask":
        runs = checked_counts(shape.segmentation)
        size = [int(side) for side in shape.segmentation["size"]]
        return {"size": size, "counts": compress_counts(runs)}
    if shape.height is None or shape.width is None or shape.form is None:
        return None
    if shape.form == "bbox" and not (rotated and shape.rotation and np.isfinite(shape.rotation)):
        return boxes_to_rle([shape.box], shape.height, shape.width)[0]
    return polygons_to_rle(_rings(shape, rotated), shape.height, shape.width)


def rles(frame: pd.DataFrame, *, rotated: bool = False) -> Iterator[RLE | None]:
    """The pixels of each row as RLE; None for what has none or does not hold together, which a warning counts."""
    return _sound(frame, lambda shape: rle_of(shape, rotated=rotated), None)


def polygons(frame: pd.DataFrame, *, rotated: bool = False) -> Iterator[list[list[float]]]:
    """The rings of each row; none for what encloses nothing or does not hold together, which a warning counts."""
    return _sound(frame, lambda shape: rings_of(shape, rotated=rotated), [])


def _sound(frame: pd.DataFrame, make: Callable[[Shape], T], nothing: T) -> Iterator[T]:
    broken = 0
    for shape in shapes(frame):
        try:
            yield make(shape)
        except BROKEN:
            broken += 1
            yield nothing
    if broken:
        warn(f"{broken:,} shapes do not hold together and were left out.", hint=call("df.labellerr.check()"))


def rasters(frame: pd.DataFrame, *, rotated: bool = False) -> Iterator[NDArray[np.bool_] | None]:
    """The pixels of each row, ``(H, W)`` bool, one at a time."""

    def mask(shape: Shape) -> NDArray[np.bool_] | None:
        rle = rle_of(shape, rotated=rotated)
        return None if rle is None else rle_to_mask(rle)

    return _sound(frame, mask, None)


Order = Literal["given", "large_first"]


def label_map(
    frame: pd.DataFrame,
    values: Iterable[int],
    *,
    height: int,
    width: int,
    order: Order = "given",
    rotated: bool = False,
) -> NDArray[np.int32]:
    """One raster of several annotations of one image, 0 where nothing is.

    Parameters
    ----------
    frame : annotations of one file
    values : iterable of int
        What each row paints.
    height, width : int
    order : {'given', 'large_first'}
        Where annotations overlap the later one lies on top: in the order of the rows, or the smaller ones
        over the larger, so that a small object is not lost under a large one.
    rotated : bool
        Boxes about their centre by their rotation.

    Returns
    -------
    (H, W) int32
    """
    if order not in ("given", "large_first"):
        raise InvalidArgumentError(f"order must be 'given' or 'large_first', got {order!r}.")
    painted = [(rle, value) for rle, value in zip(rles(frame, rotated=rotated), values, strict=True) if rle is not None]
    for rle, _ in painted:
        if rle["size"] != [height, width]:
            raise InvalidArgumentError(f"a mask of {rle['size']} does not fit an image of {[height, width]}.")
    if order == "large_first":
        painted.sort(key=lambda pair: -rle_area(pair[0]))
    return paint(painted, height, width)


def paint(painted: list[tuple[RLE, int]], height: int, width: int) -> NDArray[np.int32]:
    """A raster ``(H, W)`` of masks with their values, later ones over earlier ones; 0 where nothing is."""
    labels = np.zeros((width, height), dtype=np.int32)  # down the columns, as RLE runs
    flat = labels.ravel()
    for rle, value in painted:
        runs = checked_counts(rle)
        ends = np.cumsum(runs)
        for start, stop in zip((ends - runs)[1::2].tolist(), ends[1::2].tolist(), strict=True):
            flat[start:stop] = value
    raster: NDArray[np.int32] = labels.T
    return raster
