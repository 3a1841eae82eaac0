"""Dataset: the frames of one export, and where they came from."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
import pandas as pd

from labellerr_ds import schema
from labellerr_ds.errors import InvalidArgumentError, ReadError
from labellerr_ds.schema import Table

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_TABLE_NAMES: tuple[Table, ...] = ("files", "annotations", "categories", "issues")
_INFO = ("project_id", "project_name", "report_id", "format", "statuses", "since", "exported_at", "source")


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """The labels of one export.

    Attributes
    ----------
    files : DataFrame
        A row a file, files without annotations included.
    annotations : DataFrame
        A row an annotation.
    categories : DataFrame
        A row a class or question.
    issues : DataFrame
        A row a thing that was not understood or does not hold; empty where all went well.
    info : dict
        Where it came from; each frame has it too, as ``df.attrs["labellerr"]``.
    raw : DataFrame or None
        csv only: the table as it was read, all text.
    """

    files: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame
    issues: pd.DataFrame
    info: dict[str, Any] = field(default_factory=dict)
    raw: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        told = {key: self.info.get(key) for key in _INFO}
        rest = {key: value for key, value in self.info.items() if key not in told}
        info = {
            "schema_version": schema.SCHEMA_VERSION,
            "library_version": version("labellerr-ds"),
            **told,
            **rest,
        }
        object.__setattr__(self, "info", info)
        for name in _TABLE_NAMES:
            frame = getattr(self, name).copy(deep=False)
            frame.attrs = {"labellerr": info}
            object.__setattr__(self, name, frame)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        name = self.info.get("project_name") or self.info.get("source") or "dataset"
        told = f"{len(self.files):,} files, {len(self.annotations):,} annotations, {len(self.categories):,} categories"
        issues = f", {len(self.issues):,} issues" if len(self.issues) else ""
        return f"Dataset({name!r}: {told}{issues})"

    def _repr_html_(self) -> str:
        """A short table for notebooks; escaped, readable without styles, no request."""
        states = self.files["label_state"].value_counts(sort=False)
        types = self.annotations["type"].value_counts()
        classes = self.annotations["category"].value_counts()
        rows = [
            ("files", f"{len(self.files):,}", _counts(states)),
            ("annotations", f"{len(self.annotations):,}", _counts(types)),
            ("categories", f"{len(self.categories):,}", _counts(classes)),
            ("issues", f"{len(self.issues):,}", _counts(self.issues["code"].value_counts())),
        ]
        body = "".join(
            f"<tr><th>{name}</th><td>{count}</td><td>{html.escape(detail)}</td></tr>" for name, count, detail in rows
        )
        caption = [self.info[key] for key in ("project_name", "format", "source", "exported_at") if self.info.get(key)]
        return f"<table><caption>{html.escape(' · '.join(map(str, caption)))}</caption>{body}</table>"

    def to_frame(self, level: Literal["annotation", "file"] = "annotation") -> pd.DataFrame:
        """One frame: a row an annotation, or a row a file."""
        if level not in ("annotation", "file"):
            raise InvalidArgumentError(f"level must be 'annotation' or 'file', got {level!r}.")
        return self.annotations if level == "annotation" else self.files

    def to_coco(self) -> COCO:
        """A ready ``pycocotools.coco.COCO``, its index built, without a detour over the disk."""
        from labellerr_ds import coco

        return coco.to_coco(self.files, self.annotations, self.categories, self.info)

    def to_coco_json(self, path: str | Path) -> Path:
        """Write a COCO file; ids as they came, fields that the schema does not name included.

        Answers that are no shapes have no place in COCO; a warning counts them.
        """
        from labellerr_ds import coco

        return coco.write_coco_json(Path(path), self.files, self.annotations, self.categories, self.info)

    def to_parquet(self, folder: str | Path) -> Path:
        """Write the frames into a folder, in plain Arrow types that every tool reads.

        ``read_export(folder)`` gives equal frames back.
        """
        import pyarrow.parquet as pq

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in _TABLE_NAMES:
            pq.write_table(schema.plain(getattr(self, name), name), folder / f"{name}.parquet", compression="zstd")
        if self.raw is not None:
            columns = {str(place): pd.array(self.raw.iloc[:, place]) for place in range(self.raw.shape[1])}
            pd.DataFrame(columns).to_parquet(folder / "raw.parquet")
        header = None if self.raw is None else list(self.raw.columns)
        (folder / "info.json").write_text(json.dumps({"info": self.info, "raw_header": header}), encoding="utf-8")
        return folder


def _counts(counts: pd.Series) -> str:
    counts = counts[counts > 0]
    shown = [f"{label} {count:,}" for label, count in counts.head(8).items()]
    return ", ".join(shown) + (f", and {len(counts) - 8} more" if len(counts) > 8 else "")


def empty_dataset(categories: pd.DataFrame | None, info: dict[str, Any]) -> Dataset:
    """A Dataset of no files, with the right columns."""
    table = schema.empty("categories") if categories is None else categories
    return Dataset(schema.empty("files"), schema.empty("annotations"), table, schema.empty("issues"), info)


def is_parquet_folder(files: Mapping[str, Path]) -> bool:
    """Whether these files, by name, are what `Dataset.to_parquet` made."""
    return {"info.json", *(f"{name}.parquet" for name in _TABLE_NAMES)} <= set(files)


def read_parquet(source: str, files: Mapping[str, Path]) -> Dataset:
    """What `Dataset.to_parquet` wrote."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = json.loads(files["info.json"].read_text(encoding="utf-8"))
        frames = {name: schema.restore(pq.read_table(files[f"{name}.parquet"]), name) for name in _TABLE_NAMES}
        raw = None
        if told.get("raw_header") is not None:
            raw = pd.read_parquet(files["raw.parquet"]).astype(schema.TEXT)
            raw.columns = pd.Index(told["raw_header"], dtype=object)
    except (OSError, ValueError, KeyError, pa.ArrowException) as problem:
        raise ReadError(f"{source}: the Parquet files cannot be read: {problem}") from None
    return Dataset(**frames, info=told["info"], raw=raw)


