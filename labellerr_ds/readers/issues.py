"""What was not understood, collected while reading: issues, and keys that nobody knows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from labellerr_ds import schema
from labellerr_ds.errors import ReadError, warn


class IssueLog:
    """Collects issues; one frame and at most two warnings come out."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, str | None, int | None, str]] = []
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
        """Tell one thing; `code` is one of `schema.ISSUE_CODES`."""
        if code not in schema.ISSUE_CODES:
            raise KeyError(code)
        self._rows.append((severity, code, table, row_id, position, message))

    def frame(self) -> pd.DataFrame:
        """The `issues` frame."""
        names = ("severity", "code", "table", "id", "position", "message")
        columns: dict[str, Any] = dict(zip(names, map(list, zip(*self._rows, strict=True)), strict=False))
        return schema.build("issues", columns, len(self._rows))

    def tell(self, source: str, strict: bool) -> None:
        """Warn, or raise where `strict`.

        Raises
        ------
        ReadError
            Where there are issues and `strict` is true.
        """
        if self._rows:
            counts = Counter(row[1] for row in self._rows)
            told = ", ".join(f"{code} ({count:,})" for code, count in counts.most_common())
            first = self._rows[0]
            if strict:
                raise ReadError(f"{source}: {told}. The first: {first[5]} strict=False keeps such rows and tells them.")
            message = f"{source}: {told}. The rows were kept; dataset.issues tells each. The first: {first[5]}"
            warn(message)
        if self.unknown_keys:
            keys = ", ".join(f"{key!r} ({count:,})" for key, count in self.unknown_keys.most_common(12))
            total = sum(self.unknown_keys.values())
            warn(f"{source}: {total:,} values under keys that are not known were kept in `extra`: {keys}.")
