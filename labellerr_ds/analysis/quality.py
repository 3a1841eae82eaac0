"""What is probably wrong with the labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labellerr_ds.analysis.predictions import suspicions
from labellerr_ds.frames import schema
from labellerr_ds.images.files import locate
from labellerr_ds.images.pixels import open_image
from labellerr_ds.images.similarity import alike, difference_hash, groups_of
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.boxes import box_ious
from labellerr_ds.shapes.contours import signed_area
from labellerr_ds.shapes.rle import BROKEN, area_and_bbox, checked_counts, rle_area
from labellerr_ds.shapes.segmentation import same_shape, texts_of

PROBLEMS = {
    "zero_area": "A box, polygon or mask that encloses no pixel.",
    "tiny": "A side of the box is shorter than `min_side` pixels.",
    "outside_image": "The shape leaves the image, or lies beside it.",
    "duplicate": "Another annotation of the same class in this file has the same shape.",
    "near_identical": "Another annotation of the same class in this file has nearly the same box (IoU from 0.9).",
    "unknown_class": "The annotation has no class that the export knows.",
    "box_mask_mismatch": "The box is not the one around the polygon or mask.",
    "broken_shape": "An RLE or ring does not hold together.",
    "missing_image": "The image of the file is not there.",
    "image_size": "The image has another size than the export says.",
    "unreadable_image": "The image cannot be opened.",
    "alike_images": "Two files look nearly the same.",
    "shared_name": "Several files have this name.",
    "other_class": "A prediction of another class lies there.",
    "misplaced": "A prediction of its class lies beside it.",
    "missing_label": "A prediction has no label.",
    "unconfirmed_label": "No prediction lies there.",
}
"""What `check` finds, each with its sentence."""

NEAR = 0.9  # IoU from which two boxes of a class are nearly one
BOX_SLACK = 1.5  # pixels that a told box may differ from the one around the shape

Finding = tuple[str, Any, str]


def check(
    frame: pd.DataFrame, *, files: pd.DataFrame | None, images: Any, min_side: float, predictions: pd.DataFrame | None
) -> pd.DataFrame:
    """A row a problem; see ``df.labellerr.check``."""
    problems = _problems(frame, files=files, images=images, min_side=min_side)
    if predictions is None:
        return problems
    return pd.concat([_by_predictions(frame, predictions), problems], ignore_index=True)


def _by_predictions(frame: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The likeliest label errors by what a detector says, a row each, the likeliest first."""
    suspects = suspicions(frame, predictions)
    sources = [(frame, each.row) if each.row is not None else (predictions, each.predicted) for each in suspects]
    columns = {
        name: schema.text([None if pd.isna(value := side[name].iloc[place]) else value for side, place in sources])
        for name in ("file_id", "file_name", "category")
    }
    own = [None if each.row is None else frame["annotation_id"].iloc[each.row] for each in suspects]
    rows = [None if each.row is None else frame.index[each.row] for each in suspects]
    is_whole = pd.api.types.is_integer_dtype(frame.index.dtype)
    return pd.DataFrame(
        {
            "problem": schema.categorical([list(PROBLEMS).index(each.problem) for each in suspects], PROBLEMS),
            "row": pd.Series(rows, dtype="Int64" if is_whole else object),
            "annotation_id": schema.text(own), **columns,
            "message": schema.text([each.message for each in suspects]),
            "likelihood": np.array([each.likelihood for each in suspects], dtype=np.float64),
        }
    )  # fmt: skip


def _problems(frame: pd.DataFrame, *, files: pd.DataFrame | None, images: Any, min_side: float) -> pd.DataFrame:
    problems = [*_shapes(frame, min_side), *_classes(frame), *_pairs(frame)]
    names = ("problem", "row", "annotation_id", "file_id", "file_name", "category", "message")
    made: dict[str, list[Any]] = {name: [] for name in names}
    problems.sort(key=lambda problem: (list(PROBLEMS).index(problem[0]), problem[1]))
    rows = frame.iloc[[position for _, position, _ in problems]]
    for name in ("annotation_id", "file_id", "file_name", "category"):
        made[name] += rows[name].astype(object).where(rows[name].notna(), None).tolist()
    made["row"] += rows.index.tolist()
    made["problem"] += [problem for problem, _, _ in problems]
    made["message"] += [message for _, _, message in problems]
    for problem, file_id, name, message in _files(frame, files, images):
        for key, value in zip(made, (problem, None, None, file_id, name, None, message), strict=True):
            made[key].append(value)
    table = pd.DataFrame({name: schema.text(values) for name, values in made.items() if name not in ("problem", "row")})
    table.insert(
        0, "row", pd.Series(made["row"], dtype="Int64" if pd.api.types.is_integer_dtype(frame.index.dtype) else object)
    )
    table.insert(0, "problem", schema.categorical([list(PROBLEMS).index(each) for each in made["problem"]], PROBLEMS))
    table.attrs = frame.attrs
    return table


