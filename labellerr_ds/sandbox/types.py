"""The objects of the simulated world: questions, files, and answers with their shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHAPES = ("BoundingBox", "polygon", "polyline", "dot")
MISSING = object()


@dataclass(frozen=True)
class Question:
    """A question of a template; a class, where it asks for shapes."""

    question_id: str
    name: str
    type: str
    color: str | None = None
    options: tuple[str, ...] = ()
    about: str | None = None  # the question whose objects this one is asked about


@dataclass
class Thing:
    """One object: its shape in each frame (frame None: an image), and what hangs on it."""

    question: Question
    answer_id: str | None
    shapes: dict[int | None, Any]
    children: list[tuple[Question, Any]] = field(default_factory=list)
    attributes: Any = MISSING


Answers = list[tuple[Question, Any]]


@dataclass
class File:
    """A file as it is now."""

    index: int
    file_id: str
    file_name: str
    width: int | None
    height: int | None
    size_mb: float
    created_ms: int
    updated_ms: int
    status: str
    remarks: str
    answered: bool
    revision: int = 0
    deleted_ms: int | None = None

    @property
    def file_format(self) -> str:
        """The name's ending."""
        return self.file_name.rsplit(".", 1)[1]

    @property
    def stem(self) -> str:
        """The name without its folders and its ending."""
        return self.file_name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
