"""What was not understood, collected while reading: issues, and unknown keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from labellerr_ds.frames import schema
from labellerr_ds.frames.merge.issues import Issue, issue_rows
from labellerr_ds.frames.tables import empty, table


class IssueLog:
    """Collects issues and unknown keys, a batch at a time."""

    def __init__(self) -> None:
        self._rows: list[Issue] = []
        self.unknown_keys: Counter[str] = Counter()

    def add(
        self,
        code: str,
        table: str,
        row_id: str | None,
        position: int | None,
        message: str,
        severity: str = "error",
    ) -> None:
        """Report one thing.

        Parameters
        ----------
        code : one of `schema.ISSUE_CODES`
        table : {'files', 'annotations', 'categories', 'export'}
        row_id : str or None
        position : int or None
            The row within the batch; of files and categories within their part.
        message : str
            Without positions, which change when parts are put together.
        """
        if code not in schema.ISSUE_CODES:
            raise KeyError(code)
        self._rows.append(Issue(severity, code, table, row_id, position, message))

    def add_mended(self, table: str, positions: Iterable[int]) -> None:
        """Report elements of an array that held what is not JSON."""
        message = "NaN, Infinity, a number beyond any float or half of a surrogate pair was read as null or U+FFFD."
        for position in positions:
            self.add("mended_json", table, None, position, message, "warning")

    def take(self) -> tuple[pa.Table, Counter[str]]:
        """The `issues` table and the unknown keys so far; the log is empty afterwards."""
        rows, keys = self._rows, self.unknown_keys
        self._rows, self.unknown_keys = [], Counter()
        return (table("issues", issue_rows(rows), len(rows)) if rows else empty("issues")), keys
