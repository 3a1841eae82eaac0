"""What a viewer pages through: a file a page, of a video a frame a page; found by sorting once, opened one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labellerr_ds.core.errors import InvalidArgumentError, warn
from labellerr_ds.core.hint import argument, call, either
from labellerr_ds.dataset.combine import below_each_other, compare
from labellerr_ds.dataset.dataset import Dataset, project_of
from labellerr_ds.frames import schema
from labellerr_ds.images.colors import NO_CLASS, colors_of
from labellerr_ds.images.display import Source
from labellerr_ds.images.files import finder
from labellerr_ds.images.render import skeletons_of
from labellerr_ds.service.project import Project
from labellerr_ds.shapes.segmentation import SegmentationArray, SegmentationDtype
from labellerr_ds.widgets.linked_images import LinkedImages
from labellerr_ds.widgets.media import MEDIA, kind_of

MATCHED = "label"  # that a prediction matches
CHANGE_COLORS = {
    "before": "#ffffff", "same": "#c4ccd4", "added": "#009e73", "removed": "#d55e00", "moved": "#e69f00",
    "reclassified": "#cc79a7", "changed": "#0072b2",
}  # fmt: skip
MOST_OPTIONS = 30  # answers to one question that a viewer lists
LOOKED_FOR = 20  # images, before a folder in which none of them is gets a warning
_NEEDED = [
    "file_id", "file_name", "category", "type", "segmentation", "bbox_x", "bbox_y", "bbox_width", "bbox_height",
    "rotation", "image_width", "image_height",
]  # fmt: skip


class Choice(NamedTuple):
    """Something that files can be filtered by."""

    by: str
    value: Any
    text: str
    files: int


class Pages:
    """The pages of a dataset, or of two that are compared.

    Opening takes one pass over the columns that tell where a row belongs; nothing is read, or made into an
    object, for a page before it is asked for.

    Parameters
    ----------
    shown : Dataset or annotations frame
    other : Dataset or annotations frame, optional
        What it has become.
    images : folder, mapping of `file_id` or ``(file_id, frame)`` to path, 'links', Project, or None

    Attributes
    ----------
    classes : list of str
        Names, in the order in which they come.
    colors : dict
        ``#rrggbb`` by class.
    labels : Index
        What each row is called: as in the user's frame, where that is by whole numbers that are unique, else its
        position.
    """

    def __init__(self, shown: Any, other: Any, images: Any) -> None:
        frame, files, self._marks = _both(shown, other)
        self._frame = frame
        self._issues = shown.issues if isinstance(shown, Dataset) and other is None else None
        kinds = frame["type"].astype("category").array
        is_shape = np.isin(kinds.categories, list(schema.SHAPE_TYPES))
        rows = np.flatnonzero(np.append(is_shape, False)[kinds.codes])
        files = _files_of(frame, rows) if files is None else files
        self._file_ids = files["file_id"]  # as the positions of issues count them
        self._files = files.dropna(subset=["file_id"])
        self._files = self._files.drop_duplicates("file_id", ignore_index=True)
        self._arrange(rows)
        whole = pd.api.types.is_integer_dtype(frame.index.dtype) and frame.index.is_unique
        self.labels = frame.index if whole else pd.RangeIndex(len(frame))
        self.colors = colors_of(frame)
        self.classes, self._class_of = _classes(frame["category"], rows)
        self.skeletons = {
            name: edges
            for side in (other, shown)
            if isinstance(side, Dataset)
            for name, edges in skeletons_of(side.categories).items()
        }
        self.compared = other is not None
        self.predicted = "score" in (getattr(other, "annotations", other) if self.compared else ())
        self.wanted = images is not None
        self._links: LinkedImages | None = None
        self._read = self._reader(shown, images)
        self._warn_where_none_is(images)

    def _arrange(self, rows: NDArray[np.intp]) -> None:
        """Sort the rows by page: a page is a file, and within it a frame, with those without one before all."""
        ids = schema.arrow_text(self._frame["file_id"])
        places = pc.index_in(ids, value_set=schema.arrow_text(self._files["file_id"])).fill_null(-1)
        place = places.to_numpy(zero_copy_only=False).astype(np.int64)[rows]
        rows, place = rows[place >= 0], place[place >= 0]
        self._file_of_row = places.to_numpy(zero_copy_only=False).astype(np.int64)
        self._is_shape_row = np.zeros(len(self._frame), dtype=bool)
        self._is_shape_row[rows] = True
        self._others = np.flatnonzero(~self._is_shape_row & (self._file_of_row >= 0))  # answers
        moment = np.zeros(len(rows), dtype=np.int64)
        if "frame" in self._frame and self._frame["frame"].notna().any():
            moment = self._frame["frame"].iloc[rows].fillna(-1).to_numpy(dtype=np.int64) + 1
        span = int(moment.max(initial=0)) + 1
        key = place * span + moment
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        used = _each_once(ordered)
        is_bare = np.ones(len(self._files), dtype=bool)
        is_bare[used // span] = False
        pages = np.sort(np.concatenate([used, np.flatnonzero(is_bare) * span]))
        self._file_of, self._moment_of = pages // span, pages % span - 1
        self._rows = rows[order]
        self._bounds = np.append(np.searchsorted(ordered, pages), len(ordered))
        self._shown = np.arange(len(pages))  # of all pages those that are shown, in their order

    def __len__(self) -> int:
        return len(self._shown)

    # --- one page

    def rows(self, page: int) -> NDArray[np.intp]:
        """The positions of its annotations in the frame."""
        at = self._shown[page]
        return self._rows[self._bounds[at] : self._bounds[at + 1]]

    def _file(self, page: int) -> int:
        """The place of its file."""
        return int(self._file_of[self._shown[page]])

    def answers(self, page: int) -> pd.DataFrame:
        """What its file has beside shapes: the answers to questions, those of objects too."""
        return self._frame.iloc[self._others[self._file_of_row[self._others] == self._file(page)]]

    def frame(self, page: int) -> pd.DataFrame:
        """Its annotations, under the index that the user's frame has."""
        return self._frame.iloc[self.rows(page)]

    def marks(self, page: int) -> dict[int, tuple[str, str]]:
        """What a comparison says of them: position among them to a word and a colour."""
        return {at: self._marks[row] for at, row in enumerate(self.rows(page).tolist()) if row in self._marks}

    def class_places(self, page: int) -> list[int]:
        """The class of each of them, as a place in `classes`."""
        places: list[int] = self._class_of[self.rows(page)].tolist()
        return places

    def file_id(self, page: int) -> str:
        """The file it is of."""
        return str(self._files["file_id"].iloc[self._file(page)])

    def name(self, page: int) -> str:
        """The file's name, and of a video the frame."""
        file_name = self._file_name(page) or self.file_id(page)
        return f"{file_name}, frame {self._moment(page)}" if self.is_moment(page) else file_name

    def _file_name(self, page: int) -> str | None:
        name = self._files["file_name"].iloc[self._file(page)]
        return None if pd.isna(name) else str(name)

    def status(self, page: int) -> str:
        """The file's status, where it is known."""
        status = self._files["status"].iloc[self._file(page)] if "status" in self._files else pd.NA
        return "" if pd.isna(status) else str(status)

    def size(self, page: int) -> tuple[int, int] | None:
        """Width and height in pixels, as the export tells them."""
        width, height = (self._files[name].iloc[self._file(page)] for name in ("width", "height"))
        known = not pd.isna(width) and not pd.isna(height) and width > 0 and height > 0
        return (int(width), int(height)) if known else None

    def is_moment(self, page: int) -> bool:
        """Whether it is a frame of a video."""
        return self._moment(page) >= 0

    def _moment(self, page: int) -> int:
        return int(self._moment_of[self._shown[page]])

    def kind(self, page: int) -> str:
        """What its file is by its name: ``picture``, ``audio``, ``text``, ``pdf`` or ``other``; see `media.kind_of`."""
        return "other" if self.is_moment(page) else kind_of(self._file_name(page))

    def is_media(self, page: int) -> bool:
        """Whether it is played or read, and is no picture."""
        return self.kind(page) in MEDIA

    def _is_fetched(self, page: int) -> bool:
        """Whether a file comes over the network: whole videos do not, for a look."""
        return self.kind(page) != "other"

    def siblings(self, page: int) -> tuple[int, int]:
        """The first page of its file, and how many there are: of a video more than one."""
        mine = np.flatnonzero(self._file_of[self._shown] == self._file(page))
        return int(mine[0]), len(mine)

    def source(self, page: int) -> Source:
        """Its image: a path, or bytes; None where there is none."""
        return self._read(page)

    # --- many pages

    @property
    def remote(self) -> bool:
        """Whether images come over the network, which may take its time."""
        return self._links is not None

    def ahead(self, pages: list[int]) -> None:
        """These will be asked for: what comes over the network begins to come."""
        if self._links is not None:
            self._links.ahead([self.file_id(page) for page in pages if self._is_fetched(page)])

    def again(self, page: int) -> None:
        """Forget that an image could not be had."""
        if self._links is not None:
            self._links.forget(self.file_id(page))

    def page_of(self, row: Any) -> int | None:
        """The page of a row of the user's frame; None where it is on none that is shown."""
        at = self.labels.get_indexer([row])[0]
        places = np.flatnonzero(self._rows == at)
        if not len(places):
            return None
        page = int(np.searchsorted(self._bounds, places[0], side="right")) - 1
        shown = np.flatnonzero(self._shown == page)
        return int(shown[0]) if len(shown) else None

    def close(self) -> None:
        """Let go of what came over the network."""
        if self._links is not None:
            self._links.close()

    def find(self, text: str, after: int) -> int | None:
        """The next page whose file has this in its name, in any letter case; after the last it goes on at the first."""
        files = np.flatnonzero(self.files_with("name", text))
        return _next(np.flatnonzero(np.isin(self._file_of[self._shown], files)), after)

    def next_change(self, after: int) -> int | None:
        """The next page on which a comparison has something other than ``same``."""
        changed = np.array([row for row, (word, _) in self._marks.items() if not _is_quiet(word)], dtype=np.int64)
        page_of = np.empty(len(self._frame), dtype=np.int64)
        page_of[self._rows] = np.repeat(np.arange(len(self._file_of)), np.diff(self._bounds))
        pages = np.unique(page_of[np.intersect1d(changed, self._rows)])
        return _next(np.flatnonzero(np.isin(self._shown, pages)), after)

    def show(self, files: NDArray[np.bool_] | None, order: str) -> None:
        """Show the pages of these files alone, None for all, in an order; see `ViewerState.where`."""
        shown = np.arange(len(self._file_of))
        if files is not None:
            shown = shown[files[self._file_of]]
        if order == "annotations":
            counts = np.bincount(self._file_of_row[self._file_of_row >= 0], minlength=len(self._files))
            shown = shown[np.argsort(-counts[self._file_of[shown]], kind="stable")]
        elif order in ("area", "differences", "score"):
            rank = self._ranks(order)
            shown = shown[np.argsort(rank[self._file_of[shown]], kind="stable")]
        elif order == "name":
            names = self._folded_names()
            rank = np.empty(len(names), dtype=np.int64)
            rank[np.argsort(names.to_numpy(dtype=object), kind="stable")] = np.arange(len(names))
            shown = shown[np.argsort(rank[self._file_of[shown]], kind="stable")]
        self._shown = shown

    @property
    def orders(self) -> dict[str, str]:
        """The orders that files can be shown in, and what they are called."""
        orders = {"given": "as exported", "annotations": "most annotations first", "name": "by name"}
        orders["area"] = "largest first"
        if self.compared:
            orders["differences"] = "most differences first"
        if self.predicted:
            orders["score"] = "least sure first"
        return orders

    def _ranks(self, order: str) -> NDArray[np.float64]:
        """What files are sorted by, the smallest first."""
        known = self._file_of_row >= 0
        if order == "differences":
            loud = np.array([not _is_quiet(self._marks.get(row, ("same", ""))[0]) for row in range(len(self._frame))])
            rows = known & loud if len(loud) else known
            return -np.bincount(self._file_of_row[rows], minlength=len(self._files)).astype(np.float64)
        values = self._frame[order].to_numpy(dtype=np.float64)
        values = values if order == "score" else -values
        rank = np.full(len(self._files), np.inf)
        np.minimum.at(rank, self._file_of_row[known], np.where(np.isnan(values[known]), np.inf, values[known]))
        return rank

    def files_with(self, by: str, value: Any) -> NDArray[np.bool_]:
        """Which files have this: a status, a label state, a class, an answer, an issue, or text in their name.

        Parameters
        ----------
        by : {'status', 'label_state', 'category', 'answer', 'issue', 'name', 'rows'}
            With 'rows' a boolean Series: of the rows of the annotations, or of the files.
        value : str, (str, str), True, or boolean Series
            For 'answer' the question and what it is answered with; for 'issue' a code, or True for any.
        """
        if by in ("status", "label_state"):
            if by not in self._files:
                raise InvalidArgumentError(f"the files of this viewer have no {by}.", hint="pass a Dataset")
            return np.asarray(self._files[by].astype(object) == value, dtype=bool)
        if by == "name":
            return np.asarray(self._folded_names().str.contains(str(value).casefold(), regex=False), dtype=bool)
        if by == "rows":
            return self._files_of_rows(value)
        if by == "issue":
            return self._files_of_issues(value)
        if by == "answer":
            question, answer = value
            is_answer = pc.equal(schema.arrow_text(self._frame["value"]), str(answer)).fill_null(False)
            return self._having(self._of_class(question) & is_answer.to_numpy(zero_copy_only=False))
        return self._having(self._of_class(value))

    def _of_class(self, name: str) -> NDArray[np.bool_]:
        """Which rows are of a class, or answer a question."""
        column = self._frame["category"].astype("category").cat
        places = column.categories.get_indexer([name])
        wanted = places[places >= 0]
        if name == NO_CLASS and not len(wanted):
            return np.asarray(column.codes < 0) & self._is_shape_row
        return np.isin(column.codes, wanted)

    def _files_of_issues(self, code: str | bool) -> NDArray[np.bool_]:
        """Which files have an issue of this code, or of any: their own, or of one of their annotations."""
        if self._issues is None:
            raise InvalidArgumentError(
                "the files of this viewer have no issues.", hint="pass a Dataset, without compare"
            )
        issues = self._issues if code is True else self._issues[self._issues["code"].eq(code).fillna(False)]
        positions = {
            table: issues.loc[issues["table"] == table, "position"].dropna().to_numpy(dtype=np.int64)
            for table in ("files", "annotations")
        }
        own = self._file_ids.iloc[positions["files"][positions["files"] < len(self._file_ids)]].dropna()
        rows = np.zeros(len(self._frame), dtype=bool)
        rows[positions["annotations"][positions["annotations"] < len(rows)]] = True
        own_files: NDArray[np.bool_] = np.asarray(self._files["file_id"].isin(own), dtype=bool)
        return own_files | self._having(rows)

    def _folded_names(self) -> pd.Series[Any]:
        """What files are called, without a difference of upper and lower case."""
        return self._files["file_name"].fillna(self._files["file_id"]).astype(object).str.casefold()

    def _files_of_rows(self, chosen: Any) -> NDArray[np.bool_]:
        flags = _flags(pd.Series(chosen))
        index = chosen.index if isinstance(chosen, pd.Series) else None
        if len(flags) == len(self._frame) and (index is None or index.equals(self._frame.index)):
            return self._having(flags)
        if len(flags) == len(self._files):
            return flags
        raise InvalidArgumentError(
            f"where: a boolean Series of the {len(self._frame):,} annotations or of the {len(self._files):,} files is "
            f"expected, got one of {len(flags):,}."
        )

    def _having(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        having = np.zeros(len(self._files), dtype=bool)
        places = self._file_of_row[rows]
        having[places[places >= 0]] = True
        return having

    def choices(self) -> list[Choice]:
        """What files can be filtered by, with how many files have it: statuses, label states, classes, answers, issues.

        Of a question that is answered in more than `MOST_OPTIONS` ways no answer is a choice.
        """
        choices = [
            Choice(by, str(word), str(word), int(count))
            for by in ("status", "label_state")
            if by in self._files
            for word, count in self._files[by].astype(object).value_counts().items()
        ]
        return [*choices, *self._class_choices(), *self._answer_choices(), *self._issue_choices()]

    def _class_choices(self) -> list[Choice]:
        wide = max(len(self.classes), 1)
        rows = self._is_shape_row & (self._file_of_row >= 0)
        seen = np.zeros(len(self._files) * wide, dtype=bool)
        seen[self._file_of_row[rows] * wide + self._class_of[rows]] = True
        counts = seen.reshape(-1, wide).sum(axis=0)
        order = np.argsort(-counts, kind="stable")[: len(self.classes)].tolist()
        return [Choice("category", self.classes[code], self.classes[code], int(counts[code])) for code in order]

    def _answer_choices(self) -> list[Choice]:
        if "value" not in self._frame:
            return []
        kinds, questions = (self._frame[name].astype("category").array for name in ("type", "category"))
        is_choice = kinds.codes == kinds.categories.get_indexer(["classification"])[0]
        rows = np.flatnonzero(is_choice & (questions.codes >= 0) & (self._file_of_row >= 0))
        answers = schema.arrow_text(self._frame["value"].iloc[rows])
        answers = (answers.combine_chunks() if isinstance(answers, pa.ChunkedArray) else answers).dictionary_encode()
        answered = answers.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        wide = max(len(answers.dictionary), 1)
        pairs = (questions.codes[rows].astype(np.int64) * wide + answered)[answered >= 0]
        places = self._file_of_row[rows][answered >= 0]
        once = _each_once(np.sort(pairs * len(self._files) + places)) // max(len(self._files), 1)  # a file counts once
        pairs, counts = np.unique(once, return_counts=True)
        options = np.bincount(pairs // wide)
        choices = []
        for place in np.lexsort((-counts, pairs // wide)).tolist():
            question, answer = divmod(int(pairs[place]), wide)
            if options[question] <= MOST_OPTIONS:
                name, word = str(questions.categories[question]), answers.dictionary[answer].as_py()
                choices.append(Choice("answer", [name, word], f"{name} = {word}", int(counts[place])))
        return choices

    def _issue_choices(self) -> list[Choice]:
        if self._issues is None or self._issues.empty:
            return []
        codes = self._issues["code"].dropna().unique().tolist()
        counts = {code: int(self._files_of_issues(code).sum()) for code in codes}
        return [Choice("issue", code, code, count) for code, count in counts.items() if count]

    def _reader(self, shown: Any, images: Any) -> Callable[[int], Source]:
        if images is None:
            return lambda page: None
        if isinstance(images, Project) or (isinstance(images, str) and images == "links"):
            project = (
                images if isinstance(images, Project) else project_of(shown) if isinstance(shown, Dataset) else None
            )
            if project is None:
                raise InvalidArgumentError(
                    "images 'links' needs a Dataset that was exported in this process, not its frame alone.",
                    hint=call("images=project"),
                )
            links = self._links = LinkedImages(project)
            return lambda page: links.image(self.file_id(page)) if self._is_fetched(page) else None
        frames: dict[tuple[str, int], Path] = {}
        if isinstance(images, Mapping):
            moments = {key: path for key, path in images.items() if isinstance(key, tuple)}
            if odd := [key for key in moments if len(key) != 2 or not isinstance(key[1], int | np.integer)]:
                raise InvalidArgumentError(f"a frame of a video is (file_id, frame) in images, got {odd[0]!r}.")
            images = {key: path for key, path in images.items() if key not in moments}
            frames = {(str(file_id), int(moment)): Path(path) for (file_id, moment), path in moments.items()}
        find = finder(self._files, images)

        def read(page: int) -> Source:
            if self.is_moment(page):
                return frames.get((self.file_id(page), int(self._moment_of[page])))
            return find(self.file_id(page), self._file_name(page))

        return read

    def _warn_where_none_is(self, images: Any) -> None:
        looked = range(min(len(self), LOOKED_FOR))
        if images is not None and self._links is None and looked and not any(self._read(page) for page in looked):
            of = f"the first {len(looked)} of {len(self):,}" if len(looked) < len(self) else f"the {len(self):,}"
            warn(
                f"none of {of} files has its image there, {self.name(0)!r} for one; labels are drawn on grey.",
                hint=either(argument("images"), call("dataset.download_images(folder)")),
            )


def _flags(values: pd.Series[Any]) -> NDArray[np.bool_]:
    """True and False, missing values as False."""
    return np.asarray(values.astype("boolean").fillna(False), dtype=bool)


def side_of(word: str) -> str:
    """On which side of a comparison a row is: ``a``, ``b`` or ``both``."""
    return {"same": "both", "before": "a", "removed": "a", "label": "a", "missed": "a"}.get(word, "b")


def _is_quiet(word: str) -> bool:
    """Whether a mark says that both sides agree; what a row was before stands beside what it has become."""
    return word in ("same", "before", "label") or word.startswith("match")


def _old_mark(change: str, predicted: bool) -> tuple[str, str]:
    """What stands at a row of the first side: it is gone, or what it was before."""
    if change == "removed":
        return "missed" if predicted else change, CHANGE_COLORS[change]
    return MATCHED if predicted else "before", CHANGE_COLORS["before"]


def _new_mark(change: str, was: object, score: float | None) -> tuple[str, str]:
    """What stands at a row of the second side: how it differs, from which class, and how sure a prediction is."""
    other = change in ("reclassified", "changed") and isinstance(was, str)
    color = CHANGE_COLORS[change]
    if score is None:
        return f"{change} from {was}" if other else change, color
    word = f"not {was}" if other else "false positive" if change == "added" else "match"
    return f"{word} {score:.2f}", CHANGE_COLORS["added"] if word == "match" else CHANGE_COLORS["removed"]


def _each_once(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of a sorted array without repeats; to sort what is nearly in order is quicker than to hash it."""
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _next(pages: NDArray[np.intp], after: int) -> int | None:
    if not len(pages):
        return None
    later = pages[pages > after]
    return int(later[0] if len(later) else pages[0])


def _files_of(frame: pd.DataFrame, rows: NDArray[np.intp]) -> pd.DataFrame:
    """A `files` frame of what an annotations frame tells of them."""
    names = ["file_id", "file_name", "image_width", "image_height", *(["status"] if "status" in frame else [])]
    files = frame[names].iloc[rows].dropna(subset=["file_id"])
    return files.rename(columns={"image_width": "width", "image_height": "height"})


def _with_shapes(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with shapes as such, where they are JSON text as `df.labellerr.plain()` and files have them."""
    plain = [
        name
        for name in ("segmentation", "keypoints")
        if name in frame and not isinstance(frame[name].dtype, SegmentationDtype)
    ]
    return frame.assign(**{name: SegmentationArray(schema.arrow_text(frame[name])) for name in plain})


def _classes(names: pd.Series[Any], rows: NDArray[np.intp]) -> tuple[list[str], NDArray[np.int64]]:
    """The names of the classes in the order in which they come, and the place of each row's."""
    values = names.astype("category").array
    codes = np.where(values.codes < 0, len(values.categories), values.codes)
    used = pd.unique(codes[rows])
    place = np.full(len(values.categories) + 1, -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    words = [*map(str, values.categories), NO_CLASS]
    return [words[code] for code in used], place[codes]


def _both(shown: Any, other: Any) -> tuple[pd.DataFrame, pd.DataFrame | None, dict[int, tuple[str, str]]]:
    """The annotations to draw, the files, and what a comparison says of each row."""
    frames = []
    for side in (shown,) if other is None else (shown, other):
        frame = side.annotations if isinstance(side, Dataset) else side
        if not isinstance(frame, pd.DataFrame) or (missing := [name for name in _NEEDED if name not in frame]):
            got = f"no column {missing[0]!r}" if isinstance(frame, pd.DataFrame) else type(side).__name__
            raise InvalidArgumentError(f"a viewer takes a Dataset or an annotations frame of labellerr_ds; got {got}.")
        frames.append(_with_shapes(frame))
    files = shown.files if isinstance(shown, Dataset) else None
    if other is None:
        return frames[0], files, {}
    try:
        table = compare(shown, other).annotations
    except KeyError as problem:
        raise InvalidArgumentError(f"to be compared a frame needs the column {problem}.") from None
    # what is the same in both is drawn once
    old = table[table["row_a"].notna() & (table["change"] != "same")]
    new = table[table["row_b"].notna()]
    united = below_each_other([frames[0].iloc[old["row_a"].astype(int)], frames[1].iloc[new["row_b"].astype(int)]])
    scores = frames[1]["score"].to_numpy()[new["row_b"].astype(int)] if "score" in frames[1] else None
    marks = {row: _old_mark(change, scores is not None) for row, change in enumerate(old["change"].astype(str))}
    was = new["category_a"].astype(object).tolist()
    for place, change in enumerate(new["change"].astype(str)):
        score = None if scores is None else float(scores[place])
        marks[len(old) + place] = _new_mark(change, was[place], score)
    if files is not None:
        names = ["file_id", "file_name", "width", "height", "status"]
        new_files = other.files if isinstance(other, Dataset) else _files_of(frames[1], np.arange(len(frames[1])))
        files = below_each_other([files[names], new_files[names]])
    return united, files, marks
