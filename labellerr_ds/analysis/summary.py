"""A short table of what a dataset holds, for notebooks."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd


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
    body = "".join(
        f"<tr><th>{name}</th><td>{len(frame):,}</td><td>{html.escape(_counts(counts))}</td></tr>"
        for name, frame, counts in rows
    )
    caption = [info[key] for key in ("project_name", "format", "source", "exported_at") if info.get(key)]
    return f"<table><caption>{html.escape(' · '.join(map(str, caption)))}</caption>{body}</table>"


def _counts(counts: pd.Series) -> str:
    counts = counts[counts > 0]
    shown = [f"{label} {count:,}" for label, count in counts.head(8).items()]
    return ", ".join(shown) + (f", and {len(counts) - 8} more" if len(counts) > 8 else "")
