"""Read existing folders in YOLO's and Pascal VOC's form as the same Dataset."""

from __future__ import annotations

from pathlib import Path

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.core.models import FileStatus, resolve_statuses
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.dataset.dataset import Dataset, dataset_of_tables
from labellerr_ds.formats.foreign import tables_of_parts
from labellerr_ds.formats.voc import read as pascal_voc
from labellerr_ds.formats.yolo import read as yolo


def read_yolo(
    folder: str | Path,
    *,
    images: str | Path | None = None,
    status: str | FileStatus | None = "accepted",
    strict: bool = False,
    progress: ProgressOption = True,
) -> Dataset:
    """Read a YOLO folder: boxes, polygons, or boxes with keypoints.

    The arrangements of Ultralytics, Roboflow, supervision and darknet are known: ``labels/<split>/*.txt`` beside
    ``images/<split>/``, ``<split>/labels/`` beside ``<split>/images/``, or all in one folder. Names of classes come
    from ``data.yaml`` or a list such as ``classes.txt``.

    Parameters
    ----------
    folder : path
    images : path, optional
        The folder of the images, where they are not in `folder`; they are known by their names. Only their sizes are
        read, as EXIF turns them.
    status : str or None
        The status of files with a text file; that is empty where nothing is on the image. A file without one has
        ``none``, since nobody can tell whether it was looked at. None for no statuses.
    strict : bool
        Raise where something was not understood, instead of listing it in ``dataset.issues``.
    progress : bool

    Returns
    -------
    Dataset
        `file_id` is the path within the folder without its ending; the split of a file, where a folder names one, is in
        its `extra`. Four corners of a turned box are a polygon. A confidence, as detectors write it, is in `extra`.

    Raises
    ------
    ReadError
        Where there are no labels, or no image whose size tells where they are.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (100, 50)).save(folder / "a.png")
    >>> _ = (folder / "a.txt").write_text("0 0.5 0.5 0.2 0.4")
    >>> _ = (folder / "classes.txt").write_text("car")
    >>> read_yolo(folder).annotations[["category", "bbox_x", "bbox_y", "bbox_width", "bbox_height"]].values.tolist()
    [['car', 40.0, 15.0, 20.0, 20.0]]
    """
    parts = yolo.read_yolo(Path(folder), None if images is None else Path(images), _word(status), progress=progress)
    return dataset_of_tables(tables_of_parts(parts, "yolo", strict=strict))


def read_voc(
    folder: str | Path,
    *,
    images: str | Path | None = None,
    status: str | FileStatus | None = "accepted",
    corners: pascal_voc.Corners = "auto",
    strict: bool = False,
    progress: ProgressOption = True,
) -> Dataset:
    """Read a Pascal VOC folder: an XML file an image, boxes, and polygons and turned boxes as some tools add them.

    Parameters
    ----------
    folder : path
        XML files anywhere in it.
    images, status, strict, progress
        As for `read_yolo`. Images give sizes that the XML lacks, and files without an XML file.
    corners : {'auto', 'pixels', 'edges', 'edges_from_1'}
        What the numbers of a box are: the first and last pixel counted from 1, as the VOC devkit has it; corners
        counted from 0, as datumaro writes them; corners counted from 1, as supervision does. ``'auto'`` takes
        ``'edges'`` where any number is a fraction or below 1, else ``'pixels'``.

    Returns
    -------
    Dataset
        `file_id` is the name of the XML file without its ending; flags such as ``truncated`` are in `attributes`, the
        split of a file is in its `extra`.

    Raises
    ------
    ReadError
        Where there are no XML files of VOC.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> box = "<bndbox><xmin>41</xmin><ymin>16</ymin><xmax>60</xmax><ymax>35</ymax></bndbox>"
    >>> _ = (folder / "a.xml").write_text(
    ...     f"<annotation><filename>a.jpg</filename><object><name>car</name>{box}</object></annotation>"
    ... )
    >>> read_voc(folder).annotations[["category", "bbox_x", "bbox_y", "bbox_width", "bbox_height"]].values.tolist()
    [['car', 40.0, 15.0, 20.0, 20.0]]
    """
    if corners not in ("auto", "pixels", "edges", "edges_from_1"):
        raise InvalidArgumentError(f"corners must be 'auto', 'pixels', 'edges' or 'edges_from_1', got {corners!r}.")
    given = None if images is None else Path(images)
    parts = pascal_voc.read_voc(Path(folder), given, _word(status), corners, progress=progress)
    return dataset_of_tables(tables_of_parts(parts, "pascal_voc", strict=strict))


def _word(status: str | FileStatus | None) -> str | None:
    if status is None:
        return None
    words = resolve_statuses([status])
    if len(words) != 1:
        raise InvalidArgumentError(f"status must be one status, got {status!r}.")
    return str(words[0])
