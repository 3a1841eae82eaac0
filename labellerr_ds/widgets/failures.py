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

Remedy = Literal["Retry", "Get a new link", "Refresh"]


def failure_text(problem: BaseException, project_id: str) -> str:
    """One line."""
    match problem:
        case AuthError():
            return (
                "Labellerr refused the keys. Check LABELLERR_API_KEY and LABELLERR_API_SECRET; keys are per workspace. "
                f"({problem})"
            )
        case AmbiguousCreateError():
            return (
                f"No clear answer came. Your export may have been created: Refresh before running it again. ({problem})"
            )
        case ConnectionFailedError():
            return f"No answer. Check the network, then try again. ({problem})"
        case ExportFailedError():
            return f"Labellerr reports this export as failed: {problem.reason or 'no reason is given'}. {problem}"
        case NotFoundError():
            return f"Project {project_id}, or the export, does not exist. ({problem})"
        case DownloadError():
            return f"The export could not be downloaded. ({problem})"
        case ReadError():
            return f"What came is not a whole export. {problem}"
        case LabellerrError():
            return str(problem)
    return f"Something unexpected happened: {type(problem).__name__}. See Details, or picker.error_details."


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
