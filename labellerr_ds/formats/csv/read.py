"""The csv export: every cell is read as text first, then understood."""

from __future__ import annotations

import ast
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.answers.categories import TemplateCategories
from labellerr_ds.formats.answers.questions import Answers, Question
from labellerr_ds.formats.answers.records import batch_of
from labellerr_ds.formats.answers.shapes import is_blank, looks_like_shape
from labellerr_ds.formats.answers.typed_answers import TypedAnswers
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.csv.cells import table_of
from labellerr_ds.formats.decoding import UNSET, any_json
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.text import spelled
from labellerr_ds.formats.values import milliseconds, number, status_of, whole
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import LIST_STATE, ListState, Tables

_FILE_KINDS = {column.name: column.kind for column in schema.TABLES["files"] if column.name in vendor.CSV_COLUMNS}
_MEASURES: dict[str, Callable[[str], Any]] = {"int": whole, "float": number, "time": milliseconds}
_OBJECTS = ("{", "[{")
"""The begin of cells that hold an object, or several: an answer, if it is one, that was not recognised."""


def read_csv(member: Member, part: int, options: ReadOptions) -> Iterator[Tables]:
    """Batches of a csv export: some files each, with their answers and their rows as they came."""
    issues = IssueLog()
    header, cells, odd_rows = table_of(member, issues)
    columns = [column.to_pylist() for column in cells]
    file_table = _Table(header, columns, odd_rows, options, issues, member.name)
    categories = TemplateCategories(options.categories)
    for start in range(0, len(file_table.file_rows), options.batch_rows) or (0,):
        rows = file_table.file_rows[start : start + options.batch_rows]
        batch = batch_of(file_table.columns(start, rows), start, part, file_table.answers, categories)
        if not start:  # the table as it was read, at once: the rows of a file need not follow each other
            raw = pa.table(dict(zip(map(str, range(len(cells))), cells, strict=True)))
            batch = replace(batch, raw=raw, raw_header=tuple(header))
        yield batch


def shape_columns(member: Member) -> frozenset[str]:
    """The columns of a csv that hold shapes, known by what is in them."""
    body = member.read()
    if b"{" not in body and b"[" not in body:  # which every shape has
        return frozenset()
    header, cells, odd_rows = table_of(member, IssueLog())
    file_table = _Table(
        header, [column.to_pylist() for column in cells], odd_rows, ReadOptions(), IssueLog(), member.name
    )
    return frozenset(question.id for question in file_table.questions.values())


