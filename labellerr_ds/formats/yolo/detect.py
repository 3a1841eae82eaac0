"""Which files are YOLO's labels, by their content."""

from __future__ import annotations

import re

from labellerr_ds.formats.archive import Member

LINE = re.compile(rb"\s*\d+(\.0*)?(\s+-?\d*\.?\d+(e[-+]?\d+)?){4,}\s*", re.IGNORECASE)
"""A line of labels: a class and at least four numbers."""


def is_yolo(member: Member) -> bool:
    """Return True for a text file that begins with a line of labels."""
    return member.name.lower().endswith(".txt") and bool(LINE.fullmatch(member.head.partition(b"\n")[0]))
