"""The csv export: every cell is read as text first, then understood."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa

from labellerr_ds import vendor
from labellerr_ds.errors import ReadError
from labellerr_ds.readers.archive import Member
from labellerr_ds.readers.categories import TemplateCategories
from labellerr_ds.readers.issues import IssueLog
from labellerr_ds.readers.options import ReadOptions
from labellerr_ds.readers.questions import Answers, Question
from labellerr_ds.readers.records import batch_of
from labellerr_ds.readers.shapes import looks_like_shape
from labellerr_ds.readers.text import as_text, header_of
from labellerr_ds.readers.values import NO_STATUS, json_text, milliseconds, number, status_word, whole
from labellerr_ds.tables import Tables

_COLUMN_OF = {spelling: column for column, spellings in vendor.CSV_COLUMNS.items() for spelling in spellings}


def is_table(text: str) -> bool:
    """Whether a text is a table of an export: its header names a column of files."""
    try:
        header, _ = header_of(text)
    except csv.Error:
        return False
    return any(_COLUMN_OF.get(_spelled(name)) in ("file_id", "file_name") for name in header)


def read_csv(member: Member, part: int, options: ReadOptions) -> Iterator[Tables]:
    """Batches of a csv export: some files each, with their answers and their rows as they came."""
    issues = IssueLog()
    text, odd_byte = as_text(member.read())
    if odd_byte is not None:
        message = f"the table is not UTF-8 (byte {odd_byte:,}); it was read as cp1252."
        issues.add("guessed_encoding", "export", None, odd_byte, message, "warning")
    header, cells, odd_rows = _cells(text)
    file_table = _Table(header, cells, odd_rows, options, issues)
    categories = TemplateCategories(options.categories)
    for start in range(0, len(file_table.file_rows), options.batch_rows) or (0,):
        rows = file_table.file_rows[start : start + options.batch_rows]
        records = [file_table.record(place, each) for place, each in enumerate(rows, start)]
        batch = batch_of(records, start, part, file_table.answers, categories)
        if not start:  # the table as it was read, at once: the rows of a file need not follow each other
            raw = pa.table({str(place): pa.array(column, pa.large_string()) for place, column in enumerate(cells)})
            batch = replace(batch, raw=raw, raw_header=tuple(header))
        yield batch


def shape_columns(member: Member) -> frozenset[str]:
    """The columns of a csv that hold shapes, known by what is in them."""
    text, _ = as_text(member.read())
    file_table = _Table(*_cells(text), ReadOptions(), IssueLog())
    return frozenset(question.id for question in file_table.questions.values())


def _cells(text: str) -> tuple[list[str], list[list[str]], dict[int, list[str]]]:
    """Header, columns, and the odd rows: what they have more than the header, nothing where they have less."""
    header, delimiter = header_of(text)
    if not header:
        raise ReadError("the table has no header: it is empty.")
    wide = len(header)
    try:
        read = pd.read_csv(
            io.StringIO(text, newline=""), sep=delimiter, header=None, dtype=object, keep_default_na=False,
            na_filter=False, index_col=False, quotechar='"', skip_blank_lines=True, low_memory=False,
        )  # fmt: skip
    except pd.errors.ParserError as problem:
        if "EOF inside string" in str(problem):
            raise ReadError("the table is cut short: it ends within a quoted cell. Download it again.") from None
        return header, *_uneven_cells(text, delimiter, wide)
    columns = [read[place].fillna("").tolist()[1:] for place in read.columns]
    # pandas fills up a short row without a word; what is cut short in a cell without quotes ends in one.
    last = text[text.rstrip("\r\n").rfind("\n") + 1 :]
    short = False
    if last.count('"') % 2 == 0 and len(last) < csv.field_size_limit():
        with contextlib.suppress(csv.Error):
            short = len(next(csv.reader([last], delimiter=delimiter), header)) < wide
    return header, columns, {len(read) - 2: []} if short and len(read) > 1 else {}


def _uneven_cells(text: str, delimiter: str, wide: int) -> tuple[list[list[str]], dict[int, list[str]]]:
    """The columns of a table in which a row is longer than the header, and its odd rows."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row][1:]
    except csv.Error as problem:
        raise ReadError(f"the table cannot be read: {problem}. Download the export again.") from None
    odd = {place: row[wide:] for place, row in enumerate(rows) if len(row) != wide}
    return [[row[place] if place < len(row) else "" for row in rows] for place in range(wide)], odd


