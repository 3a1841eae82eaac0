"""What is written lies beside until it is whole, and replaces what was there wholly or not at all."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from thorough import examples

import labellerr_ds as lds
from labellerr_ds.core import temp_names
from labellerr_ds.core.atomic import file_at, folder_at


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def broken(at, target):
    with at(target, overwrite=True) as made:
        (made / "new" if made.is_dir() else made).write_text("half")
        raise RuntimeError


@pytest.mark.parametrize("at", [folder_at, file_at])
def test_where_something_fails_the_old_stays_and_nothing_beside_it(tmp_path, at):
    target = tmp_path / "out"
    if at is folder_at:
        target.mkdir()
        (target / "old").write_text("old")
    else:
        target.write_text("old")
    before = tree(tmp_path)
    with pytest.raises(RuntimeError):
        broken(at, target)
    assert tree(tmp_path) == before
    with pytest.raises(lds.InvalidArgumentError, match="overwrite=True"), at(target, overwrite=False):
        pass
    assert tree(tmp_path) == before


def test_a_folder_is_replaced_wholly(tmp_path):
    target = tmp_path / "a" / "out"
    for name in ("one", "two"):
        with folder_at(target, overwrite=name == "two") as made:
            (made / name).write_text(name)
        assert list(tree(target)) == [name]
    assert os.listdir(tmp_path / "a") == ["out"]


@pytest.fixture
def dataset(project):
    return lds.export_dataset(project, ["accepted"], progress=False)


WRITERS = ["to_parquet", "to_coco_json", "to_yolo", "to_pascal_voc", "to_panoptic"]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.filterwarnings("ignore::labellerr_ds.LabellerrWarning")
def test_every_writer_refuses_what_is_there_and_replaces_it_where_that_is_asked_for(dataset, tmp_path, writer):
    write = getattr(dataset, writer)
    write(tmp_path / "out")
    before = tree(tmp_path)
    with pytest.raises(lds.InvalidArgumentError, match="exists already.\nHint: overwrite=True"):
        write(tmp_path / "out")
    assert tree(tmp_path) == before
    write(tmp_path / "out", overwrite=True)
    assert tree(tmp_path).keys() == before.keys()


def test_tables_of_two_datasets_in_one_folder_are_refused(dataset, tmp_path, project):
    one, other = tmp_path / "one", tmp_path / "other"
    dataset.to_parquet(one)
    lds.export_dataset(project, "all", progress=False).to_parquet(other)
    (other / "annotations.parquet").replace(one / "annotations.parquet")
    with pytest.raises(lds.ReadError, match="not the file of this dataset"):
        lds.read_export(one)
    info = json.loads((other / "info.json").read_text())
    info["manifest"]["schema"] = 99
    (one / "info.json").write_text(json.dumps(info))
    dataset.to_parquet(one, overwrite=True)
    pd.testing.assert_frame_equal(lds.read_export(one).annotations, dataset.annotations)


CHILD = """
import sys, labellerr_ds as lds
dataset = lds.read_export(sys.argv[1])
print("ready", flush=True)
while True:
    dataset.to_parquet(sys.argv[2], overwrite=True)
"""


def test_a_dataset_whose_writer_is_killed_is_the_old_one_or_the_new_one(dataset, tmp_path):
    dataset.to_parquet(tmp_path / "source")
    target, rng = tmp_path / "target" / "labels", random.Random(3)
    for _ in range(examples(20, 4)):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path / "source"), str(target)], stdout=subprocess.PIPE
        )
        child.stdout.readline()
        time.sleep(0.3 + rng.random() / 5)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if not target.exists():  # killed between two renames: the old one lies beside, whole
            (old,) = (path for path in target.parent.glob(".part-*/old"))
            old.rename(target)
        pd.testing.assert_frame_equal(lds.read_export(target).annotations, dataset.annotations)


def test_a_reader_puts_back_what_was_aside_when_a_writer_was_killed(dataset, tmp_path, monkeypatch):
    target = dataset.to_parquet(tmp_path / "labels")
    monkeypatch.setattr(temp_names, "_machine", lambda: "0123abcd")  # another machine's
    aside = temp_names.new_folder(target, "old")
    monkeypatch.undo()
    target.rename(aside / "old")
    with pytest.raises(lds.ReadError, match="nothing exists"):
        lds.read_export(target)  # it may still be writing
    os.utime(aside, (0, 0))
    pd.testing.assert_frame_equal(lds.read_export(target).annotations, dataset.annotations)
