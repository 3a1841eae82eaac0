"""The world behind the sandbox: projects, files, answers, and a clock that makes them change.

Everything comes from the seed. Answers are made when they are asked for, so a world of 100,000
files costs no more than its file list.
"""

from __future__ import annotations

import copy
import json
import math
import random
import uuid
from collections.abc import Iterator
from typing import Any

from labellerr_ds.sandbox import injected, scene
from labellerr_ds.sandbox.types import MISSING, SHAPES, Answers, File, Question, Thing

STATUSES = (
    "none", "assigned", "review", "r_assigned", "client_review", "cr_assigned", "accepted", "rejected",
    "client_rejected", "skipped", "r_skipped", "cr_skipped", "critical", "r_critical", "cr_critical",
)  # fmt: skip
# How often a status is, and how often a file of that status has answers.
WEIGHTS = (14, 10, 12, 6, 10, 5, 24, 4, 4, 3, 2, 2, 2, 1, 1)
ANSWERED = (0.3, 0.6, 1, 1, 0.95, 0.95, 0.9, 0.9, 0.9, 0.3, 0.5, 0.5, 0.2, 0.4, 0.4)
NEXT = {
    "none": "assigned", "assigned": "review", "review": "r_assigned", "r_assigned": "client_review",
    "client_review": "cr_assigned", "cr_assigned": "accepted", "rejected": "review",
    "client_rejected": "review", "skipped": "assigned", "r_skipped": "review", "cr_skipped": "client_review",
}  # fmt: skip
BACK = {
    "assigned": "skipped", "review": "rejected", "r_assigned": "rejected", "client_review": "client_rejected",
    "cr_assigned": "client_rejected", "accepted": "client_review",
}  # fmt: skip
DAY = 24 * 3600 * 1000


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def quarter(value: float) -> float | int:
    """The next quarter of a pixel, whole ones as integers."""
    rounded = round(value * 4) / 4
    return int(rounded) if rounded.is_integer() else rounded


def with_noise(value: float) -> float | int:
    """A coordinate as real exports have them: an integer, or a number of ten decimals."""
    return round(value) if int(value * 7) % 3 == 0 else round(value, 10)


