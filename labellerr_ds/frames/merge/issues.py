"""Issues of an export: the rows of its `issues` table, and the warning about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from labellerr_ds.core.errors import ReadError, warn
from labellerr_ds.core.hint import argument, call
from labellerr_ds.frames.tables import joined


class Issue(NamedTuple):
    """A row of `issues`."""

    severity: str
    code: str
    table: str
    id: str | None
    position: int | None
    message: str


def issue_rows(issues: Iterable[Issue]) -> dict[str, list[Any]]:
    """The columns of `issues`."""
    rows = list(issues)
    return {name: [getattr(row, name) for row in rows] for name in Issue._fields}


def all_issues(parts: Sequence[pa.Table]) -> pa.Table:
    """The issues of all batches; what several parts have of one row is there once."""
    together = joined("issues", parts)
    if together.num_rows < 2:
        return together
    frame = together.select(["code", "table", "id", "position", "message"]).to_pandas()
    return together.filter(pa.array(~frame.duplicated().to_numpy()))


def report(issues: pa.Table, unknown_keys: Counter[str], *, source: str, strict: bool) -> None:
    """At most two warnings: one counts the issues, one the unknown keys.

    Parameters
    ----------
    issues : pyarrow.Table
    unknown_keys : Counter
    source : str
        What the export is called.
    strict : bool
        Raise where there are issues, instead of warning.

    Raises
    ------
    ReadError
        Where `strict` and there are issues.
    """
    if issues.num_rows:
        counts = Counter(issues["code"].to_pylist())
        listed = ", ".join(f"{code} ({count:,})" for code, count in counts.most_common())
        first = issues["message"][0].as_py()
        if strict:
            raise ReadError(f"{source}: {listed}. The first: {first}", hint=argument("strict", False))
        warn(f"{source}: {listed}. The first: {first}", hint=call("dataset.issues"))
    if unknown_keys:
        keys = ", ".join(f"{key!r} ({count:,})" for key, count in unknown_keys.most_common(12))
        total = sum(unknown_keys.values())
        warn(f"{source}: {total:,} values under unknown keys were kept in `extra`: {keys}.")
