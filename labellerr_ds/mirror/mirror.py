"""Mirror: a versioned local copy of a project that incremental exports keep up to date."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.core.backoff import COMMIT_TRIES
from labellerr_ds.core.card import card
from labellerr_ds.core.disk import new_folder
from labellerr_ds.core.errors import EmptyExportError, InvalidArgumentError, MirrorError, warn
from labellerr_ds.core.hint import argument, call, either
from labellerr_ds.core.models import Statuses, resolve_statuses
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.core.since import Since, instant_of, to_milliseconds
from labellerr_ds.core.temp_names import scratched
from labellerr_ds.dataset.combine import compare
from labellerr_ds.dataset.dataset import Dataset, dataset_of_tables, image_source_of
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.distributed.tasks import is_cluster, opened
from labellerr_ds.exports.polling import checked_timeout
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import with_info
from labellerr_ds.mirror.merge import CHANGE, categories_of
from labellerr_ds.mirror.rows import DERIVED, tables_of
from labellerr_ds.mirror.store import LOCK, BusyError, Snapshot, Store, Version
from labellerr_ds.mirror.sync import (
    Read,
    SyncResult,
    committed,
    exported,
    is_stale,
    listed_at,
    moment,
    read_here,
    read_on,
)
from labellerr_ds.service.client import Client
from labellerr_ds.service.project import Project, endpoints_of
from labellerr_ds.service.project_like import ProjectLike, as_project
from labellerr_ds.storage.project_images import ProjectImages
from labellerr_ds.storage.s3 import delta_options, is_s3

if TYPE_CHECKING:
    from labellerr_ds.analysis.comparison import Comparison

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)
FULL_EVERY = timedelta(days=7)
_NAME = re.compile(r"[\w.\-]+")


class Mirror:
    """A versioned local copy of one project.

    Each sync that changes something makes a version of a Delta table with a row a file, its annotations nested in it;
    every version can be read again. Files are taken with all statuses, and filtered by status when they are read.

    Parameters
    ----------
    path : str or Path
        A folder, or ``s3://bucket/prefix``, which the first `sync` fills. Keys, region and endpoint of S3 come from
        the user's own AWS settings.
    storage_options : mapping, optional
        More of what deltalake's `storage_options` takes.

    Raises
    ------
    MissingExtraError
        Without deltalake: ``pip install 'labellerr-ds[mirror]'``.

    Notes
    -----
    An incremental export has the files that changed since a time. It lacks files that were deleted, and whether a
    change of the status alone makes a file "changed" is not documented; a full sync, the default after a week, has
    both.

    Examples
    --------
    >>> import tempfile
    >>> from labellerr_ds import Client
    >>> mirror = Mirror(tempfile.mkdtemp())
    >>> result = mirror.sync(Client.sandbox().project("Street scenes"), progress=False)
    >>> result.full, result.added == len(mirror.dataset().files)
    (True, True)
    """

    def __init__(self, path: str | Path, *, storage_options: Mapping[str, str] | None = None) -> None:
        own = delta_options() if is_s3(path) else {}
        self._store = Store(path, {**own, **(storage_options or {})})
        self.path = self._store.path

    def __repr__(self) -> str:
        return f"Mirror({self.path!r})"

    def _repr_html_(self) -> str:
        if not self._store.exists():
            return card("Mirror", [("path", self.path), ("versions", "none yet")], then="mirror.sync(project)")
        snapshot = self._store.at()
        latest = snapshot.latest
        rows = [
            ("path", self.path),
            ("project", latest.sync.project_name or latest.sync.project_id),
            ("version", str(latest.number)),
            ("watermark", moment(latest.sync.watermark).isoformat()),
            ("last full sync", moment(snapshot.full_at).isoformat()),  # also one that changed nothing
        ]
        return card("Mirror", rows, then="mirror.dataset(statuses=['accepted'])")

    # --- bringing it up to date

    def sync(
        self,
        project: ProjectLike,
        full: bool = False,
        *,
        full_every: timedelta | None = FULL_EVERY,
        overlap: timedelta = OVERLAP,
        timeout: float | None = None,
        progress: ProgressOption = True,
        allow_empty: bool = False,
        client: Client | Any = None,
        folder: str | Path | None = None,
    ) -> SyncResult:
        """Bring the mirror up to date by an export of all statuses.

        Only what changed since the last sync is asked for, unless a full sync is due. Nothing new makes no version. Two
        syncs at once are safe, and so is one that is killed: the mirror then has the version of before. An export that
        was created before the last one that is in the mirror changes nothing.

        Parameters
        ----------
        project : Project, str, or a project of Labellerr's own SDK
            A str is an id or a name.
        full : bool
            Ask for all files: those that were deleted, or whose change the service did not report, are known by it.
        full_every : timedelta or None
            How long after a full sync the next one is due, by the service's clock; None for never.
        overlap : timedelta
            How much earlier than the last sync is asked from: what the service does with a change at that very moment
            is not documented.
        timeout : float, optional
            Seconds to wait for the export; 3,600 where none is given.
        progress : bool
        allow_empty : bool
            Accept a full export without any file as true: all files of the mirror are marked as deleted.
        client : Client or dask.distributed.Client, optional
            A Client is for a project id or name; else one is made of the credentials in the environment. With a client
            of Dask its workers read the export: this process downloads it, cuts it, and commits.
        folder : path or ``s3://`` address, optional
            Seen by all workers and this process: where the pieces of the export lie meanwhile. A temporary folder of
            this machine where none is given.

        Returns
        -------
        SyncResult

        Raises
        ------
        InvalidArgumentError
            For another project than the mirror's.
        EmptyExportError
            Where a full export has no file, the mirror has some, and `allow_empty` is not set.
        MirrorError
            Where other syncs came first again and again, or the mirror cannot be read.
        AuthError, ExportFailedError, ExportTimeoutError, DownloadError, ReadError, DiskError
            As `export_dataset`; the mirror is as it was.
        """
        checked_timeout(timeout)
        self._store.check_folder()
        for key, span in (("overlap", overlap), ("full_every", full_every)):
            if span is not None and not (isinstance(span, timedelta) and span >= timedelta(0)):
                raise InvalidArgumentError(f"{key} must be a timedelta, got {span!r}.")
        cluster = opened(client) if is_cluster(client) else None
        if not (client is None or cluster is not None or isinstance(client, Client)):
            kind = type(client).__name__
            raise InvalidArgumentError(
                f"client must be a labellerr_ds.Client, for a project's name, or a dask.distributed.Client; got {kind}."
            )
        if folder is not None and cluster is None:
            raise InvalidArgumentError("folder is for a cluster.", hint=argument("client"))
        if folder is not None and _is_within(str(folder), self.path):
            raise InvalidArgumentError(f"folder must not be in the mirror, {self.path!r}; got {str(folder)!r}.")
        project = as_project(project, client if cluster is None else None)
        _ = endpoints_of(project).facts()  # whether it is there
        with ExitStack() as kept:
            read: Read = partial(read_here, progress=progress)
            if cluster is not None:
                near = kept.enter_context(scratched("staged")) if folder is None else folder
                read = partial(read_on, cluster, kept.enter_context(SharedFolder(near).lent("sync")), progress=progress)
            export = None
            for attempt in range(COMMIT_TRIES):
                snapshot = self._snapshot(project)
                if export is None or (export.full and is_stale(export, snapshot)):
                    listed_at(project, "")  # an answer has the service's time: after all that the snapshot knows
                    since = None if full else _since(project, snapshot, full_every, overlap)
                    export = exported(project, since, read, timeout=timeout, progress=progress)
                if snapshot is not None and export.shows_removed and not export.rows.keys.num_rows and not allow_empty:
                    self._refuse_empty(snapshot, project)
                try:
                    result = committed(self._store, project, snapshot, export)
                except BusyError:
                    log.info("another sync of %s came first; trying again", self.path)
                    time.sleep(random.uniform(0.05, 0.3) * (attempt + 1))
                    continue
                log.info("%r of project %s into %s", result, project.project_id, self.path)
                return result
        raise MirrorError(
            f"{self.path}: {COMMIT_TRIES} commits conflicted with other syncs.", hint=call("mirror.sync(project)")
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes of this machine from this mirror meanwhile; for a folder, on a schedule.

        Raises
        ------
        MirrorError
            Where another process has it.
        """
        if not self._store.is_local:
            yield  # commits are safe; there is no lock that could not outlive its owner
            return
        from filelock import FileLock, Timeout

        self._store.check_folder()
        new_folder(self.path)
        try:
            with FileLock(Path(self.path) / LOCK, timeout=0):
                yield
        except Timeout:
            raise MirrorError(f"{self.path}: another sync is running.") from None

    def _refuse_empty(self, snapshot: Snapshot, project: Project) -> None:
        """What the service says may be a fault of its own: no mirror loses all of its files by it."""
        if known := snapshot.rows(["file_id"]).num_rows:
            raise EmptyExportError(
                f"a full export of project {project.project_id} has no file, and the mirror {self.path} has "
                f"{known:,} files of it.",
                hint=either("look at the project", argument("allow_empty", True)),
            )

    def _snapshot(self, project: Project) -> Snapshot | None:
        """The last version; None where there is none yet."""
        if not self._store.exists():
            return None
        snapshot = self._store.at()
        known = snapshot.latest.sync
        if known.project_id != project.project_id:
            raise InvalidArgumentError(
                f"{self.path} is a mirror of project {known.project_id!r} ({known.project_name}), not of "
                f"{project.project_id!r}.",
                hint="choose another path",
            )
        return snapshot

    # --- reading

    def dataset(
        self,
        version: int | str | None = None,
        as_of: Since = None,
        statuses: Statuses | None = None,
        columns: Iterable[str] | None = None,
    ) -> Dataset:
        """The labels as they are, or were.

        Parameters
        ----------
        version : int or str, optional
            A version, or the name of a pin; the last one where neither it nor `as_of` is given.
        as_of : datetime, date, str, timedelta, optional
            The last version whose export was created by then, by the service's clock; what has no time zone is local
            time.
        statuses : list of statuses, optional
            Only files with these, as for `export_dataset`; a pin has its own where none are given.
        columns : list of str, optional
            Columns of `annotations` to read, beside `file_id`; all where none are given. `[]` reads files alone.

        Returns
        -------
        Dataset
            Files in the order in which they were created. ``info`` has the version and its watermark.

        Raises
        ------
        InvalidArgumentError
            For a version, pin or column that is not there.
        MirrorError
            Where the data of a version was removed by `vacuum`, or is not what a pin says.
        """
        snapshot, chosen, lock = self._find(version, as_of)
        wanted = _words(statuses if statuses is not None else lock.get("statuses") if lock else None)
        names = None if columns is None else _checked_columns(columns)
        read = None
        if names is not None:
            own = [name for name in names if name not in DERIVED] + (["category_id"] if "category" in names else [])
            read = [*(column.name for column in schema.TABLES["files"]), *(["annotations"] if own or names else [])]
        rows = snapshot.rows(read, _where(wanted))
        if lock and names is None and wanted == _words(lock.get("statuses")):
            _check_digest(rows, lock)
        tables = tables_of(rows, categories_of(snapshot.categories()))
        tables = with_info(tables, self._info(chosen, wanted))
        dataset = dataset_of_tables(tables, image_source=ProjectImages())
        if names is None:
            return dataset
        kept = dataset.annotations[[name for name in dataset.annotations.columns if name in {"file_id", *names}]]
        return Dataset(
            dataset.files,
            kept,
            dataset.categories,
            dataset.issues,
            dataset.info,
            _image_source=image_source_of(dataset),
        )

    def versions(self) -> pd.DataFrame:
        """The versions that syncs made, the newest first.

        Returns
        -------
        DataFrame
            `version`, `created_at` (by the clock of the machine that made it), `watermark` (when the export was
            created, by the service's clock), `added`, `changed`, `removed` (files), `full`, `report_id`, `pins`.
        """
        snapshot = self._store.at()
        pins: dict[int, list[str]] = {}
        for name, lock in snapshot.pins().items():
            pins.setdefault(lock["version"], []).append(name)
        known = snapshot.versions
        syncs = [each.sync for each in known]
        return pd.DataFrame(
            {
                "version": np.array([each.number for each in known], dtype=np.int64),
                "created_at": schema.times([to_milliseconds(each.created_at) for each in known]),
                "watermark": schema.times([each.watermark for each in syncs]),
                **{name: np.array([getattr(each, name) for each in syncs], dtype=np.int64) for name in CHANGE},
                "full": np.array([each.full for each in syncs], dtype=bool),
                "report_id": schema.text([each.report_id for each in syncs]),
                "pins": schema.text([", ".join(pins.get(each.number, [])) for each in known]),
            }
        )

    def diff(self, a: int | str, b: int | str | None = None) -> Comparison:
        """What changed between two versions: of the files that are not the same in both.

        Parameters
        ----------
        a, b : int or str
            Versions, or names of pins; `b` is the last one where none is given.

        Returns
        -------
        Comparison
            ``AnnotationViewer(mirror.diff(a, b))`` shows it.
        """
        sides = [self._find(each, None)[:2] for each in (a, b)]
        hashes = [snapshot.rows(["file_id", "content_hash"]) for snapshot, _ in sides]
        frames = [pd.Series(each["content_hash"].to_numpy(), index=each["file_id"].to_pylist()) for each in hashes]
        both = pd.concat(frames, axis=1)
        ids = both.index[both.iloc[:, 0].ne(both.iloc[:, 1]).to_numpy()].tolist()
        where = pc.field("file_id").isin(pa.array(ids, pa.string()))
        datasets = []
        for snapshot, chosen in sides:
            tables = tables_of(snapshot.rows(None, where), categories_of(snapshot.categories()))
            datasets.append(dataset_of_tables(with_info(tables, self._info(chosen, None))))
        return compare(datasets[0], datasets[1])

    def scan(
        self, version: int | str | None = None, as_of: Since = None, statuses: Statuses | None = None
    ) -> pa.dataset.Dataset:
        """The rows as an Arrow dataset, for DuckDB, Polars and others; nothing is read yet.

        Parameters
        ----------
        version, as_of, statuses
            As for `dataset`.

        Returns
        -------
        pyarrow.dataset.Dataset
            A row a file: the columns of `files`, `annotations` (a list of structs), `issues`, `content_hash`,
            `exported_at`, and `deleted_at`, which is missing here.
        """
        snapshot, _, lock = self._find(version, as_of)
        return snapshot.dataset(_where(_words(statuses if statuses is not None else (lock or {}).get("statuses"))))

    def _find(self, version: int | str | None, as_of: Since) -> tuple[Snapshot, Version, dict[str, Any] | None]:
        """The table of a version, what made it, and the lock where it was named by a pin."""
        if version is not None and as_of is not None:
            raise InvalidArgumentError("version and as_of exclude each other.")
        last, lock = self._store.at(), None
        chosen = last.latest
        if isinstance(version, str):
            lock = last.pins().get(version)
            if lock is None:
                raise InvalidArgumentError(f"unknown pin {version!r}; there are {', '.join(last.pins()) or 'none'}.")
            version = int(lock["version"])
        if version is not None:
            known = {each.number: each for each in last.versions}
            if isinstance(version, bool) or version not in known:
                few = ", ".join(map(str, sorted(known)[-8:]))
                raise InvalidArgumentError(
                    f"unknown version {version!r}; there are {few}.", hint=call("mirror.versions()")
                )
            chosen = known[version]
        elif as_of is not None:
            latest = moment(last.latest.sync.watermark)
            until = to_milliseconds(instant_of(as_of, lambda: max(datetime.now(timezone.utc), latest), "as_of"))
            earlier = [each for each in last.versions if each.sync.watermark <= until]
            if not earlier:
                first = moment(last.versions[-1].sync.watermark).isoformat()
                raise InvalidArgumentError(f"as_of {as_of!r} is before the first sync, which was at {first}.")
            chosen = earlier[0]
        return (last if chosen.number == last.number else self._store.at(chosen.number)), chosen, lock

    def _info(self, chosen: Version, statuses: list[str] | None) -> dict[str, Any]:
        sync = chosen.sync
        return {
            "project_id": sync.project_id, "project_name": sync.project_name, "report_id": sync.report_id,
            "format": "json", "statuses": statuses, "since": None,
            "exported_at": moment(sync.watermark).isoformat(), "source": Path(self.path).name,
            "mirror_version": chosen.number,
        }  # fmt: skip

    # --- names, and room

    def pin(
        self,
        name: str,
        version: int | None = None,
        *,
        statuses: Statuses | None = None,
        lock_file: str | Path | None = None,
    ) -> dict[str, Any]:
        """Give a version a name: `vacuum` keeps it, and ``dataset("name")`` reads it and checks that it is the same.

        Parameters
        ----------
        name : str
            Letters, digits, ``.``, ``_``, ``-``.
        version : int, optional
            The last one where none is given.
        statuses : list of statuses, optional
            What a training run takes of it.
        lock_file : path, optional
            Where to write the lock as JSON too.

        Returns
        -------
        dict
            The lock, for the log of a training run: `name`, `version`, `project_id`, `watermark`, `statuses`, `files`,
            `annotations`, `digest` (SHA-256 of the ids and contents of the files), `library_version`,
            `schema_version`.

        Raises
        ------
        InvalidArgumentError
            For a name that another version has.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidArgumentError(f"the name of a pin has letters, digits, '.', '_' and '-'; got {name!r}.")
        snapshot, chosen, _ = self._find(version, None)
        words = _words(statuses)
        rows = snapshot.rows(["file_id", "content_hash", "annotation_count"], _where(words))
        lock = {
            "name": name,
            "version": chosen.number,
            "project_id": chosen.sync.project_id,
            "watermark": moment(chosen.sync.watermark).isoformat(),
            "statuses": words,
            "files": rows.num_rows,
            "annotations": int(pc.sum(rows["annotation_count"]).as_py() or 0),
            "digest": _digest(rows),
            "library_version": version_of("labellerr-ds"),
            "schema_version": schema.SCHEMA_VERSION,
        }
        known = self._store.at().pins().get(name)
        if known and known["digest"] != lock["digest"]:
            raise InvalidArgumentError(
                f"the pin {name!r} is on version {known['version']}.", hint=call(f"mirror.unpin({name!r})")
            )
        self._again(lambda: self._store.at().set_pin(name, lock))
        if lock_file is not None:
            Path(lock_file).write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")
        return lock

    def unpin(self, name: str) -> None:
        """Take the name off its version."""
        if name not in self._store.at().pins():
            raise InvalidArgumentError(f"unknown pin {name!r}.")
        self._again(lambda: self._store.at().set_pin(name, None))

    def vacuum(self, older_than: timedelta = timedelta(days=30)) -> int:
        """Remove data that only versions have which are older, not pinned, and not the last.

        Parameters
        ----------
        older_than : timedelta
            In whole hours. Less than the longest sync takes would remove what a running one has written.

        Returns
        -------
        int
            How many files were removed. `versions` still lists the versions; reading one that is gone is an error.
        """
        if not isinstance(older_than, timedelta) or older_than < timedelta(0):
            raise InvalidArgumentError(f"older_than must be a timedelta, got {older_than!r}.")
        return len(self._again(lambda: self._store.at().vacuum(older_than)))

    def _again(self, write: Any) -> Any:
        for attempt in range(COMMIT_TRIES):
            try:
                return write()
            except BusyError:
                time.sleep(random.uniform(0.05, 0.3) * (attempt + 1))
        raise MirrorError(
            f"{self.path}: {COMMIT_TRIES} commits conflicted with other writers.", hint="try again when they are done"
        )


def _words(statuses: Any) -> list[str] | None:
    return None if statuses is None else [status.value for status in resolve_statuses(statuses)]


def _where(statuses: list[str] | None) -> Any:
    return None if statuses is None else pc.field("status").isin(pa.array(statuses, pa.string()))


def _checked_columns(columns: Iterable[str]) -> list[str]:
    names = [columns] if isinstance(columns, str) else list(columns)
    known = {column.name for column in schema.TABLES["annotations"]}
    if unknown := [name for name in names if name not in known]:
        raise InvalidArgumentError(
            f"unknown column {unknown[0]!r} of annotations; there are {', '.join(sorted(known))}."
        )
    return names


def _digest(rows: pa.Table) -> str:
    """SHA-256 of the ids and content hashes of files, in the order of their ids."""
    pairs = sorted(zip(rows["file_id"].to_pylist(), rows["content_hash"].to_pylist(), strict=True))
    return hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest()


def _check_digest(rows: pa.Table, lock: Mapping[str, Any]) -> None:
    if _digest(rows) != lock["digest"]:
        raise MirrorError(f"version {lock['version']} is not what the pin {lock['name']!r} names: checksum mismatch.")


def _is_within(folder: str, path: str) -> bool:
    """Whether a folder is another one, or lies in it."""
    if is_s3(folder) or is_s3(path):
        return f"{folder.rstrip('/')}/".startswith(f"{path.rstrip('/')}/")
    return Path(path) in (at := Path(folder).absolute()).parents or at == Path(path)


def _since(
    project: Project, snapshot: Snapshot | None, full_every: timedelta | None, overlap: timedelta
) -> datetime | None:
    """The time to ask from; None where all files are to be asked for."""
    if snapshot is None:
        return None
    if snapshot.schema_version < schema.SCHEMA_VERSION:
        warn(
            "this version of labellerr_ds reads exports differently from the one that wrote the mirror; all files are "
            "requested once."
        )
        return None
    is_due = full_every is not None and endpoints_of(project).now() - moment(snapshot.full_at) >= full_every
    return None if is_due else moment(snapshot.latest.sync.watermark) - overlap
