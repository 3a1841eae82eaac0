"""Commands about exports: list, create, pick up, download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from labellerr_ds.api.export import export_dataset
from labellerr_ds.cli.delivery import delivery
from labellerr_ds.cli.exit_codes import FAILED
from labellerr_ds.cli.options import (
    As,
    Coco,
    Level,
    LevelOption,
    Out,
    Overwrite,
    Project,
    Quiet,
    Report,
    Safe,
    Timeout,
    statuses_of,
)
from labellerr_ds.cli.output import Form, print_table, say
from labellerr_ds.cli.reporting import shows_progress
from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.models import ExportFormat, S3Destination
from labellerr_ds.exports.job import ExportJob
from labellerr_ds.service.client import Client


def projects(form: As = Form.TABLE) -> None:
    """List the projects that the key can see."""
    print_table(Client().projects(), form)


def exports(project: Project, form: As = Form.TABLE) -> None:
    """List a project's exports, newest first."""
    listed = Client().project(project).exports()
    first = ["report_id", "state", "created_at", "name"]
    print_table(listed[[*first, *listed.columns.difference(first, sort=False)]], form)


def connections(form: As = Form.TABLE) -> None:
    """List the S3 connections that exports can go to."""
    print_table(Client().s3_connections(), form)


def export(
    project: Project,
    status: Annotated[
        list[str],
        typer.Option(
            "--status", "--statuses", help="A status, or all, annotated, reviewed, none; a list, or given again."
        ),
    ],
    since: Annotated[str | None, typer.Option(help="Only what changed since: 2026-11-01, or 7d.")] = None,
    format: Annotated[str, typer.Option(help=f"{', '.join(ExportFormat)}.")] = "json",
    out: Out = None,
    coco: Coco = None,
    level: LevelOption = Level.ANNOTATION,
    name: Annotated[str | None, typer.Option(help="The export's name.")] = None,
    timeout: Timeout = None,
    to: Annotated[str | None, typer.Option(help="Export into this folder: s3://bucket/path/.")] = None,
    connection: Annotated[str | None, typer.Option(help="The S3 connection's id, for --to.")] = None,
    keep: Annotated[Path | None, typer.Option(help="A folder to keep the export in as it was served.")] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Write an empty frame where no file matches.")
    ] = False,
    overwrite: Overwrite = False,
    safe: Safe = True,
    quiet: Quiet = False,
    form: As = Form.TABLE,
) -> None:
    """Export a project's labels, wait, and write or show them as one frame."""
    deliver = delivery(out, coco, level, form, overwrite=overwrite, safe=safe)
    destination = _destination(to, connection)
    dataset = export_dataset(
        project,
        statuses_of(status),
        since,
        format=format,
        name=name,
        destination=destination,
        timeout=timeout,
        download_to=keep,
        allow_empty=allow_empty,
        progress=shows_progress(quiet),
    )
    deliver(dataset)


def _destination(to: str | None, connection: str | None) -> S3Destination | Literal["local"]:
    if to is None and connection is None:
        return "local"
    if to is None or connection is None:
        missing = "--connection ID (labellerr-ds connections lists them)" if to else "--to s3://bucket/path/"
        raise InvalidArgumentError(f"an export into S3 needs {missing} as well.")
    path = to.removeprefix("s3://")  # at a shell that is how one writes it, and no mistake to be told
    return S3Destination(path if path.endswith("/") else path + "/", connection_id=connection)


def _picked_up(project: str, report: str) -> ExportJob:
    return ExportJob(Client().project(project), report)


def status(project: Project, report: Report) -> None:
    """Say how far an export is: running, completed, failed or unknown. Exit code 1 where it failed or is unknown."""
    seen = _picked_up(project, report).status()
    typer.echo(seen.state)
    if seen.reason:
        say(seen.reason)
    if seen.state == "unknown":
        say(f"no export {report!r} in this project, or it is a moment old: `labellerr-ds exports {project}`")
    if seen.state in ("failed", "unknown"):
        raise typer.Exit(FAILED)


def download(
    project: Project,
    report: Report,
    to: Annotated[Path, typer.Option(help="The folder for the file as it was served.")] = Path(),
    timeout: Timeout = None,
    quiet: Quiet = False,
) -> None:
    """Wait for an export, and download its file; one that broke off goes on where it broke."""
    job = _picked_up(project, report)
    job.wait(timeout, progress=shows_progress(quiet))
    typer.echo(str(job.download(to, progress=shows_progress(quiet))))


def load(
    project: Project,
    report: Report,
    out: Out = None,
    coco: Coco = None,
    level: LevelOption = Level.ANNOTATION,
    timeout: Timeout = None,
    overwrite: Overwrite = False,
    safe: Safe = True,
    quiet: Quiet = False,
    form: As = Form.TABLE,
) -> None:
    """Pick up an export that was created before, wait for it, and write or show it as `export` does."""
    deliver = delivery(out, coco, level, form, overwrite=overwrite, safe=safe)
    job = _picked_up(project, report)
    job.wait(timeout, progress=shows_progress(quiet))
    deliver(job.load(progress=shows_progress(quiet)))
