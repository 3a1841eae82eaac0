"""Dataset: the frames of one export, and where they came from."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import pandas as pd

from labellerr_ds import schema
from labellerr_ds.errors import AuthError, InvalidArgumentError
from labellerr_ds.parquet import TABLE_NAMES, write_parquet
from labellerr_ds.uniting import unite_frames, unite_info

if TYPE_CHECKING:
    from pycocotools.coco import COCO

    from labellerr_ds.agreement import Comparison
    from labellerr_ds.converters.selection import Negatives, Written
    from labellerr_ds.images import Images

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
    """

    files: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame
    issues: pd.DataFrame
    info: dict[str, Any] = field(default_factory=dict)
    raw: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        told = {key: self.info.get(key) for key in _INFO}
        rest = {key: value for key, value in self.info.items() if key not in told}
        info = {
            "schema_version": schema.SCHEMA_VERSION,
            "library_version": version("labellerr-ds"),
            **told,
            **rest,
        }
        object.__setattr__(self, "info", info)
        for name in TABLE_NAMES:
            frame = getattr(self, name).copy(deep=False)
            frame.attrs = {"labellerr": info}
            object.__setattr__(self, name, frame)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        name = self.info.get("project_name") or self.info.get("source") or "dataset"
        told = f"{len(self.files):,} files, {len(self.annotations):,} annotations, {len(self.categories):,} categories"
        issues = f", {len(self.issues):,} issues" if len(self.issues) else ""
        return f"Dataset({name!r}: {told}{issues})"

    def _repr_html_(self) -> str:
        """A short table for notebooks; escaped, readable without styles, no request."""
        states = self.files["label_state"].value_counts(sort=False)
        types = self.annotations["type"].value_counts()
        classes = self.annotations["category"].value_counts()
        rows = [
            ("files", f"{len(self.files):,}", _counts(states)),
            ("annotations", f"{len(self.annotations):,}", _counts(types)),
            ("categories", f"{len(self.categories):,}", _counts(classes)),
            ("issues", f"{len(self.issues):,}", _counts(self.issues["code"].value_counts())),
        ]
        body = "".join(
            f"<tr><th>{name}</th><td>{count}</td><td>{html.escape(detail)}</td></tr>" for name, count, detail in rows
        )
        caption = [self.info[key] for key in ("project_name", "format", "source", "exported_at") if self.info.get(key)]
        return f"<table><caption>{html.escape(' · '.join(map(str, caption)))}</caption>{body}</table>"

    def to_frame(self, level: Literal["annotation", "file"] = "annotation") -> pd.DataFrame:
        """One frame: a row an annotation, or a row a file."""
        if level not in ("annotation", "file"):
            raise InvalidArgumentError(f"level must be 'annotation' or 'file', got {level!r}.")
        return self.annotations if level == "annotation" else self.files

    def to_coco(self, *, recompute: bool = False) -> COCO:
        """A ready ``pycocotools.coco.COCO``, its index built, without a detour over the disk.

        Ids of images and categories stay. Annotations are numbered from 1 whenever one has the id 0, which
        COCOeval takes for "no match"; ``coco.original_ids`` leads back. A box without a segmentation gets its
        corners, since evaluators of masks ask for one.

        Parameters
        ----------
        recompute : bool
            Areas and boxes from the pixels, instead of as they came.
        """
        from labellerr_ds import coco

        return coco.to_coco(self.files, self.annotations, self.categories, self.info, recompute=recompute)

    def to_coco_json(self, path: str | Path, *, renumber: bool = False, portable: bool = False) -> Path:
        """Write a COCO file; ids as they came, fields that the schema does not name included.

        Answers that are no shapes have no place in COCO; a warning counts them.

        Parameters
        ----------
        path : path
        renumber : bool
            Ids of images, annotations and categories from 1, instead of as they came.
        portable : bool
            What other readers ask for: categories that share a name are one (datumaro and supervision refuse
            two), and `attributes` that are no object stand under ``labellerr_attributes`` (datumaro again).
        """
        from labellerr_ds import coco

        return coco.write_coco_json(Path(path), *self._frames(), self.info, renumber=renumber, portable=portable)

    def to_parquet(self, folder: str | Path) -> Path:
        """Write the frames into a folder, in plain Arrow types that every tool reads.

        ``read_export(folder)`` gives equal frames back.
        """
        frames = {str(name): getattr(self, name) for name in TABLE_NAMES}
        return write_parquet(Path(folder), frames, self.info, self.raw)

    # --- to what trainers read

    def to_yolo(
        self,
        folder: str | Path,
        *,
        task: Literal["detect", "segment"] = "segment",
        images: Images | None = None,
        split: Any = None,
        negatives: Negatives = "finished",
        turned: bool = False,
    ) -> Written:
        """Write a YOLO folder: ``labels/<split>/``, ``images/<split>/`` and ``data.yaml``.

        Polygons are the original ones, as shares of the image's sides, cut at its border. YOLO has one ring an
        object: several parts, and the holes of an RLE, are joined by bridges of no width. What has no pixels
        (points, lines, answers) has no place in it.

        Parameters
        ----------
        folder : path
            Empty, or not there yet.
        task : {'detect', 'segment'}
            Boxes, or polygons.
        images : folder, or mapping of `file_id` to path, optional
            Images to copy; where they are not given only labels are written.
        split : what `split` gives, a frame with `file_id` and `split`, or a mapping, optional
            Without it all is ``train``.
        negatives : {'finished', 'all', 'none'}
            Which files without a shape go out as images on which nothing is: those whose `label_state` is
            ``labelled`` or ``negative``, all, or none. An image that nobody has labelled yet is no negative.
        turned : bool
            Boxes about their centre by their `rotation`.

        Returns
        -------
        Written
            With what was left out, and why; a warning counts it.
        """
        from labellerr_ds.converters.yolo import to_yolo

        return to_yolo(
            Path(folder), *self._frames(), task=task, images=images, split=split, negatives=negatives, turned=turned
        )

    def to_pascal_voc(
        self,
        folder: str | Path,
        *,
        images: Images | None = None,
        split: Any = None,
        negatives: Negatives = "finished",
    ) -> Written:
        """Write Pascal VOC: ``Annotations/*.xml``, ``JPEGImages/``, ``ImageSets/Main/<split>.txt``.

        Boxes alone, in whole pixels counted from 1: the pixels that the box touches, cut at the image's border.

        Parameters
        ----------
        folder, images, split, negatives
            As for `to_yolo`.
        """
        from labellerr_ds.converters.pascal_voc import to_pascal_voc

        return to_pascal_voc(Path(folder), *self._frames(), images=images, split=split, negatives=negatives)

    def to_panoptic(
        self,
        folder: str | Path,
        *,
        split: Any = None,
        negatives: Negatives = "finished",
        order: Literal["given", "large_first"] = "given",
    ) -> Written:
        """Write COCO panoptic: ``panoptic_<split>.json`` and ``panoptic_<split>/*.png``, of polygons and masks.

        A pixel belongs to one segment: where they overlap the later one lies on top, in the `order` given or
        the smaller over the larger. What lies wholly under others is left out, and told.

        Parameters
        ----------
        folder, split, negatives
            As for `to_yolo`.
        order : {'given', 'large_first'}
        """
        from labellerr_ds.converters.panoptic import to_panoptic

        return to_panoptic(Path(folder), *self._frames(), split=split, negatives=negatives, order=order)

    def to_huggingface(
        self,
        folder: str | Path | None = None,
        *,
        form: Literal["imagefolder", "parquet"] = "imagefolder",
        images: Images | None = None,
        split: Any = None,
        negatives: Negatives = "finished",
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
        images, split, negatives
            As for `to_yolo`. A folder needs the images; files without one are left out, and told.
        """
        from labellerr_ds.converters.huggingface import to_huggingface

        where = None if folder is None else Path(folder)
        return to_huggingface(where, *self._frames(), form=form, images=images, split=split, negatives=negatives)

    def _frames(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self.files, self.annotations, self.categories

    # --- for training

    def download_images(self, folder: str | Path, project: object = None, *, progress: bool = True) -> pd.DataFrame:
        """Fetch the images through signed links, several at a time; what is there already stays.

        Two files of one name never overwrite each other: the second has its id in its name, and
        ``images.csv`` in the folder tells whose is whose. The bytes are those of the service; a camera's
        EXIF orientation is heeded where images are opened (`labellerr_ds.images.open_image`), once.

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
        """
        from labellerr_ds.client import as_project
        from labellerr_ds.image_downloads import download_images

        project = project or self._project or self.info.get("project_id")
        if not isinstance(project, str) and project is None:
            raise InvalidArgumentError("this dataset does not know its project: pass project=.")
        try:
            found = as_project(project)
        except AuthError as problem:
            raise AuthError(f"{problem} Or pass project=, a Project whose client has them.") from None
        return download_images(self.files, Path(folder), found, progress=progress)

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
    ) -> Split:
        """Split the files for training, without leakage.

        A file's split follows from a hash of its group's key (its id where there is no group), so that a later
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
            group that bridges several earlier splits is told, and nobody moves.
        seed : int
        images : folder, or mapping of `file_id` to path, optional

        Returns
        -------
        Split
            ``train, val, test = dataset.split()`` are Datasets; ``.files``, ``.leaks``, ``.balance`` are frames.
        """
        from labellerr_ds import splits

        shares = {"train": train, "val": val, "test": test}
        table = splits.split_files(
            self.files,
            self.annotations,
            shares,
            stratify=stratify,
            group=group,
            previous=previous,
            seed=seed,
            images=images,
        )
        return Split(self, table)

    def only(self, file_ids: Iterable[str]) -> Dataset:
        """The part of the dataset with these files, their annotations, and what is told of them."""
        wanted = list(file_ids)
        files = self.files[self.files["file_id"].isin(wanted)].reset_index(drop=True)
        annotations = self.annotations[self.annotations["file_id"].isin(wanted)].reset_index(drop=True)
        part = Dataset(files, annotations, self.categories, self.issues.iloc[:0], self.info)
        return part._of(self._project)

    def plot(self, axes: Any = None) -> Any:
        """Six plots on a page: classes, statuses, annotations a file, areas, where they are, what goes together."""
        from labellerr_ds.plots import page

        return page(self.annotations, self.files, axes)

    @property
    def _project(self) -> Any:
        return self.__dict__.get("_came_from")

    def _of(self, project: Any) -> Dataset:
        """Remember the project it came from, in this process alone: its client holds keys."""
        object.__setattr__(self, "_came_from", project)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_came_from"}


@dataclass(frozen=True, repr=False, eq=False)
class Split:
    """A dataset in parts; ``train, val, test = split`` are Datasets, ``split["val"]`` is one.

    Attributes
    ----------
    dataset : Dataset
        The whole.
    files : DataFrame
        A row a file: `file_id`, `file_name`, `split`, `group`. Keep it (``split.save(path)``), and pass it as
        ``previous=`` when more files came.
    """

    dataset: Dataset
    files: pd.DataFrame

    def __iter__(self) -> Iterator[Dataset]:
        return (self[name] for name in self.files["split"].cat.categories)

    def __getitem__(self, name: str) -> Dataset:
        if name not in self.files["split"].cat.categories:
            raise InvalidArgumentError(
                f"there is no split {name!r}; there are {', '.join(self.files['split'].cat.categories)}."
            )
        return self.dataset.only(self.files.loc[self.files["split"] == name, "file_id"])

    def __repr__(self) -> str:
        counts = self.files["split"].value_counts(sort=False)
        total = max(len(self.files), 1)
        return f"Split({', '.join(f'{name} {count:,} ({count / total:.0%})' for name, count in counts.items())})"

    def save(self, path: str | Path) -> Path:
        """Write `files` as .csv or .parquet."""
        path = Path(path)
        if path.suffix not in (".csv", ".parquet"):
            raise InvalidArgumentError(f"a split is saved as .csv or .parquet, got {path.name!r}.")
        self.files.to_parquet(path) if path.suffix == ".parquet" else self.files.to_csv(path, index=False)
        return path

    @property
    def leaks(self) -> pd.DataFrame:
        """What stands in several splits: groups that an earlier split tore, and names that several files share."""
        from labellerr_ds import splits

        return splits.leaks(self.files)

    @property
    def balance(self) -> pd.DataFrame:
        """How each class fell out: a row a class, for each split its files, annotations and share."""
        from labellerr_ds import splits

        return splits.balance(self.files, self.dataset.annotations)


def _counts(counts: pd.Series) -> str:
    counts = counts[counts > 0]
    shown = [f"{label} {count:,}" for label, count in counts.head(8).items()]
    return ", ".join(shown) + (f", and {len(counts) - 8} more" if len(counts) > 8 else "")


def empty_dataset(categories: pd.DataFrame | None, info: dict[str, Any]) -> Dataset:
    """A Dataset of no files, with the right columns."""
    table = schema.empty("categories") if categories is None else categories
    return Dataset(schema.empty("files"), schema.empty("annotations"), table, schema.empty("issues"), info)


def compare(a: Any, b: Any, *, iou: float = 0.5) -> Comparison:
    """What differs between two datasets: two annotators, two versions, labels and predictions.

    Annotations of one id are one; else those of one file are paired by IoU (of masks too), the best first and
    those of one class before others; answers in words by their question.

    Parameters
    ----------
    a, b : Dataset, or annotations frame
    iou : float
        The IoU from which two shapes may be one.

    Returns
    -------
    Comparison
        ``.annotations`` (a row a pair or single), ``.files`` (what changed in each), ``.per_class``, ``.confusion``.

    Examples
    --------
    >>> from labellerr_ds import schema
    >>> nothing = empty_dataset(None, {})
    >>> compare(nothing, nothing)
    Comparison(0 files: 0 same, 0 moved, 0 reclassified, 0 changed, 0 added, 0 removed)
    """
    from labellerr_ds.agreement import compare_frames

    frames: list[pd.DataFrame] = []
    for side in (a, b):
        if isinstance(side, Dataset):
            frames += [side.files, side.annotations]
        elif isinstance(side, pd.DataFrame) and {"annotation_id", "segmentation", "file_id"} <= set(side.columns):
            frames += [side[["file_id", "file_name", "status"]], side]
        else:
            raise InvalidArgumentError(
                f"compare takes Datasets or annotations frames of labellerr_ds, got {type(side).__name__}."
            )
    return compare_frames(frames[0], frames[1], frames[2], frames[3], iou=iou)


T = TypeVar("T")


def concat(parts: Sequence[T]) -> T:
    """Frames or datasets together, their categories and provenance united.

    Parameters
    ----------
    parts : sequence of DataFrames of one table, or of Datasets

    Returns
    -------
    DataFrame or Dataset
        Rows in the order of the parts, with a plain RangeIndex; nothing is removed but categories
        that stand there already.

    Examples
    --------
    >>> from labellerr_ds import schema
    >>> concat([schema.empty("files"), schema.empty("files")]).shape
    (0, 14)
    """
    parts = list(parts)
    if not parts:
        raise InvalidArgumentError("nothing to put together: parts is empty.")
    if all(isinstance(part, pd.DataFrame) for part in parts):
        return cast(T, unite_frames(parts))
    datasets = [part for part in parts if isinstance(part, Dataset)]
    if len(datasets) < len(parts):
        raise InvalidArgumentError("concat takes DataFrames or Datasets, not a mixture.")
    frames = {name: unite_frames([getattr(part, name) for part in datasets]) for name in TABLE_NAMES}
    frames["categories"] = frames["categories"].drop_duplicates(ignore_index=True)
    raws = [part.raw for part in datasets if part.raw is not None]
    same = len(raws) == len(datasets) and all(list(raw.columns) == list(raws[0].columns) for raw in raws)
    raw = None
    if same and raws:
        raw = pd.concat([each.set_axis(range(each.shape[1]), axis=1) for each in raws], ignore_index=True)
        raw.columns = raws[0].columns
    return cast(T, Dataset(**frames, info=unite_info([part.info for part in datasets]), raw=raw))
