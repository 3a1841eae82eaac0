"""coco_json to a frame: ours beside json.load + json_normalize, each in its own process, in one run.

    python benchmarks/coco_to_frame.py [--annotations 860000]

Prints seconds and peak memory, and the ratios; on a noisy machine trust the ratios.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAYS = {
    "json.load + json_normalize": """
import json, sys, pandas as pd
with open(sys.argv[1]) as file:
    told = json.load(file)
frame = pd.json_normalize(told["annotations"])
images = pd.json_normalize(told["images"])
rows = len(frame)
""",
    "labellerr_ds.read_export": """
import sys, labellerr_ds as lds
dataset = lds.read_export(sys.argv[1])
frame = dataset.to_frame()
rows = len(frame)
""",
}
MEASURE = """
import time, resource
begin = time.perf_counter()
{way}
seconds = time.perf_counter() - begin
print(rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def write(path: Path, annotations: int) -> None:
    """A file in the shape of a real export: polygons of some 30 points, seven annotations an image."""
    rng = random.Random(0)
    images = max(1, annotations * 118 // 860)
    with path.open("w") as out:
        out.write('{"info":{"date_created":1758478697970,"version":"r"},"licenses":[],"images":[')
        for number in range(images):
            image = {
                "id": number, "width": 1920, "height": 1080, "file_name": f"{number:012d}.jpg",
                "date_created": 1758473033804 + number,
                "labellerr_file_id": f"{number:08x}-c6d5-4800-9be3-3712ba7d115c",
                "labellerr_file_status": "accepted", "labellerr_file_remarks": "",
            }  # fmt: skip
            out.write(("," if number else "") + json.dumps(image))
        out.write('],"annotations":[')
        for number in range(annotations):
            x, y = rng.randrange(1500), rng.randrange(800)
            ring = [round((x, y)[place % 2] + rng.random() * 200, 2) for place in range(2 * rng.randint(8, 32))]
            annotation = {
                "image_id": number % images, "category_id": number % 80, "segmentation": [ring], "iscrowd": 0,
                "bbox": [x, y, 200.5, 180.25], "area": 1138264.0, "id": number, "attributes": [],
                "labellerr_answer_id": f"{number:08x}-794e-4dcd-ab80-2294a22f95c1",
            }  # fmt: skip
            out.write(("," if number else "") + json.dumps(annotation))
        out.write('],"categories":[')
        out.write(
            ",".join(json.dumps({"id": n, "name": f"class {n}", "supercategory": "Annotation"}) for n in range(80))
        )
        out.write("]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=int, default=860_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        begin = time.perf_counter()
        write(path, arguments.annotations)
        made = time.perf_counter() - begin
        print(f"{path.stat().st_size / 1e6:,.0f} MB, {arguments.annotations:,} annotations, made in {made:.0f} s")
        best: dict[str, tuple[float, float]] = {}
        for _ in range(arguments.rounds):
            for name, way in WAYS.items():
                run = [sys.executable, "-c", MEASURE.format(way=way), str(path)]
                rows, seconds, megabytes = subprocess.run(
                    run, check=True, capture_output=True, text=True
                ).stdout.split()
                assert int(rows) == arguments.annotations
                told = (float(seconds), float(megabytes))
                best[name] = min(best.get(name, told), told)
                print(f"  {name:30} {told[0]:8.1f} s {told[1]:8,.0f} MB")
    (theirs, their_memory), (ours, our_memory) = best.values()
    faster, memory = theirs / ours, our_memory / their_memory
    print(f"{faster:.1f} times faster, at {memory:.2f} of the memory (best of {arguments.rounds})")


if __name__ == "__main__":
    main()
