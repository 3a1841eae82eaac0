"""Errors and warnings as lines on stderr, and the exit codes."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

import typer

from labellerr_ds.cli.hints import in_shell_words
from labellerr_ds.cli.output import say
from labellerr_ds.core.errors import EmptyExportError, InvalidArgumentError, LabellerrError, LabellerrWarning

FAILED, WRONG_CALL, NOTHING, STOPPED = 1, 2, 3, 130


@contextlib.contextmanager
def reported(project: str | None = None) -> Iterator[None]:
    """Errors and warnings as a line on stderr, and the exit code that fits; of a project the lines name it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", LabellerrWarning)
            warnings.showwarning = lambda message, *_: say(
                f"warning: {in_shell_words(str(message), project)}",
                "yellow",
            )
            yield
    except EmptyExportError as problem:
        say(in_shell_words(str(problem), project), "yellow")
        raise typer.Exit(NOTHING) from None
    except InvalidArgumentError as problem:
        say(in_shell_words(str(problem), project), "red")
        raise typer.Exit(WRONG_CALL) from None
    except LabellerrError as problem:
        say(in_shell_words(str(problem), project), "red")
        raise typer.Exit(FAILED) from None
    except BrokenPipeError:  # head has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except OSError as problem:
        say(f"{problem.strerror}: {str(problem.filename)!r}" if problem.filename else str(problem), "red")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None


def shows_progress(quiet: bool) -> bool:
    """Whether a person is there to see a bar."""
    return not quiet and sys.stderr.isatty()
