"""One file with its labels as a picture; see `Dataset.draw`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.frames import schema
from labellerr_ds.images.colors import NO_CLASS, colors_of
from labellerr_ds.images.display import Source, open_picture
from labellerr_ds.images.files import finder
from labellerr_ds.images.render import draw, skeletons_of
from labellerr_ds.service.project import Project
from labellerr_ds.storage.images import read_image


def draw_file(
    files: pd.DataFrame,
    annotations: pd.DataFrame,
    categories: pd.DataFrame,
    *,
    images: Any,
    classes: str | list[str] | None,
    opacity: float,
    frame: int | None,
    longest: int | None,
) -> Image.Image:
    """Draw the annotations of one file over its image.

    Parameters
    ----------
    files, annotations : DataFrame
        Of this file alone.
    categories : DataFrame
    images, classes, opacity, frame, longest
        See `Dataset.draw`; ``'links'`` is a `Project` by now.
    """
    records = files.drop_duplicates("file_id")
    if len(records) > 1:
        ids = ", ".join(map(repr, records["file_id"].head(3)))
        raise InvalidArgumentError(f"{len(records):,} files have this name ({ids}).", hint="pass one of their ids")
    record = records.iloc[0]
    shapes = annotations[annotations["type"].isin(schema.SHAPE_TYPES).to_numpy(dtype=bool)]
    colors = colors_of(annotations)
    shapes, frame = _of_frame(_of_classes(shapes, classes), frame)
    stated = None if pd.isna(record["width"]) or pd.isna(record["height"]) else (record["width"], record["height"])
    size = None if stated is None else (int(stated[0]), int(stated[1]))
    picture = open_picture(_source(files, record, frame, images), size, longest)
    if images is not None and picture is None:
        warn(f"no image of file {record['file_id']!r}: the labels are drawn on grey.")
    return draw(
        shapes,
        picture,
        size=size,
        opacity=opacity,
        longest=longest,
        labels=True,
        skeletons=skeletons_of(categories),
        colors=colors,
    )


def _of_classes(shapes: pd.DataFrame, classes: str | list[str] | None) -> pd.DataFrame:
    if classes is None:
        return shapes
    names = shapes["category"].astype(object).where(shapes["category"].notna(), NO_CLASS)
    requested = [classes] if isinstance(classes, str) else list(classes)
    if unknown := [name for name in requested if name not in set(names)]:
        known = ", ".join(dict.fromkeys(names)) or "none at all"
        raise InvalidArgumentError(f"no shape has the class {unknown[0]!r}; there are {known}.")
    return shapes[names.isin(requested).to_numpy(dtype=bool)]


def _of_frame(shapes: pd.DataFrame, frame: int | None) -> tuple[pd.DataFrame, int | None]:
    """Return the shapes of one frame of a video, by default the first with any; of an image all."""
    if frame is None:
        indexes = shapes["frame"].dropna()
        if indexes.empty:
            return shapes, None
        frame = int(indexes.min())
    return shapes[shapes["frame"].eq(frame).fillna(False).to_numpy(dtype=bool)], frame


def _source(files: pd.DataFrame, record: Any, frame: int | None, images: Any) -> Source:
    """Return the image of the file: a path or bytes, None if there is none."""
    file_id = record["file_id"]
    if images is None or pd.isna(file_id):
        return None
    if isinstance(images, Project):
        return None if frame is not None else read_image(images, file_id)
    if frame is not None:
        path = images.get((file_id, frame)) if isinstance(images, Mapping) else None
        return None if path is None else Path(path)
    if isinstance(images, Mapping):
        images = {key: path for key, path in images.items() if not isinstance(key, tuple)}
    name = record["file_name"]
    return finder(files, images)(file_id, None if pd.isna(name) else name)
