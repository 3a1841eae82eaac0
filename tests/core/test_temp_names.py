"""Temporary folders: those of processes that are no longer there are removed by the next one."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from labellerr_ds.core.temp_names import scratch, scratched

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
