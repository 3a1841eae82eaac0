"""Frames to COCO: the file, streamed, and the object that pycocotools' tools take."""

from __future__ import annotations

import contextlib
import io
import math
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd

from labellerr_ds.core.atomic import file_at, refuse
from labellerr_ds.core.errors import warn
from labellerr_ds.core.gc import collector_off
from labellerr_ds.formats.coco_json.portable import Classes, archived, portable, with_unique_names
from labellerr_ds.formats.coco_rows import annotations_of, categories_of, images_of, unread_of
from labellerr_ds.formats.selection import Frames, Negatives
from labellerr_ds.images.files import Images
from labellerr_ds.shapes.rle import BROKEN, FARTHEST, checked_counts, checked_ring, polygons_to_rle, rle_area, rle_bbox

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_encode = msgspec.json.Encoder().encode


def to_coco(
    frames: Frames,
    info: dict[str, Any],
    *,
    recompute: bool = False,
    negatives: Negatives = "finished",
    classes: Classes = "by_name",
    rotated: bool = False,
) -> COCO:
    """A ``pycocotools.coco.COCO`` with its index built, as evaluators take it; see `Dataset.to_coco`.

    What has no segmentation gets one, since evaluators of masks stop without: a box its corners. A point or line gets
    a box of at least a pixel, since what has no area is matched by nothing. A missing area is 0, a missing
    ``iscrowd`` too. RLE, rings and keypoints that do not hold together are left out, and a warning counts them: native
    code would read beyond them.
    """
    with collector_off():
        return _made(portable(frames, negatives=negatives, classes=classes, rotated=rotated), info, recompute=recompute)


def _made(frames: Frames, info: dict[str, Any], *, recompute: bool) -> COCO:
    from labellerr_ds.formats.coco_json.checked import CheckedCOCO

    files, annotations, categories = frames
    pictures = list(images_of(files, info))
    sizes = {image["id"]: (image["height"], image["width"]) for image in pictures}
    made = list(annotations_of(annotations, files, categories, decoded=True))
    coco_ids = annotations["coco_id"].astype(object).where(lambda ids: ids.notna(), None)
    original = [each["id"] if coco_id is None else coco_id for each, coco_id in zip(made, coco_ids, strict=True)]
    if any(each["id"] == 0 for each in made):
        for number, annotation in enumerate(made, start=1):
            annotation["id"] = number
    broken = 0
    for annotation in made:
        if recompute or not _is_complete(annotation):
            broken += not _complete(annotation, sizes.get(annotation["image_id"], (None, None)), recompute)
    if broken:
        warn(
            f"{broken:,} annotations have an RLE, a ring or keypoints that do not hold together; the COCO object has "
            "their boxes."
        )
    coco = CheckedCOCO()
    coco.dataset = {
        **_top(info),
        "images": pictures,
        "annotations": made,
        "categories": list(categories_of(categories)),
    }
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        coco.createIndex()
    coco.original_ids = dict(zip((each["id"] for each in made), original, strict=True))
    return coco


_FAR = FARTHEST * 1_000


def _encloses(ring: Any) -> bool:
    """Whether a ring has three points at least, all of numbers; a sum is the quickest look at all of them."""
    if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2:
        return False
    try:
        return -_FAR < sum(ring) < _FAR
    except TypeError:
        return False


def _holds(ring: Any) -> bool:
    try:
        return len(checked_ring(ring)) >= 6
    except BROKEN:
        return False


def _are_marks(keypoints: Any) -> bool:
    """Whether keypoints are COCO's: x, y and a flag each."""
    if not isinstance(keypoints, list) or len(keypoints) % 3:
        return False
    return all(isinstance(value, int | float) for value in keypoints)


def _is_complete(annotation: dict[str, Any]) -> bool:
    """Whether an annotation is a polygon of one ring with all that evaluators ask for, as nearly all are."""
    try:
        (ring,) = annotation["segmentation"]
        has_all = "bbox" in annotation and "area" in annotation and "iscrowd" in annotation
        return has_all and "keypoints" not in annotation and _encloses(ring)
    except (KeyError, TypeError, ValueError):
        return False


