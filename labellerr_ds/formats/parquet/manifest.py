"""Which files a folder of Parquet has, and what is known of each: names, sizes, rows and checksums."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from labellerr_ds.core.disk import sha256_of

INFO, RAW = "info.json", "raw.parquet"
SCHEMA = 1  # of the folder
WORDS_KEY = b"labellerr_categories"
"""Key of a file's metadata: the categories of its category columns."""


def check_files(manifest: Any, paths: Mapping[str, Path], tables: Mapping[str, pa.Table]) -> None:
    """Refuse files that are not those that were written together; a folder without a manifest is an older one."""
    if manifest is None:
        return
    if manifest["schema"] > SCHEMA:
        raise ValueError(f"it was written by a later version, with schema {manifest['schema']}: update labellerr_ds")
    for name, size in manifest["sizes"].items():
        if (actual := paths[name].stat().st_size) != size:
            raise ValueError(f"{name} has {actual:,} bytes, {size:,} were written: it is not the file of this dataset")
    for name, digest in manifest.get("sha256", {}).items():
        if sha256_of(paths[name]) != digest:
            raise ValueError(f"{name}: checksum mismatch, it is not the file of this dataset")
    for name, rows in manifest["rows"].items():
        if tables[name].num_rows != rows:
            raise ValueError(f"{name} has {tables[name].num_rows:,} rows, {rows:,} were written")
