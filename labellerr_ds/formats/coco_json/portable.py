"""Frames as other tools take them: images whose work is finished, one class a name, boxes where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.formats.coco_rows import ids_of
from labellerr_ds.formats.selection import FINISHED, NO_IMAGES, Frames, Negatives, check_negatives
from labellerr_ds.frames import schema
from labellerr_ds.images.files import Images, locate, unique_names
from labellerr_ds.shapes.rotated import turned_boxes

Classes = Literal["by_name", "as_exported"]
Left = Counter[tuple[str, str]]
"""What is left out, by table and reason."""


def portable(
    frames: Frames, *, negatives: Negatives = "finished", classes: Classes = "by_name", rotated: bool = False
) -> Frames:
    """The part of a dataset that has a place in COCO; one warning counts what is left out.

    Parameters
    ----------
    frames : Frames
    negatives : {'finished', 'all', 'none'}
        Which files without a shape go out.
    classes : {'by_name', 'as_exported'}
        Classes of shapes alone, those of one name united; or all as they came.
    rotated : bool
        Rotated boxes as the rings of their corners.
    """
    check_negatives(negatives)
    if classes not in ("by_name", "as_exported"):
        raise InvalidArgumentError(f"classes must be 'by_name' or 'as_exported', got {classes!r}.")
    left: Left = Counter()
    files, annotations, categories = frames
    shapes = annotations["type"].isin(schema.SHAPE_TYPES)
    annotations = _on_images(annotations, files, left)
    if classes == "by_name":
        annotations, categories = _by_name(annotations, categories, left)
    if rotated:
        annotations = turned_boxes(annotations)
    files = _outgoing(files, annotations, negatives, frames.annotations.loc[shapes, "file_id"], left)
    _warn_of(left, frames)
    return Frames(files, annotations, categories)


def archived(frames: Frames) -> Frames:
    """All of a dataset that a COCO file can hold so that it reads back equal; one warning counts the rest."""
    left: Left = Counter()
    annotations = _on_images(frames.annotations, frames.files, left, dangling=True)
    _warn_of(left, frames)
    return Frames(frames.files, annotations, frames.categories)


def _texts(column: pd.Series) -> pa.Array:
    array = pa.array(column.array, from_pandas=True)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.cast(pa.large_string())


def _is_in(column: pd.Series, known: pd.Series) -> NDArray[np.bool_]:
    """Which texts are among the known ones; none that is missing."""
    is_in = pc.is_in(_texts(column), value_set=_texts(known).unique(), skip_nulls=True)
    return cast(NDArray[np.bool_], is_in.to_numpy(zero_copy_only=False))


def _warn_of(left: Left, frames: Frames) -> None:
    totals = {"files": len(frames.files), "annotations": len(frames.annotations)}
    reasons = [f"{count:,} of {totals[table]:,} {table} {why}" for (table, why), count in left.most_common() if count]
    if reasons:
        warn(f"left out of the COCO: {'; '.join(reasons)}.")


def with_unique_names(files: pd.DataFrame, images: Images | None = None) -> pd.DataFrame:
    """The files under the names that `Dataset.download_images` and the converters give their images.

    With `images` each under the name that its image has in the folder, or with the ending of its image.
    """
    where = {} if images is None else locate(files, images)
    names = []
    for file_id, name in zip(files["file_id"], unique_names(files), strict=True):
        path = where.get(file_id)
        if path is not None and not isinstance(images, Mapping):
            name = path.name
        elif path is not None and not name.lower().endswith(path.suffix.lower()):
            name += path.suffix
        names.append(name)
    files = files.copy(deep=False)
    files["file_name"] = schema.text(names)
    return files


def _on_images(annotations: pd.DataFrame, files: pd.DataFrame, left: Left, *, dangling: bool = False) -> pd.DataFrame:
    is_shape = annotations["type"].isin(schema.SHAPE_TYPES).to_numpy()
    still = annotations["frame"].isna().to_numpy()
    there = dangling | _is_in(annotations["file_id"], files["file_id"])
    left["annotations", "(no shapes, as answers to questions)"] += int((~is_shape).sum())
    left["annotations", "(on frames of a video)"] += int((is_shape & ~still).sum())
    left["annotations", "(of files that are not in the dataset)"] += int((is_shape & still & ~there).sum())
    kept = is_shape & still & there
    if not dangling:  # what the archive takes, too
        holds = annotations[["bbox_x", "segmentation", "keypoints"]].notna().any(axis=1).to_numpy()
        left["annotations", "(whose shape was not understood)"] += int((kept & ~holds).sum())
        kept = kept & holds
    return annotations if kept.all() else annotations[kept]


def _by_name(annotations: pd.DataFrame, categories: pd.DataFrame, left: Left) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Annotations that have a class, and the classes of shapes, the one of the lowest id for each name."""
    known = _is_in(annotations["category_id"], categories["category_id"])
    if not known.all():
        left["annotations", "(without a class)"] += int((~known).sum())
        annotations = annotations[known]
    used = _is_in(categories["category_id"], annotations["category_id"])
    kinds = [None if pd.isna(kind) else vendor.QUESTION_TYPES.get(kind.lower()) for kind in categories["question_type"]]
    shaped = np.array([kind is None or kind in schema.SHAPE_TYPES for kind in kinds], dtype=bool)
    categories = categories[used | shaped]
    order = np.argsort(ids_of(categories), kind="stable")
    first: dict[str, int] = {}
    for row in order.tolist():
        name = categories["name"].iloc[row]
        if not pd.isna(name):
            first.setdefault(name, row)
    keep = [row for row, name in enumerate(categories["name"]) if pd.isna(name) or first[name] == row]
    ids = categories["category_id"].astype(object).tolist()
    home = {ids[row]: ids[first[name]] for row, name in enumerate(categories["name"]) if not pd.isna(name)}
    if any(home[each] != each for each in home):
        annotations = annotations.copy(deep=False)
        coded = _texts(annotations["category_id"]).dictionary_encode()
        words = pa.array([home.get(each, each) for each in coded.dictionary.to_pylist()], pa.large_string())
        annotations["category_id"] = schema.text(words.take(coded.indices))
    return annotations, categories.iloc[keep].reset_index(drop=True)


def _outgoing(
    files: pd.DataFrame, annotations: pd.DataFrame, negatives: Negatives, drawn: pd.Series, left: Left
) -> pd.DataFrame:
    """The files that have a shape, and those that may be called negative: not those that lost all they had `drawn`."""
    if negatives == "all":
        return files
    shown = _is_in(files["file_id"], annotations["file_id"])
    finished = files["label_state"].isin(FINISHED).to_numpy()
    endings = files["file_name"].str.replace(r"^.*\.", "", regex=True).str.lower()
    is_image = ~endings.isin(NO_IMAGES).to_numpy()
    is_lossy = ~shown & _is_in(files["file_id"], drawn)
    is_image = is_image & ~is_lossy
    empty = finished & is_image & (negatives == "finished")
    left["files", "(whose shapes were all left out)"] += int(is_lossy.sum())
    left["files", "(without a shape, and no negatives by their label_state)"] += int(
        (~shown & ~finished & is_image).sum()
    )
    left["files", "(without a shape, and no images)"] += int((~shown & ~is_image & ~is_lossy).sum())
    left["files", "(negatives, which were not asked for)"] += int((~shown & finished & is_image & ~empty).sum())
    kept = shown | empty
    return files if kept.all() else files[kept]
