"""The annotations of a coco_json export: decoded, and brought to columns a batch at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Annotated, Any, NamedTuple, cast

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.json_text import json_bytes, json_text
from labellerr_ds.formats.coco_json.shapes import (
    is_line,
    is_marks,
    is_polygon,
    is_segmentation,
    marks_of,
    may_be_polygons,
    not_polygons,
)
from labellerr_ds.formats.coco_json.tables import NO_IMAGE, SEVERAL_IMAGES, ClassIds, ImageReader
from labellerr_ds.formats.decoding import UNSET, any_json, decoder, plain, raw_fields
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.formats.values import Int64, as_text, lookup_key, number, whole
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import FILE_ROW, UNREAD, Unread, dictionary, table
from labellerr_ds.shapes.boxes import bounds, ring_areas
from labellerr_ds.shapes.rle import area_and_bbox, checked_counts

NONE = msgspec.Raw(b"")
_NAN = float("nan")
_NO_BOX = (_NAN,) * 4
_BRACKET = ord("[")


Flag = Annotated[int, msgspec.Meta(ge=0, le=1)]


class Annotation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An annotation as it nearly always is; what is not so goes the slow way."""

    image_id: Int64 | None
    category_id: Int64 | None
    id: Int64 | None = None
    segmentation: msgspec.Raw = NONE
    bbox: tuple[float, float, float, float] | None = None
    area: float | None = None
    iscrowd: Flag | bool | None = None
    attributes: msgspec.Raw = NONE
    labellerr_answer_id: str | None = None
    keypoints: msgspec.Raw = NONE
    num_keypoints: int | None = None
    # What our own archive form adds.
    polyline: msgspec.Raw = NONE
    rotation: float | None = None
    labellerr_parent_id: str | None = None
    labellerr_attributes: msgspec.Raw = NONE  # the portable form's, where `attributes` is not an object
    # Ours, and under a name that no export has.
    extra: msgspec.UnsetType | dict[str, Any] = msgspec.field(default=msgspec.UNSET, name="(what has no field)")


_RAW = ("segmentation", "keypoints", "attributes", "polyline", "labellerr_attributes")
_FIELDS = Annotation.__struct_fields__
_decode = decoder(Annotation)
_OTHER_KINDS = {"caption": "captions", "segments_info": "a panoptic segmentation"}
"""Keys by which COCO's other kinds of files are known (cocodataset.org, "Data format")."""


class CocoRows(NamedTuple):
    """The annotations of a batch.

    Attributes
    ----------
    rows : pyarrow.Table
    unread : tuple of Unread
        Those that have neither a shape nor a value.
    unlinked : int
        Those that name no image.
    """

    rows: pa.Table
    unread: tuple[Unread, ...]
    unlinked: int


