"""The annotation viewer: a canvas in the notebook, drawn by the browser from run lengths and coordinates."""

from __future__ import annotations

import io
import itertools
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from labellerr_ds import images as pictures
from labellerr_ds import render, schema
from labellerr_ds.colors import class_color
from labellerr_ds.dataset import Dataset, compare
from labellerr_ds.errors import InvalidArgumentError
from labellerr_ds.panels.packets import Packet, link_reader, packet, read_picture
from labellerr_ds.panels.shell import script, style, with_fallback

THUMBNAILS = 24
PREFETCH = (1, -1)
CHANGE_COLORS = {
    "same": "#7d8590", "added": "#009e73", "removed": "#d55e00", "moved": "#e69f00", "reclassified": "#cc79a7",
    "changed": "#0072b2",
}  # fmt: skip
_NEEDED = ["file_id", "file_name", "category", "type", "segmentation", "bbox_x", "image_width", "image_height"]


class AnnotationViewer(anywidget.AnyWidget):  # type: ignore[misc]
    """Look through labels, file by file, in the notebook.

    Keys (with the focus in the panel): left and right or p and n for the file, Home, End, up and down to
    select an annotation, ``[`` and ``]`` for the opacity, 1 to 9 for a class, 0 for all, g for thumbnails, f to
    fit, + and - to zoom, ? for help, Esc back to the cell.

    Parameters
    ----------
    dataset_or_frame : Dataset, or annotations frame
        Of a Dataset files without annotations are shown as well.
    compare : Dataset or annotations frame, optional
        What was added, removed, moved, reclassified since `dataset_or_frame`, over one another.
    images : folder, mapping of `file_id` to path, or 'links', optional
        ``'links'`` fetches them through signed links of the project that the dataset came from; the links stay
        in Python. Without images annotations are drawn on grey.
    classes : list of str, optional
        Show these alone at first.
    opacity : float

    Attributes
    ----------
    index : int
        Which file is shown; may be set.
    selected : int or None
        The index of the selected row: ``df.loc[viewer.selected]``.

    Examples
    --------
    >>> from labellerr_ds import Client, export_dataset
    >>> client = Client.sandbox()
    >>> project = client.project(client.projects()["project_id"][0])
    >>> viewer = AnnotationViewer(export_dataset(project, ["accepted"], progress=False))
    >>> viewer.index
    0
    """

    _esm = script("viewer.js")
    _css = style("viewer.css")
    index = traitlets.Int(0).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    classes: Any = traitlets.List().tag(sync=True)
    hidden: Any = traitlets.List().tag(sync=True)
    opacity = traitlets.Float(0.35).tag(sync=True)
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    mode = traitlets.Enum(["single", "grid"], "single").tag(sync=True)
    show_boxes = traitlets.Bool(True).tag(sync=True)
    show_masks = traitlets.Bool(True).tag(sync=True)
    show_labels = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self,
        dataset_or_frame: Dataset | pd.DataFrame,
        compare: Dataset | pd.DataFrame | None = None,
        *,
        images: Any = None,
        classes: list[str] | None = None,
        opacity: float = 0.35,
    ) -> None:
        frame, files, self._marks = _both(dataset_or_frame, compare)
        self._shapes = frame[frame["type"].isin(schema.SHAPE_TYPES)]
        self._files = _pages(self._shapes, files)
        self._rows = _rows_of(self._shapes, self._files)
        self._wanted = images is not None
        self._read = _reader(dataset_or_frame, self._files, images)
        names = self._shapes["category"].astype(object).where(self._shapes["category"].notna(), "(no class)")
        found = list(dict.fromkeys(map(str, names)))
        if classes is not None and (unknown := [name for name in classes if name not in found]):
            raise InvalidArgumentError(f"there is no class {unknown[0]!r}; there are {', '.join(found)}.")
        self._places = {name: place for place, name in enumerate(found)}
        self._sent: dict[int, Packet] = {}
        hidden = [] if classes is None else [place for name, place in self._places.items() if name not in classes]
        super().__init__(
            count=len(self._files),
            classes=[{"name": name, "color": class_color(name)} for name in found],
            hidden=hidden,
            opacity=opacity,
        )
        self.on_msg(self._hear)
        self.observe(self._moved, "index")

    def __repr__(self) -> str:
        name = self._files["file_name"].iloc[self.index] if self.count else "no files"
        return f"AnnotationViewer({self.count:,} files; {name})"

    @traitlets.validate("index")
    def _within(self, proposal: Any) -> int:
        return max(0, min(int(proposal["value"]), max(self.count - 1, 0)))

    def png(self, *, longest: int = 900) -> bytes:
        """The file that is shown, as a picture; classes that are hidden are left out."""
        out = io.BytesIO()
        if not self.count:
            render.draw(self._shapes.iloc[:0]).save(out, "PNG")
            return out.getvalue()
        mine = self._mine(self.index)
        off = {self.classes[place]["name"] for place in self.hidden}
        mine = mine[~mine["category"].astype(object).isin(off)]
        image = self._image(self.index)
        render.draw(mine, image, opacity=self.opacity, longest=longest).save(out, "PNG")
        return out.getvalue()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return with_fallback(super()._repr_mimebundle_(**options), repr(self), self.png())

    # --- what is where

    def _mine(self, index: int) -> pd.DataFrame:
        return self._shapes.iloc[self._rows[index]]

    def _size(self, index: int) -> tuple[int, int] | None:
        width, height = self._files[["width", "height"]].iloc[index]
        return None if pd.isna(width) or pd.isna(height) else (int(width), int(height))

    def _picture(self, index: int) -> tuple[bytes, tuple[int, int]] | None:
        source = self._read(self._files["file_id"].iloc[index])
        return None if source is None else read_picture(source, self._size(index))

    def _image(self, index: int) -> Any:
        from PIL import Image

        found = self._picture(index)
        if found is None:
            return None
        try:
            image = Image.open(io.BytesIO(found[0]))
            image.load()
        except pictures.UNREADABLE:
            return None
        return image

    def _packet(self, index: int) -> Packet:
        if index not in self._sent:
            places = self._rows[index]
            marks = {at: self._marks[row] for at, row in enumerate(places.tolist()) if row in self._marks}
            name = self._files["page"].iloc[index]
            picture, size = self._picture(index), self._size(index)
            made = packet(self._mine(index), self._places, name, size, picture, marks, wanted=self._wanted)
            self._sent[index] = Packet({**made.message, "index": index}, made.buffers)
            while len(self._sent) > 16:
                self._sent.pop(next(iter(self._sent)))
        return self._sent[index]

    # --- the browser's messages

    def _hear(self, _: Any, message: dict[str, Any], __: Any) -> None:
        kind = message.get("kind")
        if kind == "ready":
            self._show()
        elif kind == "find":
            self._find(str(message.get("text", "")))
        elif kind == "thumbnails":
            self._thumbnails(int(message.get("start", 0)))

    def _moved(self, _: Any) -> None:
        self._show()

    def _show(self) -> None:
        """Send the file that is shown, and then its neighbours, so that they are there when they are asked for."""
        for step in (0, *PREFETCH):
            index = self.index + step
            if 0 <= index < self.count:
                made = self._packet(index)
                self.send(made.message, made.buffers)

    def _find(self, text: str) -> None:
        names = self._files["page"].str.casefold()
        hits = np.flatnonzero(names.str.contains(text.casefold(), regex=False).to_numpy(dtype=bool))
        if len(hits):
            after = hits[hits > self.index]
            self.index = int(after[0] if len(after) else hits[0])

    def _thumbnails(self, start: int) -> None:
        start = max(0, min(start, max(self.count - 1, 0)))
        items, buffers = [], []
        for index in range(start, min(start + THUMBNAILS, self.count)):
            mine = self._mine(index)
            out = io.BytesIO()
            render.draw(mine, self._image(index), longest=200).save(out, "JPEG", quality=80)
            items.append({"index": index, "name": self._files["page"].iloc[index], "count": len(mine)})
            buffers.append(out.getvalue())
        self.send({"kind": "thumbnails", "start": start, "items": items}, buffers)


