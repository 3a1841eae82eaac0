"""An export in batches, for what does not fit into memory."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pyarrow as pa

from labellerr_ds.core.atomic import folder_at, refuse
from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.gc import collector_off
from labellerr_ds.core.hint import call
from labellerr_ds.core.models import Source
from labellerr_ds.dataset.dataset import Dataset, ImageSource, dataset_of_tables
from labellerr_ds.dataset.spill import Spool
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.parquet.detect import is_parquet
from labellerr_ds.formats.parquet.write import stored_schema, write_parquet
from labellerr_ds.formats.read import read_batches
from labellerr_ds.frames import schema
from labellerr_ds.frames.merge import Plan, all_issues, apply, plan_merge, report
from labellerr_ds.frames.schema import Table
from labellerr_ds.frames.tables import TABLE_NAMES, Tables, empty, joined

ROW_GROUP_ROWS = 100_000


class ExportScan:
    """An export in batches; what each says is what it says in the whole.

    The first use reads the export once, batch by batch, into a temporary folder of about half its size; every
    batch then gets what only the whole export gives (counts, label states, ids, issues), so that the parts together are
    what `read_export` gives. In memory are a few batches, some hundred bytes a file, and a few bytes an annotation.

    `labellerr_ds.scan_export` makes it. ``for part in scan`` gives Datasets; of a coco_json the files come first,
    and annotations after them. It is a context manager too, which removes the temporary folder at its end; else
    that goes with the object.
    """

    def __init__(
        self, source: Source, options: ReadOptions, *, strict: bool, kept: ExitStack, image_source: ImageSource | None
    ) -> None:
        self._source, self._options, self._strict = source, options, strict
        self._release = weakref.finalize(self, kept.close)
        self._image_source = image_source
        self._spool: Spool | None = None
        self._plan: Plan | None = None

    def __repr__(self) -> str:
        return f"ExportScan({self._source.name!r})"

    def __enter__(self) -> ExportScan:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was written to disk."""
        if self._spool is not None:
            self._spool.close()
        self._release()

    def __iter__(self) -> Iterator[Dataset]:
        """Datasets, each of some thousand rows; those of one iteration together are the export."""
        for tables in self._batches():
            if tables.files.num_rows or tables.annotations.num_rows or tables.issues.num_rows:
                yield dataset_of_tables(tables, image_source=self._image_source)

    def to_parquet(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write a folder as `Dataset.to_parquet` does, without ever holding the whole; `read_export` reads it.

        Parameters
        ----------
        folder : path
        overwrite : bool
            Replace what is there, wholly; it stays as it is until the new one is whole.

        Returns
        -------
        Path

        Examples
        --------
        >>> import json, pathlib, tempfile
        >>> from labellerr_ds import read_export, scan_export
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> file = {"file_id": "f1", "file_name": "a.jpg", "latest_answer": []}
        >>> _ = (folder / "export.json").write_text(json.dumps([file]))
        >>> len(read_export(scan_export(folder / "export.json").to_parquet(folder / "labels")))
        1
        """
        refuse(Path(folder), overwrite=overwrite)
        whole, _ = self._look()
        schemas = {name: stored_schema(name, self._words(whole, name)) for name in TABLE_NAMES}
        nothing = {str(name): empty(name) for name in TABLE_NAMES}
        info = dataset_of_tables(Tables(**nothing, info=whole.info)).info
        batches = (replace(batch, info=info) for batch in _grown(self._batches()))
        with folder_at(folder, overwrite=overwrite) as made:
            write_parquet(made, batches, schemas=schemas)
        return Path(folder)

    def reader(self, table: Literal["annotations", "files"] = "annotations") -> pa.RecordBatchReader:
        """The rows as Arrow record batches, for duckdb, polars and other tools; shapes are JSON text.

        Parameters
        ----------
        table : {'annotations', 'files'}

        Returns
        -------
        pyarrow.RecordBatchReader

        Examples
        --------
        >>> import json, pathlib, tempfile
        >>> from labellerr_ds import scan_export
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "export.json"
        >>> file = {"file_id": "f1", "file_name": "a.jpg", "file_status": "accepted", "latest_answer": []}
        >>> _ = path.write_text(json.dumps([file]))
        >>> scan_export(path).reader("files").read_all()["label_state"].to_pylist()
        ['negative']
        """
        if table not in ("annotations", "files"):
            raise InvalidArgumentError(f"table must be 'annotations' or 'files', got {table!r}.")
        name: Table = table
        whole, _ = self._look()
        stored = stored_schema(name, self._words(whole, name))
        batches = (batch for tables in self._batches() for batch in getattr(tables, name).cast(stored).to_batches())
        return pa.RecordBatchReader.from_batches(stored, batches)

    def _look(self) -> tuple[Plan, Spool]:
        """What the whole says, and the batches; the export is read at the first use, and reported on."""
        if not self._release.alive:
            raise InvalidArgumentError("the scan is closed.", hint=call("lds.scan_export(path)"))
        if self._plan is None or self._spool is None:
            if is_parquet(self._source.paths):
                raise InvalidArgumentError(
                    f"{self._source.name} holds Parquet files already.",
                    hint="read them in batches with duckdb, polars or pyarrow",
                )
            with collector_off():
                spool = self._spool = Spool(read_batches(self._source, self._options))
                whole = plan_merge(spool)
            parts = [apply(whole, batch, number).issues for number, batch in enumerate(spool) if batch.issues.num_rows]
            issues = all_issues([*parts, whole.issues])
            report(issues, whole.unknown_keys, source=self._source.name, strict=self._strict)
            self._plan = whole
        return self._plan, self._spool

    def _batches(self) -> Iterator[Tables]:
        """The finished batches; what only the whole shows is among the issues of the last."""
        whole, spool = self._look()
        for number, batch in enumerate(spool):
            done = apply(whole, batch, number)
            if number == len(spool) - 1:
                done = replace(done, issues=joined("issues", [done.issues, whole.issues]))
            yield done

    @staticmethod
    def _words(whole: Plan, name: Table) -> dict[str, list[str]]:
        """The categories of the category columns, in their order."""
        statuses = schema.dictionary_of(whole.files["status"], schema.STATUSES)[1]
        names = list(dict.fromkeys(word for word in whole.categories["name"].to_pylist() if word is not None))
        return {"status": statuses, "category": names} if name in ("files", "annotations") else {}


def _grown(batches: Iterator[Tables]) -> Iterator[Tables]:
    """Batches put together until they make a row group."""
    held: list[Tables] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.annotations.num_rows + batch.files.num_rows
        if rows >= ROW_GROUP_ROWS or batch.raw is not None:
            yield _together(held)
            held, rows = [], 0
    if held:
        yield _together(held)


def _together(batches: list[Tables]) -> Tables:
    last = batches[-1]
    tables = {str(name): joined(name, [getattr(each, name) for each in batches]) for name in TABLE_NAMES}
    return replace(last, **{**tables, "categories": last.categories})
