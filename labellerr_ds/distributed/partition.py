"""In each process again: what one staged is read with what the whole gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.distributed.pickles import dump, load
from labellerr_ds.distributed.shared_folder import SharedFolder
from labellerr_ds.distributed.stage import Batches
from labellerr_ds.distributed.unite import Partition
from labellerr_ds.frames import schema
from labellerr_ds.frames.merge import apply
from labellerr_ds.frames.schema import Table
from labellerr_ds.frames.tables import Tables, table
from labellerr_ds.storage.s3 import AT_ONCE


def finished(partition: str, table: Table) -> pd.DataFrame:
    """The finished rows of what one process staged, in Arrow's dtypes."""
    return rows_of(partition, table).to_pandas(types_mapper=pd.ArrowDtype)


def rows_of(partition: str, name: Table) -> pa.Table:
    """The finished rows of what one process staged, in the types of `plain_schema`."""
    folder, file = SharedFolder.of(partition)
    return _plain(name, _finished(folder, _partition(folder, file)))


class Lent(NamedTuple):
    """What a partition has of the files of another one, finished.

    Attributes
    ----------
    annotations : pyarrow.Table
    issues : pyarrow.Table
        Of these annotations, at their positions here.
    """

    annotations: pa.Table
    issues: pa.Table


def lend(partition: str) -> None:
    """Write down for the others what a partition has of their files: what lends to many is so finished once."""
    folder, name = SharedFolder.of(partition)
    mine = _partition(folder, name)
    annotations = _plain("annotations", _finished(folder, mine))
    homes = _homes(mine, annotations)

    def write(borrower: int) -> None:
        is_lent = homes == borrower
        lent = Lent(annotations.filter(pa.array(is_lent)), _issues_at(mine.issues, is_lent, False))
        dump(folder, _lent_name(mine.number, borrower), lent)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(write, mine.borrowers))


def whole_files(partition: str, *, every_record: bool = False) -> Tables:
    """The files whose home is a partition, each with all of its annotations, wherever they were staged; finished.

    Rows without a file are where they were staged. Further records of a file whose home is another partition are
    there with `every_record`, and have no annotations here. The lenders have to `lend` before. The positions of
    issues are those of annotations here; of files there are none.
    """
    folder, name = SharedFolder.of(partition)
    mine = _partition(folder, name)
    batches = _finished(folder, mine)
    files, annotations = _plain("files", batches), _plain("annotations", batches)
    is_own = _homes(mine, annotations) == mine.number
    lent = {mine.number: Lent(annotations.filter(pa.array(is_own)), _issues_at(mine.issues, is_own, True))}
    others = load(folder, [_lent_name(lender, mine.number) for lender in mine.lenders])
    lent.update(zip(mine.lenders, others, strict=True))
    parts = [lent[number] for number in sorted(lent)]  # as the shards follow each other
    starts = np.cumsum([0, *(part.annotations.num_rows for part in parts)]).tolist()
    return Tables(
        _typed("files", files if every_record else files.filter(pa.array(_homes(mine, files) == mine.number))),
        _typed("annotations", pa.concat_tables([part.annotations for part in parts])),
        mine.plan.categories,
        pa.concat_tables([_moved(part.issues, start) for part, start in zip(parts, starts, strict=False)]),
        info=mine.plan.info,
    )


def _lent_name(lender: int, borrower: int) -> str:
    return f"{lender:08}-for-{borrower:08}.pickle"


def _homes(mine: Partition, rows: pa.Table) -> NDArray[np.int64]:
    """Of each row the partition that has its file whole; its own where it has no file."""
    places = pc.index_in(rows["file_id"], mine.plan.files["file_id"].combine_chunks(), skip_nulls=True)
    homes: NDArray[np.int64] = np.append(mine.homes, mine.number)[places.fill_null(len(mine.homes)).to_numpy()]
    return homes


def _issues_at(issues: pa.Table, kept: NDArray[np.bool_], with_files: bool) -> pa.Table:
    """Of a partition's issues those of annotations that were kept, at their new positions, and of its files."""
    if not issues.num_rows:
        return issues
    positions = issues["position"]
    places = positions.fill_null(0).to_numpy()
    is_kept = np.where(positions.is_null(), with_files, kept[places] if len(kept) else False)
    moved = np.cumsum(kept)[places] - 1 if len(kept) else places
    column = pa.array(moved, pa.int64(), mask=positions.is_null().to_numpy().astype(bool))
    return _at(issues, column).filter(pa.array(is_kept))


def _moved(issues: pa.Table, start: int) -> pa.Table:
    return _at(issues, pc.add(issues["position"], start)) if start and issues.num_rows else issues


def _at(issues: pa.Table, positions: pa.Array) -> pa.Table:
    return issues.set_column(issues.column_names.index("position"), "position", positions)


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
    made: Partition = load(folder, [name])[0]
    return made


def plain_schema(table: Table) -> pa.Schema:
    """The columns of a table in types that every engine keeps: categories are text, shapes JSON text."""
    kinds: Mapping[pa.DataType, pa.DataType] = {schema.ARROW["category"]: pa.large_string()}
    columns = schema.TABLES[table]
    return pa.schema([(each.name, kinds.get(schema.ARROW[each.kind], schema.ARROW[each.kind])) for each in columns])


def meta_of(table: Table) -> pd.DataFrame:
    """The frame of no rows, as `finished` gives it."""
    return plain_schema(table).empty_table().to_pandas(types_mapper=pd.ArrowDtype)
