"""Answers as they nearly always are, decoded by msgspec straight to structs; `questions` reads all others.

Both give equal rows. What deviates (a key that is not known here, a number that is text, swapped corners) goes there:
a question that does not fit the structs, or an object that fits and is odd all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar, Union

import msgspec
import numpy as np
from numpy.typing import NDArray

from labellerr_ds.core import vendor
from labellerr_ds.formats.answers.questions import Answers, Question
from labellerr_ds.formats.answers.rows import Column, Row
from labellerr_ds.formats.answers.shapes import LEAST_POINTS
from labellerr_ds.formats.decoding import UNSET, decoder, first_fit, plain, raw_items
from labellerr_ds.formats.values import Int64
from labellerr_ds.frames.tables import ListState

T = TypeVar("T")
Number = Int64 | float  # as it came: the text of a shape keeps 1 and 1.0 apart


class Point(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A point, in pixels."""

    x: Number
    y: Number


class Box(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A box by its corners, in pixels; `rotation` in degrees."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float
    rotation: float | None = None


class Frame(msgspec.Struct, Generic[T], forbid_unknown_fields=True, gc=False):
    """An object in one frame of a video."""

    answer: T
    frame: Int64
    timestamp: Number | None = None
    children: msgspec.Raw | msgspec.UnsetType = UNSET
    attributes: msgspec.Raw | msgspec.UnsetType = UNSET


class Object(msgspec.Struct, Generic[T], forbid_unknown_fields=True, gc=False):
    """An object: its shape, or in a video its shape by frame."""

    answer: T | msgspec.UnsetType = UNSET
    answer_id: str | msgspec.UnsetType | None = UNSET
    children: msgspec.Raw | msgspec.UnsetType = UNSET
    attributes: msgspec.Raw | msgspec.UnsetType = UNSET
    frames: dict[str, Frame[T]] | list[Frame[T]] | msgspec.UnsetType = UNSET


_WORDS = str | bool | list[str] | None
_ANSWERS: dict[str, Any] = {  # by the type of its rows
    "bbox": list[Object[Box]] | str | None,
    "polygon": list[Object[list[Point | list[Point]]]] | str | None,
    "polyline": list[Object[list[Point]]] | str | None,
    "point": list[Object[Point]] | str | None,
    "classification": _WORDS,
    "text": _WORDS,
    "speech": msgspec.Raw,
}
_LISTS = list[str] | Literal[""] | None
_TAGS = {  # the vendor's word for a type, and ours
    **vendor.QUESTION_TYPES,
    **{word: vendor.QUESTION_TYPES[word.lower()] for word in vendor.QUESTION_TYPE_SPELLINGS},
}


def _form_of(tag: str) -> Any:
    """Return the form of the answers to a question of the vendor's type."""
    return _LISTS if tag.lower() in vendor.LIST_QUESTION_TYPES else _ANSWERS[vendor.QUESTION_TYPES[tag.lower()]]


_KINDS: dict[type, tuple[str, str]] = {}
"""Our type and the vendor's of each question struct."""


def _question_types(name_key: str, type_key: str, *, has_id: bool) -> Any:
    """A union of structs, one for each type of question, told apart by the key of its type."""
    made = []
    for tag, kind in _TAGS.items():
        struct = msgspec.defstruct(
            f"{tag}_question",
            [
                *([("question_id", str)] if has_id else []),
                ("name", str | None, None),
                ("answer_id", str | None, None),
                ("answer", _form_of(tag)),  # one that is missing was not found, which is not the same as unanswered
            ],
            tag_field=type_key,
            tag=tag,
            rename={"name": name_key},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        _KINDS[struct] = kind, tag
        made.append(struct)
    return Union[tuple(made)]  # noqa: UP007  # of a number of types that is not known here


QUESTIONS = tuple(
    list[_question_types(*keys, has_id=True)] | dict[str, _question_types(*keys, has_id=False)]  # type: ignore[misc]
    for keys in zip(vendor.ANSWER_QUESTION_KEYS, vendor.ANSWER_TYPE_KEYS, strict=True)
)
"""What `latest_answer` may be, by the spelling of its keys: a list of questions, or a dict of them by question id."""

_decode_questions = [decoder(each) for each in QUESTIONS]
_decode_one = [decoder(each.__args__[0].__args__[0]) for each in QUESTIONS]
_decode_answer = {kind: decoder(each) for kind, each in _ANSWERS.items() if kind != "speech"}
_decode_list = decoder(_LISTS)
_decode_column = {kind: decoder(list[_ANSWERS[kind]]) for kind in vendor.SHAPE_TYPES}  # type: ignore[valid-type]


class TypedAnswers:
    """Reads answers of the usual form into the rows of `answers`, which reads the others.

    Parameters
    ----------
    answers : Answers
    """

    def __init__(self, answers: Answers) -> None:
        self._answers, self._rows = answers, answers.rows
        self._known: set[tuple[str, str | None, str | None]] = set()

    def read(self, questions: Any, about: str | None = None) -> None:
        """Questions of a file, or about an object: one of the `QUESTIONS`."""
        if isinstance(questions, dict):
            for question_id, question in questions.items():
                self._read(question_id, question, about)
        elif questions:
            for question in questions:
                self._read(question.question_id, question, about)

    def read_json(self, raw: msgspec.Raw) -> ListState:
        """Read all answers of a file, a list or object of questions."""
        questions = first_fit(raw, _decode_questions)
        if questions is not UNSET:
            before = self._rows.mark
            self.read(questions)
            return self._rows.state_since(before)
        raws = raw_items(raw)
        if raws is UNSET:
            return self._answers.read(plain(raw))
        states = [self._read_one(item) for item in raws]
        return ListState.of_answers(states)

    def _read_one(self, raw: msgspec.Raw) -> ListState:
        question = first_fit(raw, _decode_one)
        if question is UNSET:
            return self._answers.read_question(plain(raw), None)
        before = self._rows.mark
        self.read([question])
        return self._rows.state_since(before)

    def answer(self, question: Question, cell: str) -> bool:
        """One question's answer, a cell of a csv; returns whether it was of the usual form, and read."""
        word = (question.type or "").lower()
        kind = vendor.QUESTION_TYPES.get(word)
        if word in vendor.TEXT_QUESTION_TYPES:
            answer: Any = cell if cell[:1] != "[" or word == vendor.INPUT_QUESTION_TYPE else UNSET
        elif kind in _decode_answer:
            decode = _decode_list if word in vendor.LIST_QUESTION_TYPES else _decode_answer[kind]
            answer = decode(cell) if cell else ""
            answer = UNSET if answer is None else answer  # the word null
        elif question.type is None and cell[:1] == "[":
            kind, answer = _by_form(cell)
        else:
            return False
        if answer is UNSET:
            return False
        self._put(question, kind or "", answer, None, None)
        return True

    def table(
        self, questions: Sequence[Question], cells: Sequence[list[str]], file_ids: list[str], first_file: int
    ) -> NDArray[np.int64] | None:
        """The answers in whole columns, a cell a file; returns how many rows each file has.

        None, and nothing is read, where one of the cells is not of the usual form, or is more than plain objects.
        """
        columns = []
        for question, values in zip(questions, cells, strict=True):
            column = _column(question, values)
            if column is None:
                return None
            columns.append(column)
        if len({question.id for question in questions}) < len(questions):
            return None
        for question in questions if file_ids else ():
            self._answers.know(question)
        return self._rows.put_table(columns, file_ids, first_file)

    def _read(self, question_id: str, question: Any, about: str | None) -> None:
        kind, tag = _KINDS[type(question)]
        self._put(Question(question_id, question.name, tag), kind, question.answer, question.answer_id or None, about)

    def _put(self, question: Question, kind: str, answer: Any, answer_id: str | None, about: str | None) -> None:
        if question not in self._known:  # here, since what is asked about its objects comes after it
            self._known.add(question)
            self._answers.know(question)
        if kind in vendor.SHAPE_TYPES and type(answer) is list:
            self._put_objects(question, kind, answer, about)
        elif kind in ("classification", "text"):
            self._put_words(question.id, kind, answer, answer_id, about)
        elif answer:
            value = plain(answer) if isinstance(answer, msgspec.Raw) else answer
            self._answers.answer(question, value, Row(question.id, "text", answer_id, parent_id=about, extra={}))

    def _put_words(self, question_id: str, kind: str, answer: Any, answer_id: str | None, about: str | None) -> None:
        if isinstance(answer, bool):
            answer = "true" if answer else "false"
        words = [word for word in (answer if isinstance(answer, list) else [answer]) if word]
        if words:
            one = len(words) == 1 or answer_id is None
            ids: list[str | None] = (
                [answer_id] * len(words) if one else [f"{answer_id}/{place}" for place in range(len(words))]
            )
            first = self._rows.block(question_id, kind, ids, about)
            self._rows.put_words(range(first, first + len(words)), words)

    def _put_objects(self, question: Question, kind: str, objects: list[Object[Any]], about: str | None) -> None:
        is_sound = _IS_SOUND[kind]
        for item in objects:
            if not (item.frames is item.children is item.attributes is UNSET and is_sound(item.answer)):
                for one in objects:
                    self._put_object(question, kind, one, about)
                return
        ids = [each.answer_id or None for each in objects]
        first = self._rows.block(question.id, kind, ids, about)
        self._rows.put_shapes(kind, range(first, first + len(ids)), [each.answer for each in objects])

    def _put_object(self, question: Question, kind: str, item: Object[Any], about: str | None) -> None:
        question_id = question.id
        frames, shapes = _frames(item), _shapes(item)
        is_both = frames is not None and item.answer is not UNSET
        if is_both or not shapes or not all(map(_IS_SOUND[kind], shapes)):
            usual = Row(question_id, kind, parent_id=about, extra={})
            self._answers.read_object(_plain(item), usual, question)
            return
        own = item.answer_id or None
        if frames is None:
            own = self._put_shape(question_id, kind, item.answer, own, about, item.attributes)
        else:
            own = own or self._rows.next_id(about, question_id)
            for frame in frames:
                row, frame_id = len(self._rows), f"{own}@{frame.frame}"
                attributes = item.attributes if frame.attributes is UNSET else frame.attributes
                self._put_shape(question_id, kind, frame.answer, frame_id, about, attributes)
                self._rows.put_cells(row, track_id=own, frame=frame.frame, time=frame.timestamp)
                self._read_children(frame.children, frame_id)
        self._read_children(item.children, own)

    def _put_shape(
        self, question_id: str, kind: str, shape: Any, own: str | None, about: str | None, attributes: Any
    ) -> str:
        row = self._rows.block(question_id, kind, [own], about)
        if attributes is not UNSET:
            self._rows.put_cells(row, attributes=plain(attributes))
        self._rows.put_shapes(kind, [row], [shape])
        return self._rows.last_id

    def _read_children(self, raw: msgspec.Raw | msgspec.UnsetType, about: str) -> None:
        """What is asked about an object."""
        if raw is UNSET:
            return
        questions = first_fit(raw, _decode_questions)
        if questions is UNSET:
            self._answers.read_children(plain(raw), about)
        else:
            self.read(questions, about)


def _column(question: Question, cells: list[str]) -> Column | None:
    """The answers in a column, decoded in one call; None where one of them is not of the usual form."""
    word = (question.type or "").lower()
    if word in vendor.TEXT_QUESTION_TYPES:
        if word != vendor.INPUT_QUESTION_TYPE and any(cell[:1] == "[" for cell in cells):
            return None
        words = [[cell] if cell else [] for cell in cells]
        return Column(question.id, vendor.QUESTION_TYPES[word], [[None] * len(each) for each in words], words)
    kind = "bbox" if question.type is None else vendor.QUESTION_TYPES.get(word)
    if kind not in _decode_column:
        return None
    answers = _decode_column[kind](f"[{','.join([cell or '[]' for cell in cells])}]")
    if answers is UNSET or len(answers) != len(cells):
        return None
    is_sound = _IS_SOUND[kind]
    for objects in answers:
        if type(objects) is not list:
            return None
        for item in objects:
            if not (item.frames is item.children is item.attributes is UNSET and is_sound(item.answer)):
                return None
    ids = [[each.answer_id or None for each in objects] for objects in answers]
    return Column(question.id, kind, ids, [[each.answer for each in objects] for objects in answers])


def _by_form(cell: str) -> tuple[str, Any]:
    """Objects whose question is not known, with their type: boxes or polygons, by the first of them."""
    for kind in ("bbox", "polygon"):
        objects = _decode_answer[kind](cell)
        if not isinstance(objects, list):
            continue
        first = objects[0].answer if objects else UNSET
        shapes = [shape for item in objects for shape in _shapes(item)]
        if not all(map(_IS_SOUND[kind], shapes)):
            continue  # a line, perhaps
        if first is not UNSET and (kind == "bbox" or len(first) > 1 or (first and type(first[0]) is list and first[0])):
            return kind, objects
    return "", UNSET


def _is_box(shape: Any) -> bool:
    return shape is not UNSET and shape.xmin <= shape.xmax and shape.ymin <= shape.ymax


def _is_point(shape: Any) -> bool:
    return shape is not UNSET


def _is_line(shape: Any) -> bool:
    return bool(shape)


def _is_polygon(shape: Any) -> bool:
    """Return True for one ring of points, or a list of rings, each of three points or more."""
    if not shape:
        return False
    kinds = set(map(type, shape))
    if len(kinds) > 1:
        return False
    return len(shape) >= LEAST_POINTS if Point in kinds else min(map(len, shape)) >= LEAST_POINTS


_IS_SOUND = {"bbox": _is_box, "point": _is_point, "polyline": _is_line, "polygon": _is_polygon}


def _frames(item: Object[Any]) -> list[Frame[Any]] | None:
    frames = item.frames
    return list(frames.values()) if isinstance(frames, dict) else None if frames is UNSET else frames


def _shapes(item: Object[Any]) -> list[Any]:
    """Return the shape of an object, or its shapes in the frames of a video."""
    frames = _frames(item)
    return [item.answer] if frames is None else [frame.answer for frame in frames]


def _plain(answer: Any) -> Any:
    """An object as plain JSON gives it."""
    if isinstance(answer, msgspec.Raw):
        return plain(answer)
    if isinstance(answer, dict):
        return {key: _plain(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_plain(item) for item in answer]
    if isinstance(answer, Object | Frame):
        fields = {key: getattr(answer, key) for key in answer.__struct_fields__}
        return {key: _plain(value) for key, value in fields.items() if value is not UNSET and (key, value) != _NO_TIME}
    return msgspec.to_builtins(answer)


_NO_TIME = ("timestamp", None)
