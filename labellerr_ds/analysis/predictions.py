"""A detector's predictions as annotations with a score, and what they say about the labels beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from labellerr_ds.core.errors import InvalidArgumentError, ReadError
from labellerr_ds.core.hint import argument, call
from labellerr_ds.core.json_text import json_text
from labellerr_ds.frames import schema
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.boxes import bounds, box_ious, ring_areas
from labellerr_ds.shapes.rle import BROKEN, RLE, area_and_bbox, checked_counts

SCORE = "score"
SAME, NEAR = 0.5, 0.1  # IoU from which a prediction means a label, and from which it may
OVERLOOKED = 0.5  # as often as not a label that a good detector does not meet is right
Floats = NDArray[np.float64]


def predictions_of(files: pd.DataFrame, given: Any, coco: Any) -> pd.DataFrame:
    """See `Dataset.with_predictions`.

    Parameters
    ----------
    files : DataFrame
        Those that may have predictions.
    given : DataFrame, list of dict, or path
    coco : callable
        Gives the COCO object whose numbers COCO results have.
    """
    if isinstance(given, str | Path):
        given = _results_at(Path(given))
    if isinstance(given, pd.DataFrame):
        return _placed(files, _of_frame(given))
    if isinstance(given, Sequence) and all(isinstance(each, Mapping) for each in given):
        return _placed(files, _of_results(list(given), coco()))
    raise InvalidArgumentError(
        "predictions must be a DataFrame, COCO results (a list of dicts), or a path of them; got "
        f"{type(given).__name__}."
    )


class Numbers(NamedTuple):
    """What the numbers of images and categories stand for, as a COCO object has it."""

    imgs: dict[Any, Any]
    cats: dict[Any, Any]


def numbers_at(path: Path) -> Numbers:
    """The numbers of a COCO file."""
    content = _json_at(path)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise ReadError(f"{path.name}: expected a COCO file, with images and categories.")
    return Numbers(*({each["id"]: each for each in content.get(key, ())} for key in ("images", "categories")))


def _json_at(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as problem:
        raise ReadError(f"{str(path)!r} cannot be read: {problem.strerror}.") from None
    except ValueError as problem:
        raise ReadError(f"{path.name} is not JSON: {problem}.") from None


def _results_at(path: Path) -> Any:
    content = _json_at(path)
    if not isinstance(content, list):
        raise ReadError(f"{path.name}: expected COCO results, a list of objects; got a {type(content).__name__}.")
    return content


def _of_results(results: list[Mapping[str, Any]], coco: Any) -> pd.DataFrame:
    """COCO's results (https://cocodataset.org/#format-results) by the images and categories of a COCO object."""
    rows = []
    for number, result in enumerate(results):
        image, category = coco.imgs.get(result.get("image_id")), coco.cats.get(result.get("category_id"))
        if image is None or category is None:
            what = "image_id" if image is None else "category_id"
            raise InvalidArgumentError(
                f"result {number} has the {what} {result.get(what)!r}, which the COCO object does not have.",
                hint=argument("coco"),
            )
        rows.append(
            {
                "file_id": image.get("labellerr_file_id", str(image["id"])), "category": category["name"],
                SCORE: result.get(SCORE), "segmentation": result.get("segmentation"),
                **dict(zip(rasters.BOX, result.get("bbox") or (None,) * 4, strict=True)),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["file_id", "category", SCORE, "segmentation", *rasters.BOX])


def _of_frame(frame: pd.DataFrame) -> pd.DataFrame:
    if "file_id" not in frame and "file_name" not in frame:
        raise InvalidArgumentError("predictions need a column file_id or file_name.")
    missing = [name for name in ("category", SCORE) if name not in frame]
    if missing or not ({"segmentation"} <= set(frame) or set(rasters.BOX) <= set(frame)):
        needed = missing or rasters.BOX
        raise InvalidArgumentError(f"predictions need the columns {', '.join(needed)}; there are {', '.join(frame)}.")
    return frame


def _placed(files: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Predictions as annotations of these files."""
    table = files.drop_duplicates("file_id")
    key = "file_id" if "file_id" in frame else "file_name"
    if key == "file_name" and table["file_name"].duplicated().any():
        shared = table.loc[table["file_name"].duplicated(), "file_name"]
        if frame["file_name"].isin(shared).any():
            raise InvalidArgumentError(f"several files are called {shared.iloc[0]!r}: predictions need a file_id.")
    row_of = {value: row for row, value in enumerate(table[key])}
    rows = np.array([row_of.get(value, -1) for value in frame[key]], dtype=np.int64)
    if (rows < 0).any():
        unknown = frame[key].iloc[int(np.flatnonzero(rows < 0)[0])]
        raise InvalidArgumentError(f"{(rows < 0).sum():,} predictions are of files that are not there: {unknown!r}, ….")
    scores = pd.to_numeric(frame[SCORE], errors="coerce").to_numpy(dtype=np.float64)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise InvalidArgumentError("score must be a number from 0 to 1 in every prediction.")
    mine = table.iloc[rows]
    shapes = frame["segmentation"].tolist() if "segmentation" in frame else [None] * len(frame)
    shapes = [None if not isinstance(shape, list | Mapping) else shape for shape in shapes]
    boxes = np.full((len(frame), 4), np.nan)
    if set(rasters.BOX) <= set(frame):
        boxes = np.array(frame[rasters.BOX], dtype=np.float64)
    texts, areas, types = [], boxes[:, 2] * boxes[:, 3], []
    for row, shape in enumerate(shapes):
        text, area, box = _shape(shape, row)
        texts.append(text)
        types.append("bbox" if shape is None else "mask" if isinstance(shape, Mapping) else "polygon")
        if box is not None:
            areas[row] = area
            boxes[row] = np.where(np.isnan(boxes[row]), box, boxes[row])
    if not np.isfinite(boxes).all():
        raise InvalidArgumentError("every prediction needs a bbox or a segmentation.")
    categories = list(dict.fromkeys(str(name) for name in frame["category"]))
    columns: dict[str, Any] = {
        "file_name": mine["file_name"].array, "status": mine["status"].array, "file_id": mine["file_id"].array,
        "category": schema.categorical([categories.index(str(name)) for name in frame["category"]], categories),
        "type": types, "segmentation": pa.array(texts, pa.large_string()), "area": areas,
        "iscrowd": np.zeros(len(frame), dtype=bool), "image_width": mine["width"].array,
        "image_height": mine["height"].array, "annotation_id": [f"prediction-{row}" for row in range(len(frame))],
        **{name: boxes[:, place] for place, name in enumerate(rasters.BOX)},
    }  # fmt: skip
    made = schema.build("annotations", columns, len(frame))
    made[SCORE] = scores
    return made


def _shape(shape: Any, row: int) -> tuple[str | None, float, Floats | None]:
    """A segmentation as JSON text, its area, and the box around it."""
    if shape is None:
        return None, np.nan, None
    try:
        if isinstance(shape, Mapping):
            counts = shape["counts"]
            counts = counts.decode("ascii") if isinstance(counts, bytes) else counts
            height, width = (int(side) for side in shape["size"])
            rle: RLE = {"size": [height, width], "counts": counts}
            area, box = area_and_bbox(checked_counts(rle), height)
            return json_text(rle), float(area), np.array(box, dtype=np.float64)
        rings = [[float(number) for number in ring] for ring in shape]
        points = np.concatenate([np.reshape(ring, (-1, 2)) for ring in rings])
        area = ring_areas(points, np.array([len(ring) // 2 for ring in rings])).sum()
        return json_text(rings), float(area), bounds(points, np.array([len(points)]))[0]
    except (*BROKEN, KeyError) as problem:
        raise InvalidArgumentError(f"the segmentation of prediction {row} does not hold together: {problem}.") from None


# --- what predictions say about labels


class Suspicion(NamedTuple):
    """A label that is probably wrong, or one that is probably missing.

    Attributes
    ----------
    problem : str
    row : int or None
        Position of the label; None where it is missing.
    predicted : int or None
        Position of the prediction.
    likelihood : float
        0 to 1; it orders them, and is not a probability.
    message : str
    """

    problem: str
    row: int | None
    predicted: int | None
    likelihood: float
    message: str


def suspicions(labels: pd.DataFrame, predictions: pd.DataFrame) -> list[Suspicion]:
    """The likeliest label errors, the likeliest first.

    Files on which nothing was predicted are looked at too; other types than boxes, polygons and masks are not.
    """
    if SCORE not in predictions:
        raise InvalidArgumentError(
            "predictions need a column score.", hint=call("dataset.with_predictions(predictions)")
        )
    mine, theirs = _Side(labels), _Side(predictions)
    files = dict.fromkeys([*mine.by_file, *theirs.by_file])
    recalls = _recalls(mine, theirs, files)
    suspects = [each for file in files for each in _of_file(mine, theirs, file, recalls)]
    return sorted(suspects, key=lambda suspect: -suspect.likelihood)


class _Side:
    def __init__(self, frame: pd.DataFrame) -> None:
        self.boxes = frame[rasters.BOX].to_numpy(dtype=np.float64)
        self.names = frame["category"].astype(object).where(frame["category"].notna(), None).to_numpy(dtype=object)
        self.scores = frame[SCORE].to_numpy(dtype=np.float64) if SCORE in frame else None
        kept = frame["type"].isin(rasters.FILLED).to_numpy(dtype=bool) & np.isfinite(self.boxes).all(axis=1)
        kept &= ~frame["iscrowd"].fillna(False).to_numpy(dtype=bool)
        places = np.flatnonzero(kept)
        files = frame["file_id"].astype(object).to_numpy(dtype=object)[places]
        self.by_file: dict[Any, NDArray[np.int64]] = {
            file: places[rows] for file, rows in pd.Series(files).groupby(files, sort=False).indices.items()
        }

    def of(self, file: Any) -> NDArray[np.int64]:
        return self.by_file.get(file, np.zeros(0, dtype=np.int64))


def _recalls(labels: _Side, predictions: _Side, files: Mapping[Any, None]) -> dict[Any, float]:
    """By class, the share of labels that a prediction of the class meets."""
    met: dict[Any, list[bool]] = {}
    for file in files:
        mine, theirs = labels.of(file), predictions.of(file)
        ious = box_ious(labels.boxes[mine], predictions.boxes[theirs])
        alike = labels.names[mine][:, None] == predictions.names[theirs][None, :]
        for place, row in enumerate(mine):
            met.setdefault(labels.names[row], []).append(bool((ious[place][alike[place]] >= SAME).any()))
    return {name: float(np.mean(seen)) for name, seen in met.items()}


def _of_file(labels: _Side, predictions: _Side, file: Any, recalls: Mapping[Any, float]) -> Iterator[Suspicion]:
    mine, theirs = labels.of(file), predictions.of(file)
    scores = predictions.scores
    ious = box_ious(labels.boxes[mine], predictions.boxes[theirs])
    alike = labels.names[mine][:, None] == predictions.names[theirs][None, :]
    partner = _partners(np.where(alike, ious, 0), SAME)
    label_free = [place for place in range(len(mine)) if place not in partner]
    free = set(range(len(theirs))) - set(partner.values())
    taken: set[int] = set()
    for problem, limit, same in (("other_class", SAME, False), ("misplaced", NEAR, True)):
        for place in label_free:
            options = [p for p in free if ious[place, p] >= limit and bool(alike[place, p]) == same]
            if place in taken or not options or scores is None:
                continue
            best = max(options, key=lambda p: (ious[place, p], scores[theirs[p]]))
            free.discard(best)
            taken.add(place)
            row, at = int(mine[place]), int(theirs[best])
            iou, score = float(ious[place, best]), float(scores[at])
            name = predictions.names[at]
            said = f"the predicted {name} overlaps it by an IoU of {iou:.2f}" if same else f"{name} is predicted there"
            likelihood = score * (iou if not same else 1 - iou)
            yield Suspicion(problem, row, at, likelihood, f"{said} (score {score:.2f})")
    for place in label_free:
        if place not in taken:
            row = int(mine[place])
            name = labels.names[row]
            said = f"nothing is predicted there, though {recalls[name]:.0%} of the labels of {name} are met"
            yield Suspicion("unconfirmed_label", row, None, recalls[name] * OVERLOOKED, said)
    for p in sorted(free):
        at = int(theirs[p])
        score = float(scores[at]) if scores is not None else 0.0
        x, y = predictions.boxes[at, :2]
        said = f"{predictions.names[at]} is predicted at {x:.0f}, {y:.0f} without a label (score {score:.2f})"
        yield Suspicion("missing_label", None, at, score, said)


def _partners(ious: Floats, limit: float) -> dict[int, int]:
    """Pairs from the best downwards, each side once."""
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for flat in np.argsort(-ious, axis=None, kind="stable"):
        if not ious.size or ious.flat[flat] < limit:
            break
        place, other = divmod(int(flat), ious.shape[1])
        if place not in partner and other not in taken:
            partner[place] = other
            taken.add(other)
    return partner
