"""Train, validation and test without leakage: groups stay together, and no file moves when more come."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.core.hint import argument, call, either
from labellerr_ds.frames import schema
from labellerr_ds.images.files import locate
from labellerr_ds.images.similarity import alike, difference_hash, groups_of

NEAR_DUPLICATES = "near_duplicates"
COLUMNS = ("file_id", "file_name", "split", "group")


def split_files(
    files: pd.DataFrame,
    annotations: pd.DataFrame,
    shares: Mapping[str, float],
    *,
    stratify: bool = False,
    group: Any = None,
    previous: Any = None,
    seed: int = 0,
    images: Any = None,
) -> pd.DataFrame:
    """A row a file: `file_id`, `file_name`, `split` (category), `group`; see `Dataset.split`."""
    check_shares(shares)
    names = list(shares)
    ids = files["file_id"].dropna().drop_duplicates().tolist()
    groups = _groups(files, ids, group, images)
    before, voted = _previous(previous, names)
    if previous is None and (isinstance(group, list | tuple) or (isinstance(group, str) and group == NEAR_DUPLICATES)):
        warn(
            "such a group is named after its smallest file_id, and more files may rename it.",
            hint=either(call("split.save(path)"), argument("previous")),
        )
    placed = _sticky(ids, groups, before, voted)
    left = [key for key in dict.fromkeys(groups[file_id] for file_id in ids) if key not in placed]
    if stratify:
        placed.update(_stratified(left, placed, ids, groups, annotations, shares, seed))
    else:
        placed.update({key: _by_hash(key, shares, seed) for key in left})
    table = files.drop_duplicates("file_id").dropna(subset=["file_id"])
    splits = [before.get(file_id) or placed[groups[file_id]] for file_id in ids]
    return pd.DataFrame(
        {
            "file_id": schema.text(ids),
            "file_name": table["file_name"].array,
            "split": schema.categorical([names.index(each) for each in splits], names),
            "group": schema.text([groups[file_id] for file_id in ids]),
        }
    )


def check_shares(shares: Mapping[str, float]) -> None:
    """Refuse shares that are none, or do not sum to 1.

    Raises
    ------
    InvalidArgumentError
    """
    if not shares:
        raise InvalidArgumentError("the shares must sum to 1; there are none.")
    for name, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InvalidArgumentError(f"{name} must be a share from 0 to 1, got {share!r}.")
    if abs(sum(shares.values()) - 1) > 1e-6:
        summed = " + ".join(f"{name} {share:g}" for name, share in shares.items())
        raise InvalidArgumentError(f"the shares must sum to 1; {summed} is {sum(shares.values()):g}.")


# --- groups


def _groups(files: pd.DataFrame, ids: list[str], group: Any, images: Any) -> dict[str, str]:
    """The group of each file; without one it is a group of its own."""
    if group is None:
        return {file_id: file_id for file_id in ids}
    several = group if isinstance(group, list | tuple) else [group]
    keyed = [_keys(files, each, images) for each in several]
    if len(keyed) == 1:
        return {file_id: keyed[0].get(file_id, file_id) for file_id in ids}
    pairs = [(f"f:{file_id}", f"{place}:{keys[file_id]}") for place, keys in enumerate(keyed) for file_id in keys]
    united = groups_of(pairs)
    smallest: dict[str, str] = {}
    for file_id in sorted(ids):
        smallest.setdefault(united.get(f"f:{file_id}", file_id), file_id)
    return {file_id: smallest[united.get(f"f:{file_id}", file_id)] for file_id in ids}


def _keys(files: pd.DataFrame, group: Any, images: Any) -> dict[str, str]:
    """The key of each file that has one, by a column, a mapping, a function of the row, or what images look like."""
    if isinstance(group, str) and group == NEAR_DUPLICATES:
        if images is None:
            raise InvalidArgumentError(f"group {NEAR_DUPLICATES!r} needs the images.", hint=argument("images"))
        where = locate(files, images)
        if missing := len(files) - len(where):
            warn(f"{missing:,} of {len(files):,} files have no image, and are taken to look like none other.")
        hashes = {file_id: difference_hash(path) for file_id, path in where.items()}
        return groups_of(alike({key: value for key, value in hashes.items() if value is not None}))
    if isinstance(group, str):
        if group not in files:
            raise InvalidArgumentError(
                f"group {group!r} is not a column of files; expected {NEAR_DUPLICATES!r} or one of "
                f"{', '.join(files.columns)}."
            )
        return {key: str(value) for key, value in files[["file_id", group]].dropna().itertuples(index=False)}
    if (
        isinstance(group, pd.Series)
        and group.index.equals(files.index)
        and not group.index.isin(files["file_id"]).any()
    ):
        group = dict(zip(files["file_id"], group, strict=True))  # by row, as df["column"].str... gives it
    if isinstance(group, pd.Series):
        group = group.to_dict()
    if isinstance(group, Mapping):
        labels = {str(key): str(value) for key, value in group.items() if not pd.isna(value)}
        if len(files) and not files["file_id"].isin(list(labels)).any():
            raise InvalidArgumentError("group names none of the files: its keys must be values of file_id.")
        return labels
    if callable(group):
        groups = {row["file_id"]: group(row) for _, row in files.iterrows()}
        return {key: str(value) for key, value in groups.items() if not pd.isna(value)}
    raise InvalidArgumentError(
        f"group must be a column of files, a mapping or Series by file_id, a function of a row, {NEAR_DUPLICATES!r}, "
        f"or a list of these; got {type(group).__name__}."
    )


# --- what was split before


def _previous(previous: Any, names: list[str]) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The split of each earlier file; and its group, with the file and the split, where that is told."""
    if previous is None:
        return {}, []
    if isinstance(previous, str | Path):
        path = Path(previous)
        if not path.is_file():
            raise InvalidArgumentError(f"previous names the file {path}, which is not there.")
        reader = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
        previous = reader(path) if path.suffix == ".parquet" else reader(path, dtype=str)
    previous = getattr(previous, "files", previous)
    if not isinstance(previous, pd.DataFrame) or not {"file_id", "split"} <= set(previous.columns):
        raise InvalidArgumentError("previous must be an earlier split: a frame, or a file, with file_id and split.")
    known = previous[["file_id", "split"]].dropna().astype(str)
    if unknown := set(known["split"]) - set(names):
        raise InvalidArgumentError(f"previous has the split {sorted(unknown)[0]!r}, which is not asked for now.")
    grouped: list[tuple[str, str, str]] = []
    if "group" in previous:
        grouped = list(previous[["group", "file_id", "split"]].dropna().astype(str).itertuples(index=False, name=None))
    return dict(known.itertuples(index=False)), grouped


