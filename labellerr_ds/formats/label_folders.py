"""Folders of labels and images as other tools write them: what YOLO and Pascal VOC share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from labellerr_ds.core.errors import ReadError
from labellerr_ds.formats.issues import IssueLog
from labellerr_ds.images.files import PICTURES
from labellerr_ds.images.orientation import ORIENTATION
from labellerr_ds.images.pixels import UNREADABLE

_ON_ITS_SIDE = range(5, 9)  # EXIF 2.32, 4.6.4: the orientations that exchange width and height


class Entry(NamedTuple):
    """A file of a folder of labels.

    Attributes
    ----------
    file_id : str
        Its path within the folder, without the ending and without the names of the folders for images and labels.
    labels, image : Path or None
    split : str or None
    """

    file_id: str
    labels: Path | None
    image: Path | None
    split: str | None


@dataclass
class CocoParts:
    """Images, annotations and categories of a folder as objects of COCO, and what was not understood."""

    source: str
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    categories: list[dict[str, Any]] = field(default_factory=list)
    issues: IssueLog = field(default_factory=IssueLog)
    unclear: set[int] = field(default_factory=set)
    """Indices of images with labels that were not understood."""

    def add_image(self, entry: Entry, size: tuple[int, int] | None, status: str | None) -> int:
        """An image; returns its number."""
        number = len(self.images) + 1
        name = entry.image.name if entry.image else entry.file_id.rsplit("/", 1)[-1]
        image: dict[str, Any] = {"id": number, "file_name": name, "labellerr_file_id": entry.file_id}
        if size is not None:
            image["width"], image["height"] = size
        if status is not None:
            image["labellerr_file_status"] = None if status == "none" else status
        if entry.split is not None:
            image["split"] = entry.split
        self.images.append(image)
        return number

    def add_annotation(self, image: int, category: int, **more: Any) -> None:
        """An annotation of an image."""
        self.annotations.append(
            {"id": len(self.annotations) + 1, "image_id": image, "category_id": category, "iscrowd": 0, **more}
        )

    def bad_line(self, image: int, file_id: str, message: str) -> None:
        """Report a line or object of an image that was not understood; the file is then no negative."""
        self.unclear.add(image - 1)
        self.issues.add("bad_row", "files", file_id, image - 1, message)


def size_of(image: Path) -> tuple[int, int] | None:
    """Width and height as it is shown, by its EXIF orientation; None for what is not an image. No pixel is read."""
    try:
        with Image.open(image) as opened:
            width, height = opened.size
            is_turned = opened.getexif().get(ORIENTATION) in _ON_ITS_SIDE
    except UNREADABLE:
        return None
    return (height, width) if is_turned else (width, height)


def pictures_in(folder: Path) -> list[Path]:
    """The images below a folder."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES and path.is_file()]


def folder_of(path: str | Path) -> Path:
    """A folder that is there.

    Raises
    ------
    ReadError
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ReadError(f"expected a folder, but {str(path)!r} {what}.")
    return folder
