"""What differs between two sets of annotations: two annotators, two versions, labels and predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labellerr_ds.core.card import card, counted
from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.frames import schema
from labellerr_ds.shapes import rasters
from labellerr_ds.shapes.boxes import box_ious
from labellerr_ds.shapes.rle import BROKEN, RLE, rle_iou

CHANGES = ("same", "moved", "reclassified", "changed", "added", "removed")
SAME_IOU = 0.999
NEARLY_ONE = 1 - 1e-9  # the IoU of a box with itself
NEAR_PIXELS = 20.0  # how far a point or line may have moved to be the same one


@dataclass(frozen=True, repr=False)
class Comparison:
    """What differs between two sets of annotations, `a` and `b`.

    Attributes
    ----------
    annotations : DataFrame
        A row a pair, or one without a partner: `file_id`, `file_name`, `change` (``same``; ``moved``: another
        shape; ``reclassified``: another class; ``changed``: both, or another answer; ``added``: in `b` alone;
        ``removed``: in `a` alone), `iou` (of masks, where both have pixels, else of boxes), `category_a`,
        `category_b`, `annotation_id_a`, `annotation_id_b`, `row_a`, `row_b` (positions).
    files : DataFrame
        A row a file that either has: `file_id`, `file_name`, `in_a`, `in_b`, `status_a`, `status_b`, and how many
        annotations are ``same``, ``moved``, ….
    per_class : DataFrame
        A row a class: `a`, `b` (annotations), `matched`, `agreement` (2 matched / (a + b), an F1), `mean_iou`.
    confusion : DataFrame
        Counts, classes of `a` down and of `b` across; ``(none)`` for what has no partner.
    sides : (a, b) or None
        What was compared: ``AnnotationViewer(comparison)`` shows it.
    figures : DataFrame or None
        Where `b` has a `score`: how good these predictions are, a row a class and ``(all)``: `labels`, `predictions`,
        `matches`, `false_positives`, `misses`, `precision`, `recall` (at the IoU of the comparison), and COCO's `ap`
        and `ap50` of boxes. Answers, points and lines are then left out of the comparison.
    """

    annotations: pd.DataFrame
    files: pd.DataFrame
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    sides: tuple[Any, Any] | None = None
    figures: pd.DataFrame | None = None

    def __repr__(self) -> str:
        counts = self.annotations["change"].value_counts(sort=False)
        counted = ", ".join(f"{count:,} {change}" for change, count in counts.items())
        return f"Comparison({len(self.files):,} files: {counted})"

    def _repr_html_(self) -> str:
        both = int((self.files["in_a"] & self.files["in_b"]).sum())
        alone = [
            int((self.files[one] & ~self.files[other]).sum()) for one, other in (("in_a", "in_b"), ("in_b", "in_a"))
        ]
        least = self.per_class.set_index("category")["agreement"].dropna().sort_values().head(4)
        rows = [
            ("files", f"{both:,} in both, {alone[0]:,} in the first alone, {alone[1]:,} in the second alone"),
            ("annotations", counted(self.annotations["change"].value_counts(sort=False).items())),
            (
                "least agreement",
                ", ".join(f"{name} {share:.0%}" for name, share in least.items()),
            ),
        ]
        if self.figures is not None:
            whole = self.figures.iloc[-1]
            rows.append(("predictions", f"AP {whole['ap']:.3f}, AP50 {whole['ap50']:.3f}"))
        return card("Comparison", rows, then="lds.AnnotationViewer(comparison)")


def compare_frames(
    a_files: pd.DataFrame,
    a: pd.DataFrame,
    b_files: pd.DataFrame,
    b: pd.DataFrame,
    *,
    iou: float = 0.5,
) -> Comparison:
    """See `labellerr_ds.compare`."""
    if not 0 < iou <= 1:
        raise InvalidArgumentError(f"iou must be above 0, and 1 at most; got {iou!r}.")
    _warn_of_strangers(a_files, b_files)
    left, right = _Side(a), _Side(b)
    rows: list[tuple[Any, ...]] = []
    for mine, theirs in _by_file(a, b):
        if "score" in b:  # nobody predicts answers, points and lines
            mine = mine[left.filled[mine]]
        rows += _pairs(left, right, mine, theirs, iou)
    table = _table(rows, a, b)
    return Comparison(table, _files(table, a_files, b_files), _per_class(table), _confusion(table))


def _warn_of_strangers(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Tell where no file is in both: then all is added or removed, which says nothing."""
    if a.empty or b.empty or set(a["file_id"].dropna()) & set(b["file_id"].dropna()):
        return
    names = len(set(a["file_name"].dropna()) & set(b["file_name"].dropna()))
    and_names = f"; {names:,} file names are, but names are not unique" if names else ", and no file_name either"
    hint = (
        "compare exports of one format: not all have the service's ids" if names else "compare exports of one project"
    )
    warn(f"no file_id is in both, so every annotation is added or removed{and_names}.", hint=hint)


