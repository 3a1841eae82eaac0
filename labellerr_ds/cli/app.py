"""The command line: each command does what one call of the library does.

Data goes to stdout, messages to stderr. Exit codes: 0 done, 1 it failed, 2 the call was wrong, 3 no
files match, 130 stopped by the user.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer

from labellerr_ds.api.export import export_dataset, read_export
from labellerr_ds.api.foreign import read_voc, read_yolo
from labellerr_ds.cli.output import Form, emit, preview, print_table, records_of, say, say_what
from labellerr_ds.core.atomic import file_at, refuse
from labellerr_ds.core.card import counted
from labellerr_ds.core.disk import new_folder
from labellerr_ds.core.errors import EmptyExportError, InvalidArgumentError, LabellerrError, LabellerrWarning, ReadError
from labellerr_ds.core.models import ExportFormat, S3Destination, resolve_statuses
from labellerr_ds.dataset.combine import compare as compare_datasets
from labellerr_ds.dataset.dataset import Dataset
from labellerr_ds.exports.job import ExportJob
from labellerr_ds.formats.recognise import is_frame
from labellerr_ds.service.client import Client
from labellerr_ds.storage import cache as exports_cache

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print the values of variables
)

SHOWN = 20  # rows of a table
FAILED, WRONG_CALL, NOTHING, STOPPED = 1, 2, 3, 130


class Level(str, Enum):
    """What a row is."""

    ANNOTATION = "annotation"
    FILE = "file"


_Rows = Annotated[int | None, typer.Option(min=1, help="How many rows; a table has 20 where none is given.")]
_As = Annotated[Form, typer.Option("--as", help="How to print it.")]
_Project = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's id or name.")]
_Report = Annotated[
    str, typer.Argument(metavar="REPORT", help="The export's report id; `labellerr-ds exports PROJECT` lists them.")
]
_File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="An export: a file, a ZIP, a folder, or s3://bucket/key; a YOLO or VOC folder as well."
    ),
]
_Out = Annotated[
    Path | None, typer.Option(help="Write the frame here: .parquet, .csv, .json or .jsonl; - is stdout, as --as says.")
]
_Coco = Annotated[Path | None, typer.Option(help="Write a COCO file here.")]
_Level = Annotated[Level, typer.Option(help="A row an annotation, or a row a file.")]
_Timeout = Annotated[float | None, typer.Option(help="Seconds to wait; 3600 where none is given.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
_Safe = Annotated[bool, typer.Option(help="In a csv, a ' before what a spreadsheet takes for a formula.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@contextlib.contextmanager
def _reported(project: str | None = None) -> Iterator[None]:
    """Errors and warnings as a line on stderr, and the exit code that fits; of a project the lines name it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", LabellerrWarning)
            warnings.showwarning = lambda message, *_: say(
                f"warning: {_in_shell_words(str(message), project)}",
                "yellow",
            )
            yield
    except EmptyExportError as problem:
        say(_in_shell_words(str(problem), project), "yellow")
        raise typer.Exit(NOTHING) from None
    except InvalidArgumentError as problem:
        say(_in_shell_words(str(problem), project), "red")
        raise typer.Exit(WRONG_CALL) from None
    except LabellerrError as problem:
        say(_in_shell_words(str(problem), project), "red")
        raise typer.Exit(FAILED) from None
    except BrokenPipeError:  # head has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except OSError as problem:
        say(f"{problem.strerror}: {str(problem.filename)!r}" if problem.filename else str(problem), "red")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None