def _shapes(frame: pd.DataFrame, min_side: float) -> Iterator[Finding]:
    for position, shape in enumerate(rasters.shapes(frame)):
        if shape.type not in rasters.FILLED:
            yield from _points(shape, position)
            continue
        try:
            empty, tight = _extent(shape)
        except BROKEN as problem:
            yield "broken_shape", position, f"it does not hold together: {problem}"
            continue
        if empty:
            yield "zero_area", position, "it encloses no pixel"
        if all(map(math.isfinite, shape.box)):
            yield from _box(shape, position, tight, min_side)


def _points(shape: rasters.Shape, position: int) -> Iterator[Finding]:
    """Whether a point, a line or keypoints leave the image."""
    if shape.width is None or shape.height is None:
        return
    if shape.type == "keypoints" and shape.keypoints:
        seen = [place for place in range(0, len(shape.keypoints) - 2, 3) if shape.keypoints[place + 2]]
        points = [(shape.keypoints[place], shape.keypoints[place + 1]) for place in seen]
    elif all(map(math.isfinite, shape.box)):
        x, y, width, height = shape.box
        points = [(x, y), (x + width, y + height)]
    else:
        return
    for x, y in points:
        if not (-0.5 <= x <= shape.width + 0.5 and -0.5 <= y <= shape.height + 0.5):
            yield (
                "outside_image",
                position,
                f"it has a point at {x:g}, {y:g}; the image has {shape.width} x {shape.height}",
            )
            return


def _extent(shape: rasters.Shape) -> tuple[bool, tuple[float, float, float, float] | None]:
    """Whether a shape encloses no pixel, and the box around what is more than a box."""
    if shape.type == "mask":
        rle = rasters.rle_of(shape)
        if rle is None:
            return False, None
        area, box = area_and_bbox(checked_counts(rle), rle["size"][0])
        x, y, width, height = map(float, box)
        return not area, (x, y, width, height)
    if shape.type == "bbox":
        rle = rasters.rle_of(shape)
        return rle is not None and not rle_area(rle), None
    rings = [np.asarray(ring, dtype=np.float64).reshape(-1, 2) for ring in rasters.rings_of(shape)]
    points = np.concatenate(rings) if rings else np.zeros((0, 2))
    if not len(points):
        return True, None
    low, high = points.min(axis=0), points.max(axis=0)
    tight = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    inside = shape.width is not None and shape.height is not None
    inside = inside and bool((low >= 0).all() and high[0] <= shape.width and high[1] <= shape.height)
    if inside and any(_is_fat(ring) for ring in rings):
        return False, tight
    rle = rasters.rle_of(shape)
    return rle is not None and not rle_area(rle), tight


def _is_fat(ring: NDArray[np.float64]) -> bool:
    """Whether a ring encloses a pixel for sure: with none, its area is less than its length."""
    sides = np.empty_like(ring)
    sides[:-1], sides[-1] = ring[1:] - ring[:-1], ring[0] - ring[-1]
    length = float(np.sqrt((sides * sides).sum(axis=1)).sum())
    return abs(signed_area(ring)) / 2 > length


