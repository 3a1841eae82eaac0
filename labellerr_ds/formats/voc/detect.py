"""Which files are Pascal VOC's annotations, by their content."""

from __future__ import annotations

from labellerr_ds.formats.archive import Member


def is_voc(member: Member) -> bool:
    """Return True for an XML file of annotations."""
    return member.name.lower().endswith(".xml") and b"<annotation" in member.head
