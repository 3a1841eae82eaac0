"""Frames to COCO: the file, streamed, and the object that pycocotools' tools take."""

from __future__ import annotations

import contextlib
import io
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd

from labellerr_ds import schema
from labellerr_ds.errors import warn
from labellerr_ds.shapes.rle import BROKEN, checked_counts, polygons_to_rle, rle_area, rle_bbox
from labellerr_ds.shapes.segmentation import decode_shape

if TYPE_CHECKING:
    from pycocotools.coco import COCO

PIECE_ROWS = 20_000
_encode = msgspec.json.Encoder().encode


def to_coco(
    files: pd.DataFrame,
    annotations: pd.DataFrame,
    categories: pd.DataFrame,
    info: dict[str, Any],
    *,
    recompute: bool = False,
) -> COCO:
    """A ``pycocotools.coco.COCO`` with its index built, as evaluators take it.

    Ids of images and categories stay. Annotations are numbered from 1 whenever one has the id 0, which
    COCOeval takes for "no match"; ``coco.original_ids`` leads from each id to the one that came. What has
    no segmentation gets one, since evaluators of masks stop without: a box its corners. A point or line gets a
    box of at least a pixel, since what has no area is matched by nothing. A missing area is 0, a missing
    ``iscrowd`` too. RLE and rings that do not hold together are left out, and a warning counts them: native
    code would read beyond them.

    Parameters
    ----------
    files, annotations, categories : frames of the schema
    info : dict
        Its `extra` holds what stood beside the three lists, where it came from a COCO file.
    recompute : bool
        Areas and boxes from the pixels, instead of as they came.
    """
    from pycocotools.coco import COCO

    image_ids, category_ids = _image_ids(files), _category_ids(categories)
    images = list(_images(files, image_ids))
    sizes = {image["id"]: (image["height"], image["width"]) for image in images}
    made = [
        {key: _plain(key, value) for key, value in each.items()}
        for each in _annotations(annotations, files, categories, image_ids, category_ids)
    ]
    told_ids = _on_images(annotations)["coco_id"].tolist()
    original = [each["id"] if pd.isna(told) else int(told) for each, told in zip(made, told_ids, strict=True)]
    if any(each["id"] == 0 for each in made):
        for number, each in enumerate(made, start=1):
            each["id"] = number
    broken = sum(not _complete(each, sizes.get(each["image_id"], (None, None)), recompute) for each in made)
    if broken:
        warn(
            f"{broken:,} annotations have an RLE or ring that does not hold together; the COCO object has their boxes."
        )
    coco = COCO()
    coco.dataset = {
        **_top(info),
        "images": images,
        "annotations": made,
        "categories": list(_categories(categories, category_ids)),
    }
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        coco.createIndex()
    coco.original_ids = dict(zip((each["id"] for each in made), original, strict=True))
    return coco


def _complete(annotation: dict[str, Any], size_hw: tuple[int | None, int | None], recompute: bool) -> bool:
    """Give an annotation all that evaluators ask for; whether its mask held together."""
    segmentation, holds = annotation.get("segmentation"), True
    box = annotation.setdefault("bbox", [0.0, 0.0, 0.0, 0.0])
    rle = None
    if isinstance(segmentation, dict):
        try:
            checked_counts(segmentation)
            rle = segmentation
        except BROKEN:
            segmentation, holds = None, False
    elif isinstance(segmentation, list) and segmentation:
        rings = [ring for ring in segmentation if isinstance(ring, list) and len(ring) >= 6 and len(ring) % 2 == 0]
        holds = len(rings) == len(segmentation)
        segmentation = annotation["segmentation"] = rings
    if not segmentation:
        x, y, width, height = box
        if "keypoints" in annotation or "polyline" in annotation:  # evaluators match what has at least a pixel
            x, y, width, height = box = [math.floor(x), math.floor(y), max(width, 1.0), max(height, 1.0)]
            annotation["bbox"] = box
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
    files: pd.DataFrame,
    annotations: pd.DataFrame,
    categories: pd.DataFrame,
    info: dict[str, Any],
    *,
    renumber: bool = False,
    portable: bool = False,
) -> Path:
    """Write a COCO file; it has its name only once it is whole. Returns the path.

    All ids are kept as they came; with `renumber` images, annotations and categories count from 1. With
    `portable` the file has what other readers ask for: categories that share a name are one, the first, and
    `attributes` that are no object stand under ``labellerr_attributes``.
    """
    if portable:
        annotations, categories = _merged(annotations, categories)
    if renumber:  # ids that are not told are counted from 1
        files, annotations, categories = (frame.copy(deep=False) for frame in (files, annotations, categories))
        for frame, name in (
            (files, "coco_id"),
            (annotations, "coco_id"),
            (annotations, "coco_image_id"),
            (categories, "coco_id"),
        ):
            frame[name] = pd.array([pd.NA] * len(frame), dtype="Int64")
    image_ids, category_ids = _image_ids(files), _category_ids(categories)
    made = _annotations(annotations, files, categories, image_ids, category_ids)
    lists = {
        "images": _images(files, image_ids),
        "annotations": map(_with_object_attributes, made) if portable else made,
        "categories": _categories(categories, category_ids),
    }
    handle, part = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(b"{")
            for key, value in _top(info).items():
                out.write(_encode(key) + b":" + _encode(value) + b",\n")
            for place, (key, items) in enumerate(lists.items()):
                out.write(b"],\n" if place else b"")
                out.write(_encode(key) + b":[")
                for number, item in enumerate(items):
                    out.write((b",\n" if number else b"\n") + _encode(item))
            out.write(b"]}\n")
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise
    return path


