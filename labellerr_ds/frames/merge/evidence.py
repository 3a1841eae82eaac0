"""The labels of files without annotations: found to be absent, or not understood."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from labellerr_ds.core.json_text import json_text
from labellerr_ds.frames.merge.ids import Ints, codes_of, has_repeats
from labellerr_ds.frames.merge.issues import Issue
from labellerr_ds.frames.merge.scan_ids import ExportStats, final_rows
from labellerr_ds.frames.tables import UNREAD, ListState, Unread

NOWHERE = -1
"""The row of an object that belongs to no file."""


@dataclass(frozen=True)
class Evidence:
    """What the readers found where the labels of each file should be.

    Attributes
    ----------
    found_empty : (N,) bool
        The list of labels of a file was found, and is empty, in every record of it.
    missing : (N,) bool
        A file has no list of labels under a known key.
    reported : (N,) bool
        The reader has said why nothing is known about a file.
    unlinked : (N,) bool
        An annotation of the file's part names no file.
    parts_without_lists : sequence of int arrays
        The files of each part in which no file has a list.
    unlinked_count : int
        Annotations that name no file.
    unread : mapping of int to sequence of Unread
        Objects without a row, by the row of their file.
    """

    found_empty: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    reported: NDArray[np.bool_]
    unlinked: NDArray[np.bool_]
    parts_without_lists: Sequence[Ints]
    unlinked_count: int
    unread: Mapping[int, Sequence[Unread]]

    def issues(self, file_ids: pa.ChunkedArray, counts: Ints) -> list[Issue]:
        """Return an issue for each file whose labels are unknown, unless its reader or another issue says so."""
        unknown = ~self.found_empty & (counts == 0)
        issues = [self._unread_issue(row, item, file_ids) for row, items in self.unread.items() for item in items]
        covered = self.reported.copy()
        covered[[row for row in self.unread if row != NOWHERE]] = True
        for rows in self.parts_without_lists:
            if unknown[rows].any():
                message = (
                    f"no file of {len(np.unique(rows)):,} has a list of labels under a known key; files without "
                    "annotations have no label_state."
                )
                issues.append(Issue("error", "unparsed_answer", "export", None, None, message))
                covered[rows] = True
        if self.unlinked_count:
            affected = int((self.unlinked & unknown).sum())
            message = (
                f"{self.unlinked_count:,} annotations have no readable link to a file; {affected:,} files without "
                "annotations have no label_state, since any of them may be theirs."
            )
            issues.append(Issue("error", "unparsed_answer", "export", None, None, message))
            covered |= self.unlinked
        for row in np.flatnonzero(unknown & ~covered).tolist():
            file_id = file_ids[row].as_py()
            what = "no list of labels under a known key" if self.missing[row] else "labels that were not understood"
            message = f"file {file_id} has {what}."
            issues.append(Issue("error", "unparsed_answer", "files", file_id, row, message))
        return issues

    @staticmethod
    def _unread_issue(row: int, item: Unread, file_ids: pa.ChunkedArray) -> Issue:
        if row == NOWHERE:
            message = f"{item.reason}, and it names no file; it is in `info`."
            return Issue("error", item.code, "annotations", None, None, message)
        file_id = file_ids[row].as_py()
        return Issue("error", item.code, "files", file_id, row, f"file {file_id}: {item.reason}; it is in `extra`.")


def gather_evidence(stats: ExportStats, rows: Ints, row_of: Mapping[int, Ints], file_ids: pa.ChunkedArray) -> Evidence:
    """Gather what the readers found, by the row of the finished files.

    Parameters
    ----------
    stats : ExportStats
    rows : (M,) integers
        The row of the finished files for each record, in order.
    row_of : by part
        The row of the finished files for each record.
    file_ids : pyarrow.ChunkedArray
        The ids of the finished files. Records of one id are one file: all of them have to be empty.
    """
    count = len(file_ids)
    states = np.concatenate([np.zeros(0, dtype=np.int64), *stats.list_states])
    found_empty = np.ones(count, dtype=bool)
    found_empty[rows[states != ListState.EMPTY]] = False
    missing = np.zeros(count, dtype=bool)
    missing[rows[states == ListState.MISSING]] = True
    reported, unlinked = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for part, reported_rows in stats.reported:
        reported[final_rows(reported_rows, row_of.get(part))] = True
    for part, unclear in stats.unclear:
        finals = final_rows(unclear, row_of.get(part))
        reported[finals], found_empty[finals] = True, False
    for part, number in stats.unlinked.items():
        if number and part in row_of:
            unlinked[row_of[part]] = True
    unread: dict[int, list[Unread]] = defaultdict(list)
    for part, item in stats.unread:
        row = int(final_rows(np.array([item.file_row]), row_of.get(part))[0])
        unread[row].append(item)
        if row != NOWHERE:
            found_empty[row] = False
    if has_repeats(file_ids):
        groups = codes_of(file_ids)
        groups = np.where(groups < 0, groups.max(initial=0) + 1 + np.arange(count), groups)
        found_empty = pd.Series(found_empty).groupby(groups).transform("min").to_numpy(dtype=bool, copy=True)
        reported = pd.Series(reported).groupby(groups).transform("max").to_numpy(dtype=bool)
    lists = [finals for part, finals in row_of.items() if len(finals) and missing[finals].all()]
    found_empty &= ~unlinked
    return Evidence(found_empty, missing, reported, unlinked, lists, sum(stats.unlinked.values()), unread)


def with_unread(files: pa.Table, unread: Mapping[int, Sequence[Unread]]) -> pa.Table:
    """Return the files with the objects that got no row in their `extra`."""
    rows = [row for row in unread if row != NOWHERE]
    if not rows:
        return files
    texts = files["extra"].to_pylist() if "extra" in files.column_names else [None] * files.num_rows
    for row in rows:
        texts[row] = json_text(_with_objects(json.loads(texts[row] or "{}"), unread[row]))
    values = pa.array(texts, pa.large_string())
    if "extra" not in files.column_names:
        return files.append_column("extra", values)
    return files.set_column(files.column_names.index("extra"), "extra", values)


def info_with_unread(info: dict[str, Any], unread: Mapping[int, Sequence[Unread]]) -> dict[str, Any]:
    """Return the provenance with the objects that got no row, and belong to no file, under ``unread``."""
    if not unread.get(NOWHERE):
        return info
    objects = [json.loads(item.text) for item in unread[NOWHERE]]
    return {**info, UNREAD: [*info.get(UNREAD, []), *objects]}


def _with_objects(extra: dict[str, Any], objects: Sequence[Unread]) -> dict[str, Any]:
    """Return an `extra` with objects under their keys, the only text of a key by itself; what is there stays."""
    by_key: dict[str, list[Any]] = defaultdict(list)
    for item in objects:
        by_key[item.key].append(json.loads(item.text))
    for key, values in by_key.items():
        before = extra.get(key)
        if before is None and len(values) == 1 and isinstance(values[0], str):
            extra[key] = values[0]
            continue
        extra[key] = [*(before if isinstance(before, list) else [] if before is None else [before]), *values]
    return extra
