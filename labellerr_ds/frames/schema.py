"""The frames: columns, dtypes, units, states, and the one builder that guarantees them.

Every frame of the package is built here, so that it has the same columns in the same order and of
the same dtypes whatever came, for no rows too, on pandas 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from labellerr_ds.core.models import FileStatus
from labellerr_ds.shapes.segmentation import SegmentationArray, SegmentationDtype

SCHEMA_VERSION = 2
"""Raised if the columns change, or if the same export is read differently."""

TEXT = pd.StringDtype("pyarrow", na_value=np.nan) if pd.__version__ >= "3" else pd.StringDtype("pyarrow")
"""The text dtype of the pandas at hand: ``str`` on pandas 3, ``string[pyarrow]`` on pandas 2."""

Kind = Literal["text", "json", "int", "count", "float", "flag", "time", "category", "shape"]
Table = Literal["files", "annotations", "categories", "issues"]

STATUSES = tuple(status.value for status in FileStatus)
TYPES = (
    "bbox", "polygon", "polyline", "point", "keypoints", "mask", "classification", "text", "segment",
)  # fmt: skip
SHAPE_TYPES = frozenset({"bbox", "polygon", "polyline", "point", "keypoints", "mask"})
LABEL_STATES = (
    "unlabelled", "pre_labelled", "in_progress", "in_review", "labelled", "negative", "rejected", "skipped",
)  # fmt: skip
SEVERITIES = ("error", "warning")
ISSUE_TABLES = ("files", "annotations", "categories", "export")

ISSUE_CODES = {
    "bad_row": "A row does not have the form of its kind; its value is in `extra`.",
    "bad_segmentation": (
        "A shape could not be parsed. It stays on its row; without another shape it is in `extra` of its file."
    ),
    "dangling_category_id": "Annotations name a category that is not in the export.",
    "dangling_image_id": "An annotation names an image that is not in its file of the export.",
    "duplicate_annotation_id": "Several annotations have the same id; all rows are kept.",
    "duplicate_category_id": "Several categories have the same id but differ; the rows are kept, or the first values.",
    "duplicate_file_id": "Several files have the same id but differ; all rows are kept.",
    "guessed_encoding": "A table is not UTF-8; it was read as cp1252.",
    "mended_json": "A row held NaN, Infinity, a number beyond any float, or half of a surrogate pair.",
    "not_a_number": "A measure is not a number; what came is in `extra`.",
    "repeated_answers": "A file is there again with equal answers that have no id of their own; all rows are kept.",
    "reused_coco_id": "Several coco_json files use the same number for different things; a suffix keeps them apart.",
    "size_mismatch": "A mask does not have the size of its image.",
    "swapped_corners": "The corners of a box were swapped; they were corrected.",
    "unknown_question_type": "A question has an unknown type; it was read by the form of its answer.",
    "unknown_status": "A file has a status that is not one of the fifteen.",
    "unmatched_color": "A color or value of a mask belongs to no category; it was kept as a category of its own.",
    "unmatched_mask": "A mask belongs to no known file, or to several.",
    "unparsed_answer": (
        "Answers were not understood, or are under an unknown key. A file without others has no `label_state`."
    ),
    "unreadable_image": "A mask could not be decoded.",
}
"""What `issues.code` may hold, each with its sentence."""


@dataclass(frozen=True)
class Column:
    """A column of a frame: its name, the kind that decides its dtype, and what it holds."""

    name: str
    kind: Kind
    doc: str


def _columns(*rows: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


TABLES: dict[Table, tuple[Column, ...]] = {
    "files": _columns(
        ("file_name", "text", "not unique in a project"),
        ("status", "category", "`none`, then the fourteen of the workflow"),
        ("label_state", "category", "what the status says about the labels, or about having none"),
        ("annotation_count", "count", "rows of `annotations` with this `file_id`"),
        ("width", "int", "pixels"),
        ("height", "int", "pixels"),
        ("file_format", "text", "lower case"),
        ("file_size_mb", "float", "megabytes"),
        ("remarks", "text", ""),
        ("created_at", "time", "when the file was added"),
        ("updated_at", "time", "when it last changed, where the export has it"),
        ("file_id", "text", "the file"),
        ("coco_id", "int", "the image's `id` in a coco_json"),
        ("extra", "json", "what has no column"),
    ),
    "annotations": _columns(
        ("file_name", "text", ""),
        ("status", "category", "of the file"),
        ("category", "category", "the name of the class"),
        ("type", "category", "what kind of annotation"),
        ("value", "text", "the answer where it is not a shape"),
        ("bbox_x", "float", "pixels, left"),
        ("bbox_y", "float", "pixels, top"),
        ("bbox_width", "float", "pixels"),
        ("bbox_height", "float", "pixels"),
        ("area", "float", "square pixels"),
        ("rotation", "float", "degrees, of a `bbox`"),
        ("segmentation", "shape", "rings, points, or RLE"),
        ("keypoints", "shape", "`[x1, y1, v1, …]`"),
        ("attributes", "json", "as they came"),
        ("iscrowd", "flag", ""),
        ("track_id", "text", "the object of a video"),
        ("frame", "int", "of a video, from 0"),
        ("time", "float", "seconds"),
        ("end_time", "float", "seconds"),
        ("image_width", "int", "pixels"),
        ("image_height", "int", "pixels"),
        ("annotation_id", "text", "the answer's id, else `<file_id>/<question_id>/<position>`"),
        ("file_id", "text", "the file it is on"),
        ("question_id", "text", ""),
        ("category_id", "text", "a key of `categories`"),
        ("parent_id", "text", "the object that this answer is about"),
        ("coco_id", "int", "the annotation's `id` in a coco_json"),
        ("coco_image_id", "int", "its `image_id` there"),
        ("extra", "json", "what has no column"),
    ),
    "categories": _columns(
        ("name", "text", ""),
        ("question_type", "text", "the vendor's word"),
        ("color", "text", "`#rrggbb`"),
        ("supercategory", "text", ""),
        ("category_id", "text", "the class or question"),
        ("question_id", "text", ""),
        ("coco_id", "int", "the category's `id` in a coco_json"),
        ("extra", "json", "options, keypoint names, skeleton, …"),
    ),
    "issues": _columns(
        ("severity", "category", "`error` or `warning`"),
        ("code", "text", "one of `ISSUE_CODES`"),
        ("table", "category", "the table it is about"),
        ("id", "text", "of the row"),
        ("position", "int", "row of the table, or byte offset"),
        ("message", "text", ""),
    ),
}
RECORDED_FILE_COLUMNS = tuple(
    column.name for column in TABLES["files"] if column.name not in ("label_state", "annotation_count", "coco_id")
)
"""Columns of `files` that Labellerr's own formats have, in the order of the schema."""
"""The columns of each frame, in order."""

