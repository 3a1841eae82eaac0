"""A YOLO folder: a text file an image, in Ultralytics', Roboflow's, supervision's and darknet's arrangements.

The format is Ultralytics' (https://docs.ultralytics.com/datasets/): a line an object, ``class x y width height``,
``class x1 y1 x2 y2 …``, or with ``kpt_shape`` the box and its keypoints, all in shares of the image's sides.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.hint import argument
from labellerr_ds.core.progress import ProgressOption, tracked_items
from labellerr_ds.formats.label_folders import CocoParts, Entry, folder_of, pictures_in, size_of
from labellerr_ds.formats.yolo.detect import LINE

NAME_LISTS = ("classes.txt", "obj.names", "predefined_classes.txt", "labels.txt", "_darknet.labels", "classes.names")
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_NO_LABELS = re.compile(r"readme|notes?|license|requirements|train|val(id)?|test|_darknet", re.IGNORECASE)
Marks = tuple[int, int]
"""How many keypoints an object has, and how many numbers each."""


def read_yolo(folder: Path, images: Path | None, status: str | None, *, progress: ProgressOption) -> CocoParts:
    """See `labellerr_ds.read_yolo`."""
    home = folder_of(folder)
    settings = _settings(home)
    names = _names(home, settings)
    entries = list(_entries(home, images))
    if not any(entry.labels for entry in entries):
        raise ReadError(f"{home}: no text files of YOLO labels in it.")
    if not any(entry.image for entry in entries):
        raise ReadError(
            f"{home}: labels without images. YOLO's numbers are shares of an image's sides.", hint=argument("images")
        )
    parts = CocoParts(home.name)
    marks = _marks(settings)
    used: set[int] = set()
    for entry in tracked_items(entries, len(entries), "labels", progress):
        size = size_of(entry.image) if entry.image else None
        number = parts.add_image(entry, size, status if entry.labels else "none" if status else None)
        if size is None:
            why = "its image is not there" if entry.image is None else "its image cannot be opened"
            parts.issues.add("unreadable_image", "files", entry.file_id, None, f"file {entry.file_id}: {why}.")
        if entry.labels is not None:
            used |= _read(entry, entry.labels, number, size, marks, parts)
    count = max([*names, *used, -1]) + 1
    parts.categories = [{"id": place, "name": names.get(place, str(place))} for place in range(count)]
    return parts


def _read(
    entry: Entry, labels: Path, image: int, size: tuple[int, int] | None, marks: Marks | None, parts: CocoParts
) -> set[int]:
    """The objects of a file; returns which classes they have."""
    used = set()
    text = labels.read_text(encoding="utf-8-sig", errors="replace")
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        shape = None
        try:
            category, *numbers = (float(word) for word in line.split())
            if size is not None and category >= 0 and category.is_integer() and all(map(math.isfinite, numbers)):
                shape = _shape(numbers, size, marks)
        except ValueError:
            pass
        if shape is None:
            why = "the size of its image is not known" if size is None else f"line {place} is {line.strip()[:60]!r}"
            parts.bad_line(image, entry.file_id, f"labels of {entry.file_id}: {why}.")
            continue
        used.add(int(category))
        parts.add_annotation(image, int(category), **shape)
    return used


def _shape(numbers: list[float], size: tuple[int, int], marks: Marks | None) -> dict[str, Any] | None:
    """What a line's numbers are in pixels; None for what is no form of it."""
    width, height = size
    if marks is not None and len(numbers) == 4 + marks[0] * marks[1]:
        box = _box(numbers[:4], width, height)
        points = [numbers[place : place + marks[1]] for place in range(4, len(numbers), marks[1])]
        flags = [int(point[2]) if marks[1] == 3 else 2 if point[0] or point[1] else 0 for point in points]
        keypoints = [
            side
            for (x, y, *_), flag in zip(points, flags, strict=True)
            for side in (x * width if flag else 0, y * height if flag else 0, flag)
        ]
        return {"bbox": box, "keypoints": keypoints, "num_keypoints": sum(flag > 0 for flag in flags)}
    if len(numbers) == 4:
        return {"bbox": _box(numbers, width, height)}
    if len(numbers) == 5:  # a detector's, with its confidence
        return {"bbox": _box(numbers[:4], width, height), "score": numbers[4]}
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        return {"segmentation": [[value * (height if place % 2 else width) for place, value in enumerate(numbers)]]}
    return None


