"""The command line: each command does what one call of the library does.

Data goes to stdout, messages to stderr. Exit codes: 0 done, 1 it failed, 2 the call was wrong, 3 no
files match, 130 stopped by the user.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labellerr_ds.card import counted
from labellerr_ds.combine import compare as compare_datasets
from labellerr_ds.dataset import Dataset
from labellerr_ds.door import export_dataset, read_export
from labellerr_ds.errors import EmptyExportError, InvalidArgumentError, LabellerrError, LabellerrWarning
from labellerr_ds.exports import cache as exports_cache
from labellerr_ds.exports.job import ExportJob
from labellerr_ds.mirror.mirror import Mirror
from labellerr_ds.models import ExportFormat, S3Destination
from labellerr_ds.sandbox.server import NOTICE, VARIANTS, Sandbox
from labellerr_ds.service.client import Client
from labellerr_ds.target import file_at, refuse

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print the values of variables
    add_completion=False,
)
_err = Console(stderr=True, highlight=False)

FAILED, WRONG_CALL, NOTHING, STOPPED = 1, 2, 3, 130


class Form(str, Enum):
    """How a list is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Level(str, Enum):
    """What a row is."""

    ANNOTATION = "annotation"
    FILE = "file"


_As = Annotated[Form, typer.Option("--as", help="How to print it.")]
_Project = Annotated[str, typer.Argument(help="The project's id.")]
_Report = Annotated[str, typer.Argument(help="The export's report id; `labellerr-ds exports PROJECT` lists them.")]
_File = Annotated[str, typer.Argument(help="An export: a file, a ZIP, a folder, or s3://bucket/key.")]
_Out = Annotated[Path | None, typer.Option(help="Write the frame here: .parquet, .csv or .json.")]
_Coco = Annotated[Path | None, typer.Option(help="Write a COCO file here.")]
_Level = Annotated[Level, typer.Option(help="A row an annotation, or a row a file.")]
_Timeout = Annotated[float | None, typer.Option(help="Seconds to wait; 3600 where none is given.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what --out and --coco name.")]
_Safe = Annotated[bool, typer.Option(help="In a csv, a ' before what a spreadsheet takes for a formula.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Errors and warnings as a line on stderr, and the exit code that fits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", LabellerrWarning)
            warnings.showwarning = lambda message, *_: _say(f"warning: {message}", "yellow")
            yield
    except EmptyExportError as problem:
        _say(str(problem), "yellow")
        raise typer.Exit(NOTHING) from None
    except InvalidArgumentError as problem:
        _say(str(problem), "red")
        raise typer.Exit(WRONG_CALL) from None
    except LabellerrError as problem:
        _say(str(problem), "red")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None


def _say(message: str, style: str = "") -> None:
    _err.print(Text(message, style=style), soft_wrap=True)  # a line a message, however long: so grep has all of it


def _print(frame: pd.DataFrame, form: Form = Form.TABLE, *, title: str | None = None, short: bool = False) -> None:
    if form is Form.CSV:
        typer.echo(frame.labellerr.plain(safe=True).to_csv(index=False), nl=False)
    elif form is Form.JSON:
        typer.echo(_json(frame))
    else:
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in frame.columns:
            table.add_column(str(name), overflow="ellipsis" if short else "fold", no_wrap=short)
        for row in frame.itertuples(index=False):
            table.add_row(*(Text(_cell(value)) for value in row))
        Console(highlight=False).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    if isinstance(value, float) and value == value:
        return f"{value:g}"
    return "" if pd.isna(value) else str(value)


def _json(frame: pd.DataFrame) -> str:
    return str(frame.to_json(orient="records", date_format="iso", force_ascii=False, indent=1))


def _preview(dataset: Dataset, level: str, rows: int, title: str | None = None) -> None:
    """The first rows, in as many columns as fit a terminal."""
    if level == "file" or dataset.annotations.empty:
        columns = ["file_name", "status", "label_state", "width", "height", "annotation_count"]
        _print(dataset.files[columns].head(rows), title=title, short=True)
        return
    frame = dataset.annotations.head(rows)
    short = frame[["file_name", "status", "category", "type", "value"]].copy()
    boxes = frame.labellerr.boxes("xywh")
    short["bbox"] = [" ".join(f"{side:g}" for side in each) if each[0] == each[0] else "" for each in boxes]
    short["area"] = frame["area"]
    _print(short, title=title, short=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"labellerr-ds {version('labellerr-ds')}")
        raise typer.Exit


@app.callback()
def main(
    shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """Labellerr exports as tables. Keys come from LABELLERR_API_KEY, LABELLERR_API_SECRET and LABELLERR_CLIENT_ID."""


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option(help="A folder for the files; a temporary one where none is given.")
    ] = None,
    files: Annotated[int, typer.Option(min=1, help="Files of the sample project.")] = 60,
) -> None:
    """Run the main job on the built-in sandbox, in all four formats."""
    folder = out or Path(tempfile.mkdtemp(prefix="labellerr-demo-"))
    with _told(), Sandbox(files=files) as sandbox:
        _say(NOTICE, "dim")
        client = Client.sandbox(sandbox)
        project = client.project(sandbox.project_ids[0])
        for form in ExportFormat:
            dataset = export_dataset(project, ["accepted"], format=form, download_to=folder)
            title = f'export_to_dataframe(project, ["accepted"], format="{form}"): {len(dataset.annotations):,} rows'
            _preview(dataset, "annotation", 5, title)
        typer.echo(f"The exports as they were served: {folder}")
        for path in sorted(folder.iterdir()):
            typer.echo(f"  {path}  {path.stat().st_size:,} bytes")


