"""Shapes whose pixels are known, and colours."""

from __future__ import annotations

GREY = [128, 132, 138]
SHAPES = """
import json, pathlib, tempfile, warnings
import labellerr_ds as lds
warnings.simplefilter("ignore")
told = {
    "images": [{"id": n, "file_name": f"{n}.jpg", "width": 200, "height": 100} for n in range(3)],
    "categories": [{"id": 0, "name": "car"}, {"id": 1, "name": "<img src=x onerror=alert(1)>"}],
    "annotations": [
        {"id": 1, "image_id": 0, "category_id": 0, "bbox": [20, 20, 60, 60], "iscrowd": 0},
        {"id": 2, "image_id": 0, "category_id": 1, "segmentation": {"size": [100, 200], "counts": [12000, 2000, 6000]}},
        {"id": 3, "image_id": 1, "category_id": 0, "segmentation": [[100, 10, 190, 10, 190, 90]]},
    ],
}
path = pathlib.Path(tempfile.mkdtemp()) / "in.json"
path.write_text(json.dumps(told))
dataset = lds.read_export(path)
"""


def blend(color, alpha):
    """A colour over grey."""
    return [
        round(alpha * int(color[place : place + 2], 16) + (1 - alpha) * grey)
        for place, grey in zip((1, 3, 5), GREY, strict=True)
    ]


def close(one, other):
    return all(abs(a - b) <= 3 for a, b in zip(one, other, strict=True))
