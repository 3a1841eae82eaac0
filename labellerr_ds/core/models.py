"""What the layers share: statuses, formats, and the frozen facts of an export."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Literal

from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.core.hint import argument, call, either, nearest


class FileStatus(str, Enum):
    """The fifteen statuses of a file.

    Attributes
    ----------
    description : str
        The vendor's description.
    label_state : str
        The label state of a file with annotations.
    empty_state : str
        The label state of a file without annotations.

    Examples
    --------
    >>> FileStatus("r_assigned").description
    'review in progress'
    >>> FileStatus.ACCEPTED.label_state, FileStatus.ACCEPTED.empty_state
    ('labelled', 'negative')
    """

    NONE = "none", "unlabelled or pre-annotated, not yet in the workflow", "pre_labelled", "unlabelled"
    ASSIGNED = "assigned", "annotation in progress", "in_progress"
    REVIEW = "review", "annotated, waiting for review", "in_review"
    R_ASSIGNED = "r_assigned", "review in progress", "in_review"
    CLIENT_REVIEW = "client_review", "passed review, waiting for client review", "in_review"
    CR_ASSIGNED = "cr_assigned", "client review in progress", "in_review"
    ACCEPTED = "accepted", "passed by the client: final", "labelled", "negative"
    REJECTED = "rejected", "rejected by the reviewer", "rejected"
    CLIENT_REJECTED = "client_rejected", "rejected by the client", "rejected"
    SKIPPED = "skipped", "skipped while annotating", "skipped"
    R_SKIPPED = "r_skipped", "skipped in review", "skipped"
    CR_SKIPPED = "cr_skipped", "skipped in client review", "skipped"
    CRITICAL = "critical", "skipped twice while annotating: blocked", "skipped"
    R_CRITICAL = "r_critical", "skipped twice in review: blocked", "skipped"
    CR_CRITICAL = "cr_critical", "skipped twice in client review: blocked", "skipped"

    description: str
    label_state: str
    empty_state: str

    def __new__(cls, value: str, description: str, label_state: str, empty_state: str | None = None) -> FileStatus:
        """Create a member: its value is text; without a state of its own an empty file has that of the others."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        member.label_state = label_state
        member.empty_state = empty_state or label_state
        return member

    def __str__(self) -> str:
        return str(self.value)


class ExportFormat(str, Enum):
    """The four formats of an export.

    Attributes
    ----------
    description : str
        What an export of this format contains.
    """

    JSON = "json", "everything, answers to questions too"
    COCO_JSON = "coco_json", "boxes, polygons and points of images; no answers"
    CSV = "csv", "everything, one row per file"
    PNG = "png", "masks of images, one colour per class; no instances"

    description: str

    def __new__(cls, value: str, description: str = "") -> ExportFormat:
        """Create a member: its value is text."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member

    def __str__(self) -> str:
        return str(self.value)


STATUS_WORDS: dict[str, tuple[FileStatus, ...]] = {
    "all": tuple(FileStatus),
    "annotated": (
        FileStatus.REVIEW,
        FileStatus.R_ASSIGNED,
        FileStatus.CLIENT_REVIEW,
        FileStatus.CR_ASSIGNED,
        FileStatus.ACCEPTED,
    ),
    "reviewed": (FileStatus.CLIENT_REVIEW, FileStatus.CR_ASSIGNED, FileStatus.ACCEPTED),
}
"""Words that stand for several statuses."""

Statuses = Iterable[FileStatus | str | None] | FileStatus | str
"""What `resolve_statuses` takes."""


def resolve_statuses(statuses: object) -> tuple[FileStatus, ...]:
    """The statuses that are meant, each once, in the order they were asked for.

    Parameters
    ----------
    statuses : str, FileStatus, or an iterable of them and None
        ``None`` inside a list (or ``"none"``) are the files without a status; ``"all"``,
        ``"annotated"`` and ``"reviewed"`` stand for several.

    Raises
    ------
    InvalidArgumentError
        For ``None`` itself, an empty list, and anything that is not a status.

    Examples
    --------
    >>> [str(status) for status in resolve_statuses(["reviewed", None])]
    ['client_review', 'cr_assigned', 'accepted', 'none']
    """
    if statuses is None:
        raise InvalidArgumentError(
            "statuses must name statuses, got None.",
            hint=either(argument("statuses", "all"), argument("statuses", [None])),
        )
    if isinstance(statuses, str):
        statuses = [statuses]
    if not isinstance(statuses, Iterable):
        raise InvalidArgumentError(f"statuses must be a list of statuses, not {type(statuses).__name__}.")
    resolved: dict[FileStatus, None] = {}
    for item in statuses:
        if item is None:
            resolved[FileStatus.NONE] = None
        elif isinstance(item, str) and item.lower() in STATUS_WORDS:
            resolved.update(dict.fromkeys(STATUS_WORDS[item.lower()]))
        else:
            word = item.lower() if isinstance(item, str) else item
            status = next((status for status in FileStatus if isinstance(word, str) and status.value == word), None)
            if status is None:
                known = [*STATUS_WORDS, *(status.value for status in FileStatus)]
                raise InvalidArgumentError(
                    f"unknown status {item!r}; known are {', '.join(known)}.", hint=nearest(item, known)
                )
            resolved[status] = None
    if not resolved:
        raise InvalidArgumentError("statuses is empty.", hint=argument("statuses", "all"))
    return tuple(resolved)


def status_word(value: object) -> str:
    """Return the schema's text for a status as the service has it; an unknown one stays as it is."""
    return FileStatus.NONE.value if value is None or value in ("", "None", "none") else str(value)


