"""What an export writes, in the four formats, and in each form that is assumed possible."""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from labellerr_ds.sandbox import draw
from labellerr_ds.sandbox.types import MISSING, SHAPES, Answers, File, Question, Thing
from labellerr_ds.sandbox.world import Project, as_json

Variants = frozenset[str]
FORMATS = {"json": "export.json", "coco_json": "export.json", "csv": "export.csv", "png": "masks.zip"}
"""The name under which an export of each format is served."""


def write(
    path: Path,
    project: Project,
    files: list[File],
    form: str,
    variants: Variants,
    questions: list[str],
    *,
    now_ms: int,
    report_id: str,
    contributor: str,
) -> str:
    """Write an export to a path; returns the name it is served under."""

    def answers(file: File) -> Answers:
        given = project.answers(file)
        return given if "all" in questions else [pair for pair in given if pair[0].question_id in questions]

    name = FORMATS[form]
    if form == "png":
        _write_masks(path, project, files, answers, variants)
        if "body-gzip" not in variants:
            return name
    else:
        with path.open("w", encoding="utf-8", newline="") as out:
            if form == "json":
                _write_native(out, files, answers, variants)
            elif form == "coco_json":
                info = {
                    "description": "Object detection data",
                    "date_created": now_ms,
                    "contributor": contributor,
                    "version": report_id,
                }
                out.write(as_json(_coco(project, files, answers, variants, info)))
            else:
                _write_csv(out, project, files, answers, variants)
    return _wrapped(path, name, variants)


def _wrapped(path: Path, name: str, variants: Variants) -> str:
    body = path.read_bytes() if variants & {"body-zip", "body-zip-folder", "body-gzip"} else b""
    if "body-gzip" in variants:
        path.write_bytes(gzip.compress(body, 1))
        return name + ".gz"
    if variants & {"body-zip", "body-zip-folder"}:
        folder = "export/" if "body-zip-folder" in variants else ""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(folder + name, body)
            if folder:
                archive.writestr("__MACOSX/export/._" + name, b"\0\5\x16\7")
        return "export.zip"
    return name


# --- native json


def _write_native(out: Any, files: list[File], answers: Any, variants: Variants) -> None:
    out.write("[")
    for position, file in enumerate(files):
        out.write("," if position else "")
        out.write(
            as_json(
                {
                    "file_id": file.file_id,
                    "file_name": file.file_name,
                    "file_metadata": metadata_of(file),
                    "created_at": file.created_ms,
                    "file_status": None if file.status == "none" else file.status,
                    "remarks": file.remarks,
                    "activities": [],
                    "latest_answer": native_answers(answers(file), variants),
                }
            )
        )
    out.write("]")


def metadata_of(file: File) -> dict[str, Any]:
    """A file's ``file_metadata``."""
    return {
        **({"image_width": file.width, "image_height": file.height} if file.width else {}),
        "file_size": file.size_mb,
        "file_format": file.file_format,
        "additional_metadata": None,
    }


def native_answers(answers: Answers, variants: Variants) -> Any:
    """A file's ``latest_answer``."""
    objects = [_question_object(question, value, variants) for question, value in answers]
    if "answers-dict" in variants:
        return {each.pop("question_id"): each for each in objects}
    return objects


def _question_object(question: Question, value: Any, variants: Variants) -> dict[str, Any]:
    name, kind = ("question", "option_type") if "answers-question" in variants else ("question_name", "question_type")
    return {
        "question_id": question.question_id,
        name: question.name,
        kind: question.type,
        "answer": native_value(question, value, variants),
    }


def native_value(question: Question, value: Any, variants: Variants) -> Any:
    """The ``answer`` of a question."""
    if question.type in SHAPES:
        return [_native_thing(thing, variants) for thing in value]
    if value is None:
        return [] if question.type in ("select", "imc") else ""
    if "values-list" in variants and question.type in ("radio", "dropdown", "boolean", "input"):
        return [value]
    return value


