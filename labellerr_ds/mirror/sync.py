"""What a sync does: an export of all statuses is read, here or on a cluster, and what it changes is committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from importlib.metadata import version as version_of
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from labellerr_ds.core.card import card
from labellerr_ds.core.errors import EmptyExportError, NotFoundError
from labellerr_ds.core.hint import advice
from labellerr_ds.core.models import FileStatus, Source
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.core.since import to_milliseconds
from labellerr_ds.core.temp_names import scratched
from labellerr_ds.dataset.dataset import tables_of_dataset
from labellerr_ds.distributed.exports import lend_out, read_shards
from labellerr_ds.distributed.shards import cut
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.distributed.tasks import run_all
from labellerr_ds.exports.create import create_job
from labellerr_ds.exports.job import ExportJob, kept_if_unreadable
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import Tables, empty, from_frame
from labellerr_ds.mirror.merge import CHANGE, KEYS, NO_KEYS, Changes, Rows, changes, united_categories
from labellerr_ds.mirror.rows import rows_of
from labellerr_ds.mirror.staged import stage_rows, staged_rows
from labellerr_ds.mirror.store import Snapshot, Store, Sync
from labellerr_ds.service.project import Project, endpoints_of

Read = Callable[[ExportJob, int], tuple[Rows, pa.Table]]
"""Reads an export that was created then, Unix milliseconds: its rows, and its categories."""


@dataclass(frozen=True, repr=False)
class SyncResult:
    """What a sync did.

    Attributes
    ----------
    version : int
        The version that the mirror has now; that of before where nothing had changed.
    added, changed, removed : int
        Files. One that was there before and had been removed counts as added.
    unchanged : int
        Files that stayed as they were.
    full : bool
        Whether all files were asked for, so that removed ones are known.
    watermark : datetime
        When the export was created, by the service's clock, UTC.
    report_id : str or None
        None where no file had changed since.
    files : DataFrame
        One row per file that changed: `file_id`, `file_name`, `change` (``added``, ``changed``, ``removed``), `status`.
    not_covered : tuple of str
        Statuses that the service refused to export: files with them keep the state that the mirror has.
    """

    version: int
    added: int
    changed: int
    removed: int
    unchanged: int
    full: bool
    watermark: datetime
    report_id: str | None
    files: pd.DataFrame
    not_covered: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.changed or self.removed)

    def __repr__(self) -> str:
        kind = "full" if self.full else "incremental"
        without = f"; files with status {', '.join(self.not_covered)} not covered" if self.not_covered else ""
        return (
            f"SyncResult(version {self.version}, {kind}: {self.added:,} added, {self.changed:,} changed, "
            f"{self.removed:,} removed, {self.unchanged:,} unchanged{without})"
        )

    def _repr_html_(self) -> str:
        counts = {name: f"{getattr(self, name):,}" for name in (*CHANGE, "unchanged")}
        rows = [("version", str(self.version)), *counts.items(), ("watermark", self.watermark.isoformat())]
        rows += [("not covered", ", ".join(self.not_covered))] if self.not_covered else []
        return card("Full sync" if self.full else "Sync", rows, then="mirror.dataset()")


class Export(NamedTuple):
    """What an export of all statuses brought.

    Attributes
    ----------
    rows : Rows
    categories : pyarrow.Table
    created_at : int
        Unix milliseconds, by the service's clock.
    report_id : str or None
        None where no file had changed.
    full : bool
        Whether all files were requested.
    not_covered : tuple of str
        Statuses that it does not include, since the service refused them.
    """

    rows: Rows
    categories: pa.Table
    created_at: int
    report_id: str | None
    full: bool
    not_covered: tuple[str, ...] = ()

    @property
    def shows_removed(self) -> bool:
        """Whether files that it does not list were removed."""
        return self.full and not self.not_covered


def exported(
    project: Project, since: datetime | None, read: Read, *, timeout: float | None, progress: ProgressOption
) -> Export:
    """Create an export of all statuses, wait for it and read it; all files without `since`."""
    asked_at = to_milliseconds(endpoints_of(project).now())
    try:
        job = create_job(project, "all", format="json", since=since, description="a sync of labellerr_ds.Mirror")
        job.wait(timeout, progress=progress)
    except EmptyExportError as empty_export:
        categories = from_frame(project.categories(), "categories")
        nothing = Tables(empty("files"), empty("annotations"), categories, empty("issues"))
        rows = Rows.of(rows_of(nothing, asked_at))
        return Export(rows, categories, asked_at, None, since is None, _not_covered(empty_export.statuses))
    created = listed_at(project, job.report_id) or job.created_at  # the answer has the service's time after it
    at = asked_at if created is None else to_milliseconds(created)
    rows, categories = read(job, at)
    statuses = None if job.request is None else [status.value for status in job.request.statuses]
    return Export(rows, categories, at, job.report_id, since is None, _not_covered(statuses))


def _not_covered(statuses: Sequence[str] | None) -> tuple[str, ...]:
    """Return the statuses that an export of these does not include; none if it is not known."""
    if not statuses:
        return ()
    return tuple(status.value for status in FileStatus if status.value not in statuses)


def read_here(job: ExportJob, at: int, *, progress: ProgressOption) -> tuple[Rows, pa.Table]:
    """An export read in this process."""
    tables = tables_of_dataset(job.load(progress=progress, cache=False))
    return Rows.of(rows_of(tables, at)), tables.categories


def read_on(
    cluster: Any, folder: SharedFolder, job: ExportJob, at: int, *, progress: ProgressOption
) -> tuple[Rows, pa.Table]:
    """An export read by the workers of a cluster: cut here, its pieces staged, united here, their rows made there.

    Of the rows this process holds what decides whether they changed.
    """
    options = ReadOptions(format="json", categories=job.project.categories(), progress=False)
    own = folder.own("export")  # an export that was overtaken is read anew
    with scratched("sync") as near:
        path = job.download(near, progress=progress)
        with kept_if_unreadable(path):
            shards = cut(Source(path.name, ((path.name, path),)), SharedFolder(own.path_of("pieces")), options.limits)
            whole, _ = read_shards(
                shards,
                options,
                cluster,
                own,
                name=path.name,
                shards_a_task=1,
                home="last",
                progress=progress,
                hint=advice("the mirror is unchanged: sync it again"),
            )
    lend_out(cluster, whole, progress)
    files = run_all(cluster, partial(stage_rows, exported_at=at), whole.partitions, "making rows", progress)
    return staged_rows(own, files), whole.plan.categories


def committed(store: Store, project: Project, snapshot: Snapshot | None, export: Export) -> SyncResult:
    """Write what an export changes.

    Raises
    ------
    BusyError
        Where another commit came since `snapshot` was read.
    """
    keys = export.rows.keys
    sync = Sync(
        0, project.project_id, project.name, export.created_at, export.created_at, export.report_id, export.full,
        0, 0, 0, 0, version_of("labellerr-ds"), schema.SCHEMA_VERSION if export.full else 0,
    )  # fmt: skip
    if snapshot is None:
        made = changes(NO_KEYS, keys, export.created_at, full=True)
        sync = _counted(sync, made)
        number = store.create(export.rows.changed(made), sync, united_categories(export.categories, None))
        return _result(number, made, sync, export)
    sync = replace(sync, schema_version=max(sync.schema_version, snapshot.schema_version))
    latest, before = snapshot.latest, snapshot.categories()
    old = snapshot.rows(KEYS, deleted=True)
    if is_stale(export, snapshot):  # all that it says is in the mirror already, or something newer
        made = changes(old, keys.slice(0, 0), export.created_at, full=False)
        return _result(latest.number, made, sync, export)
    made = changes(old, keys, export.created_at, full=export.shows_removed)
    categories = united_categories(export.categories, None if export.full else before)
    same = categories == before
    full_at = export.created_at if export.full else snapshot.full_at
    sync = _counted(sync, made, full_at, latest.sync.categories_at)
    if not made and same:
        if export.full and full_at > snapshot.full_at:
            snapshot.set_checked(full_at, sync.schema_version)
        return _result(latest.number, made, sync, export)
    number = snapshot.merge(export.rows.changed(made) if made else None, sync, None if same else categories)
    return _result(number, made, sync, export)


def is_stale(export: Export, snapshot: Snapshot | None) -> bool:
    """Whether the mirror has an export that was created later."""
    return snapshot is not None and export.created_at < snapshot.latest.sync.watermark


def listed_at(project: Project, report_id: str) -> datetime | None:
    """When an export was created, as the list has it; not all deployments have one."""
    try:
        exports = project.exports()
    except NotFoundError:
        return None
    created = exports.loc[exports["report_id"].eq(report_id).to_numpy(dtype=bool), "created_at"].dropna()
    return created.iloc[0].to_pydatetime() if len(created) else None


def _counted(sync: Sync, made: Changes, full_at: int | None = None, categories_at: int = 0) -> Sync:
    counts = {name: getattr(made, name).num_rows for name in CHANGE}
    values = {**sync.__dict__, **counts, "categories_at": categories_at}
    return Sync(**{**values, "full_at": sync.full_at if full_at is None else full_at})


def _result(number: int, made: Changes, sync: Sync, export: Export) -> SyncResult:
    parts = [getattr(made, name) for name in CHANGE]
    whole = pa.concat_tables(parts)
    codes = np.repeat(np.arange(len(CHANGE)), [part.num_rows for part in parts])
    files = pd.DataFrame(
        {
            "file_id": schema.text(whole["file_id"]),
            "file_name": schema.text(whole["file_name"]),
            "change": schema.categorical(codes, CHANGE),
            "status": schema.categorical(*schema.dictionary_of(whole["status"], schema.STATUSES)),
        }
    )
    added, changed, removed = (part.num_rows for part in parts)
    watermark = moment(sync.watermark)
    return SyncResult(
        number, added, changed, removed, made.unchanged, sync.full, watermark, sync.report_id, files, export.not_covered
    )


def moment(milliseconds: int) -> datetime:
    """Unix milliseconds as a time, UTC."""
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(milliseconds=milliseconds)
