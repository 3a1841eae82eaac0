"""Libraries that do not go together with ours, or that nobody needs for anything else, in environments of their own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from functools import cache
from pathlib import Path

LIBRARIES = {  # by way
    "masks_rlemasklib": ("rlemasklib",),
    "write_yolo_pylabel": ("pylabel", "pandas<3", "setuptools<81"),
}


@cache
def python_of(way: str) -> str | None:
    """The Python that runs a way, its environment made where there is none; None where that cannot be."""
    if way not in LIBRARIES:
        return sys.executable
    libraries = LIBRARIES[way]
    home = Path(tempfile.gettempdir()) / f"labellerr-benchmarks-{libraries[0]}"
    python = str(home / "bin" / "python")
    if not Path(python).exists():
        venv.create(home, with_pip=True)
    installed = subprocess.run([python, "-m", "pip", "install", "-q", "numpy", *libraries], capture_output=True)
    return None if installed.returncode else python
