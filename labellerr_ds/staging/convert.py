"""In each process: the files of a partition as YOLO or COCO."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from labellerr_ds import schema
from labellerr_ds.converters.selection import Frames, classes_of
from labellerr_ds.converters.yolo import to_yolo
from labellerr_ds.dataset import Dataset
from labellerr_ds.errors import LabellerrWarning
from labellerr_ds.shapes.rasters import FILLED
from labellerr_ds.staging.partition import rows_of, whole_files
from labellerr_ds.tables import to_frame
from labellerr_ds.transfer.shared_folder import SharedFolder


def drawn_classes(partition: str) -> set[str]:
    """The names of the classes that have a shape with pixels here."""
    rows = rows_of(partition, "annotations")
    is_filled = pc.is_in(rows["type"], value_set=pa.array(FILLED, pa.large_string()))
    return set(rows["category"].filter(is_filled).drop_null().unique().to_pylist())


class Converted(NamedTuple):
    """What a process wrote, and how much of what it left out: counts by table and reason."""

    name: str
    left_out: Counter[tuple[str, str]]


def convert(partition: str, out: str, to: str, classes: Sequence[str], images: str | None) -> Converted:
    """Write the files of a partition as YOLO or COCO."""
    dataset, folder = Dataset.from_tables(whole_files(partition, every_record=to == "coco")), SharedFolder(out)
    name = PurePath(partition).stem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabellerrWarning)  # one for all partitions says it
        if to == "coco":
            with folder.publishing(f"{name}.json") as path:
                dataset.to_coco_json(path, archive=True, overwrite=True)
            answers = int((~dataset.annotations["type"].isin(schema.SHAPE_TYPES)).sum())
            left = Counter({("annotations", "an answer is not supported by this format"): answers})
            return Converted(f"{name}.json", left)
        frames = Frames(dataset.files, dataset.annotations, dataset.categories)
        with folder.publishing_folder(name) as path:
            written = to_yolo(path, frames, images=images, classes=classes)
    reasons = zip(written.left_out["table"].astype(str), written.left_out["reason"].astype(str), strict=True)
    return Converted(name, Counter(reasons))


def classes_in(categories: pa.Table, used: set[str]) -> list[str]:
    """The classes of YOLO, in the order of all categories."""
    return classes_of(to_frame(categories, "categories"), used)


def write_data_yaml(out: SharedFolder, names: Sequence[str], classes: Sequence[str]) -> None:
    """One ``data.yaml`` for folders of YOLO beside each other; Ultralytics takes lists."""
    paths = [f"{name}/images/train" for name in names]
    content = {"train": paths, "val": list(paths), "nc": len(classes), "names": dict(enumerate(classes))}
    with out.publishing("data.yaml") as path:
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
