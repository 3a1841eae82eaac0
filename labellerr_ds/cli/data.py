"""Commands about labels on disk: show, check, compare, convert, split, images, cache."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from labellerr_ds.api.read import read_export
from labellerr_ds.cli.exit_codes import FAILED
from labellerr_ds.cli.options import (
    SHOWN,
    As,
    File,
    Level,
    LevelOption,
    Overwrite,
    Project,
    Quiet,
    Rows,
    head,
)
from labellerr_ds.cli.output import Form, emit, preview, print_table, say, say_what
from labellerr_ds.cli.reading import read_labels, read_own_frame
from labellerr_ds.cli.reporting import shows_progress
from labellerr_ds.core.atomic import refuse
from labellerr_ds.core.card import counted
from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.dataset.combine import compare as compare_datasets
from labellerr_ds.service.client import Client
from labellerr_ds.storage import cache as exports_cache


def show(
    file: File,
    level: LevelOption = Level.ANNOTATION,
    rows: Rows = None,
    form: As = Form.TABLE,
) -> None:
    """Show what is in an export that lies on disk or in a bucket, or in what `export --out` wrote."""
    if (frame := read_own_frame(file)) is not None:
        print_table(head(frame, rows, form), form, of=len(frame), text="value")
        return
    dataset = read_labels(file)
    say_what(dataset)
    if form is not Form.TABLE:
        emit(head(dataset.to_frame(level=level.value), rows, form), form)
        return
    preview(dataset, level.value, rows or SHOWN)
    if len(dataset.issues):
        print_table(dataset.issues.head(rows or SHOWN), title="issues", of=len(dataset.issues), text="message")


def check(file: File, form: As = Form.TABLE) -> None:
    """List what is probably wrong with the labels of an export. Exit code 1 where something is."""
    dataset = read_labels(file)
    problems = dataset.annotations.labellerr.check(files=dataset.files)
    shown = problems[["problem", "message", "file_name", "category", "annotation_id", "file_id"]]
    if len(problems) or form is not Form.TABLE:
        print_table(shown, form, text="message")
    kinds = counted(problems["problem"].value_counts().items())
    say(f"{len(problems):,} problems" + (f": {kinds}" if kinds else ""))
    if len(problems):
        raise typer.Exit(FAILED)


def compare(
    a: Annotated[str, typer.Argument(help="An export, as `show` takes it.")],
    b: Annotated[str, typer.Argument(help="Another one, often a newer one.")],
    iou: Annotated[float, typer.Option(help="From which overlap two shapes are one.")] = 0.5,
    form: As = Form.TABLE,
) -> None:
    """Compare two exports: what was added, removed, moved or reclassified, a row a class."""
    comparison = compare_datasets(read_labels(a), read_labels(b), iou=iou)
    say_what(comparison)
    for column, path in (("in_a", a), ("in_b", b)):
        if others := int((~comparison.files[column].astype(bool)).sum()):
            say(f"{others:,} of the files are not in {path}")
    print_table(comparison.per_class, form)


class Target(str, Enum):
    """What an export is converted to."""

    YOLO = "yolo"
    VOC = "voc"
    COCO = "coco"
    PANOPTIC = "panoptic"
    HF = "hf"


def convert(
    file: File,
    to: Annotated[Target, typer.Option(help="The format.")],
    out: Annotated[Path, typer.Option(help="A folder; for coco a file.")],
    images: Annotated[Path | None, typer.Option(help="The folder of the images; hf needs it.")] = None,
    split: Annotated[Path | None, typer.Option(help="What `labellerr-ds split` wrote: .csv or .parquet.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Convert an export to what trainers read."""
    refuse(out, overwrite=overwrite)
    if split is not None and to is Target.COCO:
        raise InvalidArgumentError("--split is for yolo, voc, panoptic and hf: coco is one file.")
    parts = None if split is None else _split_at(split)
    dataset = read_labels(file)
    writers: dict[Target, Callable[[], object]] = {
        Target.YOLO: lambda: dataset.to_yolo(out, images=images, split=parts, overwrite=overwrite),
        Target.VOC: lambda: dataset.to_pascal_voc(out, images=images, split=parts, overwrite=overwrite),
        Target.COCO: lambda: dataset.to_coco_json(out, images=images, overwrite=overwrite),
        Target.PANOPTIC: lambda: dataset.to_panoptic(out, split=parts, overwrite=overwrite),
        Target.HF: lambda: dataset.to_huggingface(out, images=images, split=parts, overwrite=overwrite),
    }
    written = writers[to]()
    if to is Target.YOLO and parts is None:
        say("val in data.yaml is train: --split has what `labellerr-ds split` wrote", "yellow")
    if to in (Target.YOLO, Target.VOC) and images is None:
        say("labels alone: --images copies the images beside them", "yellow")
    if not isinstance(written, Path):
        say_what(written)
    typer.echo(str(out))


