"""Frames to the images, categories and annotations of COCO: from columns to dicts, some thousand rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labellerr_ds.frames.schema import is_unclear
from labellerr_ds.frames.tables import UNREAD
from labellerr_ds.shapes.rasters import BOX
from labellerr_ds.shapes.segmentation import compressed, decode_shape

PIECE_ROWS = 20_000
Ids = dict[Any, int]
"""By id and name, since several exports together may use an id twice; and by id alone, the first."""


def ids_of(frame: pd.DataFrame) -> list[int]:
    """The ids that came, where every row has one; else from 1, in the order of the rows."""
    if frame["coco_id"].notna().all() and frame["coco_id"].is_unique:
        return [int(number) for number in frame["coco_id"]]
    return list(range(1, len(frame) + 1))


def image_ids(files: pd.DataFrame) -> Ids:
    """COCO's number of each file."""
    return _by_key(files["file_id"], files["file_name"], ids_of(files))


def category_ids(categories: pd.DataFrame) -> Ids:
    """COCO's number of each category."""
    return _by_key(categories["category_id"], categories["name"], ids_of(categories))


def _by_key(keys: pd.Series, names: pd.Series, ids: list[int]) -> Ids:
    ids_of: Ids = dict(reversed(list(zip(keys, ids, strict=True))))
    if not keys.is_unique:
        ids_of.update(reversed(list(zip(zip(keys, names, strict=True), ids, strict=True))))
    return ids_of


def _lookup(ids: Ids, keys: Iterable[Any], names: Iterable[Any]) -> list[int | None]:
    """The number of each row, by id and name or by id alone."""
    if not any(isinstance(key, tuple) for key in ids):
        return [ids.get(key) for key in keys]
    return [ids.get((key, name), ids.get(key)) for key, name in zip(keys, names, strict=True)]


def is_of_coco(info: Mapping[str, Any]) -> bool:
    """Return True for a dataset, or one of several that were put together, that was a coco_json."""
    formats = info.get("format")
    return "coco_json" in (formats if isinstance(formats, list) else [formats])


