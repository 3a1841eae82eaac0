"""In each process: the files of a partition as YOLO or COCO."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from labellerr_ds.analysis.splits import check_shares, split_files
from labellerr_ds.core.errors import InvalidArgumentError, LabellerrWarning
from labellerr_ds.dataset.dataset import dataset_of_tables
from labellerr_ds.distributed.partition import rows_of, whole_files
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.formats.selection import Frames, check_split, classes_of
from labellerr_ds.formats.yolo.write import check_yaml_split, to_yolo
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import to_frame
from labellerr_ds.shapes.rasters import FILLED


def drawn_classes(partition: str) -> set[str]:
    """The names of the classes that have a shape with pixels here."""
    rows = rows_of(partition, "annotations")
    is_filled = pc.is_in(rows["type"], value_set=pa.array(FILLED, pa.large_string()))
    return set(rows["category"].filter(is_filled).drop_null().unique().to_pylist())


class Converted(NamedTuple):
    """What a process wrote.

    Attributes
    ----------
    name : str
        Of the folder or file.
    left_out : Counter
        How much of what was left out, by table and reason.
    splits : list of str
        Those that have files here.
    """

    name: str
    left_out: Counter[tuple[str, str]]
    splits: list[str]


class Shares(NamedTuple):
    """How files are split by the hash of their ids: the share of each split, and the seed."""

    by_split: dict[str, float]
    seed: int

    @classmethod
    def checked(cls, split: Mapping[str, float], seed: int) -> Shares:
        """Shares that sum to 1, of splits whose names do for a folder.

        Raises
        ------
        InvalidArgumentError
        """
        if not isinstance(split, Mapping):
            raise InvalidArgumentError(
                f"split must be shares, such as {{'train': 0.8, 'val': 0.2}}; got {type(split).__name__}."
            )
        check_shares(split)
        for name in split:
            check_split(name)
            check_yaml_split(name)
        return cls(dict(split), seed)


def convert(
    partition: str, out: str, to: str, classes: Sequence[str], images: str | None, shares: Shares | None
) -> Converted:
    """Write the files of a partition as YOLO or COCO."""
    folder, name = SharedFolder.there(out), PurePath(partition).stem
    dataset = dataset_of_tables(whole_files(partition, every_record=to == "coco"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabellerrWarning)  # one for all partitions says it
        if to == "coco":
            with folder.publishing(f"{name}.json") as path:
                dataset.to_coco_json(path, archive=True, overwrite=True)
            answers = int((~dataset.annotations["type"].isin(schema.SHAPE_TYPES)).sum())
            left = Counter({("annotations", "an answer is not supported by this format"): answers})
            return Converted(f"{name}.json", left, [])
        frames = Frames(dataset.files, dataset.annotations, dataset.categories)
        with folder.publishing_folder(name) as path:
            split = None if shares is None else split_files(*frames[:2], shares.by_split, seed=shares.seed)
            written = to_yolo(path, frames, images=images, classes=classes, split=split)
            kind = "labels" if images is None else "images"  # Ultralytics refuses a folder that is not there
            splits = sorted(at.name for at in (path / kind).glob("*"))
    reasons = zip(written.left_out["table"].astype(str), written.left_out["reason"].astype(str), strict=True)
    return Converted(name, Counter(reasons), splits)


def classes_in(categories: pa.Table, used: set[str]) -> list[str]:
    """The classes of YOLO, in the order of all categories."""
    return classes_of(to_frame(categories, "categories"), used)


def write_data_yaml(
    out: SharedFolder, written: Sequence[Converted], classes: Sequence[str], shares: Shares | None
) -> None:
    """One ``data.yaml`` for folders of YOLO beside each other; without shares `val` is `train`."""
    names = ["train"] if shares is None else [*shares.by_split]
    paths = {split: [f"{one.name}/images/{split}" for one in written if split in one.splits] for split in names}
    if shares is None:
        paths["val"] = list(paths["train"])
    used = {split: some for split, some in paths.items() if some}
    content = {**used, "nc": len(classes), "names": dict(enumerate(classes))}
    with out.publishing("data.yaml") as path:
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
