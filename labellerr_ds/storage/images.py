"""The images of a dataset, fetched through signed links into a folder."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from labellerr_ds.core.disk import local_name, new_folder
from labellerr_ds.core.errors import LabellerrError, NotFoundError, warn
from labellerr_ds.core.models import SignedLink
from labellerr_ds.core.progress import ProgressOption, tracked
from labellerr_ds.frames import schema
from labellerr_ds.images.files import INDEX, name_key, read_index, unique_name
from labellerr_ds.service.project import Project, endpoints_of
from labellerr_ds.storage.partial_files import part
from labellerr_ds.storage.signed_link import download, read_link

AT_ONCE = 8
LARGEST_BYTES = 200_000_000  # of an image that is only looked at
LINKS_AT_ONCE = 50
ROUNDING_MB = 0.0006  # sizes are told in thousandths of a megabyte


def download_images(
    files: pd.DataFrame, folder: Path, project: Project, *, progress: ProgressOption = True
) -> pd.DataFrame:
    """Fetch the images of a `files` frame, several at a time; what is there already stays.

    Parameters
    ----------
    files : `files` frame
    folder : Path
        Gets the images under their own names; where two files share one, the second has its id in it. The
        file ``images.csv`` in it tells whose is whose, so that a later call goes on where this one stopped.
    project : Project

    Returns
    -------
    DataFrame
        A row a file: `file_id`, `file_name`, `path` (missing where it could not be had), `size` (bytes), `state`
        (``downloaded``, ``kept``, ``failed``), `message`.
    """
    new_folder(folder)
    index = _Index(folder)
    wanted = files.drop_duplicates("file_id").dropna(subset=["file_id"])
    sizes = dict(zip(wanted["file_id"], wanted["file_size_mb"], strict=True))
    names = {file_id: index.name(file_id, name) for file_id, name in _pairs(wanted)}
    results: dict[str, tuple[str, str | None]] = {}
    for file_id, name in names.items():
        if (folder / name).is_file():
            results[file_id] = ("kept", _odd_size(folder / name, sizes[file_id]))
    missing = [file_id for file_id in names if file_id not in results]
    for file_id, name in names.items():
        index.add(file_id, name)
    index.write()  # before the first comes: a file is under its name only when it is whole, and then it is ours
    with tracked(len(missing), "images", progress, "images") as advance, ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(missing), LINKS_AT_ONCE):  # links expire: each is asked for when its turn comes
            piece = missing[start : start + LINKS_AT_ONCE]
            running = {}
            for file_id, link in _links(project, piece):
                if isinstance(link, str):
                    results[file_id] = ("failed", link)
                    advance(1)
                else:
                    running[pool.submit(_fetch, project, file_id, link, folder, names[file_id])] = file_id
            try:
                for done in as_completed(running):
                    file_id, problem = running[done], done.result()
                    if problem:
                        results[file_id] = ("failed", problem)
                    else:
                        results[file_id] = ("downloaded", _odd_size(folder / names[file_id], sizes[file_id]))
                    advance(1)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return _report(wanted, folder, names, results)


def _pairs(files: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for file_id, name in files[["file_id", "file_name"]].itertuples(index=False):
        yield file_id, file_id if pd.isna(name) else name


class _Index:
    """Whose image has which name in a folder; names are given once and stay."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.names = folder, read_index(folder)
        self._taken = {name_key(name): file_id for file_id, name in self.names.items()}
        self._lock = threading.Lock()

    def name(self, file_id: str, file_name: str) -> str:
        if file_id in self.names:
            return self.names[file_id]
        wanted = local_name(file_name)
        if wanted == INDEX or (self.folder / wanted).exists():  # not in the index: it is somebody else's
            self._taken.setdefault(name_key(wanted), "")
        return unique_name(file_name, file_id, self._taken)

    def add(self, file_id: str, name: str) -> None:
        self.names[file_id] = name

    def write(self) -> None:
        out = io.StringIO(newline="")
        table = csv.writer(out)
        table.writerow(["file_id", "path"])
        table.writerows(self.names.items())
        with part(self.folder / INDEX) as file:
            file.write(out.getvalue().encode())


def _links(project: Project, file_ids: list[str]) -> Iterator[tuple[str, SignedLink | str]]:
    """A link for each file, or why there is none; one that is gone must not cost the others theirs."""
    try:
        yield from zip(file_ids, endpoints_of(project).file_links(file_ids), strict=True)
    except NotFoundError as problem:
        if len(file_ids) == 1:
            yield file_ids[0], problem.message
            return
        for file_id in file_ids:
            yield from _links(project, [file_id])


def read_image(project: Project, file_id: str) -> bytes | None:
    """Return the bytes of one file through its signed link; None if there is none, or it cannot be had."""
    try:
        return read_link(_link_of(project, file_id).url, LARGEST_BYTES)
    except LabellerrError:
        return None


def _fetch(project: Project, file_id: str, link: SignedLink, folder: Path, name: str) -> str | None:
    """Why an image could not be had, or None; a link that does not work is asked for once more."""
    try:
        renew = partial(_link_of, project, file_id)
        download(link, folder, name=name, progress=False, renew=renew)
    except LabellerrError as problem:
        return problem.message
    return None


def _link_of(project: Project, file_id: str) -> SignedLink:
    return endpoints_of(project).file_links([file_id])[0]


def _odd_size(path: Path, stated_mb: Any) -> str | None:
    if pd.isna(stated_mb):
        return None
    size = path.stat().st_size
    if min(abs(size / 1_000_000 - stated_mb), abs(size / 2**20 - stated_mb)) <= ROUNDING_MB:
        return None
    return f"the export has {stated_mb:g} MB, the image {size:,} bytes"


def _report(
    wanted: pd.DataFrame, folder: Path, names: dict[str, str], results: dict[str, tuple[str, str | None]]
) -> pd.DataFrame:
    ids = list(names)
    states = [results[file_id][0] for file_id in ids]
    messages = [results[file_id][1] for file_id in ids]
    there = [state != "failed" for state in states]
    paths = [folder / names[file_id] if here else None for file_id, here in zip(ids, there, strict=True)]
    if failed := there.count(False):
        first = next(message for message, here in zip(messages, there, strict=True) if not here)
        warn(
            f"{failed:,} of {len(ids):,} images could not be downloaded. The first: {first}",
            hint="call again to retry them",
        )
    odd = sum(1 for message, here in zip(messages, there, strict=True) if here and message)
    if odd:
        warn(f"{odd:,} images do not have the size in the export; see the column `message`.")
    return pd.DataFrame(
        {
            "file_id": schema.text(ids),
            "file_name": wanted["file_name"].array,
            "path": schema.text([None if path is None else str(path) for path in paths]),
            "size": pd.array([None if path is None else path.stat().st_size for path in paths], dtype="Int64"),
            "state": pd.Categorical(states, categories=["downloaded", "kept", "failed"]),
            "message": schema.text(messages),
        }
    )