def _by_file(a: pd.DataFrame, b: pd.DataFrame) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The rows of each file, and of each frame of a video, in both."""
    groups = [frame.groupby(_moments(frame), sort=False).indices for frame in (a, b)]
    nothing = np.zeros(0, dtype=np.int64)
    for key in dict.fromkeys([*groups[0], *groups[1]]):
        yield groups[0].get(key, nothing), groups[1].get(key, nothing)


def _moments(frame: pd.DataFrame) -> pd.Series:
    file = frame["file_id"].astype(object).where(frame["file_id"].notna(), "")
    moment = frame["frame"].astype(object).where(frame["frame"].notna(), "")
    return pd.Series([f"{one}\0{other}" for one, other in zip(file, moment, strict=True)], index=frame.index)


class _Side:
    """The columns of one side as plain arrays: a row of pandas costs more than all that is done with it."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.types, self.categories, self.values, self.questions, self.ids = (
            frame[name].astype(object).where(frame[name].notna(), None).to_numpy(dtype=object)
            for name in ("type", "category", "value", "question_id", "annotation_id")
        )
        self.filled = np.isin(self.types.astype(str), rasters.FILLED)
        self.fine = np.isin(self.types.astype(str), ("polygon", "mask"))
        self.coarse = np.full(len(frame), "score" in frame) & ~self.fine  # a detector's box means a box
        self.shapes = rasters.Shapes(frame)
        self.boxes = self.shapes.boxes
        self._rles: dict[int, RLE | None] = {}

    def rle(self, place: int) -> RLE | None:
        """The pixels of a row, where it has some that hold together."""
        if place not in self._rles:
            try:
                self._rles[place] = rasters.rle_of(self.shapes[place])
            except BROKEN:
                self._rles[place] = None  # what does not hold together is compared by its box
        return self._rles[place]

    def has_shape_of(self, place: int, other: _Side, their: int) -> bool:
        """Whether a row's shape is that of a row of the other side: by its text, else by value."""
        mine = self.shapes.written(place)
        if mine != (None, None) and mine == other.shapes.written(their):
            return True
        one, two = self.shapes[place], other.shapes[their]
        if (one.keypoints is None) != (two.keypoints is None):  # a json has no flags, a coco_json has
            return rasters.points_of(one) == rasters.points_of(two)
        return bool(_coordinates(one) == _coordinates(two))

    def centre(self, place: int) -> NDArray[np.float64]:
        """The middle of a row's box, else of its points."""
        x, y, width, height = self.boxes[place]
        if np.isfinite(self.boxes[place]).all():
            return np.array([x + width / 2, y + height / 2])
        points = self.shapes[place].keypoints or [np.nan] * 3
        return np.array([np.mean(points[0::3]), np.mean(points[1::3])])

    def own_id(self, place: int) -> str | None:
        """The id of an answer; not one that only counts, which says nothing across exports."""
        row_id = self.ids[place]
        return None if row_id is None or "/" in row_id or row_id.isdigit() else str(row_id)


def _coordinates(shape: rasters.Shape) -> Any:
    coordinates = shape.keypoints if shape.keypoints is not None else shape.segmentation
    return coordinates if isinstance(coordinates, list | dict) else shape.box


