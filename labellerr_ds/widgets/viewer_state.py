"""The state of an annotation viewer: what its forms, a canvas and a plain picture, have in common."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal

import traitlets
from PIL import Image

from labellerr_ds.core.errors import InvalidArgumentError
from labellerr_ds.images import render
from labellerr_ds.images.display import open_picture
from labellerr_ds.widgets.display import Shown
from labellerr_ds.widgets.pages import MATCHED, Pages, side_of

STILL = 900  # pixels of the longer side of what a saved notebook shows


class ViewerState(Shown, traitlets.HasTraits):
    """What every form of the viewer has in common; see `labellerr_ds.AnnotationViewer`.

    Parameters
    ----------
    pages : Pages
    classes, opacity, index, layout
        As for `AnnotationViewer`.
    """

    index = traitlets.Int(0).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    classes: Any = traitlets.List().tag(sync=True)
    hidden: Any = traitlets.List().tag(sync=True)
    opacity = traitlets.Float(0.35).tag(sync=True)
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    arrangement = traitlets.Enum(["over", "side"], "over").tag(sync=True)

    def __init__(
        self,
        pages: Pages,
        *,
        classes: str | list[str] | None,
        opacity: float,
        index: int,
        layout: Literal["over", "side"],
    ) -> None:
        self._pages = pages
        hidden = hidden_classes(classes, layout, pages)
        super().__init__(
            count=len(pages),
            classes=[{"name": name, "color": pages.colors[name]} for name in pages.classes],
            hidden=hidden,
            opacity=opacity,
            arrangement=layout,
        )
        self.index = index
        self.observe(self._turn_to_selected, "selected")
        self.observe(self._drop_selected, "index")
        self.observe(self._still_changed, ["index", "hidden", "opacity", "arrangement"])

    def __repr__(self) -> str:
        name = self._pages.name(self.index) if self.count else "no files"
        return f"AnnotationViewer({self.count:,} file{'' if self.count == 1 else 's'}; {name})"

    def close(self) -> None:
        """Take the panel away, and end what it does."""
        if hasattr(self, "_pages"):  # a panel whose making failed is closed too
            self._pages.close()
        super().close()  # type: ignore[misc]

    @traitlets.validate("index")
    def _within(self, proposal: Any) -> int:
        return max(0, min(int(proposal["value"]), max(self.count - 1, 0)))

    @traitlets.validate("selected")
    def _known(self, proposal: Any) -> int | None:
        row = proposal["value"]
        if row is not None and self._pages.page_of(row) is None:
            raise InvalidArgumentError(f"selected must be the index of a row with a shape, or None; got {row!r}.")
        return None if row is None else int(row)

    def _turn_to_selected(self, change: Any) -> None:
        if change["new"] is not None and (page := self._pages.page_of(change["new"])) is not None:
            self.index = page

    def _drop_selected(self, change: Any) -> None:
        if self.selected is not None and self._pages.page_of(self.selected) != change["new"]:
            self.selected = None

    @traitlets.validate("opacity")
    def _share(self, proposal: Any) -> float:
        return max(0.0, min(float(proposal["value"]), 1.0))

    def image(self, *, longest: int | None = None) -> Image.Image:
        """The file that is shown, as a `PIL.Image.Image`; classes that are hidden are left out.

        Parameters
        ----------
        longest : int, optional
            Pixels of the longer side; the image's own where none is given.
        """
        both = self._pages.compared and self.arrangement == "side"
        return picture_of(self._pages, self.index, self.hidden, self.opacity, side_by_side=both, longest=longest)

    def png(self, *, longest: int | None = None) -> bytes:
        """The file that is shown, as the bytes of a PNG, for reports; see `image`."""
        out = io.BytesIO()
        self.image(longest=longest).save(out, "PNG")
        return out.getvalue()

    def find(self, text: str) -> bool:
        """Show the next file that has this in its name, in any letter case; whether there is one."""
        page = self._pages.find(text, self.index) if text else None
        if page is not None:
            self.index = page
        return page is not None

    def where(
        self,
        rows: Any = None,
        *,
        status: str | None = None,
        label_state: str | None = None,
        category: str | None = None,
        answer: tuple[str, str] | None = None,
        issue: str | Literal[True] | None = None,
        name: str | None = None,
        order: Literal["given", "annotations", "name", "area", "differences", "score"] = "given",
    ) -> int:
        """Show those files alone that have all of this, in an order; without anything all of them.

        Parameters
        ----------
        rows : boolean Series, optional
            Of the annotations (files that have one of them), or of the files.
        status, label_state, category : str, optional
        answer : (str, str), optional
            A question's name, and what it is answered with.
        issue : str or True, optional
            A code of `dataset.issues`, or True for files with any.
        name : str, optional
            Part of a file's name, in any letter case.
        order : {'given', 'annotations', 'name', 'area', 'differences', 'score'}
            'annotations': most first; 'area': the file with the largest shape first; of a comparison 'differences':
            most first; of predictions 'score': the file with the least sure one first.

        Returns
        -------
        int
            How many pages are shown.

        Examples
        --------
        >>> from labellerr_ds import AnnotationViewer, Client, export_dataset
        >>> dataset = export_dataset(Client.sandbox().project("Street scenes"), ["accepted"], progress=False)
        >>> viewer = AnnotationViewer(dataset)
        >>> viewer.where(category="car", answer=("weather", "rain")) < viewer.where()
        True
        """
        if order not in self._pages.orders:
            raise InvalidArgumentError(f"order must be one of {', '.join(self._pages.orders)}; got {order!r}.")
        asked = {
            "rows": rows, "status": status, "label_state": label_state, "category": category, "answer": answer,
            "issue": issue, "name": name,
        }  # fmt: skip
        kept = None
        for by, value in asked.items():
            if value is not None:
                having = self._pages.files_with(by, value)
                kept = having if kept is None else kept & having
        self._pages.show(kept, order)
        if self.has_trait("order"):
            self.order = order
        self.count = len(self._pages)
        self.selected = None
        self.index = 0
        self._refreshed()
        return self.count

    def _refreshed(self) -> None:
        """What a page's number means has changed."""

    def still(self) -> tuple[str, bytes | None]:
        """What a saved notebook shows in the panel's place: text, and a PNG of few colours, since it is kept in git."""
        out = io.BytesIO()
        few = self.image(longest=STILL).quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(out, "PNG", optimize=True)
        return repr(self), out.getvalue()


