"""Label maps to RLE: ours beside a loop over pycocotools, in one run.

    python benchmarks/label_maps.py [--rounds 5]

Prints milliseconds an image and the ratio; the results are compared, and must be equal.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from pycocotools import mask as coco_mask

from labellerr_ds.shapes.rle import label_regions


def picture(height: int, width: int, labels: int) -> np.ndarray:
    """Blobs of several sizes, later over earlier, as masks of a street are."""
    rng = np.random.default_rng(0)
    yy, xx = np.mgrid[:height, :width]
    found = np.zeros((height, width), dtype=np.uint8)
    for label in range(1, labels + 1):
        y, x, reach = rng.integers(0, height), rng.integers(0, width), rng.integers(height // 12, height // 4)
        found[((yy - y) / reach) ** 2 + ((xx - x) / reach / 1.5) ** 2 < 1] = label
    return found


def ours(labels: np.ndarray) -> list[tuple[int, str, int]]:
    return [(region.label, region.counts, region.area) for region in label_regions(labels)]


def today(labels: np.ndarray) -> list[tuple[int, str, int]]:
    found = []
    for label in np.unique(labels):
        rle = coco_mask.encode(np.asfortranarray(labels == label, dtype=np.uint8))
        coco_mask.toBbox(rle)
        found.append((int(label), rle["counts"].decode(), int(coco_mask.area(rle))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for height, width, count in ((1080, 1920, 11), (4000, 6000, 18)):
        labels = picture(height, width, count)
        assert ours(labels) == today(labels)
        best = {}
        for _ in range(rounds):
            for way in (ours, today):
                begun = time.perf_counter()
                way(labels)
                best[way] = min(best.get(way, np.inf), (time.perf_counter() - begun) * 1000)
        ratio = best[today] / best[ours]
        told = f"ours {best[ours]:.1f} ms, a loop over pycocotools {best[today]:.1f} ms, {ratio:.1f} times"
        print(f"{width} x {height}, {count} labels: {told}")


if __name__ == "__main__":
    main()
