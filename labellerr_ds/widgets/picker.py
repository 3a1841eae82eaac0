"""The export picker: choose statuses, run an export, watch it, and have the frame, without leaving the notebook."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Generator
from datetime import datetime, timezone
from typing import Any

import ipywidgets as widgets
import pandas as pd
import traitlets

from labellerr_ds.core.errors import InvalidArgumentError, LabellerrError
from labellerr_ds.core.models import ExportFormat, FileStatus, S3Destination, Statuses, resolve_format, resolve_statuses
from labellerr_ds.core.since import Since, resolve_since
from labellerr_ds.dataset.dataset import Dataset
from labellerr_ds.service.client import Client
from labellerr_ds.service.connections import list_connections
from labellerr_ds.service.project import endpoints_of
from labellerr_ds.service.project_like import ProjectLike, as_project
from labellerr_ds.widgets.display import Shown
from labellerr_ds.widgets.failures import failure_text, remedy
from labellerr_ds.widgets.form import Filled, Form
from labellerr_ds.widgets.session import BUSY, STATES, Destination, Session

_open: weakref.WeakValueDictionary[str, ExportPicker] = weakref.WeakValueDictionary()


class ExportPicker(Shown, widgets.VBox):  # type: ignore[misc]
    """A panel that lists a project's exports, runs new ones, and loads them.

    Nothing blocks the kernel: the work is done in a thread that only sets traits, and everything shown
    follows from `state`.

    Parameters
    ----------
    project : Project, id or name, or a project of Labellerr's own SDK
    statuses : list of statuses, optional
        What is chosen at first; the finished work where none are given.
    format : {'json', 'coco_json', 'csv', 'png'}
    since : datetime, date, str, optional
        An ISO timestamp or ``"7d"``.
    client : Client, optional
        For a project id or name; else one is made of the credentials in the environment.

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
        What went wrong, a wrong form included; ``error_details`` has the traceback of a failure.
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
        project: ProjectLike,
        *,
        statuses: Statuses | None = None,
        format: str | ExportFormat = "json",
        since: Since = None,
        client: Client | None = None,
    ) -> None:
        self.project = as_project(project, client)
        chosen = {FileStatus.ACCEPTED} if statuses is None else set(resolve_statuses(statuses))
        resolve_since(since, lambda: datetime.max.replace(tzinfo=timezone.utc))  # whether it is a time at all
        filled = "" if since is None else str(since)
        self._form = Form(f"Labellerr exports: {self.project.project_id}", chosen, resolve_format(format), filled)
        self._form.changed = self._publish
        self._session = Session(self.project, self._form)
        super().__init__(self._form.children())
        self.add_class("labellerr-panel")
        self.add_class("labellerr-shown")
        for name, button in self._form.buttons.items():
            button.on_click(getattr(self, name))
        self._form.remedy.on_click(lambda _: self._session.again())
        self._form.destination.observe(self._destination_chosen, "value")
        for field in self._form.fields():
            if field.has_trait("value"):
                field.observe(self._filled_in, "value")
        if (before := _open.get(self.project.project_id)) is not None:
            before._session.close()  # the cell was run again
        _open[self.project.project_id] = self
        self.observe(lambda change: self._follow(), "state")
        self._follow()
        self.refresh()

    # --- what one can do with it, by hand or from code

    @property
    def dataset(self) -> Dataset | None:
        """What was loaded last."""
        return self._session.dataset

    @property
    def df(self) -> pd.DataFrame | None:
        """The annotations that were loaded last."""
        return None if self.dataset is None else self.dataset.annotations

    @property
    def report_id(self) -> str | None:
        """The export that is run or loaded."""
        return self._session.report_id

    @property
    def error(self) -> BaseException | None:
        """What went wrong last."""
        return self._session.error

    @property
    def error_details(self) -> str:
        """The traceback of a failure."""
        return self._session.error_details

    @property
    def code(self) -> str:
        """The line that does the same without a click."""
        project = f"client.project({self.project.project_id!r})"
        job = self._session.job if self.state in ("done", "stopped") else None
        picked = job.report_id if job else self._form.list.value or None
        if picked is not None:
            kept = job.destination if job else "local"
            where = ""
            if isinstance(kept, S3Destination):
                where = f", {_destination_code(kept.bucket_path, kept.connection_id)}"
            return f"lds.ExportJob({project}, {picked!r}{where}).load()"
        filled = self._form.filled()
        words = [repr([status.value for status in filled.statuses])]
        words += [f"since={filled.since!r}"] if filled.since else []
        words += [f"format={filled.format!r}"]
        words += [f"name={filled.name!r}"] if filled.name else []
        if filled.destination == "s3":
            words += [_destination_code(filled.bucket_path, filled.connection_id)]
        return f"lds.export_dataset({project}, {', '.join(words)})"

    def run(self, *_: Any) -> None:
        """Run the export that the form describes."""
        self._form.forgive()
        filled = self._form.filled()
        if not filled.statuses:
            self._session.complain("statuses", "Choose at least one status.")
            return
        try:
            destination = _destination(filled)
        except InvalidArgumentError as problem:
            self._session.complain("destination", problem.message)
            return
        self._session.run(
            filled.statuses,
            format=filled.format,
            since=filled.since or None,
            name=filled.name or None,
            destination=destination,
            again=self.run,
        )

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
            self._session.complain("list", "Pick an export from the list, or run a new one.")
            return
        destination: Destination = "local"
        if self._form.destinations.get(report_id) == "s3":
            try:
                destination = _destination(self._form.filled())
            except InvalidArgumentError:
                destination = "local"
            if destination == "local":
                problem = "That export went to S3: say here to which folder, and through which connection."
                self._session.complain("destination", problem)
                return
        self._session.load(report_id, destination, again=lambda: self.load(report_id))

    def stop(self, *_: Any) -> None:
        """Stop waiting; the export goes on at Labellerr."""
        self._session.stop()

    def refresh(self, *_: Any) -> None:
        """Read the list of exports; while one of them is running it is read again by itself, ever more seldom."""
        self._session.refresh()

    def close(self) -> None:
        """Take the panel away, and end what it does."""
        if hasattr(self, "_session"):  # a panel whose making failed is closed too
            self._session.close()
        super().close()

    def wait(self, timeout: float | None = None) -> ExportPicker:
        """Wait until nothing is under way, for scripts; returns itself.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        ExportPicker

        Raises
        ------
        TimeoutError
        """
        if not self._session.idle.wait(timeout):
            raise TimeoutError(f"the panel is still {self.state} after {timeout:g} s")
        return self

    def __await__(self) -> Generator[Any, None, ExportPicker]:
        """``await picker``: as `wait`, while other tasks go on."""
        return asyncio.to_thread(self.wait).__await__()

    def __repr__(self) -> str:
        loaded = "" if self.dataset is None else f", {len(self.dataset):,} files loaded"
        return f"ExportPicker({self.project.project_id!r}, {self.state}{loaded})"

    def still(self) -> tuple[str, bytes | None]:
        """What a saved notebook shows in the panel's place: text."""
        return f"{self!r}\n{self._form.line.value}\n{self.code}", None

    # --- what is shown; all of it follows from `state`

    def _publish(self) -> None:
        """Take on the state that the session has; who observes it may call the panel meanwhile."""
        while self.state != (target := self._session.state):
            self.state = target

    def _filled_in(self, _: Any) -> None:
        self._form.code.value = self.code

    def _destination_chosen(self, change: Any) -> None:
        """The connections are asked for once they are needed, in a thread of their own."""
        if change["new"] == "s3":
            threading.Thread(target=self._read_connections, daemon=True).start()

    def _read_connections(self) -> None:
        try:
            connections = list_connections(endpoints_of(self.project).transport)
        except LabellerrError as problem:
            self._form.problems["destination"].value = failure_text(problem, self.project.project_id)
            return
        names = connections["name"].fillna(connections["connection_id"])
        options = list(zip(names, connections["connection_id"], strict=True))
        self._form.connection.options = options or [("none yet", "")]
        self._form.problems["destination"].value = (
            "" if options else "No connections yet: lds.create_s3_connection(client, ...) makes one."
        )

    def _follow(self) -> None:
        form, session, busy = self._form, self._session, self.state in BUSY
        form.follow(self.state, busy=busy, line=session.summary())
        form.code.value = self.code
        remedied = None
        if self.state == "failed" and self.error is not None:
            linked = session.job is None or session.job.destination == "local"
            remedied = remedy(self.error, linked=linked)
            if remedied == "Refresh":
                session.again = self.refresh
        form.show_failure(remedied, self.error_details)
        self._still_changed(at_once=not busy)


def _destination(filled: Filled) -> Destination:
    if filled.destination == "local":
        return "local"
    return S3Destination(filled.bucket_path, connection_id=filled.connection_id)


def _destination_code(bucket_path: str, connection_id: str) -> str:
    return f"destination=lds.S3Destination({bucket_path!r}, connection_id={connection_id!r})"
