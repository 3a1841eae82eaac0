"""What an export wrote into a bucket: which objects those are, and getting them."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from labellerr_ds import service
from labellerr_ds.errors import AmbiguousObjectsError, NotFoundError
from labellerr_ds.models import S3Destination, S3Object
from labellerr_ds.naming import local_name
from labellerr_ds.progress import Progress
from labellerr_ds.storage import Bucket
from labellerr_ds.waiting import intervals

LISTING_LOOKS = 6  # how often a bucket is looked at before what is not listed is not there

Window = tuple[datetime, datetime] | None


def fetch_landed(
    destination: S3Destination,
    report_id: str,
    window: Callable[[datetime], Window],
    folder: Path,
    *,
    masks: bool,
    sleep: Callable[[float], None],
    progress: Progress,
) -> list[tuple[str, Path]]:
    """Get the objects that an export wrote into a folder: the name of each within the export, and where it is now.

    Parameters
    ----------
    destination : S3Destination
    report_id : str
    window : callable
        From the store's time now to when the export was created and completed, by the store's clock.
    folder : Path
        Made where it is not there; several objects go into a folder of their own in it.
    masks : bool
        Whether several objects may be one export.

    Raises
    ------
    NotFoundError, AmbiguousObjectsError
        Where nothing that can be the export is there, or more than it can have written.
    """
    bucket = Bucket(destination.bucket)
    objects = _objects(bucket, destination, report_id, window, masks=masks, sleep=sleep)
    names = [service.name_in_export(each.key, destination.folder, report_id) for each in objects]
    if len(objects) == 1:
        paths = [folder / f"{report_id}-{local_name(names[0].rsplit('/', 1)[-1])}"]
    else:
        paths = [folder / report_id / name for name in _local_names(names)]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as apart:  # what was there stays until all is whole
        parts = [Path(apart) / f"{number:06}" for number in range(len(paths))]
        bucket.fetch(objects, parts, progress=progress)
        for part, path in zip(parts, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
    return list(zip(names, paths, strict=True))


def _local_names(names: list[str]) -> list[str]:
    """Paths for this machine's disk, each once; numbered where several keys come to one."""
    found: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(names):
        path = "/".join(local_name(part) for part in name.split("/") if part) or "export"
        if path.casefold() in taken:
            path = f"{path}-{number:06}"
        taken.add(path.casefold())
        found.append(path)
    return found


def _objects(
    bucket: Bucket,
    destination: S3Destination,
    report_id: str,
    window: Callable[[datetime], Window],
    *,
    masks: bool,
    sleep: Callable[[float], None],
) -> list[S3Object]:
    for interval in itertools.islice(intervals(0.25), LISTING_LOOKS):
        found = bucket.below(destination.folder)
        between = window(bucket.store_time or datetime.now(timezone.utc))
        written, candidates = service.objects_of_export(found, destination.folder, report_id, between, masks=masks)
        if written:
            return written
        if candidates:
            break
        sleep(interval)  # a store may list an object only a moment after it was written
    what = f"export {report_id}: of the {len(found):,} objects under {destination.bucket_path} "
    when = (
        ""
        if between is None
        else " between {} and {}".format(*(each.isoformat(timespec="seconds") for each in between))
    )
    if candidates:
        addresses = [f"s3://{bucket.name}/{each.key}" for each in sorted(candidates, key=lambda each: each.modified)]
        told = ", ".join(addresses[-10:]) + (f", and {len(addresses) - 10:,} more" if len(addresses) > 10 else "")
        why = (
            "nothing tells when it was created"
            if between is None
            else f"several may be meant, by their name or as written{when}"
        )
        raise AmbiguousObjectsError(
            f"{what}none is surely what it wrote: {why}. Read what you mean with read_export(): {told}.",
            candidates=addresses,
        )
    latest = sorted(found, key=lambda each: each.modified)[-5:]
    told = ", ".join(f"s3://{bucket.name}/{each.key}" for each in latest)
    raise NotFoundError(
        f"{what}none has its id in its name, and none was written{when}."
        + (f" The latest there: {told}." if found else "")
    )