@app.command()
def projects(form: _As = Form.TABLE) -> None:
    """List the projects that the key can see."""
    with _told():
        _print(Client().projects(), form)


@app.command()
def exports(project: _Project, form: _As = Form.TABLE) -> None:
    """List a project's exports, newest first."""
    with _told():
        _print(Client().project(project).exports(), form)


@app.command()
def connections(form: _As = Form.TABLE) -> None:
    """List the S3 connections that exports can go to."""
    with _told():
        _print(Client().s3_connections(), form)


@app.command()
def export(
    project: _Project,
    status: Annotated[list[str], typer.Option(help="A status, or all, annotated, reviewed, none; may be repeated.")],
    since: Annotated[str | None, typer.Option(help="Only what changed since: 2026-11-01, or 7d.")] = None,
    format: Annotated[str, typer.Option(help="json, coco_json, csv or png.")] = "json",
    out: _Out = None,
    coco: _Coco = None,
    level: _Level = Level.ANNOTATION,
    name: Annotated[str | None, typer.Option(help="The export's name.")] = None,
    timeout: _Timeout = None,
    to: Annotated[str | None, typer.Option(help="Export into this folder: s3://bucket/path/.")] = None,
    connection: Annotated[str | None, typer.Option(help="The S3 connection's id, for --to.")] = None,
    keep: Annotated[Path | None, typer.Option(help="A folder to keep the export in as it was served.")] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Write an empty frame where no file matches.")
    ] = False,
    overwrite: _Overwrite = False,
    safe: _Safe = True,
    quiet: _Quiet = False,
) -> None:
    """Export a project's labels, wait, and write or show them as one frame."""
    with _told():
        deliver = _delivery(out, coco, level, overwrite=overwrite, safe=safe)
        destination = _destination(to, connection)
        dataset = export_dataset(
            project,
            [each.strip() for word in status for each in word.split(",") if each.strip()],
            since,
            format=format,
            name=name,
            destination=destination,
            timeout=timeout,
            download_to=keep,
            allow_empty=allow_empty,
            progress=not quiet,
        )
        deliver(dataset)


def _delivery(
    out: Path | None, coco: Path | None, level: Level, *, overwrite: bool, safe: bool
) -> Callable[[Dataset], None]:
    """What is done with a dataset: written or shown; what cannot be written is refused now."""
    write = _writer(out, safe) if out else None
    for path in (out, coco):
        if path is not None:
            refuse(path, overwrite=overwrite, words="--overwrite")

    def deliver(dataset: Dataset) -> None:
        _say(repr(dataset))
        if out and write:
            with file_at(out, overwrite=overwrite) as beside:
                write(dataset.to_frame(level=level.value), beside)
            typer.echo(str(out))
        if coco:
            typer.echo(str(dataset.to_coco_json(coco, overwrite=overwrite)))
        if not out and not coco:
            _preview(dataset, level.value, 20)

    return deliver


