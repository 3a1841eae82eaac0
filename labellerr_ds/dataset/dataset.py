"""Dataset: the frames of one export, and where they came from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from labellerr_ds.core.atomic import folder_at
from labellerr_ds.core.errors import InvalidArgumentError, LabellerrWarning
from labellerr_ds.core.hint import call, nearest
from labellerr_ds.core.progress import ProgressOption
from labellerr_ds.formats.parquet.write import stored_schema, words_of, write_parquet
from labellerr_ds.frames import schema
from labellerr_ds.frames.tables import TABLE_NAMES, Tables, from_frame
from labellerr_ds.images.colors import OWN, own_colors

if TYPE_CHECKING:
    from PIL import Image
    from pycocotools.coco import COCO

    from labellerr_ds.analysis.split_result import Split
    from labellerr_ds.formats.coco_json.portable import Classes
    from labellerr_ds.formats.selection import ConversionReport, Frames, Negatives
    from labellerr_ds.images.files import Images
    from labellerr_ds.service.project import Project

ImageSource = Callable[[pd.DataFrame, Path, Any, ProgressOption], pd.DataFrame]
"""Fetches the images of a `files` frame into a folder: called with the project or its id, and `progress`."""

_INFO = ("project_id", "project_name", "report_id", "format", "statuses", "since", "exported_at", "source")


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """The labels of one export.

    Attributes
    ----------
    files : DataFrame
        A row a file, files without annotations included.
    annotations : DataFrame
        A row an annotation.
    categories : DataFrame
        A row a class or question.
    issues : DataFrame
        A row a thing that was not understood or does not hold; empty where all went well.
    info : dict
        Where it came from; each frame has it too, as ``df.attrs["labellerr"]``.
    raw : DataFrame or None
        csv only: the table as it was read, all text.
    predictions : DataFrame or None
        What a detector says of the files: an annotations frame with a `score`; see `with_predictions`.
    """

    files: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame
    issues: pd.DataFrame
    info: dict[str, Any] = field(default_factory=dict)
    raw: pd.DataFrame | None = None
    predictions: pd.DataFrame | None = field(default=None, kw_only=True)
    # what `download_images` calls: it holds the project that the dataset came from in this process alone, and is
    # pickled without it
    _image_source: ImageSource | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        sizes = {key: self.info.get(key) for key in _INFO}
        rest = {key: value for key, value in self.info.items() if key not in sizes}
        info = {
            "schema_version": schema.SCHEMA_VERSION,
            "library_version": version("labellerr-ds"),
            **sizes,
            **rest,
        }
        object.__setattr__(self, "info", info)
        for name in TABLE_NAMES:
            frame = getattr(self, name).copy(deep=False)
            frame.attrs = {"labellerr": info}
            if name == "annotations" and (colors := own_colors(self.categories)):
                frame.attrs[OWN] = colors
            object.__setattr__(self, name, frame)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        name = self.info.get("project_name") or self.info.get("source") or "dataset"
        sizes = f"{len(self.files):,} files, {len(self.annotations):,} annotations, {len(self.categories):,} categories"
        issues = f", {len(self.issues):,} issues" if len(self.issues) else ""
        return f"Dataset({name!r}: {sizes}{issues})"

    def _repr_html_(self) -> str:
        """A short table for notebooks."""
        from labellerr_ds.analysis.summary import html_summary

        return html_summary(self.files, self.annotations, self.categories, self.issues, self.info)

    def to_frame(self, level: Literal["annotation", "file"] = "annotation") -> pd.DataFrame:
        """One frame: a row an annotation, or a row a file."""
        if level not in ("annotation", "file"):
            raise InvalidArgumentError(f"level must be 'annotation' or 'file', got {level!r}.")
        return self.annotations if level == "annotation" else self.files

    def to_coco(
        self,
        *,
        negatives: Negatives = "finished",
        classes: Classes = "by_name",
        rotated: bool = False,
        recompute: bool = False,
    ) -> COCO:
        """A ready ``pycocotools.coco.COCO``, its index built, without a detour over the disk.

        Ids of images and categories stay. Annotations are numbered from 1 whenever one has the id 0, which
        COCOeval takes for "no match"; ``coco.original_ids`` leads back. A box without a segmentation gets its
        corners, since evaluators of masks ask for one.

        Parameters
        ----------
        negatives : {'finished', 'all', 'none'}
            Which files without a shape are images of it: those whose work is finished (`label_state` ``labelled`` or
            ``negative``), all, or none. A warning counts the others.
        classes : {'by_name', 'as_exported'}
            Classes of shapes alone, those of one name united under the lowest id; or every category as it came.
        rotated : bool
            A rotated box as the ring of its corners, with the box around them; else as it was before it was turned.
        recompute : bool
            Areas and boxes from the pixels, instead of as they came.
        """
        from labellerr_ds.formats.coco_json import write as coco

        return coco.to_coco(
            self._frames(), self.info, negatives=negatives, classes=classes, rotated=rotated, recompute=recompute
        )

    def to_coco_json(
        self,
        path: str | Path,
        *,
        archive: bool = False,
        renumber: bool = False,
        negatives: Negatives = "finished",
        classes: Classes = "by_name",
        rotated: bool = False,
        images: Images | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a COCO file that every tool reads, or with `archive` one that `read_export` reads back equal.

        Answers without a shape are not supported by COCO; a warning counts them.

        Parameters
        ----------
        path : path
        archive : bool
            All files, ids, categories and boxes as they came, and what COCO does not have in keys of our own.
            Without it the file names are unique, as `download_images` makes them, and `attributes` that are no object
            stand under ``labellerr_attributes``.
        renumber : bool
            Ids of images, annotations and categories from 1, instead of as they came.
        negatives, classes, rotated
            As in `to_coco`; the archive has all files and classes, and boxes as they are in the frame.
        images : folder, or mapping of `file_id` to path, optional
            Where the images lie: files have their endings, which a png export does not tell and other tools ask for.
        overwrite : bool
            Replace a file that exists; it stays as it is until the new one is whole.
        """
        from labellerr_ds.formats.coco_json import write as coco

        return coco.write_coco_json(
            Path(path), self._frames(), self.info, archive=archive, renumber=renumber, negatives=negatives,
            classes=classes, rotated=rotated, images=images,
            overwrite=overwrite,
        )  # fmt: skip

    def to_parquet(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the frames into a folder, in plain Arrow types that every tool reads.

        ``read_export(folder)`` gives equal frames back.

        Parameters
        ----------
        folder : path
        overwrite : bool
            Replace what is there, wholly; it stays as it is until the new one is whole.

        Raises
        ------
        InvalidArgumentError
            For a name that ends as a file's does; one table is written by
            ``dataset.annotations.labellerr.plain().to_parquet(path)``.
        """
        if Path(folder).suffix.lower() == ".parquet":
            raise InvalidArgumentError(
                f"a Dataset in Parquet is a folder of four tables; {str(folder)!r} is the name of a file.",
                hint=call("dataset.annotations.labellerr.plain().to_parquet(path)"),
            )
        tables = tables_of_dataset(self)
        schemas = {name: stored_schema(name, words_of(tables, name)) for name in TABLE_NAMES}
        with folder_at(folder, overwrite=overwrite) as made:
            write_parquet(made, [tables], schemas=schemas)
        return Path(folder)

    # --- to what trainers read

    def to_yolo(
        self,
        folder: str | Path,
        *,
        task: Literal["detect", "segment", "pose"] = "segment",
        images: Images | None = None,
        split: Any = None,
        negatives: Negatives = "finished",
        rotated: bool = False,
        overwrite: bool = False,
    ) -> ConversionReport:
        """Write a YOLO folder: ``labels/<split>/``, ``images/<split>/`` and ``data.yaml``.

        Polygons are the original ones, as shares of the image's sides, cut at its border. YOLO has one ring an
        object: several parts, and the holes of an RLE, are joined by bridges of no width. What has no pixels
        (points, lines, answers) is not supported by it.

        Parameters
        ----------
        folder : path
            Not there yet, or empty.
        task : {'detect', 'segment', 'pose'}
            Boxes, polygons, or boxes with keypoints. Of pose all objects have as many keypoints as the one with the
            most; what is missing is written as not labelled.
        images : folder, or mapping of `file_id` to path, optional
            Images to copy; where they are not given only labels are written.
        split : what `split` gives, a frame with `file_id` and `split`, or a mapping, optional
            Without it all is ``train``.
        negatives : {'finished', 'all', 'none'}
            Which files without a shape go out as images on which nothing is: those whose `label_state` is
            ``labelled`` or ``negative``, all, or none. An image that nobody has labelled yet is not a negative.
        rotated : bool
            Boxes about their centre by their `rotation`. With ``task="segment"`` a file of boxes alone then has four
            corners a line, which is Ultralytics' form of oriented boxes.
        overwrite : bool
            Replace a folder in which something is, wholly; it stays as it is until the new one is whole.

        Returns
        -------
        ConversionReport
            With what was left out, and why; a warning counts it.
        """
        from labellerr_ds.formats.yolo.write import to_yolo

        options: dict[str, Any] = {
            "task": task, "images": images, "split": split, "negatives": negatives, "rotated": rotated,
        }  # fmt: skip
        return self._published(to_yolo, folder, overwrite, options)

    def to_pascal_voc(
        self,
        folder: str | Path,
        *,
        images: Images | None = None,
        split: Any = None,
        negatives: Negatives = "finished",
        rotated: bool = False,
        overwrite: bool = False,
    ) -> ConversionReport:
        """Write Pascal VOC: ``Annotations/*.xml``, ``JPEGImages/``, ``ImageSets/Main/<split>.txt``.

        Boxes alone, in whole pixels counted from 1: the pixels that the box touches, cut at the image's border.

        Parameters
        ----------
        folder, images, split, negatives, rotated, overwrite
            As for `to_yolo`.
        """
        from labellerr_ds.formats.voc.write import to_pascal_voc

        options: dict[str, Any] = {"images": images, "split": split, "negatives": negatives, "rotated": rotated}
        return self._published(to_pascal_voc, folder, overwrite, options)

    def to_panoptic(
        self,
        folder: str | Path,
        *,
        split: Any = None,
        negatives: Negatives = "finished",
        order: Literal["given", "large_first"] = "given",
        overwrite: bool = False,
    ) -> ConversionReport:
        """Write COCO panoptic: ``panoptic_<split>.json`` and ``panoptic_<split>/*.png``, of polygons and masks.

        A pixel belongs to one segment: where they overlap the later one lies on top, in the `order` given or
        the smaller over the larger. What lies wholly under others is left out, and counted in a warning.

        Parameters
        ----------
        folder, split, negatives, overwrite
            As for `to_yolo`.
        order : {'given', 'large_first'}
        """
        from labellerr_ds.formats.panoptic.write import to_panoptic

        options: dict[str, Any] = {"split": split, "negatives": negatives, "order": order}
        return self._published(to_panoptic, folder, overwrite, options)

    def to_huggingface(
        self,
        folder: str | Path | None = None,
        *,
        form: Literal["imagefolder", "parquet"] = "imagefolder",
        images: Images | None = None,
        split: Any = None,
        negatives: Negatives = "finished",
        rotated: bool = False,
        overwrite: bool = False,
    ) -> Any:
        """A HuggingFace dataset: in memory, or a folder that ``datasets.load_dataset`` reads.

        A row is a file; `objects` holds lists: `id`, `category` (ClassLabel in memory and in Parquet, a name in
        an ImageFolder), `type`, `bbox` (``x, y, width, height``, pixels), `segmentation` (JSON text).

        Parameters
        ----------
        folder : path, optional
            Without it a ``datasets.Dataset``, or with `split` a ``DatasetDict``; that needs the library.
        form : {'imagefolder', 'parquet'}
            Images beside a ``metadata.jsonl``, or in Parquet files.
        images, split, negatives, rotated, overwrite
            As for `to_yolo`. A folder needs the images; files without one are left out, and counted.
        """
        from labellerr_ds.formats.huggingface.write import to_huggingface

        options: dict[str, Any] = {
            "form": form, "images": images, "split": split, "negatives": negatives, "rotated": rotated,
        }  # fmt: skip
        if folder is None:
            return to_huggingface(None, self._frames(), **options)
        return self._published(to_huggingface, folder, overwrite, options)

    def _published(
        self, write: Callable[..., ConversionReport], folder: str | Path, overwrite: bool, options: Mapping[str, Any]
    ) -> ConversionReport:
        """What a converter wrote beside, at its place."""
        with folder_at(folder, overwrite=overwrite) as made:
            written = write(made, self._frames(), **options)
        return replace(written, folder=Path(folder))

    def _frames(self) -> Frames:
        from labellerr_ds.formats.selection import Frames

        return Frames(self.files, self.annotations, self.categories)

    # --- for training

    def download_images(
        self, folder: str | Path, project: Project | str | None = None, *, progress: ProgressOption = True
    ) -> pd.DataFrame:
        """Fetch the images through signed links, several at a time; what is there already stays.

        Two files of one name never overwrite each other: the second has its id in its name, and
        ``images.csv`` in the folder lists which file is which. The bytes are those of the service; the EXIF
        orientation is applied where images are opened (`labellerr_ds.images.open_image`), once.

        Parameters
        ----------
        folder : path
        project : Project, id, or the vendor SDK's project, optional
            Where the dataset came from; known where it was exported in this process, else by its id and the
            credentials of the environment.
        progress : bool

        Returns
        -------
        DataFrame
            A row a file: `file_id`, `file_name`, `path`, `size` (bytes), `state` (``downloaded``, ``kept``,
            ``failed``), `message`.

        Raises
        ------
        InvalidArgumentError
            Where neither the dataset nor the call has a project.
        """
        if self._image_source is None:
            raise InvalidArgumentError(
                "this dataset was made by hand and cannot download images.", hint=call("lds.read_export(path)")
            )
        return self._image_source(self.files, Path(folder), project or self.info.get("project_id"), progress)

    def draw(
        self,
        file: str,
        *,
        images: Images | Project | None = None,
        classes: str | list[str] | None = None,
        opacity: float = 0.35,
        frame: int | None = None,
        longest: int | None = None,
    ) -> Image.Image:
        """Draw one file with its labels, without a widget.

        Parameters
        ----------
        file : str
            Id of a file, or a name that one file has.
        images : folder, mapping of `file_id` to path, 'links', or Project, optional
            ``'links'`` downloads the image through a signed link of the project that the dataset came from. Without
            an image the labels are drawn on grey.
        classes : str or list of str, optional
            Draw these classes only.
        opacity : float, default 0.35
            Opacity of the inside of shapes, 0 to 1.
        frame : int, optional
            Index of the frame of a video; if omitted, the first one with labels. Its image is found in a mapping of
            ``(file_id, frame)`` to path.
        longest : int, optional
            Pixels of the longer side of the result; if omitted, the image's own size.

        Returns
        -------
        PIL.Image.Image

        Raises
        ------
        InvalidArgumentError
            If no file, or several, have this id or name; or if no shape has one of the classes.

        Examples
        --------
        >>> from labellerr_ds import Client, export_dataset
        >>> dataset = export_dataset(Client.sandbox().project("Street scenes"), ["accepted"], progress=False)
        >>> dataset.draw(dataset.files["file_id"][0], longest=320).size
        (320, 240)
        """
        from labellerr_ds.dataset.draw import draw_file

        part, project = self.only(file), project_of(self)
        source = project if isinstance(images, str) and images == "links" else images
        if isinstance(images, str) and images == "links" and project is None:
            raise InvalidArgumentError(
                "images 'links' needs a Dataset that was exported in this process.", hint=call("images=project")
            )
        return draw_file(
            part.files,
            part.annotations,
            self.categories,
            images=source,
            classes=classes,
            opacity=opacity,
            frame=frame,
            longest=longest,
        )

    def split(
        self,
        train: float = 0.8,
        val: float = 0.1,
        test: float = 0.1,
        *,
        stratify: bool = False,
        group: Any = None,
        previous: Any = None,
        seed: int = 0,
        images: Images | None = None,
    ) -> Split[Dataset]:
        """Split the files for training, without leakage.

        A file's split follows from a hash of its group's key (its id without a group), so that a later
        export with more files moves none. Groups are never torn. Groups of images that look alike, and of several
        keys, have no key that stays when more files come: for them, as with `stratify`, give `previous`.

        Parameters
        ----------
        train, val, test : float
            Shares that sum to 1.
        stratify : bool
            Deal the classes out evenly (iterative stratification of several labels a file) instead of by hash;
            that depends on all files, so give `previous` where more came.
        group : str, mapping, Series, callable, list of these, optional
            A column of `files`, the group by `file_id` (a Series also by row), a function of a row, or
            ``"near_duplicates"``: images that look alike, which needs `images`. What hangs together by any of
            several is one group.
        previous : Split, DataFrame, path, optional
            An earlier split (of csv or Parquet with `file_id` and `split`): its files stay where they are. A new
            group that bridges several earlier splits gets a warning, and no file moves.
        seed : int
        images : folder, or mapping of `file_id` to path, optional

        Returns
        -------
        Split
            ``train, val, test = dataset.split()`` are Datasets; ``.files``, ``.leaks``, ``.balance`` are frames.
        """
        from labellerr_ds.analysis.split_result import Split
        from labellerr_ds.analysis.splits import split_files

        shares = {"train": train, "val": val, "test": test}
        table = split_files(
            self.files,
            self.annotations,
            shares,
            stratify=stratify,
            group=group,
            previous=previous,
            seed=seed,
            images=images,
        )

        def select(file_ids: NDArray[np.object_]) -> Dataset:
            return self.where(self.files["file_id"].isin(file_ids).to_numpy(dtype=bool))

        return Split(table, self.annotations, select)

    def only(self, files: str | Iterable[str]) -> Dataset:
        """The part of the dataset with these files, their annotations, and their issues.

        Parameters
        ----------
        files : str or iterable of str
            Ids of files, or names; a name takes every file that has it.

        Returns
        -------
        Dataset

        Raises
        ------
        InvalidArgumentError
            For an id or name that is not there; it names the nearest.
        """
        if isinstance(files, pd.DataFrame) or not isinstance(files, Iterable):
            raise InvalidArgumentError(f"files must be ids or names of files, got {type(files).__name__}.")
        wanted = {files} if isinstance(files, str) else set(files)
        ids, names = set(self.files["file_id"].dropna()), set(self.files["file_name"].dropna())
        if unknown := sorted(map(str, wanted - ids - names)):
            hint = nearest(unknown[0], [*names, *ids]) or call("dataset.files")
            more = f" (and {len(unknown) - 1:,} more)" if len(unknown) > 1 else ""
            raise InvalidArgumentError(f"unknown file {unknown[0]!r}{more}.", hint=hint)
        by_name = self.files["file_name"].isin(wanted - ids).to_numpy(dtype=bool)
        return self.where(self.files["file_id"].isin(wanted & ids).to_numpy(dtype=bool) | by_name)

    def remap(self, classes: Mapping[str, str | None]) -> Dataset:
        """The dataset with classes renamed, merged (two of one new name), or dropped (None).

        Answers about the objects of a dropped class go with them; `annotation_count` and `label_state` of files are
        those of what is left, so that a finished file that had nothing else is a negative of the classes that stay.

        Parameters
        ----------
        classes : mapping of name to new name or None
            Classes that are not in it stay as they are.

        Returns
        -------
        Dataset
            ``info["remapped"]`` has what each class has become, and how many annotations that were.

        Raises
        ------
        InvalidArgumentError
            For a class that is not there; it names the nearest.

        Examples
        --------
        >>> from labellerr_ds import Client, export_dataset
        >>> dataset = export_dataset(Client.sandbox().project("Street scenes"), ["accepted"], progress=False)
        >>> small = dataset.remap({"car": "vehicle", "lane": None})
        >>> small.info["remapped"]["lane"]["to"] is None, "vehicle" in small.categories["name"].tolist()
        (True, True)
        """
        from labellerr_ds.analysis.remap import remap, renamed_rows

        made = remap(self.files, self.annotations, self.categories, classes)
        issues = _issues_of(self.issues, {"annotations": made.kept})
        info = {**self.info, "remapped": {**self.info.get("remapped", {}), **made.renamed}}
        predictions = None if self.predictions is None else renamed_rows(self.predictions, classes)
        return Dataset(
            made.files, made.annotations, made.categories, issues, info, predictions=predictions,
            _image_source=self._image_source,
        )  # fmt: skip

    def with_predictions(self, predictions: Any, *, coco: COCO | str | Path | None = None) -> Dataset:
        """The dataset with a detector's predictions beside its labels.

        Parameters
        ----------
        predictions : DataFrame, list of dict, or path
            A frame with `file_id` or `file_name`, `category`, `score` (0 to 1) and `bbox_x`, `bbox_y`, `bbox_width`,
            `bbox_height` or `segmentation`; or COCO results (https://cocodataset.org/#format-results), boxes or masks,
            or a JSON file of them.
        coco : COCO or path, optional
            What COCO results were made for: their numbers are its numbers. ``to_coco()`` where it is not given; a
            trainer that read ``to_coco_json(path)`` has the numbers of that file.

        Returns
        -------
        Dataset
            With ``predictions``. ``lds.compare(dataset)`` then counts matches, false positives and misses,
            ``df.labellerr.check(predictions=dataset.predictions)`` ranks the likeliest label errors, and
            `AnnotationViewer` draws both.

        Raises
        ------
        InvalidArgumentError
            For files, images or categories that are not there, scores that are not from 0 to 1, and broken shapes.

        Examples
        --------
        >>> from labellerr_ds import Client, compare, export_dataset
        >>> project = Client.sandbox().project("Street scenes")
        >>> dataset = export_dataset(project, ["accepted"], progress=False)
        >>> boxes = dataset.annotations[dataset.annotations["type"] == "bbox"]
        >>> seen = dataset.with_predictions(boxes.assign(score=0.9))
        >>> int(compare(seen).figures["matches"].iloc[-1]) == len(boxes)
        True
        """
        from labellerr_ds.analysis.predictions import numbers_at, predictions_of

        def numbers() -> Any:
            if coco is None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", LabellerrWarning)  # what is left out has no number
                    return self.to_coco()
            return numbers_at(Path(coco)) if isinstance(coco, str | Path) else coco

        return replace(self, predictions=predictions_of(self.files, predictions, numbers))

    def where(self, files: NDArray[np.bool_]) -> Dataset:
        """The part of the dataset with the files at which the mask is true, one value for each row of `files`."""
        ids = self.files["file_id"]
        kept = files | ids.isin(set(ids[files].dropna())).to_numpy(dtype=bool)  # rows of one id stay together
        rows = self.annotations["file_id"].isin(set(ids[kept].dropna())).to_numpy(dtype=bool)
        return Dataset(
            self.files[kept].reset_index(drop=True),
            self.annotations[rows].reset_index(drop=True),
            self.categories,
            _issues_of(self.issues, {"files": kept, "annotations": rows}),
            self.info,
            predictions=self._predictions_of(ids[kept]),
            _image_source=self._image_source,
        )

    def _predictions_of(self, file_ids: pd.Series) -> pd.DataFrame | None:
        """The predictions of some files."""
        if self.predictions is None:
            return None
        rows = self.predictions["file_id"].isin(set(file_ids.dropna())).to_numpy(dtype=bool)
        return self.predictions[rows].reset_index(drop=True)

    def plot(self, axes: Any = None) -> Any:
        """Six plots on a page: classes, statuses, annotations a file, areas, where they are, what goes together."""
        from labellerr_ds.analysis.plots import page

        return page(self.annotations, self.files, axes)


def _issues_of(issues: pd.DataFrame, kept: Mapping[str, NDArray[np.bool_]]) -> pd.DataFrame:
    """The issues about rows that stay, at their new positions, and those about no row of these tables."""
    if issues.empty:
        return issues
    stays = np.ones(len(issues), dtype=bool)
    positions = issues["position"].copy()
    for table, rows in kept.items():
        mine = ((issues["table"] == table) & positions.notna()).to_numpy(dtype=bool)
        old = positions[mine].to_numpy(dtype=np.int64)
        new = np.cumsum(rows) - 1
        stays[mine] = rows[old] if len(rows) else False
        positions[mine] = new[old] if len(rows) else 0
    return issues.assign(position=positions)[stays].reset_index(drop=True)


def empty_dataset(categories: pd.DataFrame | None, info: dict[str, Any]) -> Dataset:
    """A Dataset of no files, with the right columns."""
    table = schema.empty("categories") if categories is None else categories
    return Dataset(schema.empty("files"), schema.empty("annotations"), table, schema.empty("issues"), info)


def dataset_of_tables(tables: Tables, *, image_source: ImageSource | None = None) -> Dataset:
    """Return the dataset of finished tables; see `labellerr_ds.frames.merge`."""
    return Dataset(**tables.frames(), info=dict(tables.info), _image_source=image_source)


def tables_of_dataset(dataset: Dataset) -> Tables:
    """Return the frames of a dataset in plain Arrow columns."""
    raw, header = None, None
    if dataset.raw is not None:
        columns = {
            str(place): schema.arrow_text(dataset.raw.iloc[:, place].array) for place in range(dataset.raw.shape[1])
        }
        raw, header = pa.table(columns), tuple(dataset.raw.columns)
    tables = {str(name): from_frame(getattr(dataset, name), name) for name in TABLE_NAMES}
    return Tables(**tables, info=dataset.info, raw=raw, raw_header=header)


def project_of(dataset: Dataset) -> Project | None:
    """Return the project that a dataset came from in this process, if it is known."""
    project: Project | None = getattr(dataset._image_source, "project", None)
    return project


def image_source_of(dataset: Dataset) -> ImageSource | None:
    """Return what fetches the images of a dataset."""
    return dataset._image_source
