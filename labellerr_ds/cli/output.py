"""What the command line prints: tables on stdout in the columns that fit, and one line a message on stderr."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from enum import Enum
from typing import Any

import pandas as pd
import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.dataset.dataset import Dataset

_err = Console(stderr=True, highlight=False)
_GAP = "  "
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}  # what a terminal would obey
_ONE_LINE = {**_CONTROL, ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", 0x1B: "\\e"}
_LINES = {code: word for code, word in _ONE_LINE.items() if chr(code) not in "\n\t"}


class Form(str, Enum):
    """How a list is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


def say(message: str, style: str = "") -> None:
    """A message on stderr."""
    _err.print(
        Text(message.translate(_LINES), style=style), soft_wrap=True
    )  # a line a message, however long: so grep has all of it


def say_what(result: object) -> None:
    """A result in a line, without what is Python's of it: "4 files, 42 annotations"."""
    match = re.fullmatch(r"\w+\((.*)\)", repr(result), flags=re.DOTALL)
    say(re.sub(r"^'([^']*)'", r"\1", match[1]) if match else repr(result))


def print_table(
    frame: pd.DataFrame,
    form: Form = Form.TABLE,
    *,
    title: str | None = None,
    of: int | None = None,
    text: str | None = None,
) -> None:
    """A frame on stdout.

    In a terminal (and where COLUMNS says how wide it is) a table has the columns that fit, and says which do not;
    no id and no number in it is cut or wrapped, so that each can be copied.

    Parameters
    ----------
    of : int, optional
        How many rows there are, where these are the first.
    text : str, optional
        A column of words, which is shortened to the room that is left.
    """
    if form is not Form.TABLE:
        emit(frame, form)
        return
    if not len(frame) and not title:
        say("nothing to list", "dim")
        return
    kept = frame.dropna(axis="columns", how="all") if len(frame) else frame
    columns = {str(name): [str(name), *map(_cell, kept[name])] for name in kept.columns}
    widths = {name: max(map(cell_len, column)) for name, column in columns.items()}
    room = Console().width if sys.stdout.isatty() or "COLUMNS" in os.environ else sum(widths.values()) * 2
    shown: list[str] = []
    used = 0
    if text in widths:
        others = sum(width + len(_GAP) for name, width in widths.items() if name != text)
        widths[text] = min(widths[text], max(room - others, room // 2))
        columns[text] = [_shortened(cell, widths[text]) for cell in columns[text]]
        used = widths[text] + len(_GAP)
    for name, width in widths.items():
        if name == text:
            shown.append(name)
        elif not shown or used + width + len(_GAP) <= room:
            used += width + len(_GAP) * bool(shown)
            shown.append(name)
    if title:
        typer.echo(title.translate(_LINES))
    for place, row in enumerate(zip(*(columns[name] for name in shown), strict=True)):
        cells = []
        for name, word in zip(shown, row, strict=True):
            gap = " " * (widths[name] - cell_len(word))
            cells.append(gap + word if pd.api.types.is_numeric_dtype(kept[name].dtype) else word + gap)
        typer.secho(_GAP.join(cells).rstrip(), bold=place == 0 and "NO_COLOR" not in os.environ)
    if of is not None and of > len(frame):
        say(f"{len(frame):,} of {of:,} rows", "dim")
    if left := [name for name in widths if name not in shown]:
        say(f"hidden to fit {room} columns: {', '.join(left)}; --as csv has all", "dim")


def emit(frame: pd.DataFrame, form: Form, safe: bool = True) -> None:
    """A frame for another program."""
    if form is Form.PARQUET:
        if sys.stdout.isatty():
            raise InvalidArgumentError("Parquet is not for a terminal: send it to a file or a program, or use --out.")
        body = io.BytesIO()
        frame.labellerr.plain().to_parquet(body)
        sys.stdout.buffer.write(body.getbuffer())
        sys.stdout.buffer.flush()
    elif form is Form.CSV:
        typer.echo(frame.labellerr.plain(safe=safe).to_csv(index=False), nl=False)
    elif form is Form.JSONL:
        for record in records_of(frame):
            typer.echo(json.dumps(record, ensure_ascii=False))
    else:
        typer.echo(json.dumps(records_of(frame), ensure_ascii=False, indent=1))


def _shortened(cell: str, width: int) -> str:
    if cell_len(cell) <= width:
        return cell
    return set_cell_size(cell, width - 1).rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _cell(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    if isinstance(value, float) and value == value:
        return f"{value:g}"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if pd.isna(value) else str(value).translate(_ONE_LINE)


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON, with shapes, attributes and the like as JSON and not as text of it."""
    records: list[dict[str, Any]] = json.loads(
        frame.to_json(orient="records", date_format="iso", force_ascii=False) if len(frame) else "[]"
    )
    for record in records:
        for key in ("attributes", "extra"):
            if isinstance(text := record.get(key), str):
                record[key] = json.loads(text)
    return records


def preview(dataset: Dataset, level: str, rows: int, title: str | None = None) -> None:
    """The first rows, in the columns that a person looks at first."""
    if level == "file" or dataset.annotations.empty:
        columns = ["file_name", "status", "label_state", "annotation_count", "width", "height", "file_id"]
        print_table(dataset.files[columns].head(rows), title=title, of=len(dataset.files))
        return
    frame = dataset.annotations.head(rows)
    short = frame[["file_name", "category", "type"]].copy()
    boxes = frame.labellerr.boxes("xywh")
    short["bbox"] = [" ".join(f"{side:g}" for side in each) if each[0] == each[0] else None for each in boxes]
    for name in ("area", "value", "status"):
        short[name] = frame[name]
    print_table(short, title=title, of=len(dataset.annotations), text="value")
