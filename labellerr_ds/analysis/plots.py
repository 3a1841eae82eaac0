"""Plots that show what is wrong with the labels; each takes ``ax=`` and gives the Axes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.frames import schema
from labellerr_ds.images.colors import GREY, NO_CLASS, colors_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["shapes", "answers", "all"]
TOP = 20
LONGEST_NAME = 28
LEGEND = 12  # classes
INK, RIM = "#3a3f47", "#00000055"
SMALL, MEDIUM = 32.0**2, 96.0**2  # square pixels: COCO's small, medium and large objects end there


class Plots:
    """``df.labellerr.plot``: a method a plot; called itself, the six on a page."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __call__(self, *, files: pd.DataFrame | None = None, axes: Any = None) -> Any:
        """The six on a page."""
        return page(self._frame, files, axes)

    def class_balance(self, *, ax: Axes | None = None, top: int = TOP, log: bool = False, kind: Kind = "all") -> Axes:
        """How many annotations each class has, and on how many files; those after the `top` together.

        `kind` 'shapes' leaves out the answers to questions, 'answers' the shapes.
        """
        return class_balance(self._frame, ax=ax, top=top, log=log, kind=kind)

    def status_funnel(self, *, ax: Axes | None = None, files: pd.DataFrame | None = None) -> Axes:
        """How many files have each status, in the order of the workflow; without `files`, of those with annotations."""
        return status_funnel(self._frame, files, ax=ax)

    def per_image(self, *, ax: Axes | None = None, files: pd.DataFrame | None = None) -> Axes:
        """How many annotations a file has; those without any are counted where `files` is given."""
        return per_image(self._frame, files, ax=ax)

    def area(self, *, ax: Axes | None = None) -> Axes:
        """How large annotations are, with COCO's lines of small, medium and large."""
        return area(self._frame, ax=ax)

    def heatmap(self, *, ax: Axes | None = None, category: str | None = None, bins: int = 24) -> Axes:
        """Where on their images the centres of annotations are."""
        return heatmap(self._frame, ax=ax, category=category, bins=bins)

    def mask_grid(self, images: Any = None, *, n: int = 9, seed: int = 0, ax: Axes | None = None) -> Axes:
        """Some images with their annotations over them; on grey where an image is not there."""
        return mask_grid(self._frame, images, n=n, seed=seed, ax=ax)

    def cooccurrence(self, *, ax: Axes | None = None, top: int = 12, kind: Kind = "all") -> Axes:
        """Which classes are on the same files; `kind` as for `class_balance`."""
        return cooccurrence(self._frame, ax=ax, top=top, kind=kind)

    def over_time(self, *, files: pd.DataFrame, ax: Axes | None = None, freq: str = "D") -> Axes:
        """How many annotations lie on files that were added by when."""
        return over_time(self._frame, files, ax=ax, freq=freq)


def page(annotations: pd.DataFrame, files: pd.DataFrame | None, axes: Any = None) -> Any:
    """Six on a page; the array of Axes, 2 x 3."""
    if axes is None:
        _, axes = _pyplot().subplots(2, 3, figsize=(15, 8.5), layout="constrained")
    flat = np.asarray(axes, dtype=object).ravel()
    if len(flat) != 6:
        raise InvalidArgumentError(f"axes must be six Axes, got {len(flat)}.")
    kind: Kind = "shapes" if len(_of_kind(annotations, "shapes")) else "all"
    class_balance(annotations, ax=flat[0], kind=kind)
    status_funnel(annotations, files, ax=flat[1])
    per_image(annotations, files, ax=flat[2])
    area(annotations, ax=flat[3])
    heatmap(annotations, ax=flat[4])
    cooccurrence(annotations, ax=flat[5], kind=kind)
    return axes


