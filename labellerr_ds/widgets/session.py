"""What the export picker does: its states, and the work in threads that leads from one to the next; no widget in it."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, Protocol

import pandas as pd

from labellerr_ds.core.errors import EmptyExportError, ExportFailedError, InvalidArgumentError, NotFoundError
from labellerr_ds.core.models import FileStatus, S3Destination
from labellerr_ds.core.progress import Progress
from labellerr_ds.core.since import resolve_since
from labellerr_ds.dataset.dataset import Dataset, empty_dataset
from labellerr_ds.exports.create import create_job
from labellerr_ds.exports.job import ExportJob, states_of
from labellerr_ds.service.project import Project, endpoints_of
from labellerr_ds.widgets.export_list import ExportList
from labellerr_ds.widgets.failures import failure_text

STATES = ("idle", "listing", "empty", "running", "stopped", "downloading", "done", "done_empty", "failed")
BUSY = frozenset({"listing", "running", "downloading"})
REPORT_EVERY_S = 0.2
Destination = S3Destination | Literal["local"]


class StoppedError(Exception):
    """The work was stopped, or other work has begun; it ends without a word."""


class Work:
    """What a thread is handed to know whether it is still wanted."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether nobody has stopped it."""
        return not self._stopped.is_set()

    def stop(self) -> None:
        """It is not wanted any more; a pause ends at once."""
        self._stopped.set()

    def check(self) -> None:
        """Raise `StoppedError` where it is not wanted any more."""
        if self._stopped.is_set():
            raise StoppedError

    def pause(self, seconds: float) -> None:
        """Wait; raises `StoppedError` as soon as it is stopped."""
        if self._stopped.wait(seconds):
            raise StoppedError


class Screen(Protocol):
    """Where a session shows itself; called from its threads."""

    def changed(self) -> None:
        """The state is another; never called under the session's lock."""

    def say(self, text: str, progress: float | None) -> None:
        """A line on what is under way, and how far it is from 0 to 1; a progress of None only moves."""

    def complain(self, field: str, problem: str) -> None:
        """What was filled in is wrong."""

    def show_title(self, title: str) -> None:
        """The project's name."""

    def show_exports(self, exports: pd.DataFrame | None) -> None:
        """The list of exports; None where there is none."""

    def show_counts(self, counts: dict[FileStatus, int]) -> None:
        """How many files have each status."""


