"""Image files on disk: which one belongs to which `file_id`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa

from labellerr_ds.core.disk import local_name
from labellerr_ds.core.errors import InvalidArgumentError

INDEX = "images.csv"
"""In a folder that `Dataset.download_images` filled: which file is whose."""

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
"""The endings of images, in lower case."""

Images = str | Path | Mapping[str, str | Path]


def locate(files: pd.DataFrame, images: Images) -> dict[str, Path]:
    """Where each file's image lies, by `file_id`; those that are not there are not in it.

    Parameters
    ----------
    files : DataFrame with `file_id` and `file_name`
    images : folder, or mapping of `file_id` to path
        In a folder without an index images are known by their names; if a name is a path, by the longest end of it
        that is there. A name that several files share belongs to none of them, but ``<stem>_<file_id>.<ending>`` does.
        A name without the ending of an image, as a png export has them, is that of the one image with this stem.
    """
    find = finder(files, images)
    pairs = files[["file_id", "file_name"]].dropna(subset=["file_id"]).drop_duplicates("file_id")
    names = pairs["file_name"].astype(object).where(pairs["file_name"].notna(), None)
    paths = {file_id: find(file_id, name) for file_id, name in zip(pairs["file_id"], names, strict=True)}
    return {file_id: path for file_id, path in paths.items() if path is not None}


def finder(files: pd.DataFrame, images: Images) -> Callable[[str, str | None], Path | None]:
    """What finds one file's image by its id and name, as `locate` does for all; the disk is asked only then."""
    if isinstance(images, Mapping):
        if odd := [path for path in images.values() if not isinstance(path, str | Path)]:
            raise InvalidArgumentError(f"images must map file_id to paths, got a {type(odd[0]).__name__}.")
        given = {str(file_id): Path(path) for file_id, path in images.items()}
        return lambda file_id, name: _there(given.get(file_id))
    if not isinstance(images, str | Path) or not str(images):
        raise InvalidArgumentError(f"images must be a folder or a mapping of file_id to path, got {images!r}.")
    folder = Path(images)
    if not folder.is_dir():
        raise InvalidArgumentError(
            f"images must be a folder or a mapping of file_id to path; no folder {str(folder)!r}."
        )
    index = read_index(folder)
    pairs = files[["file_id", "file_name"]].dropna().drop_duplicates("file_id")
    shared = Counter(end for name in pairs["file_name"] for end in _ends(name))

    def find(file_id: str, name: str | None) -> Path | None:
        indexed = _there(folder / index[file_id]) if file_id in index else None
        if indexed is not None or name is None:
            return indexed
        for end in _ends(name):
            path = there(folder / own_name(end, file_id)) or (there(folder / end) if shared[end] == 1 else None)
            if path is not None:
                return path
        return None

    @cache
    def by_stem(inside: Path) -> dict[str, list[Path]]:
        stems: dict[str, list[Path]] = {}
        for path in inside.iterdir() if inside.is_dir() else ():
            if path.suffix.lower() in PICTURES:
                stems.setdefault(path.stem, []).append(path)
        return stems

    def there(path: Path) -> Path | None:
        if path.suffix.lower() in PICTURES:
            return _there(path)
        paths = by_stem(path.parent).get(path.name, [])
        return _there(path) or (paths[0] if len(paths) == 1 else None)

    return find


def _ends(name: str) -> list[str]:
    """Return a name that is a path, and the ends of it, the longest first."""
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _there(path: Path | None) -> Path | None:
    try:
        return path if path is not None and path.is_file() else None
    except OSError:  # a name that no disk takes
        return None


def own_name(file_name: str, file_id: str) -> str:
    """A file's name with its id, which no other file has."""
    stem, dot, ending = file_name.rpartition(".")
    return f"{stem}_{file_id}.{ending}" if dot else f"{file_name}_{file_id}"


def unique_name(file_name: str | None, file_id: str, taken: dict[str, str]) -> str:
    """What a file's image is called on disk: its own name, with its id where another file has it.

    Names that differ in their ending or in upper and lower case alone count as one: labels beside images have other
    endings, and not every disk tells the cases apart.

    Parameters
    ----------
    file_name : str or None
    file_id : str
    taken : dict
        Whose the names are, by what of them counts; gets this one.
    """
    name = local_name(file_id if file_name is None else file_name)
    if taken.get(name_key(name), file_id) != file_id:
        name = local_name(own_name(name, file_id))
    stem, dot, ending = name.rpartition(".")
    while taken.get(name_key(name), file_id) != file_id:
        stem = f"{stem if dot else name}_"
        name = f"{stem}.{ending}" if dot else stem
    taken[name_key(name)] = file_id
    return name


def name_key(name: str) -> str:
    """What of a name counts."""
    return (name.rpartition(".")[0] or name).casefold()


def unique_names(files: pd.DataFrame) -> list[str]:
    """What the image of each file is called on disk; records of one file have one name."""
    taken: dict[str, str] = {}
    names: dict[str, str] = {}
    chosen = []
    columns = (pa.array(files[name].array, from_pandas=True).to_pylist() for name in ("file_id", "file_name"))
    for row, (file_id, name) in enumerate(zip(*columns, strict=True)):
        key = f"row-{row}" if file_id is None else file_id
        if key not in names:
            names[key] = unique_name(name, key, taken)
        chosen.append(names[key])
    return chosen


def read_index(folder: Path) -> dict[str, str]:
    """The names in a folder by `file_id`; empty where it has no index."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file_id"]: row["path"] for row in csv.DictReader(file)}
