"""Speed and memory beside what people use today.

    python -m benchmarks [--quick] [--only WORD] [--rounds 5]

Every way of a job runs in a process of its own, the ways in turn, round after round; what is told are medians and
their ratios, since the machines are noisy. Results are compared before anything is timed: a wrong one is an error,
a slow one is not. The full run writes `benchmarks/RESULTS.md` and its plot; `--quick` takes small inputs, two rounds,
and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.jobs import JOBS, Job
from benchmarks.report import line, write_report

HERE = Path(__file__).parent
Measures = dict[str, list[dict[str, float]]]


def run(way: str, path: Path) -> dict:
    """One way, once; what `child` prints."""
    command = [sys.executable, "-m", "benchmarks.child", way, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent)
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(job: Job, path: Path, rounds: int) -> Measures:
    """What each way of a job takes, in each round."""
    first = {part: run(way, path) for part, way in job.ways.items()}  # not timed: it also warms the disk's cache
    for part, told in first.items():
        if "missing" in told:
            print(f"{job.name}: without the {part}: {told['missing']} is not installed (pip install '.[benchmarks]')")
    if job.today and job.equal and first["ours"]["result"] != first["today"]["result"]:
        ours, today = (first[part]["result"] for part in ("ours", "today"))
        raise SystemExit(f"{job.name}: ours gave {ours:.300}, today's way {today:.300}")
    ways = {part: way for part, way in job.ways.items() if "missing" not in first[part]}
    measures: Measures = {part: [] for part in ways}
    for _ in range(rounds):
        for part, way in ways.items():
            measures[part].append(run(way, path))
    return measures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="jobs with this in their name")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rounds = 2 if arguments.quick else arguments.rounds
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        made: dict[tuple[object, int], Path] = {}
        for job in (each for each in JOBS if arguments.only in each.name):
            size = job.quick if arguments.quick else job.size
            path = made.get((job.make, size))
            if path is None:
                path = made[job.make, size] = Path(folder) / f"input-{len(made)}"
                job.make(path, size)
            measures = measure(job, path, rounds)
            medians = {
                part: {key: median(each[key] for each in told) for key in ("seconds", "processor", "megabytes")}
                for part, told in measures.items()
            }
            rows.append((job, size, path.stat().st_size, medians))
            print(line(job, medians), flush=True)
    if not arguments.quick and not arguments.only:
        write_report(HERE / "RESULTS.md", HERE.parent / "docs" / "pictures" / "benchmarks.png", rows, rounds)


if __name__ == "__main__":
    main()
