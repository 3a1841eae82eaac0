"""Batches of tables on disk while the whole of an export is looked at: a sequence that holds none of them."""

from __future__ import annotations

import pickle
import shutil
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import pyarrow as pa

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.hint import call
from labellerr_ds.core.temp_names import scratch
from labellerr_ds.frames.tables import TABLE_NAMES, Tables

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
_ARROW = (*TABLE_NAMES, "raw")


class Spool(Sequence[Tables]):
    """Batches in a temporary folder, which goes with the object.

    Parameters
    ----------
    batches : iterable of Tables
    """

    def __init__(self, batches: Iterator[Tables]) -> None:
        self._folder = scratch("scan")
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._rests: list[bytes] = []  # what is no table, of each batch
        for batch in batches:
            self._write(batch, len(self._rests))

    def close(self) -> None:
        """Remove the folder."""
        self._remove()

    def _path(self, number: int, name: str) -> Path:
        return self._folder / f"{number:06}-{name}.arrow"

    def _write(self, batch: Tables, number: int) -> None:
        for name in _ARROW:
            part = getattr(batch, name)
            if part is None or (not part.num_rows and not part.num_columns):
                continue
            with (
                pa.OSFile(str(self._path(number, name)), "wb") as out,
                pa.ipc.new_file(out, part.schema, options=_OPTIONS) as writer,
            ):
                writer.write_table(part)
        nothing = pa.table({})
        rest = replace(batch, **dict.fromkeys(TABLE_NAMES, nothing), raw=None)
        self._rests.append(pickle.dumps(rest))

    def _read(self, number: int) -> Tables:
        if not self._remove.alive:
            raise InvalidArgumentError("the scan is closed.", hint=call("lds.scan_export(path)"))
        tables: dict[str, Any] = {}
        for name in _ARROW:
            path = self._path(number, name)
            if path.exists():
                with pa.OSFile(str(path), "rb") as file:
                    tables[name] = pa.ipc.open_file(file).read_all()
        rest: Tables = pickle.loads(self._rests[number])
        return replace(rest, **tables)

    def __len__(self) -> int:
        return len(self._rests)

    @overload
    def __getitem__(self, number: int) -> Tables: ...
    @overload
    def __getitem__(self, number: slice) -> list[Tables]: ...
    def __getitem__(self, number: int | slice) -> Tables | list[Tables]:
        if isinstance(number, slice):
            return [self._read(each) for each in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return self._read(number % len(self))
