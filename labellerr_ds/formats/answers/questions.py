"""Labellerr's own answers, question by question, to rows: the part that native json and the cells of a csv share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from labellerr_ds.core import vendor
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.answers.rows import AnnotationRows, Found, Row
from labellerr_ds.formats.answers.shapes import is_blank, is_points, looks_like, read_shape
from labellerr_ds.formats.answers.speech import ITEM_KEYS, read_speech
from labellerr_ds.formats.answers.tracks import read_track
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.values import as_id
from labellerr_ds.frames.tables import ListState

_QUESTION_KEYS = frozenset(
    {"question_id", "answer", "answer_id", *vendor.ANSWER_QUESTION_KEYS, *vendor.ANSWER_TYPE_KEYS}
)
_OBJECT_KEYS = ITEM_KEYS | vendor.SCREEN_KEYS
_USED_KEYS = frozenset({vendor.SCREEN_LABEL_KEY, vendor.SCREEN_ID_KEY, *vendor.ANSWER_TYPE_KEYS})


class Question(NamedTuple):
    """A question: its id, and its name and the vendor's type if they are known."""

    id: str
    name: str | None = None
    type: str | None = None


class Answers:
    """Reads answers into rows, one file after another.

    Parameters
    ----------
    issues : IssueLog
    reports_missing_types : bool
        Report questions without a type; not for a csv without a template, which never has one.

    Attributes
    ----------
    rows : AnnotationRows
    questions : dict
        Name and type of each question by its id, in the order in which they came.
    column : str or None
        The column of a csv that is being read: what cannot be read is kept under its name.
    """

    def __init__(self, issues: IssueLog, *, reports_missing_types: bool = True) -> None:
        self.rows = AnnotationRows(issues)
        self.questions: dict[str, tuple[str | None, str | None]] = {}
        self.column: str | None = None
        self._reports_missing_types = reports_missing_types

    def read(self, answers: Any) -> ListState:
        """Read all answers of a file.

        Parameters
        ----------
        answers : list of question objects, or a dict of them by question id
        """
        questions = _listed(answers) if isinstance(answers, dict) else answers
        states = [self.read_question(item, None) for item in questions]
        return ListState.of_answers(states)

    def know(self, question: Question) -> None:
        """Add a question of the export, answered or not."""
        name, kind = self.questions.get(question.id, (None, None))
        self.questions[question.id] = (_first_given(name, question.name), _first_given(kind, question.type))

    def answer(self, question: Question, answer: Any, usual: Row | None = None) -> ListState:
        """Read the answer to one question; return `ListState.EMPTY` if it was not answered.

        Parameters
        ----------
        usual : Row, optional
            The values that its rows share: the object it is about, the answer's id, the rest for `extra`.
        """
        self.know(question)
        if is_blank(answer):
            return ListState.EMPTY
        shared = usual or Row(question.id, "text")
        shared.type, is_known = self._type(question, answer)
        if shared.type in vendor.SHAPE_TYPES:
            one_shape = shared.type in ("polygon", "polyline") and is_points(answer)
            objects = [answer] if one_shape or not isinstance(answer, list) else answer
            # a list of points whose type is not known, too short for a ring, is a line
            other_type = "polyline" if shared.type == "polygon" and not is_known else None
            for item in objects:
                self.read_object(item, self._labelled(question, item, shared), question, other_type)
            return ListState.EMPTY if all(map(is_blank, objects)) else ListState.FOUND
        if shared.type == "speech":
            return self._add_all(read_speech(answer, shared, self.rows), shared, question)
        if (
            is_known
            and not isinstance(answer, list | dict)
            and str(question.type).lower() in vendor.LIST_QUESTION_TYPES
        ):
            self.rows.suspect(question.id, f"the answer to {question.name or question.id!r} is not a list of values")
        return self._add_all(_values(answer, shared, self.rows, any_form=not is_known), shared, question)

    def _add_all(self, rows: Iterator[Found], usual: Row, question: Question) -> ListState:
        """Add rows, and what is asked about them, or about an answer without a row; keep what was not understood."""
        state = ListState.EMPTY
        for row, children, unread in rows:
            if unread is not None:
                self._lose(
                    unread, question, usual.parent_id, f"a {usual.type} answer was not understood", "unparsed_answer"
                )
            if row is not None or unread is not None:
                state = ListState.FOUND
            about = self.rows.add(row) if row is not None else usual.annotation_id
            if not is_blank(children):
                state = ListState.FOUND
                self.read_children(children, about or f"{usual.parent_id or self.rows.file_id}/{usual.question_id}")
        return state

    def _type(self, question: Question, answer: Any) -> tuple[str, bool]:
        """Return our type of a question, and whether the vendor's type says so."""
        ours = vendor.QUESTION_TYPES.get(question.type.lower()) if question.type else None
        if ours is not None:
            return ours, True
        ours = looks_like(answer)
        if question.type is not None or self._reports_missing_types:
            what = f"the unknown type {question.type!r}" if question.type else "no type"
            message = f"question {question.name or question.id!r} has {what}; it was read as {ours}."
            self.rows.report("unknown_question_type", message)
        return ours, False

    def _labelled(self, question: Question, item: Any, shared: Row) -> Row:
        """Return the shared values for an object: without a name of its question its own label is its class."""
        label = item.get(vendor.SCREEN_LABEL_KEY) if isinstance(item, dict) and question.name is None else None
        if is_blank(label):
            return shared
        known = self.questions[question.id][0]
        own = Question(question.id if known in (None, label) else f"{question.id}/{label}", str(label), question.type)
        self.know(own)
        return msgspec.structs.replace(shared, question_id=own.id)

    def read_question(self, item: Any, about: str | None) -> ListState:
        """Read a question object; return `ListState.EMPTY` if it was not answered."""
        if not isinstance(item, dict):
            self._lose(item, None, about, "an answer is not a question object", "unparsed_answer")
            return ListState.FOUND
        label = item.get(vendor.SCREEN_LABEL_KEY)
        name = vendor.first_of(item, vendor.ANSWER_QUESTION_KEYS)
        name = label if name is None else name
        question_id = item.get("question_id", name)
        is_object = "answer" not in item and "frames" in item  # as the labelling screen stores a track
        if question_id is None or not ("answer" in item or is_object):
            what = "names no question" if question_id is None else "has no value under a known key"
            self._lose(item, None, about, f"an answer {what}", "unparsed_answer")
            return ListState.FOUND
        kind = vendor.first_of(item, vendor.ANSWER_TYPE_KEYS)
        question = Question(str(question_id), None if name is None else str(name), None if kind is None else str(kind))
        usual = Row(question.id, "text", parent_id=about, extra={})
        if is_object:
            rest = {key: value for key, value in item.items() if key not in _QUESTION_KEYS or key == "answer_id"}
            return self.answer(question, [rest], usual)
        usual.annotation_id = _own_id(item)
        usual.extra = self._rest(item, _QUESTION_KEYS | vendor.SCREEN_KEYS)
        state = self.answer(question, item["answer"], usual)
        if state is ListState.EMPTY and _may_hold_answers(usual.extra):
            self._lose(item, None, about, "an answer has values under unknown keys alone", "unparsed_answer")
            return ListState.FOUND
        return state

    def read_object(self, item: Any, usual: Row, question: Question, other_type: str | None = None) -> None:
        """Read an object: its shape, or its shape in each frame of a video.

        Parameters
        ----------
        item : any
        usual : Row
            The values that the objects of the question share.
        question : Question
        other_type : str, optional
            A type to try if a shape is not of the type in `usual`.
        """
        if is_blank(item):
            return
        wrapped = item
        if not isinstance(item, dict) or not {"answer", "frames"} & set(item):
            wrapped = {"answer": item}  # a shape that comes without its wrapping
        row = Row(usual.question_id, usual.type, _own_id(wrapped), parent_id=usual.parent_id)
        row.attributes = wrapped.get("attributes", msgspec.UNSET)
        if wrapped.get("frames") is None:
            shape = read_shape(row, wrapped.get("answer"), self.rows, other_type)
            if shape is None:
                self._lose(item, question, usual.parent_id, f"a {usual.type} could not be parsed")
                return
            row.extra = {**(usual.extra or {}), **(row.extra or {}), **self._rest(wrapped, _OBJECT_KEYS)}
            self.read_children(wrapped.get("children"), self.rows.add(shape))
            return
        track_id = row.annotation_id or self.rows.next_id(row.parent_id, row.question_id)
        row.extra = {**(usual.extra or {}), **self._rest(wrapped, _OBJECT_KEYS)}
        if not is_blank(wrapped.get("answer")):
            row.extra["answer"] = wrapped["answer"]
            self.rows.suspect(
                question.id, f"an object of {question.name or question.id!r} has a shape beside its frames"
            )
        has_rows = False
        for key, track_row, frame in read_track(wrapped, track_id, row, self.rows, other_type):
            if track_row is None:
                lost = {**{name: wrapped[name] for name in wrapped if name != "children"}, "frames": {str(key): frame}}
                self._lose(lost, question, usual.parent_id, f"a {usual.type} in a frame could not be parsed")
                continue
            has_rows = True
            children = frame.get("children") if isinstance(frame, dict) else None
            self.read_children(children, self.rows.add(track_row))
        if has_rows:
            self.read_children(wrapped.get("children"), track_id)
        elif is_blank(wrapped["frames"]):
            self._lose(item, question, usual.parent_id, f"a {usual.type} has no frames")

    def read_children(self, children: Any, about: str) -> None:
        """Read the questions that were asked about an object."""
        if is_blank(children):
            return
        if isinstance(children, dict):
            one = "answer" in children and ("question_id" in children or "question_name" in children)
            children = [children] if one else _listed(children)
        for child in children if isinstance(children, list) else [children]:
            self.read_question(child, about)

    def _lose(
        self, item: Any, question: Question | None, about: str | None, reason: str, code: str = "bad_segmentation"
    ) -> None:
        """Keep an object without a row, with the question that it answers."""
        if question is not None and self.column is None:
            named = {"question_id": question.id, "question_name": question.name, "question_type": question.type}
            item = {**{key: value for key, value in named.items() if value is not None}, "answer": [item]}
        if about is not None:
            item = {"parent_id": about, "children": [item]}
        self.rows.keep_unread(self.column or "latest_answer", item, reason, code)

    def _rest(self, item: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
        """Return the values of an object that have no column; those under unknown keys are counted."""
        unknown = {key: value for key, value in item.items() if key not in known}
        self.rows.unknown(unknown)
        known_rest = vendor.SCREEN_KEYS - _USED_KEYS
        return {**{key: item[key] for key in item if key in known_rest and not is_blank(item[key])}, **unknown}


def _values(answer: Any, usual: Row, rows: AnnotationRows, *, any_form: bool) -> Iterator[Found]:
    """Yield a row for each value, and with the last of an item the questions asked about it.

    Objects are no values, unless the type of the question is not known (`any_form`): then they are kept as JSON.
    """
    items = [item for item in (answer if isinstance(answer, list) else [answer]) if not is_blank(item)]
    for position, item in enumerate(items):
        row = Row(usual.question_id, usual.type, usual.annotation_id, parent_id=usual.parent_id, extra=usual.extra)
        children, value = None, item
        if isinstance(item, dict) and "answer" in item:
            value, children = item["answer"], item.get("children")
            row.annotation_id = _own_id(item) or usual.annotation_id
            row.attributes = item.get("attributes", msgspec.UNSET)
            rest = {key: part for key, part in item.items() if key not in _OBJECT_KEYS or key == "frames"}
            rest = {key: part for key, part in rest.items() if not (key == "frames" and is_blank(part))}
            if is_blank(value) and (rest or not is_blank(item.get("attributes"))):
                yield Found(None, None, item)
                continue
            rows.unknown(rest)
            row.extra = {**(usual.extra or {}), **rest}
        values = value if isinstance(value, list) else [value]
        if not any_form and any(isinstance(part, dict) for part in values):
            yield Found(None, None, item)
            continue
        shared = row.annotation_id is not None and row.annotation_id == usual.annotation_id
        places = [place for place, part in enumerate(values) if not is_blank(part)]
        for place in places:
            own = row.annotation_id
            if shared and (len(items) > 1 or len(values) > 1):
                own = f"{own}/{position if len(items) > 1 else place}"
            elif own is not None and len(values) > 1:
                own = f"{own}/{place}"
            text = values[place] if isinstance(values[place], str) else json_text(values[place])
            yield Found(
                msgspec.structs.replace(row, annotation_id=own, value=text), children if place == places[-1] else None
            )
        if not places:
            yield Found(None, children)


def _own_id(item: Mapping[str, Any]) -> str | None:
    """Return the service's id of an object."""
    return as_id(item.get("answer_id")) or as_id(item.get(vendor.SCREEN_ID_KEY))


def _may_hold_answers(extra: Mapping[str, Any]) -> bool:
    """Return True if a question without an answer has anything under keys that are not known."""
    return any(not is_blank(value) for key, value in extra.items() if key not in vendor.SCREEN_KEYS)


def _first_given(before: str | None, now: str | None) -> str | None:
    """Return the first text that is not empty, or else the first text; a repeated question changes nothing."""
    return before or now or (now if before is None else before)


def _listed(questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return question objects of a dict of them, or of their answers, by question id."""
    return [
        {"question_id": key, **value} if isinstance(value, dict) else {"question_id": key, "answer": value}
        for key, value in questions.items()
    ]
