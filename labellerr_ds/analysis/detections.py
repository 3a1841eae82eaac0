"""The shapes of a file as another library's objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from labellerr_ds.core.errors import InvalidArgumentError, MissingExtraError
from labellerr_ds.core.hint import advice, nearest
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.rasters import BOX


def detections(frame: pd.DataFrame, file: str) -> Any:
    """See ``df.labellerr.detections``."""
    try:
        import supervision
    except ImportError:
        raise MissingExtraError("supervision is not installed.", hint=advice("pip install supervision")) from None
    rows = frame[frame["file_id"].eq(file).to_numpy(dtype=bool)]
    if rows.empty:
        rows = frame[frame["file_name"].eq(file).to_numpy(dtype=bool)]
    if rows["file_id"].nunique() != 1:
        hint = nearest(file, frame["file_name"].dropna().unique().tolist()) or advice("pass a file_id")
        what = "unknown file" if rows.empty else f"{rows['file_id'].nunique()} files are called"
        raise InvalidArgumentError(f"{what} {file!r}.", hint=hint)
    category = rows["category"].astype("category")
    kept = rows["type"].isin(["bbox", "polygon", "mask"]).to_numpy(dtype=bool)
    kept = kept & np.isfinite(rows[BOX].to_numpy(dtype=np.float64)).all(axis=1) & category.notna().to_numpy()
    rows, category = rows[kept], category[kept]
    boxes = rows[BOX].to_numpy(dtype=np.float64)
    masks = None
    if rows["type"].isin(["polygon", "mask"]).any():
        shapes = list(rasters.rasters(rows))
        nothing = np.zeros_like(next(mask for mask in shapes if mask is not None))
        masks = np.stack([nothing if mask is None else mask for mask in shapes])
    scores = rows["score"].to_numpy(dtype=np.float64) if "score" in rows else None
    return supervision.Detections(
        xyxy=np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
        mask=masks,
        confidence=scores,
        class_id=category.cat.codes.to_numpy(dtype=int),
        data={
            "class_name": category.astype(object).to_numpy(dtype=str),
            "annotation_id": rows["annotation_id"].astype(object).to_numpy(dtype=str),
        },
    )
