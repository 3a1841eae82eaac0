"""Where the frame of a command goes: a file, stdout, or a preview."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import typer

from labellerr_ds.cli.options import (
    SHOWN,
    Level,
)
from labellerr_ds.cli.output import Form, emit, preview, records_of, say_what
from labellerr_ds.core.atomic import file_at, refuse
from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.dataset.dataset import Dataset


def delivery(
    out: Path | None, coco: Path | None, level: Level, form: Form, *, overwrite: bool, safe: bool
) -> Callable[[Dataset], None]:
    """What is done with a dataset: written or shown; what cannot be written is refused now."""
    if out is not None and str(out) == "-":
        out, form = None, Form.CSV if form is Form.TABLE else form
    if out is not None and form is not Form.TABLE:
        raise InvalidArgumentError("--as is for stdout; the format of --out follows from the file's ending.")
    write = _writer(out, safe) if out else None
    for path in (out, coco):
        if path is not None:
            refuse(path, overwrite=overwrite)

    def deliver(dataset: Dataset) -> None:
        say_what(dataset)
        if out and write:
            with file_at(out, overwrite=overwrite) as beside:
                write(dataset.to_frame(level=level.value), beside)
            typer.echo(str(out))
        if coco:
            typer.echo(str(dataset.to_coco_json(coco, overwrite=overwrite)))
        if form is not Form.TABLE:
            emit(dataset.to_frame(level=level.value), form, safe)
        elif not out and not coco:
            preview(dataset, level.value, SHOWN)

    return deliver


def _writer(out: Path, safe: bool) -> Callable[[pd.DataFrame, Path], object]:
    writers: dict[str, Callable[[pd.DataFrame, Path], object]] = {
        ".parquet": lambda frame, path: frame.labellerr.plain().to_parquet(path),
        ".csv": lambda frame, path: frame.labellerr.plain(safe=safe).to_csv(path, index=False),
        ".json": lambda frame, path: path.write_text(
            json.dumps(records_of(frame), ensure_ascii=False), encoding="utf-8"
        ),
        ".jsonl": lambda frame, path: path.write_text(
            "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records_of(frame)), encoding="utf-8"
        ),
    }
    if out.suffix.lower() not in writers:
        raise InvalidArgumentError(f"--out must end in {', '.join(writers)}; got {out.name!r}.")
    if not out.absolute().parent.is_dir():
        raise InvalidArgumentError(f"--out: no folder {str(out.parent)!r}.")
    return writers[out.suffix.lower()]