FIXED_CATEGORIES: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "label_state": LABEL_STATES,
    "type": TYPES,
    "severity": SEVERITIES,
    "table": ISSUE_TABLES,
}

ARROW: dict[Kind, pa.DataType] = {
    "text": pa.large_string(),
    "json": pa.large_string(),
    "shape": pa.large_string(),
    "int": pa.int64(),
    "count": pa.int64(),
    "float": pa.float64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("ns", tz="UTC"),
    "category": pa.dictionary(pa.int32(), pa.large_string()),
}
"""The Arrow type of each kind of column, in tables and in Parquet."""


def build(
    table: Table, columns: Mapping[str, Any], length: int, attrs: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """A frame of the schema.

    Parameters
    ----------
    table : {'files', 'annotations', 'categories', 'issues'}
    columns : mapping
        Values by column: Arrow or numpy arrays, lists (None is missing), pandas arrays, and
        Categoricals for categories. A column that is not there is all missing.
    length : int
        The number of rows.
    attrs : mapping, optional
        What ``df.attrs["labellerr"]`` shall hold.

    Examples
    --------
    >>> build("categories", {"name": ["car"]}, 1)[["name", "color"]].isna().values.tolist()
    [[False, True]]
    """
    known = {column.name for column in TABLES[table]}
    if surplus := set(columns) - known:
        raise KeyError(f"no columns of {table}: {sorted(surplus)}")
    arrays = {column.name: typed(column, columns.get(column.name), length) for column in TABLES[table]}
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(length), copy=False)
    if attrs is not None:
        frame.attrs["labellerr"] = dict(attrs)
    return frame


def empty(table: Table) -> pd.DataFrame:
    """The frame of no rows."""
    return build(table, {}, 0)


def typed(column: Column, values: Any, length: int) -> Any:
    """A column of a frame in its dtype."""
    if isinstance(values, pd.Series):
        values = values.array
    if column.kind == "category":
        return _category(column.name, values, length)
    if values is None:
        values = pa.nulls(length)
    match column.kind:
        case "text" | "json":
            return text(values)
        case "shape":
            return (
                values
                if isinstance(values, SegmentationArray)
                else SegmentationDtype().__from_arrow__(_arrow(values, pa.large_string()))
            )
        case "int":
            return pd.array(_numbers(values, pa.int64()), dtype="Int64")
        case "count":
            return np.asarray(_arrow(values, pa.int64()).fill_null(0), dtype=np.int64)
        case "float":
            if isinstance(values, np.ndarray) and values.dtype == np.float64:
                return values
            return np.array(_numbers(values, pa.float64()), dtype=np.float64)
        case "flag":
            return pd.array(_numbers(values, pa.bool_()), dtype="boolean")
        case "time":
            return times(values)
    raise AssertionError(column.kind)  # pragma: no cover


