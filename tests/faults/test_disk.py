"""Faults of the disk, numbered as in README.md: what was there stays whole, nothing half is left."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import random
import resource
import signal
import subprocess
import sys
import time
import warnings

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectserver import Served, serving_object
from thorough import examples

import labellerr_ds as lds
from labellerr_ds.core import temp_names
from labellerr_ds.core.disk import LEAST_BYTES
from labellerr_ds.storage.signed_link import download

SMALL = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MiB; where none can be mounted, files that may have no more than 100 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder], capture_output=True)
    if not mounted.returncode:
        yield folder
        subprocess.run(["umount", "-l", folder], check=True)
        return
    warnings.warn("no tmpfs can be mounted here: RLIMIT_FSIZE instead", stacklevel=1)  # shown, not hidden
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield folder
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(folder, free):
    """Leave so many bytes on the disk, where it is one of its own."""
    if os.path.ismount(folder):
        left = os.statvfs(folder)
        (folder / "filler").write_bytes(bytes(left.f_bavail * left.f_bsize - free))


def seen(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "filler"
    }


@pytest.fixture(scope="module")
def big(serve):
    """A dataset whose files are larger than what is left on the disk."""
    sandbox = serve("", 400)
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    return lds.export_dataset(project, "all", progress=False)


WRITERS = {
    "to_parquet": {},
    "to_coco_json": {"negatives": "all"},
    "to_yolo": {"task": "segment", "negatives": "all"},
    "to_pascal_voc": {"negatives": "all"},
    "to_panoptic": {"negatives": "all"},
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.filterwarnings("ignore::labellerr_ds.LabellerrWarning")
def test_22_a_disk_that_runs_full_while_a_dataset_is_written(big, small_disk, writer):
    target = small_disk / "out"
    if writer == "to_coco_json":
        target.write_text("old")
    else:
        target.mkdir()
        (target / "old").write_text("old")
    before = seen(small_disk)
    fill(small_disk, LEAST_BYTES + 30_000)
    with pytest.raises(lds.DiskError, match="(No space left on device|File too large).* bytes are free there"):
        getattr(big, writer)(target, overwrite=True, **WRITERS[writer])
    assert seen(small_disk) == before
    assert {each.name for each in small_disk.iterdir()} <= {"out", "filler"}


@pytest.mark.filterwarnings("ignore::labellerr_ds.LabellerrWarning")
def test_22_a_scan_on_a_full_disk(big, small_disk, tmp_path):
    big.to_coco_json(tmp_path / "whole.json", archive=True)
    fill(small_disk, LEAST_BYTES + 30_000)
    with pytest.raises(lds.DiskError, match="cannot write"):
        lds.scan_export(tmp_path / "whole.json").to_parquet(small_disk / "out")
    assert seen(small_disk) == {}


@pytest.mark.parametrize("length", [True, False])
def test_22_a_disk_that_is_too_small_for_a_download(small_disk, length):
    body = b"[" + b" " * (2 * SMALL) + b"]"
    with serving_object(Served(body, headers={} if length else {"Content-Length": None})) as server:
        words = f"{len(body):,} bytes are needed" if length and os.path.ismount(small_disk) else "cannot write"
        with pytest.raises(lds.DiskError, match=words):
            download(lds.SignedLink(f"{server.url}/export.json"), small_disk, progress=False)
    assert seen(small_disk) == {}


def test_22_a_full_disk_is_told_before_an_export_is_created(fresh, small_disk):
    if not os.path.ismount(small_disk):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    project = lds.Client.sandbox(fresh).project(fresh.project_ids[0])
    count = len(project.exports())
    fill(small_disk, 4096)
    with pytest.raises(lds.DiskError, match=r"small.*are needed"):
        lds.export_dataset(project, ["accepted"], download_to=small_disk, progress=False)
    assert len(project.exports()) == count


def test_25_a_disk_that_may_not_be_written_to(small_disk, big):
    if not os.path.ismount(small_disk):
        small_disk = type(small_disk)("/proc")  # of which the same holds
    else:
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(lds.DiskError, match="cannot write"):
        big.to_parquet(small_disk / "out")
    with pytest.raises(lds.DiskError, match="cannot write"):
        big.to_coco_json(small_disk / "out.json")


CHILD = """
import sys, warnings, labellerr_ds as lds
warnings.simplefilter("ignore")
dataset = lds.read_export(sys.argv[1])
print("ready", flush=True)
while True:
    getattr(dataset, sys.argv[3])(sys.argv[2], overwrite=True)
