"""Ids for annotations that come without one: their file, their category, and a position counted over the whole export.

It is done on columns, since an export of millions of annotations may have no ids at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.frames.tables import Tables

Ints = NDArray[np.int64]
_CATEGORY_BITS = 24
_NO_FILE = "unknown"


def id_prefix(file_id: str | None, row: int) -> str:
    """What the made ids of a file begin with: its id, else its row."""
    if row < 0:
        return _NO_FILE
    return f"row-{row}" if file_id is None else file_id


def missing_positions(
    batches: Sequence[Tables],
    without_id: Sequence[bool],
    files_of: Callable[[Tables], Ints],
    category_ids: Mapping[int, Mapping[str, str]],
) -> dict[int, Ints]:
    """The position of each row among those of its file and category, of the batches that have rows without an id.

    Parameters
    ----------
    batches : sequence of Tables
    without_id : by batch
    files_of : callable
        The rows of the finished files for the annotations of a batch, -1 for none.
    category_ids : by part
        New ids of categories by those they came with.
    """
    if not any(without_id):
        return {}
    places: dict[str | None, int] = {}
    keys: list[Ints] = []
    for batch in batches:
        codes, words = _coded(batch.annotations)
        renamed = category_ids.get(batch.part, {})
        own = [places.setdefault(word and renamed.get(word, word), len(places)) for word in words]
        keys.append(((files_of(batch) + 1) << _CATEGORY_BITS) + np.array([*own, 0], dtype=np.int64)[codes])
    together = pd.Series(np.concatenate(keys))
    positions = together.groupby(together, sort=False).cumcount().to_numpy()
    starts = np.cumsum([0, *map(len, keys)])
    return {number: positions[starts[number] : starts[number + 1]] for number, lacks in enumerate(without_id) if lacks}


def _coded(annotations: pa.Table) -> tuple[Ints, list[Any]]:
    if "category_id" not in annotations.column_names or not annotations.num_rows:
        return np.zeros(annotations.num_rows, dtype=np.int64), [None]
    coded = annotations["category_id"].combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    words = [*coded.dictionary.to_pylist(), None]
    return coded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False).astype(np.int64), words


def filled_ids(
    annotations: pa.Table, file_ids: pa.ChunkedArray, files: Ints, positions: Ints, numbers: Ints | None
) -> pa.ChunkedArray:
    """The ids of annotations, those that were missing made of their positions.

    Parameters
    ----------
    annotations : pyarrow.Table
    file_ids : pyarrow.ChunkedArray
    files : (N,) integers
        The file of each annotation, -1 for none.
    positions : (N,) integers
    numbers : integers, optional
        What the files without an id are called by; their rows where none are given.
    """
    homes = file_ids.take(pa.array(files, mask=files < 0))
    rows = np.flatnonzero(homes.is_null().to_numpy())
    if len(rows):
        texts = homes.to_pylist()
        for row in rows:
            file = int(files[row])
            texts[row] = id_prefix(None, file if numbers is None or file < 0 else int(numbers[file]))
        homes = pa.chunked_array([pa.array(texts, pa.large_string())])
    text = pa.large_string()
    category = annotations["category_id"].fill_null("None")
    made = pc.binary_join_element_wise(homes, category, pa.array(positions).cast(text), pa.scalar("/", text))
    own = annotations["annotation_id"] if "annotation_id" in annotations.column_names else None
    return made if own is None else pc.coalesce(own, made)
