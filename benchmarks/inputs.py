"""Exports of any size in the shape of real ones, the same bytes for the same seed."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEIGHT = 1920, 1080
CLASSES = 80
TEMPLATE = (  # question id, name, type
    ("q-car", "car", "BoundingBox"),
    ("q-sign", "sign", "BoundingBox"),
    ("q-building", "building", "polygon"),
    ("q-weather", "weather", "radio"),
)
Ring = list[tuple[float, float]]


def native_json(path: Path, annotations: int, seed: int = 0) -> None:
    """Five annotations a file: three boxes, a polygon, an answer of a choice; 1.7 kB a file."""
    rng = random.Random(seed)
    with path.open("w") as out:
        for number in range(annotations // 5):
            out.write("," if number else "[")
            json.dump(_native_file(rng, number), out, separators=(",", ":"))
        out.write("]")


def _native_file(rng: random.Random, number: int) -> dict[str, Any]:
    answers = [
        [_thing(rng, _box(rng)), _thing(rng, _box(rng))],
        [_thing(rng, _box(rng))],
        [_thing(rng, [{"x": x, "y": y} for x, y in _ring(rng, 14)])],
        rng.choice(["sunny", "rainy", "snow"]),
    ]
    return {
        "file_id": f"{number:08x}-c6d5-4800-9be3-3712ba7d115c", "file_name": f"{number:012d}.jpg",
        "file_metadata": {
            "image_width": WIDTH, "image_height": HEIGHT, "file_size": 0.225, "file_format": "jpg",
            "additional_metadata": None,
        },
        "created_at": 1758473033804 + number, "file_status": "accepted", "remarks": "", "activities": [],
        "latest_answer": [
            {"question_id": question_id, "question_name": name, "question_type": kind, "answer": answer}
            for (question_id, name, kind), answer in zip(TEMPLATE, answers, strict=True)
        ],
    }  # fmt: skip


def _thing(rng: random.Random, answer: Any) -> dict[str, Any]:
    return {"answer_id": f"{rng.getrandbits(64):016x}-4dcd-ab80-2294a22f95c1", "answer": answer}


def _box(rng: random.Random) -> dict[str, float]:
    x, y = round(rng.random() * 1700, 2), round(rng.random() * 900, 2)
    wide, high = round(4 + rng.random() * 200, 2), round(4 + rng.random() * 150, 2)
    return {"xmin": x, "ymin": y, "xmax": round(x + wide, 2), "ymax": round(y + high, 2), "rotation": 0}


def _ring(rng: random.Random, points: int) -> Ring:
    """A star of points about a centre: a simple ring, as people draw them."""
    x, y, reach = 250 + rng.random() * 1400, 250 + rng.random() * 500, 20 + rng.random() * 200
    turns = sorted(rng.random() * 6.283 for _ in range(points))
    return [
        (round(x + reach * float(np.cos(turn)) * share, 2), round(y + reach * float(np.sin(turn)) * share, 2))
        for turn, share in ((turn, 0.6 + rng.random() * 0.4) for turn in turns)
    ]


def coco_json(path: Path, annotations: int, seed: int = 0) -> None:
    """Polygons of 8 to 32 points, seven annotations an image; 0.7 kB an annotation."""
    rng = random.Random(seed)
    images = max(1, annotations * 118 // 860)
    with path.open("w") as out:
        out.write('{"info":{"date_created":1758478697970,"version":"r"},"licenses":[],"images":[')
        _join(out, (_image(number) for number in range(images)))
        out.write('],"annotations":[')
        _join(out, (_annotation(rng, number, images) for number in range(annotations)))
        out.write('],"categories":[')
        _join(out, ({"id": n, "name": f"class {n}", "supercategory": "Annotation"} for n in range(CLASSES)))
        out.write("]}")


def _join(out: Any, entries: Iterator[dict[str, Any]]) -> None:
    for number, entry in enumerate(entries):
        out.write("," if number else "")
        json.dump(entry, out)


def _image(number: int) -> dict[str, Any]:
    return {
        "id": number, "width": WIDTH, "height": HEIGHT, "file_name": f"{number:012d}.jpg",
        "date_created": 1758473033804 + number, "labellerr_file_id": f"{number:08x}-c6d5-4800-9be3-3712ba7d115c",
        "labellerr_file_status": "accepted", "labellerr_file_remarks": "",
    }  # fmt: skip


def _annotation(rng: random.Random, number: int, images: int) -> dict[str, Any]:
    ring = _ring(rng, rng.randint(8, 32))
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return {
        "image_id": number % images, "category_id": rng.randrange(CLASSES),
        "segmentation": [[side for point in ring for side in point]], "iscrowd": 0,
        "bbox": [min(xs), min(ys), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2)],
        "area": _area(ring), "id": number, "attributes": [],
        "labellerr_answer_id": f"{number:08x}-794e-4dcd-ab80-2294a22f95c1",
    }  # fmt: skip


def _area(ring: Ring) -> float:
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True))) / 2


def csv_table(path: Path, rows: int, seed: int = 0) -> None:
    """A row a file: a cell of two boxes in JSON, a cell of plain text; 0.5 kB a row."""
    rng = random.Random(seed)
    with path.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["file_id", "file_name", "file_status", "remarks", "created_at", "image_width", "image_height",
                        "car", "weather"])  # fmt: skip
        for number in range(rows):
            cell = json.dumps([_thing(rng, _box(rng)), _thing(rng, _box(rng))], separators=(",", ":"))
            table.writerow([
                f"{number:08x}-c6d5-4800-9be3-3712ba7d115c", f"{number:012d}.jpg", "accepted", "",
                1758473033804 + number, WIDTH, HEIGHT, cell, rng.choice(["sunny", "rainy", "snow"]),
            ])  # fmt: skip


def blobs(height: int, width: int, labels: int, seed: int = 0) -> np.ndarray:
    """Blobs of several sizes, later over earlier, as masks of a street are; ``(H, W)`` uint8, 0 where nothing is."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:height, :width]
    picture = np.zeros((height, width), dtype=np.uint8)
    for label in range(1, labels + 1):
        y, x, reach = rng.integers(0, height), rng.integers(0, width), rng.integers(height // 12, height // 4)
        picture[((yy - y) / reach) ** 2 + ((xx - x) / reach / 1.5) ** 2 < 1] = label
    return picture


PALETTE = np.random.default_rng(7).permutation(256**3)[: 256 * 3].astype(np.uint32)


def colors(labels: np.ndarray) -> np.ndarray:
    """The same picture in colours, ``(H, W, 3)`` uint8."""
    codes = PALETTE[labels]
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], axis=-1).astype(np.uint8)
