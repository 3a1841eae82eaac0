"""Split: a dataset in parts for training, validation and test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from labellerr_ds.analysis.splits import balance, leaks
from labellerr_ds.card import card
from labellerr_ds.errors import InvalidArgumentError

if TYPE_CHECKING:
    from labellerr_ds.dataset import Dataset


@dataclass(frozen=True, repr=False, eq=False)
class Split:
    """A dataset in parts; ``train, val, test = split`` are Datasets, ``split["val"]`` is one.

    Attributes
    ----------
    dataset : Dataset
        The whole.
    files : DataFrame
        A row a file: `file_id`, `file_name`, `split`, `group`. Keep it (``split.save(path)``), and pass it as
        ``previous=`` when more files came.
    """

    dataset: Dataset
    files: pd.DataFrame

    def __iter__(self) -> Iterator[Dataset]:
        return (self[name] for name in self.files["split"].cat.categories)

    def __getitem__(self, name: str) -> Dataset:
        if name not in self.files["split"].cat.categories:
            raise InvalidArgumentError(
                f"unknown split {name!r}; expected one of {', '.join(self.files['split'].cat.categories)}."
            )
        mine = self.files.loc[self.files["split"] == name, "file_id"]
        return self.dataset.where(self.dataset.files["file_id"].isin(mine).to_numpy(dtype=bool))

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
        return balance(self.files, self.dataset.annotations)