@app.command()
def sync(
    project: _Project,
    mirror: Annotated[str, typer.Option(help="The mirror: a folder, or s3://bucket/prefix; made where there is none.")],
    full: Annotated[bool, typer.Option("--full", help="Ask for all files, so that deleted ones are known.")] = False,
    status: Annotated[
        str | None, typer.Option("--statuses", help="What --out gets of it, such as accepted,rejected.")
    ] = None,
    out: _Out = None,
    level: _Level = Level.ANNOTATION,
    as_json: Annotated[bool, typer.Option("--json", help="What the sync did, as JSON on stdout.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit code 3 where nothing changed.")] = False,
    timeout: _Timeout = None,
    overwrite: _Overwrite = False,
    safe: _Safe = True,
    quiet: _Quiet = False,
) -> None:
    """Bring a versioned mirror of a project up to date, for cron and CI: one line a run on stderr."""
    with _told():
        deliver = _delivery(out, None, level, overwrite=overwrite, safe=safe) if out else None
        copy = Mirror(mirror)
        with copy.alone():
            result = copy.sync(project, full, timeout=timeout, progress=not quiet)
        _say(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ} {project} {result!r}")
        if as_json:
            names = ("version", "added", "changed", "removed", "unchanged", "full", "report_id")
            typer.echo(json.dumps({name: getattr(result, name) for name in names}))
        if deliver:
            deliver(copy.dataset(statuses=status))
        if exit_code and not result:
            raise typer.Exit(NOTHING)


def _picked_up(project: str, report: str) -> ExportJob:
    return ExportJob(Client().project(project), report)


@app.command()
def status(project: _Project, report: _Report) -> None:
    """Say how far an export is: running, completed, failed or unknown. Exit code 1 where it failed."""
    with _told():
        seen = _picked_up(project, report).status()
        typer.echo(seen.state)
        if seen.reason:
            _say(seen.reason)
        if seen.state == "failed":
            raise typer.Exit(FAILED)


@app.command()
def download(
    project: _Project,
    report: _Report,
    to: Annotated[Path, typer.Option(help="The folder for the file as it was served.")] = Path(),
    timeout: _Timeout = None,
    quiet: _Quiet = False,
) -> None:
    """Wait for an export, and download its file; one that broke off goes on where it broke."""
    with _told():
        job = _picked_up(project, report)
        job.wait(timeout, progress=not quiet)
        typer.echo(str(job.download(to, progress=not quiet)))


@app.command()
def load(
    project: _Project,
    report: _Report,
    out: _Out = None,
    coco: _Coco = None,
    level: _Level = Level.ANNOTATION,
    timeout: _Timeout = None,
    overwrite: _Overwrite = False,
    safe: _Safe = True,
    quiet: _Quiet = False,
) -> None:
    """Pick up an export that was created before, wait for it, and write or show it as `export` does."""
    with _told():
        deliver = _delivery(out, coco, level, overwrite=overwrite, safe=safe)
        job = _picked_up(project, report)
        job.wait(timeout, progress=not quiet)
        deliver(job.load(progress=not quiet))


@app.command()
def check(file: _File, form: _As = Form.TABLE) -> None:
    """List what is probably wrong with the labels of an export. Exit code 1 where something is."""
    with _told():
        dataset = read_export(file)
        problems = dataset.annotations.labellerr.check(files=dataset.files)
        shown = problems[["problem", "file_name", "category", "annotation_id", "message"]]
        _print(shown, form)
        _say(f"{len(problems):,} problems: " + counted(problems["problem"].value_counts().items()))
        if len(problems):
            raise typer.Exit(FAILED)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="An export, as `show` takes it.")],
    b: Annotated[str, typer.Argument(help="Another one, often a newer one.")],
    iou: Annotated[float, typer.Option(help="From which overlap two shapes are one.")] = 0.5,
    form: _As = Form.TABLE,
) -> None:
    """Compare two exports: what was added, removed, moved or reclassified, a row a class."""
    with _told():
        found = compare_datasets(read_export(a), read_export(b), iou=iou)
        _say(repr(found))
        _print(found.per_class, form)


class Target(str, Enum):
    """What an export is converted to."""

    YOLO = "yolo"
    VOC = "voc"
    COCO = "coco"
    PANOPTIC = "panoptic"
    HF = "hf"


@app.command()
def convert(
    file: _File,
    to: Annotated[Target, typer.Option(help="The form.")],
    out: Annotated[Path, typer.Option(help="A folder, or for coco a file.")],
    images: Annotated[Path | None, typer.Option(help="The folder of the images; hf needs it.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what --out names.")] = False,
) -> None:
    """Convert an export to what trainers read."""
    with _told():
        refuse(out, overwrite=overwrite, words="--overwrite")
        dataset = read_export(file)
        writers: dict[Target, Callable[[], object]] = {
            Target.YOLO: lambda: dataset.to_yolo(out, images=images, overwrite=overwrite),
            Target.VOC: lambda: dataset.to_pascal_voc(out, images=images, overwrite=overwrite),
            Target.COCO: lambda: dataset.to_coco_json(out, images=images, overwrite=overwrite),
            Target.PANOPTIC: lambda: dataset.to_panoptic(out, overwrite=overwrite),
            Target.HF: lambda: dataset.to_huggingface(out, images=images, overwrite=overwrite),
        }
        _say(repr(writers[to]()))
        typer.echo(str(out))


