"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from labellerr_ds.cli.output import Form

SHOWN = 20  # rows of a table


class Level(str, Enum):
    """What a row is."""

    ANNOTATION = "annotation"
    FILE = "file"


Rows = Annotated[int | None, typer.Option(min=1, help="How many rows; a table has 20 where none is given.")]
As = Annotated[Form, typer.Option("--as", help="How to print it.")]
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's id or name.")]
Report = Annotated[
    str, typer.Argument(metavar="REPORT", help="The export's report id; `labellerr-ds exports PROJECT` lists them.")
]
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="An export: a file, a ZIP, a folder, or s3://bucket/key; a YOLO or VOC folder as well."
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Write the frame here: .parquet, .csv, .json or .jsonl; - is stdout, as --as says.")
]
Coco = Annotated[Path | None, typer.Option(help="Write a COCO file here.")]
LevelOption = Annotated[Level, typer.Option(help="A row an annotation, or a row a file.")]
Timeout = Annotated[float | None, typer.Option(help="Seconds to wait; 3600 where none is given.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
Safe = Annotated[bool, typer.Option(help="In a csv, a ' before what a spreadsheet takes for a formula.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def statuses_of(given: list[str]) -> list[str]:
    """Words that came in lists, several times, or both."""
    return [part.strip() for word in given for part in word.split(",") if part.strip()]


def head(frame: pd.DataFrame, rows: int | None, form: Form) -> pd.DataFrame:
    """As many rows as are asked for: of a table some, else all."""
    return frame if rows is None and form is not Form.TABLE else frame.head(rows or SHOWN)
