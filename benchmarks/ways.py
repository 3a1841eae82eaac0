"""The ways to do each job: ours, what people write today, the best library for it, and the floor.

A way is a generator over the path of its input: what comes before its first `yield` is not measured (imports, and
data that the job begins with), its second `yield` gives the result, or a function that looks for it afterwards; it is
compared before anything is timed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def _warm() -> Any:
    """Our package, with all that a first read imports."""
    import tempfile
    import warnings

    import labellerr_ds as lds

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        path.write_text('[{"file_id": "f", "latest_answer": []}]')
        lds.read_export(path)
    return lds


def _total(values: Any) -> int:
    return round(float(sum(values)))


# --- native json to a frame


def native_ours(path: Path) -> Iterator[Any]:
    lds = _warm()
    yield
    frame = lds.read_export(path).to_frame()
    yield len(frame), _total(frame["area"].dropna())


def native_json_normalize(path: Path) -> Iterator[Any]:
    import pandas as pd

    yield
    with path.open() as file:
        told = json.load(file)
    meta = ["file_id", "file_name", "file_status", ["file_metadata", "image_width"]]
    frame = pd.json_normalize(told, "latest_answer", meta).explode("answer", ignore_index=True)
    objects = pd.json_normalize([each for each in frame["answer"] if isinstance(each, dict)])
    yield len(frame), len(objects)


def native_loop(path: Path, load: Callable[[bytes], Any] = json.loads) -> Iterator[Any]:
    import pandas as pd

    yield
    rows = []
    for file in load(path.read_bytes()):
        metadata = file["file_metadata"]
        shared = {
            "file_id": file["file_id"], "file_name": file["file_name"], "status": file["file_status"],
            "width": metadata["image_width"], "height": metadata["image_height"],
        }  # fmt: skip
        for question in file["latest_answer"]:
            answers = question["answer"] if isinstance(question["answer"], list) else [question["answer"]]
            for each in answers:
                rows.append({**shared, **_row_by_hand(question, each)})
    frame = pd.DataFrame(rows)
    yield len(frame), _total(frame["area"].dropna())


def _row_by_hand(question: Any, each: Any) -> dict[str, Any]:
    row = {"category": question["question_name"], "type": question["question_type"]}
    if row["type"] == "radio":
        return {**row, "value": each}
    shape = each["answer"]
    if row["type"] == "BoundingBox":
        wide, high = shape["xmax"] - shape["xmin"], shape["ymax"] - shape["ymin"]
        box, area, ring = [shape["xmin"], shape["ymin"], wide, high], wide * high, None
    else:
        xs, ys = [point["x"] for point in shape], [point["y"] for point in shape]
        box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
        ring, area = [side for point in shape for side in (point["x"], point["y"])], _area(xs, ys)
    sides = dict(zip(("bbox_x", "bbox_y", "bbox_width", "bbox_height"), box, strict=True))
    return {**row, **sides, "annotation_id": each["answer_id"], "area": area, "segmentation": ring and [ring]}


def _area(xs: list[float], ys: list[float]) -> float:
    sides = zip(xs, ys, xs[1:] + xs[:1], ys[1:] + ys[:1], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for x1, y1, x2, y2 in sides)) / 2


def native_orjson_loop(path: Path) -> Iterator[Any]:
    import orjson

    yield from native_loop(path, orjson.loads)


def native_floor(path: Path) -> Iterator[Any]:
    import msgspec

    yield
    yield len(msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw]))


# --- csv to a typed frame


def csv_ours(path: Path) -> Iterator[Any]:
    lds = _warm()
    yield
    dataset = lds.read_export(path)
    yield len(dataset.files), len(dataset.annotations)


def csv_loop(path: Path) -> Iterator[Any]:
    import pandas as pd

    yield
    frame = pd.read_csv(path, dtype=str)
    frame["car"] = [json.loads(cell) for cell in frame["car"]]
    yield len(frame), sum(map(len, frame["car"]))


def csv_polars(path: Path) -> Iterator[Any]:
    import polars as pl

    yield
    thing = pl.Struct({
        "answer_id": pl.String, "answer": pl.Struct(dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), pl.Float64))
    })  # fmt: skip
    frame = pl.read_csv(path, infer_schema=False).with_columns(pl.col("car").str.json_decode(pl.List(thing)))
    yield len(frame), int(frame["car"].list.len().sum())


def csv_floor(path: Path) -> Iterator[Any]:
    import pandas as pd

    yield
    yield len(pd.read_csv(path, dtype=str))


# --- coco_json to a frame, and with every polygon read once


def coco_ours(path: Path) -> Iterator[Any]:
    lds = _warm()
    yield
    frame = lds.read_export(path).to_frame()
    yield len(frame), _total(frame["area"])


def coco_json_normalize(path: Path) -> Iterator[Any]:
    import pandas as pd

    yield
    with path.open() as file:
        told = json.load(file)
    frame, images = pd.json_normalize(told["annotations"]), pd.json_normalize(told["images"])
    yield len(frame), _total(frame["area"]), len(images)


def coco_polars(path: Path) -> Iterator[Any]:
    import polars as pl

    yield
    frame = pl.read_json(path, infer_schema_length=None).select(pl.col("annotations").explode().struct.unnest())
    yield len(frame), _total(frame["area"])


def coco_floor(path: Path) -> Iterator[Any]:
    import msgspec

    whole = msgspec.defstruct("Whole", [("annotations", list[msgspec.Raw])])
    yield
    yield len(msgspec.json.decode(path.read_bytes(), type=whole).annotations)


def polygons_ours(path: Path) -> Iterator[Any]:
    lds = _warm()
    yield
    frame = lds.read_export(path).to_frame()
    yield sum(len(ring) for rings in frame["segmentation"] for ring in rings)


def polygons_json_normalize(path: Path) -> Iterator[Any]:
    import pandas as pd

    yield
    with path.open() as file:
        told = json.load(file)
    frame, _ = pd.json_normalize(told["annotations"]), pd.json_normalize(told["images"])
    yield sum(len(ring) for rings in frame["segmentation"] for ring in rings)


# --- coco_json to the object of pycocotools


def object_ours(path: Path) -> Iterator[Any]:
    lds = _warm()
    import pycocotools.coco  # noqa: F401

    yield
    coco = lds.read_export(path).to_coco()
    yield len(coco.anns), sum(len(each["segmentation"][0]) for each in coco.anns.values())


def object_pycocotools(path: Path) -> Iterator[Any]:
    from pycocotools.coco import COCO

    yield
    coco = COCO(path)
    yield len(coco.anns), sum(len(each["segmentation"][0]) for each in coco.anns.values())


def object_msgspec(path: Path) -> Iterator[Any]:
    import gc

    import msgspec
    from pycocotools.coco import COCO

    yield
    gc.disable()
    coco = COCO()
    coco.dataset = msgspec.json.decode(path.read_bytes())
    coco.createIndex()
    yield len(coco.anns), sum(len(each["segmentation"][0]) for each in coco.anns.values())


# --- masks


def masks_ours(path: Path) -> Iterator[Any]:
    import numpy as np

    from labellerr_ds.shapes.rle import label_regions

    labels = np.load(path)
    yield
    yield [(region.label, region.counts, region.area, region.bbox) for region in label_regions(labels)]


def masks_loop(path: Path) -> Iterator[Any]:
    import numpy as np
    from pycocotools import mask as coco_mask

    labels = np.load(path)
    yield
    rows = []
    for label in np.unique(labels):
        rle = coco_mask.encode(np.asfortranarray(labels == label, dtype=np.uint8))
        box = tuple(int(side) for side in coco_mask.toBbox(rle))
        rows.append((int(label), rle["counts"].decode(), int(coco_mask.area(rle)), box))
    yield rows


def masks_rlemasklib(path: Path) -> Iterator[Any]:
    import numpy as np
    from rlemasklib import RLEMask

    labels = np.load(path)
    yield
    rows = []
    for label, mask in RLEMask.from_label_map(labels).items():
        rows.append((int(label), mask.to_dict(zlevel=None)["counts"], int(mask.area()), tuple(mask.bbox())))
    yield rows


def masks_floor(path: Path) -> Iterator[Any]:
    import numpy as np

    labels = np.load(path)
    yield
    yield np.ascontiguousarray(labels.T).shape


def colors_ours(path: Path) -> Iterator[Any]:
    import numpy as np
    from PIL import Image

    from labellerr_ds.formats.png.mask_pixels import _regions

    image = Image.fromarray(np.load(path))
    yield
    yield [(color, region.area) for color, _, region in _regions(image).regions]


def colors_loop(path: Path) -> Iterator[Any]:
    import numpy as np

    from benchmarks.inputs import PALETTE, colors

    picture = np.load(path)
    known = [tuple(int(part) for part in colors(np.array([place]))[0]) for place in range(len(PALETTE))]
    yield
    found = [(color, int((picture == color).all(axis=-1).sum())) for color in known[:19]]
    yield sorted((color, area) for color, area in found if area)


# --- a frame to files


def _frame_of(path: Path) -> Any:
    return _warm().read_export(path)


def write_coco_ours(path: Path) -> Iterator[Any]:
    dataset = _frame_of(path)
    target = path.with_name("ours.json")
    yield
    dataset.to_coco_json(target, overwrite=True)
    yield lambda: len(json.loads(target.read_bytes())["annotations"])


def write_coco_json_dump(path: Path) -> Iterator[Any]:
    told = json.loads(path.read_bytes())
    target = path.with_name("theirs.json")
    yield
    with target.open("w") as file:
        json.dump(told, file)
    yield lambda: len(json.loads(target.read_bytes())["annotations"])


def write_yolo_ours(path: Path) -> Iterator[Any]:
    import tempfile

    dataset = _frame_of(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        yield
        yield dataset.to_yolo(Path(folder) / "yolo").annotations


def write_yolo_loop(path: Path) -> Iterator[Any]:
    import tempfile
    from collections import defaultdict

    told = json.loads(path.read_bytes())
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        yield
        by_image, count = defaultdict(list), 0
        for each in told["annotations"]:
            by_image[each["image_id"]].append(each)
        for image in told["images"]:
            lines = []
            for each in by_image[image["id"]]:
                for ring in each["segmentation"]:
                    sides = (image["width"], image["height"])
                    shares = (f"{min(max(side / sides[n % 2], 0), 1):.6f}" for n, side in enumerate(ring))
                    lines.append(f"{each['category_id']} {' '.join(shares)}\n")
            name = image["file_name"].rsplit(".", 1)[0]
            (Path(folder) / f"{name}.txt").write_text("".join(lines))
            count += len(lines)
        yield count


def write_yolo_pylabel(path: Path) -> Iterator[Any]:
    import tempfile

    from pylabel import importer

    source = path.with_suffix(".json")
    source.write_bytes(path.read_bytes())
    dataset = importer.ImportCoco(str(source))
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        yield
        dataset.export.ExportToYoloV5(output_path=f"{folder}/labels", segmentation=True)
        yield dataset.df.shape[0]


def write_yolo_floor(path: Path) -> Iterator[Any]:
    import tempfile

    images = len(json.loads(path.read_bytes())["images"])
    text = "7 " + "0.123456 " * 40 + "\n"
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        yield
        for number in range(images):
            (Path(folder) / f"{number}.txt").write_text(text * 7)
        yield images


# --- filtered, then some shapes


def filter_ours(path: Path) -> Iterator[Any]:
    frame = _frame_of(path).to_frame()
    yield
    large = frame[(frame["area"] > 5000) & (frame["category"] == "class 7")]
    yield len(large), sum(len(rings[0]) for rings in large["segmentation"].iloc[:1000])


def filter_lists(path: Path) -> Iterator[Any]:
    annotations = json.loads(path.read_bytes())["annotations"]
    yield
    large = [each for each in annotations if each["area"] > 5000 and each["category_id"] == 7]
    yield len(large), sum(len(each["segmentation"][0]) for each in large[:1000])


# --- what is wrong, and what differs


def check_ours(path: Path) -> Iterator[Any]:
    dataset = _frame_of(path)
    yield
    yield len(dataset.annotations.labellerr.check(files=dataset.files))


def compare_ours(path: Path) -> Iterator[Any]:
    lds = _warm()
    dataset = lds.read_export(path)
    yield
    yield len(lds.compare(dataset, dataset).annotations)


def check_loop(path: Path) -> Iterator[Any]:
    told = json.loads(path.read_bytes())
    yield
    sizes = {image["id"]: (image["width"], image["height"]) for image in told["images"]}
    seen, wrong = set(), []
    for each in told["annotations"]:
        key = (each["image_id"], each["category_id"], json.dumps(each["segmentation"]))
        (ring,), (width, high) = each["segmentation"], sizes[each["image_id"]]
        xs, ys = ring[::2], ring[1::2]
        outside = min(xs) < 0 or min(ys) < 0 or max(xs) > width or max(ys) > high
        x, y, wide, tall = each["bbox"]
        off = max(abs(x - min(xs)), abs(y - min(ys)), abs(x + wide - max(xs)), abs(y + tall - max(ys))) > 1
        if key in seen or outside or off or abs(_area(xs, ys) - each["area"]) > 1:
            wrong.append(each["id"])
        seen.add(key)
    yield len(wrong)


def compare_loop(path: Path) -> Iterator[Any]:
    import contextlib
    import os
    from collections import defaultdict

    from pycocotools import mask as coco_mask
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(open(os.devnull, "w")):
        coco = COCO(path)
    yield
    groups = defaultdict(list)
    for each in coco.anns.values():
        groups[each["image_id"], each["category_id"]].append(coco.annToRLE(each))
    pairs = 0
    for rles in groups.values():
        overlap = coco_mask.iou(rles, rles, [0] * len(rles))
        pairs += int((overlap.max(axis=1) > 0.5).sum())
    yield pairs


# --- small


def small_ours(path: Path) -> Iterator[Any]:
    lds = _warm()
    lds.read_export(path)
    yield
    for _ in range(20):
        frame = lds.read_export(path).to_frame()
    yield len(frame)


def small_json_normalize(path: Path) -> Iterator[Any]:
    import pandas as pd

    yield
    for _ in range(20):
        frame = pd.json_normalize(json.loads(path.read_bytes())["annotations"])
    yield len(frame)


def import_ours(path: Path) -> Iterator[Any]:
    yield
    import labellerr_ds

    yield labellerr_ds.__name__


def import_pandas(path: Path) -> Iterator[Any]:
    yield
    import pandas as pd

    yield pd.__name__
