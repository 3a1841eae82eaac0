"""ExportJob: an export at the service, from its creation to its labels."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from labellerr_ds.core import vendor
from labellerr_ds.core.backoff import intervals
from labellerr_ds.core.card import card
from labellerr_ds.core.errors import (
    AmbiguousObjectsError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
    ReadError,
)
from labellerr_ds.core.hint import call, either
from labellerr_ds.core.limits import Limits
from labellerr_ds.core.models import (
    ExportFormat,
    ExportRequest,
    ExportState,
    S3Destination,
    SignedLink,
    Source,
    Statuses,
    resolve_statuses,
    status_word,
)
from labellerr_ds.core.progress import ProgressOption, waiting
from labellerr_ds.core.redaction import without_secrets
from labellerr_ds.core.since import Since, resolve_since
from labellerr_ds.core.temp_names import scratched
from labellerr_ds.dataset.dataset import Dataset, dataset_of_tables
from labellerr_ds.exports.polling import checked_timeout, looks, watch
from labellerr_ds.exports.s3_objects import Moment, Window, checked_destination, fetch_landed, window_of
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.read import read_tables
from labellerr_ds.frames.tables import with_info
from labellerr_ds.service.client import Client
from labellerr_ds.service.project import Project, endpoints_of
from labellerr_ds.service.project_like import ProjectLike, as_project
from labellerr_ds.storage import cache as cached
from labellerr_ds.storage.project_images import ProjectImages
from labellerr_ds.storage.signed_link import download

LINK_PATIENCE_S = 60.0  # an export can be completed for a while before its link can be had


class ExportJob:
    """An export at the service, new or picked up by its report id.

    Parameters
    ----------
    project : Project, str, or a project of Labellerr's own SDK
        A str is an id or a name.
    report_id : str
    destination : 'local' or S3Destination
        Where an export that is picked up went: the service does not say.
    statuses, since
        What an export that is picked up was asked for, as for `create_export`, where that is known: with one status
        files whose format has none (png) have it; `Dataset.info` tells both.
    client : Client, optional
        For a project id or name; else one is made of the credentials in the environment.

    Attributes
    ----------
    project : Project
    report_id : str
    destination : 'local' or S3Destination
    request : ExportRequest or None
        What was asked for; None where it was picked up.

    Examples
    --------
    >>> from labellerr_ds import Client, create_export
    >>> project = Client.sandbox().project("Street scenes")
    >>> report_id = create_export(project, ["accepted"]).report_id
    >>> job = ExportJob(project, report_id)
    >>> job.wait(progress=False).is_completed
    True
    """

    _statuses: tuple[str, ...]
    _since: datetime | None

    def __init__(
        self,
        project: ProjectLike,
        report_id: str,
        *,
        destination: S3Destination | Literal["local"] = "local",
        statuses: Statuses | None = None,
        since: Since = None,
        client: Client | None = None,
    ) -> None:
        if not isinstance(report_id, str) or not report_id.strip():
            raise InvalidArgumentError(f"report_id must be a str, got {report_id!r}.")
        self._begin(as_project(project, client), report_id.strip(), checked_destination(destination))
        if statuses is not None:
            self._statuses = tuple(status.value for status in resolve_statuses(statuses))
        self._since = resolve_since(since, self._endpoints.now)

    def _begin(self, project: Project, report_id: str, destination: S3Destination | Literal["local"]) -> None:
        self.project, self.report_id, self.destination = project, report_id, destination
        self._endpoints = endpoints_of(project)
        self.request: ExportRequest | None = None
        self._statuses, self._since = (), None
        self._created_at: datetime | None = None
        self._started: Moment | None = None  # when it was created by this process
        self._clock: Callable[[], float] = time.monotonic
        self._sleep: Callable[[float], None] = time.sleep
        self._verified = True  # whether what came last is known to be whole
        self._finished: Moment | None = None  # when it was first seen to be completed

    def __repr__(self) -> str:
        return f"ExportJob({self.project.project_id!r}, {self.report_id!r})"

    def _repr_html_(self) -> str:  # of what is known already: looking at it asks the service nothing
        request = self.request
        rows = [
            ("report id", self.report_id),
            ("project", self.project.project_id),
            ("format", request.format.value if request else ""),
            ("statuses", ", ".join(self._statuses)),
            ("since", self._since.isoformat() if self._since else ""),
            ("seen to be", "completed" if self._finished else ""),
        ]
        return card(
            f"Export {request.name}" if request else "Export",
            rows,
            then="job.load()" if self._finished else "job.wait()",
        )

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
        return f"{vendor.DASHBOARD}/projects/{self.project.project_id}/exports"

    @property
    def created_at(self) -> datetime | None:
        """When the export was created, by the service's clock, UTC; None where it does not say."""
        if self._created_at is None:
            at = self._listed().get("created_at")
            if isinstance(at, datetime) and not pd.isna(at):
                self._created_at = at.astimezone(timezone.utc)
        return self._created_at

    def _listed(self) -> dict[str, Any]:
        try:
            exports = self.project.exports()
        except LabellerrError:
            return {}
        rows = exports[exports["report_id"] == self.report_id].to_dict("records")
        return {str(key): value for key, value in rows[0].items()} if rows else {}

    # --- waiting

    def status(self) -> ExportState:
        """One look at the export; a failed one is a state, not an error.

        Returns
        -------
        ExportState
        """
        return self._look() or ExportState(self.report_id, "unknown")

    def _look(self, patience_s: float | None = None) -> ExportState | None:
        state = self._endpoints.export_states([self.report_id], patience_s=patience_s).get(self.report_id)
        if state and state.is_completed and self._finished is None:
            self._finished = Moment(self._clock(), time.time())
        return state

    def wait(self, timeout: float | None = None, *, progress: ProgressOption = True) -> ExportState:
        """Wait until the export is completed: a look at once, then after 1 s, growing to every 15 s.

        Where the network breaks or the service stumbles, it goes on looking until the deadline.

        Parameters
        ----------
        timeout : float, optional
            Seconds; 3,600 where none is given. The deadline goes by the monotonic clock.
        progress : bool or callable
            A line with the state and the time elapsed; or a function that gets a `Progress` every second.

        Returns
        -------
        ExportState

        Raises
        ------
        ExportFailedError
            With the service's reason. `EmptyExportError` where the reason is that no file matched.
        ExportTimeoutError
            At the deadline; the export goes on at the service.
        NotFoundError
            Where the service does not know the report id, several looks in a row.
        """
        limit = checked_timeout(timeout)
        resume = f"lds.ExportJob(project, {self.report_id!r}).wait()"
        try:
            deadline = self._clock() + limit
            seen = looks(
                lambda: self._look(max(0.0, deadline - self._clock())),
                self.report_id, self.project.project_id, self.request, outlives=True,
            )  # fmt: skip
            with waiting(progress) as show:
                return watch(seen, limit, resume, show, self._clock, self._sleep)
        except KeyboardInterrupt:
            print(  # noqa: T201
                f"Stopped waiting. The export goes on at the service; pick it up again with\n  {resume}\n"
                f"or, at a shell,\n  labellerr-ds load {self.project.project_id} {self.report_id}",
                file=sys.stderr,
            )
            raise

    # --- the file

    def link(self) -> SignedLink:
        """A signed link to the finished export; the service may need a moment before it has one.

        Returns
        -------
        SignedLink

        Raises
        ------
        InvalidArgumentError
            For an export to S3, which has none.
        NotFoundError
            Where the export is not there, or not completed.
        """
        if self.destination != "local":
            raise InvalidArgumentError(
                f"export {self.report_id} went to S3 and has no link; it is under {self.destination.bucket_path}.",
                hint=either(call("job.load()"), call("job.download(folder)")),
            )
        deadline = self._clock() + LINK_PATIENCE_S
        for interval in intervals(0.25):
            try:
                return self._endpoints.export_link(self.report_id)
            except NotFoundError:
                if self._clock() >= deadline or not self.status().is_completed:
                    raise
            self._sleep(interval)
        raise AssertionError("intervals never end")  # pragma: no cover

    def download(self, folder: str | Path, *, progress: ProgressOption = True) -> Path:
        """The export as it was served, in this folder: transfer coding undone, not unpacked.

        Parameters
        ----------
        folder : path
        progress : bool or callable
            A bar, if it takes over a second; or a function that gets each `Progress`.

        Returns
        -------
        Path
            The file; of an export to S3 that is several objects, a folder of them.

        Raises
        ------
        DownloadError, NotFoundError
        """
        files = self._fetch(Path(folder), progress).files
        return files[0][1] if len(files) == 1 else files[0][1].parent

    def _fetch(self, folder: Path, progress: ProgressOption) -> Source:
        if self.destination == "local":
            prefix = f"{self.report_id}-"
            path, self._verified = download(self.link(), folder, prefix=prefix, progress=progress, renew=self.link)
            return Source(path.name, ((path.name, path),))
        if self._finished is None and not (state := self.status()).is_completed:
            raise NotFoundError(
                f"export {self.report_id} is {state.raw or state.state!r}, not completed.",
                hint=call("job.wait()", self.report_id),
            )
        files = fetch_landed(
            self.destination,
            self.report_id,
            self._window,
            folder,
            masks=self.request is not None and self.request.format is ExportFormat.PNG,
            sleep=self._sleep,
            progress=progress,
        )
        return Source(files[0][0] if len(files) == 1 else self.report_id, tuple(files))

    def _window(self, now: datetime) -> Window:
        """From creation to completion by the clock of a store that says it is `now`."""
        age = self._age() if self._started is None else None
        return window_of(now, self._started, self._finished, age, self._clock)

    def _age(self) -> timedelta | None:
        """How long ago an export that was picked up was created; None where no list has it."""
        try:
            exports = self.project.exports()
        except NotFoundError:  # a deployment without a list
            return None
        created = exports.loc[exports["report_id"] == self.report_id, "created_at"].dropna()
        return None if created.empty else self._endpoints.now() - created.iloc[0].to_pydatetime()

    # --- the labels

    def load(
        self,
        *,
        download_to: str | Path | None = None,
        progress: ProgressOption = True,
        strict: bool = False,
        cache: bool = True,
        limits: Limits | None = None,
    ) -> Dataset:
        """Download and read the export; the project's template gives its classes and questions.

        An export to S3 is read from the bucket, with the user's own AWS credentials: exactly the objects
        that it wrote.

        Parameters
        ----------
        download_to : path, optional
            A folder to keep what was downloaded in.
        progress : bool or callable
            Bars, if it takes over a second; or a function that gets each `Progress`.
        strict : bool
            Raise where something was not understood, instead of listing it in ``dataset.issues``.
        cache : bool
            Use the copy that this machine has, and keep one: a finished export does not change, so it is downloaded
            once. Not with `download_to`, and not for S3. ``labellerr-ds cache path`` says where it is.
        limits : Limits, optional
            How much is unpacked and read; more than any export has where none is given.

        Returns
        -------
        Dataset

        Raises
        ------
        DownloadError, DiskError, ReadError
        AmbiguousObjectsError
            Where it is not certain which objects of a bucket the export wrote.
        """
        request, statuses = self.request, self._asked_statuses()
        options = ReadOptions(
            format=request.format.value if request else None,
            categories=self.project.categories(),
            status=statuses[0] if len(statuses) == 1 else None,
            progress=progress,
            limits=limits or Limits(),
        )
        room = cached.usable() if cache and download_to is None and self.destination == "local" else None
        with scratched("reading", room) as temporary:
            if room:
                path = self._through_cache(temporary, progress)
                source = Source(path.name, ((path.name, path),))
            else:
                source = self._fetch(Path(download_to or temporary), progress)
            with ExitStack() as unreadable:
                if self.destination == "local" and download_to is None:
                    unreadable.enter_context(kept_if_unreadable(source.files[0][1], self._owner.key))
                tables = read_tables(source, options, strict=strict)
        info = without_secrets(dict(tables.info), set(self._endpoints.transport.secrets))
        tables = with_info(tables, {**info, **self._provenance(info)})
        dataset = dataset_of_tables(tables, image_source=ProjectImages(self.project))
        self._check_statuses(dataset)
        return dataset

    @property
    def _owner(self) -> cached.Owner:
        transport = self._endpoints.transport
        return cached.Owner(transport.base_url, transport.client_id, self.project.project_id, self.report_id)

    def _through_cache(self, temporary: Path, progress: ProgressOption) -> Path:
        """The file in a folder within the cache: out of it, or downloaded and kept in it."""
        kept = cached.take(self._owner, temporary)
        if kept is None:
            mine = f"{self._owner.key}-"  # in a folder that all share
            came, self._verified = download(
                self.link(), cached.incoming(), prefix=f"{mine}{self.report_id}-", progress=progress, renew=self.link
            )
            kept = temporary / came.name.removeprefix(mine)
            try:
                os.rename(came, kept)
            except FileNotFoundError:  # another process had the same one, and moved it first
                return self._through_cache(temporary, progress)
            if self._verified:
                cached.keep(self._owner, kept)
        else:
            self._verified = True
        return kept

    def _asked_statuses(self) -> tuple[str, ...]:
        """The statuses that were asked for; of an export that was picked up as the list tells them."""
        if not self._statuses and isinstance(listed := self._listed().get("statuses"), str):
            self._statuses = tuple(map(status_word, listed.split(", ")))  # an open set: unknown ones stay
        return self._statuses

    def _check_statuses(self, dataset: Dataset) -> None:
        """An object of a bucket that was known by its time alone may be another export's after all."""
        if self.destination == "local" or not self._statuses:
            return
        asked = set(self._statuses)
        if foreign := set(dataset.files["status"].dropna().astype(str)) - asked:
            raise AmbiguousObjectsError(
                f"export {self.report_id}: what is under {self.destination.bucket_path} holds files of the status "
                f"{', '.join(sorted(foreign))}, which was not asked for: another export has written there since.",
                candidates=[],
                hint=call("lds.read_export(url)"),
            )

    def _provenance(self, info: Any) -> dict[str, Any]:
        created = self.created_at
        return {
            "project_id": self.project.project_id,
            "project_name": self.project.name,
            "report_id": self.report_id,
            "statuses": list(self._statuses) or None,
            "since": self._since.isoformat() if self._since else None,
            "verified": self._verified,
            "exported_at": created.isoformat() if created else info.get("exported_at"),
        }


def created_job(
    project: Project, report_id: str, request: ExportRequest, *, created_at: datetime, started: Moment
) -> ExportJob:
    """Return the job of an export that was created just now, with what was requested."""
    job = ExportJob.__new__(ExportJob)
    job._begin(project, report_id, request.destination)
    job.request, job._since = request, request.since
    job._statuses = tuple(status.value for status in request.statuses)
    job._created_at, job._started = created_at, started
    return job


def states_of(job: ExportJob) -> Iterator[tuple[ExportState, float]]:
    """Look at an export until it is completed: yield its state, and the seconds until the next look.

    Raises
    ------
    ExportFailedError, EmptyExportError, NotFoundError
        As `ExportJob.wait`.
    """
    return looks(job._look, job.report_id, job.project.project_id, job.request)


@contextmanager
def kept_if_unreadable(path: Path, cache_key: str | None = None) -> Iterator[None]:
    """What was downloaded is not lost where it cannot be read: it is moved out of its temporary folder."""
    try:
        yield
    except ReadError as problem:
        if cache_key:
            cached.remove(cache_key)
        kept = shutil.move(path, tempfile.mkdtemp(prefix="labellerr-kept-"))
        problem.args = (f"{problem.message} The file was kept at {kept}.",)
        raise