class _Table:
    """A table on its way to frames."""

    def __init__(
        self, header: list[str], cells: list[list[str]], odd_rows: dict[int, list[str]],
        options: ReadOptions, issues: IssueLog, name: str,
    ) -> None:  # fmt: skip
        categories = options.categories
        self.name = name
        self.header, self.cells, self.odd_rows, self.issues = header, cells, odd_rows, issues
        self.answers = Answers(issues, reports_missing_types=False)
        self.typed = TypedAnswers(self.answers)
        self.length = len(cells[0]) if cells else 0
        names = set() if categories is None else set(categories["name"].dropna())
        words = [spelled(name) for name in header]
        self.answer_columns = self._answer_columns(words)
        self.file_columns = self._file_columns(words, names)
        self.questions = {} if self.answer_columns else self._questions(options)
        for place, question in self.questions.items():
            if (question.type or "").lower() == vendor.INPUT_QUESTION_TYPE:
                self.cells[place] = _unwrapped(self.cells[place])
        self.are_shapes = categories is None and not self.answer_columns  # questions are known by their shapes
        self.template = (
            {}
            if categories is None
            else {
                row_id: (None if pd.isna(name) else name, None if pd.isna(kind) else kind)
                for row_id, name, kind in zip(
                    categories["category_id"], categories["name"], categories["question_type"], strict=True
                )
            }
        )
        taken = {*self.file_columns.values(), *self.questions, *self.answer_columns.values()}
        self.rest = [place for place in range(len(header)) if place not in taken]
        self._report_missing_questions()
        self.file_rows = self._file_rows()

    def _report_missing_questions(self) -> None:
        """Report questions of the template without a column, if other columns may be theirs under another name."""
        filled = [self.header[place] for place in self.rest if any(self.cells[place])]
        if not self.template or self.answer_columns or not filled:
            return
        known = {question.id for question in self.questions.values()}
        names = [name or row_id for row_id, (name, _) in self.template.items() if row_id not in known]
        if names:
            message = (
                f"the table has no column for the questions {', '.join(map(repr, names[:3]))}, and the columns "
                f"{', '.join(map(repr, filled[:3]))} belong to no known question."
            )
            self.issues.add("unparsed_answer", "export", None, None, message, "warning")

    def _file_columns(self, words: list[str], questions: set[str]) -> dict[str, int]:
        """Where the columns of `files` stand: the first that is spelled so, even where a question has that name too.

        Of another spelling, only where no question has it.
        """
        columns = {}
        for column, spellings in vendor.CSV_COLUMNS.items():
            for rank, spelling in enumerate(spellings):
                places = [place for place, word in enumerate(words) if word == spelling]
                if rank:
                    places = [place for place in places if self.header[place] not in questions]
                if places:
                    columns[column] = places[0]
                    break
        return columns

    def _answer_columns(self, words: list[str]) -> dict[str, int]:
        """Where question, type and answer stand in a table with a row an answer; nothing in others."""
        place = {name: position for position, name in reversed(list(enumerate(words)))}
        columns = {"answer": place.get(vendor.CSV_ANSWER_COLUMN), "id": place.get("question_id")}
        columns["name"] = next((place[key] for key in vendor.ANSWER_QUESTION_KEYS if key in place), None)
        columns["type"] = next((place[key] for key in vendor.ANSWER_TYPE_KEYS if key in place), None)
        if columns["answer"] is None or (columns["id"] is None and columns["name"] is None):
            return {}
        return {key: position for key, position in columns.items() if position is not None}

    def _questions(self, options: ReadOptions) -> dict[int, Question]:
        """The questions by the place of their column."""
        categories = options.categories
        seen: Counter[str] = Counter()
        questions: dict[int, Question] = {}
        for place, name in enumerate(self.header):
            if place in self.file_columns.values():
                continue
            seen[name] += 1
            if categories is None:
                own = name if seen[name] == 1 else f"{name}.{seen[name] - 1}"
                if own in options.shape_columns or _holds_shapes(self.cells[place]):
                    questions[place] = Question(own, name)
                continue
            same = categories[categories["name"] == name]
            if len(same):  # two columns of one name are in the template's order
                row = same.iloc[min(seen[name], len(same)) - 1]
                kind = row["question_type"]
                questions[place] = Question(str(row["category_id"]), name, None if pd.isna(kind) else str(kind))
        return questions

    def _file_rows(self) -> list[list[int]]:
        """The rows of each file."""
        if not self.answer_columns:
            return [[row] for row in range(self.length)]
        keys = [self.file_columns[name] for name in ("file_id", "file_name") if name in self.file_columns]
        if not keys:
            raise ReadError(f"{self.name}: one row per answer needs a column file_id or file_name; row 1 has neither.")
        groups: dict[str, list[int]] = {}
        for row in range(self.length):
            value = next((self.cells[key][row] for key in keys if self.cells[key][row]), "")
            groups.setdefault(value, []).append(row)
        return list(groups.values())

    def columns(self, start: int, groups: list[list[int]]) -> dict[str, list[Any]]:
        """Files in the columns of `files`, each of some rows; reads their answers on the way."""
        firsts = [rows[0] for rows in groups]
        nothing: list[str] = [""] * len(groups)
        cells = {name: [self.cells[place][row] for row in firsts] for name, place in self.file_columns.items()}
        ids = [
            own or name or f"row-{row}"
            for own, name, row in zip(
                cells.get("file_id", nothing), cells.get("file_name", nothing), firsts, strict=True
            )
        ]
        rest = [(self.header[place], self.cells[place]) for place in self.rest]
        extras: list[dict[str, Any]] = [{name: _values_of(column, rows) for name, column in rest} for rows in groups]
        if self.answer_columns:
            self._report_differing(start, ids, groups)
        counts = None
        if not self.answer_columns:
            answers = [[self.cells[place][row] for row in firsts] for place in self.questions]
            counts = self.typed.table(list(self.questions.values()), answers, ids, start)
        # a column with objects may hold answers; of a file without any answer any column may
        with_objects = [
            pair for pair in rest if any(pair[1][row].startswith(_OBJECTS) for rows in groups for row in rows)
        ]
        states = []
        for position, (file_id, rows) in enumerate(zip(ids, groups, strict=True)):
            if counts is None:
                state = self._read_file(start + position, file_id, rows, extras[position])
            else:
                state = ListState.FOUND if counts[position] else ListState.EMPTY
            suspected = rest if state is ListState.EMPTY else with_objects
            unrecognised = [name for name, column in suspected if any(column[row] for row in rows)]
            if unrecognised:
                state = ListState.FOUND
                self._report_unparsed(start + position, file_id, unrecognised)
            states.append(state)
            if self.odd_rows:
                self._report_odd(start + position, file_id, rows, extras[position])

        def measure(name: str, understand: Callable[[str], Any]) -> list[Any]:
            column = cells.get(name, nothing)
            values = _understood(column, understand)
            for position, (text, value) in enumerate(zip(column, values, strict=True)):
                if value is None and text:
                    file_id = ids[position]
                    message = f"{name} of file {file_id} is {text!r}."
                    self.issues.add("not_a_number", "files", file_id, start + position, message)
                    extras[position][self.header[self.file_columns[name]]] = text
            return values

        unknown: list[Any] = [None] * len(groups)
        statuses = {word: status_of(word) for word in set(cells.get("status", ()))}
        columns: dict[str, list[Any]] = {
            name: measure(name, _MEASURES[kind]) if kind in _MEASURES else cells.get(name, unknown)
            for name, kind in _FILE_KINDS.items()
        }
        columns["file_id"] = ids
        columns["status"] = [statuses[word] for word in cells["status"]] if "status" in cells else unknown
        columns["file_format"] = [word.lower() or None for word in cells.get("file_format", nothing)]
        return {**columns, "extra": [json_text(extra) if extra else None for extra in extras], LIST_STATE: states}

    def _report_differing(self, start: int, ids: list[str], groups: list[list[int]]) -> None:
        """Report files whose rows differ in a column of the file: the first row is read."""
        for position, (file_id, rows) in enumerate(zip(ids, groups, strict=True), start):
            differing = [
                self.header[place]
                for place in self.file_columns.values()
                if any(self.cells[place][row] != self.cells[place][rows[0]] for row in rows[1:])
            ]
            if differing:
                message = f"rows of file {file_id} differ in {', '.join(map(repr, differing))}; the first was read."
                self.issues.add("duplicate_file_id", "files", file_id, position, message, "warning")

    def _report_odd(self, position: int, file_id: str, rows: list[int], extra: dict[str, Any]) -> None:
        for row in rows:
            if row in self.odd_rows:
                more = self.odd_rows[row]
                what = f"{'more' if more else 'fewer'} cells than the header"
                self.issues.add("bad_row", "files", file_id, position, f"a row of file {file_id} has {what}.")
                if more:
                    extra.setdefault("surplus", []).extend(more)

    def _report_unparsed(self, position: int, file_id: str, names: list[str]) -> None:
        """Report cells of a file that may hold answers."""
        columns = ", ".join(map(repr, dict.fromkeys(names[:3])))
        message = f"file {file_id} has values in the column {columns}, which belongs to no known question."
        self.issues.add("unparsed_answer", "files", file_id, position, message, "warning")

    def _read_file(self, position: int, file_id: str, rows: list[int], extra: dict[str, Any]) -> ListState:
        """Read the answers of a file cell by cell."""
        self.answers.rows.begin(position, file_id)
        states = []
        for place, question in self.questions.items():
            cell = self.cells[place][rows[0]]
            states.append(self._read_cell(question, cell, self.header[place], extra))
        if self.answer_columns:
            states += self._read_rows(rows, extra)
        return ListState.of_answers(states)

    def _read_rows(self, rows: list[int], extra: dict[str, Any]) -> Iterator[ListState]:
        """Read the answers of a file in a table with one row per answer."""
        for row in rows:
            values = {key: self.cells[place][row] for key, place in self.answer_columns.items()}
            cell, own_id = values["answer"], values.get("id") or values.get("name")
            if not own_id:
                if any(values.values()):
                    self.answers.rows.keep_unread("answers", values, "an answer names no question", "unparsed_answer")
                    yield ListState.FOUND
                continue
            name, kind = self.template.get(own_id, (None, None))
            question = Question(own_id, values.get("name") or name, values.get("type") or kind)
            if (question.type or "").lower() == vendor.INPUT_QUESTION_TYPE:
                cell = _unwrapped([cell])[0]
            yield self._read_cell(question, cell, self.header[self.answer_columns["answer"]], extra)

    def _read_cell(self, question: Question, cell: str, name: str, extra: dict[str, Any]) -> ListState:
        """Read the cell of a column; without a template, a cell that holds no shape is kept in `extra`."""
        rows = self.answers.rows
        before, self.answers.column = rows.mark, name
        if self.typed.answer(question, cell):
            return rows.state_since(before)
        answer = _answer(cell, question.type)
        if self.are_shapes and not is_blank(answer) and not looks_like_shape(answer):
            self.answers.know(question)
            message = f"the cell {name!r} of file {rows.file_id} holds no shape; it is in `extra`."
            self.issues.add("unparsed_answer", "files", rows.file_id, rows.file_row, message)
            extra[name] = cell
            return ListState.FOUND
        state = self.answers.answer(question, answer)
        rows.join_unread(before, name, cell)
        return state


