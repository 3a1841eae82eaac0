"""The viewer without a script of ours: a picture made by Pillow between ipywidgets' own controls."""

from __future__ import annotations

import io
from typing import Any

import ipywidgets as widgets

from labellerr_ds.images.display import read_picture
from labellerr_ds.widgets.display import PanelShell, in_vscode
from labellerr_ds.widgets.messages import missing
from labellerr_ds.widgets.viewer_state import ViewerState

LONGEST = 1100  # pixels: resizing costs more than what a smaller picture saves


class PictureViewer(ViewerState, widgets.VBox):  # type: ignore[misc]
    """See `AnnotationViewer`. Each change is a round trip to the kernel; works where only core widgets do."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.add_class("labellerr-panel")
        self.add_class("labellerr-shown")
        narrow = widgets.Layout(width="auto")
        self._previous = widgets.Button(description="Previous", layout=narrow)
        self._next = widgets.Button(description="Next", layout=narrow)
        self._at = widgets.BoundedIntText(
            value=self.index + 1, min=1, max=max(self.count, 1), description="File", layout=narrow
        )
        self._find = widgets.Text(description="Find", placeholder="part of a file's name", continuous_update=False)
        self._opacity = widgets.FloatSlider(value=self.opacity, min=0, max=1, step=0.05, description="Opacity")
        self._shown = widgets.SelectMultiple(
            options=[(each["name"], place) for place, each in enumerate(self.classes)],
            value=self._others(self.hidden),
            rows=min(8, max(2, len(self.classes))),
            description="Classes",
        )
        self._picture = widgets.Image(format="jpeg", layout=widgets.Layout(max_width="100%", object_fit="contain"))
        self._line = widgets.Label()
        self._line.add_class("labellerr-live")
        self._previous.on_click(lambda _: setattr(self, "index", self.index - 1))
        self._next.on_click(lambda _: setattr(self, "index", self.index + 1))
        self._at.observe(lambda change: setattr(self, "index", change["new"] - 1), "value")
        self._find.observe(lambda change: self.find(change["new"]), "value")
        self._opacity.observe(lambda change: setattr(self, "opacity", change["new"]), "value")
        self._shown.observe(self._filter, "value")
        self.observe(lambda _: self._follow(), ["index", "hidden", "opacity", "selected"])
        guard = [] if in_vscode() else [PanelShell(label="Labellerr annotation viewer")]
        self.children = [
            *guard,
            widgets.HBox([self._previous, self._next, self._at, self._find]),
            widgets.HBox([self._opacity, self._shown]),
            self._picture,
            self._line,
        ]
        self._follow()

    def _refreshed(self) -> None:
        self._at.max = max(self.count, 1)
        self._follow()

    def _others(self, places: Any) -> list[int]:
        return [place for place in range(len(self.classes)) if place not in places]

    def _filter(self, change: Any) -> None:
        self.hidden = self._others(change["new"])

    def _follow(self) -> None:
        """What is shown follows from the traits, whoever set them."""
        self._previous.disabled, self._next.disabled = self.index <= 0, self.index >= self.count - 1
        self._at.value, self._opacity.value = self.index + 1, self.opacity
        self._shown.value = self._others(self.hidden)
        out = io.BytesIO()
        self.image(longest=LONGEST).save(out, "JPEG", quality=85)
        self._picture.value = out.getvalue()
        self._line.value = self._summary()

    def _summary(self) -> str:
        if not self.count:
            return "no files"
        places = self._pages.class_places(self.index)
        shown = sum(place not in self.hidden for place in places)
        name = self._pages.name(self.index)
        line = f"{self.index + 1:,} of {self.count:,}   {name}: {len(places):,} annotations, {shown:,} of them shown"
        size = self._pages.size(self.index)
        picture = read_picture(self._pages.source(self.index), size, LONGEST)
        warning = missing(self._pages, self.index, picture.size if picture else None, size)["warning"]
        return f"{line}  {warning}" if warning else line
