"""Pascal VOC: an XML file an image, boxes in whole pixels counted from 1.

The format is that of the VOC devkit (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/): ``xmin`` and
``ymin`` are the first pixel, ``xmax`` and ``ymax`` the last.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from labellerr_ds.formats.selection import ConversionReport, Frames, Item, Negatives, Selection, Splits, by_split
from labellerr_ds.images.files import Images
from labellerr_ds.shapes.rotated import turned_boxes


def to_pascal_voc(
    folder: Path,
    frames: Frames,
    *,
    images: Images | None = None,
    split: Splits = None,
    negatives: Negatives = "finished",
    rotated: bool = False,
) -> ConversionReport:
    """Write ``Annotations/*.xml``, ``JPEGImages/`` and ``ImageSets/Main/<split>.txt``; see `Dataset.to_pascal_voc`."""
    if rotated:
        frames = frames._replace(annotations=turned_boxes(frames.annotations))
    chosen = Selection(frames, images=images, split=split, negatives=negatives)
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    count = 0
    for name, items in by_split(chosen.items):
        listed = []
        for item in items:
            root, written = _tree(item, chosen.image_name(item), chosen)
            if not chosen.keeps(item, written):
                continue
            if not item.width or not item.height:
                chosen.leave("files", item.file_id, "the size of its image is not known", written=True)
            chosen.copy_image(item, folder / "JPEGImages")
            listed.append(f"{item.name}\n")
            count += written
            ElementTree.indent(root)
            (folder / "Annotations" / f"{item.name}.xml").write_bytes(ElementTree.tostring(root, encoding="utf-8"))
        (folder / "ImageSets" / "Main" / f"{name}.txt").write_text("".join(listed), encoding="utf-8")
    return chosen.written(folder, count)


def _tree(item: Item, file_name: str, chosen: Selection) -> tuple[ElementTree.Element, int]:
    root, count = ElementTree.Element("annotation"), 0
    _add(root, folder="JPEGImages", filename=_xml_safe(file_name))
    size = ElementTree.SubElement(root, "size")
    _add(size, width=item.width or 0, height=item.height or 0, depth=3)
    _add(root, segmented=0)
    for number, annotation_id, shape in item.shapes:
        if shape.iscrowd:
            chosen.leave("annotations", annotation_id, "a crowd is not a single object")
            continue
        x, y, width, height = shape.box
        if not all(map(math.isfinite, (*shape.box, x + width, y + height))):
            chosen.leave("annotations", annotation_id, "it has no box")
            continue
        sides = (item.width or math.inf, item.height or math.inf)
        low = (max(math.floor(x), 0), max(math.floor(y), 0))
        high = (min(math.ceil(x + width), sides[0]), min(math.ceil(y + height), sides[1]))
        if low[0] >= high[0] or low[1] >= high[1]:
            chosen.leave("annotations", annotation_id, "nothing of it lies within the image")
            continue
        cut = x < -1 or y < -1 or x + width > sides[0] + 1 or y + height > sides[1] + 1
        thing = ElementTree.SubElement(root, "object")
        _add(thing, name=_xml_safe(chosen.classes[number]), pose="Unspecified", truncated=int(cut), difficult=0)
        box = ElementTree.SubElement(thing, "bndbox")
        _add(box, xmin=low[0] + 1, ymin=low[1] + 1, xmax=int(high[0]), ymax=int(high[1]))
        count += 1
    return root, count


def _add(parent: ElementTree.Element, **texts: object) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = str(text)


_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml_safe(text: str) -> str:
    """With a space for each character that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets)."""
    return _NO_XML.sub(" ", text)
