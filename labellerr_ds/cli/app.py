"""The command line: each command does what one call of the library does.

Data goes to stdout, messages to stderr. Exit codes: 0 done, 1 it failed, 2 the call was wrong, 3 no
files match, 130 stopped by the user.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from labellerr_ds.cli.data import cache, check, compare, convert, images, show, split
from labellerr_ds.cli.export import connections, download, export, exports, load, projects, status
from labellerr_ds.cli.mirror import sync
from labellerr_ds.cli.reporting import reported
from labellerr_ds.cli.sandbox import demo, sandbox

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print the values of variables
)
COMMANDS = (
    demo, projects, exports, connections, export, sync, status, download, load, check, compare, convert, split, images,
    cache, show, sandbox,
)  # fmt: skip
"""The commands, in the order of the help."""

for command in COMMANDS:
    app.command()(reported(command))


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