T = TypeVar("T")


def concat(parts: Sequence[T]) -> T:
    """Frames or datasets together, their categories and provenance united.

    Parameters
    ----------
    parts : sequence of DataFrames of one table, or of Datasets

    Returns
    -------
    DataFrame or Dataset
        Rows in the order of the parts, with a plain RangeIndex; nothing is removed but categories
        that stand there already.

    Examples
    --------
    >>> from labellerr_ds import schema
    >>> concat([schema.empty("files"), schema.empty("files")]).shape
    (0, 14)
    """
    parts = list(parts)
    if not parts:
        raise InvalidArgumentError("nothing to put together: parts is empty.")
    if all(isinstance(part, pd.DataFrame) for part in parts):
        return cast(T, _concat_frames(parts))
    datasets = [part for part in parts if isinstance(part, Dataset)]
    if len(datasets) < len(parts):
        raise InvalidArgumentError("concat takes DataFrames or Datasets, not a mixture.")
    frames = {name: _concat_frames([getattr(part, name) for part in datasets]) for name in _TABLE_NAMES}
    frames["categories"] = frames["categories"].drop_duplicates(ignore_index=True)
    raws = [part.raw for part in datasets if part.raw is not None]
    same = len(raws) == len(datasets) and all(list(raw.columns) == list(raws[0].columns) for raw in raws)
    raw = None
    if same and raws:
        raw = pd.concat([each.set_axis(range(each.shape[1]), axis=1) for each in raws], ignore_index=True)
        raw.columns = raws[0].columns
    return cast(T, Dataset(**frames, info=_united([part.info for part in datasets]), raw=raw))


def _concat_frames(frames: list[pd.DataFrame]) -> pd.DataFrame:
    infos = [frame.attrs.get("labellerr", {}) for frame in frames]
    plain = []
    for frame in frames:
        bare = frame.copy(deep=False)
        bare.attrs = {}
        plain.append(bare)
    for name in frames[0].columns:
        columns = [frame[name] for frame in plain if name in frame]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
            words = list(dict.fromkeys(word for column in columns for word in column.cat.categories))
            for frame in plain:
                if name in frame:
                    codes = np.array([words.index(word) for word in frame[name].cat.categories] + [-1])
                    frame[name] = schema.categorical(codes[frame[name].cat.codes], words)
    joined = pd.concat(plain, ignore_index=True)
    joined.attrs = {"labellerr": _united(infos)}
    return joined


def _united(infos: list[dict[str, Any]]) -> dict[str, Any]:
    """What all agree on; where they differ, the list of what they say."""
    united: dict[str, Any] = {}
    for key in dict.fromkeys(key for info in infos for key in info):
        values = [info.get(key) for info in infos]
        united[key] = values[0] if all(value == values[0] for value in values) else values
    return united