def hidden_classes(classes: str | list[str] | None, layout: str, pages: Pages) -> list[int]:
    """The places of the classes that are hidden at first."""
    if layout not in ("over", "side"):
        raise InvalidArgumentError(f"layout must be 'over' or 'side', got {layout!r}.")
    if classes is None:
        return []
    wanted = [classes] if isinstance(classes, str) else list(classes)
    if unknown := [name for name in wanted if name not in pages.classes]:
        known = ", ".join(pages.classes) or "none at all"
        raise InvalidArgumentError(f"no shape has the class {unknown[0]!r}; there are {known}.")
    return [place for place, name in enumerate(pages.classes) if name not in wanted]


def picture_of(
    pages: Pages, page: int, hidden: Sequence[int], opacity: float, *, side_by_side: bool, longest: int | None
) -> Image.Image:
    """A page as a picture; of two sides that are compared, both in one, or the left one and the right one.

    Parameters
    ----------
    pages : Pages
    page : int
    hidden : sequence of int
        Places of classes that are left out.
    opacity : float
    side_by_side : bool
    longest : int or None
        Pixels of the longer side.
    """
    if not len(pages):
        return Image.new("RGB", render.NO_SIZE, render.EMPTY)
    if not side_by_side:
        return _one_side(pages, page, hidden, opacity, None, longest)
    before, after = (_one_side(pages, page, hidden, opacity, side, longest and longest // 2) for side in ("a", "b"))
    sheet = Image.new("RGB", (before.width * 2 + 6, before.height), "white")
    sheet.paste(before, (0, 0))
    sheet.paste(after, (before.width + 6, 0))
    return sheet


def _one_side(
    pages: Pages, page: int, hidden: Sequence[int], opacity: float, side: str | None, longest: int | None
) -> Image.Image:
    size, marks = pages.size(page), pages.marks(page)
    kept = [
        at
        for at, place in enumerate(pages.class_places(page))
        if place not in hidden and (side is None or side_of(marks[at][0]) in (side, "both"))
    ]
    shown = {
        new: render.Mark(
            *marks[old],
            outlined=side is None and side_of(marks[old][0]) == "a",
            tagged=side is not None or marks[old][0] != MATCHED,
        )
        for new, old in enumerate(kept)
        if old in marks
    }
    return render.draw(
        pages.frame(page).iloc[kept],
        open_picture(None if pages.is_media(page) else pages.source(page), size, longest),
        size=size,
        opacity=opacity,
        longest=longest,
        labels=True,
        marks=shown,
        skeletons=pages.skeletons,
        colors=pages.colors,
    )