def _complete(annotation: dict[str, Any], size_hw: tuple[int | None, int | None], recompute: bool) -> bool:
    """Give an annotation all that evaluators ask for; whether its mask held together."""
    segmentation, holds = annotation.get("segmentation"), True
    box = annotation.setdefault("bbox", [0.0, 0.0, 0.0, 0.0])
    rle = None
    if "keypoints" in annotation and not _are_marks(annotation["keypoints"]):
        del annotation["keypoints"]
        holds = False
    if isinstance(segmentation, dict):
        try:
            checked_counts(segmentation)
            rle = segmentation
        except BROKEN:
            segmentation, holds = None, False
    elif isinstance(segmentation, list) and segmentation:
        rings = [ring for ring in segmentation if _holds(ring)]
        holds = holds and len(rings) == len(segmentation)
        segmentation = annotation["segmentation"] = rings
    if not segmentation:
        x, y, width, height = box
        if "keypoints" in annotation or "polyline" in annotation:  # evaluators match what has at least a pixel
            if width < 1:
                x, width = math.floor(x), 1.0
            if height < 1:
                y, height = math.floor(y), 1.0
            annotation["bbox"] = [x, y, width, height]
        annotation["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    if recompute and None not in size_hw:
        rings = annotation["segmentation"]
        rle = rle or polygons_to_rle(rings, int(size_hw[0] or 0), int(size_hw[1] or 0))
        annotation["area"] = float(rle_area(rle))
        annotation["bbox"] = [float(side) for side in rle_bbox(rle)]
    annotation.setdefault("area", 0.0)
    annotation.setdefault("iscrowd", 0)
    if "keypoints" in annotation:
        annotation.setdefault("num_keypoints", sum(flag > 0 for flag in annotation["keypoints"][2::3]))
    return holds


def write_coco_json(
    path: Path,
    frames: Frames,
    info: dict[str, Any],
    *,
    archive: bool = False,
    renumber: bool = False,
    negatives: Negatives = "finished",
    classes: Classes = "by_name",
    rotated: bool = False,
    images: Images | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a COCO file; it has its name only once it is whole. See `Dataset.to_coco_json`. Returns the path."""
    refuse(path, overwrite=overwrite)
    if archive:
        files, annotations, categories = archived(frames)
    else:
        # named before any is left out, as their images are
        frames = frames._replace(files=with_unique_names(frames.files, images))
        files, annotations, categories = portable(frames, negatives=negatives, classes=classes, rotated=rotated)
        annotations, categories = _from_one(annotations), _from_one(categories)
    if renumber:  # ids that are not told are counted from 1
        files, annotations, categories = (frame.copy(deep=False) for frame in (files, annotations, categories))
        for frame, name in (
            (files, "coco_id"),
            (annotations, "coco_id"),
            (annotations, "coco_image_id"),
            (categories, "coco_id"),
        ):
            frame[name] = pd.array([pd.NA] * len(frame), dtype="Int64")
    made = annotations_of(annotations, files, categories, decoded=False, archive=archive)
    lists = {
        "images": images_of(files, info, archive=archive),
        "annotations": chain(made, unread_of(files, info)) if archive else map(_with_object_attributes, made),
        "categories": categories_of(categories, archive=archive),
    }
    with file_at(path, overwrite=overwrite) as beside, beside.open("wb") as out:
        out.write(b"{")
        for key, value in _top(info).items():
            out.write(_encode(key) + b":" + _encode(value) + b",\n")
        for place, (key, items) in enumerate(lists.items()):
            out.write(b"],\n" if place else b"")
            out.write(_encode(key) + b":[")
            for number, item in enumerate(items):
                out.write((b",\n" if number else b"\n") + _encode(item))
        out.write(b"]}\n")
    return path


def _from_one(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose `coco_id` is counted from 1 where one is 0.

    Tools take class 0 for the background (datumaro), and pycocotools' evaluation annotation 0 for one without a match.
    """
    if not (frame["coco_id"] == 0).any():
        return frame
    return frame.assign(coco_id=pd.array(range(1, len(frame) + 1), dtype="Int64"))


def _with_object_attributes(annotation: dict[str, Any]) -> dict[str, Any]:
    attributes = annotation.get("attributes")
    if attributes is not None and bytes(attributes)[:1] != b"{":
        annotation["labellerr_attributes"] = annotation.pop("attributes")
    return annotation


def _top(info: dict[str, Any]) -> dict[str, Any]:
    extra = info.get("extra")
    return dict(extra) if isinstance(extra, dict) else {}
