"""Rows that the processes of a cluster make: each writes those of a partition, and returns what decides about them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.hint import call
from labellerr_ds.distributed.partition import whole_files
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.mirror.merge import OWN_KEYS, Part, Rows
from labellerr_ds.mirror.rows import SCHEMA, rows_of


class RowFile(NamedTuple):
    """A file of rows.

    Attributes
    ----------
    name : str
        In the folder.
    size : int
        Bytes.
    keys : pyarrow.Table
        Of each row the columns `OWN_KEYS`.
    """

    name: str
    size: int
    keys: pa.Table


def stage_rows(partition: str, exported_at: int) -> RowFile:
    """In a process of the cluster: the rows of the files whose home is a partition, beside it.

    Parameters
    ----------
    partition : str
        As `united` made it, with the last record of a file as its home.
    exported_at : int
        When the export was created, Unix milliseconds.
    """
    folder, _ = SharedFolder.of(partition)
    name = f"{PurePath(partition).stem}-rows.parquet"
    rows = rows_of(whole_files(partition), exported_at)
    with folder.writing(name) as path:
        pq.write_table(rows, path, compression="zstd")
        size = path.stat().st_size
    return RowFile(name, size, rows.select(OWN_KEYS))


def staged_rows(folder: SharedFolder, files: Sequence[RowFile]) -> Rows:
    """The rows of all files, which are read when they are asked for."""
    keys = pa.concat_tables([SCHEMA.empty_table().select(OWN_KEYS), *(file.keys for file in files)])
    return Rows(keys, [Part(file.keys.num_rows, file.size, partial(_read, folder, file.name)) for file in files])


def _read(folder: SharedFolder, name: str) -> pa.Table:
    with folder.reading([name]) as (path,):
        try:
            return pq.read_table(path, schema=SCHEMA)
        except pa.ArrowException as problem:
            raise ReadError(
                f"{folder.path_of(name)!r} is damaged: {problem}.", hint=call("mirror.sync(project)")
            ) from None
