"""Names on this machine's disk."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote


def local_name(served: str) -> str:
    """A name for this machine's disk out of the one in the link."""
    name = re.sub(r"[^\w.\- ]", "_", unquote(served)).lstrip(".")[-120:]
    return name or "export"


def is_stray(name: str) -> bool:
    """Whether a system put a file there: hidden files, and what macOS adds to archives."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") for part in parts if part not in ("..", "."))
