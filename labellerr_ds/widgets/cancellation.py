"""A piece of work in a thread, which can be stopped: what was stopped changes nothing any more."""

from __future__ import annotations

import threading


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
