"""Labellerr's own answers, question by question, to rows: what native json and the cells of a csv have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from labellerr_ds import vendor
from labellerr_ds.readers.issues import IssueLog
from labellerr_ds.readers.rows import SHAPES, AnnotationRows, Row
from labellerr_ds.readers.shapes import bad_row, is_blank, is_points, looks_like, read_shape
from labellerr_ds.readers.speech import ITEM_KEYS, speech_rows
from labellerr_ds.readers.tracks import track_rows
from labellerr_ds.readers.values import as_id, json_text

_QUESTION_KEYS = frozenset(
    {"question_id", "answer", "answer_id", *vendor.ANSWER_QUESTION_KEYS, *vendor.ANSWER_TYPE_KEYS}
)


class Question(NamedTuple):
    """A question: its id, its name, and its type in the vendor's words, where they are known."""

    id: str
    name: str | None = None
    type: str | None = None


class Answers:
    """Reads answers into rows, one file's after the other's.

    Parameters
    ----------
    issues : IssueLog

    Attributes
    ----------
    rows : AnnotationRows
    questions : dict
        Name and type of each question by its id, in the order in which they came.
    """

    def __init__(self, issues: IssueLog) -> None:
        self.rows = AnnotationRows(issues)
        self.questions: dict[str, tuple[str | None, str | None]] = {}

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
            self.rows.report_file(f"latest_answer is a {type(answers).__name__}, not a list of questions.")
            return {"latest_answer": answers}
        left = [item for item in answers if not self.read_question(item, None)]
        return {"latest_answer": left} if left else {}

    def know(self, question: Question) -> None:
        """A question of the export, whether it was answered or not."""
        if self.questions.get(question.id, (None, None)) == (None, None):
            self.questions[question.id] = (question.name, question.type)

    def answer(self, question: Question, answer: Any, usual: Row | None = None) -> bool:
        """One question's answer; returns whether it made a row.

        Parameters
        ----------
        usual : Row, optional
            What its rows share: the object it is about, the answer's id, what is left for `extra`.
        """
        self.know(question)
        if is_blank(answer):
            return False
        before = len(self.rows)
        shared = usual or Row(question.id, "text")
        shared.type = self._type(question, answer)
        if shared.type in SHAPES:
            one_shape = shared.type in ("polygon", "polyline") and is_points(answer)
            for item in answer if isinstance(answer, list) and not one_shape else [answer]:
                self.read_object(item, shared)
        elif shared.type == "speech":
            self._add_all(speech_rows(answer, shared, self.rows), shared)
        else:
            self._add_all(_values(answer, shared, self.rows), shared)
        return len(self.rows) > before

    def _add_all(self, rows: Iterator[tuple[Row | None, Any]], usual: Row) -> None:
        """Rows, and what is asked about them, or about an answer without a row."""
        for row, children in rows:
            about = self.rows.add(row) if row is not None else usual.annotation_id
            self.read_children(children, about or f"{usual.parent_id or self.rows.file_id}/{usual.question_id}")

    def _type(self, question: Question, answer: Any) -> str:
        ours = vendor.QUESTION_TYPES.get(question.type.lower()) if question.type else None
        if ours is None:
            ours = looks_like(answer)
            if question.type is not None:
                name = question.name or question.id
                self.rows.report(
                    "unknown_question_type",
                    f"question {name!r} has the unknown type {question.type!r}; it was read as {ours}.",
                )
        return ours

    def read_question(self, item: Any, about: str | None) -> bool:
        """Read a question object; False where something of it has no row to stay on."""
        if not isinstance(item, dict):
            self.rows.report_file(f"an answer of file {self.rows.file_id} is not a question object.")
            return False
        name = vendor.first_of(item, vendor.ANSWER_QUESTION_KEYS)
        kind = vendor.first_of(item, vendor.ANSWER_TYPE_KEYS)
        question_id = item.get("question_id", name)
        extra = {key: value for key, value in item.items() if key not in _QUESTION_KEYS}
        self.rows.unknown(extra)
        if question_id is None:
            self.rows.report_file(f"an answer of file {self.rows.file_id} names no question.")
            return False
        question = Question(str(question_id), None if name is None else str(name), None if kind is None else str(kind))
        usual = Row(question.id, "text", as_id(item.get("answer_id")), parent_id=about, extra=extra)
        return self.answer(question, item.get("answer"), usual) or not extra

    def read_object(self, item: Any, usual: Row) -> None:
        """An object: its shape, or its shape in each frame of a video."""
        if is_blank(item):
            return
        if not isinstance(item, dict) or not {"answer", "frames"} & set(item):
            item = {"answer": item}  # a shape that comes without its wrapping
        row = Row(
            usual.question_id,
            usual.type,
            as_id(item.get("answer_id")),
            parent_id=usual.parent_id,
            attributes=item.get("attributes", msgspec.UNSET),
            extra={**(usual.extra or {}), **self._rest(item)},
        )
        if item.get("frames") is None:
            self.read_children(item.get("children"), self.rows.add(read_shape(row, item.get("answer"), self.rows)))
            return
        track_id = row.annotation_id or self.rows.next_id(row.parent_id, row.question_id)
        for track_row, children in track_rows(item, track_id, row, self.rows):
            self.read_children(children, self.rows.add(track_row))
        self.read_children(item.get("children"), track_id)

    def read_children(self, children: Any, about: str) -> None:
        """The questions that were asked about an object."""
        if is_blank(children):
            return
        if isinstance(children, dict):
            one = "answer" in children and ("question_id" in children or "question_name" in children)
            children = [children] if one else _listed(children)
        for child in children if isinstance(children, list) else [children]:
            if not self.read_question(child, about):
                row = Row("children", "text", parent_id=about)
                self.rows.add(bad_row(row, child, f"what is asked about {about} is not a question", self.rows))

    def _rest(self, item: Mapping[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in item.items() if key not in ITEM_KEYS}
        self.rows.unknown(rest)
        return rest


def _values(answer: Any, usual: Row, rows: AnnotationRows) -> Iterator[tuple[Row | None, Any]]:
    """A row for each value, and with the last of an item the questions asked about it."""
    items = [item for item in (answer if isinstance(answer, list) else [answer]) if not is_blank(item)]
    for position, item in enumerate(items):
        row = Row(usual.question_id, usual.type, usual.annotation_id, parent_id=usual.parent_id, extra=usual.extra)
        children, value = None, item
        if isinstance(item, dict) and "answer" in item:
            value, children = item["answer"], item.get("children")
            row.annotation_id = as_id(item.get("answer_id")) or usual.annotation_id
            row.attributes = item.get("attributes", msgspec.UNSET)
            rest = {key: part for key, part in item.items() if key not in ITEM_KEYS}
            rows.unknown(rest)
            row.extra = {**(usual.extra or {}), **rest}
        values = value if isinstance(value, list) else [value]
        shared = row.annotation_id is not None and row.annotation_id == usual.annotation_id
        places = [place for place, each in enumerate(values) if not is_blank(each)]
        for place in places:
            own = row.annotation_id
            if shared and (len(items) > 1 or len(values) > 1):
                own = f"{own}/{position if len(items) > 1 else place}"
            elif own is not None and len(values) > 1:
                own = f"{own}/{place}"
            word = values[place] if isinstance(values[place], str) else json_text(values[place])
            yield (
                msgspec.structs.replace(row, annotation_id=own, value=word),
                children if place == places[-1] else None,
            )
        if not places:
            yield None, children


def _listed(questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Question objects out of a dict of them, or of their answers, by question id."""
    return [
        {"question_id": key, **value} if isinstance(value, dict) else {"question_id": key, "answer": value}
        for key, value in questions.items()
    ]
