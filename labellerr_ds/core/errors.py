"""Every error that labellerr_ds raises on purpose.

One class for each different thing that the *user* would do next::

    LabellerrError
    ├── InvalidArgumentError   (also ValueError)    change the call
    ├── AuthError                                   check the three credentials
    ├── NotFoundError                               check the id
    ├── ServiceError                                wait, or ask Labellerr's support
    │   ├── RateLimitedError                        wait as long as it says
    │   ├── ConnectionFailedError                   check the network or the base URL
    │   └── UnexpectedAnswerError                   report it: the service changed
    ├── AmbiguousCreateError                        look whether the export exists before creating another
    ├── EmptyExportError                            ask for other statuses, or an earlier `since`
    ├── ExportFailedError                           read the service's reason
    ├── ExportTimeoutError     (also TimeoutError)  wait again: the export goes on
    ├── DownloadError                               download again
    │   └── LinkExpiredError                        ask for a new link
    ├── DiskError                                   free some room, or choose another folder
    ├── StorageError                                check the bucket, its region, its endpoint
    ├── AmbiguousObjectsError                       name the objects: read_export("s3://bucket/key")
    ├── MissingExtraError      (also ImportError)   pip install what is named
    └── ReadError                                   what is read is not that format, or is cut short
        └── LimitError                              raise the limit, where the file can be trusted

Messages never hold a key, a secret, or the query of a URL.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

from labellerr_ds.core.hint import Hint, as_hint


class LabellerrError(Exception):
    """The root of every error raised on purpose.

    Attributes
    ----------
    message : str
        What was expected and what came; the same in Python, at the shell and in a widget.
    hint : Hint or None
        What to do next: an argument (``level="file"``), a call (``project.exports()``) or an instruction. A traceback
        shows it below the message.

    Examples
    --------
    >>> from labellerr_ds import read_export
    >>> try:
    ...     read_export("export.json", limits=5)
    ... except LabellerrError as error:
    ...     print(error.message)
    limits must be a Limits, got 5.
    """

    def __init__(self, message: str, *, hint: Hint | str | None = None) -> None:
        super().__init__(message)
        self.hint = None if hint is None else as_hint(hint)
        if self.hint is not None and sys.version_info >= (3, 11):
            self.add_note(f"Hint: {self.hint}")

    def __str__(self) -> str:
        # before Python 3.11 a traceback shows nothing but this text
        shows_notes = sys.version_info >= (3, 11)
        return self.message if self.hint is None or shows_notes else f"{self.message}\nHint: {self.hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        # arguments by keyword are no part of `args`
        return _rebuilt, (type(self), self.args, self.__dict__)

    @property
    def message(self) -> str:  # noqa: D102
        return str(self.args[0]) if self.args else ""


def _rebuilt(kind: type[LabellerrError], args: tuple[Any, ...], attributes: dict[str, Any]) -> LabellerrError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class InvalidArgumentError(LabellerrError, ValueError):
    """Invalid argument: an unknown status, a `since` in the future, …"""


class AuthError(LabellerrError):
    """Credentials are missing, or the service refused them."""


class NotFoundError(LabellerrError):
    """The service knows no project, export or file of this id.

    Attributes
    ----------
    reason : str or None
        The service's own words, if it answered.
    """

    def __init__(self, message: str, *, reason: str | None = None, hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class ServiceError(LabellerrError):
    """The service could not answer; trying later may help.

    Attributes
    ----------
    request_id : str or None
        The `uuid` of the request, which Labellerr's support asks for.
    status : int or None
        The HTTP status, if an answer came.
    reason : str or None
        The service's own words, if it answered.
    """

    def __init__(
        self,
        message: str,
        *,
        request_id: str | None = None,
        status: int | None = None,
        reason: str | None = None,
        hint: Hint | str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.request_id = request_id
        self.status = status


class ConnectionFailedError(ServiceError):
    """No answer came: no connection, a broken one, or a deadline passed."""


class RateLimitedError(ServiceError):
    """The service asks for fewer requests.

    Attributes
    ----------
    wait_s : float or None
        Seconds that it asks to wait, where it says.
    """

    def __init__(
        self,
        message: str,
        *,
        request_id: str | None = None,
        wait_s: float | None = None,
        hint: Hint | str | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, status=429, hint=hint)
        self.wait_s = wait_s


class UnexpectedAnswerError(ServiceError):
    """An answer came that is none of the known forms; the message names what was missing."""


class AmbiguousCreateError(LabellerrError):
    """The request that creates an export was sent, and no answer tells whether it arrived.

    Attributes
    ----------
    name : str
        The name of the export, by which to look for it in ``project.exports()`` or the dashboard.
    """

    def __init__(self, message: str, *, name: str, hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.name = name


class EmptyExportError(LabellerrError):
    """No file matches the statuses and `since` that were asked for.

    Attributes
    ----------
    statuses : list of str or None
    since : str or None
        The resolved instant, ISO, UTC.
    """

    def __init__(
        self,
        message: str,
        *,
        statuses: list[str] | None = None,
        since: str | None = None,
        hint: Hint | str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.statuses, self.since = statuses, since


class _ExportError(LabellerrError):
    def __init__(self, message: str, *, report_id: str, hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report_id = report_id


class ExportFailedError(_ExportError):
    """The service says that the export failed.

    Attributes
    ----------
    report_id : str
    reason : str or None
        The service's own words.
    """

    def __init__(
        self, message: str, *, report_id: str, reason: str | None = None, hint: Hint | str | None = None
    ) -> None:
        super().__init__(message, report_id=report_id, hint=hint)
        self.reason = reason


class ExportTimeoutError(_ExportError, TimeoutError):
    """The deadline passed while the export was running; it goes on at the service.

    Attributes
    ----------
    report_id : str
        ``ExportJob(project, report_id).wait()`` goes on waiting.
    """


class DownloadError(LabellerrError):
    """The bytes did not arrive whole; nothing stays at the final path."""


class LinkExpiredError(DownloadError):
    """A signed link expired before the file was whole; a new one is needed."""


class DiskError(LabellerrError):
    """The disk is full, or may not be written to; what was there before is as it was.

    Attributes
    ----------
    needed, free : int or None
        Bytes, where they are known.
    """

    def __init__(
        self, message: str, *, needed: int | None = None, free: int | None = None, hint: Hint | str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.needed, self.free = needed, free


class StorageError(LabellerrError):
    """The object store (S3) gave no usable answer: a wrong region, a bucket that is elsewhere, an outage."""


class AmbiguousObjectsError(LabellerrError):
    """It is not known which objects of a bucket an export wrote.

    Attributes
    ----------
    candidates : list of str
        What may be meant, as ``s3://bucket/key``.
    """

    def __init__(self, message: str, *, candidates: list[str], hint: Hint | str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.candidates = candidates


class MirrorError(LabellerrError):
    """A mirror cannot be read, or others write to it again and again; what was in it before is as it was."""


class MissingExtraError(LabellerrError, ImportError):
    """A library that only some need is not installed; the message says how to install it."""


class ReadError(LabellerrError):
    """What was read is not the format, or is cut short.

    Attributes
    ----------
    byte_offset : int or None
        Where in the file the reader stopped, where that is known.
    reader : {'yolo', 'voc'} or None
        The reader that understands the input: `labellerr_ds.read_yolo` or `labellerr_ds.read_voc`.
    """

    def __init__(
        self, message: str, *, byte_offset: int | None = None, reader: str | None = None, hint: Hint | str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.byte_offset, self.reader = byte_offset, reader


class LimitError(ReadError):
    """What is read is larger, or more deeply nested, than what is read without being asked to; see `Limits`."""


class LabellerrWarning(UserWarning):
    """Something was not understood and kept (see ``dataset.issues``), or was corrected.

    Attributes
    ----------
    message : str
    hint : Hint or None
        What to do next; the text of the warning ends with it.
    """

    def __init__(self, message: str, *, hint: Hint | str | None = None) -> None:
        super().__init__(message)
        self.hint = None if hint is None else as_hint(hint)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} Hint: {self.hint}"

    @property
    def message(self) -> str:  # noqa: D102
        return str(self.args[0])


def warn(message: str, *, hint: Hint | str | None = None) -> None:
    """Warn with a `LabellerrWarning` that points at the line which called into the package."""
    package, frame, depth = __name__.split(".")[0], sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == package:
        frame, depth = frame.f_back, depth + 1
    warnings.warn(LabellerrWarning(message, hint=hint), stacklevel=depth)
