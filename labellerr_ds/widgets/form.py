"""The export picker's controls: what is shown, what may be pressed, and what was filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import pandas as pd

from labellerr_ds.core.models import ExportFormat, FileStatus
from labellerr_ds.widgets.display import PanelShell

DESTINATIONS = {"local": "local: a link to download it through", "s3": "S3: a folder in a bucket of your own"}
NEW = ""  # not None: Voila shows no option whose value that is
CHOICES = {"all": tuple(FileStatus), "clear": (), "finished work only": (FileStatus.ACCEPTED,)}


@dataclass(frozen=True)
class Filled:
    """What was filled in, as texts."""

    statuses: list[FileStatus]
    format: str
    since: str
    name: str
    destination: str
    bucket_path: str
    connection_id: str


class Form:
    """The controls of an `ExportPicker`, and the screen of its session; it decides nothing.

    Parameters
    ----------
    title : str
    statuses : set of FileStatus
        Chosen at first.
    format : ExportFormat
    since : str

    Attributes
    ----------
    changed : callable
        What the session calls when its state is another.
    """

    def __init__(self, title: str, statuses: set[FileStatus], format: ExportFormat, since: str) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._is_busy = False
        self.title: Any = widgets.Label(title)
        self.list = widgets.Dropdown(options=[("New export…", NEW)], value=NEW, description="Export", layout=_wide())
        self.boxes = {
            status: widgets.Checkbox(
                value=status in statuses, description=_caption(status), indent=False, layout=_row()
            )
            for status in FileStatus
        }
        self.format = widgets.Dropdown(
            options=[(f"{item}: {item.description}", item.value) for item in ExportFormat],
            value=format.value,
            description="Format",
            layout=_wide(),
        )
        self.since = widgets.Text(value=since, description="Since", placeholder="2026-11-01, or 7d before now")
        self.name = widgets.Text(description="Name", placeholder="made up where there is none")
        self.destination = widgets.Dropdown(
            options=[(text, word) for word, text in DESTINATIONS.items()],
            value="local",
            description="To",
            layout=_wide(),
        )
        self.bucket = widgets.Text(description="Folder", placeholder="bucket/path/to/folder/")
        self.connection = widgets.Dropdown(options=[("", "")], value="", description="Connection")
        self.buttons = {
            "refresh": widgets.Button(description="Refresh"),
            "run": widgets.Button(description="Run export", button_style="primary"),
            "stop": widgets.Button(description="Stop waiting"),
            "load": widgets.Button(description="Load into a table"),
        }
        self.choices = {word: _small(word) for word in CHOICES}
        for word, button in self.choices.items():
            button.on_click(lambda _, word=word: self.choose(CHOICES[word]))
        self.problems = {name: widgets.Label() for name in ("statuses", "since", "destination", "list")}
        self.bar = widgets.FloatProgress(min=0, max=1, description="Progress", layout=_wide())
        self.line = widgets.Label()
        self.line.add_class("labellerr-live")
        self.remedy, self.more = _small("Retry"), _small("Details")
        self.details = widgets.Textarea(disabled=True, layout=widgets.Layout(width="98%", height="160px"))
        self.more.on_click(lambda _: _show(self.details, self.details.layout.display == "none"))
        self.code = widgets.Text(description="As code", disabled=True, layout=_wide())
        self.code.add_class("labellerr-code")
        self.copy = _small("Copy")
        self.copy.add_class("labellerr-copy")
        for label in self.problems.values():
            label.add_class("labellerr-problem")
            label.add_class("labellerr-live")
            label.observe(lambda change: _show(change["owner"], bool(change["new"])), "value")
            _show(label, False)
        self.destinations: dict[str, Any] = {}  # of the exports in the list, as far as the service tells
        self._in_bucket = widgets.HBox([self.bucket, self.connection])
        self.destination.observe(lambda change: _show(self._in_bucket, change["new"] == "s3"), "value")
        _show(self._in_bucket, False)
        for field in (self.list, *self.boxes.values()):
            field.observe(lambda _: self._enable(), "value")

    def children(self) -> list[Any]:
        """All of it, from top to bottom, which is the order of the Tab key."""
        frame = widgets.Layout(border="1px solid #8888", display="block", flex="0 0 auto")
        return [
            PanelShell(label="Labellerr export picker"),
            widgets.HBox([self.title, self.buttons["refresh"]]),
            self.list,
            self.problems["list"],
            widgets.HBox([*self.choices.values()]),
            widgets.VBox([*self.boxes.values()], layout=frame),
            self.problems["statuses"],
            self.format,
            widgets.HBox([self.since, self.name]),
            self.problems["since"],
            self.destination,
            self._in_bucket,
            self.problems["destination"],
            self.line,
            widgets.HBox([self.buttons[name] for name in ("run", "stop", "load")]),
            self.bar,
            widgets.HBox([self.remedy, self.more]),
            self.details,
            widgets.HBox([self.code, self.copy]),
        ]

    def filled(self) -> Filled:
        """What was filled in."""
        return Filled(
            [status for status, box in self.boxes.items() if box.value],
            self.format.value,
            self.since.value.strip(),
            self.name.value.strip(),
            self.destination.value,
            self.bucket.value.strip(),
            self.connection.value,
        )

    def choose(self, statuses: tuple[FileStatus, ...]) -> None:
        """Tick these, and no others."""
        for status, box in self.boxes.items():
            box.value = status in statuses

    def fields(self) -> list[Any]:
        """What a person fills in."""
        return [
            self.list, *self.choices.values(), *self.boxes.values(), self.format, self.since, self.name,
            self.destination, self.bucket, self.connection,
        ]  # fmt: skip

    def complain(self, field: str, problem: str) -> None:
        """Say what is wrong with a field, beside it, and go there."""
        self.problems[field].value = problem
        first = {"statuses": self.boxes[FileStatus.NONE], "list": self.list, "destination": self.bucket}
        focus = getattr(first.get(field, self.since), "focus", None)  # ipywidgets has it from version 8
        if focus:
            focus()

    def forgive(self) -> None:
        """Take back what was said of the fields."""
        for label in self.problems.values():
            label.value = ""

    def say(self, text: str, progress: float | None) -> None:
        """A line on what is under way; where nobody knows how far it is, the bar only moves."""
        self.line.value = text
        self.bar.value = (self.bar.value + 0.1) % 1.05 if progress is None else progress

    def show_title(self, title: str) -> None:
        """What stands on top."""
        self.title.value = title

    def follow(self, state: str, *, busy: bool, line: str) -> None:
        """What may be pressed and filled in, and what is said."""
        self._is_busy = busy
        self._enable()
        for field in self.fields():
            field.disabled = busy
        self.bar.layout.visibility = "visible" if busy else "hidden"
        self.bar.value = 0
        self.bar.bar_style = "info"
        self.line.value = line
        (self.line.add_class if state == "failed" else self.line.remove_class)("labellerr-problem")

    def _enable(self) -> None:
        """Let be pressed what can do something: nothing is exported without a status, nor loaded that is not there."""
        can = {
            "refresh": not self._is_busy,
            "run": not self._is_busy and any(box.value for box in self.boxes.values()),
            "stop": self._is_busy,
            "load": not self._is_busy and self.list.value != NEW,
        }
        for name, button in self.buttons.items():
            button.disabled = not can[name]

    def show_exports(self, exports: pd.DataFrame | None) -> None:
        """Fill the list, newest first; what is picked stays picked."""
        options = [("New export…", NEW)]
        self.destinations = {}
        for row in () if exports is None else exports.itertuples(index=False):
            when = "" if pd.isna(row.created_at) else f"{row.created_at:%Y-%m-%d %H:%M}"
            words = [
                when,
                *(str(word) for word in (row.name, row.statuses, row.format, row.state) if not pd.isna(word)),
            ]
            options.append(("  ".join(words), row.report_id))
            self.destinations[row.report_id] = None if pd.isna(row.destination) else row.destination
        if list(self.list.options) == options:
            return
        kept = self.list.value if self.list.value in [value for _, value in options] else NEW
        self.list.options = options
        self.list.value = kept

    def show_counts(self, counts: Mapping[FileStatus, int]) -> None:
        """How many files have each status, where that is known."""
        for status, count in counts.items():
            self.boxes[status].description = _caption(status, count)

    def show_failure(self, remedy: str | None, details: str) -> None:
        """What can be done about a failure; nothing is shown where there is none."""
        self.remedy.description = remedy or ""
        self.details.value = details
        for button in (self.remedy, self.more):
            _show(button, remedy is not None)
        _show(self.details, False)


def _caption(status: FileStatus, count: int | None = None) -> str:
    files = "" if count is None else f" ({count:,} file{'' if count == 1 else 's'})"
    return f"{status.value} - {status.description}{files}"


def _wide() -> Any:
    return widgets.Layout(width="98%")  # one each: what hides one control must not hide another


def _row() -> Any:
    return widgets.Layout(width="98%", height="22px", flex="0 0 auto")


def _small(text: str) -> Any:
    return widgets.Button(description=text, layout=widgets.Layout(width="auto", flex="0 0 auto"))


def _show(widget: Any, shown: bool) -> None:
    widget.layout.display = "" if shown else "none"
