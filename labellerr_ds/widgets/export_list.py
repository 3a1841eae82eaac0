"""The list of a project's exports, read aside, and again by itself while one of them is running."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pandas as pd

from labellerr_ds.core.errors import AuthError, LabellerrError, NotFoundError
from labellerr_ds.service.project import Project

FIRST_S, LONGEST_S = 10.0, 60.0  # between two looks


class ExportList:
    """Reads the list in a thread of its own, ever more seldom, until nothing in it is running.

    Parameters
    ----------
    project : Project
    show : callable
        Gets the frame that `Project.exports` gives.
    """

    def __init__(self, project: Project, show: Callable[[pd.DataFrame], None]) -> None:
        self._project, self._show = project, show
        self._lock = threading.Lock()
        self._due, self._closed = threading.Event(), threading.Event()
        self.is_followed = False

    def follow(self, *, due: bool = True) -> None:
        """Read it, at once where it is due, and go on while an export of it is running."""
        with self._lock:
            if due:
                self._due.set()
            if self.is_followed or self._closed.is_set():
                return
            self.is_followed = True
        threading.Thread(target=self._follow, daemon=True).start()

    def close(self) -> None:
        """Read it no more."""
        self._closed.set()
        self._due.set()

    def _follow(self) -> None:
        interval, running = FIRST_S, True
        while True:
            with self._lock:
                if self._closed.is_set() or not (running or self._due.is_set()):
                    self.is_followed = False
                    return
            if self._due.wait(interval):
                self._due.clear()
                interval = FIRST_S
            else:
                interval = min(interval * 1.5, LONGEST_S)
            try:
                exports = self._project.exports()
            except (AuthError, NotFoundError):  # Refresh tells what is wrong
                running = False
            except LabellerrError:
                continue
            else:
                running = bool((exports["state"] == "running").any())
                if not self._closed.is_set():
                    self._show(exports)
