"""Speed and memory beside what people use today.

    python -m benchmarks [--quick] [--only WORD] [--rounds 5]

Every way of a job runs in a process of its own, the ways in turn, round after round; what is told are medians and
their ratios, since the machines are noisy. Results are compared before anything is timed: a wrong one is an error,
a slow one is not. The full run also measures how cost grows with size. What was measured is kept in
`benchmarks/results.json`, where `--only` puts new values for some jobs, and `benchmarks/RESULTS.md` and its plots are
made of it; `--quick` takes small inputs, two rounds, no libraries in environments of their own, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.environments import LIBRARIES, python_of
from benchmarks.jobs import GROWING, JOBS, SIZES, Job
from benchmarks.report import line, write_report
from benchmarks.results import Measured, Medians, Results

HERE = Path(__file__).parent
MISSING = "missing"
SLOW = 60
"""Seconds; what takes longer runs once."""


def run(way: str, path: Path) -> dict:
    """One way, once; what `child` prints."""
    python = python_of(way)
    if python is None:
        return {MISSING: LIBRARIES[way][0]}
    command = [python, "-m", "benchmarks.child", way, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent)
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(job: Job, path: Path, rounds: int, ways: dict[str, str]) -> Medians:
    """The medians of each way of a job."""
    first = {part: run(way, path) for part, way in ways.items()}  # not timed: it also warms the disk's cache
    for part, told in first.items():
        if MISSING in told:
            print(f"{job.name}: without the {part}: {told[MISSING]} is not installed (pip install '.[benchmarks]')")
    if job.today and job.equal and first["ours"]["result"] != first["today"]["result"]:
        ours, today = (first[part]["result"] for part in ("ours", "today"))
        raise SystemExit(f"{job.name}: ours gave {ours:.300}, today's way {today:.300}")
    ways = {part: way for part, way in ways.items() if MISSING not in first[part]}
    slow = {part for part in ways if first[part]["seconds"] > SLOW}
    measured: dict[str, list[dict[str, float]]] = {part: [first[part]] if part in slow else [] for part in ways}
    for _ in range(rounds):
        for part, way in ways.items():
            if part not in slow:
                measured[part].append(run(way, path))
    return {
        part: {key: median(each[key] for each in told) for key in ("seconds", "processor", "megabytes")}
        for part, told in measured.items()
    }


def growth(folder: Path, rounds: int) -> Iterator[tuple[Job, Measured]]:
    """What the growing jobs cost at each of the sizes, ours and today's way."""
    for job in GROWING:
        ways = {part: way for part, way in job.ways.items() if part in ("ours", "today")}
        for size in SIZES:
            path = folder / "growing"
            job.make(path, size)
            yield job, Measured(size, path.stat().st_size, rounds, measure(job, path, rounds, ways))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="jobs with this in their name")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rounds = 2 if arguments.quick else arguments.rounds
    results = Results(HERE / "results.json")
    with tempfile.TemporaryDirectory() as folder:
        made: dict[tuple[object, int], Path] = {}
        for job in (each for each in JOBS if arguments.only in each.name):
            size = job.quick if arguments.quick else job.size
            path = made.get((job.make, size))
            if path is None:
                path = made[job.make, size] = Path(folder) / f"input-{len(made)}"
                job.make(path, size)
            ways = {part: way for part, way in job.ways.items() if not (arguments.quick and way in LIBRARIES)}
            results.jobs[job.name] = Measured(size, path.stat().st_size, rounds, measure(job, path, rounds, ways))
            print(line(job, results.jobs[job.name].medians), flush=True)
        if not arguments.quick and not arguments.only:
            results.growth.clear()
            for job, measured in growth(Path(folder), 2):
                results.growth.setdefault(job.name, []).append(measured)
                print(f"{measured.size:,}: {line(job, measured.medians)}", flush=True)
    if not arguments.quick:
        results.save()
        write_report(HERE / "RESULTS.md", HERE.parent / "docs" / "pictures", results)


if __name__ == "__main__":
    main()