def _box(
    shape: rasters.Shape, position: int, tight: tuple[float, float, float, float] | None, min_side: float
) -> Iterator[Finding]:
    x, y, width, height = shape.box
    if min(width, height) < min_side:
        yield "tiny", position, f"its box has {width:g} x {height:g} pixels"
    if shape.width is not None and shape.height is not None:
        right, low = x + width, y + height
        if min(x, y) < -0.5 or right > shape.width + 0.5 or low > shape.height + 0.5:
            stated = f"{x:g}, {y:g} to {right:g}, {low:g}"
            yield "outside_image", position, f"its box is {stated}, the image {shape.width} x {shape.height}"
    if tight is not None and max(abs(a - b) for a, b in zip(tight, shape.box, strict=True)) > BOX_SLACK:
        around, stated = (" ".join(f"{side:g}" for side in box) for box in (tight, shape.box))
        yield "box_mask_mismatch", position, f"the box around its shape is {around}, the one in the export is {stated}"


def _classes(frame: pd.DataFrame) -> Iterator[Finding]:
    for position in np.flatnonzero(frame["category"].isna().to_numpy()):
        yield "unknown_class", int(position), f"its category_id is {frame['category_id'].iloc[position]!r}"


def _pairs(frame: pd.DataFrame) -> Iterator[Finding]:
    """The same shape twice, and nearly: within a file, a class and a frame of video; crowds may overlap."""
    boxes = frame[rasters.BOX].to_numpy(dtype=np.float64)
    kept = np.isfinite(boxes).all(axis=1) & frame["type"].isin(rasters.FILLED).to_numpy()
    kept &= ~frame["iscrowd"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    moment = frame["frame"] if "frame" in frame else pd.Series(pd.NA, index=frame.index)
    keys = pd.DataFrame(
        {
            "file": frame["file_id"].to_numpy(dtype=object), "class": frame["category_id"].to_numpy(dtype=object),
            "type": frame["type"].to_numpy(dtype=object), "moment": moment.to_numpy(dtype=object),
        }
    )[kept]  # fmt: skip
    texts = texts_of(frame["segmentation"])
    places = np.flatnonzero(kept)
    for rows in keys.groupby(["file", "class", "type", "moment"], dropna=False, sort=False).indices.values():
        if len(rows) < 2:
            continue
        mine = places[rows]
        ious = np.triu(box_ious(boxes[mine], boxes[mine]), 1)
        for first, second in zip(*np.nonzero(ious >= NEAR), strict=True):
            one, other = int(mine[first]), int(mine[second])
            same = (boxes[one] == boxes[other]).all() and same_shape(texts[one], texts[other])
            twin = frame["annotation_id"].iloc[one]
            if same:
                yield "duplicate", other, f"it has the shape of {twin}"
            else:
                yield "near_identical", other, f"its box and that of {twin} have an IoU of {ious[first, second]:.2f}"


def _files(frame: pd.DataFrame, files: pd.DataFrame | None, images: Any) -> Iterator[tuple[str, str, str, str]]:
    known = frame[["file_id", "file_name"]] if files is None else files[["file_id", "file_name"]]
    known = known.dropna(subset=["file_id"]).drop_duplicates("file_id")
    for file_id, name in known[known["file_name"].duplicated(keep=False)].itertuples(index=False):
        yield "shared_name", file_id, name, f"{(known['file_name'] == name).sum()} files have the name {name}"
    if images is None:
        return
    where = locate(known, images)
    names = dict(known.itertuples(index=False))
    sizes = _sizes(frame, files)
    hashes = {}
    for file_id, name in names.items():
        if file_id not in where:
            yield "missing_image", file_id, name, "its image is missing"
            continue
        value = difference_hash(where[file_id])
        if value is None:
            yield "unreadable_image", file_id, name, "its image cannot be opened"
            continue
        hashes[file_id] = value
        stated = sizes.get(file_id)
        if stated and (size := open_image(where[file_id], *stated).size) != stated:
            differing = f"{size[0]} x {size[1]} pixels, the export says {stated[0]} x {stated[1]}"
            yield "image_size", file_id, name, f"its image has {differing}"
    for other, one in groups_of(alike(hashes)).items():  # a row a file, however many there are
        if one != other:
            yield "alike_images", other, names[other], f"it looks nearly the same as {names[one]} ({one})"


def _sizes(frame: pd.DataFrame, files: pd.DataFrame | None) -> dict[str, tuple[int, int]]:
    table = frame.rename(columns={"image_width": "width", "image_height": "height"}) if files is None else files
    sized = table[["file_id", "width", "height"]].dropna().drop_duplicates("file_id")
    return {file_id: (int(width), int(height)) for file_id, width, height in sized.itertuples(index=False)}