def _box(numbers: list[float], width: int, height: int) -> list[float]:
    x, y, wide, high = numbers
    return [(x - wide / 2) * width, (y - high / 2) * height, wide * width, high * height]


# --- which files there are


def _entries(home: Path, images: Path | None) -> Iterator[Entry]:
    """The files of a folder, those with labels and those with an image alone, in the order of their ids."""
    texts = [path for path in sorted(home.rglob("*.txt")) if path.is_file()]
    inside = [path for path in texts if "labels" in path.relative_to(home).parts[:-1]]
    if not inside:
        lists = {*NAME_LISTS}
        inside = [path for path in texts if path.name.lower() not in lists and _is_labels(path)]
    labels = {_id_of(path.relative_to(home)): path for path in inside}
    entries: dict[str, Path] = {}
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for base in [home] if images is None else [folder_of(images)]:
        for path in pictures_in(base):
            entries[_id_of(path.relative_to(base))] = path
            by_stem[path.stem].append(path)
    for file_id in list(labels):  # images elsewhere, arranged in another way: by their names alone
        if file_id not in entries and len(same := by_stem.get(labels[file_id].stem, [])) == 1:
            entries = {key: path for key, path in entries.items() if path != same[0]}
            entries[file_id] = same[0]
    for file_id in sorted({*labels, *entries}):
        yield Entry(file_id, labels.get(file_id), entries.get(file_id), _split_of(file_id))


def _id_of(path: Path) -> str:
    parts = [part for part in path.parts[:-1] if part not in ("images", "labels")]
    return "/".join([*parts, path.stem])


def _split_of(file_id: str) -> str | None:
    words = [SPLITS[part.lower()] for part in file_id.split("/")[:-1] if part.lower() in SPLITS]
    return words[0] if words else None


def _is_labels(path: Path) -> bool:
    """Whether a text file is one of labels, where no folder says so."""
    with path.open("rb") as file:
        start = file.read(4096)
    lines = [line for line in start.splitlines() if line.strip()]
    return bool(LINE.fullmatch(lines[0])) if lines else not _NO_LABELS.match(path.stem)


# --- the names of classes


def _settings(home: Path) -> Mapping[str, Any]:
    """What ``data.yaml`` says, or another YAML file that has names."""
    paths = [path for path in sorted(home.iterdir()) if path.suffix.lower() in (".yaml", ".yml")]
    for path in sorted(paths, key=lambda path: path.stem != "data"):
        try:
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as problem:
            raise ReadError(f"{path.name} is not YAML: {str(problem).splitlines()[0]}.") from None
        if isinstance(settings, dict) and "names" in settings:
            return settings
    return {}


def _names(home: Path, settings: Mapping[str, Any]) -> dict[int, str]:
    names = settings.get("names")
    if isinstance(names, list):
        return {place: str(name) for place, name in enumerate(names)}
    if isinstance(names, dict) and all(str(key).isdigit() for key in names):
        return {int(key): str(name) for key, name in names.items()}
    if names is not None:
        raise ReadError(f"names in data.yaml must be a list, or names by number; got {names!r}.")
    for name in NAME_LISTS:
        for path in sorted(home.rglob(name)):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            return {place: line.strip() for place, line in enumerate(lines) if line.strip()}
    return {}


def _marks(settings: Mapping[str, Any]) -> Marks | None:
    shape = settings.get("kpt_shape")
    if shape is None:
        return None
    is_pair = isinstance(shape, list) and len(shape) == 2 and all(isinstance(side, int) for side in shape)
    if is_pair and shape[1] in (2, 3):
        return shape[0], shape[1]
    raise ReadError(f"kpt_shape in data.yaml must be [number of keypoints, 2 or 3]; got {shape!r}.")
