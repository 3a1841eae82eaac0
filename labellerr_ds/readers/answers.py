"""Labellerr's own answers to rows: what native json and the cells of a csv have in common."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from labellerr_ds import geometry, service
from labellerr_ds.readers.assemble import number, whole
from labellerr_ds.readers.issues import IssueLog
from labellerr_ds.readers.shapes import BOX_KEYS, frames_of, is_blank, is_points, looks_like, more_than_points, rings_of

_text = msgspec.json.Encoder().encode

COLUMNS = (
    "annotation_id",
    "question_id",
    "type",
    "value",
    "bbox_x",
    "bbox_y",
    "bbox_width",
    "bbox_height",
    "rotation",
    "area",
    "segmentation",
    "iscrowd",
    "track_id",
    "frame",
    "time",
    "end_time",
    "parent_id",
    "attributes",
    "extra",
)
_ITEM_KEYS = {"answer_id", "answer", "frames", "children", "attributes"}
_FRAME_KEYS = {"frame", "answer", "timestamp", "children", "attributes", "answer_id"}
_SHAPES = {"bbox", "polygon", "polyline", "point"}
_NAN = float("nan")


def json_text(value: Any) -> str:
    """Compact JSON."""
    return _text(value).decode()


class AnswerRows:
    """Collects annotation rows, one file's answers after the other's."""

    def __init__(self, issues: IssueLog) -> None:
        self.issues = issues
        self.questions: dict[str, tuple[str | None, str | None]] = {}
        self.file_index: list[int] = []
        self._rows: list[tuple[Any, ...]] = []
        self._xy = array("d")  # points of polygons and polylines, one row after the other
        self._rings = array("q")  # points of each ring
        self._row_rings: list[tuple[int, int, bool]] = []  # row, rings, whether they enclose an area
        self._file, self._file_id = -1, ""
        self._positions: Counter[tuple[str, str]] = Counter()

    # --- what readers call

    def begin(self, file_index: int, file_id: str) -> None:
        """The answers that follow are on this file."""
        self._file, self._file_id = file_index, file_id
        self._positions.clear()

    def read(self, answers: Any) -> dict[str, Any]:
        """All answers of a file; returns what could not be put on a row.

        Parameters
        ----------
        answers : list of question objects, or a dict of them by question id
        """
        if isinstance(answers, dict):
            answers = _listed(answers)
        if answers is None or answers == "":
            return {}
        if not isinstance(answers, list):
            self._bad_file(f"latest_answer is a {type(answers).__name__}, not a list of questions.")
            return {"latest_answer": answers}
        left = [item for item in answers if not self._question_object(item, None)]
        return {"latest_answer": left} if left else {}

    def columns(self) -> dict[str, Any]:
        """The columns of `annotations`; boxes and areas of rings computed all at once."""
        columns: dict[str, Any] = dict(zip(COLUMNS, zip(*self._rows, strict=True), strict=False))
        columns = {name: list(values) for name, values in columns.items()}
        if not self._row_rings:
            return columns
        xy = np.frombuffer(self._xy, dtype=np.float64).reshape(-1, 2)
        ring_points = np.frombuffer(self._rings, dtype=np.int64)
        rows, rings, enclosing = (np.array(each) for each in zip(*self._row_rings, strict=True))
        points = geometry.sums(ring_points.astype(np.float64), rings).astype(np.int64)
        boxes = geometry.bounds(xy, points)
        areas = geometry.sums(geometry.ring_areas(xy, ring_points), rings)
        for column, name in enumerate(("bbox_x", "bbox_y", "bbox_width", "bbox_height")):
            values = np.array(columns[name], dtype=np.float64)
            values[rows] = boxes[:, column]
            columns[name] = values
        area = np.array(columns["area"], dtype=np.float64)
        area[rows[enclosing]] = areas[enclosing]
        columns["area"] = area
        return columns

    def question(
        self,
        question_id: str,
        name: str | None,
        kind: str | None,
        answer: Any,
        *,
        about: str | None = None,
        answer_id: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> bool:
        """One question's answer; returns whether it made a row."""
        if self.questions.get(question_id, (None, None)) == (None, None):
            self.questions[question_id] = (name, kind)
        if is_blank(answer):
            return False
        before = len(self._rows)
        ours = service.QUESTION_TYPES.get(kind.lower()) if kind else None
        if ours is None:
            ours = looks_like(answer)
            if kind is not None:
                self._tell(
                    "unknown_question_type",
                    f"question {name or question_id!r} is of the type {kind!r}; read as {ours}.",
                )
        if ours in _SHAPES:
            one_shape = ours in ("polygon", "polyline") and is_points(answer)
            for item in answer if isinstance(answer, list) and not one_shape else [answer]:
                self._thing(question_id, ours, item, about, extra)
        elif ours == "speech":
            self._speech(question_id, answer, about, answer_id, extra)
        else:
            self._values(question_id, ours, answer, about, answer_id, extra)
        return len(self._rows) > before

    # --- questions

    def _question_object(self, item: Any, about: str | None) -> bool:
        """Read a question object; False where something of it found no row to stay on."""
        if not isinstance(item, dict):
            self._bad_file(f"an answer of file {self._file_id} is no question object.")
            return False
        name = service.first_of(item, service.ANSWER_QUESTION_KEYS)
        kind = service.first_of(item, service.ANSWER_TYPE_KEYS)
        question_id = item.get("question_id", name)
        known = {
            "question_id",
            "answer",
            "answer_id",
            *service.ANSWER_QUESTION_KEYS,
            *service.ANSWER_TYPE_KEYS,
        }
        extra = {key: value for key, value in item.items() if key not in known}
        self.issues.unknown_keys.update(extra.keys())
        if question_id is None:
            self._bad_file(f"an answer of file {self._file_id} names no question.")
            return False
        made = self.question(
            str(question_id),
            None if name is None else str(name),
            None if kind is None else str(kind),
            item.get("answer"),
            about=about,
            answer_id=_id(item.get("answer_id")),
            extra=extra,
        )
        return made or not extra

    # --- values

    def _values(
        self,
        question_id: str,
        kind: str,
        answer: Any,
        about: str | None,
        answer_id: str | None,
        extra: Mapping[str, Any] | None,
    ) -> None:
        items = answer if isinstance(answer, list) else [answer]
        items = [item for item in items if not is_blank(item)]
        for position, item in enumerate(items):
            rest: dict[str, Any] = dict(extra or {})
            attributes: Any = msgspec.UNSET
            children, own_id, value = None, answer_id, item
            if isinstance(item, dict) and "answer" in item:
                value, own_id = item["answer"], _id(item.get("answer_id")) or answer_id
                children, attributes = item.get("children"), item.get("attributes", msgspec.UNSET)
                rest.update(self._rest(item))
            values = value if isinstance(value, list) else [value]
            many = len(items) > 1 or len(values) > 1
            row_id = ""
            for place, each in enumerate(values):
                if is_blank(each):
                    continue
                if own_id is not None and many and own_id == answer_id:
                    row_id = f"{own_id}/{position}"
                else:
                    row_id = f"{own_id}/{place}" if own_id is not None and len(values) > 1 else own_id or ""
                word = each if isinstance(each, str) else json_text(each)
                row_id = self._add(
                    question_id, kind, about, row_id or None, value=word, extra=rest, attributes=attributes
                )
            self._children(children, row_id or own_id or f"{about or self._file_id}/{question_id}")

    def _speech(
        self,
        question_id: str,
        answer: Any,
        about: str | None,
        answer_id: str | None,
        extra: Mapping[str, Any] | None,
    ) -> None:
        for item in answer if isinstance(answer, list) else [answer]:
            rest = dict(extra or {})
            told = item
            if isinstance(item, dict) and "answer" in item:
                told, answer_id = item["answer"], _id(item.get("answer_id")) or answer_id
                rest.update(self._rest(item))
            if isinstance(told, str):
                told = {"text": told}
            segments = told.get("segments") if isinstance(told, dict) else None
            if not isinstance(told, dict) or not (segments is None or isinstance(segments, list)):
                self._bad(
                    question_id,
                    "text",
                    item,
                    about,
                    "an answer in speech is neither text nor an object",
                    extra,
                )
                continue
            unknown = {key: value for key, value in told.items() if key not in ("text", "segments")}
            self.issues.unknown_keys.update(unknown.keys())
            rest.update(unknown)
            whole_text = told.get("text")
            parts: list[tuple[bool, Any]] = [] if is_blank(whole_text) else [(False, whole_text)]
            parts += [(True, segment) for segment in segments or []]
            for position, (is_segment, part) in enumerate(parts):
                row_id = f"{answer_id}/{position}" if answer_id and len(parts) > 1 else answer_id
                if is_segment:
                    self._segment(question_id, part, about, row_id)
                else:
                    word = part if isinstance(part, str) else json_text(part)
                    self._add(question_id, "text", about, row_id, value=word, extra=rest)

    def _segment(self, question_id: str, segment: Any, about: str | None, row_id: str | None) -> None:
        if not isinstance(segment, dict):
            self._bad(question_id, "segment", segment, about, "a segment is no object", None)
            return
        start, end, text = (segment.get(key) for key in service.SEGMENT_KEYS)
        rest = {key: value for key, value in segment.items() if key not in service.SEGMENT_KEYS}
        self.issues.unknown_keys.update(rest.keys())
        times = [None if each is None else number(each) for each in (start, end)]
        if (start is not None and times[0] is None) or (end is not None and times[1] is None):
            self._tell("not_a_number", "a segment's start or end is no number.")
            rest["answer"] = segment
        word = None if text is None else text if isinstance(text, str) else json_text(text)
        self._add(question_id, "segment", about, row_id, value=word, time=times[0], end_time=times[1], extra=rest)

    # --- shapes

    def _thing(
        self, question_id: str, kind: str, item: Any, about: str | None, extra: Mapping[str, Any] | None
    ) -> None:
        if is_blank(item):
            return
        if not isinstance(item, dict) or not {"answer", "frames"} & set(item):
            item = {"answer": item}  # a shape that comes without its wrapping
        rest = {**(extra or {}), **self._rest(item)}
        own_id = _id(item.get("answer_id"))
        attributes = item.get("attributes", msgspec.UNSET)
        if item.get("frames") is None:
            row_id = self._shape(question_id, kind, item.get("answer"), about, own_id, attributes, rest)
            self._children(item.get("children"), row_id)
            return
        home = about or self._file_id
        track_id = own_id or f"{home}/{question_id}/{self._positions[home, question_id]}"
        for key, frame in frames_of(item["frames"]):
            self._track_frame(question_id, kind, key, frame, about, track_id, attributes, rest)
        self._children(item.get("children"), track_id)

    def _track_frame(
        self,
        question_id: str,
        kind: str,
        key: Any,
        frame: Any,
        about: str | None,
        track_id: str,
        attributes: Any,
        rest: Mapping[str, Any],
    ) -> None:
        if not isinstance(frame, dict) or "answer" not in frame:
            frame = {"answer": frame}
        own = {name: value for name, value in frame.items() if name not in _FRAME_KEYS}
        self.issues.unknown_keys.update(own.keys())
        told = key if frame.get("frame") is None else frame["frame"]
        index, seconds = whole(told), number(frame.get("timestamp"))
        if index is None or (frame.get("timestamp") is not None and seconds is None):
            self._tell("not_a_number", f"a frame or its timestamp is no number, in track {track_id}.")
            own["frame"], own["timestamp"] = told, frame.get("timestamp")
        row_id = self._shape(
            question_id,
            kind,
            frame["answer"],
            about,
            f"{track_id}@{told}",
            frame.get("attributes", attributes),
            {**rest, **own},
            track_id=track_id,
            frame=index,
            time=seconds,
        )
        self._children(frame.get("children"), row_id)

    def _shape(
        self,
        question_id: str,
        kind: str,
        shape: Any,
        about: str | None,
        row_id: str | None,
        attributes: Any,
        extra: Mapping[str, Any],
        **track: Any,
    ) -> str:
        if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], dict) and kind in ("bbox", "point"):
            shape = shape[0]
        common = {"attributes": attributes, "iscrowd": False, **track}
        if kind == "bbox" and isinstance(shape, dict) and all(key in shape for key in BOX_KEYS):
            return self._box(question_id, shape, about, row_id, extra, common)
        rings = [] if kind == "bbox" else rings_of([shape] if kind == "point" else shape)
        several = (len(rings) > 1 and kind != "polygon") or (kind == "point" and len(rings) == 1 and len(rings[0]) != 2)
        if not rings or any(not ring for ring in rings) or several:
            what = f"a {kind} of file {self._file_id} could not be understood"
            return self._bad(question_id, kind, shape, about, what, extra, row_id=row_id, **common)
        if more_than_points(shape):
            extra = {**extra, "answer": shape}
            self.issues.unknown_keys["answer"] += 1
        if kind == "point":
            x, y = rings[0]
            text = json_text(rings[0])
            common.update(bbox_x=float(x), bbox_y=float(y), bbox_width=0.0, bbox_height=0.0)
            return self._add(question_id, kind, about, row_id, segmentation=text, extra=extra, **common)
        self._row_rings.append((len(self._rows), len(rings), kind == "polygon"))
        for ring in rings:
            self._xy.extend(ring)
            self._rings.append(len(ring) // 2)
        text = json_text(rings if kind == "polygon" else rings[0])
        return self._add(question_id, kind, about, row_id, segmentation=text, extra=extra, **common)

    def _box(
        self,
        question_id: str,
        shape: Mapping[str, Any],
        about: str | None,
        row_id: str | None,
        extra: Mapping[str, Any],
        common: dict[str, Any],
    ) -> str:
        corners = [number(shape[key]) for key in BOX_KEYS]
        rotation = number(shape.get("rotation"))
        rest = {key: value for key, value in shape.items() if key not in (*BOX_KEYS, "rotation")}
        self.issues.unknown_keys.update(rest.keys())
        if rest:
            extra = {**extra, "answer": rest}
        if None in corners or (shape.get("rotation") is not None and rotation is None):
            self._tell("not_a_number", f"a box of file {self._file_id} holds what is no number.")
            extra = {**extra, "answer": shape}
        x1, y1, x2, y2 = (_NAN if corner is None else corner for corner in corners)
        if x2 < x1 or y2 < y1:
            self._tell("swapped_corners", f"the corners of a box of file {self._file_id} were put right.")
            x1, x2 = (x2, x1) if x2 < x1 else (x1, x2)
            y1, y2 = (y2, y1) if y2 < y1 else (y1, y2)
        wide, high = x2 - x1, y2 - y1
        return self._add(
            question_id,
            "bbox",
            about,
            row_id,
            bbox_x=x1,
            bbox_y=y1,
            bbox_width=wide,
            bbox_height=high,
            area=wide * high,
            rotation=rotation,
            extra=extra,
            **common,
        )

    # --- rows

    def _children(self, children: Any, about: str) -> None:
        if is_blank(children):
            return
        if isinstance(children, dict):
            one = "answer" in children and ("question_id" in children or "question_name" in children)
            children = [children] if one else _listed(children)
        for child in children if isinstance(children, list) else [children]:
            if not self._question_object(child, about):
                self._bad("children", "text", child, about, f"what is asked about {about} is no question", None)

    def _add(
        self,
        question_id: str,
        kind: str,
        about: str | None,
        row_id: str | None,
        *,
        extra: Mapping[str, Any] | None = None,
        value: str | None = None,
        bbox_x: float = _NAN,
        bbox_y: float = _NAN,
        bbox_width: float = _NAN,
        bbox_height: float = _NAN,
        rotation: float | None = None,
        area: float = _NAN,
        segmentation: str | None = None,
        iscrowd: bool | None = None,
        track_id: str | None = None,
        frame: int | None = None,
        time: float | None = None,
        end_time: float | None = None,
        attributes: Any = msgspec.UNSET,
    ) -> str:
        home = about or self._file_id
        position = self._positions[home, question_id]
        self._positions[home, question_id] = position + 1
        row_id = row_id or f"{home}/{question_id}/{position}"
        self.file_index.append(self._file)
        self._rows.append(
            (
                row_id,
                question_id,
                kind,
                value,
                bbox_x,
                bbox_y,
                bbox_width,
                bbox_height,
                rotation,
                area,
                segmentation,
                iscrowd,
                track_id,
                frame,
                time,
                end_time,
                about,
                None if attributes is msgspec.UNSET else json_text(attributes),
                json_text(extra) if extra else None,
            )
        )
        return row_id

    def _bad(
        self,
        question_id: str,
        kind: str,
        what_came: Any,
        about: str | None,
        message: str,
        extra: Mapping[str, Any] | None,
        row_id: str | None = None,
        **columns: Any,
    ) -> str:
        self._tell("bad_segmentation" if kind in _SHAPES else "bad_row", f"{message}; it is in `extra`.")
        return self._add(question_id, kind, about, row_id, extra={**(extra or {}), "answer": what_came}, **columns)

    def _rest(self, item: Mapping[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in item.items() if key not in _ITEM_KEYS}
        self.issues.unknown_keys.update(rest.keys())
        return rest

    def _tell(self, code: str, message: str) -> None:
        severity = "warning" if code in ("swapped_corners", "unknown_question_type") else "error"
        self.issues.add(code, "annotations", self._file_id, len(self._rows), message, severity)

    def _bad_file(self, message: str) -> None:
        self.issues.add("bad_row", "files", self._file_id, self._file, message)


def _listed(questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Question objects out of a dict of them, or of their answers, by question id."""
    return [
        {"question_id": key, **value} if isinstance(value, dict) else {"question_id": key, "answer": value}
        for key, value in questions.items()
    ]


def _id(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
