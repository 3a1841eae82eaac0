"""Ids of files, categories and annotations: COCO's numbers, suffixes that separate them, and repeats."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NUMBERS = frozenset({"coco_id", "coco_image_id"})
"""Columns that hold within their own file only."""
SUFFIXED = "^-?[0-9]+-[0-9]+$"
"""Pattern of ids that look like a number of COCO with a suffix."""


def is_number(row_id: str | None, coco_id: int | None) -> bool:
    """Whether an id is a number of COCO, with or without the suffix that keeps it apart from another file's.

    Examples
    --------
    >>> is_number("7", 7), is_number("7-2", 7), is_number("a7", 7), is_number("7", None)
    (True, True, False, False)
    """
    if row_id is None or coco_id is None:
        return False
    number, _, suffix = row_id.partition("-") if coco_id >= 0 else (row_id, "", "")
    return number == str(coco_id) and (suffix == "" or suffix.isdigit())


def add_suffix(row_id: str, taken: set[str]) -> str:
    """Return the id with the first suffix that makes it unique, and add it to `taken`."""
    count = 2
    while (candidate := f"{row_id}-{count}") in taken:
        count += 1
    taken.add(candidate)
    return candidate


def has_repeats(ids: pa.ChunkedArray) -> bool:
    """Whether an id, missing ones left out, is there more than once."""
    return bool(pc.count_distinct(ids, mode="only_valid").as_py() < len(ids) - ids.null_count)


def codes_of(values: pa.ChunkedArray) -> Ints:
    """A number for each value, by the order in which they come; -1 for a missing one."""
    coded = values.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    codes: Ints = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes
