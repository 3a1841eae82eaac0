"""Classes merged, renamed and dropped, and what follows from it for files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.hint import nearest
from labellerr_ds.frames import schema


class Remapped(NamedTuple):
    """Frames with other classes.

    Attributes
    ----------
    files, annotations, categories : DataFrame
    kept : (N,) bool
        Which annotations stayed.
    renamed : dict
        By class what it has become, None where it was dropped, and how many annotations that were.
    """

    files: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame
    kept: NDArray[np.bool_]
    renamed: dict[str, dict[str, Any]]


def remap(
    files: pd.DataFrame, annotations: pd.DataFrame, categories: pd.DataFrame, classes: Mapping[str, str | None]
) -> Remapped:
    """See `Dataset.remap`."""
    counts = annotations["category"].astype(object).value_counts()
    known = [str(name) for name in dict.fromkeys([*categories["name"].dropna(), *counts.index])]
    for name, new in classes.items():
        if name not in known:
            there = ", ".join(known) or "none"
            raise InvalidArgumentError(f"unknown class {name!r}; there are {there}.", hint=nearest(name, known))
        if new is not None and (not isinstance(new, str) or not new.strip()):
            raise InvalidArgumentError(f"the new name of {name!r} must be a str, or None to drop it; got {new!r}.")
    dropped = {name for name, new in classes.items() if new is None}
    kept = ~_gone(annotations, dropped)
    rows = renamed_rows(annotations[kept], classes)
    table = categories[~categories["name"].isin(dropped).to_numpy(dtype=bool)].reset_index(drop=True)
    table["name"] = schema.text([None if pd.isna(name) else classes.get(name) or name for name in table["name"]])
    renamed = {name: {"to": new, "annotations": int(counts.get(name, 0))} for name, new in classes.items()}
    return Remapped(_counted(files, rows), rows, table, kept, renamed)


def renamed_rows(annotations: pd.DataFrame, classes: Mapping[str, str | None]) -> pd.DataFrame:
    """Annotations under the new names of their classes, without those of classes that are dropped."""
    dropped = {name for name, new in classes.items() if new is None}
    gone = np.array(annotations["category"].astype(object).isin(dropped), dtype=bool)
    rows = annotations[~gone].reset_index(drop=True)
    column = rows["category"].astype("category")
    words = [str(word) for word in column.cat.categories]
    new_words = list(dict.fromkeys(str(classes.get(word) or word) for word in words if word not in dropped))
    places = np.array([*(-1 if word in dropped else new_words.index(classes.get(word) or word) for word in words), -1])
    return rows.assign(category=schema.categorical(places[column.cat.codes.to_numpy()], new_words))


def _gone(annotations: pd.DataFrame, dropped: set[str]) -> NDArray[np.bool_]:
    """Annotations of these classes, and the answers about their objects."""
    gone: NDArray[np.bool_] = np.array(annotations["category"].astype(object).isin(dropped), dtype=bool)
    while True:
        ids = set(annotations.loc[gone, "annotation_id"].dropna())
        also = annotations["parent_id"].isin(ids).to_numpy(dtype=bool) & ~gone
        if not also.any():
            return gone
        gone = gone | also


def _counted(files: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """Files with their counts and label states anew; a state that was not known stays so."""
    sizes = annotations["file_id"].value_counts()
    counts = files["file_id"].map(sizes).fillna(0).to_numpy(dtype=np.int64)
    status = files["status"].astype("category").cat
    is_known = files["label_state"].notna().to_numpy(dtype=bool)
    words = [str(word) for word in status.categories]
    states = schema.label_states(status.codes.to_numpy(), words, counts, found_empty=is_known)
    states = np.where(is_known, states, -1)
    return files.assign(annotation_count=counts, label_state=schema.categorical(states, schema.LABEL_STATES))
