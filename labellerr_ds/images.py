"""Images on disk: which file is whose, opening them in the frame of the labels, crops, and how alike they are."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from labellerr_ds.errors import InvalidArgumentError, warn

INDEX = "images.csv"
"""In a folder that `Dataset.download_images` filled: which file is whose."""

UNREADABLE = (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises where a file is no image, or a damaged one."""

Images = str | Path | Mapping[str, str | Path]


def locate(files: pd.DataFrame, images: Images) -> dict[str, Path]:
    """Where each file's image lies, by `file_id`; those that are not there are not in it.

    Parameters
    ----------
    files : DataFrame with `file_id` and `file_name`
    images : folder, or mapping of `file_id` to path
        In a folder without an index images are known by their names; a name that several files share
        belongs to none of them, but ``<stem>_<file_id>.<ending>`` does.
    """
    find = finder(files, images)
    pairs = files[["file_id", "file_name"]].dropna(subset=["file_id"]).drop_duplicates("file_id")
    names = pairs["file_name"].astype(object).where(pairs["file_name"].notna(), None)
    found = {file_id: find(file_id, name) for file_id, name in zip(pairs["file_id"], names, strict=True)}
    return {file_id: path for file_id, path in found.items() if path is not None}


def finder(files: pd.DataFrame, images: Images) -> Callable[[str, str | None], Path | None]:
    """What finds one file's image by its id and name, as `locate` does for all; the disk is asked only then."""
    if isinstance(images, Mapping):
        if odd := [path for path in images.values() if not isinstance(path, str | Path)]:
            raise InvalidArgumentError(f"images= must map file_id to paths, got a {type(odd[0]).__name__}.")
        given = {str(file_id): Path(path) for file_id, path in images.items()}
        return lambda file_id, name: _there(given.get(file_id))
    if not isinstance(images, str | Path) or not str(images):
        raise InvalidArgumentError(f"images= must be a folder or a mapping of file_id to path, got {images!r}.")
    folder = Path(images)
    if not folder.is_dir():
        raise InvalidArgumentError(f"images= must be a folder or a mapping of file_id to path; there is no {folder}.")
    index = read_index(folder)
    pairs = files[["file_id", "file_name"]].dropna().drop_duplicates("file_id")
    shared = Counter(pairs["file_name"])

    def find(file_id: str, name: str | None) -> Path | None:
        told = _there(folder / index[file_id]) if file_id in index else None
        if told is not None or name is None:
            return told
        own = _there(folder / own_name(name, file_id))
        return own or (_there(folder / name) if shared[name] == 1 else None)

    return find


def _there(path: Path | None) -> Path | None:
    try:
        return path if path is not None and path.is_file() else None
    except OSError:  # a name that no disk takes
        return None


def own_name(file_name: str, file_id: str) -> str:
    """A file's name with its id, which no other file has."""
    stem, dot, ending = file_name.rpartition(".")
    return f"{stem}_{file_id}.{ending}" if dot else f"{file_name}_{file_id}"


def read_index(folder: Path) -> dict[str, str]:
    """The names in a folder by `file_id`; empty where it has no index."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file_id"]: row["path"] for row in csv.DictReader(file)}


def open_image(path: Path | BinaryIO, width: int | None = None, height: int | None = None) -> Image.Image:
    """An image in the frame of its labels.

    A camera may tell by EXIF that its picture is to be turned. Labels are drawn on what a browser shows,
    turned; but where the export's size is that of the pixels as they are stored, and not of the turned
    ones, the labels are in that frame, and nothing is turned. This is the one place that decides it.

    Parameters
    ----------
    path : Path or file
    width, height : int, optional
        As the export tells them.
    """
    image = Image.open(path)
    turned = ImageOps.exif_transpose(image)
    if image.size != turned.size and (width, height) == image.size:
        return image
    return turned


def to_rgb(image: Image.Image) -> Image.Image:
    """An image of three channels; 16 bits a pixel, which Pillow would cut off at 255, are scaled to 8."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        image = Image.fromarray((values >> 8 if values.max(initial=0) > 255 else values).clip(0, 255).astype(np.uint8))
    return image.convert("RGB")


def crops(frame: pd.DataFrame, images: Images, pad: float) -> Iterator[tuple[Any, Image.Image]]:
    """The part of the image in each row's box; see ``df.labellerr.crops``."""
    where = locate(frame, images)
    passed, last, picture = 0, None, None
    order = frame["file_id"].map({file_id: place for place, file_id in enumerate(where)})
    for index, row in frame.iloc[np.argsort(order.fillna(-1).to_numpy(), kind="stable")].iterrows():
        box = row[["bbox_x", "bbox_y", "bbox_width", "bbox_height"]].to_numpy(dtype=np.float64)
        if row["file_id"] not in where or not np.isfinite(box).all():
            passed += 1
            continue
        if row["file_id"] != last:
            sides = [None if pd.isna(row[name]) else int(row[name]) for name in ("image_width", "image_height")]
            last = row["file_id"]
            try:
                picture = open_image(where[last], *sides)
                picture.load()
            except UNREADABLE:
                picture = None
        if picture is None:
            passed += 1
            continue
        left, top = np.floor(box[:2] - pad)
        right, low = np.ceil(box[:2] + box[2:] + pad)
        corners = (max(left, 0), max(top, 0), min(right, picture.width), min(low, picture.height))
        if corners[0] >= corners[2] or corners[1] >= corners[3]:
            passed += 1
            continue
        yield index, picture.crop((int(corners[0]), int(corners[1]), int(corners[2]), int(corners[3])))
    if passed:
        warn(f"{passed:,} of {len(frame):,} rows have no box within an image that is there, and gave no crop.")


def difference_hash(path: Path) -> int | None:
    """64 bits of what an image looks like (dHash): where a picture of 9 x 8 pixels grows brighter; None if unreadable.

    Pictures that look alike differ in few bits.
    """
    try:
        with Image.open(path) as image:
            small = ImageOps.exif_transpose(image).convert("L").resize((9, 8), Image.Resampling.BILINEAR)
    except UNREADABLE:
        return None
    values = np.asarray(small, dtype=np.int16)
    bits = (values[:, 1:] > values[:, :-1]).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def alike(hashes: Mapping[str, int], bits: int = 4) -> Iterator[tuple[str, str]]:
    """Pairs of keys whose hashes differ in at most so many of their 64 bits.

    Of ``bits + 1`` stretches of a hash one must be equal then, so only those that share one are compared. A
    hash of nearly no bits, as flat pictures have, says nothing, and is alike to none.
    """
    hashes = {key: value for key, value in hashes.items() if 2 * bits <= value.bit_count() <= 64 - 2 * bits}
    step = -(-64 // (bits + 1))
    pairs: set[tuple[str, str]] = set()
    for start in range(0, 64, step):
        same: dict[int, list[str]] = {}
        for key, value in hashes.items():
            same.setdefault((value >> start) & ((1 << step) - 1), []).append(key)
        for keys in same.values():
            for place, one in enumerate(keys):
                for other in keys[place + 1 :]:
                    if (one, other) not in pairs and (hashes[one] ^ hashes[other]).bit_count() <= bits:
                        pairs.add((one, other))
                        yield one, other


def groups_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What hangs together by pairs: each key's group, named after its smallest key."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {key: root(key) for key in list(parent)}
