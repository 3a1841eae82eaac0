"""Answers in words, a row a file and a column a question."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd


def wide(annotations: pd.DataFrame) -> pd.DataFrame:
    """A row a file that has such answers, a column a question; several answers to one are a list."""
    said = annotations[annotations["type"].isin(["classification", "text"]) & annotations["value"].notna()]
    names = said.groupby("question_id", sort=False, observed=True)["category"].first()
    shared = names[names.duplicated(keep=False)].index
    heads = {key: f"{name} ({key})" if key in shared else str(name) for key, name in names.items()}
    rows: dict[str, dict[str, Any]] = {}
    for file_id, name, status, question_id, value in said[
        ["file_id", "file_name", "status", "question_id", "value"]
    ].itertuples(index=False):
        row = rows.setdefault(file_id, {"file_id": file_id, "file_name": name, "status": status})
        head = heads[question_id]
        if head not in row:
            row[head] = value
        else:
            row[head] = [*(row[head] if isinstance(row[head], list) else [row[head]]), value]
    columns = ["file_id", "file_name", "status", *heads.values()]
    frame = pd.DataFrame(list(rows.values()), columns=columns)
    frame.attrs = annotations.attrs
    return frame


def attributes(annotations: pd.DataFrame) -> pd.DataFrame:
    """See ``df.labellerr.attributes``."""
    rows = [attributes_of(text) for text in annotations["attributes"]]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {
        name: pd.Series([row.get(name) for row in rows], index=annotations.index, dtype=object) for name in names
    }
    return pd.DataFrame(columns, index=annotations.index).infer_objects()


def attributes_of(text: Any) -> dict[str, Any]:
    """The attributes of one object by name, which are a JSON object, or a list of names and values.

    Raises
    ------
    ValueError
        For text that is not JSON.
    """
    attributes = json.loads(text) if isinstance(text, str) else {}
    if isinstance(attributes, list):
        attributes = {str(each.get("name")): each.get("value") for each in attributes if isinstance(each, dict)}
    return {str(name): value for name, value in attributes.items()} if isinstance(attributes, dict) else {}