_WORDS = (
    (r"allow_empty=True (gives|marks)", r"--allow-empty \1"),
    (r"overwrite=True", "--overwrite"),
    (r"lds\.ExportJob\(project, '([^']+)'\)\.wait\(\)", r"labellerr-ds load PROJECT \1"),
    (r"([Pp])ass timeout=", r"\1ass --timeout "),
    (r"project\.exports\(\)", "`labellerr-ds exports PROJECT`"),
    (r"client\.projects\(\)", "`labellerr-ds projects`"),
    (r"project\.categories\(\)", "the project's template"),
    (r" `left_out` of the result lists them\.", ""),
    (r"; see dataset\.issues", ""),
    (r"pass images=", "pass --images"),
    (
        r"pandas reads it; what Dataset\.to_parquet\(folder\) writes is read by read_export\(folder\)\.",
        "`labellerr-ds show` shows it; `download`, or `export --keep FOLDER`, keeps the export itself.",
    ),
    (r"Pass a datetime \(best with a time zone\)", "Use a date"),
    (r"(?:(?<= )|^)(images|group|previous|since|iou|timeout)= ?", r"--\1 "),
    (r"^path must end", "--out must end"),
    (r"base_url must", "LABELLERR_BASE_URL must"),
    (r"Pass them to Client\(\), or set", "Set"),
    (r"Client\.sandbox\(\) starts", "`labellerr-ds sandbox` starts"),
    (r"Check the headers api_key and api_secret", "Check LABELLERR_API_KEY and LABELLERR_API_SECRET"),
    (r"PosixPath\('([^']*)'\)", r"'\1'"),
    (r"Client\(\)", "labellerr-ds"),
    (r"pass api_key=[^,;.]*", "set LABELLERR_API_KEY, LABELLERR_API_SECRET and LABELLERR_CLIENT_ID"),
)
"""What Python's words are at a shell."""


def _in_shell_words(message: str, project: str | None = None) -> str:
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return re.sub(r"\bPROJECT\b", lambda _: project, message) if project else message


def _shows_progress(quiet: bool) -> bool:
    """Whether a person is there to see a bar."""
    return not quiet and sys.stderr.isatty()


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


LEAST_FILES = 15  # so that each status has one
_DEMO_NAMES = {"coco_json": "street.coco.json", "png": "street.masks.zip"}  # other formats: street.<their suffix>


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option(help="A folder for the files; one among the temporary files where none is given.")
    ] = None,
    files: Annotated[int, typer.Option(min=LEAST_FILES, help="Files of the sample project.")] = 60,
) -> None:
    """Run the main job on the built-in sandbox, in all four formats."""
    from labellerr_ds.sandbox.server import NOTICE, Sandbox

    folder = out or Path(tempfile.gettempdir()) / f"labellerr-demo-{getpass.getuser()}"
    with _reported(), Sandbox(files=files) as sandbox, tempfile.TemporaryDirectory() as kept:
        say(NOTICE, "dim")
        client = Client.sandbox(sandbox)
        project = client.project(sandbox.project_ids[0])
        new_folder(folder)
        written: list[Path] = []
        for form in ExportFormat:
            came = Path(kept) / form.value
            shown = _shows_progress(quiet=False)
            dataset = export_dataset(project, ["accepted"], format=form, download_to=came, progress=shown)
            title = f'export_to_dataframe(project, ["accepted"], format="{form}")'
            preview(dataset, "annotation", 5, title)
            say(f"{form}: {form.description}\n", "dim")
            (path,) = came.iterdir()
            written.append(Path(shutil.copy(path, folder / _DEMO_NAMES.get(form.value, f"street{path.suffix}"))))
        typer.echo(f"The exports as they were served are in {folder}:")
        for path in written:
            typer.echo(f"  {path.name}  {path.stat().st_size:,} bytes")
        typer.echo(f"Next: labellerr-ds show {written[0]}")


@app.command()
def projects(form: _As = Form.TABLE) -> None:
    """List the projects that the key can see."""
    with _reported():
        print_table(Client().projects(), form)


@app.command()
def exports(project: _Project, form: _As = Form.TABLE) -> None:
    """List a project's exports, newest first."""
    with _reported(project):
        listed = Client().project(project).exports()
        first = ["report_id", "state", "created_at", "name"]
        print_table(listed[[*first, *listed.columns.difference(first, sort=False)]], form)


@app.command()
def connections(form: _As = Form.TABLE) -> None:
    """List the S3 connections that exports can go to."""
    with _reported():
        print_table(Client().s3_connections(), form)


