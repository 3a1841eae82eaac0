"""Exports: create one, pick one up, wait, download, load."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from tqdm.auto import tqdm

from labellerr_ds import service
from labellerr_ds.client import Project, as_project
from labellerr_ds.dataset import Dataset
from labellerr_ds.download import download
from labellerr_ds.errors import (
    AmbiguousCreateError,
    AmbiguousObjectsError,
    ConnectionFailedError,
    EmptyExportError,
    ExportFailedError,
    ExportTimeoutError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
    ReadError,
    ServiceError,
)
from labellerr_ds.landing import fetch_landed
from labellerr_ds.models import (
    ExportFormat,
    ExportRequest,
    ExportState,
    S3Destination,
    SignedLink,
    resolve_format,
    resolve_statuses,
)
from labellerr_ds.progress import Progress
from labellerr_ds.readers import load_export
from labellerr_ds.since import resolve_since
from labellerr_ds.transport import RefusedError
from labellerr_ds.waiting import intervals

TIMEOUT_S = 3600.0
ABSENT_LOOKS = 5  # how often the service may not know a report id before it is taken at its word
LINK_PATIENCE_S = 60.0  # an export can be completed for a while before its link can be had


def create_export(
    project: object,
    statuses: Iterable[object] | str,
    *,
    format: str | ExportFormat = "json",
    since: object = None,
    name: str | None = None,
    description: str | None = None,
    question_ids: Iterable[str] | None = None,
    destination: S3Destination | Literal["local"] = "local",
) -> ExportJob:
    """Ask the service for an export; it is asked once, and never again blindly.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
    statuses : list of statuses
        ``None`` in the list stands for the files without a status; ``"all"``, ``"annotated"`` and
        ``"reviewed"`` for several.
    format : {'json', 'coco_json', 'csv', 'png'}
    since : datetime, date, str, timedelta, optional
        Only files that changed after it.
    name, description : str, optional
        As the dashboard shows them; a unique name is made where there is none.
    question_ids : list of str, optional
        Only answers to these questions; None is all.
    destination : 'local' or S3Destination

    Returns
    -------
    ExportJob

    Raises
    ------
    InvalidArgumentError, AuthError, NotFoundError
    EmptyExportError
        Where the service says at once that no file matches.
    AmbiguousCreateError
        Where no answer tells whether the request arrived.

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> client = Client.sandbox()
    >>> job = create_export(client.project(client.projects()["project_id"][0]), ["accepted"])
    >>> job.wait(progress=False).state
    'completed'
    """
    wanted, form = resolve_statuses(statuses), resolve_format(format)
    destination = _checked(destination)
    if isinstance(question_ids, str):
        raise InvalidArgumentError("question_ids must be a list of ids, not one text.")
    if question_ids is not None and not (question_ids := tuple(question_ids)):
        raise InvalidArgumentError("question_ids is empty: pass None for all questions.")
    project = as_project(project)
    request = ExportRequest(
        wanted,
        form,
        resolve_since(since, project.client.now),
        name or f"labellerr-ds {form} {uuid.uuid4().hex[:12]}",
        description or "created by labellerr_ds",
        question_ids,
        destination,
    )
    started = (time.monotonic(), time.time())
    try:
        report_id, created_at = project.create_export(service.export_body(request))
    except RefusedError as refusal:
        if service.EMPTY_WORDS in refusal.words.lower():
            raise empty_export(request) from None
        raise ServiceError(str(refusal), status=refusal.status) from None
    except (ConnectionFailedError, ServiceError) as problem:
        if isinstance(problem, ConnectionFailedError) or (problem.status or 0) >= 500:
            raise AmbiguousCreateError(
                f"creating the export {request.name!r}: no clear answer came, so it may or may not exist, and was "
                f"not asked for again. Look for that name in project.exports() or the dashboard first. ({problem})",
                name=request.name,
            ) from None
        raise
    job = ExportJob(project, report_id, request=request, created_at=created_at)
    job._started = started
    return job


def _checked(destination: object) -> S3Destination | Literal["local"]:
    if isinstance(destination, S3Destination):
        return destination
    if destination != "local":
        raise InvalidArgumentError(f"destination must be 'local' or an S3Destination, got {destination!r}.")
    return "local"


def empty_export(request: ExportRequest | None) -> EmptyExportError:
    """What to say where no file matches, and what to try."""
    if request is None:
        return EmptyExportError("the export holds no files.")
    asked = ", ".join(status.value for status in request.statuses)
    since = "" if request.since is None else f" changed since {request.since.isoformat()}"
    hint = "" if request.since is None else " or an earlier since"
    return EmptyExportError(
        f"no files with the status {asked}{since}. Try other statuses ('all' takes every file){hint}; "
        "allow_empty=True gives an empty frame instead.",
        statuses=[status.value for status in request.statuses],
        since=request.since.isoformat() if request.since else None,
    )


class ExportJob:
    """An export at the service, new or picked up by its report id.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
    report_id : str
    destination : 'local' or S3Destination
        Where an export went that is picked up: the service does not tell.

    Attributes
    ----------
    project : Project
    report_id : str
    destination : 'local' or S3Destination
    request : ExportRequest or None
        What was asked for; None where it was picked up.
    """

    def __init__(
        self,
        project: object,
        report_id: str,
        *,
        destination: S3Destination | Literal["local"] = "local",
        request: ExportRequest | None = None,
        created_at: datetime | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not isinstance(report_id, str) or not report_id.strip():
            raise InvalidArgumentError(f"a report id is a text, got {report_id!r}.")
        self.project: Project = as_project(project)
        self.report_id, self.request = report_id.strip(), request
        self.destination = _checked(request.destination if request else destination)
        self._created_at, self._clock, self._sleep = created_at, clock, sleep
        # by this machine's two clocks: before it was asked for, and when it was first seen to be completed
        self._started: tuple[float, float] | None = None
        self._finished: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"ExportJob({self.project.project_id!r}, {self.report_id!r})"

    @property
    def name(self) -> str | None:
        """The export's name; asked of the list of exports where it was picked up."""
        if self.request is not None:
            return self.request.name
        name = self._listed().get("name")
        return None if name is None or pd.isna(name) else str(name)

    @property
    def dashboard_url(self) -> str:
        """Where a person finds the project's exports."""
        return f"{service.DASHBOARD}/projects/{self.project.project_id}/exports"

    def _listed(self) -> dict[str, Any]:
        try:
            exports = self.project.exports()
        except LabellerrError:
            return {}
        rows = exports[exports["report_id"] == self.report_id].to_dict("records")
        return {str(key): value for key, value in rows[0].items()} if rows else {}

    def status(self) -> ExportState:
        """One look at the export; a failed one is told, not raised."""
        return self._look() or ExportState(self.report_id, "unknown")

    def _look(self) -> ExportState | None:
        state = self.project.export_states([self.report_id]).get(self.report_id)
        if state and state.is_completed and self._finished is None:
            self._finished = (self._clock(), time.time())
        return state

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> ExportState:
        """Wait until the export is completed: a look at once, then after 1 s, growing to every 15 s.

        Parameters
        ----------
        timeout : float, optional
            Seconds; 3,600 where none is given. The deadline goes by the monotonic clock.
        progress : bool
            A line with the state and the time elapsed.

        Raises
        ------
        ExportFailedError
            With the service's reason. `EmptyExportError` where the reason is that no file matched.
        ExportTimeoutError
            At the deadline; the export goes on at the service.
        NotFoundError
            Where the service does not know the report id, several looks in a row.
        """
        limit = TIMEOUT_S if timeout is None else float(timeout)
        if not limit >= 0:
            raise InvalidArgumentError(f"timeout must be seconds, 0 or more; got {timeout!r}.")
        deadline = self._clock() + limit
        bar = tqdm(total=None, bar_format="{desc} {elapsed}", disable=not progress, delay=1, leave=False)
        try:
            return self._watch(deadline, limit, bar)
        except KeyboardInterrupt:
            print(  # noqa: T201
                f"Stopped waiting. The export goes on at the service; pick it up again with\n"
                f"  ExportJob({self.project.project_id!r}, {self.report_id!r}).wait()",
                file=sys.stderr,
            )
            raise
        finally:
            bar.close()

    def looks(self) -> Iterator[tuple[ExportState, float]]:
        """Look at the export until it is completed: what was seen, and the seconds until the next look.

        Raises
        ------
        ExportFailedError, EmptyExportError, NotFoundError
            As `wait`.
        """
        absent = 0
        for interval in intervals():
            state = self._look()
            absent = 0 if state else absent + 1
            if absent >= ABSENT_LOOKS:
                raise NotFoundError(
                    f"export {self.report_id}: the service does not know it in project {self.project.project_id}. "
                    "Check the report id; project.exports() lists them."
                )
            if state and state.state == "failed":
                raise self._failure(state)
            yield state or ExportState(self.report_id, "unknown"), interval
            if state and state.state == "completed":
                return

    def _watch(self, deadline: float, limit: float, bar: Any) -> ExportState:
        for state, interval in self.looks():
            if state.state == "completed":
                return state
            left = deadline - self._clock()
            if left <= 0:
                raise ExportTimeoutError(
                    f"export {self.report_id} is still {state.raw or 'unknown'!r} after {limit:g} s; wait "
                    f"again with ExportJob({self.project.project_id!r}, {self.report_id!r}).wait(), it goes on at "
                    "the service.",
                    report_id=self.report_id,
                )
            self._pause(min(interval, left), bar, state)
        raise AssertionError("looks end with the export")  # pragma: no cover

    def _pause(self, seconds: float, bar: Any, state: ExportState) -> None:
        bar.set_description_str(f"export {state.raw or 'unknown'}", refresh=False)
        while seconds > 0:
            step = min(seconds, 1.0)
            self._sleep(step)
            bar.update(1)
            seconds -= step

    def _failure(self, state: ExportState) -> LabellerrError:
        if state.reason and service.EMPTY_WORDS in state.reason.lower():
            return empty_export(self.request)
        reason = f": {state.reason}" if state.reason else "; the service gives no reason"
        return ExportFailedError(
            f"export {self.report_id} failed{reason}. Create it again, or ask Labellerr's support with this id.",
            report_id=self.report_id,
            reason=state.reason,
        )

    def link(self) -> SignedLink:
        """A signed link to the finished export; the service may need a moment before it has one.

        Raises
        ------
        InvalidArgumentError
            For an export to S3, which has none.
        NotFoundError
            Where the export is not there, or not completed.
        """
        if self.destination != "local":
            raise InvalidArgumentError(
                f"export {self.report_id} went to S3 and has no link; it is under {self.destination.bucket_path}. "
                "load() and download() read it from there."
            )
        deadline = self._clock() + LINK_PATIENCE_S
        for interval in intervals(0.25):
            try:
                return self.project.export_link(self.report_id)
            except NotFoundError:
                if self._clock() >= deadline or not self.status().is_completed:
                    raise
            self._sleep(interval)
        raise AssertionError("intervals never end")  # pragma: no cover

    def download(self, folder: str | Path, *, progress: Progress = True) -> Path:
        """The export as it was served, in this folder: transfer coding undone, not unpacked.

        Of an export to S3 that is several objects, a folder of them.
        """
        if self.destination == "local":
            return download(self.link(), Path(folder), prefix=f"{self.report_id}-", progress=progress)
        files = self._from_bucket(self.destination, Path(folder), progress)
        return files[0][1] if len(files) == 1 else files[0][1].parent

    def load(
        self, *, download_to: str | Path | None = None, progress: Progress = True, strict: bool = False
    ) -> Dataset:
        """Download and read the export; the project's template tells its classes and questions.

        An export to S3 is read from the bucket, with the user's own AWS credentials: exactly the objects
        that it wrote.

        Parameters
        ----------
        download_to : path, optional
            A folder to keep what was downloaded in.
        progress : bool or callable
            Bars, for what takes over a second; or a function that is told the bytes so far and in all.
        strict : bool
            Raise where something was not understood, instead of telling it in ``dataset.issues``.

        Raises
        ------
        DownloadError, ReadError
        AmbiguousObjectsError
            Where nothing tells which objects of a bucket the export wrote.
        """
        categories = self.project.categories()
        with tempfile.TemporaryDirectory(prefix="labellerr-") as temporary:
            folder = Path(download_to or temporary)
            if self.destination == "local":
                path = self.download(folder, progress=progress)
                source, files = path.name, [(path.name, path)]
            else:
                files = self._from_bucket(self.destination, folder, progress)
                source = files[0][0] if len(files) == 1 else self.report_id
            try:
                dataset = load_export(
                    source,
                    files,
                    format=self.request.format.value if self.request else None,
                    categories=categories,
                    strict=strict,
                    info=self._provenance(),
                    progress=progress is True,
                )
            except ReadError as problem:
                if self.destination == "local" and download_to is None:  # what came is not lost
                    kept = shutil.move(files[0][1], tempfile.mkdtemp(prefix="labellerr-kept-"))
                    problem.args = (f"{problem} The file was kept at {kept}.",)
                raise
        self._is_ours(dataset)
        return dataset._of(self.project)

    def _is_ours(self, dataset: Dataset) -> None:
        """An object of a bucket that was known by its time alone may be another export's after all."""
        if self.destination == "local" or self.request is None:
            return
        asked = {status.value for status in self.request.statuses}
        told = set(dataset.files["status"].dropna().astype(str))
        if foreign := told - asked:
            raise AmbiguousObjectsError(
                f"export {self.report_id}: what lies under {self.destination.bucket_path} holds files of the status "
                f"{', '.join(sorted(foreign))}, which was not asked for: another export has written there since. "
                "Read what you mean with read_export().",
                candidates=[],
            )

    def _from_bucket(self, destination: S3Destination, folder: Path, progress: Progress) -> list[tuple[str, Path]]:
        if self._finished is None and not (state := self.status()).is_completed:
            raise NotFoundError(
                f"export {self.report_id} is {state.raw or state.state!r}, not completed: wait() for it first."
            )
        return fetch_landed(
            destination,
            self.report_id,
            self._window,
            folder,
            masks=self.request is not None and self.request.format is ExportFormat.PNG,
            sleep=self._sleep,
            progress=progress,
        )

    def _window(self, now: datetime) -> tuple[datetime, datetime] | None:
        """From creation to completion, by the clock that says it is `now`: how long ago each was is the same on any.

        Of this machine's clocks one stops while it sleeps and the other may be set: the window is the wider.
        """
        last = now if self._finished is None else now - timedelta(seconds=min(self._ago(self._finished)))
        if self._started is not None:
            return now - timedelta(seconds=max(self._ago(self._started))), last
        try:
            exports = self.project.exports()
        except NotFoundError:  # a deployment without a list
            return None
        created = exports.loc[exports["report_id"] == self.report_id, "created_at"].dropna()
        if created.empty:
            return None
        return now - (self.project.client.now() - created.iloc[0].to_pydatetime()), last

    def _ago(self, moment: tuple[float, float]) -> tuple[float, float]:
        return self._clock() - moment[0], time.time() - moment[1]

    def _creation(self) -> datetime | None:
        """When the export was created, by the service's clock, where it tells."""
        if (
            self._created_at is None
            and isinstance(at := self._listed().get("created_at"), datetime)
            and not pd.isna(at)
        ):
            self._created_at = at.astimezone(timezone.utc)
        return self._created_at

    def _provenance(self) -> dict[str, Any]:
        created = self._creation()
        request = self.request
        return {
            "project_id": self.project.project_id,
            "project_name": self.project.name,
            "report_id": self.report_id,
            "statuses": [status.value for status in request.statuses] if request else None,
            "since": request.since.isoformat() if request and request.since else None,
            "exported_at": created.isoformat() if created else None,
        }
