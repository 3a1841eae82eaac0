"""Commands about mirrors."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Annotated

import typer

from labellerr_ds.cli.delivery import delivery
from labellerr_ds.cli.exit_codes import NOTHING
from labellerr_ds.cli.options import (
    Level,
    LevelOption,
    Out,
    Overwrite,
    Project,
    Quiet,
    Safe,
    Timeout,
    statuses_of,
)
from labellerr_ds.cli.output import Form, say
from labellerr_ds.cli.reporting import shows_progress
from labellerr_ds.core.models import resolve_statuses
from labellerr_ds.service.client import Client


def sync(
    project: Project,
    mirror: Annotated[str, typer.Option(help="The mirror: a folder, or s3://bucket/prefix; made where there is none.")],
    full: Annotated[bool, typer.Option("--full", help="Ask for all files, so that deleted ones are known.")] = False,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", "--statuses", help="What --out gets of it, such as accepted,rejected."),
    ] = None,
    out: Out = None,
    level: LevelOption = Level.ANNOTATION,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Believe a full export without any file: all were deleted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What the sync did, as JSON on stdout.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit code 3 where nothing changed.")] = False,
    timeout: Timeout = None,
    overwrite: Overwrite = False,
    safe: Safe = True,
    quiet: Quiet = False,
) -> None:
    """Bring a versioned mirror of a project up to date, for cron and CI: one line a run on stderr."""
    from labellerr_ds.mirror.mirror import Mirror  # where it is used: a line of help loads neither it nor the sandbox

    deliver = delivery(out, None, level, Form.TABLE, overwrite=overwrite, safe=safe) if out else None
    statuses = [str(one) for one in resolve_statuses(statuses_of(status))] if status else None
    copy, owner = Mirror(mirror), Client().project(project)
    with copy.alone():
        result = copy.sync(owner, full, timeout=timeout, progress=shows_progress(quiet), allow_empty=allow_empty)
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
