"""A Pascal VOC folder: an XML file an image.

The format is that of the VOC devkit (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/): ``xmin`` and ``ymin`` are the
first pixel of a box, counted from 1, ``xmax`` and ``ymax`` the last. Other tools write the corners themselves, from 0.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from labellerr_ds.core.errors import ReadError
from labellerr_ds.core.progress import ProgressOption, tracked_items
from labellerr_ds.formats.label_folders import CocoParts, Entry, folder_of, pictures_in, size_of

Corners = Literal["auto", "pixels", "edges", "edges_from_1"]
_FLAGS = ("truncated", "difficult", "occluded")
_PARTS = frozenset({"source", "owner", "size"})  # elements with children of an annotation without any object
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(
    folder: Path, images: Path | None, status: str | None, corners: Corners, *, progress: ProgressOption
) -> CocoParts:
    """See `labellerr_ds.read_voc`."""
    home = folder_of(folder)
    splits = _splits(home)
    pictures: dict[str, Path] = {}
    for path in pictures_in(folder_of(images) if images else home):
        if not any(part.startswith("Segmentation") for part in path.parts):
            pictures.setdefault(path.stem, path)
    parts, classes = CocoParts(home.name), dict[str, int]()
    trees = list(tracked_items(_trees(home), None, "labels", progress))
    if not trees:
        raise ReadError(f"{home}: no XML files of Pascal VOC in it.")
    if corners == "auto":
        corners = "edges" if any(_is_edge(root) for _, root in trees if root is not None) else "pixels"
    for path, root in trees:
        image = pictures.pop(path.stem, None)
        name = None if root is None else root.findtext("filename")
        if image is None and name:
            image = pictures.pop(Path(name.strip()).stem, None)
        entry = Entry(
            path.stem, path, image or (Path(name.strip()) if name and name.strip() else None), splits.get(path.stem)
        )
        size = _size(root) or (size_of(image) if image else None)
        number = parts.add_image(entry, size, status)
        if root is None:
            parts.bad_line(number, path.stem, f"{path.name} is not XML.")
            continue
        things = list(root.iter("object"))
        for thing in things:
            _add(thing, number, entry.file_id, corners, classes, parts)
        unknown = [] if things else [element.tag for element in root if len(element) and element.tag not in _PARTS]
        if unknown:
            parts.bad_line(number, path.stem, f"{path.name} has no object, and the unknown element {unknown[0]!r}.")
    for stem, image in pictures.items():
        parts.add_image(Entry(stem, None, image, splits.get(stem)), size_of(image), "none" if status else None)
    parts.categories = [{"id": number, "name": name} for name, number in classes.items()]
    return parts


def _trees(home: Path) -> Iterator[tuple[Path, ElementTree.Element | None]]:
    """The annotations, each with its file; None for what is not XML."""
    for path in sorted(home.rglob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:
            yield path, None
            continue
        if root.tag == "annotation":
            yield path, root


def _splits(home: Path) -> dict[str, str]:
    """The split of each file, as ``ImageSets/Main`` has them; lists of one class are none."""
    splits = {}
    for name in ("train", "val", "test"):
        for path in sorted(home.rglob(f"{name}.txt")):
            splits.update(
                {line.split()[0]: name for line in path.read_text(encoding="utf-8").splitlines() if line.split()}
            )
    return splits


def _size(root: ElementTree.Element | None) -> tuple[int, int] | None:
    numbers = [_number(None if root is None else root.find("size"), name) for name in ("width", "height")]
    sides = [int(side) for side in numbers if side]
    return (sides[0], sides[1]) if len(sides) == 2 else None


def _number(element: ElementTree.Element | None, name: str) -> float | None:
    try:
        number = float((element.findtext(name) if element is not None else None) or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_edge(root: ElementTree.Element) -> bool:
    """Whether a corner is a fraction or 0, which no pixel counted from 1 is."""
    numbers = [_number(box, name) for box in root.iter("bndbox") for name in _CORNERS]
    return any(number is not None and (number < 1 or not number.is_integer()) for number in numbers)


def _add(
    thing: ElementTree.Element, image: int, file_id: str, corners: Corners, classes: dict[str, int], parts: CocoParts
) -> None:
    name = (thing.findtext("name") or "").strip()
    shape = _shape(thing, corners)
    if not name or shape is None:
        what = "has no name" if not name else f"{name!r} has no box that was understood"
        parts.bad_line(image, file_id, f"an object of {file_id} {what}.")
        return
    flags: dict[str, Any] = {flag: text.strip() == "1" for flag in _FLAGS if (text := thing.findtext(flag)) is not None}
    pose = (thing.findtext("pose") or "").strip()
    attributes = {**({"pose": pose} if pose and pose != "Unspecified" else {}), **flags}
    parts.add_annotation(image, classes.setdefault(name, len(classes) + 1), attributes=attributes, **shape)


def _shape(thing: ElementTree.Element, corners: Corners) -> dict[str, Any] | None:
    turned = thing.find("robndbox")  # roLabelImg's: centre, size, and an angle in radians, clockwise
    if turned is not None:
        numbers = [_number(turned, key) for key in ("cx", "cy", "w", "h", "angle")]
        if any(each is None for each in numbers):
            return None
        x, y, width, height, angle = (float(each or 0) for each in numbers)
        return {"bbox": [x - width / 2, y - height / 2, width, height], "rotation": math.degrees(angle)}
    shape: dict[str, Any] = {}
    box = [_number(thing.find("bndbox"), name) for name in _CORNERS]
    if all(each is not None for each in box):
        left, top, right, low = (float(each or 0) for each in box)
        start = 0 if corners == "edges" else 1
        end = 1 if corners == "edges_from_1" else 0  # the last pixel counted from 1 is the edge counted from 0
        left, top, right, low = left - start, top - start, right - end, low - end
        shape["bbox"] = [left, top, right - left, low - top]
    ring = _ring(thing.find("polygon"), 0 if corners == "edges" else 1)
    if ring:
        shape["segmentation"] = [ring]
    return shape or None


def _ring(polygon: ElementTree.Element | None, start: int) -> list[float]:
    """A polygon as Roboflow and others write it: ``x1``, ``y1``, ``x2``, … or ``pt`` elements."""
    if polygon is None:
        return []
    points = [(_number(point, "x"), _number(point, "y")) for point in polygon.iter("pt")]
    place = 1
    while not polygon.findall("pt") and polygon.find(f"x{place}") is not None:
        points.append((_number(polygon, f"x{place}"), _number(polygon, f"y{place}")))
        place += 1
    ring = [side - start for point in points for side in point if side is not None]
    return ring if len(ring) == 2 * len(points) >= 6 else []
