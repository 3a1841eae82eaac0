"""Looking at an export until it is completed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from labellerr_ds.core.backoff import LONGEST_WAIT_S, intervals
from labellerr_ds.core.errors import (
    ExportTimeoutError,
    InvalidArgumentError,
    NotFoundError,
    RateLimitedError,
    ServiceError,
)
from labellerr_ds.core.hint import argument, call, either
from labellerr_ds.core.models import ExportRequest, ExportState
from labellerr_ds.exports.outcome import failure

TIMEOUT_S = 3600.0
ABSENT_LOOKS = 5  # how often the service may not know a report id before it is believed


def looks(
    look: Callable[[], ExportState | None],
    report_id: str,
    project_id: str,
    request: ExportRequest | None,
    *,
    outlives: bool = False,
) -> Iterator[tuple[ExportState, float]]:
    """Look at an export until it is completed: the state, and the seconds until the next look.

    Parameters
    ----------
    look : callable
        One look; None where the service does not know the export.
    outlives : bool
        Where the network or the service stumbles, that is a state that is not known, for somebody who has a deadline.

    Raises
    ------
    ExportFailedError, EmptyExportError
    NotFoundError
        Where the service does not know the report id, several looks in a row.
    """
    absent = 0
    for interval in intervals():
        try:
            state = look()
        except ServiceError as problem:
            if not outlives or 300 <= (problem.status or 0) < 400:
                raise
            asked = problem.wait_s if isinstance(problem, RateLimitedError) else None
            yield (
                ExportState(report_id, "unknown", reason=problem.message),
                max(interval, min(asked or 0, LONGEST_WAIT_S)),
            )
            continue
        absent = 0 if state else absent + 1
        if absent >= ABSENT_LOOKS:
            raise NotFoundError(
                f"export {report_id}: the service does not know it in project {project_id}.",
                hint=call("project.exports()"),
            )
        if state and state.state == "failed":
            raise failure(state, request)
        yield state or ExportState(report_id, "unknown"), interval
        if state and state.state == "completed":
            return


def checked_timeout(timeout: float | None) -> float:
    """Seconds to wait; the default where none is given."""
    try:
        limit = TIMEOUT_S if timeout is None else float(timeout)
    except (TypeError, ValueError):
        limit = -1.0
    if not limit >= 0:
        raise InvalidArgumentError(f"timeout must be seconds, 0 or more; got {timeout!r}.")
    return limit


def watch(
    seen: Iterator[tuple[ExportState, float]],
    limit: float,
    resume: str,
    show: Callable[[str, int], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> ExportState:
    """Wait until an export is completed.

    Parameters
    ----------
    seen : iterator
        `looks`.
    limit : float
        Seconds.
    resume : str
        The line that waits again.
    show : callable
        Gets a text and the seconds since its last call.

    Raises
    ------
    ExportTimeoutError
        At the deadline; the export goes on at the service.
    """
    deadline = clock() + limit
    for state, interval in seen:
        if state.state == "completed":
            return state
        left = deadline - clock()
        if left <= 0:
            raise ExportTimeoutError(
                f"export {state.report_id} is still {state.raw or 'unknown'!r} after {limit:g} s; it goes on at the "
                "service." + (f" The last look: {state.reason}" if state.reason else ""),
                hint=either(call(resume, state.report_id), argument("timeout")),
                report_id=state.report_id,
            )
        seconds = min(interval, left)
        while seconds > 0:
            step = min(seconds, 1.0)
            sleep(step)
            show(f"export {state.raw or 'unknown'}", 1)
            seconds -= step
    raise AssertionError("looks end with the export")  # pragma: no cover
