"""The frames of a dataset as a folder of Parquet files, in plain Arrow types that every tool reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pandas as pd

from labellerr_ds import schema
from labellerr_ds.errors import ReadError
from labellerr_ds.schema import Table

TABLE_NAMES: tuple[Table, ...] = ("files", "annotations", "categories", "issues")


def write_parquet(
    folder: Path, frames: Mapping[str, pd.DataFrame], info: dict[str, Any], raw: pd.DataFrame | None
) -> Path:
    """Write the frames; returns the folder."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLE_NAMES:
        pq.write_table(schema.plain(frames[name], name), folder / f"{name}.parquet", compression="zstd")
    if raw is not None:
        columns = {str(place): pd.array(raw.iloc[:, place]) for place in range(raw.shape[1])}
        pd.DataFrame(columns).to_parquet(folder / "raw.parquet")
    header = None if raw is None else list(raw.columns)
    (folder / "info.json").write_text(json.dumps({"info": info, "raw_header": header}), encoding="utf-8")
    return folder


def is_parquet(files: Mapping[str, Path]) -> bool:
    """Whether these files, by name, are what `write_parquet` made."""
    return {"info.json", *(f"{name}.parquet" for name in TABLE_NAMES)} <= set(files)


def read_parquet(source: str, files: Mapping[str, Path]) -> dict[str, Any]:
    """What `write_parquet` wrote: the frames by name, `info` and `raw`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = json.loads(files["info.json"].read_text(encoding="utf-8"))
        frames: dict[str, Any]
        frames = {name: schema.restore(pq.read_table(files[f"{name}.parquet"]), name) for name in TABLE_NAMES}
        raw = None
        if told.get("raw_header") is not None:
            raw = pd.read_parquet(files["raw.parquet"]).astype(schema.TEXT)
            raw.columns = pd.Index(told["raw_header"], dtype=object)
    except (OSError, ValueError, KeyError, pa.ArrowException) as problem:
        raise ReadError(f"{source}: the Parquet files cannot be read: {problem}") from None
    return {**frames, "info": cast(dict[str, Any], told["info"]), "raw": raw}
