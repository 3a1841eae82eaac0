"""Labels of other tools to tables: their objects of COCO are read as a coco_json is."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

from labellerr_ds.core.json_text import json_bytes
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.coco_json.read import read_coco_json
from labellerr_ds.formats.label_folders import CocoParts
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.frames.merge import merge, report
from labellerr_ds.frames.tables import Tables, joined, with_info


def tables_of_parts(parts: CocoParts, form: str, *, strict: bool) -> Tables:
    """Return the finished tables of a folder of labels.

    Parameters
    ----------
    parts : CocoParts
    form : {'yolo', 'pascal_voc'}
        The format that `Dataset.info` names.
    strict : bool
        Raise `ReadError` if a label was not understood, instead of listing it among the issues.
    """
    listed = {"images": parts.images, "annotations": parts.annotations, "categories": parts.categories}
    body = json_bytes(listed)
    member = Member(parts.source, body[:512], lambda: io.BytesIO(body))
    batches = [replace(batch, unknown_keys=Counter()) for batch in read_coco_json(member, 0, ReadOptions())]
    reported, _ = parts.issues.take()
    batches[0] = replace(
        batches[0],
        issues=joined("issues", [reported, batches[0].issues]),
        unclear_files=batches[0].unclear_files | parts.unclear,
    )
    tables = merge(batches)
    report(tables.issues, Counter(), source=parts.source, strict=strict)
    return with_info(tables, {"format": form, "source": parts.source})