def _destination(to: str | None, connection: str | None) -> S3Destination | Literal["local"]:
    if to is None and connection is None:
        return "local"
    if to is None or connection is None:
        missing = "--connection ID (labellerr-ds connections lists them)" if to else "--to s3://bucket/path/"
        raise InvalidArgumentError(f"an export into S3 needs {missing} as well.")
    path = to.removeprefix("s3://")  # at a shell that is how one writes it, and no mistake to be told
    return S3Destination(path if path.endswith("/") else path + "/", connection_id=connection)


def _writer(out: Path, safe: bool) -> Callable[[pd.DataFrame, Path], None]:
    writers: dict[str, Callable[[pd.DataFrame, Path], None]] = {
        ".parquet": lambda frame, path: frame.labellerr.plain().to_parquet(path),
        ".csv": lambda frame, path: frame.labellerr.plain(safe=safe).to_csv(path, index=False),
        ".json": _write_json,
    }
    if out.suffix.lower() not in writers:
        raise InvalidArgumentError(f"--out must end in {', '.join(writers)}; got {out.name!r}.")
    if not out.absolute().parent.is_dir():
        raise InvalidArgumentError(f"--out: no folder {str(out.parent)!r}.")
    return writers[out.suffix.lower()]


def _write_json(frame: pd.DataFrame, out: Path) -> None:
    """Records, with shapes, attributes and the like as JSON and not as text of it."""
    records = json.loads(_json(frame))
    for record in records:
        for key in ("attributes", "extra"):
            if record.get(key) is not None:
                record[key] = json.loads(record[key])
    out.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


class CacheWord(str, Enum):
    """What is done with the cache."""

    LIST = "list"
    CLEAR = "clear"
    PATH = "path"


@app.command()
def cache(
    word: Annotated[CacheWord, typer.Argument(help="list its exports, clear it, or print its path.")],
    form: _As = Form.TABLE,
) -> None:
    """The exports that this machine keeps, so that nothing is downloaded twice."""
    with _told():
        if word is CacheWord.PATH:
            typer.echo(str(exports_cache.folder()))
        elif word is CacheWord.CLEAR:
            _say(f"{exports_cache.clear():,} exports removed from {exports_cache.folder()}")
        else:
            _print(exports_cache.entries().drop(columns="key"), form)


@app.command()
def show(
    file: _File,
    level: _Level = Level.ANNOTATION,
    rows: Annotated[int, typer.Option(help="How many rows to show.")] = 20,
) -> None:
    """Read an export that lies on disk or in a bucket, and show what is in it."""
    with _told():
        dataset = read_export(file)
        _say(repr(dataset))
        _preview(dataset, level.value, rows)
        if len(dataset.issues):
            _print(dataset.issues.head(rows), title="issues")


@app.command()
def sandbox(
    files: Annotated[int, typer.Option(help="Files of the largest project.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 0,
    variant: Annotated[str, typer.Option(help="Other forms of what is assumed, joined by commas.")] = "",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    variants: Annotated[bool, typer.Option("--variants", help="Only list the variants.")] = False,
) -> None:
    """Serve the built-in simulation of Labellerr until Ctrl-C; prints the lines that make Client() use it."""
    if variants:
        for row, names in VARIANTS.items():
            typer.echo(f"{row}: {', '.join(names)}")
        return
    try:
        served = Sandbox(files=files, seed=seed, variant=variant, port=port)
    except ValueError as problem:
        _say(str(problem), "red")
        raise typer.Exit(WRONG_CALL) from None
    with _told(), served:
        _say(NOTICE, "dim")
        for name, value in (
            ("API_KEY", served.api_key), ("API_SECRET", served.api_secret), ("CLIENT_ID", served.client_id),
            ("BASE_URL", served.base_url),
        ):  # fmt: skip
            typer.echo(f"export LABELLERR_{name}={value}")
        sys.stdout.flush()
        _say("Paste these lines into another shell. Ctrl-C ends it.")
        while True:
            time.sleep(3600)
