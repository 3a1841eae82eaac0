"""Type checkers understand the code of users."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
USER_CODE = pathlib.Path(__file__).with_name("user_code.py")


def test_the_code_of_a_user_passes_mypy_strict_and_has_the_types_of_the_docs():
    command = [sys.executable, "-m", "mypy", "--strict", "--no-pretty", str(USER_CODE)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    revealed = [name.rpartition(".")[2] for name in re.findall(r'Revealed type is "(.+)"', checked.stdout)]
    expected = re.findall(r"reveal_type\(.*\)  # (\w+)", USER_CODE.read_text(encoding="utf-8"))
    assert revealed == expected
    assert len(expected) == 7


@pytest.mark.filterwarnings("ignore::labellerr_ds.LabellerrWarning")  # what a format does not carry
def test_the_code_of_a_user_runs(tmp_path):
    sys.path.insert(0, str(USER_CODE.parent))
    try:
        from user_code import review
    finally:
        sys.path.pop(0)
    assert review(tmp_path) > 0
