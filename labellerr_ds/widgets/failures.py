"""What a panel says of a failure: one line on what happened and what to do, never a key; and what may be tried."""

from __future__ import annotations

from typing import Literal

from labellerr_ds.core.errors import (
    AmbiguousCreateError,
    AuthError,
    ConnectionFailedError,
    DownloadError,
    ExportFailedError,
    LabellerrError,
    NotFoundError,
    ReadError,
)
from labellerr_ds.core.hint import Hint

_FIELDS = {"statuses": "the statuses", "since": "the time", "format": "the format"}
"""Fields of the form by the arguments that they stand for."""
Remedy = Literal["Retry", "Get a new link", "Refresh"]


def failure_text(problem: BaseException, project_id: str) -> str:
    """One line."""
    text = problem.message if isinstance(problem, LabellerrError) else ""
    match problem:
        case AuthError():
            return (
                "Labellerr refused the keys. Check LABELLERR_API_KEY and LABELLERR_API_SECRET; keys are per workspace. "
                f"({text})"
            )
        case AmbiguousCreateError():
            return f"No clear answer came. Your export may have been created: Refresh before running it again. ({text})"
        case ConnectionFailedError():
            return f"No answer. Check the network, then try again. ({text})"
        case ExportFailedError():
            return f"Labellerr reports this export as failed: {problem.reason or 'no reason is given'}. {text}"
        case NotFoundError():
            return f"Project {project_id}, or the export, does not exist. ({text})"
        case DownloadError():
            return f"The export could not be downloaded. ({text})"
        case ReadError():
            return f"What came is not a whole export. {problem.message}"
        case LabellerrError():
            return problem.message if problem.hint is None else f"{problem.message} {hint_sentence(problem.hint)}"
    return f"Something unexpected happened: {type(problem).__name__}. See Details, or picker.error_details."


def hint_sentence(hint: Hint) -> str:
    """Return a hint as a sentence."""
    sentence = ", or ".join(map(_step, hint.steps))
    return f"{sentence[0].upper()}{sentence[1:]}{'' if sentence.endswith('?') else '.'}"


def _step(step: Hint) -> str:
    if step.kind == "all":
        return " and ".join(map(_step, step.parts))
    if step.kind == "advice":
        return str(step).rstrip(".")
    return f"call {step}" if step.kind == "call" else f"change {_FIELDS.get(step.name, step.name)}"


def remedy(problem: BaseException, *, linked: bool) -> Remedy:
    """What a click may do about it; an export that may exist is never asked for again by one.

    Parameters
    ----------
    problem : exception
    linked : bool
        Whether the export comes through a link, which is short-lived.
    """
    if isinstance(problem, AmbiguousCreateError):
        return "Refresh"
    return "Get a new link" if linked and isinstance(problem, DownloadError) else "Retry"