def _arrow(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(kind)
    if isinstance(values, np.ndarray) and values.dtype == object:
        values = values.tolist()
    return pa.array(values, kind, from_pandas=True)


def _numbers(values: Any, kind: pa.DataType) -> Any:
    if isinstance(values, pd.api.extensions.ExtensionArray):
        return values
    array = _arrow(values, kind)
    if pa.types.is_floating(kind):
        return array.fill_null(float("nan")).to_numpy(zero_copy_only=False)
    if not array.null_count:
        return array.to_numpy(zero_copy_only=False)
    mask = array.is_null().to_numpy(zero_copy_only=False)
    filled = array.fill_null(False if pa.types.is_boolean(kind) else 0).to_numpy(zero_copy_only=False)
    return (pd.arrays.BooleanArray if pa.types.is_boolean(kind) else pd.arrays.IntegerArray)(filled, mask)


def text(values: Any) -> Any:
    """A text array of the pandas at hand."""
    if isinstance(values, pd.api.extensions.ExtensionArray):
        return values.astype(TEXT)
    array = _arrow(values, pa.large_string())
    return TEXT.__from_arrow__(array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]))


def arrow_text(values: Any) -> pa.Array | pa.ChunkedArray:
    """A text column in Arrow."""
    return _arrow(values, pa.large_string())


def times(values: Any) -> Any:
    """``datetime64[ns, UTC]`` from Unix milliseconds (missing allowed) or from times."""
    if isinstance(values, pd.api.extensions.ExtensionArray):
        return pd.DatetimeIndex(values).tz_convert("UTC").as_unit("ns").array
    stamps = arrow_times(values)
    return pd.DatetimeIndex(stamps.to_numpy(zero_copy_only=False)).tz_localize("UTC").as_unit("ns").array


def arrow_times(values: Any) -> pa.Array | pa.ChunkedArray:
    """``timestamp[ns, UTC]`` in Arrow, from Unix milliseconds or from times."""
    if isinstance(values, pd.api.extensions.ExtensionArray):
        values = pa.array(values)
    if isinstance(values, pa.Array | pa.ChunkedArray) and pa.types.is_timestamp(values.type):
        return values.cast(ARROW["time"])
    return _arrow(values, pa.int64()).cast(pa.timestamp("ms", tz="UTC")).cast(ARROW["time"])


MILLISECONDS = range(-(2**63) // 10**6 + 1, 2**63 // 10**6)
"""What a time in nanoseconds can hold."""


def categorical(codes: Any, names: Iterable[Any]) -> pd.Categorical:
    """An unordered category column; -1 is missing."""
    return pd.Categorical.from_codes(
        np.asarray(codes), categories=pd.Index(text(list(names)), dtype=TEXT), ordered=False
    )


def _category(name: str, values: Any, length: int) -> pd.Categorical:
    fixed = FIXED_CATEGORIES.get(name, ())
    if values is None:
        return categorical(np.full(length, -1), fixed)
    if isinstance(values, pd.Categorical):
        return categorical(values.codes, values.categories)
    codes, words = dictionary_of(values, fixed)
    return categorical(codes, words)


def dictionary_of(values: Any, fixed: Iterable[str] = ()) -> tuple[NDArray[np.int64], list[str]]:
    """Codes and words of a category column; the `fixed` words come first, -1 is missing."""
    array = values
    if not (isinstance(array, pa.Array | pa.ChunkedArray) and pa.types.is_dictionary(array.type)):
        array = _arrow(array, pa.large_string()).dictionary_encode()
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # no rows
        array = pa.array([], ARROW["category"])
    own = array.dictionary.to_pylist()
    words = list(dict.fromkeys((*fixed, *own)))
    place = np.array([words.index(word) for word in own] + [-1])
    codes: NDArray[np.int64] = place[array.indices.fill_null(len(own)).to_numpy(zero_copy_only=False)]
    return codes, words


def label_states(
    codes: NDArray[Any], statuses: Iterable[str], annotation_count: Any, found_empty: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the label state of each file, as its index in `LABEL_STATES`; -1 if it has none.

    A file without annotations has a state only if its list of labels was found, and is empty.

    Parameters
    ----------
    codes : (N,) integers
        The place of each file's status in `statuses`, -1 where it is missing.
    statuses : words
    annotation_count : (N,) integers
    found_empty : (N,) bool
        True if a file has no annotations for certain, should its count be 0.
    """
    words = list(statuses)
    place = {state: code for code, state in enumerate(LABEL_STATES)}
    known = {status.value: status for status in FileStatus}
    without = np.array([place[known[word].empty_state] if word in known else -1 for word in words] + [-1])
    with_some = np.array([place[known[word].label_state] if word in known else -1 for word in words] + [-1])
    empty_states = np.where(found_empty, without[codes], -1)
    states: NDArray[np.int64] = np.where(np.asarray(annotation_count) > 0, with_some[codes], empty_states)
    return states


def is_unclear(files: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which files have no annotations, and no label state in spite of their status.

    Their labels, if they have any, were not understood.
    """
    lacks_state = files["label_state"].isna() & files["annotation_count"].eq(0)
    unclear: NDArray[np.bool_] = (lacks_state & files["status"].isin(STATUSES)).to_numpy(dtype=bool)
    return unclear
