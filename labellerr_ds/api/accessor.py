"""``df.labellerr``: thin, stateless; each method one call of what lies below."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.hint import argument, call
from labellerr_ds.frames import schema

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from labellerr_ds.analysis.plots import Plots
    from labellerr_ds.widgets.viewer import AnnotationViewer

_BOX = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]
_SIZE = ["image_width", "image_height"]
_SHAPE = ["type", "segmentation", *_BOX, "rotation", *_SIZE]


@pd.api.extensions.register_dataframe_accessor("labellerr")
class LabellerrAccessor:
    """What can be done with an annotations frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def _need(self, *names: str) -> pd.DataFrame:
        if missing := [name for name in names if name not in self._frame]:
            raise InvalidArgumentError(f"not an annotations frame of labellerr_ds: missing column {missing[0]!r}.")
        return self._frame

    def _turned(self, *names: str) -> pd.DataFrame:
        """The frame with rotated boxes where they lie, as polygons."""
        from labellerr_ds.shapes.rotated import turned_boxes

        return turned_boxes(self._need(*names, *_SHAPE))

    # --- shapes

    def boxes(
        self, form: Literal["xyxy", "xywh", "cxcywh"] = "xyxy", *, normalized: bool = False, rotated: bool = False
    ) -> NDArray[np.float64]:
        """The boxes, ``(N, 4)`` float64 in pixels, NaN where a row has none.

        Parameters
        ----------
        form : {'xyxy', 'xywh', 'cxcywh'}
        normalized : bool
            As shares of the image's width and height, 0 to 1; NaN where its size is not known.
        rotated : bool
            Of a rotated box the one around it where it lies; without it the box as exported, before it is turned.

        Examples
        --------
        >>> from labellerr_ds.frames import schema
        >>> columns = {"bbox_x": [1.0], "bbox_y": [2.0], "bbox_width": [3.0], "bbox_height": [4.0]}
        >>> schema.build("annotations", columns, 1).labellerr.boxes("xyxy").tolist()
        [[1.0, 2.0, 4.0, 6.0]]
        """
        from labellerr_ds.shapes.boxes import xywh_to_cxcywh, xywh_to_xyxy

        forms: dict[str, Callable[..., Any]] = {
            "xyxy": xywh_to_xyxy,
            "xywh": np.copy,
            "cxcywh": xywh_to_cxcywh,
        }
        if form not in forms:
            raise InvalidArgumentError(f"form must be one of {', '.join(forms)}; got {form!r}.")
        frame = self._turned(*_BOX) if rotated else self._need(*_BOX)
        boxes: NDArray[np.float64]
        boxes = forms[form](frame[_BOX].to_numpy(dtype=np.float64))
        if normalized:
            sizes = self._need(*_SIZE)[_SIZE].to_numpy(dtype=np.float64, na_value=np.nan)
            boxes = boxes / np.tile(np.where(sizes > 0, sizes, np.nan), 2)
        return boxes

    def polygons(self, *, rotated: bool = False) -> list[list[list[float]]]:
        """The rings of each row, ``[x1, y1, x2, y2, …]`` each, in pixels; ``[]`` for what encloses nothing.

        A box is its four corners; a mask the rings of its parts, along the edges of its pixels (its holes
        are in the RLE alone).

        Parameters
        ----------
        rotated : bool
            Boxes about their centre by their `rotation`. Without it they are as exported, before they are
            turned, as in a coco_json and in png masks.
        """
        from labellerr_ds.shapes import rasters

        return list(rasters.polygons(self._need(*_SHAPE), rotated=rotated))

    def masks(self, *, rotated: bool = False) -> Iterator[NDArray[np.bool_] | None]:
        """The pixels of each row, ``(H, W)`` bool, lazily, one at a time; None for what has none.

        Polygons and boxes are filled as pycocotools fills them.

        Parameters
        ----------
        rotated : bool
            Boxes about their centre by their `rotation`, see `polygons`.
        """
        from labellerr_ds.shapes import rasters

        return rasters.rasters(self._need(*_SHAPE), rotated=rotated)

    def rles(self, *, rotated: bool = False) -> list[dict[str, Any] | None]:
        """The pixels of each row as RLE, ``{"size": [height, width], "counts": str}``; None for what has none.

        Parameters
        ----------
        rotated : bool
            Boxes about their centre by their `rotation`, see `polygons`.
        """
        from labellerr_ds.shapes import rasters

        return list(rasters.rles(self._need(*_SHAPE), rotated=rotated))

    def label_map(
        self,
        file_id: str | None = None,
        *,
        instances: bool = False,
        order: Literal["given", "large_first"] = "given",
        rotated: bool = False,
    ) -> NDArray[np.int32]:
        """One raster of a file's annotations, ``(H, W)`` int32, 0 where nothing is.

        Parameters
        ----------
        file_id : str, optional
            Of which file; not needed where the frame has one only.
        instances : bool
            A number for each annotation, from 1 in the order of its rows, instead of one for each class, from 1
            in the order of ``df["category"].cat.categories``.
        order : {'given', 'large_first'}
            Where annotations overlap the later one lies on top: in the order of the rows, or the smaller ones
            over the larger.
        rotated : bool
            Boxes about their centre by their `rotation`, see `polygons`.
        """
        from labellerr_ds.shapes import rasters

        frame = self._need("file_id", "category", *_SHAPE)
        file_ids = frame["file_id"].dropna().unique()
        if file_id is None and len(file_ids) != 1:
            raise InvalidArgumentError(
                f"this frame has {len(file_ids):,} files; one is expected.", hint=argument("file_id")
            )
        mine = frame[frame["file_id"] == (file_ids[0] if file_id is None else file_id)]
        if mine.empty:
            raise InvalidArgumentError(f"no annotations of file {file_id!r} in this frame.")
        if "frame" in mine and mine["frame"].nunique(dropna=False) > 1:
            raise InvalidArgumentError(
                "this file is a video; the rows of one frame are expected.", hint=call("df[df['frame'] == number]")
            )
        width, height = mine[_SIZE].iloc[0]
        if pd.isna(width) or pd.isna(height):
            raise InvalidArgumentError("the size of this file's image is unknown.")
        categories = frame["category"] if hasattr(frame["category"], "cat") else frame["category"].astype("category")
        codes = categories.cat.codes[frame["file_id"].isin(mine["file_id"].iloc[:1]).to_numpy()]
        values = range(1, len(mine) + 1) if instances else (codes + 1).tolist()
        return rasters.label_map(mine, values, height=int(height), width=int(width), order=order, rotated=rotated)

    def crops(
        self, images: str | Path | Mapping[str, str | Path], *, pad: float = 0.0, rotated: bool = False
    ) -> Iterator[tuple[Any, Image.Image]]:
        """The part of the image in each row's box, lazily, as (index of the row, PIL image).

        Rows without a box, and those whose image is not there, are passed over, and a warning counts them.

        Parameters
        ----------
        images : folder, or mapping of `file_id` to path
            A folder as `Dataset.download_images` fills it, or one that has the files by their names.
        pad : float
            Pixels around the box.
        rotated : bool
            Of a rotated box the part around it where it lies; without it around the box as exported.
        """
        from labellerr_ds.images.pixels import crops

        need = ("file_id", "file_name", *_BOX, *_SIZE)
        return crops(self._turned(*need) if rotated else self._need(*need), images, pad)

    # --- rows

    def filter(
        self,
        *,
        category: str | list[str] | None = None,
        status: str | list[str] | None = None,
        type: str | list[str] | None = None,
        min_area: float | None = None,
        max_area: float | None = None,
    ) -> pd.DataFrame:
        """The rows that meet all of these; dtypes, categories and ``attrs`` stay.

        Parameters
        ----------
        category, status, type : str or list of str, optional
        min_area, max_area : float, optional
            Square pixels, both included; rows without an area do not meet them.
        """
        frame = self._need("category", "status", "type", "area")
        kept = np.ones(len(frame), dtype=bool)
        for name, wanted in (("category", category), ("status", status), ("type", type)):
            if wanted is None:
                continue
            words = [wanted] if isinstance(wanted, str) else list(wanted)
            known = list(frame[name].cat.categories) if hasattr(frame[name], "cat") else list(frame[name].unique())
            if unknown := [word for word in words if word not in known]:
                raise InvalidArgumentError(
                    f"no {name} {unknown[0]!r} in this frame; there are {', '.join(map(str, known))}."
                )
            kept &= frame[name].isin(words).to_numpy(dtype=bool)
        if min_area is not None:
            kept &= frame["area"].to_numpy() >= min_area
        if max_area is not None:
            kept &= frame["area"].to_numpy() <= max_area
        return frame[kept].reset_index(drop=True)

    def attributes(self) -> pd.DataFrame:
        """A column an attribute, a row a row of the frame, with its index; missing where an object does not have it.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> import pandas as pd, labellerr_ds
        >>> frame = pd.DataFrame({"attributes": ['{"colour": "red"}', '[{"name": "age", "value": 3}]', None]})
        >>> list(frame.labellerr.attributes().columns)
        ['colour', 'age']
        """
        from labellerr_ds.analysis import wide

        return wide.attributes(self._need("attributes"))

    def detections(self, file: str) -> Any:
        """The shapes of one file as ``supervision.Detections``: boxes, masks where it has any, classes, scores.

        Parameters
        ----------
        file : str
            The file's id, or its name where one file alone has it.

        Returns
        -------
        supervision.Detections
            ``class_id`` is the place of a class among the frame's categories; ``data`` has `class_name` and
            `annotation_id`. https://supervision.roboflow.com/latest/detection/core/

        Raises
        ------
        MissingExtraError
            Where supervision is not installed.
        """
        from labellerr_ds.analysis import detections

        names = ("file_id", "file_name", "category", "annotation_id")
        return detections.detections(self._need(*names, *_SHAPE), file)

    def wide(self) -> pd.DataFrame:
        """A row a file, a column a question that is answered in words; several answers are a list.

        Columns are headed by the question's name; where two share one, by name and id.
        """
        from labellerr_ds.analysis import wide

        return wide.wide(self._need("file_id", "file_name", "status", "question_id", "category", "type", "value"))

    def plain(self, *, safe: bool = False) -> pd.DataFrame:
        """The frame with shapes as JSON text, for tools that know nothing of us.

        Parameters
        ----------
        safe : bool
            Text that a spreadsheet would take for a formula (``=``, ``+``, ``-``, ``@``, tab or return in front) has a
            ``'`` before it; numbers are as they are. `from_safe` takes it away.

        Returns
        -------
        DataFrame

        Notes
        -----
        The characters are those of https://owasp.org/www-community/attacks/CSV_Injection

        Examples
        --------
        >>> import pandas as pd, labellerr_ds
        >>> frame = pd.DataFrame({"value": ["=1+1", "-5", "it's"]})
        >>> frame.labellerr.plain(safe=True)["value"].tolist()
        ["'=1+1", '-5', "it's"]
        """
        frame = self._frame.copy()
        for name in frame.columns:
            if frame[name].dtype == "segmentation":
                frame[name] = schema.text(frame[name].array.texts())
        return _marked(frame, _FORMULA, lambda text: "'" + text) if safe else frame

    def from_safe(self) -> pd.DataFrame:
        """The frame that ``plain(safe=True)`` was made of, without the ``'`` before formulas.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> import pandas as pd, labellerr_ds
        >>> frame = pd.DataFrame({"value": ["=1+1", "'quoted'"]})
        >>> frame.labellerr.plain(safe=True).labellerr.from_safe()["value"].tolist()
        ['=1+1', "'quoted'"]
        """
        return _marked(self._frame.copy(), _MARKED, lambda text: text[1:])

    # --- looking at it

    def check(
        self,
        *,
        files: pd.DataFrame | None = None,
        images: Any = None,
        min_side: float = 2.0,
        predictions: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """What is probably wrong with the labels: a row a problem.

        Parameters
        ----------
        files : DataFrame, optional
            The `files` frame, to look for files that share a name.
        images : folder, or mapping of `file_id` to path, optional
            To look for images that are missing, have another size, or look nearly the same.
        min_side : float
            Boxes with a side below so many pixels are `tiny`.
        predictions : DataFrame, optional
            What a detector says of the same files, with a `score` (`Dataset.with_predictions` makes it): the likeliest
            label errors come first then, in order: a prediction without a label, one of another class or beside the
            label, a label that no prediction meets.

        Returns
        -------
        DataFrame
            `problem` (category), `row` (index of the row in this frame), `annotation_id`, `file_id`, `file_name`,
            `category`, `message`; with `predictions` also `likelihood`, from 0 to 1, which orders them and is not a
            probability; what each problem means is in `labellerr_ds.analysis.quality.PROBLEMS`.
        """
        from labellerr_ds.analysis import quality

        frame = self._need(
            "annotation_id", "file_id", "file_name", "category", "category_id", "area", "iscrowd", *_SHAPE
        )
        return quality.check(frame, files=files, images=images, min_side=min_side, predictions=predictions)

    def view(
        self,
        compare: pd.DataFrame | None = None,
        *,
        images: Any = None,
        classes: str | list[str] | None = None,
        opacity: float = 0.35,
        index: int = 0,
        layout: Literal["over", "side"] = "over",
        backend: Literal["auto", "canvas", "image"] = "auto",
    ) -> AnnotationViewer:
        """A panel to look through the labels with.

        Parameters
        ----------
        compare, images, classes, opacity, index, layout, backend
            As for `labellerr_ds.AnnotationViewer`.
        """
        from labellerr_ds.widgets.viewer import AnnotationViewer

        frame = self._need("file_id", "file_name", "category", *_SHAPE)
        return AnnotationViewer(
            frame,
            compare,
            images=images,
            classes=classes,
            opacity=opacity,
            index=index,
            layout=layout,
            backend=backend,
        )

    @property
    def plot(self) -> Plots:
        """``df.labellerr.plot.class_balance()`` and the others; called itself, the six on a page."""
        from labellerr_ds.analysis.plots import Plots

        return Plots(self._frame)


_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_FORMULA = re.compile(rf"(?!{_NUMBER}\Z)'*[=+\-@\t\r].*", re.DOTALL)
_MARKED = re.compile(rf"'(?!{_NUMBER}\Z)'*[=+\-@\t\r].*", re.DOTALL)


def _marked(frame: pd.DataFrame, pattern: re.Pattern[str], mark: Callable[[str], str]) -> pd.DataFrame:
    """The frame with the words of its text columns that fit a pattern changed."""
    for name in frame.columns:
        dtype = frame[name].dtype
        if not (isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(dtype)):
            continue
        words = {word for word in frame[name].dropna().unique() if isinstance(word, str) and pattern.fullmatch(word)}
        if words:
            frame[name] = schema.text([mark(word) if word in words else word for word in frame[name].astype(object)])
    return frame
