"""What a converter writes: which files and annotations, under which names; and what it leaves out, and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from labellerr_ds.core.card import card, counted
from labellerr_ds.core.disk import local_name
from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.core.hint import call
from labellerr_ds.frames import schema
from labellerr_ds.images.files import Images, locate, unique_names
from labellerr_ds.images.orientation import copy_upright
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.rasters import Shape

Negatives = Literal["finished", "all", "none"]
Splits = Any
"""A frame with `file_id` and `split`, what `Dataset.split` gives, a mapping of ids to splits, or None."""
MOST_REASONS = 6  # that a warning lists
FINISHED = ("labelled", "negative")
NO_IMAGES = frozenset(
    {"mp4", "mov", "avi", "mkv", "webm", "mp3", "wav", "flac", "ogg", "m4a", "aac", "txt", "pdf", "doc", "docx", "csv"}
)


@dataclass(frozen=True, repr=False)
class ConversionReport(os.PathLike[str]):
    """What a converter wrote; where a path is asked for, its folder.

    Attributes
    ----------
    folder : Path
    images, annotations : int
        How many were written.
    left_out : DataFrame
        A row a file or annotation that was not: `table` (``files``, ``annotations``), `id`, `reason`; and what was
        `written`, but not wholly.
    """

    folder: Path
    images: int
    annotations: int
    left_out: pd.DataFrame

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        left = f", {len(self.left_out):,} left out" if len(self.left_out) else ""
        return f"ConversionReport({str(self.folder)!r}: {self.images:,} images, {self.annotations:,} annotations{left})"

    def _repr_html_(self) -> str:
        reasons = counted(self.left_out["reason"].value_counts().items(), 4)
        rows = [("images", f"{self.images:,}"), ("annotations", f"{self.annotations:,}"), ("left out", reasons)]
        return card(str(self.folder), rows, then="written.left_out" if len(self.left_out) else "")


@dataclass
class Item:
    """A file that goes out, with its shapes."""

    file_id: str
    file_name: str
    name: str  # unique among all, without ending
    split: str
    width: int | None
    height: int | None
    image: Path | None
    lost: bool = False  # whether it has annotations of a kind that the format can hold, which cannot be written
    shapes: list[tuple[int, str, Shape]] = field(default_factory=list)  # class, annotation_id, shape


class Frames(NamedTuple):
    """What a converter takes of a dataset."""

    files: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame


class Selection:
    """The files and shapes that go out.

    Parameters
    ----------
    frames : Frames
    images : folder or mapping of `file_id` to path, optional
    split : frame with `file_id` and `split`, mapping, or None
        None is one split, ``train``.
    negatives : {'finished', 'all', 'none'}
        Which files without a shape go out, as images on which nothing is: those whose work is finished
        (`label_state` ``labelled`` or ``negative``), all, or none.
    types : the types of annotations that the format can hold
    classes : sequence of str, optional
        The classes in their order, of a part of a dataset that is numbered as the whole is.
    """

    def __init__(
        self,
        frames: Frames,
        *,
        images: Images | None,
        split: Splits,
        negatives: Negatives,
        types: tuple[str, ...] = rasters.FILLED,
        classes: Sequence[str] | None = None,
    ) -> None:
        check_negatives(negatives)
        self._left: list[tuple[str, str, str, bool]] = []
        self._upright = 0
        files, annotations, categories = frames
        self.classes = classes_of(categories, drawn(annotations, types)) if classes is None else list(classes)
        splits = _splits(split)
        where = {} if images is None else locate(files, images)
        self.items: list[Item] = []
        by_id: dict[str, Item] = {}
        names = unique_names(files)
        for position, (file_id, name, width, height) in enumerate(
            files[["file_id", "file_name", "width", "height"]].itertuples(index=False)
        ):
            if pd.isna(file_id) or file_id in by_id:
                self.leave("files", file_id, "it has no id" if pd.isna(file_id) else "duplicate file_id")
                continue
            item = Item(
                file_id,
                file_id if pd.isna(name) else name,
                _stem(names[position]),
                splits.get(file_id, "") if splits is not None else "train",
                None if pd.isna(width) else int(width),
                None if pd.isna(height) else int(height),
                where.get(file_id),
            )
            by_id[file_id] = item
            self.items.append(item)
        self._fill(annotations, by_id, types)
        first = files.drop_duplicates("file_id")  # as an item is made of the first record of its id
        states = dict(zip(first["file_id"], first["label_state"].astype(object), strict=True))
        self.items = [item for item in self.items if self._goes(item, states.get(item.file_id), negatives)]
        self._all, self._wants_images, self._refused = negatives == "all", images is not None, 0

    def _fill(self, annotations: pd.DataFrame, by_id: dict[str, Item], types: tuple[str, ...]) -> None:
        place = {name: number for number, name in enumerate(self.classes)}
        frames = annotations["frame"].isna().tolist()
        triples = annotations[["annotation_id", "file_id", "category"]].itertuples(index=False)
        for (annotation_id, file_id, category), still, shape in zip(
            triples, frames, rasters.shapes(annotations), strict=True
        ):
            if shape.type not in types and shape.form in types:  # the shape beside keypoints
                shape = shape._replace(type=str(shape.form))
            if shape.type not in types:
                self.leave("annotations", annotation_id, f"a {shape.type} is not supported by this format")
            elif not still:
                self._lose(by_id.get(file_id), annotation_id, "it is on a frame of a video")
            elif file_id not in by_id:
                self.leave("annotations", annotation_id, "its file is not in the dataset")
            elif pd.isna(category):
                self._lose(by_id.get(file_id), annotation_id, "it has no class")
            else:
                by_id[file_id].shapes.append((place[category], annotation_id, shape))

    def _goes(self, item: Item, state: Any, negatives: Negatives) -> bool:
        ending = item.file_name.rpartition(".")[2].lower()
        if not item.split:
            self.leave("files", item.file_id, "it is in no split")
        elif not item.shapes and ending in NO_IMAGES:
            self.leave("files", item.file_id, "it is not an image")
        elif (
            item.shapes or negatives == "all" or (negatives == "finished" and not pd.isna(state) and state in FINISHED)
        ):
            return True
        else:
            word = "unknown" if pd.isna(state) else state
            self.leave("files", item.file_id, f"no shape, and label_state is {word}, not negative")
        for _, annotation_id, _ in item.shapes:
            self.leave("annotations", annotation_id, "its file was left out")
        return False

    def _lose(self, item: Item | None, annotation_id: str, reason: str) -> None:
        if item is not None:
            item.lost = True
        self.leave("annotations", annotation_id, reason)

    def keeps(self, item: Item, written: int) -> bool:
        """Whether an item goes out with so many annotations: one that lost all it had would pass for a negative."""
        if not written and (item.shapes or item.lost) and not self._all:
            self.leave("files", item.file_id, "none of its annotations could be written, and it is not a negative")
            self._refused += 1
            return False
        if self._wants_images and item.image is None:
            self.leave("files", item.file_id, "its image is not there; its labels were written", written=True)
        return True

    def leave(self, table: str, row_id: Any, reason: str, *, written: bool = False) -> None:
        """Something is not written, or not wholly."""
        self._left.append((table, "" if pd.isna(row_id) else str(row_id), reason, written))

    def image_name(self, item: Item) -> str:
        """What an item's image is called, also where there is none."""
        return item.name + (Path(item.file_name).suffix if item.image is None else item.image.suffix)

    def copy_image(self, item: Item, folder: Path) -> str:
        """Copy an item's image into a folder, where there is one; its name there."""
        name = self.image_name(item)
        if item.image is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._upright += copy_upright(item.image, folder / name, item.width, item.height)
        return name

    def written(self, folder: Path, annotations: int, images: int | None = None) -> ConversionReport:
        """What became of it; a warning counts what was left out, by reason."""
        if self._upright:
            warn(f"{self._upright:,} images have an EXIF orientation; their copies are upright, and have none.")
        columns = list(zip(*self._left, strict=True)) if self._left else [(), (), (), ()]
        left = pd.DataFrame(
            {name: schema.text(list(each)) for name, each in zip(("table", "id", "reason"), columns, strict=False)}
        )
        left["written"] = np.array(columns[3], dtype=bool)
        if self._left:
            counts = Counter((table, reason) for table, _, reason, _ in self._left)
            warn(f"left out or incomplete: {summed(counts)}.", hint=call("report.left_out"))
        return ConversionReport(
            folder, len(self.items) - self._refused if images is None else images, annotations, left
        )


