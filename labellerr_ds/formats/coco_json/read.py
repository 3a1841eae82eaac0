"""The coco_json export. Shapes stay the text they came as; the rest is read in batches to Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.redaction import is_key
from labellerr_ds.formats.archive import Member
from labellerr_ds.formats.coco_json.annotations import Annotation, AnnotationReader
from labellerr_ds.formats.coco_json.tables import Image, ImageReader, read_categories
from labellerr_ds.formats.decoding import json_error
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.json_windows import JsonFile, Outline, open_json
from labellerr_ds.formats.options import ReadOptions
from labellerr_ds.formats.values import milliseconds
from labellerr_ds.frames.tables import ListState, Tables, table

_LISTS = ("images", "annotations", "categories")
_KNOWN = frozenset({*_LISTS, "info", "licenses"})


def read_coco_json(member: Member, part: int, options: ReadOptions) -> Iterator[Tables]:
    """Batches of a coco_json export: the images first, then the annotations, wherever they are in the file."""
    issues = IssueLog()
    with open_json(member, options.batch_bytes) as json_file:
        outline = json_file.outline()
        _check(outline, member.name)
        issues.unknown_keys.update(key for key in (*outline.values, *outline.scalars) if key not in _KNOWN)
        rest = {key: json_file.decode(outline.values[key]) for key in outline.values if key not in _LISTS}
        rest.update({key: value for key, value in outline.scalars.items() if key not in _LISTS})
        listed = outline.values.get("categories")
        categories, class_ids = read_categories(json_file.decode(listed) if listed else [], options.categories, issues)
        _drop_key(rest)
        info = {"exported_at": _exported_at(rest), "extra": rest}
        images = ImageReader(issues, ListState.EMPTY if "annotations" in outline.values else ListState.MISSING)
        held, first = None, 0  # the last batch of images goes with the first of annotations: a small file is one batch
        for entries in _elements(json_file, outline, "images", Image):
            if held is not None:
                yield _batch(held, None, categories, issues, info=info, part=part, first_file=first)
            first = images.count
            issues.add_mended("files", (first + place for place in json_file.mended))
            held = images.read(entries)
        annotations = AnnotationReader(images, class_ids, issues, member.name)
        is_first = True
        for batch in _elements(json_file, outline, "annotations", Annotation):
            read = annotations.read(batch, json_file.mended)
            yield _batch(
                held if is_first else None, read.rows, categories, issues, info=info if is_first else {}, part=part,
                first_file=first if is_first else images.count, unread=read.unread, unlinked=read.unlinked,
            )  # fmt: skip
            is_first = False
        unclear = annotations.unclear_files()
        if is_first:
            yield _batch(held, None, categories, issues, info=info, part=part, first_file=first, unclear_files=unclear)
        elif unclear:
            yield _batch(None, None, categories, issues, part=part, first_file=images.count, unclear_files=unclear)


def _check(outline: Outline, name: str) -> None:
    if not set(_LISTS) & {*outline.values, *outline.scalars}:
        keys = sorted((*outline.values, *outline.scalars))[:8]
        raise ReadError(
            f"{name}: a JSON object with the keys {keys} is not a coco_json export: expected images, annotations "
            "and categories. The service may have answered with an error instead."
        )
    for key in _LISTS:
        value = outline.values.get(key)
        if (value is not None and not value.is_array) or outline.scalars.get(key) is not None:
            raise json_error(f"expected an array for {key!r}", None, name)


def _elements(json_file: JsonFile, outline: Outline, key: str, usual: Any) -> Iterator[Any]:
    if key in outline.values:
        yield from json_file.elements(outline.values[key], usual)


def _batch(
    files: pa.Table | None, annotations: pa.Table | None, categories: pa.Table, issues: IssueLog, **more: Any
) -> Tables:
    reported, keys = issues.take()
    return Tables(
        files=table("files", {}, 0) if files is None else files,
        annotations=table("annotations", {}, 0) if annotations is None else annotations,
        categories=categories,
        issues=reported,
        unknown_keys=keys,
        **more,
    )


def _drop_key(rest: dict[str, Any]) -> None:
    """Drop the contributor of an export if it is an API key: no key reaches a frame or a file."""
    info = rest.get("info")
    if isinstance(info, dict) and is_key(info.get("contributor")):
        del info["contributor"]


def _exported_at(rest: dict[str, Any]) -> str | None:
    info = rest.get("info")
    moment = milliseconds(info.get("date_created")) if isinstance(info, dict) else None
    return None if moment is None else pd.Timestamp(moment, unit="ms", tz="UTC").isoformat()