def _spelled(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


class _Table:
    """A table on its way to frames."""

    def __init__(
        self, header: list[str], cells: list[list[str]], odd_rows: dict[int, list[str]],
        options: ReadOptions, issues: IssueLog,
    ) -> None:  # fmt: skip
        categories = options.categories
        self.header, self.cells, self.odd_rows, self.issues = header, cells, odd_rows, issues
        self.answers = Answers(issues)
        self.length = len(cells[0]) if cells else 0
        names = set() if categories is None else set(categories["name"].dropna())
        spelled = [_spelled(name) for name in header]
        self.answer_columns = self._answer_columns(spelled)
        self.file_columns: dict[str, int] = {}
        for place, (name, word) in enumerate(zip(header, spelled, strict=True)):
            column = _COLUMN_OF.get(word)
            if column and column not in self.file_columns and name not in names:
                self.file_columns[column] = place
        self.questions = {} if self.answer_columns else self._questions(options)
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
        self.file_rows = self._file_rows()

    def _answer_columns(self, spelled: list[str]) -> dict[str, int]:
        """Where question, type and answer stand in a table with a row an answer; nothing in others."""
        place = {name: position for position, name in reversed(list(enumerate(spelled)))}
        found = {"answer": place.get(vendor.CSV_ANSWER_COLUMN), "id": place.get("question_id")}
        found["name"] = next((place[key] for key in vendor.ANSWER_QUESTION_KEYS if key in place), None)
        found["type"] = next((place[key] for key in vendor.ANSWER_TYPE_KEYS if key in place), None)
        if found["answer"] is None or (found["id"] is None and found["name"] is None):
            return {}
        return {key: position for key, position in found.items() if position is not None}

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
            raise ReadError(
                "the table has a row an answer, but no column file_id or file_name that tells of which file."
            )
        groups: dict[str, list[int]] = {}
        for row in range(self.length):
            value = next((self.cells[key][row] for key in keys if self.cells[key][row]), "")
            groups.setdefault(value, []).append(row)
        return list(groups.values())

    def record(self, position: int, rows: list[int]) -> tuple[Any, ...]:
        """A file in the columns of `FILE_COLUMNS`; reads its answers on the way."""
        row = rows[0]
        extra: dict[str, Any] = {self.header[place]: self.cells[place][row] for place in self.rest}
        values = {name: self.cells[place][row] for name, place in self.file_columns.items()}
        file_id = values.get("file_id") or values.get("file_name") or f"row-{row}"
        self._read_answers(position, file_id, rows)
        for each in rows:
            if each in self.odd_rows:
                more = self.odd_rows[each]
                what = f"{'more' if more else 'fewer'} cells than the header"
                self.issues.add("bad_row", "files", file_id, position, f"a row of file {file_id} has {what}.")
                if more:
                    extra.setdefault("surplus", []).extend(more)

        def measure(name: str, understand: Any) -> Any:
            found = understand(values[name]) if values.get(name) else None
            if found is None and values.get(name):
                self.issues.add(
                    "not_a_number", "files", file_id, position, f"{name} of file {file_id} is {values[name]!r}."
                )
                extra[self.header[self.file_columns[name]]] = values[name]
            return found

        return (
            file_id,
            values.get("file_name"),
            status_word(values.get("status", NO_STATUS)),
            measure("width", whole),
            measure("height", whole),
            values["file_format"].lower() if values.get("file_format") else None,
            measure("file_size_mb", number),
            values.get("remarks"),
            measure("created_at", milliseconds),
            measure("updated_at", milliseconds),
            json_text(extra) if extra else None,
        )

    def _read_answers(self, position: int, file_id: str, rows: list[int]) -> None:
        self.answers.rows.begin(position, file_id)
        for row in rows:
            for place, question in self.questions.items():
                self.answers.answer(question, _answer(self.cells[place][row], question.type))
            values: Mapping[str, str] = {key: self.cells[place][row] for key, place in self.answer_columns.items()}
            if own_id := values.get("id") or values.get("name"):
                name, kind = self.template.get(own_id, (None, None))
                kind = values.get("type") or kind
                self.answers.answer(Question(own_id, values.get("name") or name, kind), _answer(values["answer"], kind))


def _holds_shapes(cells: list[str]) -> bool:
    return any(looks_like_shape(_json(cell)) for cell in cells if cell[:1] in "[{" and cell)


def _json(cell: str) -> Any:
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        return None


def _answer(cell: str, kind: str | None) -> Any:
    """What a cell holds: JSON for all but the answers that are one text."""
    if not cell:
        return None
    single = kind is not None and kind.lower() in vendor.TEXT_QUESTION_TYPES
    if single and cell[0] != "[":
        return cell
    found = _json(cell)
    if single and not isinstance(found, list):
        return cell
    return cell if found is None else found
