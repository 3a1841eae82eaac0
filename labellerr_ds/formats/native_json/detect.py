"""Which files are Labellerr's own json, by their content."""

from __future__ import annotations

from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.text import start_of


def is_native_json(member: Member) -> bool:
    """Return True for a JSON array."""
    return start_of(member.head).startswith(b"[")
