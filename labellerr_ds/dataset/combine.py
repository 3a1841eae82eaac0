"""Several datasets or frames as one: put together, brought up to date, compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.dataset.dataset import Dataset, dataset_of_tables, image_source_of, tables_of_dataset
from labellerr_ds.frames import schema
from labellerr_ds.frames.merge import merge, report
from labellerr_ds.frames.merge.ids import is_number
from labellerr_ds.frames.merge.provenance import unite_info
from labellerr_ds.frames.schema import Table
from labellerr_ds.frames.tables import FILE_ROW, LIST_STATE, TABLE_NAMES, ListState, Tables, empty, from_frame, to_frame
from labellerr_ds.images.colors import OWN

if TYPE_CHECKING:
    from labellerr_ds.analysis.comparison import Comparison

T = TypeVar("T", Dataset, pd.DataFrame)
_OF_THE_WHOLE = frozenset(
    {"unknown_status", "duplicate_file_id", "duplicate_annotation_id", "duplicate_category_id", "dangling_category_id"}
)
"""Codes of issues that are reported anew, for the whole that comes out."""


def concat(parts: Sequence[T]) -> T:
    """Frames or datasets together, as the parts of one export; see `update` for an older and a newer export.

    Records of a file that are equal are one, and so are annotations with the same id of the service that are
    equal; what differs stays, and is reported in ``issues``. Ids that were made of positions count over all parts.
    COCO's numbers hold within their own part: of several, a number and a name are one image or category.

    Parameters
    ----------
    parts : sequence of Datasets, or of DataFrames of one table
        Frames with other columns than the schema's are put below each other as they are. Of files alone nobody
        knows the annotations: pass Datasets where the same file may be in several.

    Returns
    -------
    Dataset or DataFrame
        Rows in the order of the parts, with a plain RangeIndex; categories and provenance united.

    Raises
    ------
    InvalidArgumentError
        Where there are no parts, or a mixture.

    Examples
    --------
    >>> from labellerr_ds.frames import schema
    >>> concat([schema.empty("files"), schema.empty("files")]).shape
    (0, 14)
    """
    parts = list(parts)
    if not parts:
        raise InvalidArgumentError("no parts to concatenate.")
    if all(isinstance(part, pd.DataFrame) for part in parts):
        return cast(T, _concat_frames(parts))
    datasets = [part for part in parts if isinstance(part, Dataset)]
    if len(datasets) < len(parts):
        raise InvalidArgumentError("concat takes DataFrames or Datasets, not a mixture.")
    tables = merge(_batches([tables_of_dataset(dataset) for dataset in datasets]))
    _report(tables, pd.concat([dataset.issues for dataset in datasets]))
    tables = replace(tables, info=unite_info([dataset.info for dataset in datasets]))
    source = next((image_source_of(dataset) for dataset in datasets if image_source_of(dataset) is not None), None)
    return dataset_of_tables(tables, image_source=source)


def update(old: T, new: T) -> T:
    """An export brought up to date by a newer one: of each file in both, the newer's rows replace the older's.

    Parameters
    ----------
    old, new : Datasets, or frames of one level
        Which is newer follows from ``info["exported_at"]`` where both have it, else from the order of the arguments.
        A frame of annotations does not hold files without any: a file that lost its last annotation is only known
        to Datasets and to frames of files.

    Returns
    -------
    Dataset or DataFrame

    Raises
    ------
    InvalidArgumentError
        For a mixture, and what is neither.

    Examples
    --------
    >>> from labellerr_ds.frames import schema
    >>> old = schema.build("files", {"file_id": ["a", "b"], "status": ["review", "review"]}, 2)
    >>> new = schema.build("files", {"file_id": ["b"], "status": ["accepted"]}, 1)
    >>> update(old, new)[["file_id", "status"]].values.tolist()
    [['a', 'review'], ['b', 'accepted']]
    """
    if isinstance(old, Dataset) and isinstance(new, Dataset):
        _check_alike(old.info, new.info)
        older, newer = (old, new) if _in_order(old.info, new.info) else (new, old)
        return cast(T, concat([older.where(~_is_in(older.files, newer.files)), newer]))
    if isinstance(old, pd.DataFrame) and isinstance(new, pd.DataFrame):
        if "file_id" not in old or "file_id" not in new or _table_of(old) != _table_of(new):
            raise InvalidArgumentError("update takes two frames of files, or two of annotations.")
        infos = [frame.attrs.get("labellerr", {}) for frame in (old, new)]
        _check_alike(infos[0], infos[1])
        first, second = (old, new) if _in_order(infos[0], infos[1]) else (new, old)
        return cast(T, concat([first[~_is_in(first, second)].reset_index(drop=True), second]))
    raise InvalidArgumentError(
        f"update takes two Datasets or two DataFrames, got {type(old).__name__} and {type(new).__name__}."
    )


def _check_alike(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Warn about exports that do not carry the same: rows of a file are replaced wholly."""
    for key, why in (("format", "carry different things"), ("project_id", "have no file in common")):
        if old.get(key) and new.get(key) and old[key] != new[key]:
            warn(f"update of exports with different {key} ({old[key]!r}, {new[key]!r}), which {why}.")


