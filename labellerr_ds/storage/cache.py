"""Exports that were downloaded: a finished one never changes, so one copy on this machine does for every process of it.

A folder an export, named by a digest of whose it is: the file, and an ``entry.json`` with what is known of it. No key
and no link is ever in it. What is handed out is a hard link, so that removing an entry takes nothing from who reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import platformdirs

from labellerr_ds.core.disk import check_room, sha256_of
from labellerr_ds.core.errors import DiskError
from labellerr_ds.core.temp_names import left_in, prefix_of

LARGEST_BYTES = 10 * 10**9  # of all entries together
HASHED_BYTES = 64 * 10**6  # up to which a file is hashed whenever it is opened
TRUSTED_S = 86_400.0  # after which a larger one is hashed as well
ENTRY, DATA, INCOMING = "entry.json", "data", "incoming"
_log = logging.getLogger(__name__)


class Owner(NamedTuple):
    """Whose export it is: what its entry is named by.

    Attributes
    ----------
    host : str
        The address of the API.
    client_id, project_id, report_id : str
    """

    host: str
    client_id: str
    project_id: str
    report_id: str

    @property
    def key(self) -> str:
        """The name of the entry."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()


def folder() -> Path:
    """Where the entries are: ``LABELLERR_CACHE``, or the user's cache folder of this system."""
    chosen = os.environ.get("LABELLERR_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("labellerr_ds", False) / "exports"


def incoming() -> Path:
    """The folder that exports are downloaded into, where what a killed process got of one is gone on with."""
    return folder() / INCOMING


def usable() -> Path | None:
    """The folder of the cache, made where it is not there; None where this machine does not let us."""
    home = folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        check_room(home)
    except (OSError, DiskError) as problem:
        _log.info("no cache: %s", problem)
        return None
    return home


def keep(owner: Owner, path: Path) -> None:
    """Make a file that is whole an entry, and remove the least recently used ones that are too many.

    Parameters
    ----------
    owner : Owner
    path : Path
        In a folder within `folder()`; it stays.
    """
    home = folder()
    with contextlib.suppress(OSError):
        if (size := path.stat().st_size) <= LARGEST_BYTES:
            made = Path(tempfile.mkdtemp(prefix=prefix_of(home / owner.key, "entry"), dir=home))
            entry = {
                "name": path.name, "size": size, "digest": sha256_of(path), "key": owner.key,
                "project_id": owner.project_id, "report_id": owner.report_id,
            }  # fmt: skip
            try:
                _link(path, made / DATA)
                (made / ENTRY).write_text(json.dumps(entry), encoding="utf-8")
                os.rename(made, home / owner.key)
            except OSError:  # another process was first, or there is no room
                shutil.rmtree(made, ignore_errors=True)
    _shrink()


def take(owner: Owner, into: Path) -> Path | None:
    """An entry's file in another folder of the same disk; None where there is none, or it is not what was kept.

    Parameters
    ----------
    owner : Owner
    into : Path
        A folder within `folder()`.
    """
    home = folder() / owner.key
    if not home.exists():
        return None
    try:
        entry = json.loads((home / ENTRY).read_bytes())
        mine = into / Path(str(entry["name"])).name
        _link(home / DATA, mine)
        if not _is_whole(mine, entry, owner, home / ENTRY):
            mine.unlink()
            remove(owner.key)
            return None
        os.utime(home / ENTRY)
    except (OSError, ValueError, KeyError, TypeError):
        remove(owner.key)
        return None
    return mine


def remove(key: str) -> None:
    """Remove an entry; who reads its file still can."""
    home = folder() / key
    with contextlib.suppress(OSError):
        aside = Path(tempfile.mkdtemp(prefix=prefix_of(home, "gone"), dir=folder()))
        os.rename(home, aside / "entry")  # at once, so that nobody meets half of it
        shutil.rmtree(aside, ignore_errors=True)


def entries() -> pd.DataFrame:
    """What there is, the last used first: project, report, file, bytes, when it was used, and its key."""
    rows = [
        {
            "project_id": entry.get("project_id"),
            "report_id": entry.get("report_id"),
            "name": entry.get("name"),
            "size_bytes": size,
            "used_at": pd.Timestamp(used, unit="s", tz="UTC").floor("s"),
            "key": key,
        }
        for used, size, key, entry in sorted(_entries(), key=lambda entry: -entry[0])
    ]
    return pd.DataFrame(rows, columns=["project_id", "report_id", "name", "size_bytes", "used_at", "key"])


def clear() -> int:
    """Remove all entries, and what killed processes left; how many entries it were."""
    keys = [key for _, _, key, _ in _entries()]
    for key in keys:
        remove(key)
    shutil.rmtree(folder() / INCOMING, ignore_errors=True)
    return len(keys)


def _entries() -> Iterator[tuple[float, int, str, dict[str, Any]]]:
    if not folder().is_dir():
        return
    for home in folder().iterdir():
        if home.name == INCOMING or home.name.startswith("."):
            continue
        with contextlib.suppress(OSError, ValueError):
            entry = json.loads((home / ENTRY).read_bytes())
            yield (home / ENTRY).stat().st_mtime, (home / DATA).stat().st_size, home.name, entry


def _shrink() -> None:
    for left in left_in(folder()):
        shutil.rmtree(left.path, ignore_errors=True)
    entries = sorted(_entries(), key=lambda entry: entry[0])
    total = sum(size for _, size, _, _ in entries)
    for _, size, key, _ in entries:
        if total <= LARGEST_BYTES:
            return
        with contextlib.suppress(OSError):
            if (folder() / key / DATA).stat().st_nlink > 1:  # somebody reads it
                continue
        remove(key)
        total -= size


def _is_whole(path: Path, entry: dict[str, Any], owner: Owner, sidecar: Path) -> bool:
    if entry["key"] != owner.key or path.stat().st_size != entry["size"]:
        return False
    age = time.time() - sidecar.stat().st_mtime
    if entry["size"] > HASHED_BYTES and 0 <= age < TRUSTED_S and path.stat().st_mtime <= sidecar.stat().st_mtime:
        return True
    return bool(sha256_of(path) == entry["digest"])


def _link(kept: Path, mine: Path) -> None:
    try:
        os.link(kept, mine)
    except FileNotFoundError:
        raise
    except OSError:  # a disk without hard links
        shutil.copyfile(kept, mine)
