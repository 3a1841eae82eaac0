"""What the world holds now, as frames, written from the description of the frames alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from labellerr_ds.sandbox.types import MISSING, SHAPES, File, Question, Thing
from labellerr_ds.sandbox.world import Project, as_json
from labellerr_ds.sandbox.writers import seconds, shoelace, tight_box

FILE_COLUMNS = [
    "file_id",
    "file_name",
    "status",
    "label_state",
    "width",
    "height",
    "file_format",
    "file_size_mb",
    "remarks",
    "created_at",
    "updated_at",
    "annotation_count",
]
ANNOTATION_COLUMNS = [
    "annotation_id",
    "file_id",
    "file_name",
    "status",
    "question_id",
    "category_id",
    "category",
    "type",
    "value",
    "bbox_x",
    "bbox_y",
    "bbox_width",
    "bbox_height",
    "rotation",
    "area",
    "segmentation",
    "iscrowd",
    "track_id",
    "frame",
    "time",
    "end_time",
    "image_width",
    "image_height",
    "parent_id",
    "attributes",
]
STATE = {
    "none": ("unlabelled", "pre_labelled"),
    "assigned": ("in_progress",) * 2,
    "review": ("in_review",) * 2,
    "r_assigned": ("in_review",) * 2,
    "client_review": ("in_review",) * 2,
    "cr_assigned": ("in_review",) * 2,
    "accepted": ("negative", "labelled"),
    "rejected": ("rejected",) * 2,
    "client_rejected": ("rejected",) * 2,
}


def frames(project: Project) -> dict[str, pd.DataFrame]:
    """``files``, ``annotations``, ``categories`` and ``deleted``."""
    files, annotations = [], []
    for file in project.alive():
        rows = _rows(project, file)
        annotations += rows
        files.append(
            {
                "file_id": file.file_id,
                "file_name": file.file_name,
                "status": file.status,
                "label_state": STATE.get(file.status, ("skipped",) * 2)[bool(rows)],
                "width": file.width,
                "height": file.height,
                "file_format": file.file_format,
                "file_size_mb": file.size_mb,
                "remarks": file.remarks,
                "created_at": file.created_ms,
                "updated_at": file.updated_ms,
                "annotation_count": len(rows),
            }
        )
    deleted = [
        {"file_id": file.file_id, "file_name": file.file_name, "deleted_at": file.deleted_ms}
        for file in project.files
        if file.deleted_ms is not None
    ]
    categories = [
        {
            "category_id": question.question_id,
            "name": question.name,
            "color": question.color,
            "question_id": question.question_id,
            "question_type": question.type,
        }
        for question in project.questions
    ]
    tables = {
        "files": pd.DataFrame(files, columns=FILE_COLUMNS),
        "annotations": pd.DataFrame(annotations, columns=ANNOTATION_COLUMNS),
        "categories": pd.DataFrame(categories),
        "deleted": pd.DataFrame(deleted, columns=["file_id", "file_name", "deleted_at"]),
    }
    for frame in tables.values():
        for name in ("created_at", "updated_at", "deleted_at"):
            if name in frame:
                frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True).astype("datetime64[ns, UTC]")
    return tables


def _rows(project: Project, file: File) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    positions: Counter[tuple[str, str]] = Counter()

    def add(question: Question, about: str, annotation_id: str | None = None, **values: Any) -> str:
        position = positions[about, question.question_id]
        positions[about, question.question_id] += 1
        row = dict.fromkeys(ANNOTATION_COLUMNS)
        row.update(
            file_id=file.file_id,
            file_name=file.file_name,
            status=file.status,
            image_width=file.width,
            image_height=file.height,
            question_id=question.question_id,
            category_id=question.question_id,
            category=question.name,
        )
        row["annotation_id"] = annotation_id or f"{about}/{question.question_id}/{position}"
        if about != file.file_id:
            row["parent_id"] = about
        row.update(values)
        rows.append(row)
        return str(row["annotation_id"])

    def values_of(question: Question, value: Any, about: str) -> None:
        if question.type in ("stt", "audio"):
            if value and "text" in value:
                add(question, about, type="text", value=value["text"])
            for segment in (value or {}).get("segments", []):
                times = {"time": segment["start"], "end_time": segment["end"]}
                add(question, about, type="segment", value=segment["text"], **times)
            return
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                kind = "text" if question.type == "input" else "classification"
                word = as_json(item) if isinstance(item, bool) else item
                add(question, about, type=kind, value=word)

    def shape_of(question: Question, thing: Thing) -> None:
        attributes = {} if thing.attributes is MISSING else {"attributes": as_json(thing.attributes)}
        if None in thing.shapes:
            measures = _measures(question.type, thing.shapes[None])
            about = add(question, file.file_id, thing.answer_id, **measures, **attributes)
        else:
            place = positions[file.file_id, question.question_id]
            about = thing.answer_id or f"{file.file_id}/{question.question_id}/{place}"
            for frame, shape in thing.shapes.items():
                times = {"track_id": about, "frame": frame, "time": seconds(frame)}
                measures = _measures(question.type, shape)
                add(question, file.file_id, f"{about}@{frame}", **measures, **times, **attributes)
        for child, value in thing.children:
            values_of(child, value, about)

    for question, answer in project.answers(file):
        if question.type in SHAPES:
            for thing in answer:
                shape_of(question, thing)
        else:
            values_of(question, answer, file.file_id)
    return rows


def _measures(kind: str, shape: Any) -> dict[str, Any]:
    measures: dict[str, Any] = {"iscrowd": False}
    if kind == "BoundingBox":
        box = [shape["xmin"], shape["ymin"], shape["xmax"] - shape["xmin"], shape["ymax"] - shape["ymin"]]
        measures.update(type="bbox", rotation=shape["rotation"], area=box[2] * box[3])
    elif kind == "polygon":
        box = tight_box([point for ring in shape for point in ring])
        measures.update(type="polygon", area=sum(shoelace(ring) for ring in shape))
        measures["segmentation"] = [[number for point in ring for number in point] for ring in shape]
    elif kind == "polyline":
        box = tight_box(shape)
        measures.update(type="polyline", segmentation=[number for point in shape for number in point])
    else:
        box = [*shape, 0, 0]
        measures.update(type="point", segmentation=list(shape))
    measures.update(zip(("bbox_x", "bbox_y", "bbox_width", "bbox_height"), box, strict=True))
    return measures
