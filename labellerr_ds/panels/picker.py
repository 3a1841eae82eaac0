"""The export picker: choose statuses, run an export, watch it, and have the frame, without leaving the notebook."""

from __future__ import annotations

import threading
import time
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import pandas as pd
import traitlets

from labellerr_ds.client import as_project
from labellerr_ds.dataset import Dataset, empty_dataset
from labellerr_ds.errors import (
    AmbiguousCreateError,
    AuthError,
    ConnectionFailedError,
    EmptyExportError,
    ExportFailedError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
)
from labellerr_ds.exports import ExportJob, create_export
from labellerr_ds.models import ExportFormat, FileStatus, S3Destination, resolve_format, resolve_statuses
from labellerr_ds.panels.shell import PanelShell, with_fallback
from labellerr_ds.waiting import intervals

STATES = ("idle", "listing", "running", "stopped", "downloading", "done", "done_empty", "failed")
BUSY = frozenset({"listing", "running", "downloading"})
CARRIES = {
    ExportFormat.JSON: "json: everything, answers to questions too",
    ExportFormat.COCO_JSON: "coco_json: boxes, polygons and points of images; no answers",
    ExportFormat.CSV: "csv: everything, a row a file",
    ExportFormat.PNG: "png: masks of images, a colour a class; no instances",
}
NEW = ""
_open: weakref.WeakValueDictionary[str, ExportPicker] = weakref.WeakValueDictionary()