def summed(counts: Counter[tuple[str, str]]) -> str:
    """What was left out in words: the most frequent reasons, and how many more there are."""
    first = counts.most_common(MOST_REASONS)
    more = counts.total() - sum(count for _, count in first)
    words = [f"{count:,} {table}: {reason}" for (table, reason), count in first if count]
    return "; ".join([*words, *([f"{more:,} for other reasons"] if more else [])])


def check_negatives(negatives: str) -> None:
    """Refuse what `negatives=` does not know."""
    if negatives not in ("finished", "all", "none"):
        raise InvalidArgumentError(f"negatives must be 'finished', 'all' or 'none', got {negatives!r}.")


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def drawn(annotations: pd.DataFrame, types: tuple[str, ...]) -> set[str]:
    """The names of the classes that have annotations of these types."""
    return set(annotations.loc[annotations["type"].isin(types), "category"].dropna())


def classes_of(categories: pd.DataFrame, used: set[str]) -> list[str]:
    """The names of the classes, each once, in the order of the categories: also those that nothing shows yet."""
    questions = categories["question_type"].str.lower()
    shaped = questions.isin(["boundingbox", "polygon"]) | questions.isna()
    names = categories.loc[shaped.to_numpy(dtype=bool) | categories["name"].isin(used).to_numpy(dtype=bool), "name"]
    return list(dict.fromkeys([*names.dropna(), *sorted(used)]))


def _splits(split: Splits) -> dict[str, str] | None:
    """The split of each file; its name is that of a folder."""
    if split is None:
        return None
    by_file = _splits_of(getattr(split, "files", split))
    for name in set(by_file.values()) - {""}:
        check_split(name)
    return by_file


def check_split(name: str) -> None:
    """Refuse a split whose name is none of a folder.

    Raises
    ------
    InvalidArgumentError
    """
    if not isinstance(name, str) or local_name(name) != name or name.strip() != name:
        raise InvalidArgumentError(f"the name of a split must do for a folder, such as 'train'; got {name!r}.")


def _splits_of(split: Any) -> dict[str, str]:
    if isinstance(split, pd.DataFrame):
        if not {"file_id", "split"} <= set(split.columns):
            raise InvalidArgumentError("split must be a frame with file_id and split, or a mapping of ids.")
        return dict(split[["file_id", "split"]].dropna().astype(str).itertuples(index=False))
    if isinstance(split, pd.Series | Mapping):
        return {str(key): str(value) for key, value in split.items() if not pd.isna(value)}
    raise InvalidArgumentError(
        f"split must be a Split, a frame, or a mapping; got {type(split).__name__}.", hint=call("dataset.split()")
    )


def by_split(items: list[Item]) -> Iterator[tuple[str, list[Item]]]:
    """The items of each split, in the order in which the splits first come."""
    for name in dict.fromkeys(item.split for item in items):
        yield name, [item for item in items if item.split == name]
