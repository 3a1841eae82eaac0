"""What a mirror costs: a sync of one percent of 100,000 files beside a full export, and reading a version.

    python -m benchmarks.mirror [FILES]

The first sync is made in this process, and by two of a Dask cluster. The sandbox writes the exports, which takes longer
than all that is measured; its time is printed apart.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import labellerr_ds as lds
from labellerr_ds.mirror import sync as of_sync
from labellerr_ds.sandbox import Sandbox


def main(files: int) -> None:
    from distributed import Client as DaskClient
    from distributed import LocalCluster

    warnings.simplefilter("ignore")
    waited = 0.0
    wait = lds.ExportJob.wait

    def timed(job, *arguments, **more):
        nonlocal waited
        start = time.perf_counter()
        try:
            return wait(job, *arguments, **more)
        finally:
            waited += time.perf_counter() - start

    create = of_sync.create_job

    def created(*arguments, **more):
        nonlocal waited
        start = time.perf_counter()
        try:
            return create(*arguments, **more)
        finally:
            waited += time.perf_counter() - start

    lds.ExportJob.wait, of_sync.create_job = timed, created

    def timing(what, work):
        nonlocal waited
        waited, start = 0.0, time.perf_counter()
        made = work()
        print(f"{what}: {time.perf_counter() - start - waited:.2f} s, and {waited:.1f} s at the service", flush=True)
        return made

    with Sandbox(files=files, export_seconds=0) as sandbox, tempfile.TemporaryDirectory() as folder:
        project = lds.Client.sandbox(sandbox).project(sandbox.project_ids[0])
        mirror = lds.Mirror(Path(folder) / "mirror")
        timing(f"first sync, {files:,} files", lambda: mirror.sync(project, progress=False))
        size = sum(path.stat().st_size for path in Path(mirror.path).rglob("*.parquet")) / 1e6
        print(f"the table: {size:.0f} MB")
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            DaskClient(cluster) as client,
        ):
            other = lds.Mirror(Path(folder) / "other")
            timing("first sync, two processes", lambda: other.sync(project, client=client, progress=False))
        sandbox.advance(hours=13)
        result = timing("sync of what changed", lambda: mirror.sync(project, progress=False))
        print(result)
        timing("the same again, nothing new", lambda: mirror.sync(project, progress=False))
        timing("full sync", lambda: mirror.sync(project, full=True, progress=False))
        timing("a version as a Dataset", mirror.dataset)
        timing("its accepted files", lambda: mirror.dataset(statuses=["accepted"]))
        timing("files alone", lambda: mirror.dataset(columns=[]))
        timing("an earlier version", lambda: mirror.dataset(0))
        timing("what differs between two", lambda: mirror.diff(0))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
