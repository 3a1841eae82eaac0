"""Annotation rows of Labellerr's own formats, collected one by one, and their columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labellerr_ds.core import vendor
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import FILE_ROW, ListState, Unread, dictionary
from labellerr_ds.shapes.boxes import bounds, ring_areas, sums
from labellerr_ds.shapes.rasters import BOX

Ints = NDArray[np.int64]

_NAN = float("nan")
_corners = attrgetter("xmin", "ymin", "xmax", "ymax")
_coordinates = attrgetter("x", "y")
_RARE = {
    "track_id": pa.large_string(), "frame": pa.int64(), "time": pa.float64(), "end_time": pa.float64(),
    "attributes": pa.large_string(), "extra": pa.large_string(),
}  # fmt: skip
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
    track_id: str | None = None
    frame: int | None = None
    time: float | None = None
    end_time: float | None = None
    parent_id: str | None = None
    attributes: Any = msgspec.UNSET
    extra: Any = None


class Column(NamedTuple):
    """The usual answers to a question, a list a file: ids, None where there is none of its own, and shapes or words."""

    question_id: str
    kind: str
    ids: list[list[str | None]]
    values: list[list[Any]]


class Found(NamedTuple):
    """A part of an answer: its row, the questions that were asked about it, and a part that was not understood."""

    row: Row | None
    children: Any = None
    unread: Any = None


_TYPES = {name: code for code, name in enumerate(schema.TYPES)}
_TEXT = pa.large_string()


class AnnotationRows:
    """Collects rows, one file's after the other's: odd ones one by one, usual ones by the question.

    Parameters
    ----------
    issues : IssueLog
    """

    def __init__(self, issues: IssueLog) -> None:
        self.issues = issues
        self.file_id = ""
        self._file = -1
        self._positions: dict[tuple[str | None, str], int] = {}  # rows by parent and question, of this file
        self._suspected: set[str] = set()  # unknown keys of this file that may hold answers
        self.unread: list[Unread] = []
        self._clear()

    def _clear(self) -> None:
        self._ids: list[str] = []
        # Blocks: rows that follow each other, of one file, question, type, and parent.
        self._sizes, self._files, self._types = array("q"), array("q"), array("q")
        self._questions: list[str] = []
        self._parents: list[str | None] = []
        self._odd: list[Row] = []
        self._odd_at = array("q")
        self._boxes: list[Any] = []
        self._box_at = array("q")
        self._texts: dict[str, tuple[list[str], array[int]]] = {
            name: ([], array("q")) for name in ("value", "segmentation")
        }
        self._cells: dict[str, dict[int, Any]] = {name: {} for name in _RARE}  # of usual rows
        self._xy = array("d")  # points of polygons and polylines, one row after the other
        self._rings = array("q")  # points of each ring
        self._measured: list[tuple[int, int, bool]] = []  # row, rings, whether they enclose an area

    def __len__(self) -> int:
        return len(self._ids)

    def begin(self, file_row: int, file_id: str) -> None:
        """The rows that follow are on this file; `file_row` is its row within its part."""
        self._file, self.file_id = file_row, file_id
        self._positions.clear()
        self._suspected.clear()

    def next_id(self, about: str | None, question_id: str) -> str:
        """The id of the next row of a question, where it has none of its own."""
        return f"{about or self.file_id}/{question_id}/{self._positions.get((about, question_id), 0)}"

    @property
    def mark(self) -> tuple[int, int]:
        """How many rows, and objects without a row, there are: it differs after anything was read."""
        return len(self._ids), len(self.unread)

    def state_since(self, mark: tuple[int, int]) -> ListState:
        """Return whether anything was read since a mark: `ListState.EMPTY` or `ListState.FOUND`."""
        return ListState.EMPTY if self.mark == mark else ListState.FOUND

    @property
    def file_row(self) -> int:
        """The row of the file within its part."""
        return self._file

    @property
    def last_id(self) -> str:
        """The id of the row that was added last."""
        return self._ids[-1]

    def add(self, row: Row) -> str:
        """Add a row; returns its id."""
        self._odd_at.append(self.block(row.question_id, row.type, [row.annotation_id], row.parent_id))
        self._odd.append(row)
        return self.last_id

    def block(self, question_id: str, kind: str, ids: list[str | None], parent_id: str | None = None) -> int:
        """Add usual rows of one question, one for each id, which may be missing; returns the number of the first."""
        first, key = len(self._ids), (parent_id, question_id)
        before = self._positions.get(key, 0)
        self._positions[key] = before + len(ids)
        if None in ids:
            home = parent_id or self.file_id
            ids = [f"{home}/{question_id}/{place}" if own is None else own for place, own in enumerate(ids, before)]
        self._ids += ids  # type: ignore[arg-type]
        self._sizes.append(len(ids))
        self._files.append(self._file)
        self._types.append(_TYPES[kind])
        self._questions.append(question_id)
        self._parents.append(parent_id)
        return first

    def put_shapes(self, kind: str, rows: Sequence[int], shapes: list[Any]) -> None:
        """Shapes for these usual rows.

        Parameters
        ----------
        kind : {'bbox', 'polygon', 'polyline', 'point'}
        rows : sequence of int
        shapes : list
            Objects with `xmin`, `ymin`, `xmax`, `ymax` and `rotation`; lists of points with `x` and `y`, or of a
            polygon of lists of them; points.
        """
        if kind == "bbox":
            self._boxes += shapes
            self._box_at.extend(rows)
            return
        texts, at = self._texts["segmentation"]
        for row, shape in zip(rows, shapes, strict=True):
            if kind == "point":
                rings = [[shape.x, shape.y]]
            elif type(shape[0]) is list:
                rings = [list(chain.from_iterable(map(_coordinates, ring))) for ring in shape]
            else:
                rings = [list(chain.from_iterable(map(_coordinates, shape)))]
            texts.append(json_text(rings if kind == "polygon" else rings[0]))
            at.append(row)
            self.measure(row, rings, enclosing=kind == "polygon")

    def put_table(self, columns: Sequence[Column], file_ids: list[str], first_file: int) -> Ints:
        """Usual rows of whole columns, one file's after the other's; returns how many each file has.

        Parameters
        ----------
        columns : sequence of Column
            Of questions that differ.
        file_ids : list of str
            Of files whose rows within their part follow each other.
        first_file : int
            The row of the first.
        """
        counts = np.array([[len(each) for each in column.values] for column in columns], dtype=np.int64)
        counts = counts.reshape(len(columns), len(file_ids)).T
        begins = (np.cumsum(counts.ravel()) - counts.ravel()).reshape(counts.shape)
        first, ids = len(self._ids), np.empty(int(counts.sum()), dtype=object)
        for place, column in enumerate(columns):
            own = counts[:, place]
            nth = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)  # of its file and question
            rows = np.repeat(begins[:, place], own) + nth
            made = list(chain.from_iterable(column.ids))
            if None in made:
                homes = np.repeat(np.arange(len(file_ids)), own).tolist()
                made = [
                    f"{file_ids[home]}/{column.question_id}/{position}" if row_id is None else row_id
                    for row_id, home, position in zip(made, homes, nth.tolist(), strict=True)
                ]
            ids[rows] = np.array([*made, None], dtype=object)[:-1]
            values, at = list(chain.from_iterable(column.values)), (rows + first).tolist()
            if column.kind in vendor.SHAPE_TYPES:
                self.put_shapes(column.kind, at, values)
            else:
                self.put_words(at, values)
        self._ids += ids.tolist()
        filled = np.flatnonzero(counts.ravel())
        self._sizes.extend(counts.ravel()[filled].tolist())
        self._files.extend((filled // max(len(columns), 1) + first_file).tolist())
        for number in (filled % max(len(columns), 1)).tolist():
            self._types.append(_TYPES[columns[number].kind])
            self._questions.append(columns[number].question_id)
        self._parents += [None] * len(filled)
        return cast(Ints, counts.sum(axis=1))

    def put_words(self, rows: Sequence[int], words: list[str]) -> None:
        """`value` of these usual rows."""
        texts, at = self._texts["value"]
        texts += words
        at.extend(rows)

    def put_cells(self, row: int, **values: Any) -> None:
        """What a usual row has beside its shape: `track_id`, `frame`, `time`, `attributes`."""
        for name, value in values.items():
            self._cells[name][row] = value

    def measure(self, row: int, rings: list[list[float | int]], *, enclosing: bool) -> None:
        """The box, and the area where they enclose one, of a row follow from these rings."""
        self._measured.append((row, len(rings), enclosing))
        for ring in rings:
            self._xy.extend(ring)
            self._rings.append(len(ring) // 2)

    def report(self, code: str, message: str) -> None:
        """Report something about the row that is added next."""
        severity = "warning" if code in _WARNINGS else "error"
        self.issues.add(code, "annotations", self.file_id, len(self._ids), message, severity)

    def keep_unread(self, key: str, value: Any, reason: str, code: str = "bad_segmentation") -> None:
        """Keep an object of the file that gets no row, under the key of the export."""
        self.unread.append(Unread(self._file, key, json_text(value), code, reason))

    def join_unread(self, mark: tuple[int, int], key: str, text: str) -> None:
        """Replace the objects without a row since a mark by the text of the cell that holds them."""
        unread = self.unread[mark[1] :]
        if unread:
            self.unread[mark[1] :] = [unread[0]._replace(key=key, text=json_text(text))]

    def unknown(self, values: Mapping[str, Any]) -> None:
        """Count keys that are not known; a list or object under one of them may hold answers, which is reported."""
        self.issues.unknown_keys.update(values.keys())
        for key, value in values.items():
            if isinstance(value, list | dict) and value:
                self.suspect(key, f"the unknown key {key!r} of an answer may hold answers")

    def suspect(self, key: str, message: str) -> None:
        """Report that an answer of the file may hold more than was read; once per file and key."""
        if key not in self._suspected:
            self._suspected.add(key)
            text = f"file {self.file_id}: {message}."
            self.issues.add("unparsed_answer", "files", self.file_id, self._file, text, "warning")

    def take_unread(self) -> tuple[Unread, ...]:
        """Return the objects without a row so far; none are left."""
        unread, self.unread = tuple(self.unread), []
        return unread

    def take(self) -> tuple[dict[str, Any], int]:
        """The columns of `annotations` so far, and how many rows they have; none are left."""
        length, sizes = len(self._ids), _numbers(self._sizes)
        types = np.repeat(_numbers(self._types), sizes)
        places: dict[str, int] = {}
        codes = np.array([places.setdefault(question, len(places)) for question in self._questions], dtype=np.int64)
        questions = pa.array(list(places), _TEXT).take(pa.array(np.repeat(codes, sizes)))
        columns: dict[str, Any] = {
            "annotation_id": self._ids,
            "question_id": questions,
            "category_id": questions,  # a class is a question
            "type": dictionary(types, schema.TYPES),
            "parent_id": self._parent_ids(sizes),
            "iscrowd": _crowds(types),
            FILE_ROW: np.repeat(_numbers(self._files), sizes),
            **self._measures(length),
        }
        for name, (texts, rows) in self._texts.items():
            odd = [getattr(row, name) for row in self._odd]
            at = np.concatenate([_numbers(rows), _numbers(self._odd_at)])
            columns[name] = _scattered([*texts, *odd], at, length, _TEXT)
        for name, kind in _RARE.items():
            cells = self._cells[name]
            cells.update(zip(self._odd_at, (getattr(row, name) for row in self._odd), strict=True))
            values: Iterable[Any] = cells.values()
            if name == "attributes":
                values = (None if value is msgspec.UNSET else json_text(value) for value in values)
            elif name == "extra":
                values = (json_text(value) if value else None for value in values)
            at = np.fromiter(cells, dtype=np.int64, count=len(cells))
            columns[name] = _scattered(list(values), at, length, kind)
        self._clear()
        return columns, length

    def _parent_ids(self, sizes: Ints) -> pa.Array:
        if not any(self._parents):
            return pa.nulls(int(sizes.sum()), _TEXT)
        return pa.array(self._parents, _TEXT).take(pa.array(np.repeat(np.arange(len(sizes)), sizes)))

    def _measures(self, length: int) -> dict[str, Any]:
        """Boxes and areas; of rings all at once."""
        boxes, areas, rotations = np.full((length, 4), np.nan), np.full(length, np.nan), np.full(length, np.nan)
        odd, usual = _numbers(self._odd_at), _numbers(self._box_at)
        if len(odd):
            boxes[odd] = [[row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height] for row in self._odd]
            areas[odd] = [row.area for row in self._odd]
            rotations[odd] = [_NAN if row.rotation is None else row.rotation for row in self._odd]
        sides = chain.from_iterable(map(_corners, self._boxes))
        corners = np.fromiter(sides, dtype=np.float64, count=4 * len(usual)).reshape(-1, 4)
        with np.errstate(over="ignore", invalid="ignore"):  # sides beyond any image give inf or NaN
            boxes[usual] = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
            areas[usual] = boxes[usual, 2] * boxes[usual, 3]
        rotations[usual] = [_NAN if box.rotation is None else box.rotation for box in self._boxes]
        if self._measured:
            xy = np.frombuffer(self._xy, dtype=np.float64).reshape(-1, 2)
            ring_points = np.frombuffer(self._rings, dtype=np.int64)
            rows, rings, enclosing = (np.array(each) for each in zip(*self._measured, strict=True))
            boxes[rows] = bounds(xy, sums(ring_points.astype(np.float64), rings).astype(np.int64))
            areas[rows[enclosing]] = sums(ring_areas(xy, ring_points), rings)[enclosing]
        columns = {name: boxes[:, side] for side, name in enumerate(BOX)}
        return {**columns, "area": areas, "rotation": rotations}


def _crowds(types: Ints) -> pa.Array:
    """`iscrowd`: Labellerr's own shapes are single objects; what is no shape has none."""
    shapes = np.isin(types, [_TYPES[name] for name in vendor.SHAPE_TYPES])
    return pa.array(np.zeros(len(types), dtype=bool), mask=~shapes)


def _numbers(values: array[int]) -> Ints:
    return np.frombuffer(values, dtype=np.int64) if values else np.zeros(0, dtype=np.int64)


def _scattered(values: list[Any], rows: Ints, length: int, kind: pa.DataType) -> pa.Array:
    """A column of these values in these rows, and of nothing elsewhere."""
    if not values:
        return pa.nulls(length, kind)
    places = np.full(length, -1)
    places[rows] = np.arange(len(values))
    return pa.array(values, kind, from_pandas=True).take(pa.array(places, mask=places < 0))