def _pairs(
    a: _Side, b: _Side, mine: NDArray[np.int64], theirs: NDArray[np.int64], limit: float
) -> Iterator[tuple[Any, ...]]:
    """(change, iou, position in a or None, position in b or None)."""
    partner: dict[int, int] = {}
    ids = {key: place for place, key in enumerate(map(b.own_id, theirs.tolist())) if key}
    for place, key in enumerate(map(a.own_id, mine.tolist())):  # versions of one annotation
        if key in ids and a.types[mine[place]] == b.types[theirs[ids[key]]]:
            partner[place] = ids[key]
    taken = set(partner.values())
    ious = _ious(a, b, mine, theirs, partner)
    ranked = list(_greedy(ious, limit))
    for class_too in (True, False):  # of one class first, then any
        for place, other in ranked:
            if place in partner or other in taken:
                continue
            if not class_too or a.categories[mine[place]] == b.categories[theirs[other]]:
                partner[place] = other
                taken.add(other)
    for place, other in _without_pixels(a, b, mine, theirs):
        if place not in partner and other not in taken:
            partner[place] = other
            taken.add(other)
    for place, row in enumerate(mine.tolist()):
        if place not in partner:
            yield "removed", np.nan, row, None
            continue
        iou, their = ious[place, partner[place]], int(theirs[partner[place]])
        yield _change(a, b, row, their, iou), iou, row, their
    for other, their in enumerate(theirs.tolist()):
        if other not in taken:
            yield "added", np.nan, None, their