def _both(
    before: Dataset | pd.DataFrame, after: Dataset | pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame | None, dict[int, tuple[str, str]]]:
    """The annotations to draw, the files, and what a comparison says of each row (by position among the shapes)."""
    frames = []
    for side in (before,) if after is None else (before, after):
        frame = side.annotations if isinstance(side, Dataset) else side
        if not isinstance(frame, pd.DataFrame) or (missing := [name for name in _NEEDED if name not in frame]):
            told = type(side).__name__ if not isinstance(frame, pd.DataFrame) else f"no column {missing[0]!r}"
            raise InvalidArgumentError(f"a viewer takes a Dataset or an annotations frame of labellerr_ds; got {told}.")
        frames.append(frame)
    files = before.files if isinstance(before, Dataset) else None
    if after is None:
        return frames[0], files, {}
    from labellerr_ds.uniting import unite_frames

    told = compare(before, after).annotations
    old = told[told["change"] != "same"]["row_a"].dropna().astype(int)
    new = told["row_b"].dropna().astype(int)
    words = dict(zip(told["row_b"], told["change"].astype(str), strict=True))
    gone = dict(zip(told["row_a"], told["change"].astype(str), strict=True))
    united = unite_frames([frames[0].iloc[old], frames[1].iloc[new]])
    changes = [gone[row] for row in old] + [words[row] for row in new]
    if isinstance(after, Dataset) and files is not None:
        files = unite_frames([files, after.files]).drop_duplicates("file_id", ignore_index=True)
    is_shape = united["type"].isin(schema.SHAPE_TYPES).to_numpy()
    shaped = [
        ("before" if place < len(old) and change != "removed" else change, change)
        for place, change in enumerate(changes)
        if is_shape[place]
    ]
    marks = {
        place: (word, CHANGE_COLORS["same" if word == "before" else change])
        for place, (word, change) in enumerate(shaped)
    }
    return united, files, marks


