"""Split: a dataset in parts for training, validation and test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labellerr_ds.analysis.splits import balance, leaks
from labellerr_ds.core.card import card
from labellerr_ds.core.errors import InvalidArgumentError

DatasetT = TypeVar("DatasetT", covariant=True)


@dataclass(frozen=True, repr=False, eq=False)
class Split(Generic[DatasetT]):
    """A dataset in parts; ``train, val, test = split`` are Datasets, ``split["val"]`` is one.

    `Dataset.split` makes it.

    Attributes
    ----------
    files : DataFrame
        One row per file: `file_id`, `file_name`, `split`, `group`. Keep it (``split.save(path)``), and pass it as
        ``previous=`` when more files came.
    """

    files: pd.DataFrame
    _annotations: pd.DataFrame
    _select: Callable[[NDArray[np.object_]], DatasetT]

    def __iter__(self) -> Iterator[DatasetT]:
        return (self[name] for name in self.files["split"].cat.categories)

    def __getitem__(self, name: str) -> DatasetT:
        if name not in self.files["split"].cat.categories:
            raise InvalidArgumentError(
                f"unknown split {name!r}; expected one of {', '.join(self.files['split'].cat.categories)}."
            )
        return self._select(self.files.loc[self.files["split"] == name, "file_id"].to_numpy(dtype=object))

    def __repr__(self) -> str:
        counts = self.files["split"].value_counts(sort=False)
        total = max(len(self.files), 1)
        return f"Split({', '.join(f'{name} {count:,} ({count / total:.0%})' for name, count in counts.items())})"

    def _repr_html_(self) -> str:
        total = max(len(self.files), 1)
        parts = self.files["split"].value_counts(sort=False).items()
        rows = [(str(name), f"{count:,} files ({count / total:.0%})") for name, count in parts]
        torn = len(self.leaks)
        rows.append(("leaks", f"{torn:,} groups or names are in two parts: split.leaks" if torn else ""))
        return card("Split", rows, then="train, val, test = split")

    def save(self, path: str | Path) -> Path:
        """Write `files` as .csv or .parquet."""
        path = Path(path)
        if path.suffix not in (".csv", ".parquet"):
            raise InvalidArgumentError(f"path must end in .csv or .parquet, got {path.name!r}.")
        self.files.to_parquet(path) if path.suffix == ".parquet" else self.files.to_csv(path, index=False)
        return path

    @property
    def leaks(self) -> pd.DataFrame:
        """What stands in several splits: groups that an earlier split tore, and names that several files share."""
        return leaks(self.files)

    @property
    def balance(self) -> pd.DataFrame:
        """How each class fell out: a row a class, for each split its files, annotations and share."""
        return balance(self.files, self._annotations)
