"""``df.labellerr``: thin, stateless; each method one call of what lies below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from labellerr_ds import geometry, schema
from labellerr_ds.errors import InvalidArgumentError

_BOX = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]


@pd.api.extensions.register_dataframe_accessor("labellerr")
class LabellerrAccessor:
    """What can be done with an annotations frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def _need(self, *names: str) -> pd.DataFrame:
        if missing := [name for name in names if name not in self._frame]:
            raise InvalidArgumentError(
                f"this is no annotations frame of labellerr_ds: the column {missing[0]!r} is missing."
            )
        return self._frame

    def plain(self) -> pd.DataFrame:
        """The frame with shapes as JSON text, for tools that know nothing of us."""
        frame = self._frame.copy()
        for name in frame.columns:
            if frame[name].dtype == "segmentation":
                frame[name] = schema.text(frame[name].array.texts())
        return frame

    def boxes(self, form: str = "xyxy") -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """The boxes, ``(N, 4)`` float64 in pixels, NaN where a row has none.

        Parameters
        ----------
        form : {'xyxy', 'xywh', 'cxcywh'}

        Examples
        --------
        >>> from labellerr_ds import schema
        >>> columns = {"bbox_x": [1.0], "bbox_y": [2.0], "bbox_width": [3.0], "bbox_height": [4.0]}
        >>> schema.build("annotations", columns, 1).labellerr.boxes("xyxy").tolist()
        [[1.0, 2.0, 4.0, 6.0]]
        """
        forms: dict[str, Callable[..., Any]] = {
            "xyxy": geometry.xywh_to_xyxy,
            "xywh": np.copy,
            "cxcywh": geometry.xywh_to_cxcywh,
        }
        if form not in forms:
            raise InvalidArgumentError(f"form must be one of {', '.join(forms)}; got {form!r}.")
        boxes: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
        boxes = forms[form](self._need(*_BOX)[_BOX].to_numpy(dtype=np.float64))
        return boxes
