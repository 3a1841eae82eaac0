"""One way of a job, once, in a process of its own: ``python -m benchmarks.child WAY PATH``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks import ways

MEGABYTE = 1024  # of the kilobytes that the kernel counts in


def memory(key: str) -> float:
    """Megabytes of this process: `VmRSS` now, `VmHWM` at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / MEGABYTE


def main() -> None:
    name, path = sys.argv[1:]
    steps = getattr(ways, name)(Path(path))
    try:
        next(steps)
    except ModuleNotFoundError as problem:
        print(json.dumps({"missing": problem.name}))
        return
    Path("/proc/self/clear_refs").write_text("5")  # the highest from here on
    base = memory("VmRSS")
    begun, processor = time.perf_counter(), time.process_time()
    result = next(steps)
    seconds, processor = time.perf_counter() - begun, time.process_time() - processor
    peak = max(0.0, memory("VmHWM") - base)
    if callable(result):
        result = result()
    print(json.dumps({"seconds": seconds, "processor": processor, "megabytes": peak, "result": repr(result)}))


if __name__ == "__main__":
    main()
