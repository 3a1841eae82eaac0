"""Commands about the built-in simulated service."""

from __future__ import annotations

import getpass
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from labellerr_ds.api.export import export_dataset
from labellerr_ds.cli.exit_codes import WRONG_CALL
from labellerr_ds.cli.output import preview, say
from labellerr_ds.cli.reporting import shows_progress
from labellerr_ds.core.disk import new_folder
from labellerr_ds.core.models import ExportFormat
from labellerr_ds.service.client import Client

LEAST_FILES = 15  # so that each status has one
_DEMO_NAMES = {"coco_json": "street.coco.json", "png": "street.masks.zip"}  # other formats: street.<their suffix>


def demo(
    out: Annotated[
        Path | None, typer.Option(help="A folder for the files; one among the temporary files where none is given.")
    ] = None,
    files: Annotated[int, typer.Option(min=LEAST_FILES, help="Files of the sample project.")] = 60,
) -> None:
    """Run the main job on the built-in sandbox, in all four formats."""
    from labellerr_ds.sandbox.server import NOTICE, Sandbox

    folder = out or Path(tempfile.gettempdir()) / f"labellerr-demo-{getpass.getuser()}"
    with Sandbox(files=files) as sandbox, tempfile.TemporaryDirectory() as kept:
        say(NOTICE, "dim")
        client = Client.sandbox(sandbox)
        project = client.project(sandbox.project_ids[0])
        new_folder(folder)
        written: list[Path] = []
        for form in ExportFormat:
            came = Path(kept) / form.value
            shown = shows_progress(quiet=False)
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
    with served:
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
