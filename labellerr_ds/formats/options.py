"""How an export is to be read."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.limits import Limits
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.formats.json_windows import SPAN_BYTES
from labellerr_ds.frames.schema import TABLES, build


@dataclass(frozen=True)
class ReadOptions:
    """How an export is to be read; see `labellerr_ds.read_export`.

    Attributes
    ----------
    format : {'json', 'coco_json', 'csv', 'png'} or None
    categories : `categories` frame or None
        The template.
    files : `files` frame or None
        Which file a mask belongs to.
    status : str or None
        The one status that was asked for: that of files whose export does not have it.
    shape_columns : frozenset of str
        csv without a template: the columns that hold shapes in any part of the export, where it has several.
    progress : bool
    limits : Limits
    batch_bytes, batch_rows : int
        About how much a batch is read from, and how many rows it has where rows are counted.
    """

    format: str | None = None
    categories: pd.DataFrame | None = None
    files: pd.DataFrame | None = None
    status: str | None = None
    shape_columns: frozenset[str] = frozenset()
    progress: ProgressOption = True
    limits: Limits = field(default_factory=Limits)
    batch_bytes: int = SPAN_BYTES
    batch_rows: int = 10_000

    def __post_init__(self) -> None:
        if not isinstance(self.limits, Limits):
            raise InvalidArgumentError(f"limits must be a Limits, got {self.limits!r}.")
        for key in ("categories", "files"):
            if (value := getattr(self, key)) is not None and not isinstance(value, pd.DataFrame):
                raise InvalidArgumentError(f"{key} must be a {key} frame, not a {type(value).__name__}.")
        given = self.categories
        if given is None:
            return
        if missing := {"category_id", "name", "color"} - set(given.columns):
            raise InvalidArgumentError(f"categories must be a categories frame; missing columns: {sorted(missing)}.")
        known = {column.name: given[column.name] for column in TABLES["categories"] if column.name in given}
        object.__setattr__(self, "categories", build("categories", known, len(given)))
