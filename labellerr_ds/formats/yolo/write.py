"""YOLO: a text file an image, boxes or polygons as shares of its width and height.

The format is Ultralytics' (https://docs.ultralytics.com/datasets/): ``class x y width height`` for
detection, ``class x1 y1 x2 y2 …`` for segmentation, the box and ``px py flag`` for each keypoint for pose, one line an
object, and a ``data.yaml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.formats.selection import ConversionReport, Frames, Item, Negatives, Selection, Splits, by_split
from labellerr_ds.images.files import Images
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.contours import clip_ring, join_rings
from labellerr_ds.shapes.rasters import Shape
from labellerr_ds.shapes.rle import BROKEN, polygons_to_rle, rle_area, rle_to_polygons, unite_rles

Ring = NDArray[np.float64]

Task = Literal["detect", "segment", "pose"]

OWN_KEYS = ("path", "nc", "names", "channels", "download", "kpt_shape", "flip_idx")
"""What data.yaml has beside the splits."""


def to_yolo(
    folder: Path,
    frames: Frames,
    *,
    task: Task = "segment",
    images: Images | None = None,
    split: Splits = None,
    negatives: Negatives = "finished",
    rotated: bool = False,
    classes: Sequence[str] | None = None,
) -> ConversionReport:
    """Write ``labels/<split>/*.txt``, ``images/<split>/`` and ``data.yaml``; see `Dataset.to_yolo`."""
    if task not in ("detect", "segment", "pose"):
        raise InvalidArgumentError(f"task must be 'detect', 'segment' or 'pose', got {task!r}.")
    types = ("keypoints",) if task == "pose" else rasters.FILLED
    chosen = Selection(frames, images=images, split=split, negatives=negatives, types=types, classes=classes)
    marks = max((len(_marks(shape)) for item in chosen.items for *_, shape in item.shapes), default=0)
    count = 0
    for name, items in by_split(chosen.items):
        check_yaml_split(name)
        labels = folder / "labels" / name
        labels.mkdir(parents=True)
        for item in items:
            lines = _lines(item, chosen, task, rotated, marks)
            if not chosen.keeps(item, len(lines)):
                continue
            count += len(lines)
            (labels / f"{item.name}.txt").write_text("".join(lines), encoding="ascii")
            chosen.copy_image(item, folder / "images" / name)
    more = _pose_lines(marks, frames.categories) if task == "pose" else []
    _data_yaml(folder, [name for name, _ in by_split(chosen.items)], chosen.classes, more, whole=split is None)
    return chosen.written(folder, count)


def check_yaml_split(name: str) -> None:
    """Refuse a split whose name data.yaml has for something else.

    Raises
    ------
    InvalidArgumentError
    """
    if name in OWN_KEYS:
        raise InvalidArgumentError(
            f"a split cannot be called {name!r}, which is another key of data.yaml; call it 'train', 'val' or 'test'."
        )


def _lines(item: Item, chosen: Selection, task: Task, rotated: bool, marks: int) -> list[str]:
    lines = []
    for number, annotation_id, shape in item.shapes:
        if shape.iscrowd:
            chosen.leave("annotations", annotation_id, "a crowd is not a single object")
            continue
        if not item.width or not item.height:
            chosen.leave("annotations", annotation_id, "the size of its image is not known")
            continue
        try:
            numbers = _numbers(shape, item.width, item.height, task, rotated)
        except BROKEN:
            chosen.leave("annotations", annotation_id, "its shape does not hold together")
            continue
        if numbers is None:
            chosen.leave("annotations", annotation_id, "nothing of it lies within the image")
            continue
        line = f"{number}" + " %.6f" * len(numbers) % tuple(numbers)
        if task == "pose":
            placed = _placed(shape, item.width, item.height)
            if sum(flag > 0 for *_, flag in placed) < sum(flag > 0 for *_, flag in _marks(shape)):
                reason = "keypoints outside of the image are written as not labelled"
                chosen.leave("annotations", annotation_id, reason, written=True)
            placed += [(0.0, 0.0, 0)] * (marks - len(placed))
            line += "".join(f" {x:.6f} {y:.6f} {flag}" for x, y, flag in placed)
        lines.append(line + "\n")
    return lines


def _numbers(shape: Shape, width: int, height: int, task: Task, rotated: bool) -> list[float] | None:
    """A ring, or centre and size of the box around it, in shares of the image; None where nothing lies within."""
    outer, inner = _within(shape, width, height, rotated)
    if not outer:
        return None
    ring = _joined(outer, inner, width, height) if task == "segment" else np.concatenate(outer)
    if not len(ring) or not (ring.max(axis=0) > ring.min(axis=0)).all():
        return None
    shares = np.clip(ring / (width, height), 0, 1)
    if task != "segment":
        low, high = shares.min(axis=0), shares.max(axis=0)
        shares = np.stack([(low + high) / 2, high - low])
    return shares.ravel().tolist()  # type: ignore[no-any-return]


def _within(shape: Shape, width: int, height: int, rotated: bool) -> tuple[list[Ring], list[Ring]]:
    """What of the rings lies within the image: parts, and holes."""
    if shape.form == "mask":
        parts, holes = rle_to_polygons(shape.segmentation)
    else:
        parts, holes = rasters.rings_of(shape, rotated=rotated), []
    clipped = [
        [clip_ring(np.asarray(ring, dtype=np.float64).reshape(-1, 2), width, height) for ring in rings]
        for rings in (parts, holes)
    ]
    outer, inner = ([ring for ring in rings if len(ring) >= 3] for rings in clipped)
    if not all(np.isfinite(ring).all() for ring in (*outer, *inner)):
        raise ValueError("numbers that are not finite")
    return outer, inner


def _joined(outer: list[Ring], inner: list[Ring], width: int, height: int) -> Ring:
    """One ring: parts and holes joined by bridges; empty where parts that overlap have no pixels."""
    if len(outer) > 1 and _overlap(outer, height, width):  # one ring cannot say it: their common outline can
        united = polygons_to_rle([ring.ravel().tolist() for ring in outer], height, width)
        outer, inner = ([np.asarray(ring).reshape(-1, 2) for ring in rings] for rings in rle_to_polygons(united))
    return join_rings(outer, inner) if outer else np.zeros((0, 2))


def _marks(shape: Shape) -> list[tuple[float, float, int]]:
    """The keypoints: x, y, and COCO's flag."""
    points = np.asarray((shape.keypoints or [])[: len(shape.keypoints or []) // 3 * 3], dtype=np.float64).reshape(-1, 3)
    return [(x, y, int(flag)) for x, y, flag in np.nan_to_num(points).tolist()]


def _placed(shape: Shape, width: int, height: int) -> list[tuple[float, float, int]]:
    """The keypoints in shares of the image; zeros for those that are not labelled, or lie outside of it."""
    return [
        (x / width, y / height, flag) if flag > 0 and 0 <= x <= width and 0 <= y <= height else (0.0, 0.0, 0)
        for x, y, flag in _marks(shape)
    ]


def _overlap(rings: list[Ring], height: int, width: int) -> bool:
    """Whether parts share more than pixels at their borders."""
    rles = [polygons_to_rle([ring.ravel().tolist()], height, width) for ring in rings]
    united = rle_area(unite_rles(rles))
    return sum(map(rle_area, rles)) - united > 0.005 * united


_NO_YAML = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def _yaml_text(text: str) -> str:
    """A JSON text, which is a YAML text, with escapes for what YAML does not print or takes for line breaks.

    See https://yaml.org/spec/1.2.2/#51-character-set
    """
    return _NO_YAML.sub(lambda letter: f"\\u{ord(letter[0]):04x}", json.dumps(text, ensure_ascii=False))


def _pose_lines(marks: int, categories: pd.DataFrame) -> list[str]:
    """How many keypoints an object has, and which change places in a mirror where the export has their names."""
    lines = [f"kpt_shape: [{marks}, 3]"]
    names = [json.loads(extra).get("keypoints") for extra in categories["extra"].dropna()]
    named = [each for each in names if isinstance(each, list) and len(each) == marks]
    if named and all(each == named[0] for each in named):
        place = {str(name): number for number, name in enumerate(named[0])}
        lines.append(f"flip_idx: {[place.get(_mirrored(name), number) for name, number in place.items()]}")
    return lines


def _mirrored(name: str) -> str:
    """The name of the keypoint on the other side: ``left_eye`` for ``right_eye``."""
    sides = {"left": "right", "right": "left"}
    return re.sub("left|right", lambda side: sides[side[0].lower()], name, flags=re.IGNORECASE)


def _data_yaml(folder: Path, splits: list[str], classes: list[str], more: list[str], *, whole: bool) -> None:
    plain = {name: name if name in ("train", "val", "test") else _yaml_text(name) for name in splits}
    lines = [f"{plain[name]}: {_yaml_text(f'images/{name}')}" for name in splits]
    if whole and splits:
        lines.append('val: "images/train" # the same as train, since Ultralytics needs one')
    lines += [*more, f"nc: {len(classes)}", "names:"]
    lines += [f"  {number}: {_yaml_text(name)}" for number, name in enumerate(classes)]
    (folder / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
