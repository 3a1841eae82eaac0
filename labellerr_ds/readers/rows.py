"""Annotation rows of Labellerr's own formats, collected one by one, and their columns."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from labellerr_ds.readers.issues import IssueLog
from labellerr_ds.readers.values import json_text
from labellerr_ds.shapes.boxes import bounds, ring_areas, sums
from labellerr_ds.tables import FILE_ROW

_NAN = float("nan")
_WARNINGS = frozenset({"swapped_corners", "unknown_question_type"})


class Row(msgspec.Struct, gc=False):
    """An annotation; columns of the schema, and the rings from which box and area are measured."""

    question_id: str
    type: str
    annotation_id: str | None = None
    value: str | None = None
    bbox_x: float = _NAN
    bbox_y: float = _NAN
    bbox_width: float = _NAN
    bbox_height: float = _NAN
    rotation: float | None = None
    area: float = _NAN
    segmentation: str | None = None
    iscrowd: bool | None = None
    track_id: str | None = None
    frame: int | None = None
    time: float | None = None
    end_time: float | None = None
    parent_id: str | None = None
    attributes: Any = msgspec.UNSET
    extra: Any = None


_COLUMNS = tuple(name for name in Row.__struct_fields__ if name not in ("attributes", "extra"))


class AnnotationRows:
    """Collects rows, one file's after the other's.

    Parameters
    ----------
    issues : IssueLog
    """

    def __init__(self, issues: IssueLog) -> None:
        self.issues = issues
        self.file_id = ""
        self._file = -1
        self._positions: Counter[tuple[str, str]] = Counter()
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._files = array("q")
        self._xy = array("d")  # points of polygons and polylines, one row after the other
        self._rings = array("q")  # points of each ring
        self._measured: list[tuple[int, int, bool]] = []  # row, rings, whether they enclose an area

    def __len__(self) -> int:
        return len(self._rows)

    def begin(self, file_row: int, file_id: str) -> None:
        """The rows that follow are on this file; `file_row` is its row within its part."""
        self._file, self.file_id = file_row, file_id
        self._positions.clear()

    def next_id(self, about: str | None, question_id: str) -> str:
        """The id of the next row of a question, where it has none of its own."""
        home = about or self.file_id
        return f"{home}/{question_id}/{self._positions[home, question_id]}"

    def add(self, row: Row) -> str:
        """Add a row; returns its id."""
        if row.annotation_id is None:
            row.annotation_id = self.next_id(row.parent_id, row.question_id)
        self._positions[row.parent_id or self.file_id, row.question_id] += 1
        self._files.append(self._file)
        self._rows.append(row)
        return row.annotation_id

    def measure(self, rings: list[list[float | int]], *, enclosing: bool) -> None:
        """The box, and the area where they enclose one, of the row that is added next follow from these rings."""
        self._measured.append((len(self._rows), len(rings), enclosing))
        for ring in rings:
            self._xy.extend(ring)
            self._rings.append(len(ring) // 2)

    def report(self, code: str, message: str) -> None:
        """Report something about the row that is added next."""
        severity = "warning" if code in _WARNINGS else "error"
        self.issues.add(code, "annotations", self.file_id, len(self._rows), message, severity)

    def report_file(self, message: str) -> None:
        """Report something about the file."""
        self.issues.add("bad_row", "files", self.file_id, self._file, message)

    def unknown(self, keys: Mapping[str, Any]) -> None:
        """Count keys that are not known."""
        self.issues.unknown_keys.update(keys.keys())

    def take(self) -> tuple[dict[str, Any], int]:
        """The columns of `annotations` so far, and how many rows they have; none are left."""
        rows = self._rows
        columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
        columns["attributes"] = [None if row.attributes is msgspec.UNSET else json_text(row.attributes) for row in rows]
        columns["extra"] = [json_text(row.extra) if row.extra else None for row in rows]
        columns["category_id"] = columns["question_id"]  # a class is a question
        columns[FILE_ROW] = np.frombuffer(self._files, dtype=np.int64) if rows else np.array([], dtype=np.int64)
        self._fill_measures(columns)
        self._clear()
        return columns, len(rows)

    def _fill_measures(self, columns: dict[str, Any]) -> None:
        """Boxes and areas of rings, all at once."""
        for name in ("bbox_x", "bbox_y", "bbox_width", "bbox_height", "area"):
            columns[name] = np.array(columns[name], dtype=np.float64)
        if not self._measured:
            return
        xy = np.frombuffer(self._xy, dtype=np.float64).reshape(-1, 2)
        ring_points = np.frombuffer(self._rings, dtype=np.int64)
        rows, rings, enclosing = (np.array(each) for each in zip(*self._measured, strict=True))
        points = sums(ring_points.astype(np.float64), rings).astype(np.int64)
        boxes = bounds(xy, points)
        areas = sums(ring_areas(xy, ring_points), rings)
        for side, name in enumerate(("bbox_x", "bbox_y", "bbox_width", "bbox_height")):
            columns[name][rows] = boxes[:, side]
        columns["area"][rows[enclosing]] = areas[enclosing]
