"""What an export wrote into a bucket: which objects those are, and getting them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from labellerr_ds import service
from labellerr_ds.download import local_name
from labellerr_ds.errors import AmbiguousObjectsError, NotFoundError
from labellerr_ds.models import S3Destination, S3Object
from labellerr_ds.storage import Bucket
from labellerr_ds.waiting import intervals

LISTING_LOOKS = 6  # how often a bucket is looked at before what is not listed is not there

Window = tuple[datetime, datetime]


def fetch_landed(
    destination: S3Destination,
    report_id: str,
    window: Callable[[datetime], Window],
    folder: Path,
    *,
    masks: bool,
    sleep: Callable[[float], None],
    progress: bool,
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
        paths = [folder / f"{report_id}-{_last(names[0])}"]
    else:  # numbered, since several keys may come to one name on this machine
        paths = [folder / report_id / f"{number:06}-{_last(name)}" for number, name in enumerate(names)]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    bucket.fetch(objects, paths, progress=progress)
    return list(zip(names, paths, strict=True))


def _last(name: str) -> str:
    return local_name(name.rsplit("/", 1)[-1])


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
        objects = service.objects_of_export(found, destination.folder, report_id, between, masks=masks)
        if objects:
            return objects
        if objects is None:
            break
        sleep(interval)  # a store may list an object only a moment after it was written
    candidates = [f"s3://{bucket.name}/{each.key}" for each in sorted(found, key=lambda each: each.modified)]
    told = ", ".join(candidates[-10:]) + (f", and {len(found) - 10:,} older ones" if len(found) > 10 else "")
    first, last = (moment.isoformat(timespec="seconds") for moment in between)
    what = (
        f"export {report_id}: none of the {len(found):,} objects under {destination.bucket_path} has its id in its name"
    )
    hint = f" Read what you mean with read_export(): {told}." if found else ""
    if objects is None:
        raise AmbiguousObjectsError(
            f"{what}, and several were written between {first} and {last}.{hint}", candidates=candidates
        )
    raise NotFoundError(f"{what}, and none was written between {first} and {last}.{hint}")
