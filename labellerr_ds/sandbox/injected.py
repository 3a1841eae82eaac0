"""Wrong labels on purpose, as people make them, and what a detector says of the same images."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from labellerr_ds.sandbox.types import Answers, File, Question, Thing

ERRORS = ("shifted", "duplicate", "missing", "swapped")
SHARE = 0.3  # of the files
_MOVED = 0.75  # of a box's width
_SEEN, _IMAGINED = 0.97, 0.04  # of what is there; and how many more that are not
_BOXES = ("car", "pedestrian")


class InjectedError(NamedTuple):
    """A wrong label.

    Attributes
    ----------
    file_id : str
    error : one of `ERRORS`
    category : str
        What the object is in truth.
    annotation_id : str or None
        The wrong label; None where it is missing.
    bbox : (x, y, width, height)
        Where the object is in truth.
    """

    file_id: str
    error: str
    category: str
    annotation_id: str | None
    bbox: tuple[float, float, float, float]


def inject(seed: int, file: File, answers: Answers) -> tuple[Answers, list[InjectedError]]:
    """The answers with an error in them, in some of the files; and what it is."""
    rng = random.Random(f"{seed}:{file.index}:planted")
    questions = {question.name: place for place, (question, _) in enumerate(answers) if question.type == "BoundingBox"}
    if rng.random() >= SHARE or set(questions) != set(_BOXES):
        return answers, []
    error = rng.choice(ERRORS)
    there = [
        (name, place) for name in _BOXES for place, thing in enumerate(answers[questions[name]][1]) if thing.answer_id
    ]
    if not there:
        return answers, []
    name, place = rng.choice(there)
    other = _BOXES[name == _BOXES[0]]
    things = [*answers[questions[name]][1]]
    thing = things[place]
    wrong: Thing | None = thing
    moved: Callable[[Any], Any] = lambda shape: _moved(shape, file.width or 0)  # noqa: E731
    changed = {name: things}
    if error == "shifted":
        wrong = things[place] = replace(thing, shapes={None: moved(thing.shapes[None])})
    elif error == "duplicate":
        wrong = replace(thing, answer_id=f"{thing.answer_id}-again", children=[])
        things.append(wrong)
    else:
        del things[place]
        wrong = None
        if error == "swapped":
            question = answers[questions[other]][0]
            wrong = replace(thing, question=question, children=[])
            changed[other] = [*answers[questions[other]][1], wrong]
    made = [(question, changed.get(question.name, answer) if question.type == "BoundingBox" else answer)
            for question, answer in answers]  # fmt: skip
    record = InjectedError(file.file_id, error, name, wrong.answer_id if wrong else None, _box(thing.shapes[None]))
    return made, [record]


def _moved(shape: dict[str, float], width: int) -> dict[str, float]:
    by = round((shape["xmax"] - shape["xmin"]) * _MOVED)
    by = by if shape["xmax"] + by <= width else -min(by, int(shape["xmin"]))
    return {**shape, "xmin": shape["xmin"] + by, "xmax": shape["xmax"] + by}


def _box(shape: Any) -> tuple[float, float, float, float]:
    if isinstance(shape, dict):
        return shape["xmin"], shape["ymin"], shape["xmax"] - shape["xmin"], shape["ymax"] - shape["ymin"]
    points = [point for ring in shape for point in ring]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def injected_errors(seed: int, files: Iterable[tuple[File, Answers]]) -> pd.DataFrame:
    """Wrong labels of files with these true answers: `file_id`, `file_name`, `error`, `category`, `bbox_x`, …."""
    rows = []
    for file, answers in files:
        for error in inject(seed, file, answers)[1]:
            sides = dict(zip(("bbox_x", "bbox_y", "bbox_width", "bbox_height"), error.bbox, strict=True))
            row = {"error": error.error, "category": error.category, "annotation_id": error.annotation_id}
            rows.append({"file_id": error.file_id, "file_name": file.file_name, **row, **sides})
    return pd.DataFrame(rows)


def predictions(seed: int, files: Iterable[tuple[File, Answers]]) -> pd.DataFrame:
    """What a detector says of every labelled image: `file_id`, `file_name`, `category`, `score`, `bbox_x`, ….

    It sees nearly all that is there, some of it imprecisely, and now and then something that is not, unsure of it.
    """
    rows: list[dict[str, Any]] = []
    for file, answers in files:
        rng = random.Random(f"{seed}:{file.index}:predictions")
        for question, things in answers:
            if question.type not in ("BoundingBox", "polygon"):
                continue
            boxes = [_box(thing.shapes[None]) for thing in things]
            seen = [_nearly(box, rng) for box in boxes if rng.random() < _SEEN]
            rows += [_row(file, question, box, rng.uniform(0.62, 0.99)) for box in seen]
            if rng.random() < _IMAGINED:
                wide, high = file.width or 0, file.height or 0
                box = (rng.uniform(0, wide * 0.7), rng.uniform(0, high * 0.7), wide * 0.1, high * 0.1)
                rows.append(_row(file, question, box, rng.uniform(0.3, 0.5)))
    return pd.DataFrame(rows)


def _nearly(box: tuple[float, float, float, float], rng: random.Random) -> tuple[float, float, float, float]:
    x, y, width, height = box
    off = [rng.gauss(0, 0.02) for _ in range(4)]
    return x + off[0] * width, y + off[1] * height, width * (1 + off[2]), height * (1 + off[3])


def _row(file: File, question: Question, box: tuple[float, float, float, float], score: float) -> dict[str, Any]:
    sides = dict(zip(("bbox_x", "bbox_y", "bbox_width", "bbox_height"), (round(side, 2) for side in box), strict=True))
    named = {"file_id": file.file_id, "file_name": file.file_name, "category": question.name}
    return {**named, "score": round(score, 3), **sides}