class Session:
    """The states of a panel, and its work.

    Parameters
    ----------
    project : Project
    screen : Screen

    Attributes
    ----------
    state : str
        One of `STATES`.
    dataset : Dataset or None
        What was loaded last.
    job : ExportJob or None
    report_id : str or None
    error : Exception or None
    error_details : str
        The traceback of a failure.
    failure, listed, loaded_at : str
        What is said about a failure, about a list that cannot be had, and when the dataset was loaded.
    again : callable
        What tries the last thing again.
    """

    def __init__(self, project: Project, screen: Screen) -> None:
        self.project, self.screen = project, screen
        self.state = "idle"
        self.dataset: Dataset | None = None
        self.job: ExportJob | None = None
        self.report_id: str | None = None
        self.error: BaseException | None = None
        self.error_details = self.failure = self.listed = self.loaded_at = ""
        self.again: Callable[[], None] = self.refresh
        self.began = self._reported_at = time.monotonic()
        self.exports = ExportList(project, screen.show_exports)
        self.work, self.idle = Work(), threading.Event()
        self._lock = threading.Lock()
        self.idle.set()

    # --- what one can ask of it

    def run(
        self,
        statuses: list[FileStatus],
        *,
        format: str,
        since: str | None,
        name: str | None,
        destination: Destination,
        again: Callable[[], None],
    ) -> None:
        """Run an export, and load it."""

        def doing(work: Work) -> None:
            endpoints = endpoints_of(self.project)
            try:
                _ = endpoints.facts()  # the service's time comes with it
                instant = resolve_since(since, endpoints.now)
            except InvalidArgumentError as problem:  # by the service's clock, so it could not be known before
                work.check()
                self.complain("since", problem.message)
                self._become(work, "idle")
                return
            job = create_job(self.project, statuses, format=format, since=instant, name=name, destination=destination)
            self.exports.follow()
            self._retry_with(work, lambda: self._start("running", lambda work: self._watch(work, job)))
            try:
                self._watch(work, job)
            except ExportFailedError:  # this one will not come any more
                self._retry_with(work, again)
                raise
            if instant is None:
                self._count(statuses)

        self._start("running", doing, again=again)

    def load(self, report_id: str, destination: Destination, again: Callable[[], None]) -> None:
        """Load an export; a running one is waited for."""
        job = ExportJob(self.project, report_id, destination=destination)
        self._start("running", lambda work: self._watch(work, job), again=again)

    def refresh(self) -> None:
        """Read the list of exports; while one of them is running it is read again by itself, ever more seldom."""
        self._start("listing", self._read_list, again=self.refresh)

    def stop(self) -> None:
        """Stop waiting; the export goes on at Labellerr."""
        with self._lock:
            if self.state not in BUSY:
                return
            self.work.stop()
            self.state = "idle" if self.state == "listing" else "stopped"
        self.screen.changed()
        self.idle.set()
        self.exports.follow()

    def close(self) -> None:
        """End what it does."""
        self.exports.close()
        self.stop()

    def complain(self, field: str, problem: str) -> None:
        """What was filled in is wrong: it is shown beside the field, and is `error` for who calls from code."""
        self.error = InvalidArgumentError(problem)
        self.screen.complain(field, problem)

    # --- the work, in a thread

    def _start(self, state: str, doing: Callable[[Work], None], *, again: Callable[[], None] | None = None) -> None:
        with self._lock:
            if self.state in BUSY and not (self.state == "listing" and state != "listing"):
                return  # only the reading of the list gives way
            self.work.stop()
            work = self.work = Work()
            self.idle.clear()
            self.error, self.error_details = None, ""
            if state == "running":
                self.job = self.report_id = None
            self.again = again or self.again
            self.began = time.monotonic()
            self.state = state
        self.screen.changed()
        threading.Thread(target=self._do, args=(work, doing), daemon=True).start()

    def _do(self, work: Work, doing: Callable[[Work], None]) -> None:
        try:
            doing(work)
        except StoppedError:
            return
        except EmptyExportError as problem:
            self._end(work, "done_empty", problem)
        except BaseException as problem:
            self._end(work, "failed", problem, traceback.format_exc())
        finally:
            if work.is_wanted:
                self.idle.set()

    def _become(self, work: Work, state: str, **facts: Any) -> None:
        """Take on a state, and what goes with it, unless the work is not wanted any more."""
        with self._lock:
            work.check()
            for name, value in facts.items():
                setattr(self, name, value)
            self.state = state
        self.screen.changed()

    def _retry_with(self, work: Work, again: Callable[[], None]) -> None:
        with self._lock:
            work.check()
            self.again = again

    def _end(self, work: Work, state: str, problem: BaseException | None = None, details: str = "") -> None:
        facts: dict[str, Any] = {}
        if state == "failed" and problem is not None:
            facts = {"error": problem, "error_details": details}
            facts["failure"] = failure_text(problem, self.project.project_id)
        if state == "done_empty":
            facts["failure"] = f"The export finished with nothing in it: {problem or 'it holds no files.'}"
            if problem is not None:
                facts["dataset"] = empty_dataset(None, {"project_id": self.project.project_id})
        if state in ("done", "done_empty"):
            facts["loaded_at"] = f"{datetime.now():%H:%M}"
        try:
            self._become(work, state, **facts)
        except StoppedError:
            return

    def _watch(self, work: Work, job: ExportJob) -> None:
        with self._lock:
            work.check()
            self.job, self.report_id = job, job.report_id
        for count, (state, interval) in enumerate(states_of(job), start=1):
            begun = time.monotonic()
            while not state.is_completed and (left := interval - (time.monotonic() - begun)) > 0:
                clock = _clock(time.monotonic() - self.began)
                self._say(
                    work, f"Waiting: {count} check{'' if count == 1 else 's'}, {clock}, next in {left:.0f} s", None
                )
                work.pause(min(1.0, left))
        self._become(work, "downloading")
        dataset = job.load(progress=lambda progress: self.received(work, progress))
        with self._lock:
            work.check()
            self.dataset = dataset
        self._end(work, "done" if len(dataset) else "done_empty")
        self.exports.follow()

    def _say(self, work: Work, text: str, progress: float | None) -> None:
        with self._lock:
            work.check()
            self.screen.say(text, progress)

    def received(self, work: Work, progress: Progress) -> None:
        """Show how far the download is, or the reading of masks."""
        work.check()
        now, done, total = time.monotonic(), progress.done, progress.total
        if now - self._reported_at < REPORT_EVERY_S and done != total:
            return
        self._reported_at = now
        if progress.unit != "B":
            self._say(work, f"Reading: {done:,} of {total or 0:,} {progress.unit}", done / total if total else None)
            return
        share = f" of {total / 1e6:,.1f} MB ({done / total:.0%})" if total else " MB"
        self._say(work, f"Downloading: {done / 1e6:,.1f}{share}", done / total if total else None)

    def _read_list(self, work: Work) -> None:
        exports: pd.DataFrame | None = None
        listed = ""
        try:
            exports = self.project.exports()
        except NotFoundError as problem:  # a deployment without a list
            listed = problem.message
        title = f"Labellerr exports: {self.project.name or self.project.project_id}"
        with self._lock:
            work.check()
            self.listed = listed
            self.screen.show_title(title)
            self.screen.show_exports(exports)
        self._become(work, "empty" if exports is not None and exports.empty else "idle")
        if exports is not None and (exports["state"] == "running").any():
            self.exports.follow(due=False)

    def _count(self, statuses: list[FileStatus]) -> None:
        """An export without `since` shows how many files have each of its statuses."""
        if self.dataset is not None:
            counts = self.dataset.files["status"].value_counts()
            self.screen.show_counts({status: int(counts.get(status.value, 0)) for status in statuses})

    def summary(self) -> str:
        """A line on where things stand."""
        if self.state == "done" and self.dataset is not None:
            took = time.monotonic() - self.began
            files, rows = len(self.dataset), len(self.dataset.annotations)
            return f"{files:,} files, {rows:,} annotations -> picker.df, picker.dataset ({took:.0f} s)"
        if self.state == "failed":
            old = "" if self.dataset is None else f" picker.df is still what was loaded at {self.loaded_at}."
            return self.failure + old
        return {
            "idle": self.listed or "Choose statuses, then Run export; or pick one from the list and load it.",
            "listing": "Reading your exports…",
            "empty": "This project has no exports yet. Run the first one below.",
            "running": "Asking for the export…",
            "stopped": "Stopped waiting. The export keeps running on Labellerr; pick it from the list later.",
            "downloading": "Downloading…",
        }.get(self.state, self.failure)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
