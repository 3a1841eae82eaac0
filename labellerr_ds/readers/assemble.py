"""From columns to a Dataset: the part that all four readers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds import schema
from labellerr_ds.dataset import Dataset
from labellerr_ds.readers.issues import IssueLog
from labellerr_ds.since import to_milliseconds

NO_STATUS = object()
"""Stands for a file whose status the export does not tell; null means the files without one."""


def status_words(values: list[Any]) -> list[str | None]:
    """Words of the schema from what the export has."""
    return [
        None if value is NO_STATUS else "none" if value is None or value in ("", "None", "none") else str(value)
        for value in values
    ]


def milliseconds(value: Any) -> int | None:
    """Unix milliseconds where a value is such (or a text of one, or an ISO time), else None."""
    if isinstance(value, str):
        text = value.strip()
        if text.isdigit():
            value = int(text)
        else:
            try:
                stamp = pd.Timestamp(text) if text[:4].isdigit() else pd.NaT
            except ValueError:
                return None
            if stamp is pd.NaT:
                return None
            stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
            value = to_milliseconds(stamp.to_pydatetime(warn=False))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in schema.MILLISECONDS:
        return value
    return None


def number(value: Any) -> float | None:
    """A finite number, else None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if np.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number that fits 64 bits, else None."""
    if type(value) is int:
        return value if -(2**63) <= value < 2**63 else None
    found = number(value)
    if found is None or not found.is_integer() or abs(found) >= 2**63:
        return None
    return int(value) if isinstance(value, int | str) and str(value).strip().lstrip("-").isdigit() else int(found)


def assemble(
    *,
    files: Mapping[str, Any],
    file_count: int,
    annotations: Mapping[str, Any],
    file_index: np.ndarray[Any, np.dtype[Any]],
    categories: pd.DataFrame,
    issues: IssueLog,
    info: dict[str, Any],
    strict: bool,
    raw: pd.DataFrame | None = None,
) -> Dataset:
    """A Dataset whose frames hold together.

    Parameters
    ----------
    files : columns of `files`, without those that are derived; `status` as words of the schema
    annotations : columns of `annotations`, without those that come from the file and the category
    file_index : (N,) integers
        The file of each annotation, -1 for one that the export does not hold.
    """
    frame = schema.build("files", files, file_count)
    _tell_statuses(frame, issues)
    _tell_duplicates(frame, "files", "file_id", "duplicate_file_id", issues)
    counts = np.bincount(file_index[file_index >= 0], minlength=file_count)
    if not frame["file_id"].is_unique:
        keys = frame["file_id"].to_numpy(dtype=object)
        shared = pd.Series(counts).groupby(keys, dropna=True).transform("sum").to_numpy()
        counts = np.where(frame["file_id"].isna(), counts, shared).astype(np.int64)
    frame["annotation_count"] = counts.astype(np.int64)
    frame["label_state"] = schema.label_states(frame["status"].array, counts)

    missing = file_index < 0
    take = pa.array(file_index, mask=missing)
    columns = dict(annotations)
    for name, source in (("file_id", "file_id"), ("file_name", "file_name")):
        columns[name] = pa.array(frame[source].array).take(take)
    for name, source in (("image_width", "width"), ("image_height", "height")):
        columns[name] = frame[source].array.take(file_index, allow_fill=True)
    columns["status"] = frame["status"].array.take(file_index, allow_fill=True)
    columns["category"] = _names(columns.get("category_id"), len(file_index), categories, issues)
    table = schema.build("annotations", columns, len(file_index))
    _tell_duplicates(table, "annotations", "annotation_id", "duplicate_annotation_id", issues)
    _tell_duplicates(categories, "categories", "category_id", "duplicate_category_id", issues)

    issues.tell(str(info.get("source") or "export"), strict)
    return Dataset(frame, table, categories, issues.frame(), info, raw)


def _tell_statuses(files: pd.DataFrame, issues: IssueLog) -> None:
    known = len(schema.STATUSES)
    for position in np.flatnonzero(files["status"].cat.codes.to_numpy() >= known):
        row = files.iloc[position]
        issues.add(
            "unknown_status", "files", str(row["file_id"]), int(position),
            f"file {row['file_id']} has the status {row['status']!r}, none of the fifteen.", "warning",
        )  # fmt: skip


def _tell_duplicates(frame: pd.DataFrame, table: str, key: str, code: str, issues: IssueLog) -> None:
    held = pa.array(frame[key].array)
    if pc.count_distinct(held, mode="only_valid").as_py() == len(held) - held.null_count:
        return
    again = frame[key].duplicated() & frame[key].notna()
    for position in np.flatnonzero(again.to_numpy()):
        row_id = str(frame[key].iloc[position])
        issues.add(code, table, row_id, int(position), f"{key} {row_id!r} stands there once more.", "warning")


def _names(category_ids: Any, length: int, categories: pd.DataFrame, issues: IssueLog) -> pd.Categorical:
    """The names of categories, by their ids."""
    names = list(dict.fromkeys(categories["name"].dropna().tolist()))
    place = {name: code for code, name in enumerate(names)}
    known = {
        row_id: -1 if pd.isna(name) else place[name]
        for row_id, name in reversed(list(zip(categories["category_id"], categories["name"], strict=True)))
    }
    ids = pa.nulls(length, pa.large_string()) if category_ids is None else schema.arrow_text(category_ids)
    coded = ids.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    found = coded.dictionary.to_pylist()
    codes = np.array([known.get(row_id, -1) for row_id in found] + [-1])
    indices = coded.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
    for code, row_id in enumerate(found):
        if row_id not in known:
            position = int(pc.index(coded.indices, pa.scalar(code, coded.indices.type)).as_py())
            count = int((indices == code).sum())
            issues.add(
                "dangling_category_id", "annotations", row_id, position,
                f"{count:,} annotations name the category {row_id!r}, which the export does not hold.",
            )  # fmt: skip
    return schema.categorical(codes[indices], names)


def found_categories(found: Mapping[str, tuple[str | None, str | None]], template: pd.DataFrame | None) -> pd.DataFrame:
    """The template's categories, and after them those questions that only the export tells of.

    Parameters
    ----------
    found : mapping of id to (name, question type)
    template : `categories` frame, optional
    """
    known = set() if template is None else set(template["category_id"].dropna())
    new = {row_id: told for row_id, told in found.items() if row_id not in known}
    own = schema.build(
        "categories",
        {
            "category_id": list(new), "question_id": list(new),
            "name": [name for name, _ in new.values()], "question_type": [kind for _, kind in new.values()],
        },
        len(new),
    )  # fmt: skip
    if template is None:
        return own
    return pd.concat([template, own], ignore_index=True) if len(own) else template
