"""How an export ends: failed, empty, or with files; the one place that decides what is empty."""

from __future__ import annotations

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import EmptyExportError, ExportFailedError, LabellerrError
from labellerr_ds.core.hint import argument, either
from labellerr_ds.core.models import ExportFormat, ExportRequest, ExportState, FileStatus
from labellerr_ds.dataset.dataset import Dataset, empty_dataset
from labellerr_ds.service.project import Project


def is_empty(reason: str | None) -> bool:
    """Whether the service says in its own words that no file matched."""
    return reason is not None and vendor.EMPTY_WORDS in reason.lower()


def empty_error(request: ExportRequest | None) -> EmptyExportError:
    """The error of an export that no file matches, with what to try."""
    if request is None:
        return EmptyExportError("the export holds no files.")
    every = len(request.statuses) == len(FileStatus)
    asked = "" if every else f" with the status {', '.join(status.value for status in request.statuses)}"
    since = "" if request.since is None else f" changed since {request.since.isoformat(timespec='seconds')}"
    return EmptyExportError(
        f"no files{asked}{since}.",
        hint=either(
            None if every else argument("statuses", "all"),
            argument("since") if since else None,
            argument("allow_empty", True),
        ),
        statuses=[status.value for status in request.statuses],
        since=request.since.isoformat() if request.since else None,
    )


def failure(state: ExportState, request: ExportRequest | None) -> LabellerrError:
    """The error of an export that the service reports as failed."""
    if is_empty(state.reason):
        return empty_error(request)
    reason = f": {state.reason}" if state.reason else "; the service gives no reason"
    return ExportFailedError(
        f"export {state.report_id} failed{reason}.",
        report_id=state.report_id,
        reason=state.reason,
        hint="create it again, or ask Labellerr's support with this id",
    )


def empty_result(project: Project, problem: EmptyExportError, format: str | ExportFormat) -> Dataset:
    """The dataset of an export that no file matches: the right columns, the project's categories, and no rows."""
    asked = {"statuses": problem.statuses, "since": problem.since, "format": str(format)}
    info = {"project_id": project.project_id, "project_name": project.name, **asked}
    return empty_dataset(project.categories(), info)
