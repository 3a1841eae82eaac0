"""What a command reads: exports, folders of other tools, mirrors, and frames of `export --out`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from labellerr_ds.api.foreign import read_voc, read_yolo
from labellerr_ds.api.read import read_export
from labellerr_ds.core.errors import ReadError
from labellerr_ds.dataset.dataset import Dataset
from labellerr_ds.formats.recognise import is_frame


def read_labels(path: str) -> Dataset:
    """The labels in a file or folder, whoever wrote them."""
    if not path.lower().startswith("s3:") and (Path(path) / "_delta_log").is_dir():
        from labellerr_ds.mirror.mirror import Mirror

        return Mirror(path).dataset()
    try:
        return read_export(path)
    except ReadError as problem:
        if problem.reader is None:
            raise
        return {"yolo": read_yolo, "voc": read_voc}[problem.reader](path)


def read_own_frame(file: str) -> pd.DataFrame | None:
    """The frame that `export --out` wrote to this file; None for anything else."""
    path = Path(file)
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""]),
        ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
        ".json": lambda path: pd.read_json(path, dtype=False),
    }
    if path.suffix.lower() not in readers or not path.is_file() or not (is_frame(path) or _is_split(path)):
        return None
    try:
        frame = readers[path.suffix.lower()](path)
    except (ValueError, OSError) as problem:
        raise ReadError(f"{file}: {problem}.", hint="write it again") from None
    return frame.labellerr.from_safe() if path.suffix.lower() == ".csv" else frame


def _is_split(path: Path) -> bool:
    """Whether a table is what `split` wrote."""
    if path.suffix.lower() != ".csv":
        return False
    with path.open("rb") as file:
        return file.readline().startswith(b"file_id,file_name,split,")