def _in_order(old: dict[str, Any], new: dict[str, Any]) -> bool:
    times = [info.get("exported_at") for info in (old, new)]
    if not all(isinstance(time, str) for time in times):
        return True
    return bool(pd.Timestamp(times[0]) <= pd.Timestamp(times[1]))


def _is_in(old: pd.DataFrame, new: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows of `old` are of a file that `new` has; a number of COCO stands for a file together with its name."""
    number = "coco_id" if "label_state" in old else "coco_image_id"

    def keys(frame: pd.DataFrame) -> list[Any]:
        numbers = frame[number] if number in frame else [None] * len(frame)
        return [
            None if pd.isna(file_id) else (file_id, name) if _numbered(file_id, coco_id) else file_id
            for file_id, name, coco_id in zip(frame["file_id"], frame["file_name"], numbers, strict=True)
        ]

    known = set(keys(new)) - {None}
    return np.array([key in known for key in keys(old)], dtype=bool)


def _numbered(file_id: str, coco_id: Any) -> bool:
    return not pd.isna(coco_id) and is_number(file_id, int(coco_id))


def _report(tables: Tables, known: pd.DataFrame) -> None:
    """Warn about what no part had reported already."""
    pairs, codes = set(zip(known["code"], known["id"], strict=True)), set(known.loc[known["id"].isna(), "code"])
    rows = zip(tables.issues["code"].to_pylist(), tables.issues["id"].to_pylist(), strict=True)
    new = [pair not in pairs and pair[0] not in codes for pair in rows]
    report(tables.issues.filter(pa.array(new, pa.bool_())), Counter(), source="concat", strict=False)


# --- to batches


def _batches(parts: Sequence[Tables]) -> list[Tables]:
    """Tables as the parts of one export; annotations of files that only another part has go with that one."""
    batches: list[Tables] = []
    homes: dict[str, tuple[int, int]] = {}
    for part, batch in enumerate(parts):
        for row, file_id in enumerate(batch.files["file_id"].to_pylist()):
            homes.setdefault(file_id, (part, row))
    for part, batch in enumerate(parts):
        ids = batch.annotations["file_id"]
        rows = pc.index_in(ids, batch.files["file_id"], skip_nulls=True).fill_null(-1).to_numpy().astype(np.int64)
        issues = batch.issues.filter(pc.invert(pc.is_in(batch.issues["code"], pa.array(sorted(_OF_THE_WHOLE)))))
        elsewhere = np.zeros(len(rows), dtype=bool)
        if (rows < 0).any():
            elsewhere = (rows < 0) & np.array([file_id in homes for file_id in ids.to_pylist()], dtype=bool)
        own = pa.array(~elsewhere)
        has_none = batch.files["annotation_count"].to_numpy() == 0
        has_state = batch.files["label_state"].is_valid().to_numpy().astype(bool)
        states = np.where(has_none & has_state, ListState.EMPTY, ListState.FOUND)
        batches.append(
            Tables(
                batch.files.append_column(LIST_STATE, pa.array(states.astype(np.int64))),
                batch.annotations.append_column(FILE_ROW, pa.array(rows)).filter(own),
                batch.categories,
                issues,
                info=batch.info,
                raw=batch.raw,
                raw_header=batch.raw_header,
                part=part,
                unclear_files=frozenset(np.flatnonzero(has_none & ~has_state).tolist()),
            )
        )
        batches += _moved(batch.annotations.filter(pa.array(elsewhere)), homes)
    return batches


def _moved(annotations: pa.Table, homes: dict[str, tuple[int, int]]) -> list[Tables]:
    places = [homes[file_id] for file_id in annotations["file_id"].to_pylist()]
    nothing = {name: empty(name) for name in TABLE_NAMES}
    batches = []
    for part in dict.fromkeys(part for part, _ in places):
        mine = pa.array([place[0] == part for place in places])
        rows = pa.array([row for home, row in places if home == part], pa.int64())
        batches.append(
            Tables(
                **{**nothing, "annotations": annotations.filter(mine).append_column(FILE_ROW, rows)},
                part=part,
            )
        )
    return batches


# --- frames


def _table_of(frame: pd.DataFrame) -> Table | None:
    """The table of the schema that has exactly these columns."""
    names = set(frame.columns)
    return next((name for name in TABLE_NAMES if names == {column.name for column in schema.TABLES[name]}), None)


def _concat_frames(frames: list[pd.DataFrame]) -> pd.DataFrame:
    name = _table_of(frames[0])
    if name in (None, "issues") or any(_table_of(frame) != name for frame in frames):
        return below_each_other(frames)
    batches = []
    for part, frame in enumerate(frames):
        tables = {str(each): empty(each) for each in TABLE_NAMES}
        tables[str(name)] = from_frame(frame, name)
        if name == "files":
            # files alone: their counts and states follow from those that they have, below
            states = pa.array(np.full(len(frame), ListState.EMPTY, dtype=np.int64))
            tables[str(name)] = tables[str(name)].append_column(LIST_STATE, states)
        batches.append(Tables(**tables, part=part))
    done = merge(batches)
    _report(done, pd.DataFrame({"code": ["unknown_status"], "id": [None]}))
    joined = to_frame(getattr(done, str(name)), name)
    if name == "files":
        joined = joined.assign(**_counts_of(frames, joined))
    joined.attrs = _attrs_of(frames)
    return joined


def _attrs_of(frames: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """The provenance of all, and the project's colours, of two for one class the first."""
    attrs: dict[str, Any] = {"labellerr": unite_info([frame.attrs.get("labellerr", {}) for frame in frames])}
    colors = {name: color for frame in reversed(frames) for name, color in frame.attrs.get(OWN, {}).items()}
    return {**attrs, OWN: colors} if colors else attrs


def _counts_of(frames: list[pd.DataFrame], joined: pd.DataFrame) -> dict[str, Any]:
    """Counts and states of files alone: what their frames have, records of one id that differ summed."""
    every = pd.concat([frame[["file_id", "file_name", "annotation_count"]] for frame in frames], ignore_index=True)
    missing = every["file_id"].isna()
    sums = every[~missing].drop_duplicates().groupby("file_id")["annotation_count"].sum()
    counts = np.array(joined["file_id"].map(sums).fillna(0), dtype=np.int64)
    counts[joined["file_id"].isna().to_numpy()] = every.loc[missing, "annotation_count"].to_numpy()
    statuses = joined["status"].cat
    # a state that is missing in one of the frames was not known: the file may have labels
    unknown = {
        file_id
        for frame in frames
        for file_id in frame.loc[frame["label_state"].isna() & frame["annotation_count"].eq(0), "file_id"].dropna()
    }
    is_known = ~joined["file_id"].isin(unknown).to_numpy(dtype=bool)
    states = schema.label_states(statuses.codes.to_numpy(), statuses.categories, counts, found_empty=is_known)
    return {"annotation_count": counts, "label_state": schema.categorical(states, schema.LABEL_STATES)}


def below_each_other(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows in the order of the frames, whatever their columns; the categories of category columns are united."""
    plain = []
    for frame in frames:
        bare = frame.copy(deep=False)
        bare.attrs = {}
        plain.append(bare)
    for name in frames[0].columns:
        columns = [frame[name] for frame in plain if name in frame]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
            words = list(dict.fromkeys(word for column in columns for word in column.cat.categories))
            for frame in plain:
                if name in frame:
                    codes = np.array([words.index(word) for word in frame[name].cat.categories] + [-1])
                    frame[name] = schema.categorical(codes[frame[name].cat.codes], words)
    joined = pd.concat(plain, ignore_index=True)
    joined.attrs = _attrs_of(frames)
    return joined


# --- differences


def compare(a: Any, b: Any = None, *, iou: float = 0.5) -> Comparison:
    """What differs between two datasets: two annotators, two versions, labels and predictions.

    Annotations of one id are one; else those of one file are paired by IoU (of masks too), the best first and
    those of one class before others; answers in words by their question.

    Parameters
    ----------
    a, b : Dataset, or annotations frame
        Files are known by their ids; where no id is in both and names are unique, by their names. Without `b` the
        predictions of `a`.
    iou : float
        The IoU from which two shapes may be one.

    Returns
    -------
    Comparison
        ``.annotations`` (a row a pair or single), ``.files`` (what changed in each), ``.per_class``, ``.confusion``;
        where `b` has scores, ``.figures``.

    Examples
    --------
    >>> from labellerr_ds.dataset.dataset import empty_dataset
    >>> nothing = empty_dataset(None, {})
    >>> compare(nothing, nothing)
    Comparison(0 files: 0 same, 0 moved, 0 reclassified, 0 changed, 0 added, 0 removed)
    """
    from labellerr_ds.analysis.comparison import compare_frames

    if isinstance(a, Dataset) and b is None:
        b = a.predictions
    frames: list[pd.DataFrame] = []
    for side in (a, b):
        if isinstance(side, Dataset):
            frames += [side.files, side.annotations]
        elif isinstance(side, pd.DataFrame) and {"annotation_id", "segmentation", "file_id"} <= set(side.columns):
            frames += [side[["file_id", "file_name", "status"]], side]
        else:
            raise InvalidArgumentError(
                f"compare takes Datasets or annotations frames of labellerr_ds, got {type(side).__name__}."
            )
    frames = _by_name(frames)
    comparison = replace(compare_frames(frames[0], frames[1], frames[2], frames[3], iou=iou), sides=(a, b))
    if "score" not in frames[3]:
        return comparison
    from labellerr_ds.analysis.evaluation import figures

    return replace(comparison, figures=figures(frames[1], frames[3], comparison.annotations))


def _by_name(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Files and annotations of two sides, those of the second under the ids of the first where only names are shared.

    Other tools' folders have names and no ids of the service.
    """
    mine, theirs = (frames[place][["file_id", "file_name"]].dropna().drop_duplicates() for place in (0, 2))
    if mine.empty or theirs.empty or set(mine["file_id"]) & set(theirs["file_id"]):
        return frames
    mine, theirs = (side[~side["file_name"].duplicated(keep=False)] for side in (mine, theirs))
    own = dict(zip(mine["file_name"], mine["file_id"], strict=True))
    names = zip(theirs["file_id"], theirs["file_name"], strict=True)
    new = {file_id: own[name] for file_id, name in names if name in own}
    if not new:
        return frames
    warn(f"no file_id is in both: {len(new):,} files were matched by their names.")

    def renamed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(file_id=schema.text([new.get(each, each) for each in frame["file_id"].astype(object)]))

    return [frames[0], frames[1], renamed(frames[2]), renamed(frames[3])]
