"""Random shapes and datasets for the property tests."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import strategies as st

import labellerr_ds as lds


def parity(rings, height, width, at=(0.5, 0.5)):
    """Even-odd filling of rings, pixel by pixel at one place in each: nothing of the package, nor of pycocotools."""
    xs, ys = np.meshgrid(np.arange(width) + at[0], np.arange(height) + at[1])
    inside = np.zeros((height, width), dtype=bool)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if y1 == y2:
                continue
            crosses = (y1 > ys) != (y2 > ys)
            inside ^= crosses & (xs < (x2 - x1) * (ys - y1) / (y2 - y1) + x1)
    return inside


quarters = st.integers(-40, 600).map(lambda number: number / 4)


@st.composite
def rings(draw: Any, width: int, height: int, low: int = 3, high: int = 12) -> list[float]:
    """A simple ring: points around a centre by their angle."""
    count = draw(st.integers(low, high))
    x, y = draw(st.integers(0, width)), draw(st.integers(0, height))
    angles = sorted(draw(st.lists(st.integers(0, 359), min_size=count, max_size=count, unique=True)))
    reach = draw(st.lists(st.integers(4, 4 * max(width, height)), min_size=count, max_size=count))
    points = [
        (x + far / 8 * np.cos(np.deg2rad(angle)), y + far / 8 * np.sin(np.deg2rad(angle)))
        for angle, far in zip(angles, reach, strict=True)
    ]
    return [round(float(number) * 4) / 4 for point in points for number in point]


@st.composite
def cocos(draw: Any) -> dict[str, Any]:
    """A coco_json: images of several states, annotations of every kind, some of them odd."""
    count = draw(st.integers(1, 5))
    statuses = [None, "accepted", "review", "skipped", "frozen"]
    images = [
        {
            "id": number,
            "file_name": draw(st.sampled_from(["a.jpg", "A.jpg", "b.png", "ü 1.jpg", "a.png", "noending"])),
            "labellerr_file_id": f"file-{number}",
            "labellerr_file_status": draw(st.sampled_from(statuses)),
            **({} if draw(st.integers(0, 9)) == 0 else {"width": 60, "height": 40}),
        }
        for number in range(count)
    ]
    annotations = []
    for number in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["box", "polygon", "parts", "rle", "dot", "broken", "nowhere", "noclass"]))
        made: dict[str, Any] = {
            "id": number, "image_id": draw(st.integers(0, count - 1)), "category_id": draw(st.integers(0, 2)),
            "iscrowd": 0, "labellerr_answer_id": f"answer-{number}",
        }  # fmt: skip
        if kind == "box":
            made["bbox"] = [
                draw(quarters) / 4,
                draw(quarters) / 4,
                draw(quarters) / 8 + 5.25,
                draw(quarters) / 8 + 5.25,
            ]
        elif kind in ("polygon", "parts", "nowhere", "noclass"):
            made["segmentation"] = [draw(rings(60, 40)) for _ in range(2 if kind == "parts" else 1)]
        elif kind == "rle":
            runs = draw(st.lists(st.integers(0, 400), min_size=1, max_size=8))
            made["segmentation"] = {"size": [40, 60], "counts": [*runs, max(0, 2400 - sum(runs))]}
        elif kind == "broken":
            made["segmentation"] = {"size": [40, 60], "counts": [3]}
        else:
            made["keypoints"] = [draw(quarters), draw(quarters), 2]
        if kind == "nowhere":
            made["image_id"] = 99
        if kind == "noclass":
            made["category_id"] = 77
        annotations.append(made)
    names = draw(st.sampled_from([("car", "van", "tree"), ("car", "car", 'ü: "x"'), ("a", "b", "c")]))
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}


def read(folder: Any, told: dict[str, Any]) -> lds.Dataset:
    path = folder / "in.json"
    path.write_text(json.dumps(told))
    return lds.read_export(path)