def _pages(shapes: pd.DataFrame, files: pd.DataFrame | None) -> pd.DataFrame:
    """A row a file, of a video a row a frame: what the viewer pages through."""
    moments = shapes[["file_id", "frame"]].dropna().drop_duplicates() if "frame" in shapes else shapes.iloc[:0]
    if files is None:
        files = shapes[["file_id", "file_name", "image_width", "image_height"]].rename(
            columns={"image_width": "width", "image_height": "height"}
        )
    table = files[["file_id", "file_name", "width", "height"]].dropna(subset=["file_id"])
    table = table.drop_duplicates("file_id").reset_index(drop=True)
    if len(moments):
        table = table.merge(moments.sort_values(["file_id", "frame"]), on="file_id", how="left")
    else:
        table["frame"] = pd.array([pd.NA] * len(table), dtype="Int64")
    name = table["file_name"].fillna(table["file_id"]).astype(object)
    still = table["frame"].isna()
    table["page"] = name.where(still, name + ", frame " + table["frame"].astype("string").astype(object))
    return table


def _rows_of(shapes: pd.DataFrame, pages: pd.DataFrame) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """The positions of the shapes on each page, by one sort."""
    frames = shapes["frame"] if "frame" in shapes else pd.Series(pd.NA, index=shapes.index, dtype="Int64")
    keys = pd.MultiIndex.from_arrays([pages["file_id"].astype(object), pages["frame"].fillna(-1).astype(np.int64)])
    wanted = pd.MultiIndex.from_arrays([shapes["file_id"].astype(object), frames.fillna(-1).astype(np.int64)])
    place = keys.get_indexer(wanted) if len(shapes) else np.zeros(0, dtype=np.int64)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(len(pages) + 1))
    return [order[start:stop] for start, stop in itertools.pairwise(bounds)]


def _reader(source: Any, pages: pd.DataFrame, images: Any) -> Any:
    if images is None:
        return lambda file_id: None
    if isinstance(images, str) and images == "links":
        project = getattr(source, "_project", None)
        if project is None:
            raise InvalidArgumentError("images='links' needs a Dataset that was exported in this process.")
        return link_reader(project)
    where = pictures.locate(pages, images)
    return where.get