def _of_kind(annotations: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    if kind not in ("shapes", "answers", "all"):
        raise InvalidArgumentError(f"kind must be 'shapes', 'answers' or 'all', got {kind!r}.")
    if kind == "all":
        return annotations
    is_shape = _need(annotations, "type")["type"].isin(list(schema.SHAPE_TYPES)).to_numpy(dtype=bool)
    return annotations[is_shape if kind == "shapes" else ~is_shape]


_TITLES = {"shapes": "Shapes by class", "answers": "Answers by question", "all": "Annotations by class"}


def class_balance(
    annotations: pd.DataFrame, *, ax: Axes | None = None, top: int = TOP, log: bool = False, kind: Kind = "all"
) -> Axes:
    """Horizontal bars, the most frequent class on top."""
    rows = _need(_of_kind(annotations, kind), "category", "file_id")
    ax = _axes(ax, _TITLES[kind])
    names = rows["category"].astype(object).where(rows["category"].notna(), NO_CLASS)
    counts = names.value_counts()
    if counts.empty:
        return _nothing(ax)
    images = rows.groupby(names.to_numpy(), sort=False)["file_id"].nunique()
    shown, rest = counts.iloc[:top], counts.iloc[top:]
    labels = [_short(name) for name in shown.index]
    known = colors_of(rows)
    colors = [known.get(str(name), GREY) for name in shown.index]
    texts = [f"{count:,} in {images[name]:,} {_files(images[name])}" for name, count in shown.items()]
    values = shown.tolist()
    if len(rest):
        labels.append(f"{len(rest):,} other classes")
        values.append(int(rest.sum()))
        colors.append(GREY)
        texts.append(f"{rest.sum():,}")
    places = np.arange(len(values))[::-1]
    ax.barh(places, values, color=colors, height=0.72, edgecolor=RIM, linewidth=0.6)
    for place, value, text in zip(places, values, texts, strict=True):
        ax.annotate(
            text, (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color=_ink()
        )
    ax.set_yticks(places, labels, fontsize=9)
    ax.set_ylim(-0.6, len(values) - 0.4)
    if log:
        ax.set_xscale("log")
    else:
        _whole(ax.xaxis)
    ax.set_xlim(0.5 if log else 0, max(values) * (3 if log else 1.38))  # room for the counts
    return _plain(ax, "annotations")


def status_funnel(annotations: pd.DataFrame, files: pd.DataFrame | None = None, *, ax: Axes | None = None) -> Axes:
    """Bars in the order of the workflow; other words come last."""
    ax = _axes(ax, "Files by status")
    table = _per_file(annotations, files)
    status = table["status"]
    order = list(status.cat.categories) if hasattr(status, "cat") else list(dict.fromkeys(status.dropna()))
    counts = status.astype(object).where(status.notna(), "(missing)").value_counts()
    order = [name for name in [*order, "(missing)"] if counts.get(name, 0)]
    if not order:
        return _nothing(ax)
    values = [int(counts[name]) for name in order]
    bad = {"rejected", "client_rejected", "(missing)"}
    places = np.arange(len(order))[::-1]
    ax.barh(places, values, color=[GREY if name in bad else "#0072b2" for name in order], height=0.72)
    for place, value in zip(places, values, strict=True):
        text = f"{value:,} ({value / sum(values):.0%})"
        ax.annotate(
            text, (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color=_ink()
        )
    ax.set_yticks(places, [_short(name) for name in order], fontsize=9)
    ax.set_ylim(-0.6, len(values) - 0.4)
    ax.set_xlim(0, max(values) * 1.25)
    if len(order) == 1:
        ax.set_ylim(-2, 2)
        said = "not in this export" if order[0] == "(missing)" else f"all are {order[0]}"
        ax.set_title(f"{ax.get_title(loc='left')}: {said}", fontsize=10, loc="left", parse_math=False)
    _whole(ax.xaxis)
    return _plain(ax, "files")


def per_image(annotations: pd.DataFrame, files: pd.DataFrame | None = None, *, ax: Axes | None = None) -> Axes:
    """A histogram with a line at the median."""
    ax = _axes(ax, "Annotations per file")
    counts = _need(annotations, "file_id")["file_id"].value_counts()
    if files is not None:
        ids = files["file_id"].dropna().drop_duplicates()
        counts = counts.reindex(ids, fill_value=0)
    if counts.empty:
        return _nothing(ax)
    highest = int(counts.max())
    edges = np.arange(highest + 2) - 0.5 if highest <= 40 else np.linspace(-0.5, highest + 0.5, 41)
    ax.hist(counts, bins=edges, color="#0072b2", rwidth=0.92)
    median = float(counts.median())
    without = int((counts == 0).sum())
    ax.axvline(median, color="#d55e00", linewidth=1.5, label=f"median {median:g}")
    if files is not None:
        ax.plot([], [], " ", label=f"{without:,} without any")
    ax.legend(frameon=False, fontsize=8)
    ax.set_xlabel("annotations", fontsize=9)
    _whole(ax.xaxis, ax.yaxis)
    return _plain(ax, None, "files")


def area(annotations: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """A histogram on a logarithmic scale; areas of zero are counted, not dropped."""
    ax = _axes(ax, "Area of annotations")
    areas = _need(annotations, "area")["area"].dropna()
    if areas.empty:
        return _nothing(ax)
    zero, words = int((areas <= 0).sum()), []
    areas = areas[areas > 0]
    if len(areas):
        low, high = np.log10(areas.min()), np.log10(areas.max())
        ax.hist(areas, bins=np.logspace(low - 0.05, high + 0.05, 36), color="#009e73")
        ax.set_xscale("log")
        names = ("small", "medium", "large")
        shares = [(areas < SMALL).mean(), ((areas >= SMALL) & (areas < MEDIUM)).mean(), (areas >= MEDIUM).mean()]
        for line in (SMALL, MEDIUM):
            ax.axvline(line, color=_ink(), linewidth=1, linestyle=":")
        words.append(", ".join(f"{name} {share:.0%}" for name, share in zip(names, shares, strict=True)))
    if zero:
        words.append(f"{zero:,} of area 0")
    ax.set_xlabel("\n".join(["square pixels; lines at 32² and 96²", "; ".join(words)]), fontsize=9)
    _whole(ax.yaxis)
    return _plain(ax, None, "annotations")


def heatmap(annotations: pd.DataFrame, *, ax: Axes | None = None, category: str | None = None, bins: int = 24) -> Axes:
    """Centres of boxes on the unit square, y down, so that images of several sizes go together."""
    ax = _axes(ax, "Where annotations are" if category is None else f"Where {_short(category)} is")
    rows = _need(annotations, "bbox_x", "bbox_y", "bbox_width", "bbox_height", "image_width", "image_height")
    if category is not None:
        rows = rows[(rows["category"] == category).to_numpy(dtype=bool)]
    sizes = rows[["image_width", "image_height"]].to_numpy(dtype=np.float64, na_value=np.nan)
    boxes = rows[["bbox_x", "bbox_y", "bbox_width", "bbox_height"]].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        centres = (boxes[:, :2] + boxes[:, 2:] / 2) / sizes
    centres = centres[np.isfinite(centres).all(axis=1)]
    if not len(centres):
        return _nothing(ax)
    outside = int(((centres < 0) | (centres > 1)).any(axis=1).sum())
    counts, _, _ = np.histogram2d(centres[:, 1], centres[:, 0], bins=bins, range=[[0, 1], [0, 1]])
    picture = ax.imshow(counts, extent=(0, 1, 1, 0), cmap="viridis", interpolation="nearest", aspect="equal")
    bar = ax.figure.colorbar(picture, ax=ax, shrink=0.8)
    bar.ax.tick_params(labelsize=8)
    bar.set_label("annotations whose centre is there", fontsize=8)
    _whole(bar.ax.yaxis)
    ax.set_xlabel("share of width" + (f"; {outside:,} centres outside" if outside else ""), fontsize=9)
    ax.set_ylabel("share of height", fontsize=9)
    ax.tick_params(labelsize=8)
    return ax


def cooccurrence(annotations: pd.DataFrame, *, ax: Axes | None = None, top: int = 12, kind: Kind = "all") -> Axes:
    """Of the files with the class of the row, the share that has the class of the column as well."""
    ax = _axes(ax, "Classes on the same files")
    rows = _need(_of_kind(annotations, kind), "category", "file_id")[["file_id", "category"]].dropna().drop_duplicates()
    names = rows["category"].astype(object).value_counts().index[:top].tolist()
    if not names:
        return _nothing(ax)
    kept = rows[rows["category"].isin(names)]
    has = pd.crosstab(kept["file_id"].astype(object), kept["category"].astype(object)).reindex(
        columns=names, fill_value=0
    )
    has = has.to_numpy() > 0
    both = has.T.astype(np.float64) @ has
    shares = both / np.maximum(np.diag(both), 1)[:, None]
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    labels = [_short(name, 16) for name in names]
    ax.set_xticks(range(len(names)), labels, rotation=45, ha="right", fontsize=8)
    ax.set_yticks(range(len(names)), labels, fontsize=8)
    ax.set_xlabel("of the files with the row's class, % that have the column's", fontsize=8)
    if len(names) <= 12:
        for row in range(len(names)):
            for column in range(len(names)):
                color = "white" if shares[row, column] > 0.55 else INK
                text = f"{100 * shares[row, column]:.0f}"
                ax.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
    return ax


def over_time(annotations: pd.DataFrame, files: pd.DataFrame, *, ax: Axes | None = None, freq: str = "D") -> Axes:
    """Annotations by the day on which their file was added, most frequent classes stacked."""
    ax = _axes(ax, "Annotations by when their file was added")
    added = files.dropna(subset=["file_id"]).drop_duplicates("file_id").set_index("file_id")["created_at"]
    rows = _need(annotations, "category", "file_id")
    when = rows["file_id"].map(added)
    kept = rows[when.notna().to_numpy()]
    if kept.empty:
        return _nothing(ax)
    day = pd.DatetimeIndex(when.dropna()).tz_convert("UTC").tz_localize(None).to_period(freq).to_timestamp()
    names = kept["category"].astype(object).where(kept["category"].notna(), NO_CLASS)
    top = names.value_counts().index[:8]
    names = names.where(names.isin(top), "others")
    table = pd.crosstab(day.to_numpy(), names.to_numpy())
    order = [name for name in [*top, "others"] if name in table]
    bottom, known = np.zeros(len(table)), colors_of(kept)
    width = 0.9 * float(np.diff(table.index.to_numpy()).min() / np.timedelta64(1, "D")) if len(table) > 1 else 0.9
    for name in order:
        color = GREY if name == "others" else known.get(str(name), GREY)
        values = table[name].to_numpy()
        ax.bar(table.index.to_numpy(), values, width, bottom=bottom, color=color, label=_short(name, 18))
        bottom += values
    ax.legend(frameon=False, fontsize=8, ncols=2)
    ax.tick_params(axis="x", rotation=30)
    return _plain(ax, None, "annotations")


def mask_grid(
    annotations: pd.DataFrame, images: Any = None, *, n: int = 9, seed: int = 0, ax: Axes | None = None
) -> Axes:
    """Tiles side by side, the same choice for the same seed."""
    from labellerr_ds.images import render

    ax = _axes(ax, "")
    rows = _need(annotations, "file_id", "file_name", "category", "type", "segmentation")
    ids = np.array(sorted(rows["file_id"].dropna().unique()), dtype=object)
    if not len(ids):
        return _nothing(ax)
    chosen = np.random.default_rng(seed).permutation(ids)[: max(n, 1)]
    ax.imshow(render.grid(rows, chosen.tolist(), images))
    ax.set_axis_off()
    shown = rows[rows["file_id"].isin(chosen) & rows["type"].isin(list(schema.SHAPE_TYPES))]
    names = shown["category"].astype(object).value_counts().index[:LEGEND]
    known = colors_of(rows)
    for name in names:
        ax.plot([], [], "s", color=known[str(name)], markeredgecolor=RIM, label=_short(name, 18))
    if len(names):
        ax.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 0.0))
    return ax


# --- what they share


def _pyplot() -> Any:
    import matplotlib.pyplot as plt

    return plt


def _axes(ax: Axes | None, title: str) -> Axes:
    axes: Axes = _pyplot().subplots(layout="constrained")[1] if ax is None else ax
    if title and not axes.get_title():
        axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    return axes


def _ink() -> str:
    """What is written with, in the style at hand."""
    return str(_pyplot().rcParams["text.color"])


def _nothing(ax: Axes) -> Axes:
    ax.text(0.5, 0.5, "nothing to show", ha="center", va="center", color=GREY, transform=ax.transAxes)
    ax.set_xticks([])
    ax.set_yticks([])
    return _plain(ax, None)


def _plain(ax: Axes, xlabel: str | None, ylabel: str | None = None) -> Axes:
    if xlabel:
        ax.set_xlabel(xlabel, fontsize=9)
    if ylabel:
        ax.set_ylabel(ylabel, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8)
    return ax


def _whole(*axes: Any) -> None:
    """Ticks at whole numbers: what is counted has no halves."""
    from matplotlib.ticker import MaxNLocator

    for axis in axes:
        axis.set_major_locator(MaxNLocator(nbins=7, integer=True))


def _short(name: object, longest: int = LONGEST_NAME) -> str:
    """A name as a label: not too long, and no mathematics in it."""
    text = " ".join(str(name).split())
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")


def _files(count: int) -> str:
    return "file" if count == 1 else "files"


def _need(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    if missing := [name for name in names if name not in frame]:
        raise InvalidArgumentError(f"not an annotations frame of labellerr_ds: missing column {missing[0]!r}.")
    return frame


def _per_file(annotations: pd.DataFrame, files: pd.DataFrame | None) -> pd.DataFrame:
    return _need(annotations if files is None else files, "file_id", "status").drop_duplicates("file_id")
