"""What an export wrote into a bucket: which objects those are, and getting them."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal, NamedTuple

from labellerr_ds.core import vendor
from labellerr_ds.core.backoff import intervals
from labellerr_ds.core.disk import local_name, new_folder
from labellerr_ds.core.errors import AmbiguousObjectsError, InvalidArgumentError, NotFoundError
from labellerr_ds.core.hint import call
from labellerr_ds.core.models import S3Destination, S3Object
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.core.temp_names import scratched
from labellerr_ds.storage.s3 import Bucket

LISTING_LOOKS = 6  # how often a bucket is listed before what is not listed is not there

Window = tuple[datetime, datetime] | None
"""From creation to completion."""


class Moment(NamedTuple):
    """A moment by this machine's two clocks: one stops while it sleeps, the other may be set."""

    monotonic: float
    wall: float

    def ago(self, clock: Callable[[], float]) -> tuple[float, float]:
        """Seconds since, by either."""
        return clock() - self.monotonic, time.time() - self.wall


def window_of(
    now: datetime, started: Moment | None, finished: Moment | None, age: timedelta | None, clock: Callable[[], float]
) -> Window:
    """From creation to completion, by the clock that says it is `now`: how long ago each was is the same on any.

    Parameters
    ----------
    now : datetime
        The store's time.
    started, finished : Moment or None
        Before the export was asked for, and when it was first seen to be completed.
    age : timedelta or None
        How long ago it was created, by the service's clock; asked only of an export that was picked up.
    """
    last = now if finished is None else now - timedelta(seconds=min(finished.ago(clock)))
    if started is not None:
        return now - timedelta(seconds=max(started.ago(clock))), last
    return None if age is None else (now - age, last)


def checked_destination(destination: object) -> S3Destination | Literal["local"]:
    """The destination, or an error that says what it may be."""
    if isinstance(destination, S3Destination):
        return destination
    if destination != "local":
        raise InvalidArgumentError(f"destination must be 'local' or an S3Destination, got {destination!r}.")
    return "local"


def fetch_landed(
    destination: S3Destination,
    report_id: str,
    window: Callable[[datetime], Window],
    folder: Path,
    *,
    masks: bool,
    sleep: Callable[[float], None],
    progress: ProgressOption,
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
    names = [name_in_export(each.key, destination.folder, report_id) for each in objects]
    if len(objects) == 1:
        paths = [folder / f"{report_id}-{local_name(names[0].rsplit('/', 1)[-1])}"]
    else:
        paths = [folder / report_id / name for name in _local_names(names)]
    new_folder(folder)
    with scratched("landed", folder) as apart:  # what was there stays until all is whole
        parts = [apart / f"{number:06}" for number in range(len(paths))]
        bucket.fetch(objects, parts, progress=progress)
        for part, path in zip(parts, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
    return list(zip(names, paths, strict=True))


def _local_names(names: list[str]) -> list[str]:
    """Paths for this machine's disk, each once; numbered where several keys come to one."""
    local_names: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(names):
        path = "/".join(local_name(part) for part in name.split("/") if part) or "export"
        if path.casefold() in taken:
            path = f"{path}-{number:06}"
        taken.add(path.casefold())
        local_names.append(path)
    return local_names


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
        objects = bucket.below(destination.folder)
        between = window(bucket.store_time or datetime.now(timezone.utc))
        written, candidates = objects_of_export(objects, destination.folder, report_id, between, masks=masks)
        if written:
            return written
        if candidates:
            break
        sleep(interval)  # a store may list an object only a moment after it was written
    what = f"export {report_id}: of the {len(objects):,} objects under {destination.bucket_path} "
    when = (
        ""
        if between is None
        else " between {} and {}".format(*(each.isoformat(timespec="seconds") for each in between))
    )
    if candidates:
        addresses = [f"s3://{bucket.name}/{each.key}" for each in sorted(candidates, key=lambda item: item.modified)]
        listed = ", ".join(addresses[-10:]) + (f", and {len(addresses) - 10:,} more" if len(addresses) > 10 else "")
        why = (
            "it is not known when it was created"
            if between is None
            else f"several may be meant, by their name or as written{when}"
        )
        raise AmbiguousObjectsError(
            f"{what}none is certain to be what it wrote: {why}. Candidates: {listed}.",
            candidates=addresses,
            hint=call("lds.read_export(url)"),
        )
    latest = sorted(objects, key=lambda item: item.modified)[-5:]
    listed = ", ".join(f"s3://{bucket.name}/{each.key}" for each in latest)
    raise NotFoundError(
        f"{what}none has its id in its name, and none was written{when}."
        + (f" The latest there: {listed}." if objects else "")
    )


# --- which objects; all of it is assumed


def objects_of_export(
    objects: Sequence[S3Object], folder: str, report_id: str, window: tuple[datetime, datetime] | None, *, masks: bool
) -> tuple[list[S3Object], list[S3Object]]:
    """Those objects in an export's folder that it wrote, and those that it may have. **A**, all of it.

    Where the report id is in the first name below the folder, it is those: a file, shards of one kind, or
    all in a folder of that name. Else it is what was written between the creation and the completion: one
    object, or the loose masks of a png export in one folder.

    Parameters
    ----------
    found : sequence of S3Object
        All below the folder.
    folder : str
        The prefix, without the bucket.
    window : (datetime, datetime) or None
        From creation to completion, by the store's clock; None where that is not known.
    masks : bool
        Whether the export is known to be one of masks.

    Returns
    -------
    written, candidates : lists of S3Object
        `written` is empty where it is not certain; then `candidates` are what it may be.
    """
    token = re.compile(rf"(?<![0-9A-Za-z]){re.escape(report_id)}(?![0-9A-Za-z])")
    firsts = [each.key[len(folder) :].partition("/") for each in objects]
    named = [each for each, (first, _, _) in zip(objects, firsts, strict=True) if token.search(first)]
    if named:
        places = {first if slash else "" for first, slash, _ in firsts if token.search(first)}
        endings = {each.key.rsplit(".", 1)[-1].lower() for each in named}
        alone = len(named) == 1 or (len(places) == 1 and (places != {""} or len(endings) == 1))
        return (named, []) if alone else ([], named)
    if window is None:
        return [], list(objects)
    first, last = window[0] - vendor.S3_CLOCK_SLACK, window[1] + vendor.S3_CLOCK_SLACK
    within = [each for each in objects if first <= each.modified <= last]
    if len(within) == 1:
        return within, []
    loose = all(each.key.lower().endswith(".png") for each in within)
    folders = {each.key[len(folder) :].rpartition("/")[0].split("/")[0] for each in within}
    return (within, []) if masks and loose and len(folders) == 1 else ([], within)


def name_in_export(key: str, folder: str, report_id: str) -> str:
    """An object's name within its export: without the folder, and without a first folder named after the report. A."""
    name = key[len(folder) :]
    first, _, rest = name.partition("/")
    return rest if rest and report_id in first else name