def _native_thing(thing: Thing, variants: Variants) -> dict[str, Any]:
    written: dict[str, Any] = {} if thing.answer_id is None else {"answer_id": thing.answer_id}
    kind = thing.question.type
    if None in thing.shapes:
        written["answer"] = _native_shape(kind, thing.shapes[None], variants)
    else:
        frames = [
            {"frame": frame, "answer": _native_shape(kind, shape, variants), "timestamp": seconds(frame)}
            for frame, shape in thing.shapes.items()
        ]
        written["frames"] = frames if "video-list" in variants else {str(each["frame"]): each for each in frames}
    if thing.children:
        written["children"] = [_question_object(*child, variants) for child in thing.children]
    if thing.attributes is not MISSING:
        written["attributes"] = thing.attributes
    return written


def seconds(frame: int | None) -> float:
    """When a frame is shown: the videos have 30 frames a second; whole milliseconds."""
    return round((frame or 0) * 1000 / 30) / 1000


def _native_shape(kind: str, shape: Any, variants: Variants) -> Any:
    if kind == "BoundingBox":
        return shape
    if kind == "dot":
        return {"x": shape[0], "y": shape[1]}
    if kind == "polyline":
        return [{"x": x, "y": y} for x, y in shape]
    rings = [[{"x": x, "y": y} for x, y in ring] for ring in shape]
    return rings if "parts" in variants else rings[0]


# --- coco_json


def turn(variants: Variants) -> int:
    """Which way a box's rotation turns it: clockwise as seen is 1."""
    return -1 if "rotation-ccw" in variants else 1


def shoelace(ring: Iterable[tuple[float, float]]) -> float:
    """Area inside a ring, square pixels."""
    points = list(ring)
    total = 0.0
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
        total += x1 * y2 - x2 * y1
    return abs(total) / 2