def _split_at(path: Path) -> pd.DataFrame:
    """The split that a file has."""
    if not path.is_file():
        raise InvalidArgumentError(f"--split: nothing exists at {str(path)!r}.")
    try:
        table = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else pd.read_csv(path, dtype=str)
    except (ValueError, OSError) as problem:
        raise InvalidArgumentError(f"--split: {str(path)!r} cannot be read: {problem}.") from None
    if not {"file_id", "split"} <= set(table.columns):
        raise InvalidArgumentError(f"--split: {str(path)!r} needs the columns file_id and split.")
    return table


def split(
    file: File,
    out: Annotated[Path, typer.Option(help="Where to write which file is in which split: .csv or .parquet.")],
    shares: Annotated[str, typer.Option(help="Of train, val and test.")] = "0.8,0.1,0.1",
    stratify: Annotated[bool, typer.Option("--stratify", help="Deal the classes out evenly.")] = False,
    group: Annotated[str | None, typer.Option(help="A column of files whose groups are never torn.")] = None,
    previous: Annotated[Path | None, typer.Option(help="An earlier split, whose files stay where they are.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same split.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Split the files for training: without leakage, and the same again when more files come."""
    refuse(out, overwrite=overwrite)
    try:
        train, val, test = (float(share) for share in shares.split(","))
    except ValueError:
        raise InvalidArgumentError(f"--shares must be three numbers such as 0.8,0.1,0.1; got {shares!r}.") from None
    made = read_labels(file).split(train, val, test, stratify=stratify, group=group, previous=previous, seed=seed)
    made.save(out)
    say_what(made)
    typer.echo(str(out))


def images(
    project: Project,
    file: File,
    to: Annotated[Path, typer.Option(help="The folder for the images; what is there already stays.")],
    quiet: Quiet = False,
) -> None:
    """Download the images of an export's files. Exit code 1 where some could not be had."""
    dataset = read_export(file)
    owner = dataset.info.get("project_id")
    if isinstance(owner, str) and owner != project:
        raise InvalidArgumentError(f"{file} is an export of the project {owner!r}, not of {project!r}.")
    table = dataset.download_images(to, Client().project(project), progress=shows_progress(quiet))
    say(counted(table["state"].value_counts().items()))
    failed = table[table["state"] == "failed"]
    typer.echo(str(to))
    reasons = failed["message"].str.replace(r" \(request [^)]*\)", "", regex=True)
    if len(failed) and reasons.nunique() == 1:
        say(f"{len(failed):,} of {len(table):,} for one reason: {reasons.iloc[0]}", "red")
        if len(failed) == len(table):
            say(f"is {project} the project of these files?")
    elif len(failed):
        print_table(failed[["file_name", "message", "file_id"]].head(20), of=len(failed))
    if len(failed):
        raise typer.Exit(FAILED)


class CacheWord(str, Enum):
    """What is done with the cache."""

    LIST = "list"
    CLEAR = "clear"
    PATH = "path"


def cache(
    word: Annotated[CacheWord, typer.Argument(help="list its exports, clear it, or print its path.")],
    rows: Rows = None,
    form: As = Form.TABLE,
) -> None:
    """The exports that this machine keeps, so that nothing is downloaded twice."""
    if word is CacheWord.PATH:
        typer.echo(str(exports_cache.folder()))
    elif word is CacheWord.CLEAR:
        say(f"{exports_cache.clear():,} exports removed from {exports_cache.folder()}")
    else:
        entries = exports_cache.entries()[["report_id", "size_bytes", "used_at", "project_id", "name"]]
        print_table(head(entries, rows, form), form, of=len(entries))
