"""In each process again: what one staged is read with what the whole gives it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds import schema
from labellerr_ds.finish import apply
from labellerr_ds.schema import Table
from labellerr_ds.staging.stage import Batches
from labellerr_ds.staging.unite import Partition
from labellerr_ds.tables import Tables, table
from labellerr_ds.transfer.shared_folder import SharedFolder


def finished(partition: str, table: Table) -> pd.DataFrame:
    """The finished rows of what one process staged, in Arrow's dtypes."""
    return rows_of(partition, table).to_pandas(types_mapper=pd.ArrowDtype)


def rows_of(partition: str, name: Table) -> pa.Table:
    """The finished rows of what one process staged, in the types of `plain_schema`."""
    folder, file = SharedFolder.of(partition)
    return _plain(name, _finished(folder, _partition(folder, file)))


def whole_files(partition: str, *, every_record: bool = False) -> Tables:
    """The files whose home is a partition, each with all of its annotations, wherever they were staged; finished.

    Rows without a file are where they were staged. Further records of a file whose home is another partition are
    there with `every_record`, and have no annotations here. Partitions that lend rows are finished once more each. The
    positions of issues are those of annotations here; of files there are none.
    """
    folder, name = SharedFolder.of(partition)
    mine = _partition(folder, name)
    batches = _finished(folder, mine)
    files = _plain("files", batches)
    elsewhere = pc.is_in(files["file_id"], value_set=pa.array(mine.elsewhere, pa.large_string()))
    own_files = files.filter(pc.invert(elsewhere))
    own = own_files["file_id"].combine_chunks()
    rows, issues, count = [], [], 0
    for place in sorted([partition, *mine.lenders]):  # as the shards follow each other
        is_mine = place == partition
        lent = mine if is_mine else _partition(folder, PurePath(place).name)
        annotations = _plain("annotations", batches if is_mine else _finished(folder, lent))
        ids = annotations["file_id"]
        is_own = pc.is_in(ids, value_set=own, skip_nulls=True)
        kept = pc.or_(is_own, pc.is_null(ids)) if is_mine else is_own
        rows.append(annotations.filter(kept))
        issues.append(_issues_at(lent.issues, kept.to_numpy(), count, is_mine))
        count += len(rows[-1])
    return Tables(
        _typed("files", files if every_record else own_files),
        _typed("annotations", pa.concat_tables(rows)),
        mine.plan.categories,
        pa.concat_tables(issues),
        info=mine.plan.info,
    )


def _issues_at(issues: pa.Table, kept: NDArray[np.bool_], start: int, with_files: bool) -> pa.Table:
    """Of a partition's issues those of annotations that were kept, at their new positions, and of its files."""
    if not issues.num_rows:
        return issues
    positions = issues["position"]
    places = positions.fill_null(0).to_numpy()
    is_kept = np.where(positions.is_null(), with_files, kept[places] if len(kept) else False)
    moved = np.cumsum(kept)[places] - 1 + start if len(kept) else places
    column = pa.array(moved, pa.int64(), mask=positions.is_null().to_numpy().astype(bool))
    return issues.set_column(issues.column_names.index("position"), "position", column).filter(pa.array(is_kept))


def _plain(name: Table, batches: Sequence[Tables]) -> pa.Table:
    """A table of finished batches below each other, in the types of `plain_schema`."""
    plain = plain_schema(name)
    return pa.concat_tables([getattr(batch, name).cast(plain) for batch in batches] or [plain.empty_table()])


def _typed(name: Table, plain: pa.Table) -> pa.Table:
    """A plain table in the types of the frames again."""
    return table(name, dict(zip(plain.column_names, plain.columns, strict=True)), plain.num_rows)


def _finished(folder: SharedFolder, mine: Partition) -> list[Tables]:
    batches = Batches(folder, mine.batches, mine.names)
    return [apply(mine.plan, batch, number) for number, batch in enumerate(batches)]


def _partition(folder: SharedFolder, name: str) -> Partition:
    with folder.reading([name]) as (path,):
        made: Partition = pickle.loads(path.read_bytes())
    return made


def plain_schema(table: Table) -> pa.Schema:
    """The columns of a table in types that every engine keeps: categories are text, shapes JSON text."""
    kinds: Mapping[pa.DataType, pa.DataType] = {schema.ARROW["category"]: pa.large_string()}
    columns = schema.TABLES[table]
    return pa.schema([(each.name, kinds.get(schema.ARROW[each.kind], schema.ARROW[each.kind])) for each in columns])


def meta_of(table: Table) -> pd.DataFrame:
    """The frame of no rows, as `finished` gives it."""
    return plain_schema(table).empty_table().to_pandas(types_mapper=pd.ArrowDtype)