def _sticky(
    ids: list[str], groups: dict[str, str], before: dict[str, str], voted: list[tuple[str, str, str]]
) -> dict[str, str]:
    """The split of each group that has files from before; one that bridges two is told, and nobody moves."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for file_id in ids:
        if file_id in before:
            votes[groups[file_id]][before[file_id]] += 1
    here = set(ids)
    for key, file_id, split in voted:  # earlier files that this export does not hold still keep their group
        if file_id not in here:
            votes[key][split] += 1
    bridged = {key: counter for key, counter in votes.items() if len(counter) > 1}
    if bridged:
        key, counter = next(iter(bridged.items()))
        warn(
            f"{len(bridged):,} groups hold files of several earlier splits; those stay where they are, new ones go "
            f"where most are. The first is {key!r}: {dict(counter)}.",
            hint=call("split.leaks"),
        )
    return {key: counter.most_common(1)[0][0] for key, counter in votes.items()}


# --- new groups


def _by_hash(key: str, shares: Mapping[str, float], seed: int) -> str:
    """A split that follows from the key alone, so that what comes later never moves it."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode()).digest()
    place, reached = int.from_bytes(digest[:8], "big") / 2**64, 0.0
    for name, share in shares.items():
        reached += share
        if place < reached:
            return name
    return [name for name, share in shares.items() if share][-1]


