"""One export of many batches: `scan_ids`, `resolve_conflicts`, `plan`, `apply`, in this order.

What no batch can know by itself: ids, counts, label states, the names of categories, references that lead nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from labellerr_ds.frames.merge.apply import apply, merged_annotations, moved_issues
from labellerr_ds.frames.merge.conflicts import resolve_conflicts
from labellerr_ds.frames.merge.issues import all_issues, report
from labellerr_ds.frames.merge.plan import Plan, plan
from labellerr_ds.frames.merge.scan_ids import ExportStats, scan_ids
from labellerr_ds.frames.tables import Tables

__all__ = ["Plan", "all_issues", "apply", "merge", "moved_issues", "plan_merge", "report"]


def merge(batches: Sequence[Tables]) -> Tables:
    """Return one export of all of its batches, in memory.

    Parameters
    ----------
    batches : sequence of Tables
        In order. Read several times: a list, or batches on disk.

    Returns
    -------
    Tables
        All columns of the schema; `report` warns of its issues.
    """
    whole = plan_merge(batches)
    issues = [moved_issues(whole, batch, number) for number, batch in enumerate(batches) if batch.issues.num_rows]
    raws = [batch.raw for batch in batches if batch.raw is not None and whole.raw_header]
    return Tables(
        files=whole.files,
        annotations=merged_annotations(whole, batches),
        categories=whole.categories,
        issues=all_issues([*issues, whole.issues]),
        info=whole.info,
        raw=pa.concat_tables(raws) if raws else None,
        raw_header=whole.raw_header,
        unknown_keys=whole.unknown_keys,
    )


def plan_merge(batches: Sequence[Tables], stats: ExportStats | None = None) -> Plan:
    """Return what `apply` does to each batch.

    Parameters
    ----------
    batches : sequence of Tables
    stats : ExportStats, optional
        Statistics from a pass that was made elsewhere; a batch is then read only where ids conflict.
    """
    stats = scan_ids(batches) if stats is None else stats
    return plan(batches, stats, resolve_conflicts(batches, stats))