def _without_pixels(a: _Side, b: _Side, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs of answers in words, and of points and lines, the nearest first: of one question, type and class."""
    candidates: list[tuple[float, int, int]] = []
    for place, row in enumerate(mine.tolist()):
        if a.filled[row]:
            continue
        for other, their in enumerate(theirs.tolist()):
            if b.types[their] != a.types[row] or b.questions[their] != a.questions[row]:
                continue
            if a.types[row] not in schema.SHAPE_TYPES:
                if a.values[row] == b.values[their]:
                    candidates.append((0.0, place, other))
            elif a.categories[row] == b.categories[their]:
                same = a.has_shape_of(row, b, their)
                distance = -1.0 if same else float(np.hypot(*(a.centre(row) - b.centre(their))))
                if distance <= NEAR_PIXELS:
                    candidates.append((distance, place, other))
    return [(place, other) for _, place, other in sorted(candidates)]


def _change(a: _Side, b: _Side, row: int, their: int, iou: float) -> str:
    classes = a.categories[row] == b.categories[their]
    if a.types[row] not in schema.SHAPE_TYPES:
        return "same" if classes and a.values[row] == b.values[their] else "changed"
    # lines and points have no pixels
    still = a.has_shape_of(row, b, their) if np.isnan(iou) else iou >= SAME_IOU
    if classes:
        return "same" if still else "moved"
    return "reclassified" if still else "changed"


def _greedy(ious: NDArray[np.float64], limit: float) -> Iterator[tuple[int, int]]:
    """Pairs from the best downwards."""
    order = np.argsort(-np.nan_to_num(ious), axis=None, kind="stable")
    for flat in order:
        if not ious.size or not ious.flat[flat] >= limit:
            return
        place, other = divmod(int(flat), ious.shape[1])
        yield place, other


def _ious(
    a: _Side, b: _Side, mine: NDArray[np.int64], theirs: NDArray[np.int64], partner: dict[int, int]
) -> NDArray[np.float64]:
    """IoU of each pair: of pixels where either is more than a box, else of boxes; NaN where one has neither.

    Of rows that have a `partner` already only that with it is of pixels.
    """
    ious = box_ious(np.nan_to_num(a.boxes[mine]), np.nan_to_num(b.boxes[theirs]))
    ious[~a.filled[mine], :] = np.nan
    ious[:, ~b.filled[theirs]] = np.nan
    wanted = np.ones(ious.shape, dtype=bool)
    wanted[list(partner), :] = False
    wanted[:, list(partner.values())] = False
    wanted[list(partner), list(partner.values())] = True
    fine = wanted & (a.fine[mine][:, None] | b.fine[theirs][None, :])
    fine &= ~(a.coarse[mine][:, None] | b.coarse[theirs][None, :])
    by_size: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for place, other in np.argwhere((np.nan_to_num(ious) > 0) & fine).tolist():
        row, their = int(mine[place]), int(theirs[other])
        if ious[place, other] > NEARLY_ONE and a.has_shape_of(row, b, their):
            ious[place, other] = 1.0
            continue
        one, two = a.rle(row), b.rle(their)
        if one is not None and two is not None and one["size"] == two["size"]:
            by_size.setdefault(tuple(one["size"]), []).append((place, other))
    for same in by_size.values():  # at once: native code looks no further at pairs whose boxes do not meet
        places, others = (list(dict.fromkeys(side)) for side in zip(*same, strict=True))
        left, right = [a.rle(int(mine[each])) for each in places], [b.rle(int(theirs[each])) for each in others]
        overlaps = rle_iou(cast(list[RLE], left), cast(list[RLE], right), checked=True)
        rows, columns = ({each: n for n, each in enumerate(side)} for side in (places, others))
        for place, other in same:
            ious[place, other] = overlaps[rows[place], columns[other]]
    return ious


def _table(rows: list[tuple[Any, ...]], a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    places = [[row[2] for row in rows], [row[3] for row in rows]]

    def column_of(name: str, side: int) -> list[Any]:
        values = (a, b)[side][name].tolist()
        return [None if place is None or pd.isna(values[place]) else values[place] for place in places[side]]

    both = {
        name: [
            one if one is not None else other for one, other in zip(column_of(name, 0), column_of(name, 1), strict=True)
        ]
        for name in ("file_id", "file_name")
    }
    return pd.DataFrame(
        {
            **{name: schema.text(values) for name, values in both.items()},
            "change": schema.categorical([CHANGES.index(row[0]) for row in rows], CHANGES),
            "iou": np.array([row[1] for row in rows], dtype=np.float64),
            "category_a": schema.text(column_of("category", 0)), "category_b": schema.text(column_of("category", 1)),
            "annotation_id_a": schema.text(column_of("annotation_id", 0)),
            "annotation_id_b": schema.text(column_of("annotation_id", 1)),
            "row_a": pd.array(places[0], dtype="Int64"), "row_b": pd.array(places[1], dtype="Int64"),
        }
    )  # fmt: skip


def _files(table: pd.DataFrame, a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    left, right = (frame.drop_duplicates("file_id").set_index("file_id") for frame in (a, b))
    ids = list(dict.fromkeys([*left.index, *right.index]))
    names = {**right["file_name"].to_dict(), **left["file_name"].to_dict()}
    made: dict[str, Any] = {
        "file_id": schema.text(ids), "file_name": schema.text([names[each] for each in ids]),
        "in_a": [each in left.index for each in ids], "in_b": [each in right.index for each in ids],
        "status_a": schema.text(left["status"].astype(object).reindex(ids).tolist()),
        "status_b": schema.text(right["status"].astype(object).reindex(ids).tolist()),
    }  # fmt: skip
    for change in CHANGES:
        counts = table.loc[table["change"] == change, "file_id"].value_counts()
        made[change] = counts.reindex(ids, fill_value=0).to_numpy(dtype=np.int64)
    return pd.DataFrame(made)


def _per_class(table: pd.DataFrame) -> pd.DataFrame:
    names = sorted({*table["category_a"].dropna(), *table["category_b"].dropna()})
    agreed = table[(table["category_a"] == table["category_b"]).astype("boolean").fillna(False).to_numpy(dtype=bool)]
    a, b, matched = (
        column.value_counts().reindex(names, fill_value=0)
        for column in (table["category_a"], table["category_b"], agreed["category_a"])
    )
    total = (a + b).to_numpy(dtype=np.float64)
    agreement = np.divide(2.0 * matched.to_numpy(), total, out=np.zeros(len(names)), where=total > 0)
    return pd.DataFrame(
        {
            "category": schema.text(names), "a": a.to_numpy(dtype=np.int64), "b": b.to_numpy(dtype=np.int64),
            "matched": matched.to_numpy(dtype=np.int64), "agreement": agreement,
            "mean_iou": agreed.groupby("category_a")["iou"].mean().reindex(names).to_numpy(dtype=np.float64),
        }
    )  # fmt: skip


def _confusion(table: pd.DataFrame) -> pd.DataFrame:
    left, right = (
        table[name].astype(object).where(table[name].notna(), "(none)") for name in ("category_a", "category_b")
    )
    names = [*sorted({*left, *right} - {"(none)"}), "(none)"]
    return (
        pd.crosstab(left, right).reindex(index=names, columns=names, fill_value=0).rename_axis(index="a", columns="b")
    )