def _stratified(
    left: list[str],
    placed: Mapping[str, str],
    ids: list[str],
    groups: Mapping[str, str],
    annotations: pd.DataFrame,
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, str]:
    """Iterative stratification of groups by the classes in their files (Sechidis, Tsoumakas and Vlahavas, 2011).

    The rarest class is dealt out first, each group to the split that lacks it most; files without a class
    count as a class of their own. What was placed before counts.
    """
    names = list(shares)
    classes = _classes(annotations)
    keys = list(dict.fromkeys([*placed, *left]))
    place_of = {key: place for place, key in enumerate(keys)}
    labels = sorted({name for assigned in classes.values() for name in assigned} | {""})
    label_of = {name: place for place, name in enumerate(labels)}
    counts = np.zeros((len(keys), len(labels)))  # files of each group with each class
    sizes = np.zeros(len(keys))
    for file_id in ids:
        row = place_of[groups[file_id]]
        sizes[row] += 1
        for name in classes.get(file_id) or {""}:
            counts[row, label_of[name]] += 1
    weights = np.array([shares[name] for name in names])
    wanted = weights[:, None] * counts.sum(axis=0)  # still lacking of each class, and of files
    room = weights * sizes.sum()
    for key, name in placed.items():
        if key in place_of:
            wanted[names.index(name)] -= counts[place_of[key]]
            room[names.index(name)] -= sizes[place_of[key]]
    # ties fall as the hash says, so that the order of rows does not matter
    order = sorted(left, key=lambda key: hashlib.sha256(f"{seed}\0{key}".encode()).digest())
    open_rows = [place_of[key] for key in order]
    assigned: dict[str, str] = {}
    while open_rows:
        remaining = counts[open_rows].sum(axis=0)
        rarest = int(np.argmin(np.where(remaining > 0, remaining, np.inf)))
        mine = sorted((row for row in open_rows if counts[row, rarest]), key=lambda row: -counts[row, rarest])
        for row in mine:
            best = max(range(len(names)), key=lambda split: (wanted[split, rarest], room[split], weights[split]))
            assigned[keys[row]] = names[best]
            wanted[best] -= counts[row]
            room[best] -= sizes[row]
        taken = set(mine)
        open_rows = [row for row in open_rows if row not in taken]
    return assigned


def _classes(annotations: pd.DataFrame) -> dict[str, set[str]]:
    pairs = annotations[["file_id", "category"]].dropna().drop_duplicates()
    by_file: dict[str, set[str]] = defaultdict(set)
    for file_id, name in pairs.itertuples(index=False):
        by_file[file_id].add(str(name))
    return by_file


# --- what became of it


def leaks(table: pd.DataFrame, extra: Iterable[tuple[str, str]] = ()) -> pd.DataFrame:
    """What stands in several splits: a row a group or name, with the splits and how many files.

    Parameters
    ----------
    table : DataFrame
        As `split_files` gives it.
    extra : iterable of (file_id, file_id)
        Pairs that belong together beside the groups.
    """
    rows: list[tuple[str, str, str, int]] = []
    for kind, column in (("group", "group"), ("file_name", "file_name")):
        known = table.dropna(subset=[column])
        spread = known.groupby(column, observed=True)["split"].nunique()
        for key in spread.index[spread > 1]:
            mine = known[known[column] == key]
            rows.append((kind, str(key), ", ".join(sorted(mine["split"].astype(str).unique())), len(mine)))
    split_of = dict(zip(table["file_id"], table["split"].astype(str), strict=True))
    for one, other in extra:
        if split_of.get(one) != split_of.get(other) and one in split_of and other in split_of:
            rows.append(("alike", f"{one}, {other}", ", ".join(sorted({split_of[one], split_of[other]})), 2))
    columns: Sequence[str] = ("kind", "key", "splits", "files")
    made: list[Any] = list(zip(*rows, strict=True)) if rows else [[], [], [], []]
    return pd.DataFrame(
        {
            name: schema.text(list(values)) if name != "files" else np.array(values, dtype=np.int64)
            for name, values in zip(columns, made, strict=True)
        }
    )


def balance(table: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """How each class fell out: a row a class, and for each split its files, annotations, and share of the annotations.

    The first row, ``(files)``, counts the files themselves.
    """
    names = list(table["split"].cat.categories)
    split_of = dict(zip(table["file_id"], table["split"].astype(str), strict=True))
    labelled = annotations[["file_id", "category"]].dropna()
    labelled = pd.DataFrame(
        {
            "file_id": labelled["file_id"].to_numpy(dtype=object),
            "category": labelled["category"].astype(str).to_numpy(dtype=object),
            "split": labelled["file_id"].map(split_of).to_numpy(dtype=object),
        }
    ).dropna()
    rows = []
    total = table["split"].value_counts().reindex(names, fill_value=0)
    rows.append(
        [
            "(files)",
            *(value for name in names for value in (total[name], total[name], total[name] / max(len(table), 1))),
        ]
    )
    for category in sorted(labelled["category"].unique()):
        mine = labelled[labelled["category"] == category]
        row: list[Any] = [category]
        for name in names:
            part = mine[mine["split"] == name]
            row += [part["file_id"].nunique(), len(part), len(part) / len(mine)]
        rows.append(row)
    heads = ["category", *(f"{name}_{what}" for name in names for what in ("files", "annotations", "share"))]
    return pd.DataFrame(rows, columns=heads).astype({"category": schema.TEXT})
