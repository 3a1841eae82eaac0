"""From bytes to a Dataset: recognise, unpack, then one file a format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from labellerr_ds.dataset import Dataset, concat
from labellerr_ds.errors import InvalidArgumentError, ReadError
from labellerr_ds.parquet import is_parquet, read_parquet
from labellerr_ds.readers.coco_json import read_coco_json
from labellerr_ds.readers.csv import as_text, is_table, read_csv
from labellerr_ds.readers.decode import as_utf8, many_objects
from labellerr_ds.readers.native_json import read_native_json
from labellerr_ds.readers.png import read_masks
from labellerr_ds.readers.unpack import PNG, Member, members
from labellerr_ds.schema import TABLES, build

_TABLES = {"json": read_native_json, "coco_json": read_coco_json, "csv": read_csv}


def load_export(
    source: str,
    found: Sequence[tuple[str, Path]],
    *,
    format: str | None,
    categories: pd.DataFrame | None,
    info: dict[str, Any],
    files: pd.DataFrame | None = None,
    strict: bool = False,
    progress: bool = True,
) -> Dataset:
    """A Dataset from the files of one export.

    Parameters
    ----------
    source : str
        What the export is called in errors, and in ``dataset.info``.
    found : sequence of (str, Path)
        Its files: the name of each within the export, and where it lies on disk.
    format, categories, files, strict
        As for `labellerr_ds.read_export`.
    info : dict
        What is known of where the export came from.
    """
    if categories is not None and (missing := {"category_id", "name", "color"} - set(categories.columns)):
        raise InvalidArgumentError(f"categories= must be a categories frame; missing: {sorted(missing)}.")
    if categories is not None:
        known = {column.name: categories[column.name] for column in TABLES["categories"] if column.name in categories}
        categories = build("categories", known, len(categories))
    if is_parquet(paths := dict(found)):
        return Dataset(**read_parquet(source, paths))
    with ExitStack() as opened:
        inside = members(found, opened)
        kinds = [recognise(member) for member in inside]
        _refuse_own_tables(source, inside)
        form = _format(source, inside, kinds, format)
        info = {**info, "format": form, "source": source}
        if form == "png":
            is_mask = [
                kind == "png" or member.name.lower().endswith(".png")
                for member, kind in zip(inside, kinds, strict=True)
            ]
            masks = [member for member, mask in zip(inside, is_mask, strict=True) if mask]
            others = [member for member, mask in zip(inside, is_mask, strict=True) if not mask]
            return read_masks(
                masks, others, categories=categories, files=files, info=info, strict=strict, progress=progress
            )
        for member, kind in zip(inside, kinds, strict=True):
            if kind is None and (not member.head or member.name.lower().endswith((".json", ".csv"))):
                raise ReadError(f"{source}: {member.name} in it is empty or damaged. Download the export again.")
        with many_objects():
            parts = [
                _read(form, member, categories=categories, info=info, strict=strict)
                for member, kind in zip(inside, kinds, strict=True)
                if kind == form
            ]
    return parts[0] if len(parts) == 1 else concat(parts)


def _read(form: str, member: Member, **more: Any) -> Dataset:
    body = member.read()
    try:
        return _TABLES[form](body, **more)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        offset = None
        try:
            as_utf8(body).decode()
        except UnicodeDecodeError as problem:
            offset = problem.start
        if offset is None:
            raise
    raise ReadError(f"{member.name}: expected UTF-8, got something else at byte {offset}.", byte_offset=offset)


_OWN = re.compile(
    rb'\A(PAR1|\s*annotation_id,file_id,|\s*file_id,file_name,status,label_state,)|"label_state":|"bbox_x":'
)


def _refuse_own_tables(source: str, found: list[Member]) -> None:
    """A frame that was written by itself is no export: read as one, its labels would be lost without a word."""
    for member in found:
        if _OWN.search(as_utf8(member.head) if member.head else b""):
            where = "" if member.name == source else f": {member.name} in it"
            raise ReadError(
                f"{source}{where} is a table of rows, such as labellerr_ds and its command line write, and no export. "
                "pandas reads it; what Dataset.to_parquet(folder) writes is read by read_export(folder)."
            )


def recognise(member: Member) -> str | None:
    """The format of a file by its content: ``json``, ``coco_json``, ``csv`` or ``png``; None for none."""
    if member.head.startswith(PNG):
        return "png"
    start = as_utf8(member.head[: len(member.head) // 2 * 2]).lstrip() if member.head else b""
    if start.startswith(b"["):
        return "json"
    if start.startswith(b"{"):
        return "coco_json"
    if not start or start.startswith(b"<") or b"\0" in start:
        return None
    return "csv" if is_table(as_text(member.read())) else None


def _format(source: str, found: list[Member], kinds: list[str | None], wanted: str | None) -> str:
    seen = {kind for kind in kinds if kind}
    if "png" in seen:
        seen = {"png"}  # what lies beside masks is a colour map
    if not found and wanted == "png":
        return wanted
    if not seen:
        if not found:
            raise ReadError(f"{source} holds no files.")
        first = found[0]
        hint = " It looks like a web page: the link may have expired." if first.head.lstrip().startswith(b"<") else ""
        what = "is empty (0 bytes)" if not first.head else f"begins with {first.head[:16]!r}"
        raise ReadError(
            f"{source}: expected json, coco_json, csv, PNG masks, or a ZIP or gzip of them; {first.name} {what}.{hint}"
        )
    if wanted and wanted not in seen:
        other = sorted(seen)[0]
        raise ReadError(
            f"{source}: expected {wanted}, got {other}. Read it with format={other!r}, or leave format out."
        )
    if wanted is None and len(seen) > 1:
        raise ReadError(f"{source} holds several formats ({', '.join(sorted(seen))}): pass format= to choose one.")
    return wanted or next(iter(seen))
