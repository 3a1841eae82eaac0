"""`import labellerr_ds` beside `import pandas`: the minimum of interleaved runs, each in its own process.

python benchmarks/import_time.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import subprocess
import sys

MEASURE = "import time; begin = time.perf_counter(); import {name}; print(time.perf_counter() - begin)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name in ("pandas", "labellerr_ds"):
            run = [sys.executable, "-c", MEASURE.format(name=name)]
            seconds = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
            best[name] = min(best.get(name, seconds), seconds)
    ratio = best["labellerr_ds"] / best["pandas"]
    print(f"pandas {best['pandas']:.3f} s, labellerr_ds {best['labellerr_ds']:.3f} s: {ratio:.2f} times (of {rounds})")


if __name__ == "__main__":
    main()
