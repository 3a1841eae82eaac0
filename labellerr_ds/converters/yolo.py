"""YOLO: a text file an image, boxes or polygons as shares of its width and height.

The format is Ultralytics' (https://docs.ultralytics.com/datasets/): ``class x y width height`` for
detection, ``class x1 y1 x2 y2 …`` for segmentation, one line an object, and a ``data.yaml``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labellerr_ds.converters.selection import Frames, Item, Negatives, Selection, Splits, Written, by_split, in_folder
from labellerr_ds.errors import InvalidArgumentError
from labellerr_ds.images.files import Images
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.contours import clip_ring, join_rings
from labellerr_ds.shapes.rasters import Shape
from labellerr_ds.shapes.rle import BROKEN, polygons_to_rle, rle_area, rle_to_polygons, unite_rles

Task = Literal["detect", "segment"]


def to_yolo(
    folder: Path,
    frames: Frames,
    *,
    task: Task = "segment",
    images: Images | None = None,
    split: Splits = None,
    negatives: Negatives = "finished",
    turned: bool = False,
) -> Written:
    """Write ``labels/<split>/*.txt``, ``images/<split>/`` and ``data.yaml``; see `Dataset.to_yolo`."""
    if task not in ("detect", "segment"):
        raise InvalidArgumentError(f"task must be 'detect' or 'segment', got {task!r}.")
    chosen = Selection(frames, images=images, split=split, negatives=negatives)
    folder = in_folder(folder)
    count = 0
    for name, items in by_split(chosen.items):
        labels = folder / "labels" / name
        labels.mkdir(parents=True)
        for item in items:
            lines = _lines(item, chosen, task, turned)
            if not chosen.keeps(item, len(lines)):
                continue
            count += len(lines)
            (labels / f"{item.name}.txt").write_text("".join(lines), encoding="ascii")
            chosen.copy_image(item, folder / "images" / name)
    _data_yaml(folder, [name for name, _ in by_split(chosen.items)], chosen.classes, whole=split is None)
    return chosen.written(folder, count)


def _lines(item: Item, chosen: Selection, task: Task, turned: bool) -> list[str]:
    lines = []
    for number, annotation_id, shape in item.shapes:
        if shape.iscrowd:
            chosen.leave("annotations", annotation_id, "a crowd is no single object")
            continue
        if not item.width or not item.height:
            chosen.leave("annotations", annotation_id, "the size of its image is not known")
            continue
        try:
            ring = _ring(shape, item.width, item.height, turned)
        except BROKEN:
            chosen.leave("annotations", annotation_id, "its shape does not hold together")
            continue
        if ring is None:
            chosen.leave("annotations", annotation_id, "nothing of it lies within the image")
            continue
        shares = np.clip(ring / (item.width, item.height), 0, 1)
        if task == "detect":
            low, high = shares.min(axis=0), shares.max(axis=0)
            shares = np.stack([(low + high) / 2, high - low])
        numbers = shares.ravel().tolist()
        lines.append(f"{number}" + " %.6f" * len(numbers) % tuple(numbers) + "\n")
    return lines


def _ring(shape: Shape, width: int, height: int, turned: bool) -> NDArray[np.float64] | None:
    """One ring within the image: parts and holes joined by bridges; None where nothing lies within."""
    if shape.form == "mask":
        parts, holes = rle_to_polygons(shape.segmentation)
    else:
        parts, holes = rasters.rings_of(shape, turned=turned), []
    clipped = [
        [clip_ring(np.asarray(ring, dtype=np.float64).reshape(-1, 2), width, height) for ring in rings]
        for rings in (parts, holes)
    ]
    outer, inner = ([ring for ring in rings if len(ring) >= 3] for rings in clipped)
    if not outer:
        return None
    if len(outer) > 1 and _overlap(outer, height, width):  # one ring cannot say it: their common outline can
        united = polygons_to_rle([ring.ravel().tolist() for ring in outer], height, width)
        outer, inner = ([np.asarray(ring).reshape(-1, 2) for ring in rings] for rings in rle_to_polygons(united))
        if not outer:
            return None
    ring = join_rings(outer, inner)
    if not np.isfinite(ring).all():
        raise ValueError("numbers that are not finite")
    extent = ring.max(axis=0) - ring.min(axis=0)
    return ring if (extent > 0).all() else None


def _overlap(rings: list[NDArray[np.float64]], height: int, width: int) -> bool:
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


def _data_yaml(folder: Path, splits: list[str], classes: list[str], *, whole: bool) -> None:
    plain = {name: name if name in ("train", "val", "test") else _yaml_text(name) for name in splits}
    lines = [f"{plain[name]}: {_yaml_text(f'images/{name}')}" for name in splits]
    if whole and splits:
        lines.append('val: "images/train" # there is no split of its own; Ultralytics asks for one')
    lines += [f"nc: {len(classes)}", "names:"]
    lines += [f"  {number}: {_yaml_text(name)}" for number, name in enumerate(classes)]
    (folder / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