class AnnotationReader:
    """Reads annotations, a batch at a time.

    Parameters
    ----------
    images : ImageReader
        Has read all images of the file.
    classes : dict
        What COCO's numbers of categories stand for.
    issues : IssueLog
    name : str
        The file, for errors.
    """

    def __init__(self, images: ImageReader, classes: ClassIds, issues: IssueLog, name: str) -> None:
        self._images, self._classes, self._issues, self._name = images, classes, issues, name
        self._is_first = True
        self._linked: set[Any] = set()  # numbers of several images, and texts, that annotations name
        self._has_dangling = False

    def read(self, entries: Sequence[Annotation] | Sequence[msgspec.Raw], mended: Sequence[int] = ()) -> CocoRows:
        """Read the `annotations` of a batch; odd ones are understood as far as they can be.

        Parameters
        ----------
        entries : sequence
            All of them decoded, or none.
        mended : sequence of int
            The indices of those that were not JSON.

        Raises
        ------
        ReadError
            For a file of another kind of COCO: captions, or a panoptic segmentation.
        """
        rows: list[Annotation] = []
        unread: list[Annotation] = []
        corrected = set(mended)
        if entries and isinstance(entries[0], Annotation):
            rows = list(cast(Sequence[Annotation], entries))
            if any(row.bbox is None for row in rows):
                has_shape = [row.bbox is not None or _has_shape(row) for row in rows]
                unread = [row for row, has in zip(rows, has_shape, strict=True) if not has]
                rows = [row for row, has in zip(rows, has_shape, strict=True) if has]
        else:
            for index, entry in enumerate(cast(Sequence[msgspec.Raw], entries)):
                row = _decode(entry)
                reports: list[Report] = []
                if row is UNSET:
                    row = _slow(entry, reports, self._issues.unknown_keys)
                if index in corrected:
                    self._issues.add_mended("annotations", [len(rows)])
                if row.bbox is None and not _has_shape(row):
                    unread.append(row)
                    continue
                for code, message in reports:
                    severity = "warning" if code == "unparsed_answer" else "error"
                    self._issues.add(code, "annotations", _row_id(row), len(rows), message, severity)
                rows.append(row)
        if self._is_first and not rows:
            self._refuse_other_kinds(unread)
        self._is_first = False
        batch = _Batch(rows, self._images, self._issues)
        columns = batch.columns(self._classes)
        lost = tuple(self._unread(row) for row in unread)
        if self._images.rows_of_texts:
            self._linked.update(row.image_id for row in (*rows, *unread) if isinstance(row.image_id, str))
        self._note_links([*(rows[index] for index in np.flatnonzero(batch.file_index < 0)), *unread])
        unlinked = sum(not self._is_link(row.image_id) for row in (*batch.dangling, *unread))
        return CocoRows(table("annotations", columns, len(rows)), lost, unlinked)

    def unclear_files(self) -> frozenset[int]:
        """Report and return the rows of images whose annotations may be those of others, once all were read.

        An id that several images share may mean any of them. A text that no annotation names, while annotations name
        images that are not there, may stand for one of these.
        """
        shared = self._images.rows_of_shared
        rows = {row for number in self._linked.intersection(shared) for row in shared[number]} | self._images.unclear
        texts = self._images.rows_of_texts if self._has_dangling else {}
        for text, row in texts.items():
            if text not in self._linked:
                message = f"no annotation names the image id {text!r}, and annotations name images that are not there."
                self._issues.add("unparsed_answer", "files", self._images.id_of(row, text), row, message)
                rows.add(row)
        return frozenset(rows)

    def _refuse_other_kinds(self, unread: Sequence[Annotation]) -> None:
        for key, kind in _OTHER_KINDS.items():
            if unread and all(key in _extra_of(row) for row in unread):
                raise ReadError(
                    f"{self._name}: expected annotations with shapes, got a COCO file of {kind} "
                    f"({key!r} in each annotation)."
                )

    def _unread(self, row: Annotation) -> Unread:
        file_row = self._images.rows.get(row.image_id, NO_IMAGE)
        text = json_text(_as_json(row))
        reason = f"annotation {_row_id(row)} has no shape that could be parsed"
        return Unread(max(file_row, NO_IMAGE), UNREAD, text, "bad_segmentation", reason)

    def _note_links(self, rows: Sequence[Annotation]) -> None:
        """Note what annotations name that is not one image."""
        for row in rows:
            if self._images.rows.get(row.image_id) == SEVERAL_IMAGES:
                self._linked.add(row.image_id)
            elif row.image_id not in self._images.rows:
                self._has_dangling = True

    def _is_link(self, number: Any) -> bool:
        """Return True for the number of an image, or a text that is the id of one."""
        return isinstance(number, int) or number in self._images.rows


Report = tuple[str, str]
"""The code and message of an issue about an annotation."""