@app.command()
def export(
    project: _Project,
    status: Annotated[
        list[str],
        typer.Option(
            "--status", "--statuses", help="A status, or all, annotated, reviewed, none; a list, or given again."
        ),
    ],
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
    form: _As = Form.TABLE,
) -> None:
    """Export a project's labels, wait, and write or show them as one frame."""
    with _reported(project):
        deliver = _delivery(out, coco, level, form, overwrite=overwrite, safe=safe)
        destination = _destination(to, connection)
        dataset = export_dataset(
            project,
            _words(status),
            since,
            format=format,
            name=name,
            destination=destination,
            timeout=timeout,
            download_to=keep,
            allow_empty=allow_empty,
            progress=_shows_progress(quiet),
        )
        deliver(dataset)


def _words(given: list[str]) -> list[str]:
    """Words that came in lists, several times, or both."""
    return [part.strip() for word in given for part in word.split(",") if part.strip()]


def _delivery(
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
            refuse(path, overwrite=overwrite, words="--overwrite")

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


def _read(path: str) -> Dataset:
    """The labels in a file or folder, whoever wrote them."""
    if not path.lower().startswith("s3:") and (Path(path) / "_delta_log").is_dir():
        from labellerr_ds.mirror.mirror import Mirror

        return Mirror(path).dataset()
    try:
        return read_export(path)
    except ReadError as problem:
        readers = {"lds.read_yolo": read_yolo, "lds.read_voc": read_voc}
        other = next((read for name, read in readers.items() if name in str(problem)), None)
        if other is None:
            raise
        return other(path)


@app.command()
def sync(
    project: _Project,
    mirror: Annotated[str, typer.Option(help="The mirror: a folder, or s3://bucket/prefix; made where there is none.")],
    full: Annotated[bool, typer.Option("--full", help="Ask for all files, so that deleted ones are known.")] = False,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", "--statuses", help="What --out gets of it, such as accepted,rejected."),
    ] = None,
    out: _Out = None,
    level: _Level = Level.ANNOTATION,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Believe a full export without any file: all were deleted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What the sync did, as JSON on stdout.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit code 3 where nothing changed.")] = False,
    timeout: _Timeout = None,
    overwrite: _Overwrite = False,
    safe: _Safe = True,
    quiet: _Quiet = False,
) -> None:
    """Bring a versioned mirror of a project up to date, for cron and CI: one line a run on stderr."""
    from labellerr_ds.mirror.mirror import Mirror  # where it is used: a line of help loads neither it nor the sandbox

    with _reported(project):
        deliver = _delivery(out, None, level, Form.TABLE, overwrite=overwrite, safe=safe) if out else None
        statuses = [str(one) for one in resolve_statuses(_words(status))] if status else None
        copy, owner = Mirror(mirror), Client().project(project)
        with copy.alone():
            result = copy.sync(owner, full, timeout=timeout, progress=_shows_progress(quiet), allow_empty=allow_empty)
        counts = ", ".join(f"{getattr(result, name):,} {name}" for name in ("added", "changed", "removed", "unchanged"))
        kind = "full" if result.full else "changes"
        say(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ} {project} version {result.version}, {kind}: {counts}")
        if as_json:
            names = ("version", "added", "changed", "removed", "unchanged", "full", "report_id")
            typer.echo(json.dumps({name: getattr(result, name) for name in names}))
        if deliver:
            deliver(copy.dataset(statuses=statuses))
        if exit_code and not result:
            raise typer.Exit(NOTHING)


def _picked_up(project: str, report: str) -> ExportJob:
    return ExportJob(Client().project(project), report)


@app.command()
def status(project: _Project, report: _Report) -> None:
    """Say how far an export is: running, completed, failed or unknown. Exit code 1 where it failed or is unknown."""
    with _reported(project):
        seen = _picked_up(project, report).status()
        typer.echo(seen.state)
        if seen.reason:
            say(seen.reason)
        if seen.state == "unknown":
            say(f"no export {report!r} in this project, or it is a moment old: `labellerr-ds exports {project}`")
        if seen.state in ("failed", "unknown"):
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
    with _reported(project):
        job = _picked_up(project, report)
        job.wait(timeout, progress=_shows_progress(quiet))
        typer.echo(str(job.download(to, progress=_shows_progress(quiet))))


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
    form: _As = Form.TABLE,
) -> None:
    """Pick up an export that was created before, wait for it, and write or show it as `export` does."""
    with _reported(project):
        deliver = _delivery(out, coco, level, form, overwrite=overwrite, safe=safe)
        job = _picked_up(project, report)
        job.wait(timeout, progress=_shows_progress(quiet))
        deliver(job.load(progress=_shows_progress(quiet)))