def names_none(statuses: object) -> bool:
    """Return True if the files without a status are requested by name, and not only as a part of ``"all"``."""
    items = [statuses] if isinstance(statuses, str) else statuses
    if not isinstance(items, Iterable):
        return False
    return any(item is None or (isinstance(item, str) and item.lower() == FileStatus.NONE.value) for item in items)


def resolve_format(format: object) -> ExportFormat:
    """The format that is meant; an error names the four and the nearest."""
    try:
        return ExportFormat(str(format).lower())
    except ValueError:
        known = [item.value for item in ExportFormat]
        raise InvalidArgumentError(
            f"unknown export format {format!r}; known are {', '.join(known)}.", hint=nearest(format, known)
        ) from None


_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


@dataclass(frozen=True)
class S3Destination:
    """A folder in the user's own bucket that an export is written to.

    Parameters
    ----------
    bucket_path : str
        ``"bucket/path/to/folder/"``. A leading ``s3://`` is taken off and the trailing slash, which
        the service needs, is put on; a warning says so.
    connection_id : str
        The id of the connection at Labellerr.

    Raises
    ------
    InvalidArgumentError
        For a path without a bucket, one that climbs (``..``), and an empty `connection_id`.

    Examples
    --------
    >>> S3Destination("labels/nightly/", connection_id="c1").bucket
    'labels'
    """

    bucket_path: str
    connection_id: str = field(kw_only=True)

    def __post_init__(self) -> None:
        path = checked_bucket_path(self.bucket_path)
        if not isinstance(self.connection_id, str) or not self.connection_id.strip():
            raise InvalidArgumentError(
                "connection_id is empty: an export to S3 needs a connection.", hint=call("client.s3_connections()")
            )
        if path != self.bucket_path:
            warn(f"bucket_path {self.bucket_path!r} was corrected to {path!r}.")
        object.__setattr__(self, "bucket_path", path)
        object.__setattr__(self, "connection_id", self.connection_id.strip())

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.bucket_path.split("/", 1)[0]

    @property
    def folder(self) -> str:
        """The prefix within the bucket, empty or ending in a slash."""
        return self.bucket_path.split("/", 1)[1]


def checked_bucket_path(bucket_path: object) -> str:
    """``bucket/path/to/folder/``, without ``s3://`` and with its trailing slash; or why it cannot be meant."""
    if not isinstance(bucket_path, str):
        raise InvalidArgumentError(f"bucket_path must be a str, got {type(bucket_path).__name__}.")
    path = re.sub(r"^\s*s3a?://", "", bucket_path, flags=re.IGNORECASE).strip()
    path = path if path.endswith("/") else path + "/"
    bucket, *parts = path[:-1].split("/")
    if not _BUCKET.fullmatch(bucket):
        what = "the bucket is empty" if not bucket else f"{bucket!r} is not a valid bucket name"
        raise InvalidArgumentError(f"bucket_path must be 'bucket/path/to/folder/', got {bucket_path!r}: {what}.")
    for part in parts:
        if part in ("", ".", "..") or "\\" in part or not part.isprintable():
            raise InvalidArgumentError(
                f"bucket_path must be 'bucket/path/to/folder/', without '..', '.', backslashes or empty folders; "
                f"got {bucket_path!r}."
            )
    return path


@dataclass(frozen=True)
class S3Object:
    """An object in a bucket, as its listing tells it.

    Attributes
    ----------
    key : str
    size : int
        Bytes.
    etag : str
        Without quotes; the MD5 of what was put in one piece.
    modified : datetime
        UTC, by the store's clock, whole seconds.
    """

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True)
class Source:
    """The files of an export on this machine's disk.

    Attributes
    ----------
    name : str
        What the export is called in messages, and in ``dataset.info``.
    files : tuple of (str, Path)
        The name of each within the export, and where it is.
    """

    name: str
    files: tuple[tuple[str, Path], ...]

    @property
    def paths(self) -> dict[str, Path]:
        """The paths by name."""
        return dict(self.files)


@dataclass(frozen=True)
class ExportRequest:
    """What an export was asked for."""

    statuses: tuple[FileStatus, ...]
    format: ExportFormat
    since: datetime | None = None
    name: str = ""
    description: str = ""
    question_ids: tuple[str, ...] | None = None
    destination: S3Destination | Literal["local"] = "local"


@dataclass(frozen=True, repr=False)
class SignedLink:
    """A link that carries its own permission; its repr hides the query.

    Attributes
    ----------
    url : str
        The whole link. Whoever has it can read the export until it expires.
    expires_at : datetime or None
        UTC; None where the service does not tell.
    """

    url: str
    expires_at: datetime | None = None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it expires, by this machine's clock; negative afterwards, None where it is not known."""
        if self.expires_at is None:
            return None
        return (self.expires_at - datetime.now(timezone.utc)).total_seconds()

    def __repr__(self) -> str:
        return f"SignedLink({self.url.split('?', 1)[0]!r}, expires_at={self.expires_at})"


State = Literal["running", "completed", "failed", "unknown"]


@dataclass(frozen=True)
class ExportState:
    """One look at an export.

    Attributes
    ----------
    report_id : str
    state : {'running', 'completed', 'failed', 'unknown'}
        ``unknown``: the service said nothing, or nothing that is known.
    raw : str or None
        The service's own word.
    reason : str or None
        Why it failed, in the service's words.
    link : SignedLink or None
        Where the status itself carried one.
    """

    report_id: str
    state: State
    raw: str | None = None
    reason: str | None = None
    link: SignedLink | None = None

    @property
    def is_completed(self) -> bool:
        """Whether the export can be downloaded."""
        return self.state == "completed"
