"""A short table of what a dataset holds, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from labellerr_ds.core.card import card, counted


def html_summary(
    files: pd.DataFrame,
    annotations: pd.DataFrame,
    categories: pd.DataFrame,
    issues: pd.DataFrame,
    info: Mapping[str, Any],
) -> str:
    """An HTML table; escaped, readable without styles, no request."""
    rows = [
        ("files", files, files["label_state"].value_counts(sort=False)),
        ("annotations", annotations, annotations["type"].value_counts()),
        ("categories", categories, annotations["category"].value_counts()),
        ("issues", issues, issues["code"].value_counts()),
    ]
    cells = [(name, f"{len(frame):,}: {counted(counts.items())}".rstrip(": ")) for name, frame, counts in rows]
    title = " · ".join(str(info[key]) for key in ("project_name", "format", "source", "exported_at") if info.get(key))
    then = "dataset.issues" if len(issues) else "dataset.annotations.labellerr.check(files=dataset.files)"
    return card(title or "Dataset", cells, then=then)
