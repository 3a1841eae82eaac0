"""Rasters: the pixels of shapes as pycocotools has them, the masks, and the images themselves."""

from __future__ import annotations

import cmath
import io
import math
import random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from labellerr_ds.sandbox import scene
from labellerr_ds.sandbox.types import SHAPES, Answers, File, Question
from labellerr_ds.sandbox.world import Project

Labels = NDArray[np.uint16]


def colors(project: Project) -> list[tuple[Question, tuple[int, int, int]]]:
    """The classes that masks show, in the order of the template; a class's index is its place from 1."""
    return [
        (question, rgb(question.color))
        for question in project.questions
        if question.color and question.type in ("BoundingBox", "polygon")
    ]


def rgb(color: str) -> tuple[int, int, int]:
    """``#rrggbb`` as three numbers."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def label_map(project: Project, file: File, answers: Answers, turn: int = 0) -> Labels:
    """The pixels of a file, ``(H, W)``: 0 or the class's index, later answers over earlier ones.

    Boxes are turned as `turned_ring` says.
    """
    height, width = file.height or 0, file.width or 0
    place = {question.question_id: index for index, (question, _) in enumerate(colors(project), start=1)}
    labels = np.zeros((height, width), dtype=np.uint16)
    for question, things in answers:
        if question.question_id not in place:
            continue
        for thing in things:
            labels[pixels(question.type, thing.shapes[None], height, width, turn)] = place[question.question_id]
    return labels


def turned_ring(box: dict[str, float], turn: int) -> list[tuple[float, float]]:
    """The corners of a box about its centre: by its rotation clockwise as seen (1), the other way (-1), or not (0)."""
    x, y = (box["xmin"] + box["xmax"]) / 2, (box["ymin"] + box["ymax"]) / 2
    centre, angle = complex(x, y), turn * box["rotation"]
    corners = [
        (box["xmin"], box["ymin"]), (box["xmax"], box["ymin"]), (box["xmax"], box["ymax"]), (box["xmin"], box["ymax"]),
    ]  # fmt: skip
    if not angle:
        return corners
    by = cmath.rect(1, math.radians(angle))  # y points down, so that a positive angle is clockwise
    moved = [centre + (complex(*corner) - centre) * by for corner in corners]
    return [(each.real, each.imag) for each in moved]


def pixels(kind: str, shape: Any, height: int, width: int, turn: int = 0) -> NDArray[np.bool_]:
    """The raster of a box or of a polygon with its parts merged."""
    if kind == "BoundingBox" and turn and shape["rotation"]:
        parts: Any = [[number for corner in turned_ring(shape, turn) for number in corner]]
    elif kind == "BoundingBox":
        x, y = shape["xmin"], shape["ymin"]
        parts = np.array([[x, y, shape["xmax"] - x, shape["ymax"] - y]], dtype=np.double)
    else:
        parts = [[float(number) for point in ring for number in point] for ring in shape]
    encoded = coco_mask.merge(coco_mask.frPyObjects(parts, height, width))
    return np.asarray(coco_mask.decode(encoded), dtype=bool)


def image_bytes(project: Project, file: File, turn: int = 1) -> bytes:
    """The image of a file, on which rotated boxes lie turned, as many bytes as the world says it has."""
    picture, size = _scene(project, file, turn), round(file.size_mb * 1_000_000)
    for quality in (90, 70, 45, 20):  # until it has no more bytes than are told
        out = io.BytesIO()
        if file.file_format == "png":
            few = picture if quality == 90 else picture.quantize(max(2, quality * 2), dither=Image.Dither.NONE)
            few.save(out, "PNG", compress_level=6)
        else:
            picture.save(out, "JPEG", quality=quality)
        if out.tell() <= size:
            break
    return out.getvalue().ljust(size, b"\0")


def _scene(project: Project, file: File, turn: int) -> Image.Image:
    """The street as its answers tell it, the nearer over the farther; before it is labelled, as they will tell it."""
    height, width = file.height or 0, file.width or 0
    answers = project.true_answers(file) or (project.first_answers(file) if file.status in ("none", "assigned") else [])
    words = {question.name: answer for question, answer in answers if isinstance(answer, str)}
    rng = random.Random(f"{project.seed}:{file.index}:scene")
    picture = scene.ground(width, height, words.get("time of day"), rng)
    things = [
        (question, thing.shapes[None]) for question, things in answers if question.type in SHAPES for thing in things
    ]
    for question, shape in sorted(things, key=lambda thing: _nearness(*thing)):
        if question.type == "polyline":
            scene.mark(picture, shape)
        elif question.type == "dot":
            scene.signal(picture, shape, rng)
        elif question.type == "BoundingBox":
            scene.place(picture, question.name, shape, turn, rng)
        else:
            scene.paint(picture, question.name, pixels(question.type, shape, height, width), rng)
    return scene.finish(
        picture, words.get("time of day"), words.get("weather"), file.index, noise=file.file_format != "png"
    )


def _nearness(question: Question, shape: Any) -> tuple[int, float]:
    """What comes first is behind: the road, its marks, houses, lights, and then what is farther up."""
    layers = ("road", "lane", "building", "traffic light")
    if question.name in layers:
        return layers.index(question.name), 0.0
    return len(layers), shape["ymax"] if question.type == "BoundingBox" else max(y for ring in shape for _, y in ring)


def png(image: Image.Image) -> bytes:
    """A PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
