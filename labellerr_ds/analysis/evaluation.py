"""How good predictions are: COCO's figures and counts, a row a class."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pandas as pd

from labellerr_ds.analysis.predictions import SCORE
from labellerr_ds.frames import schema
from labellerr_ds.shapes import rasters


def figures(labels: pd.DataFrame, predictions: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """A row a class, and one for all.

    Parameters
    ----------
    labels, predictions : annotations frames
        The second with `score`.
    pairs : DataFrame
        ``Comparison.annotations`` of both.

    Returns
    -------
    DataFrame
        `category` (``(all)`` for the last row), `labels`, `predictions`, `matches` (of one class), `false_positives`,
        `misses`, `precision`, `recall`, `ap` (COCO's: the mean over IoU 0.50 to 0.95) and `ap50`, of boxes.
    """
    shapes = [frame[frame["type"].isin(rasters.FILLED).to_numpy(dtype=bool)] for frame in (labels, predictions)]
    names = list(dict.fromkeys(str(name) for frame in shapes for name in frame["category"].dropna()))
    ap = _average_precisions(shapes[0], shapes[1], names)
    matched = pairs[pairs["row_a"].notna() & pairs["row_b"].notna() & (pairs["category_a"] == pairs["category_b"])]
    filled = set(np.flatnonzero(labels["type"].isin(rasters.FILLED).to_numpy(dtype=bool)))
    matched = matched[matched["row_a"].isin(filled)]
    counts = [frame["category"].astype(object).value_counts() for frame in shapes]
    hits = matched["category_a"].astype(object).value_counts()
    rows = []
    for name in [*names, "(all)"]:
        truth, predicted, hit = (int(each.sum() if name == "(all)" else each.get(name, 0)) for each in (*counts, hits))
        rows.append(
            {
                "category": name, "labels": truth, "predictions": predicted, "matches": hit,
                "false_positives": predicted - hit, "misses": truth - hit,
                "precision": hit / predicted if predicted else np.nan, "recall": hit / truth if truth else np.nan,
                "ap": ap[name][0], "ap50": ap[name][1],
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["category"] = schema.text(frame["category"].tolist())
    return frame


def _average_precisions(
    labels: pd.DataFrame, predictions: pd.DataFrame, names: list[str]
) -> dict[str, tuple[float, float]]:
    """AP and AP50 of boxes by pycocotools' COCOeval; NaN of a class without a label."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    nothing = dict.fromkeys([*names, "(all)"], (np.nan, np.nan))
    if labels.empty or predictions.empty:
        return nothing
    files = list(dict.fromkeys([*labels["file_id"], *predictions["file_id"]]))
    number = {file: place for place, file in enumerate(files, 1)}
    category = {name: place for place, name in enumerate(names, 1)}
    objects = []
    for frame in (labels, predictions):
        boxes = frame[rasters.BOX].to_numpy(dtype=np.float64)
        kept = np.isfinite(boxes).all(axis=1) & frame["category"].notna().to_numpy(dtype=bool)
        rows: list[dict[str, Any]] = [
            {
                "id": place, "image_id": number[file], "category_id": category[str(name)], "bbox": box.tolist(),
                "area": float(box[2] * box[3]), "iscrowd": int(crowd),
            }
            for place, (file, name, box, crowd) in enumerate(
                zip(frame["file_id"][kept], frame["category"][kept], boxes[kept], frame["iscrowd"][kept].fillna(False),
                    strict=True), 1)
        ]  # fmt: skip
        if SCORE in frame:
            for row, score in zip(rows, frame[SCORE][kept], strict=True):
                row[SCORE] = float(score)
        made = COCO()
        made.dataset = {
            "images": [{"id": place} for place in number.values()], "annotations": rows,
            "categories": [{"id": place, "name": name} for name, place in category.items()],
        }  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):
            made.createIndex()
        objects.append(made)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(*objects, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # IoU, recall, class; all sizes, 100 a file
    averages = {}
    for place, name in enumerate(names):
        averages[name] = (_mean(precision[:, :, place]), _mean(precision[0, :, place]))
    averages["(all)"] = (_mean(precision), _mean(precision[0]))
    return averages


def _mean(precision: Any) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else np.nan