def tight_box(points: list[tuple[float, float]]) -> list[float]:
    """``x, y, width, height`` around points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _coco(
    project: Project, files: list[File], answers: Any, variants: Variants, info: dict[str, Any]
) -> dict[str, Any]:
    first = 1 if "ids-one" in variants else 0
    plain = "ids-plain" in variants
    classes = [question for question in project.questions if question.type in ("BoundingBox", "polygon", "dot")]
    numbers = {question.question_id: number for number, question in enumerate(classes, start=first)}
    annotations: list[dict[str, Any]] = []
    for image_id, file in enumerate(files, start=first):
        for question, things in answers(file):
            if question.question_id not in numbers:
                continue
            for thing in things:
                annotations.append(
                    {
                        "image_id": image_id,
                        "category_id": numbers[question.question_id],
                        **_coco_shape(question.type, thing.shapes[None], variants),
                        "id": len(annotations) + first,
                        **({} if thing.attributes is MISSING else {"attributes": thing.attributes}),
                        **({} if plain or not thing.answer_id else {"labellerr_answer_id": thing.answer_id}),
                    }
                )
    return {
        "info": info,
        "licenses": [],
        "images": [
            {
                "id": image_id,
                "width": file.width,
                "height": file.height,
                "file_name": file.file_name,
                "date_created": file.created_ms,
                **(
                    {}
                    if plain
                    else {
                        "labellerr_file_id": file.file_id,
                        "labellerr_file_status": None if file.status == "none" else file.status,
                        "labellerr_file_remarks": file.remarks,
                    }
                ),
            }
            for image_id, file in enumerate(files, start=first)
        ],
        "annotations": annotations,
        "categories": [
            {
                "id": numbers[question.question_id],
                "name": question.name,
                "supercategory": "Annotation",
                "isthing": 1,
                "color": list(draw.rgb(question.color or "#000000")),
                "attributes": [],
                **({} if plain else {"labellerr_question_id": question.question_id}),
            }
            for question in classes
        ],
    }


def _coco_shape(kind: str, shape: Any, variants: Variants) -> dict[str, Any]:
    """The fields of a shape: a polygon's and a box's come in orders of their own, as in real exports."""
    if kind == "dot":
        return {"keypoints": [*shape, 2], "num_keypoints": 1, "iscrowd": 0}
    if kind == "polygon":
        return {
            "segmentation": [[number for point in ring for number in point] for ring in shape],
            "iscrowd": 0,
            "bbox": tight_box([point for ring in shape for point in ring]),
            "area": sum(shoelace(ring) for ring in shape),
        }
    if "coco-turned" in variants and shape["rotation"]:
        return _coco_shape("polygon", [draw.turned_ring(shape, turn(variants))], variants)
    x, y, right, low = shape["xmin"], shape["ymin"], shape["xmax"], shape["ymax"]
    box = {"bbox": [x, y, right - x, low - y], "area": (right - x) * (low - y), "iscrowd": 0}
    if "boxes-bare" in variants:
        return box
    rings: list[list[float]] = [[]]
    if "boxes-empty" in variants:
        rings = []
    elif "boxes-corners" in variants:
        rings = [[x, y, right, y, right, low, x, low]]
    return {**box, "segmentation": rings}


# --- csv

FILE_COLUMNS = (
    "file_id", "file_name", "file_status", "remarks", "created_at", "image_width", "image_height", "file_size",
    "file_format",
)  # fmt: skip


def _write_csv(out: Any, project: Project, files: list[File], answers: Any, variants: Variants) -> None:
    if "csv-bom-semicolon" in variants:
        out.write("\ufeff")
    table = csv.writer(out, delimiter=";" if "csv-bom-semicolon" in variants else ",")
    if "csv-answers" in variants:
        table.writerow([*FILE_COLUMNS, "question_id", "question_name", "question_type", "answer"])
        for file in files:
            given = answers(file)
            for question, value in given:
                cell = _cell(question, value, variants)
                table.writerow([*_file_cells(file), question.question_id, question.name, question.type, cell])
            if not given:
                table.writerow([*_file_cells(file), "", "", "", ""])
        return
    table.writerow([*FILE_COLUMNS, *(question.name for question in project.questions)])
    for file in files:
        cells = {question.question_id: _cell(question, value, variants) for question, value in answers(file)}
        table.writerow([*_file_cells(file), *(cells.get(question.question_id, "") for question in project.questions)])


def _file_cells(file: File) -> list[Any]:
    return [
        file.file_id, file.file_name, "" if file.status == "none" else file.status, file.remarks, file.created_ms,
        "" if file.width is None else file.width, "" if file.height is None else file.height, file.size_mb,
        file.file_format,
    ]  # fmt: skip


def _cell(question: Question, value: Any, variants: Variants) -> str:
    if value is None or value == []:
        return ""
    if question.type in ("radio", "dropdown", "boolean", "input") and "values-list" not in variants:
        return as_json(value) if isinstance(value, bool) else str(value)
    return as_json(native_value(question, value, variants))


# --- png


def mask_names(files: list[File], by_id: bool) -> dict[str, str]:
    """The mask's name without ending, by the file's id."""
    stems = Counter(file.stem for file in files)
    return {
        file.file_id: file.file_id if by_id else file.stem if stems[file.stem] == 1 else f"{file.stem}_{file.file_id}"
        for file in files
    }


def _write_masks(path: Path, project: Project, files: list[File], answers: Any, variants: Variants) -> None:
    classes = draw.colors(project)
    names = mask_names(files, "png-id" in variants)
    folder = "export/" if "body-zip-folder" in variants else ""
    taken: Counter[str] = Counter()
    folders = []
    for question, _ in classes:
        taken[question.name] += 1
        again = taken[question.name] > 1
        folders.append(f"{question.name}_{question.question_id}" if again else question.name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            labels = draw.label_map(project, file, answers(file), turn(variants) if "png-turned" in variants else 0)
            if "png-annotated" in variants and not labels.any():
                continue
            name = names[file.file_id] + ".png"
            if "png-class" in variants:
                for index, class_folder in enumerate(folders, start=1):
                    if (labels == index).any():
                        own = Image.fromarray(np.where(labels == index, 255, 0).astype(np.uint8))
                        archive.writestr(f"{folder}{class_folder}/{name}", draw.png(own))
            else:
                archive.writestr(folder + name, draw.png(_mask(labels, classes, variants)))
        if "png-grey16" in variants:
            lines = ["# label:color_rgb:parts:actions"]
            lines += [f"{question.name}:{index}::" for index, (question, _) in enumerate(classes, start=1)]
            archive.writestr(folder + "labelmap.txt", "\n".join(lines) + "\n")
        if folder:
            archive.writestr("__MACOSX/export/._masks", b"\0\5\x16\7")


def _mask(labels: draw.Labels, classes: list[Any], variants: Variants) -> Image.Image:
    if "png-grey16" in variants:
        return Image.fromarray(labels)
    table = np.array([(0, 0, 0), *(color for _, color in classes)], dtype=np.uint8)
    if "png-rgb" in variants:
        return Image.fromarray(table[labels])
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(table.tobytes())
    return image