class ExportPicker(widgets.VBox):  # type: ignore[misc]
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
        ``idle``, ``listing``, ``running``, ``stopped``, ``downloading``, ``done``, ``done_empty``, ``failed``.
    dataset : Dataset or None
    df : DataFrame or None
        Its annotations.
    report_id : str or None
    error : Exception or None
        What went wrong; ``error_details`` has the traceback.

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
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._generation = 0
        self._lock = threading.Lock()
        chosen = set() if statuses is None else set(resolve_statuses(statuses))
        super().__init__(self._build(chosen, resolve_format(format), "" if since is None else str(since)))
        self.add_class("labellerr-panel")
        if (before := _open.get(self.project.project_id)) is not None:
            before.stop()  # the cell was run again: the old panel's work ends
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
        if self.report_id is None:
            statuses = [status.value for status, box in self._boxes.items() if box.value]
            since = f", since={self._since.value!r}" if self._since.value else ""
            return f"lds.export_dataset({project}, {statuses!r}{since}, format={self._format.value!r})"
        return f"lds.ExportJob({project}, {self.report_id!r}).load()"

    def run(self, *_: Any) -> None:
        """Run the export that the form describes."""
        statuses = [status for status, box in self._boxes.items() if box.value]
        if not statuses:
            self._problem.value = "Choose at least one status."
            return
        self._problem.value = ""
        since, name = self._since.value.strip() or None, self._name.value.strip() or None
        destination: Any = "local"
        try:
            if self._bucket.value.strip():
                destination = S3Destination(self._bucket.value.strip(), connection_id=self._connection.value)
        except InvalidArgumentError as problem:
            self._problem.value = str(problem)
            return

        def work() -> None:
            job = create_export(
                self.project, statuses, format=self._format.value, since=since, name=name, destination=destination
            )
            self._watch(job)

        self._start("running", work)

    def load(self, *_: Any) -> None:
        """Load the export that is picked in the list; a running one is waited for."""
        report_id = self._list.value
        if not report_id:
            self._problem.value = "Pick an export from the list, or run a new one."
            return
        self._start("running", lambda: self._watch(ExportJob(self.project, report_id)))

    def stop(self, *_: Any) -> None:
        """Stop waiting; the export goes on at Labellerr."""
        with self._lock:
            self._stop.set()
            if self.state in BUSY:
                self._generation += 1  # what still runs in the thread is nobody's any more
                self._idle.set()
                self.state = "stopped" if self.state != "listing" else "idle"

    def refresh(self, *_: Any) -> None:
        """Read the list of exports."""
        self._start("listing", self._read_list)

    def wait(self, timeout: float | None = None) -> ExportPicker:
        """Wait until nothing is under way, for scripts; returns itself."""
        if not self._idle.wait(timeout):
            raise TimeoutError(f"the panel is still {self.state} after {timeout:g} s")
        return self

    def __repr__(self) -> str:
        told = "" if self.dataset is None else f", {len(self.dataset):,} files loaded"
        return f"ExportPicker({self.project.project_id!r}, {self.state}{told})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        parent = getattr(super(), "_repr_mimebundle_", None)
        text = f"{self!r}\n{self._line.value}\n{self.code}"
        return with_fallback(parent(**options) if parent else {}, text)

    # --- the work, in a thread

    def _start(self, state: str, work: Callable[[], None]) -> None:
        with self._lock:
            if self.state in BUSY and not (self.state == "listing" and state != "listing"):
                return  # only the reading of the list gives way
            self._generation += 1
            mine = self._generation
            self._stop = threading.Event()
            self._idle.clear()
            self.error, self.error_details = None, ""
            self._began = time.monotonic()
            self.state = state
        threading.Thread(target=self._work, args=(mine, work), daemon=True).start()

    def _work(self, mine: int, work: Callable[[], None]) -> None:
        try:
            work()
        except _StoppedError:
            return
        except EmptyExportError as problem:
            self._finish(mine, "done_empty", problem)
        except BaseException as problem:
            self.error_details = traceback.format_exc()
            self._finish(mine, "failed", problem)
        finally:
            if mine == self._generation:
                self._idle.set()

    def _finish(self, mine: int, state: str, problem: BaseException | None = None) -> None:
        with self._lock:
            if mine != self._generation:
                return
            self.error = problem if state == "failed" else None
            if state == "failed":
                self._failure = failure_text(problem, self.project.project_id)
            if state == "done_empty":
                self.dataset = empty_dataset(None, {"project_id": self.project.project_id})
                self._failure = f"The export finished with nothing in it: {problem}"
            self.state = state

    def _watch(self, job: ExportJob) -> None:
        mine, stop = self._generation, self._stop
        self.report_id = job.report_id
        for looks, interval in enumerate(intervals(), start=1):
            state = job.status()
            if state.is_completed:
                break
            if state.state == "failed":
                job.wait(0, progress=False)  # raises with the reason
            begun = time.monotonic()
            while (left := interval - (time.monotonic() - begun)) > 0:
                elapsed = time.monotonic() - self._began
                self._say(mine, f"Waiting: {looks} checks, {_clock(elapsed)}, next in {left:.0f} s")
                if stop.wait(min(1.0, left)):
                    raise _StoppedError
        with self._lock:
            if mine != self._generation:
                raise _StoppedError
            self.state = "downloading"
        dataset = job.load(progress=False)
        with self._lock:
            if mine != self._generation:
                raise _StoppedError
            self.dataset = dataset
        self._finish(mine, "done" if len(dataset) else "done_empty", None)

    def _read_list(self) -> None:
        mine = self._generation
        self._title.value = f"Labellerr exports: {self.project.name or self.project.project_id}"
        try:
            exports = self.project.exports()
        except NotFoundError as problem:
            exports = None
            missing = str(problem)
        options = [("New export…", NEW)]
        if exports is not None:
            for row in exports.itertuples(index=False):
                when = "" if pd.isna(row.created_at) else row.created_at.strftime("%Y-%m-%d %H:%M")
                options.append((f"{when}  {row.name}  {row.state}", row.report_id))
        kept = self._list.value if self._list.value in {value for _, value in options} else NEW
        self._list.options = options
        self._list.value = kept
        if exports is None:
            self._listed = missing
        elif exports.empty:
            self._listed = "This project has no exports yet. Run the first one below."
        else:
            self._listed = ""
        self._finish(mine, "idle")

    # --- what is shown; all of it follows from `state`

    def _build(self, chosen: set[FileStatus], form: ExportFormat, since: str) -> list[Any]:
        wide = widgets.Layout(width="98%")
        self._failure = self._listed = ""
        self._began = time.monotonic()
        self._list: Any = widgets.Dropdown(options=[("New export…", NEW)], value=NEW, description="Export", layout=wide)
        self._boxes = {
            status: widgets.Checkbox(
                value=status in chosen, description=f"{status.value} - {status.description}", indent=False, layout=wide
            )
            for status in FileStatus
        }
        self._format = widgets.Dropdown(
            options=[(CARRIES[each], each.value) for each in ExportFormat], value=form.value, description="Format",
            layout=wide,
        )  # fmt: skip
        self._since = widgets.Text(value=since, description="Since", placeholder="2026-11-01, or 7d before now")
        self._name = widgets.Text(description="Name", placeholder="made up where there is none")
        self._bucket = widgets.Text(description="S3 folder", placeholder="bucket/path/to/folder/, or nothing for local")
        self._connection = widgets.Text(description="Connection", placeholder="its id, for an S3 folder")
        self._buttons = {
            "refresh": widgets.Button(description="Refresh"),
            "run": widgets.Button(description="Run export", button_style="primary"),
            "stop": widgets.Button(description="Stop waiting"),
            "load": widgets.Button(description="Load into a table"),
        }
        for name, button in self._buttons.items():
            button.on_click(getattr(self, name))
        words = {"all": tuple(FileStatus), "none": (), "finished work only": (FileStatus.ACCEPTED,)}
        links = []
        for word, statuses in words.items():
            link = widgets.Button(description=word, layout=widgets.Layout(width="auto"))
            link.on_click(lambda _, statuses=statuses: self._choose(statuses))
            links.append(link)
        self._links = links
        self._bar = widgets.IntProgress(min=0, max=10, description="Progress", layout=widgets.Layout(width="98%"))
        self._title: Any = widgets.Label(f"Labellerr exports: {self.project.project_id}")
        self._line = widgets.Label()
        self._line.add_class("labellerr-live")
        self._problem = widgets.Label()
        self._code = widgets.Text(description="As code", disabled=True, layout=wide)
        box = widgets.Layout(max_height="180px", overflow="auto", border="1px solid #bbb", display="block")
        return [
            PanelShell(label="Labellerr export picker"),
            widgets.HBox([self._title, self._buttons["refresh"]]),
            self._list,
            widgets.HBox(links),
            widgets.VBox(list(self._boxes.values()), layout=box),
            self._problem,
            self._format,
            widgets.HBox([self._since, self._name]),
            widgets.HBox([self._bucket, self._connection]),
            widgets.HBox([self._buttons[name] for name in ("run", "stop", "load")]),
            self._bar,
            self._line,
            self._code,
        ]

    def _choose(self, statuses: tuple[FileStatus, ...]) -> None:
        for status, box in self._boxes.items():
            box.value = status in statuses

    def _say(self, mine: int, text: str) -> None:
        if mine == self._generation:
            self._line.value = text
            self._bar.value = (self._bar.value + 1) % (self._bar.max + 1)

    def _follow(self) -> None:
        busy = self.state in BUSY
        for name, button in self._buttons.items():
            button.disabled = busy != (name == "stop")
        fields = [
            self._list,
            *self._boxes.values(),
            self._format,
            self._since,
            self._name,
            self._bucket,
            self._connection,
        ]
        for field in [*fields, *self._links]:
            field.disabled = busy
        self._bar.layout.visibility = "visible" if busy else "hidden"
        self._bar.bar_style = "info"
        self._line.value = self._text()
        self._code.value = self.code

    def _text(self) -> str:
        if self.state == "done" and self.dataset is not None:
            took = time.monotonic() - self._began
            files, rows = len(self.dataset), len(self.dataset.annotations)
            return f"{files:,} files, {rows:,} annotations -> picker.df, picker.dataset ({took:.0f} s)"
        return {
            "idle": self._listed or "Choose statuses, then Run export; or pick one from the list and load it.",
            "listing": "Reading your exports…",
            "running": "Asking for the export…",
            "stopped": "Stopped waiting. The export keeps running on Labellerr; pick it from the list later.",
            "downloading": "Downloading and reading…",
        }.get(self.state, self._failure)


class _StoppedError(Exception):
    """The user stopped waiting; what was under way ends without a word."""


def failure_text(problem: BaseException | None, project_id: str) -> str:
    """One line on what happened and what to do; never a key."""
    if isinstance(problem, AuthError):
        return f"Labellerr refused the keys. Check LABELLERR_API_KEY and LABELLERR_API_SECRET. ({problem})"
    if isinstance(problem, AmbiguousCreateError):
        return f"No clear answer came. Your export may have been created: Refresh before running it again. ({problem})"
    if isinstance(problem, ConnectionFailedError):
        return f"No answer. Check the network, then try again. ({problem})"
    if isinstance(problem, ExportFailedError):
        return f"Labellerr reports this export as failed: {problem.reason or 'no reason is given'}. {problem}"
    if isinstance(problem, NotFoundError):
        return f"Project {project_id}, or the export, was not found. ({problem})"
    if isinstance(problem, LabellerrError):
        return str(problem)
    return f"Something unexpected happened: {type(problem).__name__}. picker.error_details has more."


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
