"""A cluster of two processes beside one: time, and what the calling process holds.

    python -m benchmarks.cluster [SHARDS ANNOTATIONS_A_SHARD]

Shards of boxes alone, as small as they can be: 2,000 of 5,000 annotations are ten million.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

import labellerr_ds as lds
from benchmarks.child import memory


def write(folder: Path, shards: int, annotations: int) -> None:
    categories = [{"id": number, "name": f"class {number}"} for number in range(10)]
    for shard in range(shards):
        images = [
            {"id": n, "file_name": f"{shard}-{n}.jpg", "width": 640, "height": 480} for n in range(annotations // 10)
        ]
        rows = ",".join(
            f'{{"id":{n},"image_id":{n // 10},"category_id":{n % 10},"bbox":[{n % 600},{n % 400},20,10]}}'
            for n in range(annotations)
        )
        head = json.dumps({"images": images, "categories": categories})
        (folder / f"{shard:05}.json").write_text(f'{head[:-1]},"annotations":[{rows}]}}')


def main(shards: int, annotations: int) -> None:
    from distributed import Client, LocalCluster

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "shards"
        folder.mkdir()
        write(folder, shards, annotations)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        print(f"{shards:,} shards, {shards * annotations:,} annotations, {size:.0f} MB", flush=True)
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            before, start = memory("VmRSS"), time.perf_counter()
            frame = lds.read_exports_dask(folder, client=client, folder=Path(home) / "staged")
            staged = time.perf_counter()
            counted = int(frame["category"].count().compute())
            done = time.perf_counter()
            print(f"two processes: staged and united in {staged - start:.1f} s, counted in {done - staged:.1f} s")
            print(f"{counted:,} annotations; the calling process went from {before:,.0f} to {memory('VmHWM'):,.0f} MB")
        if shards * annotations <= 2_000_000:
            start = time.perf_counter()
            rows = len(lds.read_export(folder, progress=False).annotations)
            print(f"one process, read_export: {time.perf_counter() - start:.1f} s, {rows:,} annotations")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:3] or ("200", "5000")))