def _slow(raw: msgspec.Raw, reports: list[Report], unknown_keys: Counter[str]) -> Annotation:
    """Read an annotation that holds more than the known keys, or other than the known types."""
    fields = raw_fields(raw)
    if fields is UNSET:
        reports.append(("bad_row", "an annotation is not an object."))
        return Annotation(None, None, extra={"entry": plain(raw)})
    shapes = {key: fields.pop(key) for key in _RAW if key in fields}
    values = {key: plain(value) for key, value in fields.items()}
    known = set(_FIELDS) - {"extra"}
    extra = {key: value for key, value in values.items() if key not in known}
    unknown_keys.update(extra.keys())
    own_id = as_text(values.get("id"))
    for key, value in extra.items():
        if isinstance(value, list | dict) and value:
            message = f"the unknown key {key!r} of annotation {own_id} may hold a part of its label."
            reports.append(("unparsed_answer", message))

    def keep(key: str, value: Any, code: str = "not_a_number") -> Any:
        if value is None and values.get(key) is not None:
            extra[key] = values[key]
            reports.append((code, f"{key} of annotation {own_id} is {values[key]!r}."))
        return value

    box = values.get("bbox")
    numbers = [number(side) for side in box] if isinstance(box, list) and len(box) == 4 else []
    good = bool(numbers) and None not in numbers
    crowd, answer = values.get("iscrowd"), values.get("labellerr_answer_id")
    crowd = crowd if isinstance(crowd, bool) else whole(crowd)
    annotation_id = whole(values.get("id"))
    if annotation_id is None and answer is None and values.get("id") is not None:
        answer = values["id"]  # an id that is text is the only one there is
    image, category = lookup_key(values.get("image_id")), lookup_key(values.get("category_id"))
    for key, identifier in (("image_id", image), ("category_id", category)):
        if not isinstance(identifier, int) and values.get(key) is not None:
            extra[key] = values[key]
    return Annotation(
        image_id=image,
        category_id=category,
        id=annotation_id,
        segmentation=shapes.get("segmentation", NONE),
        bbox=keep("bbox", tuple(numbers) if good else None if box != [] else ()) or None,
        area=keep("area", number(values.get("area"))),
        iscrowd=keep("iscrowd", crowd if crowd in (0, 1) else None),
        attributes=shapes.get("attributes", NONE),
        labellerr_answer_id=as_text(answer),
        keypoints=shapes.get("keypoints", NONE),
        num_keypoints=keep("num_keypoints", whole(values.get("num_keypoints"))),
        polyline=shapes.get("polyline", NONE),
        rotation=keep("rotation", number(values.get("rotation"))),
        labellerr_parent_id=as_text(values.get("labellerr_parent_id")),
        labellerr_attributes=shapes.get("labellerr_attributes", NONE),
        extra=extra,
    )


def _has_shape(row: Annotation) -> bool:
    """Return True if an annotation without a box has another shape that can be parsed."""
    for text, is_shape in ((row.segmentation, is_segmentation), (row.polyline, is_line), (row.keypoints, is_marks)):
        if len(text) > 2 and is_shape(plain(text)):
            return True
    return False


def _as_json(row: Annotation) -> dict[str, Any]:
    """Return the fields of an annotation as they were exported."""
    fields: dict[str, Any] = {}
    for key in _FIELDS[:-1]:
        value = getattr(row, key)
        if isinstance(value, msgspec.Raw):
            value = plain(value) if len(value) else None
        if value is not None:
            fields[key] = value
    return {**fields, **_extra_of(row)}


