"""Write the tables of an export as a folder of Parquet files, in plain Arrow types that every tool reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa

from labellerr_ds.core.disk import sha256_of
from labellerr_ds.core.json_text import json_text
from labellerr_ds.formats.parquet.manifest import INFO, RAW, SCHEMA, WORDS_KEY
from labellerr_ds.frames import schema
from labellerr_ds.frames.schema import Table
from labellerr_ds.frames.tables import TABLE_NAMES, Tables


def write_parquet(folder: Path, batches: Iterable[Tables], *, schemas: Mapping[Table, pa.Schema]) -> Path:
    """Write finished tables, batch after batch.

    Parameters
    ----------
    folder : Path
        Empty.
    batches : iterable of Tables
        Finished; the categories, the provenance and the header of a csv are those of the last one.
    schemas : mapping
        `stored_schema` of each table.

    Returns
    -------
    Path
        The folder.
    """
    import pyarrow.parquet as pq

    last, raws = None, 0
    with ExitStack() as opened:
        writers = {
            name: opened.enter_context(pq.ParquetWriter(folder / f"{name}.parquet", schemas[name], compression="zstd"))
            for name in TABLE_NAMES
        }
        raw: Any = None
        for batch in batches:
            for name in ("files", "annotations", "issues"):
                part = getattr(batch, name)
                if part.num_rows:
                    writers[name].write_table(part.cast(schemas[name]))
            if batch.raw is not None and batch.raw_header is not None:
                raw = raw or opened.enter_context(pq.ParquetWriter(folder / RAW, batch.raw.schema, compression="zstd"))
                raw.write_table(batch.raw)
                raws += 1
            last = batch
        if last is not None:
            writers["categories"].write_table(last.categories.cast(schemas["categories"]))
    header = None if last is None or not raws else last.raw_header
    info = {} if last is None else dict(last.info)
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    rows = {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in TABLE_NAMES}
    digests = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    manifest = {"schema": SCHEMA, "sizes": sizes, "rows": rows, "sha256": digests}
    text = json.dumps({"info": info, "raw_header": header, "manifest": manifest})
    (folder / INFO).write_text(text, encoding="utf-8")
    return folder


def stored_schema(name: Table, words: Mapping[str, Sequence[str]]) -> pa.Schema:
    """The schema of a table on disk, with the categories of its category columns: Parquet forgets unused ones.

    Parameters
    ----------
    words : mapping
        The categories by column; those of the columns with fixed ones may be left out.
    """
    fields = [pa.field(column.name, schema.ARROW[column.kind]) for column in schema.TABLES[name]]
    kinds = [column.name for column in schema.TABLES[name] if column.kind == "category"]
    known = {key: list(words.get(key, schema.FIXED_CATEGORIES.get(key, ()))) for key in kinds}
    return pa.schema(fields, metadata={WORDS_KEY: json_text(known)})


def words_of(tables: Tables, name: Table) -> dict[str, list[str]]:
    """The categories of the category columns of a finished table."""
    given = getattr(tables, name)
    columns = [column.name for column in schema.TABLES[name] if column.kind == "category"]
    return {column: schema.dictionary_of(given[column])[1] for column in columns}