"""


def as_of_another_machine(home):
    """What a killed writer left becomes another machine's that was silent for hours."""
    for path in home.glob(".part-*"):
        moved = path.with_name(path.name.replace(f"-{temp_names._machine()}-", "-0123abcd-"))
        path.rename(moved)
        os.utime(moved, (time.time() - 9_999,) * 2)


@pytest.mark.parametrize("writer", ["to_parquet", "to_coco_json", "to_yolo", "to_pascal_voc", "to_panoptic"])
@pytest.mark.filterwarnings("ignore::labellerr_ds.LabellerrWarning")
def test_23_a_writer_that_is_killed_leaves_the_whole_old_or_new_one_and_the_next_sweeps(serve, tmp_path, writer):
    sandbox = serve()
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    dataset = lds.export_dataset(project, "all", progress=False)
    dataset.to_parquet(tmp_path / "source")
    home = tmp_path / "home"
    home.mkdir()
    getattr(dataset, writer)(home / "out")
    whole, rng = seen(home), random.Random(3)
    for number in range(examples(25, 3)):
        arguments = [sys.executable, "-c", CHILD, str(tmp_path / "source"), str(home / "out"), writer]
        child = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(rng.random() / 5)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if number % 3 == 0:
            as_of_another_machine(home)
        if writer == "to_parquet":  # a reader puts back what was between two renames
            assert len(lds.read_export(home / "out")) == len(dataset)
        if (home / "out").exists():  # else it was killed between two renames, and the old one lies beside
            at_place = {name: body for name, body in seen(home).items() if name.startswith("out")}
            assert at_place == whole
        getattr(dataset, writer)(home / "out", overwrite=True)
        assert seen(home) == whole


def test_25_a_dataset_that_is_read_while_it_is_replaced_is_one_of_both(serve, tmp_path):
    sandbox = serve()
    project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
    lds.export_dataset(project, "all", progress=False).to_parquet(tmp_path / "source")
    target, lengths = tmp_path / "out", set()
    arguments = [sys.executable, "-c", CHILD, str(tmp_path / "source"), str(target), "to_parquet"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        try:
            child.stdout.readline()
            until = time.monotonic() + 3
            while time.monotonic() < until:
                with contextlib.suppress(lds.ReadError):  # read while it changed: told, and never a mix
                    lengths.add(len(lds.read_export(target).annotations))
        finally:
            child.kill()
    assert lengths == {len(pd.read_parquet(tmp_path / "source" / "annotations.parquet"))}


words = st.text(st.sampled_from("=+-@\t\r'\"a1., \n"), max_size=6)


@given(st.lists(words.filter(bool), min_size=1, max_size=8))
def test_37_what_a_spreadsheet_takes_for_a_formula_has_a_quote_before_it_and_comes_back(texts):
    frame = pd.DataFrame({"value": texts, "category": pd.Categorical(texts)})
    safe = frame.labellerr.plain(safe=True)
    for text in safe["value"]:
        with contextlib.suppress(ValueError):
            float(text)
            continue
        assert text[0] not in "=+-@\t\r"
    back = pd.read_csv(
        io.StringIO(safe.to_csv(index=False, quoting=csv.QUOTE_ALL), newline=""), dtype=str, keep_default_na=False
    )
    assert back.labellerr.from_safe()["value"].tolist() == texts
    assert safe.labellerr.from_safe()["category"].tolist() == texts


def test_37_the_command_line_writes_safe_tables_by_itself(tmp_path):
    from labellerr_ds.cli.delivery import _writer

    frame = pd.DataFrame({"value": ["=HYPERLINK(1)", "-5"]})
    _writer(tmp_path / "a.csv", safe=True)(frame, tmp_path / "a.csv")
    _writer(tmp_path / "b.csv", safe=False)(frame, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_text().split() == ["value", "'=HYPERLINK(1)", "-5"]
    assert (tmp_path / "b.csv").read_text().split() == ["value", "=HYPERLINK(1)", "-5"]