def unread_of(files: pd.DataFrame, info: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the annotations without a row, those of a file under the number that the file is written with."""
    if not is_of_coco(info):
        return
    numbers = ids_of(files)
    for number, text in zip(numbers, _plain(files["extra"]), strict=True):
        if text is not None and f'"{UNREAD}"' in text:
            for item in _as_list(_extra(text).get(UNREAD)):
                yield {**item, "image_id": number} if isinstance(item, dict) else item
    absent = _absent_number(files, numbers)
    for item in _as_list(info.get(UNREAD)):
        yield {**item, "image_id": absent} if isinstance(item, dict) and absent is not None else item


def _absent_number(files: pd.DataFrame, numbers: Sequence[int]) -> int | None:
    """Return a number of no image for annotations of no file, if there are files that are known to be empty.

    Without a link such an annotation would leave them without their label state.
    """
    has_empty = (files["annotation_count"].eq(0) & files["label_state"].notna()).any()
    return max(numbers, default=0) + 1 if has_empty else None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def images_of(files: pd.DataFrame, info: Mapping[str, Any], *, archive: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the images, one per file.

    Parameters
    ----------
    files : frame
    info : mapping
        The provenance of the dataset.
    archive : bool
        Mark files whose labels are unknown, so that they do not read back as files without any.
    """
    columns = {name: _plain(files[name]) for name in (
        "file_id", "file_name", "status", "width", "height", "file_format", "file_size_mb", "remarks", "created_at",
        "coco_id", "extra",
    )}  # fmt: skip
    unknown = is_unclear(files) if archive else np.zeros(len(files), dtype=bool)
    is_coco = is_of_coco(info)
    rows = zip(ids_of(files), *columns.values(), unknown.tolist(), strict=True)
    for (
        image_id, file_id, name, status, width, height, form, size, remarks, created, coco_id, extra_text, is_unknown,
    ) in rows:  # fmt: skip
        image: dict[str, Any] = {"id": image_id, "width": width, "height": height, "file_name": name}
        if created is not None:
            image["date_created"] = created
        if coco_id is None or file_id != str(coco_id):
            image["labellerr_file_id"] = file_id
        if status is not None:
            image["labellerr_file_status"] = None if status == "none" else status
        if remarks is not None:
            image["labellerr_file_remarks"] = remarks
        if is_unknown:
            image["labellerr_label_state"] = None
        extra = _extra(extra_text)
        if is_coco:
            extra.pop(UNREAD, None)
        if size is not None:
            given = extra.get("file_metadata")
            metadata = {"file_size": size, "file_format": form, **(given if isinstance(given, dict) else {})}
            extra["file_metadata"] = metadata
        if "file_metadata" in extra:
            image["file_metadata"] = extra["file_metadata"]
        yield {**extra, **image}


def categories_of(categories: pd.DataFrame, *, archive: bool = False) -> Iterator[dict[str, Any]]:
    """The categories, a row a class."""
    names = ("name", "supercategory", "color", "question_id", "question_type", "extra")
    columns = (_plain(categories[name]) for name in names)
    for category_id, name, above, color, question, kind, extra_text in zip(ids_of(categories), *columns, strict=True):
        category: dict[str, Any] = {"id": category_id, "name": name}
        if above is not None:
            category["supercategory"] = above
        if color is not None:
            category["color"] = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
        if question is not None:  # a category of Labellerr's own: it always has this list
            category["attributes"] = []
            category["labellerr_question_id"] = question
            if kind is not None and archive:
                category["labellerr_question_type"] = kind
        extra = _extra(extra_text)
        own = ("color", "attributes")
        kept: dict[str, Any] = {key: extra[key] for key in own if key in extra}  # in the form they came in
        yield {**extra, **category, **kept}


def annotations_of(
    annotations: pd.DataFrame,
    files: pd.DataFrame,
    categories: pd.DataFrame,
    *,
    decoded: bool,
    archive: bool = False,
) -> Iterator[dict[str, Any]]:
    """The annotations, a row a shape.

    Parameters
    ----------
    annotations : frame
        Of shapes on images.
    decoded : bool
        Shapes and attributes as lists and dicts, else as the JSON they are held as.
    archive : bool
        With what was not understood, as it came, and what COCO has no key for.
    """
    own_ids = annotations["coco_id"].notna().all() and annotations["coco_id"].is_unique
    numbers = _plain(annotations["coco_id"]) if own_ids else range(1, len(annotations) + 1)
    on_files, in_categories = _image_numbers(annotations, files), _category_numbers(annotations, categories)
    for start in range(0, len(annotations), PIECE_ROWS):
        piece = slice(start, start + PIECE_ROWS)
        ids = list(zip(numbers[piece], on_files[piece], in_categories[piece], strict=True))
        rows = annotations.iloc[piece]
        usual = _usual_piece(rows, ids, decoded)
        yield from _piece(rows, ids, decoded, archive) if usual is None else usual


def _image_numbers(annotations: pd.DataFrame, files: pd.DataFrame) -> list[int | None]:
    file_ids = _plain(annotations["file_id"])
    numbers = _lookup(image_ids(files), file_ids, _plain(annotations["file_name"]))
    if not (files["coco_id"].notna().all() and files["coco_id"].is_unique):
        absent = _absent_number(files, ids_of(files))
        return [absent if number is None else number for number in numbers]
    shared = set(files.loc[files["file_id"].duplicated(), "file_id"].dropna())
    if None not in numbers and not shared:
        return numbers
    return [  # the number that came is of no image at all, or of one of several records of a file
        came if came is not None and (number is None or file_id in shared) else number
        for number, came, file_id in zip(numbers, _plain(annotations["coco_image_id"]), file_ids, strict=True)
    ]


def _category_numbers(annotations: pd.DataFrame, categories: pd.DataFrame) -> list[int | None]:
    keys = _plain(annotations["category_id"])
    numbers = _lookup(category_ids(categories), keys, _plain(annotations["category"]))
    if None not in numbers or not categories["coco_id"].notna().all():
        return numbers
    return [  # a category that the export does not hold has a number all the same
        int(key) if number is None and key is not None and key.isdigit() else number
        for number, key in zip(numbers, keys, strict=True)
    ]


def _decoded(text: str) -> Any:
    return [] if text == "[]" else msgspec.json.decode(text)  # as attributes nearly always are


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


_READ = frozenset({"segmentation", "bbox", "area", "iscrowd", "keypoints", "polyline"})
_ALWAYS = (*BOX, "area", "iscrowd")
_NEVER = ("keypoints", "rotation", "parent_id", "extra")


def _usual_piece(rows: pd.DataFrame, ids: Sequence[Any], decoded: bool) -> list[dict[str, Any]] | None:
    """The annotations of rows that all have the same keys, those of nearly all; None where they have not."""
    if (
        rows["type"].isin(["point", "polyline"]).any()
        or any(rows[name].notna().any() for name in _NEVER)
        or any(rows[name].isna().any() for name in _ALWAYS)
    ):
        return None
    own = _plain(rows["annotation_id"])
    named = [key is not None and key != str(number) for key, (number, _, _) in zip(own, ids, strict=True)]
    has_attributes = rows["attributes"].notna()
    if any(named) != all(named) or has_attributes.any() != has_attributes.all():
        return None
    try:
        shapes = _all_values(rows["segmentation"], decoded)
        attributes = _all_values(rows["attributes"], decoded) if has_attributes.any() else None
    except msgspec.DecodeError:  # the careful way says which
        return None
    if decoded and rows["type"].eq("mask").any():
        shapes = [compressed(shape) if isinstance(shape, dict) else shape for shape in shapes]
    boxes = rows[BOX].to_numpy(dtype=np.float64).tolist()
    made: list[dict[str, Any]] = [
        {
            "id": number, "image_id": image_id, "category_id": category_id, "segmentation": shape, "bbox": box,
            "area": area, "iscrowd": int(crowd),
        }
        for (number, image_id, category_id), shape, box, area, crowd in zip(
            ids, shapes, boxes, _plain(rows["area"]), _plain(rows["iscrowd"]), strict=True
        )
    ]  # fmt: skip
    for key, values in (("attributes", attributes), ("labellerr_answer_id", own if any(named) else None)):
        if values is not None:
            for annotation, value in zip(made, values, strict=True):
                annotation[key] = value
    return made


def _all_values(column: pd.Series, decoded: bool) -> list[Any]:
    """The values of JSON texts, decoded in one call; ``[]`` for what is missing."""
    texts = column.array.texts() if column.dtype == "segmentation" else pa.array(column.array, from_pandas=True)
    texts = texts.cast(pa.large_string()).fill_null("[]")
    if not decoded:
        return [msgspec.Raw(text) for text in texts.cast(pa.large_binary()).to_pylist()]
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    row = pa.LargeListArray.from_arrays(pa.array([0, len(texts)], pa.int64()), texts)
    values = msgspec.json.decode(b"[%b]" % pc.binary_join(row, pa.scalar(",", pa.large_string()))[0].as_buffer())
    if len(values) != len(texts):
        raise msgspec.DecodeError("a text holds several values")
    return cast(list[Any], values)


def _piece(
    rows: pd.DataFrame, ids: Iterable[tuple[Any, ...]], decoded: bool, archive: bool
) -> Iterator[dict[str, Any]]:
    """The annotations of any rows, one by one."""
    read_shape: Callable[[str], Any] = decode_shape if decoded else _raw
    read_json: Callable[[str], Any] = _decoded if decoded else _raw
    boxes = rows[BOX].to_numpy(dtype=np.float64, na_value=np.nan)
    has_box = (~np.isnan(boxes).any(axis=1)).tolist()
    columns = [_plain(rows[name]) for name in (
        "type", "segmentation", "keypoints", "area", "iscrowd", "rotation", "attributes", "annotation_id", "parent_id",
        "extra",
    )]  # fmt: skip
    for (number, image_id, category_id), box, boxed, row in zip(
        ids, boxes.tolist(), has_box, zip(*columns, strict=True), strict=True
    ):
        kind, segmentation, keypoints, area, crowd, rotation, attributes, own, parent, extra_text = row
        made: dict[str, Any] = {}
        if extra_text is not None:
            made = _extra(extra_text)
            if not archive:  # tools stop at what was not understood
                made = {key: value for key, value in made.items() if key not in _READ}
        made["id"], made["image_id"], made["category_id"] = number, image_id, category_id
        if kind == "point":
            made["keypoints"] = read_shape(keypoints) if keypoints else [box[0], box[1], 2]
            if not archive:
                made.setdefault("num_keypoints", 1)
        elif kind == "polyline":
            made["polyline"] = read_shape(segmentation) if segmentation else []
        else:
            made["segmentation"] = read_shape(segmentation) if segmentation else []
            if keypoints:
                made["keypoints"] = read_shape(keypoints)
        if boxed:
            made["bbox"] = box
        if area is not None:
            made["area"] = area
        if crowd is not None:
            made["iscrowd"] = int(crowd)
        if rotation is not None:
            made["rotation"] = rotation
        if attributes is not None:
            made["attributes"] = read_json(attributes)
        if own is not None and own != str(number):
            made["labellerr_answer_id"] = own
        if parent is not None:
            made["labellerr_parent_id"] = parent
        yield made


def _extra(text: str | None) -> dict[str, Any]:
    extra = msgspec.json.decode(text) if text else {}
    return extra if isinstance(extra, dict) else {}


def _plain(values: pd.Series) -> list[Any]:
    """The values of a column, None for what is missing: shapes as text, times as Unix milliseconds."""
    if values.dtype == "segmentation":
        return values.array.texts().to_pylist()  # type: ignore[no-any-return]
    if isinstance(values.dtype, pd.CategoricalDtype):
        words = np.array([*values.cat.categories, None], dtype=object)
        return words[values.cat.codes].tolist()  # type: ignore[no-any-return]
    array = pa.array(values.array, from_pandas=True)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64())
    return array.to_pylist()  # type: ignore[no-any-return]
