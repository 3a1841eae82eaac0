"""The coco_json export. Shapes stay the text they came as; the rest is read in pieces to Arrow."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from labellerr_ds import schema
from labellerr_ds.dataset import Dataset
from labellerr_ds.errors import ReadError
from labellerr_ds.readers.assemble import assemble, milliseconds
from labellerr_ds.readers.coco_annotations import NONE, Annotation, Piece, decoded
from labellerr_ds.readers.coco_tables import read_categories, read_images
from labellerr_ds.readers.decode import decode
from labellerr_ds.readers.issues import IssueLog

PIECE_ROWS = 20_000
_NO_ITEMS = msgspec.Raw(b"[]")
_TOP_KEYS = {"images", "annotations", "categories"}
_TOP_EXTRA = {"info", "licenses"}


def read_coco_json(body: bytes, *, categories: pd.DataFrame | None, info: dict[str, Any], strict: bool) -> Dataset:
    """A Dataset of a coco_json export.

    Parameters
    ----------
    body : bytes
        The whole file.
    categories : `categories` frame, optional
        The template; it tells the types of the questions.
    """
    issues = IssueLog()
    top, entries = _top(body)
    issues.unknown_keys.update(key for key in top if key not in _TOP_KEYS | _TOP_EXTRA)
    classes, class_ids = read_categories(decode(top.get("categories", _NO_ITEMS), list[Any]), categories, issues)
    files, index = read_images(decode(top.get("images", _NO_ITEMS), list[Any]), issues)
    rest = {key: msgspec.json.decode(value) for key, value in top.items() if key not in _TOP_KEYS}
    info = {**info, "exported_at": info.get("exported_at") or _exported_at(rest), "extra": rest}
    columns, file_index = _annotations(entries, files["file_id"], index, class_ids, issues)
    return assemble(
        files=files,
        file_count=len(files["file_id"]),
        annotations=columns,
        file_index=file_index,
        categories=classes,
        issues=issues,
        info=info,
        strict=strict,
    )


class _Top(msgspec.Struct, forbid_unknown_fields=True):
    """A file as it nearly always is: one pass over the bytes decodes it."""

    annotations: list[Annotation] = msgspec.field(default_factory=list)
    images: msgspec.Raw = _NO_ITEMS
    categories: msgspec.Raw = _NO_ITEMS
    info: msgspec.Raw = NONE
    licenses: msgspec.Raw = NONE


def _top(body: bytes) -> tuple[dict[str, msgspec.Raw], list[Annotation] | list[msgspec.Raw]]:
    """What stands beside the annotations, by key; and the annotations, undecoded where one is odd."""
    try:
        quick = msgspec.json.decode(body, type=_Top)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _odd_top(body)
    if quick.images is _NO_ITEMS and quick.categories is _NO_ITEMS and not quick.annotations:
        return _odd_top(body)
    top = {"images": quick.images, "categories": quick.categories, "info": quick.info, "licenses": quick.licenses}
    top = {key: value for key, value in top.items() if value is not NONE}
    return top, quick.annotations


def _odd_top(body: bytes) -> tuple[dict[str, msgspec.Raw], list[msgspec.Raw]]:
    """The same of a file that is not as they nearly always are."""
    top: dict[str, msgspec.Raw] = decode(body, dict[str, msgspec.Raw])
    if not _TOP_KEYS & set(top):
        raise ReadError(
            f"a JSON object with the keys {sorted(top)[:8]} is no coco_json export: expected images, annotations "
            "and categories. The service may have answered with an error instead."
        )
    top = {key: value for key, value in top.items() if key not in _TOP_KEYS or bytes(value) != b"null"}
    raws: list[msgspec.Raw] = decode(top.get("annotations", _NO_ITEMS), list[msgspec.Raw])
    return top, raws


def _exported_at(rest: dict[str, Any]) -> str | None:
    told = rest.get("info")
    moment = milliseconds(told.get("date_created")) if isinstance(told, dict) else None
    return None if moment is None else pd.Timestamp(moment, unit="ms", tz="UTC").isoformat()


def _annotations(
    entries: list[Annotation] | list[msgspec.Raw],
    file_ids: list[str | None],
    index: dict[Any, int],
    class_ids: dict[Any, tuple[str, str | None]],
    issues: IssueLog,
) -> tuple[dict[str, Any], np.ndarray[Any, np.dtype[np.int64]]]:
    pieces = []
    entries.reverse()  # so that each piece can be let go at the end of the list
    start = 0
    while entries:
        taken = entries[: -PIECE_ROWS - 1 : -1]
        del entries[-PIECE_ROWS:]
        pieces.append(Piece(decoded(taken, start, issues), start, index, issues).columns(class_ids))
        start += len(taken)
    if not pieces:
        return {}, np.array([], dtype=np.int64)
    joined: dict[str, Any] = {}
    for name in list(pieces[0]):
        parts = [piece.pop(name) for piece in pieces]
        if isinstance(parts[0], np.ndarray):
            joined[name] = np.concatenate(parts)
        elif name == "type":
            joined[name] = schema.categorical(np.concatenate([part.codes for part in parts]), schema.TYPES)
        else:
            joined[name] = pa.chunked_array(parts)
    file_index = joined.pop("file_index")
    joined["annotation_id"] = _fallback_ids(joined, file_index, file_ids)
    return joined, file_index


def _fallback_ids(
    columns: dict[str, Any], file_index: np.ndarray[Any, np.dtype[np.int64]], file_ids: list[str | None]
) -> pa.ChunkedArray:
    """Ids for the annotations that came with none: file, question and place among that question's rows."""
    ids = columns["annotation_id"]
    if not ids.null_count:
        return ids
    keys = pd.DataFrame({"file": file_index, "question": columns["category_id"].to_pandas()})
    places = keys.groupby(["file", "question"], dropna=False).cumcount()
    made = [
        row_id if row_id is not None else f"{file_ids[file] if file >= 0 else 'unknown'}/{question}/{place}"
        for row_id, file, question, place in zip(ids.to_pylist(), file_index, keys["question"], places, strict=True)
    ]
    return pa.chunked_array([pa.array(made, pa.large_string())])
