"""Read what `write` wrote: a folder of Parquet files."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.models import Source
from labellerr_ds.formats.parquet.manifest import INFO, RAW, WORDS_KEY, check_files
from labellerr_ds.frames import schema
from labellerr_ds.frames.schema import Table
from labellerr_ds.frames.tables import TABLE_NAMES, Tables, complete, dictionary


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
        check_files(stored.get("manifest"), paths, tables)
        header = stored["raw_header"]
        raw = None if header is None else pq.read_table(paths[RAW])
        return Tables(**tables, info=stored["info"], raw=raw, raw_header=None if header is None else tuple(header))
    except (OSError, ValueError, KeyError, pa.ArrowException) as problem:
        raise ReadError(f"{source.name}: the Parquet files cannot be read: {problem}") from None


def _restored(stored: pa.Table, name: Table) -> pa.Table:
    known = json.loads((stored.schema.metadata or {}).get(WORDS_KEY, b"{}"))
    for column in schema.TABLES[name]:
        if column.kind != "category" or column.name not in stored.column_names:
            continue
        values = stored[column.name].cast(pa.large_string())
        words = known.get(column.name) or pc.unique(values.drop_null()).to_pylist()
        places = pc.index_in(values, pa.array(words, pa.large_string())).fill_null(-1)
        at = stored.column_names.index(column.name)
        stored = stored.set_column(at, column.name, dictionary(places.to_numpy(), words))
    return complete(name, stored.replace_schema_metadata(None))
