"""Creating an export: the request is checked first, and sent once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from labellerr_ds.core import vendor
from labellerr_ds.core.errors import (
    AmbiguousCreateError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
    ServiceError,
    warn,
)
from labellerr_ds.core.hint import argument, call
from labellerr_ds.core.models import (
    ExportFormat,
    ExportRequest,
    FileStatus,
    S3Destination,
    Statuses,
    names_none,
    resolve_format,
    resolve_statuses,
)
from labellerr_ds.core.since import Since, resolve_since
from labellerr_ds.exports.job import ExportJob, created_job
from labellerr_ds.exports.outcome import empty_error, is_empty
from labellerr_ds.exports.s3_objects import Moment, checked_destination
from labellerr_ds.service.project import Project, endpoints_of
from labellerr_ds.service.transport import RefusedError

SAME_MOMENT = timedelta(seconds=2)  # the list and the answers of a service need not round alike


def create_job(
    project: Project,
    statuses: Statuses,
    *,
    format: str | ExportFormat = "json",
    since: Since = None,
    name: str | None = None,
    description: str | None = None,
    question_ids: Iterable[str] | None = None,
    destination: S3Destination | Literal["local"] = "local",
) -> ExportJob:
    """Create an export, and return its job; see `labellerr_ds.create_export`."""
    wanted, form = resolve_statuses(statuses), resolve_format(format)
    destination = checked_destination(destination)
    for key, text in (("name", name), ("description", description)):
        if text is not None and not isinstance(text, str):
            raise InvalidArgumentError(f"{key} must be a str, got {text!r}.")
    endpoints = endpoints_of(project)
    _ = endpoints.facts()  # whether it is there; and the answer has the service's time
    question_ids = None if question_ids is None else _known_questions(question_ids, project)
    request = ExportRequest(
        wanted,
        form,
        resolve_since(since, endpoints.now),
        name or f"labellerr-ds {form} {uuid.uuid4().hex[:12]}",
        description or "created by labellerr_ds",
        question_ids,
        destination,
    )
    started, before = Moment(time.monotonic(), time.time()), endpoints.now()
    try:
        try:
            report_id, created_at = endpoints.create_export(request)
        except RefusedError as refusal:
            if not _may_refuse_null(refusal, statuses, request):
                raise
            request = replace(request, statuses=tuple(each for each in wanted if each is not FileStatus.NONE))
            report_id, created_at = endpoints.create_export(request)
            warn(
                "the service refused the files without a status (null); the export was created without them and does "
                "not include them."
            )
    except RefusedError as refusal:
        if is_empty(refusal.words):
            raise empty_error(request) from None
        raise ServiceError(refusal.message, status=refusal.status, hint=refusal.hint) from None
    except (ServiceError, NotFoundError) as problem:
        if is_empty(problem.reason):
            raise empty_error(request) from None
        if isinstance(problem, NotFoundError) or 300 <= (problem.status or 0) < 500:
            raise
        report_id, created_at = _export_by_name(project, request, problem, before)
    return created_job(project, report_id, request, created_at=created_at, started=started)


def _may_refuse_null(refusal: RefusedError, statuses: Statuses, request: ExportRequest) -> bool:
    """Return True if a refusal may be one of null in `statuses`, which were not named one by one.

    A 4xx answer has created nothing, so that the request can be sent again without null.
    """
    return (
        FileStatus.NONE in request.statuses
        and len(request.statuses) > 1
        and not names_none(statuses)
        and refusal.status not in vendor.NO_RETRY_STATUSES
        and not is_empty(refusal.words)
    )


def _export_by_name(
    project: Project, request: ExportRequest, problem: ServiceError, before: datetime
) -> tuple[str, datetime]:
    """The export that a request without a clear answer created all the same: the one of its name since then."""
    try:
        exports = project.exports()
    except LabellerrError:
        exports = None
    if exports is not None:
        named = (exports["name"] == request.name).fillna(False).to_numpy(dtype=bool)
        candidates = exports[named & (exports["created_at"] >= before - SAME_MOMENT).to_numpy(dtype=bool)]
        if len(candidates) == 1:
            return str(candidates["report_id"].iloc[0]), candidates["created_at"].iloc[0].to_pydatetime()
    listed = "" if exports is None else " The list of exports does not have it yet."
    raise AmbiguousCreateError(
        f"creating the export {request.name!r}: no clear answer came, so it may or may not exist, and was not asked "
        f"for again.{listed} ({problem.message})",
        name=request.name,
        hint=call("project.exports()"),
    ) from None


def _known_questions(question_ids: Iterable[str], project: Project) -> tuple[str, ...]:
    """The ids of questions of the project's template; an export of others would be empty without a word."""
    if isinstance(question_ids, str) or not isinstance(question_ids, Iterable):
        raise InvalidArgumentError(f"question_ids must be a list of ids, not a {type(question_ids).__name__}.")
    wanted = tuple(question_ids)
    if not wanted:
        raise InvalidArgumentError("question_ids is empty.", hint=argument("question_ids", None))
    categories = project.categories()
    known = categories["question_id"].dropna().tolist()
    for question in wanted:
        if question not in known:
            by_name = dict(zip(categories["name"], categories["question_id"], strict=True))
            hint = call("project.categories()")
            if question in by_name:
                hint = argument("question_ids", [by_name[question]])
            raise InvalidArgumentError(f"unknown question id {question!r}.", hint=hint)
    return wanted
