"""The tables of an export as a folder of Parquet files, in plain Arrow types that every tool reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.models import Source
from labellerr_ds.frames import schema
from labellerr_ds.frames.schema import Table
from labellerr_ds.frames.tables import TABLE_NAMES, Tables, complete, dictionary

INFO, RAW = "info.json", "raw.parquet"
SCHEMA = 1  # of the folder
PIECE_BYTES = 1 << 20
_WORDS = b"labellerr_categories"


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
    digests = {path.name: _digest(path) for path in sorted(folder.iterdir())}
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
    return pa.schema(fields, metadata={_WORDS: schema.json_text(known)})


def words_of(tables: Tables, name: Table) -> dict[str, list[str]]:
    """The categories of the category columns of a finished table."""
    given = getattr(tables, name)
    columns = [column.name for column in schema.TABLES[name] if column.kind == "category"]
    return {column: schema.dictionary_of(given[column])[1] for column in columns}


def is_parquet(paths: Mapping[str, Path]) -> bool:
    """Whether these files, by name, are what `write_parquet` made."""
    return {INFO, *(f"{name}.parquet" for name in TABLE_NAMES)} <= set(paths)


def read_parquet(source: Source) -> Tables:
    """What `write_parquet` wrote.

    Raises
    ------
    ReadError
        Where a file of it is damaged or missing.
    """
    import pyarrow.parquet as pq

    paths = source.paths
    try:
        stored = json.loads(paths[INFO].read_text(encoding="utf-8"))
        tables = {str(name): _restored(pq.read_table(paths[f"{name}.parquet"]), name) for name in TABLE_NAMES}
        _check(stored.get("manifest"), paths, tables)
        header = stored["raw_header"]
        raw = None if header is None else pq.read_table(paths[RAW])
        return Tables(**tables, info=stored["info"], raw=raw, raw_header=None if header is None else tuple(header))
    except (OSError, ValueError, KeyError, pa.ArrowException) as problem:
        raise ReadError(f"{source.name}: the Parquet files cannot be read: {problem}") from None


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _check(manifest: Any, paths: Mapping[str, Path], tables: Mapping[str, pa.Table]) -> None:
    """Refuse files that are not those that were written together; a folder without a manifest is an older one."""
    if manifest is None:
        return
    if manifest["schema"] > SCHEMA:
        raise ValueError(f"it was written by a later version, with schema {manifest['schema']}: update labellerr_ds")
    for name, size in manifest["sizes"].items():
        if (actual := paths[name].stat().st_size) != size:
            raise ValueError(f"{name} has {actual:,} bytes, {size:,} were written: it is not the file of this dataset")
    for name, digest in manifest.get("sha256", {}).items():
        if _digest(paths[name]) != digest:
            raise ValueError(f"{name}: checksum mismatch, it is not the file of this dataset")
    for name, rows in manifest["rows"].items():
        if tables[name].num_rows != rows:
            raise ValueError(f"{name} has {tables[name].num_rows:,} rows, {rows:,} were written")


def _restored(stored: pa.Table, name: Table) -> pa.Table:
    known = json.loads((stored.schema.metadata or {}).get(_WORDS, b"{}"))
    for column in schema.TABLES[name]:
        if column.kind != "category" or column.name not in stored.column_names:
            continue
        values = stored[column.name].cast(pa.large_string())
        words = known.get(column.name) or pc.unique(values.drop_null()).to_pylist()
        places = pc.index_in(values, pa.array(words, pa.large_string())).fill_null(-1)
        at = stored.column_names.index(column.name)
        stored = stored.set_column(at, column.name, dictionary(places.to_numpy(), words))
    return complete(name, stored.replace_schema_metadata(None))
