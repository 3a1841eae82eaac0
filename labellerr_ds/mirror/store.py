"""The store of a mirror: a Delta table, a version for each commit, and what a commit says of itself.

Delta Lake's protocol: https://github.com/delta-io/delta/blob/master/PROTOCOL.md. A commit here is a compare-and-swap:
it is written only where no other came since the version that it was made from, so that what was decided from that
version still holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import dataset

from labellerr_ds.core.disk import check_room, new_folder
from labellerr_ds.core.errors import InvalidArgumentError, MirrorError, MissingExtraError
from labellerr_ds.core.hint import advice, call
from labellerr_ds.core.redaction import redact
from labellerr_ds.mirror.merge import ChangedRows
from labellerr_ds.mirror.rows import FILES_A_PIECE, SCHEMA
from labellerr_ds.storage.s3 import is_s3

FORMAT = 1
"""The version of how a mirror is laid out; one of a later version is refused."""
LOCK = "_sync.lock"
# what a sync that was killed, or that runs, has there; object_store writes to a name with #1 first
_OWN = re.compile(r"_delta_log|_sync\.lock|part-.*\.parquet(#\d+)?|\..*")
_SYNC, _CATEGORIES, _PIN = "labellerr.sync", "labellerr.categories", "labellerr.pin."
_CHECKED, _SCHEMA = "labellerr.checked", "labellerr.schema"
_FOR_EVER = "interval 36500 days"
_PROPERTIES = {
    "delta.logRetentionDuration": _FOR_EVER,
    "delta.deletedFileRetentionDuration": _FOR_EVER,
    "delta.enableExpiredLogCleanup": "false",
}


class BusyError(Exception):
    """Another commit came first."""


@dataclass(frozen=True)
class Sync:
    """What the commit of a sync says of it.

    Attributes
    ----------
    number : int
        The version that it made. deltalake numbers its history from the version that was opened, also where that is not
        the last one.
    project_id, project_name : str
    watermark : int
        When the export was created, Unix milliseconds of the service: the mirror has everything until then.
    full_at : int
        The watermark of the last full sync.
    report_id : str or None
    full : bool
    added, changed, removed : int
        Files.
    categories_at : int
        The version whose commit has the categories.
    library_version : str
    schema_version : int
        How the export was read; 1 for a version written before this was kept.
    format : int
    """

    number: int
    project_id: str
    project_name: str | None
    watermark: int
    full_at: int
    report_id: str | None
    full: bool
    added: int
    changed: int
    removed: int
    categories_at: int
    library_version: str
    schema_version: int = 1
    format: int = FORMAT


@dataclass(frozen=True)
class Version:
    """A version that a sync made.

    Attributes
    ----------
    created_at : datetime
        By the clock of the machine that made it, UTC.
    sync : Sync
    """

    created_at: datetime
    sync: Sync

    @property
    def number(self) -> int:
        """Its number."""
        return self.sync.number


def delta() -> Any:
    """The library."""
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError:
        raise MissingExtraError(
            "a mirror needs deltalake.", hint=advice("pip install 'labellerr-ds[mirror]'")
        ) from None
    return deltalake


NO_VERSION = -1


class Store:
    """A Delta table of `rows.SCHEMA`.

    Parameters
    ----------
    path : str or Path
        A folder, or ``s3://bucket/prefix``.
    options : mapping
        What deltalake takes as `storage_options`.
    """

    def __init__(self, path: str | Path, options: Mapping[str, str]) -> None:
        self.is_local = not is_s3(path)
        self.path = str(Path(path).absolute()) if self.is_local else str(path)
        self._options = dict(options) or None
        if self.is_local and Path(self.path).is_file():
            raise InvalidArgumentError(f"{self.path!r} is a file; a folder is needed.")
        delta()

    def check_folder(self) -> None:
        """Refuse a folder in which something else is: a mirror's files among others would be read with them.

        Raises
        ------
        InvalidArgumentError
        """
        if not self.is_local or not Path(self.path).is_dir() or self.exists():
            return
        others = [path.name for path in Path(self.path).iterdir() if not _OWN.fullmatch(path.name)]
        if others:
            raise InvalidArgumentError(
                f"{self.path!r} is not a mirror, and has {others[0]!r} in it.", hint="choose a new or an empty folder"
            )

    def exists(self) -> bool:
        """Whether anything was committed."""
        with self.failures("opening"):
            return bool(delta().DeltaTable.is_deltatable(self.path, storage_options=self._options))

    def at(self, version: int | None = None) -> Snapshot:
        """The table at a version; None for the latest."""
        with self.failures("opening"):
            table = delta().DeltaTable(self.path, version=version, storage_options=self._options)
        return Snapshot(table, self)

    def create(self, rows: ChangedRows, sync: Sync, categories: str) -> int:
        """The first version.

        Raises
        ------
        BusyError
            Where another process made one first.
        """
        if self.is_local:
            self.check_folder()
            check_room(new_folder(self.path), rows.size)
        with self.failures("writing", onto=NO_VERSION), _stream(rows) as stream:
            delta().write_deltalake(
                self.path,
                stream,
                mode="error",
                name="labellerr_ds mirror",
                configuration=_PROPERTIES,
                storage_options=self._options,
                writer_properties=_writer(),
                commit_properties=_commit(replace(sync, number=0, categories_at=0), categories),
            )
        return 0

    @contextmanager
    def failures(self, doing: str, *, onto: int | None = None) -> Iterator[None]:
        """Raise what deltalake raises within as errors of ours; `BusyError` if another commit came first.

        Parameters
        ----------
        doing : str
            For the message.
        onto : int, optional
            The version that a commit within follows, `NO_VERSION` if there is none.
        """
        exceptions = delta().exceptions
        try:
            yield
        except (exceptions.DeltaError, pa.ArrowException) as problem:
            if isinstance(problem, exceptions.CommitFailedError) or (onto is not None and self._latest() > onto):
                raise BusyError(str(problem)) from None
            path = redact(self.path)
            if isinstance(problem, exceptions.TableNotFoundError):
                raise InvalidArgumentError(
                    f"no mirror exists at {path} yet.", hint=call("mirror.sync(project)")
                ) from None
            raise MirrorError(f"{doing} the mirror {path} failed: {redact(str(problem))}") from None

    def _latest(self) -> int:
        """The number of the latest version, `NO_VERSION` if there is none that can be read."""
        try:
            return int(delta().DeltaTable(self.path, storage_options=self._options).version())
        except delta().exceptions.DeltaError:
            return NO_VERSION


class Snapshot:
    """The table as it was at a version."""

    def __init__(self, table: Any, store: Store) -> None:
        self._table, self._store = table, store

    @property
    def number(self) -> int:
        """Its version."""
        return int(self._table.version())

    def rows(self, columns: list[str] | None = None, where: Any = None, *, deleted: bool = False) -> pa.Table:
        """Its rows.

        Parameters
        ----------
        columns : list of str, optional
            All where none are given.
        where : pyarrow expression, optional
        deleted : bool
            Also of files that are no more.
        """
        made = self.dataset(where, deleted=deleted)
        try:
            with self._store.failures("reading"):
                table = made.to_table(columns=columns or SCHEMA.names)
        except FileNotFoundError:
            raise MirrorError(
                f"the data of version {self.number} of {redact(self._store.path)} was removed by a vacuum, which "
                "keeps the last version and those with a pin."
            ) from None
        wanted = pa.schema([SCHEMA.field(name) for name in table.column_names])
        return table.cast(wanted)

    def dataset(self, where: Any = None, *, deleted: bool = False) -> Any:
        """Its rows as a `pyarrow.dataset.Dataset`, nothing read yet."""
        with self._store.failures("reading"):
            arrow = self._table.to_pyarrow_dataset()
            # a dataset of our own schema: texts that delta-rs writes are views, which few tools take
            paths = [fragment.path for fragment in arrow.get_fragments()]
            made = dataset.FileSystemDataset.from_paths(
                paths, schema=SCHEMA, format=dataset.ParquetFileFormat(), filesystem=arrow.filesystem
            )
        if not deleted:
            is_there = pc.field("deleted_at").is_null()
            where = is_there if where is None else where & is_there
        return made if where is None else made.filter(where)

    @cached_property
    def versions(self) -> list[Version]:
        """The versions that syncs made, the newest first, up to this one."""
        versions = []
        with self._store.failures("reading the log of"):
            history = self._table.history()
        for commit in history:
            if text := commit.get(_SYNC):
                made = datetime.fromtimestamp(commit["timestamp"] / 1000, timezone.utc)
                versions.append(Version(made, _sync(text)))
        return sorted((each for each in versions if each.number <= self.number), key=lambda version: -version.number)

    @property
    def latest(self) -> Version:
        """The last version that a sync made."""
        if not self.versions:
            raise MirrorError(f"{redact(self._store.path)} is a Delta table, but no mirror: no sync wrote to it.")
        return self.versions[0]

    def categories(self) -> str:
        """The categories, as JSON, of the last version."""
        at = self.latest.sync.categories_at
        with self._store.failures("reading the log of"):
            for commit in self._table.history():
                if _CATEGORIES in commit and _sync(commit[_SYNC]).number == at:
                    return str(commit[_CATEGORIES])
        raise MirrorError(f"the commit {at} of {redact(self._store.path)}, which has the categories, is gone.")

    def merge(self, rows: ChangedRows | None, sync: Sync, categories: str | None) -> int:
        """Rows put in their places, those with `deleted_at` marked alone; the new version.

        Without rows it has other categories alone.

        Raises
        ------
        BusyError
            Where another commit came since.
        """
        number = self.number + 1
        sync = replace(sync, number=number, categories_at=sync.categories_at if categories is None else number)
        properties = _commit(sync, categories)
        if rows is None:
            with self._store.failures("writing", onto=self.number):
                self._table.alter.set_table_properties(
                    {_CHECKED: str(sync.full_at)}, raise_if_not_exists=False, commit_properties=properties
                )
            return number
        if self._store.is_local:
            check_room(self._store.path, rows.size)
        with self._store.failures("writing", onto=self.number), _stream(rows) as stream:
            same = "mine.file_id = theirs.file_id"
            merging = self._table.merge(
                stream, same, source_alias="theirs", target_alias="mine", commit_properties=properties,
                writer_properties=_writer(),
            )  # fmt: skip
            merging = merging.when_matched_update({"deleted_at": "theirs.deleted_at"}, "theirs.deleted_at IS NOT NULL")
            merging = merging.when_matched_update_all("theirs.deleted_at IS NULL")
            merging.when_not_matched_insert_all().execute()
        return number

    # --- what is about versions, and is none itself

    @property
    def full_at(self) -> int:
        """When all files were last looked at, also where nothing had changed."""
        checked = self._table.metadata().configuration.get(_CHECKED) or "0"
        return max(self.latest.sync.full_at, int(checked))

    @property
    def schema_version(self) -> int:
        """How all files were read last, also if nothing had changed."""
        checked = self._table.metadata().configuration.get(_SCHEMA) or "0"
        return max(self.latest.sync.schema_version, int(checked))

    def pins(self) -> dict[str, dict[str, Any]]:
        """The lock of each pin, by its name."""
        settings = self._table.metadata().configuration
        return {
            key.removeprefix(_PIN): json.loads(text)
            for key, text in sorted(settings.items())
            if key.startswith(_PIN) and text
        }

    def set_pin(self, name: str, lock: Mapping[str, Any] | None) -> None:
        """Keep a pin, or remove it."""
        self._set({f"{_PIN}{name}": "" if lock is None else json.dumps(lock)})

    def set_checked(self, full_at: int, schema_version: int) -> None:
        """Keep that all files were requested, and read like this, and nothing had changed."""
        self._set({_CHECKED: str(full_at), _SCHEMA: str(schema_version)})

    def _set(self, properties: Mapping[str, str]) -> None:
        with self._store.failures("writing", onto=self.number):
            self._table.alter.set_table_properties(
                dict(properties),
                raise_if_not_exists=False,
                commit_properties=delta().CommitProperties(max_commit_retries=0),
            )

    def vacuum(self, older_than: timedelta) -> list[str]:
        """Remove the data that only versions have which are neither pinned nor the last, and strays of killed syncs."""
        keep = {self.latest.number, self.number, *(lock["version"] for lock in self.pins().values())}
        hours = int(older_than.total_seconds() // 3600)
        with self._store.failures("cleaning up"):
            removed = self._table.vacuum(
                hours, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=sorted(keep)
            )
        return [str(name) for name in removed]


@contextmanager
def _stream(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatchReader]:
    """Rows as deltalake takes them; what goes wrong in reading them is raised as it is, not in the words of Arrow."""
    problems: list[Exception] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from rows
        except Exception as problem:
            problems.append(problem)
            raise

    try:
        yield pa.RecordBatchReader.from_batches(SCHEMA, batches())
    except Exception:
        if problems:
            raise problems[0] from None
        raise


def _writer() -> Any:
    """Without statistics of columns: those of texts are views, with which Arrow cannot filter.

    In groups of few rows: Arrow reads the nested texts of one with 32 bits, and a writer holds one in memory.
    """
    library = delta()
    columns = library.ColumnProperties(statistics_enabled="NONE")
    return library.WriterProperties(
        compression="ZSTD", default_column_properties=columns, max_row_group_size=FILES_A_PIECE
    )


def _commit(sync: Sync, categories: str | None) -> Any:
    properties = {_SYNC: json.dumps(asdict(sync))}
    if categories is not None:
        properties[_CATEGORIES] = categories
    return delta().CommitProperties(custom_metadata=properties, max_commit_retries=0)


def _sync(text: str) -> Sync:
    fields = json.loads(text)
    if fields.get("format", 0) > FORMAT:
        raise MirrorError(
            f"the mirror was written by labellerr_ds {fields.get('library_version')}, whose layout this version does "
            "not know.",
            hint="upgrade labellerr-ds",
        )
    return Sync(**{key: fields[key] for key in Sync.__dataclass_fields__ if key in fields})
