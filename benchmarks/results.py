"""What was measured, kept in a file: the medians of each job."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

Medians = dict[str, dict[str, float]]
"""Seconds, processor and megabytes by part."""


@dataclass(frozen=True)
class Measured:
    """A job at one size.

    Attributes
    ----------
    size, size_bytes : int
        Of the input.
    rounds : int
    medians : dict
    on : str
        The day.
    """

    size: int
    size_bytes: int
    rounds: int
    medians: Medians
    on: str = field(default_factory=lambda: date.today().isoformat())


class Results:
    """All jobs by name, and those that were measured at several sizes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        told = json.loads(path.read_text()) if path.exists() else {"jobs": {}, "growth": {}}
        self.jobs = {name: Measured(**each) for name, each in told["jobs"].items()}
        self.growth = {name: [Measured(**each) for each in sizes] for name, sizes in told["growth"].items()}

    def save(self) -> None:
        """Write the file."""
        told = {
            "jobs": {name: asdict(each) for name, each in self.jobs.items()},
            "growth": {name: list(map(asdict, sizes)) for name, sizes in self.growth.items()},
        }
        self.path.write_text(json.dumps(told, indent=1) + "\n")