@app.command()
def check(file: _File, form: _As = Form.TABLE) -> None:
    """List what is probably wrong with the labels of an export. Exit code 1 where something is."""
    with _reported():
        dataset = _read(file)
        problems = dataset.annotations.labellerr.check(files=dataset.files)
        shown = problems[["problem", "message", "file_name", "category", "annotation_id", "file_id"]]
        if len(problems) or form is not Form.TABLE:
            print_table(shown, form, text="message")
        kinds = counted(problems["problem"].value_counts().items())
        say(f"{len(problems):,} problems" + (f": {kinds}" if kinds else ""))
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
    with _reported():
        comparison = compare_datasets(_read(a), _read(b), iou=iou)
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


@app.command()
def convert(
    file: _File,
    to: Annotated[Target, typer.Option(help="The format.")],
    out: Annotated[Path, typer.Option(help="A folder; for coco a file.")],
    images: Annotated[Path | None, typer.Option(help="The folder of the images; hf needs it.")] = None,
    split: Annotated[Path | None, typer.Option(help="What `labellerr-ds split` wrote: .csv or .parquet.")] = None,
    overwrite: _Overwrite = False,
) -> None:
    """Convert an export to what trainers read."""
    with _reported():
        refuse(out, overwrite=overwrite, words="--overwrite")
        if split is not None and to is Target.COCO:
            raise InvalidArgumentError("--split is for yolo, voc, panoptic and hf: coco is one file.")
        parts = None if split is None else _split_at(split)
        dataset = _read(file)
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


def _destination(to: str | None, connection: str | None) -> S3Destination | Literal["local"]:
    if to is None and connection is None:
        return "local"
    if to is None or connection is None:
        missing = "--connection ID (labellerr-ds connections lists them)" if to else "--to s3://bucket/path/"
        raise InvalidArgumentError(f"an export into S3 needs {missing} as well.")
    path = to.removeprefix("s3://")  # at a shell that is how one writes it, and no mistake to be told
    return S3Destination(path if path.endswith("/") else path + "/", connection_id=connection)


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


@app.command()
def split(
    file: _File,
    out: Annotated[Path, typer.Option(help="Where to write which file is in which split: .csv or .parquet.")],
    shares: Annotated[str, typer.Option(help="Of train, val and test.")] = "0.8,0.1,0.1",
    stratify: Annotated[bool, typer.Option("--stratify", help="Deal the classes out evenly.")] = False,
    group: Annotated[str | None, typer.Option(help="A column of files whose groups are never torn.")] = None,
    previous: Annotated[Path | None, typer.Option(help="An earlier split, whose files stay where they are.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same split.")] = 0,
    overwrite: _Overwrite = False,
) -> None:
    """Split the files for training: without leakage, and the same again when more files come."""
    with _reported():
        refuse(out, overwrite=overwrite, words="--overwrite")
        try:
            train, val, test = (float(share) for share in shares.split(","))
        except ValueError:
            raise InvalidArgumentError(f"--shares must be three numbers such as 0.8,0.1,0.1; got {shares!r}.") from None
        made = _read(file).split(train, val, test, stratify=stratify, group=group, previous=previous, seed=seed)
        made.save(out)
        say_what(made)
        typer.echo(str(out))


@app.command()
def images(
    project: _Project,
    file: _File,
    to: Annotated[Path, typer.Option(help="The folder for the images; what is there already stays.")],
    quiet: _Quiet = False,
) -> None:
    """Download the images of an export's files. Exit code 1 where some could not be had."""
    with _reported(project):
        dataset = read_export(file)
        owner = dataset.info.get("project_id")
        if isinstance(owner, str) and owner != project:
            raise InvalidArgumentError(f"{file} is an export of the project {owner!r}, not of {project!r}.")
        table = dataset.download_images(to, Client().project(project), progress=_shows_progress(quiet))
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


