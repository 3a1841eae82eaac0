"""COCO panoptic: a PNG an image in which each pixel has the id of its segment, and a JSON of what those are.

The format is COCO's (https://cocodataset.org/#format-data): ``id = R + 256 G + 65536 B``; 0 is unlabelled.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.formats.coco_rows import ids_of as coco_ids
from labellerr_ds.formats.selection import ConversionReport, Frames, Item, Negatives, Selection, Splits, by_split
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.rle import BROKEN, label_regions, rle_area


def to_panoptic(
    folder: Path,
    frames: Frames,
    *,
    split: Splits = None,
    negatives: Negatives = "finished",
    order: rasters.Order = "given",
) -> ConversionReport:
    """Write ``panoptic_<split>.json`` and ``panoptic_<split>/*.png``; see `Dataset.to_panoptic`."""
    if order not in ("given", "large_first"):
        raise InvalidArgumentError(f"order must be 'given' or 'large_first', got {order!r}.")
    chosen = Selection(frames, images=None, split=split, negatives=negatives, types=("polygon", "mask"))
    classes = _classes(chosen.classes, frames.categories)
    count = images = 0
    for name, items in by_split(chosen.items):
        made: dict[str, list[Any]] = {"images": [], "annotations": []}
        (folder / f"panoptic_{name}").mkdir()
        for item in items:
            if not item.width or not item.height:
                chosen.leave("files", item.file_id, "the size of its image is not known")
                for _, annotation_id, _ in item.shapes:
                    chosen.leave("annotations", annotation_id, "its file was left out")
                continue
            segments, labels = _segments(item, chosen, order, [each["id"] for each in classes])
            if not chosen.keeps(item, len(segments)):
                continue
            images += 1
            count += len(segments)
            colors = np.stack([labels & 255, labels >> 8 & 255, labels >> 16 & 255], axis=2).astype(np.uint8)
            Image.fromarray(colors).save(folder / f"panoptic_{name}" / f"{item.name}.png")
            size = {"width": item.width, "height": item.height}
            made["images"].append(
                {"id": images, "file_name": item.file_name, **size, "labellerr_file_id": item.file_id}
            )
            made["annotations"].append({"image_id": images, "file_name": f"{item.name}.png", "segments_info": segments})
        text = json.dumps({"info": {}, "licenses": [], **made, "categories": classes}, ensure_ascii=False)
        (folder / f"panoptic_{name}.json").write_text(text, encoding="utf-8")
    return chosen.written(folder, count, images)


def _classes(names: list[str], categories: pd.DataFrame) -> list[dict[str, Any]]:
    """The classes with the ids that COCO files of ours have, and what the export tells of them."""
    ids = dict(zip(categories["name"], coco_ids(categories), strict=True))
    rows = categories.drop_duplicates("name").set_index("name")
    classes = []
    for name in names:
        number = ids.get(name) or max([*ids.values(), 0]) + 1  # 0 is no pixel's class
        ids[name] = number
        extra = rows["extra"].get(name)
        known = json.loads(extra) if isinstance(extra, str) else {}
        parent = rows["supercategory"].get(name)
        classes.append(
            {
                "id": number, "name": name, "isthing": int(known.get("isthing", 1)),
                "supercategory": name if parent is None or pd.isna(parent) else parent,
            }
        )  # fmt: skip
    return classes


def _segments(item: Item, chosen: Selection, order: rasters.Order, ids: list[int]) -> tuple[list[dict[str, Any]], Any]:
    """The segments that can be seen, and the raster of their ids."""
    height, width = item.height or 0, item.width or 0
    painted = []
    for number, annotation_id, shape in item.shapes:
        try:
            rle = rasters.rle_of(shape)
        except BROKEN:
            rle = None
        if rle is None or rle["size"] != [height, width]:
            chosen.leave("annotations", annotation_id, "its shape does not hold together, or does not fit its image")
        elif not rle_area(rle):
            chosen.leave("annotations", annotation_id, "nothing of it lies within the image")
        else:
            painted.append((rle, number, annotation_id, shape.iscrowd))
    if order == "large_first":
        painted.sort(key=lambda painting: -rle_area(painting[0]))
    labels = rasters.paint([(each[0], place) for place, each in enumerate(painted, start=1)], height, width)
    regions = {region.label: region for region in label_regions(labels)}
    segments = []
    for place, (_, number, annotation_id, crowd) in enumerate(painted, start=1):
        if place not in regions:
            chosen.leave("annotations", annotation_id, "others lie over all of it")
            continue
        region = regions[place]
        segments.append(
            {
                "id": place,
                "category_id": ids[number],
                "area": region.area,
                "bbox": list(region.bbox),
                "iscrowd": int(crowd),
            }
        )  # fmt: skip
    return segments, labels
