"""Names for this machine's disk."""

from __future__ import annotations

import re
from urllib.parse import unquote


def local_name(served: str) -> str:
    """A name for this machine's disk out of the one in the link."""
    name = re.sub(r"[^\w.\- ]", "_", unquote(served)).lstrip(".")[-120:]
    return name or "export"
