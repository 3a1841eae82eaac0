"""Splits: by hash and sticky, groups whole, classes even where asked, leaks told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.analysis import splits
from labellerr_ds.dataset.dataset import Dataset
from labellerr_ds.frames import schema
from labellerr_ds.sandbox import Sandbox

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def dataset(count, classes=None, **columns):
    """Files f0, f1, …; `classes` gives the class or classes of each."""
    ids = [f"f{number}" for number in range(count)]
    given = {"file_id": ids, "file_name": [f"{name}.jpg" for name in ids], "status": ["accepted"] * count, **columns}
    files = schema.build("files", given, count)
    pairs = [(ids[place], name) for place, names in enumerate(classes or []) for name in np.atleast_1d(names)]
    made = {
        "file_id": [pair[0] for pair in pairs],
        "category": [str(pair[1]) for pair in pairs],
        "type": ["bbox"] * len(pairs),
    }
    annotations = schema.build("annotations", made, len(pairs))
    return Dataset(files, annotations, schema.empty("categories"), schema.empty("issues"))


def test_a_split_is_three_datasets_that_are_the_whole():
    whole = dataset(500, [["car"]] * 500)
    split = whole.split()
    train, val, test = split
    assert len(train) + len(val) + len(test) == 500
    assert not set(train.files["file_id"]) & set(test.files["file_id"])
    assert set(train.annotations["file_id"]) == set(train.files["file_id"])
    assert len(split["val"]) == len(val)
    assert train.files.columns.equals(whole.files.columns)
    with pytest.raises(lds.InvalidArgumentError, match="unknown split 'dev'"):
        split["dev"]


@settings(max_examples=30)
@given(st.integers(1, 200), st.integers(0, 50), st.integers(0, 9))
def test_files_that_come_later_never_move_one(count, more, seed):
    before = dataset(count).split(seed=seed).files
    after = dataset(count + more).split(seed=seed).files
    assert after["split"].astype(str).tolist()[:count] == before["split"].astype(str).tolist()


def test_the_order_of_rows_and_the_machine_do_not_matter():
    split = dataset(100).split(seed=3).files.set_index("file_id")["split"].astype(str)
    shuffled = dataset(100)
    object.__setattr__(shuffled, "files", shuffled.files.sample(frac=1, random_state=1).reset_index(drop=True))
    again = shuffled.split(seed=3).files.set_index("file_id")["split"].astype(str)
    assert again[split.index].tolist() == split.tolist()
    assert split[["f0", "f1", "f2", "f3", "f4", "f5"]].tolist() == ["train", "train", "train", "test", "train", "train"]


def test_another_seed_is_another_split():
    assert dataset(100).split(seed=1).files["split"].tolist() != dataset(100).split(seed=2).files["split"].tolist()


@pytest.mark.parametrize("stratify", [False, True])
def test_groups_are_never_torn(stratify):
    rng = np.random.default_rng(0)
    whole = dataset(
        300, [["car"] if rng.random() < 0.5 else [] for _ in range(300)], remarks=[f"g{n % 37}" for n in range(300)]
    )
    ways = [
        "remarks", lambda row: row["remarks"], dict(zip(whole.files["file_id"], whole.files["remarks"], strict=True)),
        whole.files.set_index("file_id")["remarks"],
    ]  # fmt: skip
    for group in ways:
        split = whole.split(0.6, 0.2, 0.2, group=group, stratify=stratify)
        assert split.files.groupby("group")["split"].nunique().max() == 1
        assert split.files["group"].nunique() == 37
        assert split.leaks[split.leaks["kind"] == "group"].empty


def test_what_hangs_together_by_any_of_several_groups_is_one():
    whole = dataset(4, remarks=["a", "a", "b", "c"], file_format=["x", "y", "y", "z"])
    with pytest.warns(lds.LabellerrWarning, match="Hint: split.save.path. or previous="):
        split = whole.split(group=["remarks", "file_format"])
    assert split.files["group"].tolist() == ["f0", "f0", "f0", "f3"]


def test_images_that_look_alike_stay_together(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (60, 80), dtype=np.uint8) for _ in range(6)]
    pictures = [np.asarray(Image.fromarray(each).resize((8, 6)).resize((80, 60))) for each in pictures]
    paths = {}
    for number in range(12):
        picture = np.clip(pictures[number % 6].astype(int) + (number >= 6) * 2, 0, 255).astype(np.uint8)
        paths[f"f{number}"] = tmp_path / f"{number}.png"
        Image.fromarray(picture).save(paths[f"f{number}"])
    with pytest.warns(lds.LabellerrWarning, match="Hint: split.save.path. or previous="):
        split = dataset(12).split(group="near_duplicates", images=paths)
    assert split.files["group"].tolist() == [min(f"f{number % 6}", f"f{number % 6 + 6}") for number in range(12)]
    with pytest.raises(lds.InvalidArgumentError, match="Hint: images="):
        dataset(3).split(group="near_duplicates")


def test_classes_are_dealt_out_evenly_where_that_is_asked_for():
    rng = np.random.default_rng(1)
    names = ["common", "rare", "rarer"]
    classes = [
        [name for name, share in zip(names, (0.7, 0.1, 0.04), strict=True) if rng.random() < share] for _ in range(600)
    ]
    whole = dataset(600, classes)
    balance = whole.split(stratify=True).balance.set_index("category")
    for name in names:
        assert balance.loc[name, "train_share"] == pytest.approx(0.8, abs=0.05)
        assert balance.loc[name, "test_files"] >= 1
    assert balance.loc["(files)", "train_share"] == pytest.approx(0.8, abs=0.01)
    by_hash = whole.split().balance.set_index("category")

    def distance(table):
        return sum(abs(table.loc[name, f"{split}_share"] - share) for name in names for split, share in SHARES.items())

    assert distance(balance) < distance(by_hash)


@pytest.mark.parametrize("form", ["split", "frame", "csv", "parquet"])
def test_an_earlier_split_is_kept_and_new_files_are_dealt_out(tmp_path, form):
    classes = [["a"], ["b"]] * 150
    before = dataset(200, classes[:200]).split(stratify=True)
    given = {"split": before, "frame": before.files}.get(form)
    if given is None:
        given = before.save(tmp_path / f"split.{form}")
    after = dataset(300, classes).split(stratify=True, previous=given)
    old = before.files.set_index("file_id")["split"].astype(str)
    new = after.files.set_index("file_id")["split"].astype(str)
    assert new[old.index].equals(old)
    assert (new == "train").mean() == pytest.approx(0.8, abs=0.02)


def test_a_group_that_bridges_two_earlier_splits_is_told_and_nobody_moves():
    before = pd.DataFrame({"file_id": ["f0", "f1", "f2"], "split": ["train", "test", "train"]})
    whole = dataset(4, remarks=["g", "g", "g", "g"])
    with pytest.warns(lds.LabellerrWarning, match=r"1 groups hold files of several earlier splits.*'g'"):
        split = whole.split(group="remarks", previous=before)
    assert split.files["split"].astype(str).tolist() == ["train", "test", "train", "train"]
    leaks = split.leaks
    assert leaks[["kind", "key", "splits", "files"]].to_numpy().tolist() == [["group", "g", "test, train", 4]]


@pytest.mark.parametrize("stratify", [False, True])
def test_an_export_of_new_files_alone_keeps_the_groups_of_the_earlier_split(stratify):
    scenes = [f"s{number % 12}" for number in range(100)]
    whole = dataset(100, [["a"]] * 100, remarks=scenes)
    first, later = (whole.only([f"f{number}" for number in part]) for part in (range(50), range(50, 100)))
    before = first.split(group="remarks", stratify=True, seed=5)
    after = later.split(group="remarks", stratify=stratify, previous=before)
    both = pd.concat([before.files, after.files])
    assert both.groupby("group")["split"].nunique().max() == 1


def test_a_series_by_row_is_a_group_as_well_and_one_that_names_no_file_is_refused():
    whole = dataset(20)
    scenes = whole.files["file_name"].str[1:2]
    split = whole.split(group=scenes)
    assert split.files["group"].tolist() == scenes.tolist()
    with pytest.raises(lds.InvalidArgumentError, match="names none of the files"):
        whole.split(group={"x": "y"})
    assert whole.split(group=lambda row: None).files["group"].tolist() == whole.files["file_id"].tolist()


def test_names_that_stand_in_several_splits_are_told():
    table = splits.split_files(dataset(2).files, dataset(2).annotations, SHARES)
    table["file_name"] = schema.text(["a.jpg", "a.jpg"])
    table["split"] = schema.categorical([0, 2], list(SHARES))
    told = splits.leaks(table, [("f0", "f1")])
    assert told["kind"].tolist() == ["file_name", "alike"]


def test_a_year_of_exports_moves_no_file_and_keeps_the_shares():
    with Sandbox(files=1500, export_seconds=0) as sandbox:
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        placed, files = {}, pd.DataFrame()
        for _ in range(12):
            part = lds.export_dataset(project, "all", level_of_files(placed, sandbox), allow_empty=True, progress=False)
            for file_id, name in part.split().files[["file_id", "split"]].itertuples(index=False):
                assert placed.setdefault(file_id, name) == name
            sandbox.advance(days=30.5)
        whole = lds.export_dataset(project, "all", progress=False)
        files = whole.split().files
        assert all(placed.get(row.file_id, row.split) == row.split for row in files.itertuples())
        for name, share in SHARES.items():
            assert (files["split"] == name).mean() == pytest.approx(share, abs=0.02)


def level_of_files(placed, sandbox):
    """The first export is a full one, the others ask for what changed in the month."""
    return None if not placed else sandbox.now - pd.Timedelta(days=30.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"train": 0.5}, "must sum to 1"), ({"train": 1.2, "val": -0.1, "test": -0.1}, "a share from 0 to 1"),
        ({"group": "zorp"}, "not a column of files"), ({"group": 3}, "group must be"),
        ({"previous": "nowhere.csv"}, "not there"),
        ({"previous": pd.DataFrame({"x": [1]})}, "previous must be"),
        ({"previous": pd.DataFrame({"file_id": ["f0"], "split": ["dev"]})}, "'dev', which is not asked for"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_meant_is_refused(arguments, words):
    with pytest.raises(lds.InvalidArgumentError, match=words):
        dataset(5).split(**arguments)


def test_a_split_of_nothing_is_three_empty_datasets(tmp_path):
    assert [len(part) for part in dataset(0).split()] == [0, 0, 0]
    assert dataset(0).split().balance["category"].tolist() == ["(files)"]
    with pytest.raises(lds.InvalidArgumentError, match=r"\.csv or \.parquet"):
        dataset(1).split().save(tmp_path / "split.xlsx")
