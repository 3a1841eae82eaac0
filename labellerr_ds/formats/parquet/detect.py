"""Which folders are Datasets in Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labellerr_ds.formats.parquet.manifest import INFO
from labellerr_ds.frames.tables import TABLE_NAMES


def is_parquet(paths: Mapping[str, Path]) -> bool:
    """Return True if these files, by name, are what `write_parquet` made."""
    return {INFO, *(f"{name}.parquet" for name in TABLE_NAMES)} <= set(paths)
