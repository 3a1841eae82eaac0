"""Which files are COCO's, by their content."""

from __future__ import annotations

import re

from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.text import as_utf8, start_of

_LISTS = re.compile(rb'"(images|annotations)"\s*:')


def is_coco_json(member: Member) -> bool:
    """Return True for a JSON object."""
    return start_of(member.head).startswith(b"{")


def has_labels(member: Member) -> bool:
    """Return True if the first bytes name a list of COCO; False for a colour map, or settings, beside masks."""
    return bool(_LISTS.search(as_utf8(member.head)))
