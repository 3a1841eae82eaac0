"""The frames: columns, dtypes, units, states, and the one builder that guarantees them.

Every frame of the package is built here, so that it has the same columns in the same order and of
the same dtypes whatever came, for no rows too, on pandas 2 and 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.models import FileStatus
from labellerr_ds.segmentation import SegmentationArray, SegmentationDtype

SCHEMA_VERSION = 1

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
    "bad_row": "A row or answer has not the form of its kind; what came is in `extra`.",
    "bad_segmentation": "A shape could not be understood; what came is in `extra`.",
    "dangling_category_id": "An annotation names a category that the export does not hold.",
    "dangling_image_id": "An annotation names an image that the export does not hold.",
    "duplicate_annotation_id": "Several annotations have one id; all rows stay.",
    "duplicate_category_id": "Several categories have one id; all rows stay.",
    "duplicate_file_id": "Several files have one id; all rows stay.",
    "guessed_encoding": "A table is not UTF-8; it was read as cp1252.",
    "not_a_number": "A measure is no number; what came is in `extra`.",
    "size_mismatch": "A mask has not the size of its image.",
    "swapped_corners": "The corners of a box were the wrong way round; they were put right.",
    "unknown_question_type": "A question is of a type nobody knows; it was read by what its answer looks like.",
    "unknown_status": "A file has a status that is none of the fifteen.",
    "unmatched_color": "A colour or value of a mask belongs to no category; it was kept as one of its own.",
    "unmatched_mask": "A mask belongs to no file that is known, or to several.",
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
        ("file_id", "text", "the file"),
        ("file_name", "text", "not unique in a project"),
        ("status", "category", "`none`, then the fourteen of the workflow"),
        ("label_state", "category", "what the status says of the labels, or of having none"),
        ("width", "int", "pixels"),
        ("height", "int", "pixels"),
        ("file_format", "text", "lower case"),
        ("file_size_mb", "float", "megabytes"),
        ("remarks", "text", ""),
        ("created_at", "time", "when the file was added"),
        ("updated_at", "time", "when it last changed, where the export tells"),
        ("annotation_count", "count", "rows of `annotations` with this `file_id`"),
        ("coco_id", "int", "the image's `id` in a coco_json"),
        ("extra", "json", "what has no column"),
    ),
    "annotations": _columns(
        ("annotation_id", "text", "the answer's id, else `<file_id>/<question_id>/<position>`"),
        ("file_id", "text", "the file it is on"),
        ("file_name", "text", ""),
        ("status", "category", "of the file"),
        ("question_id", "text", ""),
        ("category_id", "text", "a key of `categories`"),
        ("category", "category", "the name of the class"),
        ("type", "category", "what kind of annotation"),
        ("value", "text", "the answer where it is no shape"),
        ("bbox_x", "float", "pixels, left"),
        ("bbox_y", "float", "pixels, top"),
        ("bbox_width", "float", "pixels"),
        ("bbox_height", "float", "pixels"),
        ("rotation", "float", "degrees, of a `bbox`"),
        ("area", "float", "square pixels"),
        ("segmentation", "shape", "rings, points, or RLE"),
        ("keypoints", "shape", "`[x1, y1, v1, …]`"),
        ("iscrowd", "flag", ""),
        ("track_id", "text", "the object of a video"),
        ("frame", "int", "of a video, from 0"),
        ("time", "float", "seconds"),
        ("end_time", "float", "seconds"),
        ("image_width", "int", "pixels"),
        ("image_height", "int", "pixels"),
        ("parent_id", "text", "the object that this answer is about"),
        ("attributes", "json", "as they came"),
        ("coco_id", "int", "the annotation's `id` in a coco_json"),
        ("coco_image_id", "int", "its `image_id` there"),
        ("extra", "json", "what has no column"),
    ),
    "categories": _columns(
        ("category_id", "text", "the class or question"),
        ("name", "text", ""),
        ("supercategory", "text", ""),
        ("color", "text", "`#rrggbb`"),
        ("question_id", "text", ""),
        ("question_type", "text", "the vendor's word"),
        ("coco_id", "int", "the category's `id` in a coco_json"),
        ("extra", "json", "options, keypoint names, skeleton, …"),
    ),
    "issues": _columns(
        ("severity", "category", "`error` or `warning`"),
        ("code", "text", "one of `ISSUE_CODES`"),
        ("table", "category", "where it was found"),
        ("id", "text", "of the row"),
        ("position", "int", "row of the table, or byte offset"),
        ("message", "text", ""),
    ),
}
"""The columns of each frame, in order."""

FIXED_CATEGORIES: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "label_state": LABEL_STATES,
    "type": TYPES,
    "severity": SEVERITIES,
    "table": ISSUE_TABLES,
}

# A file's label state without annotations; with them only three differ.
_WITHOUT = {
    "none": "unlabelled",
    "assigned": "in_progress",
    **dict.fromkeys(("review", "r_assigned", "client_review", "cr_assigned"), "in_review"),
    "accepted": "negative",
    **dict.fromkeys(("rejected", "client_rejected"), "rejected"),
    **dict.fromkeys(("skipped", "r_skipped", "cr_skipped", "critical", "r_critical", "cr_critical"), "skipped"),
}
_WITH = {**_WITHOUT, "none": "pre_labelled", "accepted": "labelled"}


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
    arrays = {column.name: _typed(column, columns.get(column.name), length) for column in TABLES[table]}
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(length), copy=False)
    if attrs is not None:
        frame.attrs["labellerr"] = dict(attrs)
    return frame


def empty(table: Table) -> pd.DataFrame:
    """The frame of no rows."""
    return build(table, {}, 0)


def _typed(column: Column, values: Any, length: int) -> Any:
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
    array = _arrow(values, pa.int64())
    stamps = pc.cast(array, pa.timestamp("ms", tz="UTC")).cast(pa.timestamp("ns", tz="UTC"))
    return pd.DatetimeIndex(stamps.to_numpy(zero_copy_only=False)).tz_localize("UTC").as_unit("ns").array


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
    array = _arrow(values, pa.large_string()).dictionary_encode()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    found = array.dictionary.to_pylist()
    names = [*fixed, *(word for word in found if word not in fixed)]
    place = np.array([names.index(word) for word in found] + [-1])
    codes = array.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
    return categorical(place[codes], names)


def names_of(name: str, codes: Sequence[Any]) -> pd.Categorical:
    """A column of one of the fixed lists, from words or None."""
    return _category(name, codes, len(codes))


def label_states(status: pd.Categorical, annotation_count: Any) -> pd.Categorical:
    """What each file's status says of its labels, or of having none.

    Parameters
    ----------
    status : Categorical of the statuses
    annotation_count : (N,) integers
    """
    words = [str(word) for word in status.categories]
    place = {state: code for code, state in enumerate(LABEL_STATES)}
    without = np.array([place.get(_WITHOUT.get(word, ""), -1) for word in words] + [-1])
    with_some = np.array([place.get(_WITH.get(word, ""), -1) for word in words] + [-1])
    codes = np.where(np.asarray(annotation_count) > 0, with_some[status.codes], without[status.codes])
    return categorical(codes, LABEL_STATES)


def plain(frame: pd.DataFrame, table: Table) -> pa.Table:
    """The frame in plain Arrow types, which every tool reads: shapes as text, categories as dictionaries."""
    arrays, words = [], {}
    for column in TABLES[table]:
        values = frame[column.name].array
        if column.kind == "category":
            words[column.name] = list(values.categories)
            codes = pa.array(values.codes, pa.int32(), mask=values.codes < 0)
            names = pa.array(words[column.name], pa.large_string())
            arrays.append(pa.DictionaryArray.from_arrays(codes, names))
        else:
            arrays.append(pa.array(values))
    made = pa.table(arrays, names=[column.name for column in TABLES[table]])
    return made.replace_schema_metadata({_CATEGORIES: json_text(words)})  # Parquet forgets unused ones


_CATEGORIES = b"labellerr_categories"


def restore(stored: pa.Table, table: Table) -> pd.DataFrame:
    """The frame back from plain Arrow types, equal to what it was."""
    columns: dict[str, Any] = {}
    told = json.loads((stored.schema.metadata or {}).get(_CATEGORIES, b"{}"))
    for column in TABLES[table]:
        if column.name not in stored.column_names:
            continue
        values = stored[column.name]
        if column.kind == "category":
            found = values.cast(pa.large_string())
            names = told.get(column.name) or pc.unique(found.drop_null()).to_pylist()
            places = pc.index_in(found, pa.array(names, pa.large_string())).fill_null(-1)
            columns[column.name] = categorical(places.to_numpy(), names)
        elif column.kind == "time":
            columns[column.name] = pd.DatetimeIndex(values.to_pandas()).array
        else:
            columns[column.name] = values
    return build(table, columns, stored.num_rows)


def hex_color(color: object) -> str | None:
    """``#rrggbb`` from ``[r, g, b]`` or from such a text; None for what is neither.

    Examples
    --------
    >>> hex_color([95, 158, 160]), hex_color("#5F9EA0"), hex_color("teal")
    ('#5f9ea0', '#5f9ea0', None)
    """
    if isinstance(color, str):
        digits = color.strip().lower().removeprefix("#")
        digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
        return f"#{digits}" if len(digits) == 6 and not set(digits) - set("0123456789abcdef") else None
    if isinstance(color, list | tuple) and len(color) >= 3:
        parts = [part for part in color[:3] if isinstance(part, int) and 0 <= part < 256]
        return "#{:02x}{:02x}{:02x}".format(*parts) if len(parts) == 3 else None
    return None


def json_text(value: Any) -> str:
    """Compact JSON that keeps letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
