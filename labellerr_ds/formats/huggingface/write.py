"""HuggingFace ``datasets``: an ImageFolder with metadata, Parquet with the images in it, or a Dataset in memory.

The forms are those of https://huggingface.co/docs/datasets/image_dataset; a row is a file, and `objects`
holds a list for each of its fields, boxes as ``x, y, width, height`` in pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from labellerr_ds.core.errors import InvalidArgumentError, MissingExtraError
from labellerr_ds.core.hint import advice, argument
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.selection import Frames, Item, Negatives, Selection, Splits, by_split
from labellerr_ds.frames import schema
from labellerr_ds.images.files import Images
from labellerr_ds.shapes.rotated import turned_boxes

Form = Literal["imagefolder", "parquet"]
TYPES = tuple(sorted(schema.SHAPE_TYPES))
ROWS_AT_ONCE = 200


def to_huggingface(
    folder: Path | None,
    frames: Frames,
    *,
    form: Form = "imagefolder",
    images: Images | None = None,
    split: Splits = None,
    negatives: Negatives = "finished",
    rotated: bool = False,
) -> Any:
    """A `ConversionReport` where a folder is given, else a dataset in memory; see `Dataset.to_huggingface`."""
    if form not in ("imagefolder", "parquet"):
        raise InvalidArgumentError(f"form must be 'imagefolder' or 'parquet', got {form!r}.")
    if folder is not None and images is None:
        raise InvalidArgumentError("a folder for HuggingFace holds the images.", hint=argument("images"))
    if rotated:
        frames = frames._replace(annotations=turned_boxes(frames.annotations))
    chosen = Selection(frames, images=images, split=split, negatives=negatives, types=TYPES)
    if folder is None:
        return _in_memory(chosen, images is not None)
    chosen.items = list(_with_image(chosen))
    count = sum(len(item.shapes) for item in chosen.items)
    for name, items in by_split(chosen.items):
        if form == "imagefolder":
            _write_folder(folder / name, items, chosen)
        else:
            _write_parquet(folder / "data" / f"{name}-00000-of-00001.parquet", items, chosen)
    return chosen.written(folder, count, len(chosen.items))


def _with_image(chosen: Selection) -> Iterator[Item]:
    for item in chosen.items:
        if item.image is not None:
            if chosen.keeps(item, len(item.shapes)):
                yield item
            continue
        chosen.leave("files", item.file_id, "its image is not there")
        for _, annotation_id, _ in item.shapes:
            chosen.leave("annotations", annotation_id, "the image of its file is not there")


def _objects(item: Item, classes: list[str] | None) -> dict[str, list[Any]]:
    """A list for each field; classes by name, or by number where they are given."""
    names = ("id", "category", "type", "bbox", "segmentation", "keypoints")
    objects: dict[str, list[Any]] = {name: [] for name in names}
    for number, annotation_id, shape in item.shapes:
        objects["id"].append(annotation_id)
        objects["category"].append(number if classes is None else classes[number])
        objects["type"].append(shape.type)
        objects["bbox"].append([None if side != side else float(side) for side in shape.box])
        outline = shape.segmentation if isinstance(shape.segmentation, list | dict) else None
        objects["segmentation"].append(None if outline is None else json_text(outline))
        objects["keypoints"].append(None if shape.keypoints is None else json_text(shape.keypoints))
    return objects


def _row(item: Item, classes: list[str] | None) -> dict[str, Any]:
    size = {"width": item.width, "height": item.height}
    return {"file_id": item.file_id, "name": item.file_name, **size, "objects": _objects(item, classes)}


def _write_folder(folder: Path, items: list[Item], chosen: Selection) -> None:
    folder.mkdir(parents=True)
    with (folder / "metadata.jsonl").open("w", encoding="utf-8") as out:
        for item in items:
            row = {"file_name": chosen.copy_image(item, folder), **_row(item, chosen.classes)}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_parquet(path: Path, items: list[Item], chosen: Selection) -> None:
    """With the features of ``datasets`` in the file's metadata, so that images and classes come back as such."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = {"dtype": "string", "_type": "Value"}
    number = {"dtype": "int64", "_type": "Value"}
    boxes = {"feature": {"dtype": "float64", "_type": "Value"}, "length": 4, "_type": "List"}

    def several(feature: Any) -> dict[str, Any]:
        return {"feature": feature, "_type": "List"}

    features = {
        "image": {"_type": "Image"}, "file_id": text, "name": text, "width": number, "height": number,
        "objects": {
            "id": several(text), "category": several({"names": chosen.classes, "_type": "ClassLabel"}),
            "type": several(text), "bbox": several(boxes), "segmentation": several(text), "keypoints": several(text),
        },
    }  # fmt: skip
    objects = pa.struct(
        {
            "id": pa.list_(pa.string()), "category": pa.list_(pa.int64()), "type": pa.list_(pa.string()),
            "bbox": pa.list_(pa.list_(pa.float64(), 4)), "segmentation": pa.list_(pa.string()),
            "keypoints": pa.list_(pa.string()),
        }
    )  # fmt: skip
    fields = {
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}), "file_id": pa.string(), "name": pa.string(),
        "width": pa.int64(), "height": pa.int64(), "objects": objects,
    }  # fmt: skip
    arrow = pa.schema(list(fields.items()), metadata={"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, arrow) as out:
        for start in range(0, len(items), ROWS_AT_ONCE):
            rows = [
                {"image": {"bytes": item.image.read_bytes(), "path": item.image.name}, **_row(item, None)}
                for item in items[start : start + ROWS_AT_ONCE]
                if item.image is not None
            ]
            out.write_table(pa.Table.from_pylist(rows, schema=arrow))


def _in_memory(chosen: Selection, with_images: bool) -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtraError(
            "HuggingFace datasets are not installed.", hint=advice("pip install datasets")
        ) from None
    several = datasets.Sequence if not hasattr(datasets, "List") else datasets.List
    text, number = datasets.Value("string"), datasets.Value("int64")
    features = {
        "file_id": text, "name": text, "width": number, "height": number,
        "objects": {
            "id": several(text), "category": several(datasets.ClassLabel(names=chosen.classes)), "type": several(text),
            "bbox": several(several(datasets.Value("float64"), length=4)), "segmentation": several(text),
            "keypoints": several(text),
        },
    }  # fmt: skip
    if with_images:
        features["image"] = datasets.Image()
    made = {}
    for name, items in by_split(chosen.items):
        rows = [
            {**({"image": None if item.image is None else str(item.image)} if with_images else {}), **_row(item, None)}
            for item in items
        ]
        made[name] = datasets.Dataset.from_list(rows, features=datasets.Features(features))
    chosen.written(Path(), 0)  # tells what was left out
    if len(made) == 1 and set(made) == {"train"}:
        return made["train"]
    return datasets.DatasetDict(made)
