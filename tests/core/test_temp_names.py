"""Temporary folders: those of processes that are no longer there are removed by the next one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import pytest

from labellerr_ds.core import temp_names
from labellerr_ds.core.temp_names import kept_alive, left_behind, new_file, new_folder, scratch, scratched

KILLED = """
import os, signal
from labellerr_ds.core.temp_names import scratch
(scratch("test") / "member").write_bytes(b"x" * 1000)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_process_removes_what_a_killed_one_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    mine = scratch("test")
    with scratched("test") as other, scratched("another") as third:
        assert {each.name for each in tmp_path.iterdir()} == {mine.name, other.name, third.name}
    assert list(tmp_path.iterdir()) == [mine]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "labels.json"


def names(target):
    return [left.path.name for left in left_behind(target)]


def test_what_a_living_process_writes_is_not_left_behind(target):
    new_file(target, "new")
    assert names(target) == []


def test_a_number_that_is_another_process_now_is_no_living_writer(target):
    path = new_file(target, "new")
    parent = os.getppid()
    started = temp_names._started(os.getpid())
    taken = path.name.replace(f"-{os.getpid()}-{started}-", f"-{parent}-1-")
    path.rename(path.with_name(taken))
    assert names(target) == [taken]


@pytest.mark.parametrize(("age", "is_left"), [(5, False), (temp_names.SILENT_S + 60, True)])
def test_another_machine_is_believed_to_write_until_it_is_silent_for_ten_minutes(target, monkeypatch, age, is_left):
    monkeypatch.setattr(temp_names, "_machine", lambda: "0123abcd")
    path = new_file(target, "new")
    monkeypatch.undo()
    os.utime(path, (time.time() - age,) * 2)
    assert names(target) == ([path.name] if is_left else [])


def test_a_living_writer_touches_what_it_writes(target, monkeypatch):
    monkeypatch.setattr(temp_names, "TOUCH_S", 0.02)
    path = new_folder(target, "new")
    os.utime(path, (0, 0))
    with kept_alive(path):
        until = time.monotonic() + 10
        while path.stat().st_mtime == 0 and time.monotonic() < until:
            time.sleep(0.01)
    assert path.stat().st_mtime > 0


def test_the_mode_is_that_of_any_other_new_file(target):
    before = os.umask(0o027)
    try:
        assert new_file(target, "new").stat().st_mode & 0o777 == 0o640
        assert new_folder(target, "new").stat().st_mode & 0o777 == 0o750
    finally:
        os.umask(before)