@app.command()
def cache(
    word: Annotated[CacheWord, typer.Argument(help="list its exports, clear it, or print its path.")],
    rows: _Rows = None,
    form: _As = Form.TABLE,
) -> None:
    """The exports that this machine keeps, so that nothing is downloaded twice."""
    with _reported():
        if word is CacheWord.PATH:
            typer.echo(str(exports_cache.folder()))
        elif word is CacheWord.CLEAR:
            say(f"{exports_cache.clear():,} exports removed from {exports_cache.folder()}")
        else:
            entries = exports_cache.entries()[["report_id", "size_bytes", "used_at", "project_id", "name"]]
            print_table(_head(entries, rows, form), form, of=len(entries))


@app.command()
def show(
    file: _File,
    level: _Level = Level.ANNOTATION,
    rows: _Rows = None,
    form: _As = Form.TABLE,
) -> None:
    """Show what is in an export that lies on disk or in a bucket, or in what `export --out` wrote."""
    with _reported():
        if (frame := _own_frame(file)) is not None:
            print_table(_head(frame, rows, form), form, of=len(frame), text="value")
            return
        dataset = _read(file)
        say_what(dataset)
        if form is not Form.TABLE:
            emit(_head(dataset.to_frame(level=level.value), rows, form), form)
            return
        preview(dataset, level.value, rows or SHOWN)
        if len(dataset.issues):
            print_table(dataset.issues.head(rows or SHOWN), title="issues", of=len(dataset.issues), text="message")


def _head(frame: pd.DataFrame, rows: int | None, form: Form) -> pd.DataFrame:
    """As many rows as are asked for: of a table some, else all."""
    return frame if rows is None and form is not Form.TABLE else frame.head(rows or SHOWN)


def _own_frame(file: str) -> pd.DataFrame | None:
    """The frame that `export --out` wrote to this file; None for anything else."""
    path = Path(file)
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""]),
        ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
        ".json": lambda path: pd.read_json(path, dtype=False),
    }
    if path.suffix.lower() not in readers or not path.is_file() or not (is_frame(path) or _is_split(path)):
        return None
    try:
        frame = readers[path.suffix.lower()](path)
    except (ValueError, OSError) as problem:
        raise ReadError(f"{file}: {problem}. Write it again.") from None
    return frame.labellerr.from_safe() if path.suffix.lower() == ".csv" else frame


def _is_split(path: Path) -> bool:
    """Whether a table is what `split` wrote."""
    if path.suffix.lower() != ".csv":
        return False
    with path.open("rb") as file:
        return file.readline().startswith(b"file_id,file_name,split,")


@app.command()
def sandbox(
    files: Annotated[int, typer.Option(help="Files of the largest project.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 0,
    variant: Annotated[str, typer.Option(help="Other forms of what is assumed, joined by commas.")] = "",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    variants: Annotated[bool, typer.Option("--variants", help="Only list the variants.")] = False,
) -> None:
    """Serve the built-in simulation of Labellerr until Ctrl-C; prints the lines that make Client() use it."""
    from labellerr_ds.sandbox.server import NOTICE, VARIANTS, Sandbox

    if variants:
        for row, names in VARIANTS.items():
            typer.echo(f"{row}: {', '.join(names)}")
        return
    try:
        served = Sandbox(files=files, seed=seed, variant=variant, port=port)
    except ValueError as problem:
        say(str(problem), "red")
        raise typer.Exit(WRONG_CALL) from None
    with _reported(), served:
        say(NOTICE, "dim")
        for name, value in (
            ("API_KEY", served.api_key), ("API_SECRET", served.api_secret), ("CLIENT_ID", served.client_id),
            ("BASE_URL", served.base_url),
        ):  # fmt: skip
            typer.echo(f"export LABELLERR_{name}={value}")
        sys.stdout.flush()
        say("Paste these lines into another shell. Ctrl-C ends it.")
        while True:  # the world's clock goes as a clock does, so that the newest export is the newest
            time.sleep(1)
            served.advance(seconds=1)