def _values_of(column: list[str], rows: list[int]) -> str | list[str]:
    """Return the value of a column in the rows of a file, or the list of its values if they differ."""
    values = list(dict.fromkeys(column[row] for row in rows))
    return values[0] if len(values) == 1 else values


def _unwrapped(cells: list[str]) -> list[str]:
    """What was typed, where each cell of a column is a list of one text; else they are what was typed already."""
    decoded = [_json(cell) if cell[:1] == "[" else None for cell in cells]
    wrapped = all(
        not cell or (isinstance(value, list) and len(value) == 1 and isinstance(value[0], str))
        for cell, value in zip(cells, decoded, strict=True)
    )
    return [value[0] if value else "" for value in decoded] if wrapped and any(cells) else cells


def _understood(texts: list[str], understand: Callable[[str], Any]) -> list[Any]:
    """What texts mean, each looked at once; None for those that are empty, or are not understood."""
    if texts and understand is not number:
        array = pa.array(texts)
        if pc.all(pc.match_substring_regex(array, "^[0-9]{1,18}$")).as_py():  # numbers as they nearly always are
            numbers = array.cast(pa.int64())
            extremes = pc.min_max(numbers).as_py()
            if understand is whole or extremes["max"] in schema.MILLISECONDS:
                return numbers.to_pylist()  # type: ignore[no-any-return]
    known = {text: understand(text) if text else None for text in set(texts)}
    return [known[text] for text in texts]


def _holds_shapes(cells: list[str]) -> bool:
    return any(looks_like_shape(_json(cell)) for cell in cells if cell[:1] in "[{" and cell)


def _json(cell: str) -> Any:
    """What a cell holds as JSON, or in Python's own writing, as pandas writes lists into a csv; None for neither."""
    value = any_json(cell)
    if value is not UNSET:
        return value
    if cell[:1] in ("[", "{") and "'" in cell:
        with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return ast.literal_eval(cell)
    return None


def _answer(cell: str, kind: str | None) -> Any:
    """What a cell holds: JSON for all but the answers that are one text."""
    if not cell:
        return None
    if kind is not None and kind.lower() == vendor.INPUT_QUESTION_TYPE:
        return cell  # whatever somebody typed
    single = kind is not None and kind.lower() in vendor.TEXT_QUESTION_TYPES
    if single and cell[0] != "[":
        return cell
    value = _json(cell)
    if single and not isinstance(value, list):
        return cell
    return cell if value is None else value