class Project:
    """A project of the world; its kind decides template, names and answers."""

    def __init__(
        self, kind: str, name: str, data_type: str, files: int, seed: int, now_ms: int, variants: frozenset[str]
    ) -> None:
        self.kind, self.name, self.data_type, self.seed = kind, name, data_type, seed
        self.parts, self.untouched = "parts" in variants, "status-untouched" in variants
        self.has_paths = "names-path" in variants
        self._rounded = quarter if "quarters" in variants else with_noise
        self.is_street = kind in ("street", "flawed")
        self.rng = self._random("project")
        self.project_id = f"{kind}_{self.rng.getrandbits(40):010x}"
        self.template_id = _uuid(self.rng)
        self.created_ms = now_ms - 120 * DAY
        self.start_ms = now_ms
        self.questions = self._template()
        self.files = [self._file(index, now_ms) for index in range(files)]
        self._events = self._stream()
        self._next = next(self._events)

    def _random(self, *what: object) -> random.Random:
        return random.Random(":".join(map(str, (self.seed, self.kind, *what))))

    # --- the template

    def _template(self) -> list[Question]:
        rng = self._random("template")

        def ask(name: str, kind: str, color: str | None = None, *options: str, about: str | None = None) -> Question:
            return Question(_uuid(rng), name, kind, color, options, about)

        if self.is_street:
            walker = ask("pedestrian", "BoundingBox", "#dc143c")
            return [
                ask("road", "polygon", "#804080"),
                ask("building", "polygon", "#464646"),
                ask("car", "BoundingBox", "#00008e"),
                walker,
                ask("car", "polygon", "#0000e6"),
                ask("lane", "polyline", "#fafafa"),
                ask("traffic light", "dot", "#faaa1e"),
                ask("weather", "radio", None, "sunny", "rain", "fog, dense", "NA"),
                ask("time of day", "dropdown", None, "day", "dusk", "night"),
                ask("scene tags", "select", None, "urban", "crossing", 'sign "stop"', "école"),
                ask("keywords", "imc", None, "tram", "bicycle", "None"),
                ask("usable", "boolean"),
                ask("comment", "input"),
                ask("occlusion", "radio", None, "0 %", "50 %", about=walker.question_id),
                ask("visible parts", "select", None, "head", "torso", "legs", about=walker.question_id),
            ]
        if self.kind == "traffic":
            vehicle = ask("vehicle", "BoundingBox", "#1e90ff")
            return [
                vehicle,
                ask("pedestrian", "polygon", "#dc143c"),
                ask("head", "dot", "#ffd700"),
                ask("path", "polyline", "#2e8b57"),
                ask("camera", "radio", None, "fixed", "moving"),
                ask("brand", "input", about=vehicle.question_id),
            ]
        if self.kind == "reviews":
            return [
                ask("sentiment", "radio", None, "positive", "neutral", "negative", "NA"),
                ask("topics", "select", None, "price", "service", "quality, general", "null"),
                ask("language", "dropdown", None, "en", "de", "fr"),
                ask("spam", "boolean"),
                ask("summary", "input"),
            ]
        return [
            ask("transcript", "stt"),
            ask("sounds", "audio"),
            ask("speakers", "radio", None, "one", "several"),
        ]

    # --- files

    def _file(self, index: int, now_ms: int) -> File:
        rng = self._random("file", index)
        added = now_ms > self.start_ms
        slot = index if index < len(STATUSES) else rng.choices(range(len(STATUSES)), WEIGHTS)[0]
        slot = 0 if added else slot
        created = now_ms if added else now_ms - rng.randint(70 * DAY, 110 * DAY)
        width, height = rng.choice(((640, 480), (800, 600), (960, 540), (480, 640)))
        image = self.data_type in ("image", "video")
        return File(
            index=index,
            file_id=_uuid(rng),
            file_name=self._folder(index) + self._file_name(index, rng),
            width=width if image else None,
            height=height if image else None,
            size_mb=rng.randint(180, 700) / 1000,
            created_ms=created,
            updated_ms=created if added else now_ms - rng.randint(1000, 60 * DAY),
            status=STATUSES[slot],
            remarks=rng.choice(("", "", "", "blurred", 'see "guide", p. 3')),
            answered=not added and rng.random() < ANSWERED[slot],
        )

    def _folder(self, index: int) -> str:
        """The folder that the service gives an uploaded file, if names are paths."""
        return f"local_upload/{_uuid(self._random('folder', index))}/" if self.has_paths else ""

    def _coordinate(self, value: float, low: float, high: float) -> float | int:
        return self._rounded(min(max(value, low), high))

    def _file_name(self, index: int, rng: random.Random) -> str:
        if not self.is_street:
            ending = {"traffic": "mp4", "reviews": "pdf", "calls": "wav"}[self.kind]
            return f"{self.kind} {index:05d}.{ending}"
        ending = rng.choice(("jpg", "jpg", "png"))
        if index % 10 == 7:  # names repeat within a project
            return f"street_{index // 20:06d}.{ending}"
        if index % 10 == 3:
            return f'{rng.choice(("straße", "улица", "通り"))}, "{index}".{ending}'
        return f"street_{index:06d}.{ending}"

    def alive(self) -> list[File]:
        """The files that are there now, in the order they were added."""
        return [file for file in self.files if file.deleted_ms is None]

    # --- the clock

    def _stream(self) -> Iterator[tuple[int, str, random.Random]]:
        day = 0
        while True:
            rng = self._random("day", day)
            count = max(4, len(self.files) // 50)
            moments = sorted(rng.randrange(1, DAY) for _ in range(count))
            for moment in moments:
                what = rng.choices(
                    ("add", "annotate", "correct", "move on", "send back", "delete"), (2, 3, 3, 4, 2, 0.5)
                )[0]
                yield self.start_ms + day * DAY + moment, what, random.Random(rng.getrandbits(64))
            day += 1

    def advance_to(self, now_ms: int) -> None:
        """Let everything happen that happens until then."""
        while self._next[0] <= now_ms:
            self._happen(*self._next)
            self._next = next(self._events)

    def _happen(self, moment: int, what: str, rng: random.Random) -> None:
        if what == "add":
            self.files.append(self._file(len(self.files), moment))
            return
        file = self.files[rng.randrange(len(self.files))]
        if file.deleted_ms is not None:
            return
        before, touched = (file.answered, file.revision), file.updated_ms
        file.updated_ms = moment
        if what == "delete":
            file.deleted_ms = moment
        elif what == "annotate":
            file.answered = True
            file.status = "review" if file.status in ("none", "assigned") else file.status
        elif what == "move on" and file.status in NEXT:
            file.status = NEXT[file.status]
            file.answered = file.answered or file.status == "review"
        elif what == "send back" and file.status in BACK:
            file.status = BACK[file.status]
        else:
            file.revision += 1
        if self.untouched and what != "delete" and (file.answered, file.revision) == before:
            file.updated_ms = touched  # a status alone is no change to this service

    # --- answers

    def answers(self, file: File) -> Answers:
        """What the file's questions are answered with now, in the order of the template."""
        answers = self.true_answers(file)
        return injected.inject(self.seed, file, answers)[0] if self.kind == "flawed" else answers

    def true_answers(self, file: File) -> Answers:
        """The answers without the errors that are injected into one of the projects."""
        if not file.answered:
            return []
        answers = self.first_answers(file)
        for revision in range(1, file.revision + 1):
            self._correct(file, answers, self._random("correct", file.index, revision))
        return answers

    def first_answers(self, file: File) -> Answers:
        """What the first annotator answers, or will."""
        make = {"street": self._street, "flawed": self._street, "traffic": self._traffic}.get(self.kind, self._texts)
        return make(file, self._random("answers", file.index))

    def _correct(self, file: File, answers: Answers, rng: random.Random) -> None:
        """One change of an annotator: an object less, or moved; a choice made anew."""
        position = rng.randrange(len(answers))
        question, answer = answers[position]
        if question.type in SHAPES:
            if answer and rng.random() < 0.3:
                del answer[rng.randrange(len(answer))]
            elif answer:
                thing = rng.choice(answer)
                thing.shapes = {frame: self._shape(question, file, rng) for frame in thing.shapes}
        else:
            answers[position] = (question, self._value(question, rng))

    def _street(self, file: File, rng: random.Random) -> Answers:
        answers: Answers = []
        counts = {"road": 1, "building": 2, "car": 3, "pedestrian": 3, "lane": 1, "traffic light": 1}
        for question in self.questions:
            if question.about:
                continue
            if question.type not in SHAPES:
                answers.append((question, self._value(question, rng)))
                continue
            things = [self._thing(question, file, rng, (None,)) for _ in range(rng.randint(0, counts[question.name]))]
            answers.append((question, things))
        return answers

    def _traffic(self, file: File, rng: random.Random) -> Answers:
        answers: Answers = []
        for question in self.questions:
            if question.about:
                continue
            if question.type not in SHAPES:
                answers.append((question, self._value(question, rng)))
                continue
            tracks = []
            for _ in range(rng.randint(0, 3)):
                first = rng.randrange(0, 200)
                frames = tuple(range(first, first + 5 * rng.randint(1, 5), 5))
                tracks.append(self._thing(question, file, rng, frames))
            answers.append((question, tracks))
        return answers

    def _texts(self, file: File, rng: random.Random) -> Answers:
        return [(question, self._value(question, rng)) for question in self.questions]

    def _thing(self, question: Question, file: File, rng: random.Random, frames: tuple[int | None, ...]) -> Thing:
        thing = Thing(
            question,
            _uuid(rng) if rng.random() < 0.9 else None,
            {frame: self._shape(question, file, rng) for frame in frames},
        )
        thing.attributes = rng.choice(
            (
                [],
                [],
                {"colour": "red", "age": rng.randrange(9)},
                [{"name": "truncated", "value": True}],
                MISSING,
            )
        )
        about = [child for child in self.questions if child.about == question.question_id]
        if about and rng.random() < 0.6:
            thing.children = [(child, self._value(child, rng)) for child in about]
        return thing

    def _shape(self, question: Question, file: File, rng: random.Random) -> Any:
        wide, high = file.width or 0, file.height or 0
        if self.is_street:
            return self._street_shape(question, wide, high, rng)
        x, y = rng.uniform(20, wide - 20), rng.uniform(20, high - 20)
        if question.type == "BoundingBox":
            half_w, half_h = rng.uniform(4, wide / 6), rng.uniform(4, high / 6)
            return {
                "xmin": self._coordinate(x - half_w, 0, wide - 8),
                "ymin": self._coordinate(y - half_h, 0, high - 8),
                "xmax": self._coordinate(x + half_w, 16, wide),
                "ymax": self._coordinate(y + half_h, 16, high),
                "rotation": rng.choice((0, 0, 0, 12.5, -30)),
            }
        if question.type == "dot":
            return (self._coordinate(x, 0, wide), self._coordinate(y, 0, high))
        if question.type == "polyline":
            return [
                (self._coordinate(x + 15 * step, 0, wide), self._coordinate(y + rng.uniform(-20, 20), 0, high))
                for step in range(rng.randint(2, 7))
            ]
        whole = self._ring(x, y, rng.uniform(8, min(wide, high) / 5), wide, high, rng)
        return [whole, *self._other_parts(wide, high, rng)]

    def _street_shape(self, question: Question, wide: int, high: int, rng: random.Random) -> Any:
        def inside(points: list[tuple[float, float]]) -> list[tuple[float | int, float | int]]:
            return [(self._coordinate(x, 0, wide), self._coordinate(y, 0, high)) for x, y in points]

        if question.type == "BoundingBox":
            left, top, right, low = getattr(scene, {"pedestrian": "walker"}.get(question.name, question.name))(
                wide, high, rng
            )
            return {
                "xmin": self._coordinate(left, 0, wide - 8),
                "ymin": self._coordinate(top, 0, high - 8),
                "xmax": self._coordinate(right, 16, wide),
                "ymax": self._coordinate(low, 16, high),
                "rotation": rng.choice((0, 0, 0, 6.5, -9)),
            }
        if question.type == "dot":
            return inside([scene.light(wide, high, rng)])[0]
        if question.type == "polyline":
            return inside(scene.lane(wide, high, rng))
        whole = (
            scene.outline(scene.car(wide, high, rng))
            if question.name == "car"
            else getattr(scene, question.name)(wide, high, rng)
        )
        return [inside(whole), *self._other_parts(wide, high, rng)]

    def _other_parts(self, wide: int, high: int, rng: random.Random) -> list[list[tuple[float | int, float | int]]]:
        """Small rings beside the first of a polygon, where the world has polygons of several parts."""
        if not self.parts or rng.random() >= 0.4:
            return []
        return [
            self._ring(rng.uniform(20, wide - 20), rng.uniform(20, high - 20), 9, wide, high, rng)
            for _ in range(rng.randint(1, 2))
        ]

    def _ring(
        self, x: float, y: float, radius: float, wide: int, high: int, rng: random.Random
    ) -> list[tuple[float | int, float | int]]:
        corners = rng.randint(4, 14)
        ring = []
        for corner in range(corners):
            angle = 2 * math.pi * (corner + rng.uniform(0, 0.7)) / corners
            reach = radius * rng.uniform(0.5, 1)
            ring.append(
                (
                    self._coordinate(x + reach * math.cos(angle), 0, wide),
                    self._coordinate(y + reach * math.sin(angle), 0, high),
                )
            )
        return ring

    def _value(self, question: Question, rng: random.Random) -> Any:
        if rng.random() < 0.2:
            return None
        match question.type:
            case "radio" | "dropdown":
                return rng.choice(question.options)
            case "select" | "imc":
                return rng.sample(question.options, rng.randint(1, len(question.options)))
            case "boolean":
                return rng.random() < 0.5
            case "stt" | "audio":
                return self._speech(rng)
        return rng.choice(("007", "NA", "1e5", 'said "no", twice', "größer\nals sonst", "None", "fine"))

    def _speech(self, rng: random.Random) -> dict[str, Any]:
        starts = sorted(rng.randrange(0, 60_000) / 1000 for _ in range(rng.randint(0, 3)))
        segments = [
            {"start": start, "end": start + 1.5, "text": rng.choice(("hello", "NA", "guten Tag"))} for start in starts
        ]
        if not segments:
            return {"text": "hello, who is there?"}
        return rng.choice(({"text": "a call", "segments": segments}, {"segments": segments}))


class World:
    """All projects and the one clock; it moves by `advance` alone."""

    def __init__(self, files: int, seed: int, now_ms: int, variants: frozenset[str]) -> None:
        self.now_ms = now_ms
        few = max(2, min(files // 4, 40))
        plans = (
            ("street", "Street scenes", "image", files),
            ("traffic", "Traffic videos", "video", few),
            ("reviews", "Product reviews", "document", max(few, 4)),
            ("calls", "Phone calls", "audio", max(few, 4)),
            ("flawed", "Street scenes with errors", "image", files),
        )
        made = (Project(*plan, seed, now_ms, variants) for plan in plans)
        self.projects = {project.project_id: project for project in made}

    def advance(self, milliseconds: int) -> None:
        """Move the clock forward, and let the world go on."""
        self.now_ms += milliseconds
        for project in self.projects.values():
            project.advance_to(self.now_ms)

    def select(self, project_id: str, statuses: list[str], after_ms: int | None, inclusive: bool) -> list[File]:
        """Copies of the files that an export asks for, as they are now."""
        return [
            copy.copy(file)
            for file in self.projects[project_id].alive()
            if file.status in statuses
            and (after_ms is None or file.updated_ms > after_ms or (inclusive and file.updated_ms == after_ms))
        ]


def as_json(value: Any) -> str:
    """Compact JSON that keeps letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