def _with_object_attributes(annotation: dict[str, Any]) -> dict[str, Any]:
    told = annotation.get("attributes")
    if isinstance(told, msgspec.Raw) and not bytes(told).lstrip().startswith(b"{"):
        annotation["labellerr_attributes"] = annotation.pop("attributes")
    return annotation


def _merged(annotations: pd.DataFrame, categories: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    named = categories["name"].notna()
    first = dict(reversed(list(zip(categories["name"], categories["category_id"], strict=True))))
    one = {key: first[name] for key, name in categories.loc[named, ["category_id", "name"]].itertuples(index=False)}
    annotations = annotations.copy(deep=False)
    ids = annotations["category_id"]
    annotations["category_id"] = schema.text([one.get(key, key) if isinstance(key, str) else None for key in ids])
    return annotations, categories[~(named & categories["name"].duplicated())].reset_index(drop=True)


def _top(info: dict[str, Any]) -> dict[str, Any]:
    extra = info.get("extra")
    return dict(extra) if isinstance(extra, dict) else {}


def _plain(key: str, value: Any) -> Any:
    if not isinstance(value, msgspec.Raw):
        return value
    text = bytes(value).decode()
    return decode_shape(text) if key in ("segmentation", "keypoints") else msgspec.json.decode(text)


def ids_of(frame: pd.DataFrame) -> list[int]:
    """The ids that came, where every row has one; else from 1, in the order of the rows."""
    if frame["coco_id"].notna().all() and frame["coco_id"].is_unique:
        return [int(number) for number in frame["coco_id"]]
    return list(range(1, len(frame) + 1))


Ids = dict[Any, int]
"""By id and name, since several exports together may use an id twice; and by id alone, the first."""


def _image_ids(files: pd.DataFrame) -> Ids:
    return _by_key(files["file_id"], files["file_name"], ids_of(files))


def _category_ids(categories: pd.DataFrame) -> Ids:
    return _by_key(categories["category_id"], categories["name"], ids_of(categories))


def _by_key(keys: pd.Series, names: pd.Series, ids: list[int]) -> Ids:
    found: Ids = dict(reversed(list(zip(keys, ids, strict=True))))
    if not keys.is_unique:
        found.update(reversed(list(zip(zip(keys, names, strict=True), ids, strict=True))))
    return found


def _lookup(ids: Ids, key: Any, name: Any) -> int | None:
    return ids.get((key, name), ids.get(key))


def _records(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows, some thousand at a time, None for what is missing; shapes as the text they are held as."""
    for start in range(0, len(frame), PIECE_ROWS):
        piece = frame.iloc[start : start + PIECE_ROWS]
        columns = {}
        for name in piece.columns:
            values = piece[name]
            if name in ("segmentation", "keypoints"):
                columns[name] = values.array.texts().to_pylist()
            else:
                columns[name] = [
                    None if missing else value for value, missing in zip(values.tolist(), values.isna(), strict=True)
                ]
        names = list(columns)
        for row in zip(*columns.values(), strict=True):
            yield dict(zip(names, row, strict=True))


def _extra(row: dict[str, Any]) -> dict[str, Any]:
    found = msgspec.json.decode(row["extra"]) if row["extra"] else {}
    return found if isinstance(found, dict) else {}


def _images(files: pd.DataFrame, ids: Ids) -> Iterator[dict[str, Any]]:
    for row, image_id in zip(_records(files), ids_of(files), strict=True):
        image: dict[str, Any] = {
            "id": image_id, "width": row["width"], "height": row["height"], "file_name": row["file_name"],
        }  # fmt: skip
        if row["created_at"] is not None:
            image["date_created"] = row["created_at"].value // 1_000_000
        if row["coco_id"] is None or row["file_id"] != str(row["coco_id"]):
            image["labellerr_file_id"] = row["file_id"]
        if row["status"] is not None:
            image["labellerr_file_status"] = None if row["status"] == "none" else row["status"]
        if row["remarks"] is not None:
            image["labellerr_file_remarks"] = row["remarks"]
        extra = _extra(row)
        if row["file_size_mb"] is not None:
            told = {"file_size": row["file_size_mb"], "file_format": row["file_format"]}
            given = extra.get("file_metadata")
            extra["file_metadata"] = {**told, **(given if isinstance(given, dict) else {})}
        yield {**extra, **image, **({"file_metadata": extra["file_metadata"]} if "file_metadata" in extra else {})}


def _categories(categories: pd.DataFrame, ids: Ids) -> Iterator[dict[str, Any]]:
    for row, category_id in zip(_records(categories), ids_of(categories), strict=True):
        category: dict[str, Any] = {"id": category_id, "name": row["name"]}
        if row["supercategory"] is not None:
            category["supercategory"] = row["supercategory"]
        if row["color"] is not None:
            category["color"] = [int(row["color"][place : place + 2], 16) for place in (1, 3, 5)]
        if row["question_id"] is not None:  # a category of Labellerr's own: it always has this list
            category["attributes"] = []
            category["labellerr_question_id"] = row["question_id"]
        extra = _extra(row)
        own = ("color", "attributes")
        kept: dict[str, Any] = {key: extra[key] for key in own if key in extra}  # in the form they came in
        yield {**extra, **category, **kept}


def _on_images(annotations: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a place in COCO: shapes, and not on the frames of a video."""
    return annotations[annotations["type"].isin(schema.SHAPE_TYPES) & annotations["frame"].isna()]


def _annotations(
    annotations: pd.DataFrame,
    files: pd.DataFrame,
    categories: pd.DataFrame,
    image_ids: Ids,
    category_ids: Ids,
) -> Iterator[dict[str, Any]]:
    kept = _on_images(annotations)
    if left := len(annotations) - len(kept):
        warn(f"{left:,} of {len(annotations):,} annotations are no shapes on an image and have no place in COCO.")
    own_ids = kept["coco_id"].notna().all() and kept["coco_id"].is_unique
    own_images = files["coco_id"].notna().all() and files["coco_id"].is_unique
    shared = set(files.loc[files["file_id"].duplicated(), "file_id"].dropna())
    own_categories = categories["coco_id"].notna().all()
    for number, row in enumerate(_records(kept), start=1):
        image_id = _lookup(image_ids, row["file_id"], row["file_name"])
        if own_images and row["coco_image_id"] is not None and (image_id is None or row["file_id"] in shared):
            image_id = row["coco_image_id"]  # of no image at all, or of one of several records of a file
        extra = _extra(row)
        category_id = _lookup(category_ids, row["category_id"], row["category"])
        if category_id is None and own_categories and row["category_id"] is not None and row["category_id"].isdigit():
            category_id = int(row["category_id"])  # of a category that the export does not hold
        written = row["coco_id"] if own_ids else number
        yield {
            **extra,
            "id": written,
            "image_id": image_id,
            "category_id": category_id,
            **_shape(row, extra, written),
        }


def _shape(row: dict[str, Any], extra: dict[str, Any], written: int) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    segmentation = row["segmentation"]
    box = [row["bbox_x"], row["bbox_y"], row["bbox_width"], row["bbox_height"]]
    if row["type"] == "point":
        x, y = row["bbox_x"], row["bbox_y"]
        shape["keypoints"] = msgspec.Raw(row["keypoints"].encode()) if row["keypoints"] else [x, y, 2]
        extra.setdefault("num_keypoints", 1)
    elif row["type"] == "polyline":
        shape["polyline"] = msgspec.Raw(segmentation.encode()) if segmentation else []
    else:
        shape["segmentation"] = msgspec.Raw(segmentation.encode()) if segmentation else []
        if row["keypoints"]:
            shape["keypoints"] = msgspec.Raw(row["keypoints"].encode())
    if None not in box:
        shape["bbox"] = box
    if row["area"] is not None:
        shape["area"] = row["area"]
    if row["iscrowd"] is not None:
        shape["iscrowd"] = int(row["iscrowd"])
    if row["rotation"] is not None:
        shape["rotation"] = row["rotation"]
    if row["attributes"] is not None:
        shape["attributes"] = msgspec.Raw(row["attributes"].encode())
    if row["annotation_id"] is not None and row["annotation_id"] != str(written):
        shape["labellerr_answer_id"] = row["annotation_id"]
    return shape
