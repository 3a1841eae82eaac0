"""The viewer that draws in the browser, on a canvas, from coordinates and run lengths."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anywidget
import traitlets

from labellerr_ds.images.display import LONGEST
from labellerr_ds.widgets.display import script, style
from labellerr_ds.widgets.messages import THUMBNAIL, Packet, packet, unshowable
from labellerr_ds.widgets.viewer_state import ViewerState

FILTERS = ("status", "label_state", "category", "answer", "issue", "name")
AT_ONCE = 48  # pages that one message may ask for


class CanvasViewer(ViewerState, anywidget.AnyWidget):  # type: ignore[misc]
    """See `AnnotationViewer`. The browser asks for the pages it needs, and draws, filters and zooms by itself."""

    _esm = script("canvas.js", "grid.js", "media.js", "viewer.js")
    _css = style("shell.css", "viewer.css")
    mode = traitlets.Enum(["single", "grid"], "single").tag(sync=True)
    show_boxes = traitlets.Bool(True).tag(sync=True)
    show_masks = traitlets.Bool(True).tag(sync=True)
    show_labels = traitlets.Bool(True).tag(sync=True)
    show_objects = traitlets.Bool(True).tag(sync=True)
    compared = traitlets.Bool(False).tag(sync=True)
    side_names = traitlets.List(["before", "after"]).tag(sync=True)
    order: Any = traitlets.Unicode("given").tag(sync=True)
    orders: Any = traitlets.Dict().tag(sync=True)
    _worker: ThreadPoolExecutor | None = None
    opening: Any = traitlets.Dict().tag(sync=True)
    choices: Any = traitlets.List().tag(sync=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.add_class("labellerr-shown")
        self.compared = self._pages.compared
        self.side_names = ["labels", "predictions"] if self._pages.predicted else ["before", "after"]
        self.orders = self._pages.orders
        # the network may take its time, and the kernel must not wait for it
        self._worker = ThreadPoolExecutor(1, "labellerr-viewer") if self._pages.remote else None
        self.on_msg(self._hear)
        self._open()

    def close(self) -> None:
        """Take the panel away, and end what it does."""
        if self._worker is not None:
            self._worker.shutdown(wait=False, cancel_futures=True)
        super().close()

    def _open(self) -> None:
        """The first page goes with the panel, so that it is seen although the next cell keeps the kernel busy."""
        if self.count and not self._pages.is_media(self.index):  # a sound is no part of the widget's state
            made = self._packet(self.index)
            self.opening = {"message": made.message, "buffers": made.buffers}
        else:
            self.opening = {}

    def _refreshed(self) -> None:
        self._open()
        self.send({"kind": "refreshed"})

    def _hear(self, _: Any, message: Any, __: Any) -> None:
        kind = message.get("kind") if isinstance(message, dict) else None
        if kind in ("pages", "thumbnails"):
            wanted = [page for page in message.get("pages", []) if isinstance(page, int) and 0 <= page < self.count]
            if message.get("again"):
                for page in wanted:
                    self._pages.again(page)
            if self._worker is None:
                self._serve(kind, wanted[:AT_ONCE])
            else:
                self._worker.submit(self._serve, kind, wanted[:AT_ONCE])
        elif kind == "find":
            text = str(message.get("text", ""))
            if not self.find(text):
                self.send({"kind": "note", "text": f"No file has {text!r} in its name."})
        elif kind == "where":
            by, value = message.get("by"), message.get("value")
            given = {by: value} if by in FILTERS and value else {}
            self.where(**given, order=message.get("order", "given"))
        elif kind == "choices":  # once the first page is drawn: counting takes its time
            self.choices = [choice._asdict() for choice in self._pages.choices()]
        elif kind == "change" and (differing := self._pages.next_change(self.index)) is not None:
            self.index = differing

    def _serve(self, kind: str, pages: list[int]) -> None:
        """Send pages one by one, and then that this was all: the browser asks for one lot at a time."""
        try:
            self._pages.ahead([page for page in pages if kind == "pages" or not self._pages.is_media(page)])
            for page in pages:
                try:
                    made = self._packet(page, THUMBNAIL if kind == "thumbnails" else LONGEST)
                except Exception as problem:  # whatever it is: the browser waits for an answer, and the others come
                    made = unshowable(self._pages, page, problem)
                self.send({"kind": kind, **made.message}, made.buffers)
        finally:
            self.send({"kind": "done", "of": kind, "pages": pages})

    def _packet(self, page: int, longest: int = LONGEST) -> Packet:
        return packet(self._pages, page, longest=longest)
