"""The categories of a part: the template's, and after them the questions that only the export has."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from labellerr_ds.frames.tables import empty, from_frame, joined, table


class TemplateCategories:
    """The categories of Labellerr's own formats; a question is one.

    Parameters
    ----------
    template : `categories` frame or None
    """

    def __init__(self, template: pd.DataFrame | None) -> None:
        self._table = empty("categories") if template is None else from_frame(template, "categories")
        self._ids = set(self._table["category_id"].to_pylist())
        self._known: dict[str, tuple[str | None, str | None]] = {}
        self._joined = self._table

    def with_questions(self, questions: Mapping[str, tuple[str | None, str | None]]) -> pa.Table:
        """The `categories` with these questions, name and type by id."""
        new = {question_id: facts for question_id, facts in questions.items() if question_id not in self._ids}
        if new != self._known:
            self._known = new
            columns = {
                "category_id": list(new), "question_id": list(new),
                "name": [name for name, _ in new.values()], "question_type": [kind for _, kind in new.values()],
            }  # fmt: skip
            self._joined = joined("categories", [self._table, table("categories", columns, len(new))])
        return self._joined
