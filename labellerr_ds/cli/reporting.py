"""Errors and warnings as lines on stderr, and the exit codes."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import typer

from labellerr_ds.cli.exit_codes import FAILED, NOTHING, STOPPED, WRONG_CALL
from labellerr_ds.cli.hints import shell_hint
from labellerr_ds.cli.output import say
from labellerr_ds.core.errors import EmptyExportError, InvalidArgumentError, LabellerrError, LabellerrWarning


def reported(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that prints errors and warnings as lines on stderr, and exits with the matching code."""
    options = {name.replace("_", "-") for name in inspect.signature(command).parameters}

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        project = arguments.get("project")

        def report(kind: str, problem: Exception | Warning, style: str) -> None:
            say(f"{kind}{getattr(problem, 'message', problem)}", style)
            if hint := shell_hint(getattr(problem, "hint", None), options, project):
                say(f"hint: {hint}")

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", LabellerrWarning)
                warnings.showwarning = lambda warning, *_: report("warning: ", warning, "yellow")
                command(**arguments)
        except LabellerrError as error:
            report("", error, "yellow" if isinstance(error, EmptyExportError) else "red")
            raise typer.Exit(_exit_code(error)) from None
        except BrokenPipeError:  # head has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None
        except OSError as error:
            say(f"{error.strerror}: {str(error.filename)!r}" if error.filename else str(error), "red")
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            raise typer.Exit(STOPPED) from None

    return run


def _exit_code(error: LabellerrError) -> int:
    if isinstance(error, EmptyExportError):
        return NOTHING
    return WRONG_CALL if isinstance(error, InvalidArgumentError) else FAILED


def shows_progress(quiet: bool) -> bool:
    """Whether a person is there to see a bar."""
    return not quiet and sys.stderr.isatty()
