"""Rotated boxes of an annotations frame where they are: as the rings of their corners."""

from __future__ import annotations

import numpy as np
import pandas as pd

from labellerr_ds.shapes.boxes import box_corners
from labellerr_ds.shapes.rasters import BOX
from labellerr_ds.shapes.segmentation import encode_shape, texts_of


def turned_boxes(annotations: pd.DataFrame) -> pd.DataFrame:
    """The frame with rotated boxes as polygons of their corners, and the boxes around these; other rows as they are."""
    rotation = annotations["rotation"].to_numpy(dtype=np.float64)
    boxes = annotations[BOX].to_numpy(dtype=np.float64)
    is_turned = (
        (annotations["type"] == "bbox").to_numpy() & (np.nan_to_num(rotation) != 0) & np.isfinite(boxes).all(axis=1)
    )
    at = np.flatnonzero(is_turned)
    if not len(at):
        return annotations
    annotations = annotations.copy(deep=False)
    rings = box_corners(boxes[at], rotation[at])
    low, high = rings.reshape(-1, 4, 2).min(axis=1), rings.reshape(-1, 4, 2).max(axis=1)
    boxes[at] = np.concatenate([low, high - low], axis=1)
    for side, name in enumerate(BOX):
        annotations[name] = boxes[:, side]
    rotation = rotation.copy()
    rotation[at] = np.nan
    annotations["rotation"] = rotation
    kinds = annotations["type"].astype(object).to_numpy(copy=True)
    kinds[at] = "polygon"
    annotations["type"] = pd.Categorical(kinds, categories=annotations["type"].cat.categories)
    texts = texts_of(annotations["segmentation"])
    for row, ring in zip(at.tolist(), rings.tolist(), strict=True):
        texts[row] = encode_shape([ring])
    annotations["segmentation"] = pd.array(texts, dtype="segmentation")
    return annotations
