"""Hashes of ids and of rows: what is repeated is found by them, without the texts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from labellerr_ds.frames.merge.ids import NUMBERS

Hashes = NDArray[np.uint64]
_OFFSET, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


def hashes(ids: pa.ChunkedArray) -> NDArray[np.uint64]:
    """64 bits for each id, the same in every process; a missing one counts as ``""``.

    FNV-1a over words of 8 bytes, all ids of one length at once.
    """
    array = pa.chunked_array([ids]).combine_chunks() if isinstance(ids, pa.Array) else ids.combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    array = array.fill_null("")
    total = np.full(len(array), _OFFSET, dtype=np.uint64)
    if not len(array):
        return total
    _, offsets_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)
    lengths = np.diff(offsets)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        padded = np.zeros((len(rows), 8 * (length // 8 + 1)), dtype=np.uint8)
        padded[:, :length] = data[offsets[rows][:, None] + np.arange(length)]
        own = np.full(len(rows), _OFFSET, dtype=np.uint64)
        for word in padded.view(np.uint64).T:
            own = (own ^ word) * _PRIME
            own ^= own >> np.uint64(29)
        total[rows] = own
    return total


def row_hashes(rows: pa.Table) -> NDArray[np.uint64]:
    """64 bits for everything that a row says, its id and the numbers of its own file left out."""
    total = np.zeros(rows.num_rows, dtype=np.uint64)
    for name in sorted(rows.column_names):
        if name in NUMBERS or name in ("annotation_id", "file_row"):
            continue
        column = rows[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.large_string())
        if pa.types.is_floating(column.type):
            column = column.fill_null(float("nan"))
        frame = column.to_pandas()
        if frame.dtype == bool or frame.dtype == object:
            frame = frame.map(lambda value: "" if value is None else f"={value}").astype(object)
        total = total * np.uint64(1_000_003) + pd.util.hash_array(frame.to_numpy())
    return total


def is_repeated(repeated: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which of these hashes are among the repeated ones."""
    if not len(repeated):
        return np.zeros(len(hashes), dtype=bool)
    place = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
    return np.asarray(repeated[place] == hashes)


def repeated_hashes(batches: Iterable[Hashes]) -> NDArray[np.uint64]:
    """Those that are there more than once, sorted."""
    every = list(batches)
    if not every:
        return np.array([], dtype=np.uint64)
    together = np.concatenate(every)
    together.sort()
    again = together[1:] == together[:-1]
    return together[1:][again & ~np.append(False, again[:-1])] if len(together) > 1 else together[:0]