class _Batch:
    """A batch of annotations on their way to columns."""

    def __init__(self, rows: list[Annotation], images: ImageReader, issues: IssueLog) -> None:
        self.rows, self.issues, self._sizes, index = rows, issues, images.size, images.rows
        self._reported: set[int] = set()
        fields = zip(*map(msgspec.structs.astuple, rows), strict=True) if rows else [()] * len(_FIELDS)
        self.values: dict[str, Any] = dict(zip(_FIELDS, fields, strict=True))
        self._has_extra = self.values["extra"].count(msgspec.UNSET) < len(rows)
        count = len(rows)
        self.file_index = np.fromiter(map(index.get, self.values["image_id"], repeat(NO_IMAGE)), np.int64, count)
        self.segmentation = _without_empty_rings(self.values["segmentation"])
        self.keypoints: list[Any] = list(self.values["keypoints"])
        joined = _joined(self.segmentation)
        self._texts: Joined | None = joined
        is_plain = _lengths(self.keypoints) == 0
        kinds = np.where(_begin_rings(*joined) & is_plain, _POLYGON, -1)
        lacks_shape = (np.diff(joined[1]) == 0) & (_lengths(self.values["polyline"]) == 0)
        kinds[lacks_shape & is_plain] = _BBOX  # as boxes of real exports
        for position in np.flatnonzero(kinds < 0).tolist():
            kinds[position] = self._kind(position)
        self.kinds = kinds
        boxes = self.values["bbox"]
        if None in boxes:
            boxes = [box or _NO_BOX for box in boxes]
        self.boxes = np.fromiter(chain.from_iterable(boxes), dtype=np.float64, count=4 * count).reshape(-1, 4)
        self.areas = np.array(self.values["area"], dtype=np.float64)  # None gives NaN

    @property
    def dangling(self) -> list[Annotation]:
        """The annotations that are on no image."""
        return [self.rows[position] for position in np.flatnonzero(self.file_index < 0)]

    def columns(self, class_ids: ClassIds) -> dict[str, Any]:
        """The columns of `annotations`."""
        rows, fields = self.rows, self.values
        with np.errstate(over="ignore", invalid="ignore"):  # sides beyond any image give inf or NaN, as in JSON
            self._put_right()
            self._measure()
        self._check_shapes()
        for position in np.flatnonzero(self.file_index < 0):
            row = rows[position]
            what = "which several images have" if self.file_index[position] == SEVERAL_IMAGES else "which is not there"
            named = "names no image" if row.image_id is None else f"names image {row.image_id!r}, {what}"
            self._report("dangling_image_id", int(position), f"annotation {_row_id(row)} {named}.")
        places = {number: place for place, number in enumerate(dict.fromkeys(fields["category_id"]))}
        codes = np.fromiter(map(places.__getitem__, fields["category_id"]), np.int32, len(rows))
        classes = [class_ids.get(category_id, (as_text(category_id), None)) for category_id in places]
        text, whole_number = pa.large_string(), pa.int64()
        ids = fields["labellerr_answer_id"]
        crowds, attributes = fields["iscrowd"], fields["attributes"]
        if any(map(len, own := fields["labellerr_attributes"])):
            attributes = [one if len(one) else other for one, other in zip(attributes, own, strict=True)]
        if max(map(len, attributes), default=0) > 2:
            attributes = [text if len(text) <= 2 else _decodable(text) for text in attributes]
        return {
            "annotation_id": pa.array(ids if all(ids) else list(map(_row_id, rows)), text),
            FILE_ROW: np.maximum(self.file_index, NO_IMAGE),
            "question_id": pa.array([question for _, question in classes], text).take(pa.array(codes)),
            "category_id": pa.array([row_id for row_id, _ in classes], text).take(pa.array(codes)),
            "type": dictionary(self.kinds, schema.TYPES),
            "bbox_x": self.boxes[:, 0],
            "bbox_y": self.boxes[:, 1],
            "bbox_width": self.boxes[:, 2],
            "bbox_height": self.boxes[:, 3],
            "area": self.areas,
            "segmentation": _text_array(*(self._texts or _joined(self.segmentation))),
            "keypoints": _text_array(*_joined(self.keypoints)),
            "iscrowd": pa.array([None if crowd is None else bool(crowd) for crowd in crowds], pa.bool_()),
            "attributes": _text_array(*_joined(attributes)),
            "rotation": np.array(fields["rotation"], dtype=np.float64),
            "parent_id": pa.array(fields["labellerr_parent_id"], text),
            "coco_id": pa.array(fields["id"], whole_number),
            "coco_image_id": self._image_numbers(),
            "extra": self._extras(),
        }

    def _extras(self) -> pa.Array:
        text, fields = pa.large_string(), self.values
        if not self._has_extra and fields["num_keypoints"].count(None) == len(self.rows):
            return pa.nulls(len(self.rows), text)
        return pa.array([_extra(row) for row in self.rows], text)

    def _image_numbers(self) -> pa.Array:
        try:
            return pa.array(self.values["image_id"], pa.int64())
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # ids that are text
            return pa.array([_if_whole(row.image_id) for row in self.rows], pa.int64())

    def _kind(self, position: int) -> int:
        """The place of the type in `schema.TYPES`; what is not a shape is taken out of the column."""
        marks = self._marks(position)
        if marks is None:
            self.keypoints[position] = b""
        kind = self._shape_kind(position)
        if marks is not None and len(marks) > 3:
            return _KEYPOINTS
        if marks is not None and kind == _BBOX and marks[2] > 0:
            self._replace(position, json_bytes(marks[:2]))
            return _POINT
        return kind

    def _marks(self, position: int) -> list[float] | None:
        """The keypoints of an annotation, three numbers each; None where it has none."""
        text = bytes(self.keypoints[position])
        values = plain(text) if len(text) > 2 else None
        if values is None or values == []:
            return None
        marks = marks_of(values)
        if marks is None:
            self._bad(position, "are not x, y and a flag each", key="keypoints")
            return None
        if marks != values:  # as text, or a list a keypoint
            self.keypoints[position] = json_bytes(marks)
        return marks

    def _shape_kind(self, position: int) -> int:
        shape, line = bytes(self.segmentation[position]), bytes(self.values["polyline"][position])
        head = _head(shape)
        if line and head in (b"", b"[]", b"nu"):
            self._replace(position, line)
            return _POLYLINE
        if head == b"[[":
            if not _EMPTY_RINGS.fullmatch(shape.translate(None, b" \n\r\t")):
                return _POLYGON
            head = b"[]"
        if head[:1] == b"{":
            return _MASK
        if head[:1] == b"[" and head != b"[]":
            self._replace(position, b"[" + shape + b"]")  # one flat ring
            return _POLYGON
        if head not in (b"", b"[]", b"nu"):
            self._bad(position, "is neither rings nor RLE")
        if shape:
            self._replace(position, b"")
        return _BBOX

    def _replace(self, position: int, shape: bytes) -> None:
        self.segmentation[position] = shape
        self._texts = None  # they are to be joined again

    def _put_right(self) -> None:
        for corner, side in ((0, 2), (1, 3)):
            for position in np.flatnonzero(self.boxes[:, side] < 0):
                self.boxes[position, corner] += self.boxes[position, side]
                self.boxes[position, side] *= -1
                self._report("swapped_corners", int(position), "a box with a negative side was corrected.")

    def _measure(self) -> None:
        """Boxes and areas that were not told, from the shapes."""
        kinds = self.kinds
        no_box, no_area = np.isnan(self.boxes[:, 0]), np.isnan(self.areas)
        plain = no_area & (kinds == _BBOX)
        outlined = (kinds == _KEYPOINTS) & (_lengths(self.segmentation) > 2)  # a ring or RLE stands beside
        self.areas[plain] = self.boxes[plain, 2] * self.boxes[plain, 3]
        for position in np.flatnonzero(no_box | (no_area & (np.isin(kinds, (_POLYGON, _MASK)) | outlined))):
            try:
                area, box = self._measured(int(position), int(kinds[position]))
            except (ValueError, TypeError, KeyError, IndexError, OverflowError) as problem:
                self._bad(int(position), f"gives no box and area: {problem}", stays=True)
                self._reported.add(int(position))
                continue
            if no_box[position]:
                self.boxes[position] = box
            if no_area[position]:
                self.areas[position] = area

    def _measured(self, position: int, kind: int) -> tuple[float, Any]:
        if kind == _BBOX:
            return _NAN, (_NAN,) * 4
        head = _head(bytes(self.segmentation[position]))
        if kind == _KEYPOINTS and (head == b"[[" or head[:1] == b"{"):
            kind = _POLYGON if head == b"[[" else _MASK
        if kind == _KEYPOINTS:
            numbers = plain(bytes(self.keypoints[position]) or b"[]")
            marks = np.array(numbers, dtype=np.float64).reshape(-1, 3)
            shown = marks[marks[:, 2] > 0, :2]
            return _NAN, bounds(shown, np.array([len(shown)]))[0]
        value = plain(bytes(self.segmentation[position]) or b"null")
        if kind == _POINT:
            return _NAN, (value[0], value[1], 0.0, 0.0)
        if kind == _MASK:
            area, box = area_and_bbox(checked_counts(value), int(value["size"][0]))
            return float(area), box
        if kind == _POLYLINE:
            value = [value]
        elif not is_polygon(value):
            raise ValueError("a ring is not three or more pairs of finite numbers")
        points = np.array([len(ring) // 2 for ring in value])
        xy = np.concatenate([np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in value])
        return float(ring_areas(xy, points).sum()), bounds(xy, points.sum(keepdims=True))[0]

    def _bad(self, position: int, what: str, *, stays: bool = False, key: str = "segmentation") -> None:
        row = self.rows[position]
        if not stays:
            extra = _extra_of(row)
            self._has_extra = True
            row.extra = {**extra, key: plain(bytes(self.values[key][position]) or b"null")}
        self._report("bad_segmentation", position, f"the {key} of annotation {_row_id(row)} {what}.")

    def _check_shapes(self) -> None:
        """Report rings and RLE that do not hold together; they stay."""
        data, begins = self._texts or _joined(self.segmentation)
        ringed = np.isin(self.kinds, (_POLYGON, _KEYPOINTS)) & (np.diff(begins) > 0)
        if ringed.any() and not may_be_polygons(data):
            rows = [at for at in np.flatnonzero(ringed).tolist() if bytes(self.segmentation[at])[:1] != b"{"]
            for index in not_polygons([bytes(self.segmentation[position]) for position in rows]):
                if rows[index] not in self._reported:
                    self._bad(
                        rows[index], "is not a list of rings of three or more pairs of finite numbers", stays=True
                    )
        for position in np.flatnonzero(self.kinds == _MASK).tolist():
            if position in self._reported:
                continue
            try:
                rle = plain(bytes(self.segmentation[position]))
                checked_counts(rle)
            except (ValueError, TypeError, KeyError, IndexError, OverflowError) as problem:
                self._bad(position, f"is an RLE that does not hold together: {problem}", stays=True)
                continue
            size = self._sizes(int(self.file_index[position]))
            if None not in size and [int(side) for side in rle["size"]] != list(size):
                row_id = _row_id(self.rows[position])
                self._report(
                    "size_mismatch",
                    position,
                    f"the mask of annotation {row_id} has {rle['size'][0]} x {rle['size'][1]} pixels (height, width), "
                    f"its image {size[0]} x {size[1]}.",
                )

    def _report(self, code: str, position: int, message: str) -> None:
        severity = "warning" if code == "swapped_corners" else "error"
        self.issues.add(code, "annotations", _row_id(self.rows[position]), position, message, severity)


_BBOX, _POLYGON, _POLYLINE, _POINT, _KEYPOINTS, _MASK = (
    schema.TYPES.index(name) for name in ("bbox", "polygon", "polyline", "point", "keypoints", "mask")
)
_EMPTY_RINGS = re.compile(rb"\[\[\](,\[\])*\]")


def _without_empty_rings(texts: Sequence[Any]) -> list[Any]:
    """Return texts of segmentations, those of one empty ring, as real boxes have it, as missing."""
    kept = list(texts)
    for position in np.flatnonzero(_lengths(kept) == 4).tolist():  # the length of [[]]
        if bytes(kept[position]) == b"[[]]":
            kept[position] = NONE
    return kept


def _head(text: bytes) -> bytes:
    """The first two signs that are no white space."""
    head = text[:2]
    return head if not head[1:].isspace() else b"".join(text[:4000].split())[:2]


Joined = tuple[bytes, NDArray[np.int64]]
"""Texts one after the other, and where each begins, with the end of the last."""


def _joined(texts: Sequence[Any]) -> Joined:
    begins = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(_lengths(texts), out=begins[1:])
    return b"".join(texts), begins


def _lengths(texts: Sequence[Any]) -> NDArray[np.int64]:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _begin_rings(data: bytes, begins: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the texts begin as a list of rings does."""
    is_begin = np.diff(begins) > 1
    starts, signs = begins[:-1][is_begin], np.frombuffer(data, np.uint8)
    is_begin[is_begin] = (signs[starts] == _BRACKET) & (signs[starts + 1] == _BRACKET)
    return is_begin


def _text_array(data: bytes, begins: NDArray[np.int64]) -> pa.Array:
    """A column of the texts, without a copy; an empty one is missing.

    Raises
    ------
    pyarrow.ArrowInvalid
        Where one is not UTF-8.
    """
    empty = np.diff(begins) == 0
    if empty.all():
        return pa.nulls(len(empty), pa.large_string())
    missing = pa.array(~empty).buffers()[1] if empty.any() else None
    buffers = [missing, pa.py_buffer(begins), pa.py_buffer(data)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(empty), buffers).cast(pa.large_string())


def _row_id(row: Annotation) -> str | None:
    if row.labellerr_answer_id:
        return row.labellerr_answer_id
    return None if row.id is None else str(row.id)


def _if_whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _decodable(text: msgspec.Raw) -> msgspec.Raw | bytes:
    """Return JSON text, without numbers that no float can hold and without halves of surrogate pairs."""
    return text if any_json(text) is not UNSET else json_bytes(plain(text))


def _extra_of(row: Annotation) -> dict[str, Any]:
    return row.extra if isinstance(row.extra, dict) else {}


def _extra(row: Annotation) -> str | None:
    extra = _extra_of(row)
    if row.num_keypoints is not None:
        extra = {**extra, "num_keypoints": row.num_keypoints}
    return json_text(extra) if extra else None
