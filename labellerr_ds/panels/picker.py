"""The export picker: choose statuses, run an export, watch it, and have the frame, without leaving the notebook."""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Generator
from datetime import datetime, timezone
from typing import Any, Literal

import ipywidgets as widgets
import pandas as pd
import traitlets

from labellerr_ds.client import as_project
from labellerr_ds.dataset import Dataset, empty_dataset
from labellerr_ds.errors import (
    EmptyExportError,
    ExportFailedError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
)
from labellerr_ds.exports import ExportJob, create_export
from labellerr_ds.models import ExportFormat, FileStatus, S3Destination, resolve_format, resolve_statuses
from labellerr_ds.panels.failures import failure_text, remedy
from labellerr_ds.panels.form import Filled, Form
from labellerr_ds.panels.listing import Listing
from labellerr_ds.panels.shell import Shown
from labellerr_ds.panels.work import StoppedError, Work
from labellerr_ds.since import resolve_since

STATES = ("idle", "listing", "empty", "running", "stopped", "downloading", "done", "done_empty", "failed")
BUSY = frozenset({"listing", "running", "downloading"})
TELL_EVERY_S = 0.2
_open: weakref.WeakValueDictionary[str, ExportPicker] = weakref.WeakValueDictionary()


class ExportPicker(Shown, widgets.VBox):  # type: ignore[misc]
    """A panel that lists a project's exports, runs new ones, and loads them.

    Nothing blocks the kernel: the work is done in a thread that only sets traits, and everything shown
    follows from `state`.

    Parameters
    ----------
    project : Project, id, or a project of Labellerr's own SDK
    statuses : list of statuses, optional
        What is chosen at first.
    format : {'json', 'coco_json', 'csv', 'png'}
    since : datetime, date, str, optional
        An ISO text or ``"7d"``.

    Attributes
    ----------
    state : str
        ``idle``, ``listing``, ``empty`` (there are no exports yet), ``running``, ``stopped``, ``downloading``,
        ``done``, ``done_empty``, ``failed``.
    dataset : Dataset or None
    df : DataFrame or None
        Its annotations.
    report_id : str or None
    error : Exception or None
        What went wrong, a form that cannot be meant included; ``error_details`` has the traceback of a failure.
    code : str
        The line that does the same without a click.

    Examples
    --------
    >>> from labellerr_ds import Client
    >>> client = Client.sandbox()
    >>> picker = ExportPicker(client.project(client.projects()["project_id"][0]), statuses=["accepted"])
    >>> picker.run()
    >>> picker.wait(60).state
    'done'
    """

    state = traitlets.Enum(STATES, "idle")

    def __init__(
        self,
        project: object,
        *,
        statuses: Any = None,
        format: str | ExportFormat = "json",
        since: object = None,
    ) -> None:
        self.project = as_project(project)
        self.dataset: Dataset | None = None
        self.report_id: str | None = None
        self.error: BaseException | None = None
        self.error_details = ""
        self._job: ExportJob | None = None
        self._loaded_at = self._listed = self._failure = ""
        self._again: Callable[[], None] = self.refresh
        self._began = self._told_at = time.monotonic()
        self._lock = threading.Lock()
        self._target = "idle"  # what `state` is, or is about to become
        self._work, self._idle = Work(), threading.Event()
        self._idle.set()
        chosen = set() if statuses is None else set(resolve_statuses(statuses))
        resolve_since(since, lambda: datetime.max.replace(tzinfo=timezone.utc))  # whether it can be meant at all
        told = "" if since is None else str(since)
        self._form = Form(f"Labellerr exports: {self.project.project_id}", chosen, resolve_format(format), told)
        self._listing = Listing(self.project, self._form.show_exports)
        super().__init__(self._form.children())
        self.add_class("labellerr-panel")
        self.add_class("labellerr-shown")
        for name, button in self._form.buttons.items():
            button.on_click(getattr(self, name))
        self._form.remedy.on_click(lambda _: self._again())
        self._form.destination.observe(self._destination_chosen, "value")
        for field in self._form.fields():
            if field.has_trait("value"):
                field.observe(self._filled_in, "value")
        if (before := _open.get(self.project.project_id)) is not None:
            before._end_work()  # the cell was run again
        _open[self.project.project_id] = self
        self.observe(lambda change: self._follow(), "state")
        self._follow()
        self.refresh()

    # --- what one can do with it, by hand or from code

    @property
    def df(self) -> pd.DataFrame | None:
        """The annotations that were loaded last."""
        return None if self.dataset is None else self.dataset.annotations

    @property
    def code(self) -> str:
        """The line that does the same without a click."""
        project = f"client.project({self.project.project_id!r})"
        job = self._job if self.state in ("done", "stopped") else None
        picked = job.report_id if job else self._form.list.value or None
        if picked is not None:
            kept = job.destination if job else "local"
            where = ""
            if isinstance(kept, S3Destination):
                where = f", {_destination_code(kept.bucket_path, kept.connection_id)}"
            return f"lds.ExportJob({project}, {picked!r}{where}).load()"
        filled = self._form.filled()
        told = [repr([status.value for status in filled.statuses])]
        told += [f"since={filled.since!r}"] if filled.since else []
        told += [f"format={filled.format!r}"]
        told += [f"name={filled.name!r}"] if filled.name else []
        if filled.destination == "s3":
            told += [_destination_code(filled.bucket_path, filled.connection_id)]
        return f"lds.export_dataset({project}, {', '.join(told)})"

    def run(self, *_: Any) -> None:
        """Run the export that the form describes."""
        self._form.forgive()
        filled = self._form.filled()
        if not filled.statuses:
            self._complain("statuses", "Choose at least one status.")
            return
        try:
            destination = _destination(filled)
        except InvalidArgumentError as problem:
            self._complain("destination", str(problem))
            return

        def doing(work: Work) -> None:
            try:
                since = resolve_since(filled.since or None, self.project.client.now)
            except InvalidArgumentError as problem:  # by the service's clock, so it could not be told before
                work.check()
                self._complain("since", str(problem))
                self._become(work, "idle")
                return
            job = create_export(
                self.project,
                filled.statuses,
                format=filled.format,
                since=since,
                name=filled.name or None,
                destination=destination,
            )
            self._listing.follow()
            self._retry_with(work, lambda: self._start("running", lambda work: self._watch(work, job)))
            try:
                self._watch(work, job)
            except ExportFailedError:  # this one will not come any more
                self._retry_with(work, self.run)
                raise
            if since is None:
                self._count(filled.statuses)

        self._start("running", doing, again=self.run)

    def load(self, report_id: Any = None) -> None:
        """Load an export; a running one is waited for.

        Parameters
        ----------
        report_id : str, optional
            The one that is picked in the list, where none is given.
        """
        self._form.forgive()
        if not isinstance(report_id, str):  # a click comes with its button
            report_id = self._form.list.value
        if not report_id:
            self._complain("list", "Pick an export from the list, or run a new one.")
            return
        destination: S3Destination | Literal["local"] = "local"
        if self._form.destinations.get(report_id) == "s3":
            try:
                destination = _destination(self._form.filled())
            except InvalidArgumentError:
                destination = "local"
            if destination == "local":
                told = "That export went to S3: say here to which folder, and through which connection."
                self._complain("destination", told)
                return
        job = ExportJob(self.project, report_id, destination=destination)
        self._start("running", lambda work: self._watch(work, job), again=lambda: self.load(report_id))

    def _complain(self, field: str, problem: str) -> None:
        """What was filled in cannot be meant: it is said beside the field, and is `error` for who calls from code."""
        self.error = InvalidArgumentError(problem)
        self._form.complain(field, problem)

    def stop(self, *_: Any) -> None:
        """Stop waiting; the export goes on at Labellerr."""
        with self._lock:
            if self._target not in BUSY:
                return
            self._work.stop()
            self._target = "idle" if self._target == "listing" else "stopped"
        self._publish()
        self._idle.set()
        self._listing.follow()

    def refresh(self, *_: Any) -> None:
        """Read the list of exports; while one of them is running it is read again by itself, ever more seldom."""
        self._start("listing", self._read_list, again=self.refresh)

    def close(self) -> None:
        """Take the panel away, and end what it does."""
        if hasattr(self, "_listing"):  # a panel whose making failed is closed too
            self._end_work()
        super().close()

    def _end_work(self) -> None:
        self._listing.close()
        self.stop()

    def wait(self, timeout: float | None = None) -> ExportPicker:
        """Wait until nothing is under way, for scripts; returns itself.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Raises
        ------
        TimeoutError
        """
        if not self._idle.wait(timeout):
            raise TimeoutError(f"the panel is still {self.state} after {timeout:g} s")
        return self

    def __await__(self) -> Generator[Any, None, ExportPicker]:
        """``await picker``: as `wait`, while other tasks go on."""
        return asyncio.to_thread(self.wait).__await__()

    def __repr__(self) -> str:
        told = "" if self.dataset is None else f", {len(self.dataset):,} files loaded"
        return f"ExportPicker({self.project.project_id!r}, {self.state}{told})"

    def still(self) -> tuple[str, bytes | None]:
        """What a saved notebook shows in the panel's place: text."""
        return f"{self!r}\n{self._form.line.value}\n{self.code}", None

    # --- the work, in a thread

    def _start(self, state: str, doing: Callable[[Work], None], *, again: Callable[[], None] | None = None) -> None:
        with self._lock:
            if self._target in BUSY and not (self._target == "listing" and state != "listing"):
                return  # only the reading of the list gives way
            self._work.stop()
            work = self._work = Work()
            self._idle.clear()
            self.error, self.error_details = None, ""
            if state == "running":
                self._job = self.report_id = None
            self._again = again or self._again
            self._began = time.monotonic()
            self._target = state
        self._publish()
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
                self._idle.set()

    def _publish(self) -> None:
        """Show what the state has become. Never under the lock: who observes it may call the panel."""
        while self.state != (target := self._target):
            self.state = target

    def _become(self, work: Work, state: str, **facts: Any) -> None:
        """Take on a state, and what goes with it, unless the work is not wanted any more."""
        with self._lock:
            work.check()
            for name, value in facts.items():
                setattr(self, name, value)
            self._target = state
        self._publish()

    def _retry_with(self, work: Work, again: Callable[[], None]) -> None:
        with self._lock:
            work.check()
            self._again = again

    def _end(self, work: Work, state: str, problem: BaseException | None = None, details: str = "") -> None:
        facts: dict[str, Any] = {}
        if state == "failed" and problem is not None:
            facts = {"error": problem, "error_details": details}
            facts["_failure"] = failure_text(problem, self.project.project_id)
        if state == "done_empty":
            facts["_failure"] = f"The export finished with nothing in it: {problem or 'it holds no files.'}"
            if problem is not None:
                facts["dataset"] = empty_dataset(None, {"project_id": self.project.project_id})
        if state in ("done", "done_empty"):
            facts["_loaded_at"] = f"{datetime.now():%H:%M}"
        try:
            self._become(work, state, **facts)
        except StoppedError:
            return

    def _watch(self, work: Work, job: ExportJob) -> None:
        with self._lock:
            work.check()
            self._job, self.report_id = job, job.report_id
        for count, (state, interval) in enumerate(job.looks(), start=1):
            begun = time.monotonic()
            while not state.is_completed and (left := interval - (time.monotonic() - begun)) > 0:
                clock = _clock(time.monotonic() - self._began)
                told = f"Waiting: {count} check{'' if count == 1 else 's'}, {clock}, next in {left:.0f} s"
                self._say(work, told, (self._form.bar.value + 0.1) % 1.05)  # nobody tells how far it is: it only moves
                work.pause(min(1.0, left))
        self._become(work, "downloading")
        dataset = job.load(progress=lambda done, total: self._received(work, done, total))
        with self._lock:
            work.check()
            self.dataset = dataset
        self._end(work, "done" if len(dataset) else "done_empty")
        self._listing.follow()

    def _say(self, work: Work, text: str, bar: float | None) -> None:
        with self._lock:
            work.check()
            self._form.line.value = text
            if bar is not None:
                self._form.bar.value = bar

    def _received(self, work: Work, done: int, total: int | None) -> None:
        work.check()
        now = time.monotonic()
        if now - self._told_at < TELL_EVERY_S and done != total:
            return
        self._told_at = now
        share = f" of {total / 1e6:,.1f} MB ({done / total:.0%})" if total else " MB"
        self._say(work, f"Downloading: {done / 1e6:,.1f}{share}", done / total if total else None)

    # --- the list

    def _read_list(self, work: Work) -> None:
        exports: pd.DataFrame | None = None
        listed = ""
        try:
            exports = self.project.exports()
        except NotFoundError as problem:  # a deployment without a list
            listed = str(problem)
        title = f"Labellerr exports: {self.project.name or self.project.project_id}"
        with self._lock:
            work.check()
            self._listed, self._form.title.value = listed, title
            self._form.show_exports(exports)
        self._become(work, "empty" if exports is not None and exports.empty else "idle")
        if exports is not None and (exports["state"] == "running").any():
            self._listing.follow(due=False)

    def _count(self, statuses: list[FileStatus]) -> None:
        """An export without `since` tells how many files have each of its statuses."""
        if self.dataset is not None:
            found = self.dataset.files["status"].value_counts()
            self._form.show_counts({status: int(found.get(status.value, 0)) for status in statuses})

    # --- what is shown; all of it follows from `state`

    def _filled_in(self, _: Any) -> None:
        self._form.code.value = self.code

    def _destination_chosen(self, change: Any) -> None:
        """The connections are asked for once they are needed, in a thread of their own."""
        if change["new"] == "s3":
            threading.Thread(target=self._read_connections, daemon=True).start()

    def _read_connections(self) -> None:
        try:
            found = self.project.client.s3_connections()
        except LabellerrError as problem:
            self._form.problems["destination"].value = failure_text(problem, self.project.project_id)
            return
        names = found["name"].fillna(found["connection_id"])
        self._form.connection.options = list(zip(names, found["connection_id"], strict=True)) or [("none yet", "")]
        self._form.problems["destination"].value = (
            "" if len(found) else "There is no connection yet: lds.create_s3_connection(client, ...) makes one."
        )

    def _follow(self) -> None:
        form, busy = self._form, self.state in BUSY
        for name, button in form.buttons.items():
            button.disabled = busy != (name == "stop")
        for field in form.fields():
            field.disabled = busy
        form.bar.layout.visibility = "visible" if busy else "hidden"
        form.bar.value = 0
        form.bar.bar_style = "info"
        form.line.value = self._text()
        (form.line.add_class if self.state == "failed" else form.line.remove_class)("labellerr-problem")
        form.code.value = self.code
        remedied = None
        if self.state == "failed" and self.error is not None:
            linked = self._job is None or self._job.destination == "local"
            remedied = remedy(self.error, linked=linked)
            if remedied == "Refresh":
                self._again = self.refresh
        form.show_failure(remedied, self.error_details)
        self._still_changed(at_once=not busy)

    def _text(self) -> str:
        if self.state == "done" and self.dataset is not None:
            took = time.monotonic() - self._began
            files, rows = len(self.dataset), len(self.dataset.annotations)
            return f"{files:,} files, {rows:,} annotations -> picker.df, picker.dataset ({took:.0f} s)"
        if self.state == "failed":
            old = "" if self.dataset is None else f" picker.df is still what was loaded at {self._loaded_at}."
            return self._failure + old
        return {
            "idle": self._listed or "Choose statuses, then Run export; or pick one from the list and load it.",
            "listing": "Reading your exports…",
            "empty": "This project has no exports yet. Run the first one below.",
            "running": "Asking for the export…",
            "stopped": "Stopped waiting. The export keeps running on Labellerr; pick it from the list later.",
            "downloading": "Downloading…",
        }.get(self.state, self._failure)


def _destination(filled: Filled) -> S3Destination | Literal["local"]:
    if filled.destination == "local":
        return "local"
    return S3Destination(filled.bucket_path, connection_id=filled.connection_id)


def _destination_code(bucket_path: str, connection_id: str) -> str:
    return f"destination=lds.S3Destination({bucket_path!r}, connection_id={connection_id!r})"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
