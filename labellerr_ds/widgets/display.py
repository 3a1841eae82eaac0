"""What the panels share: their scripts, the guard for keys, and what is shown where a panel is not alive."""

from __future__ import annotations

import base64
import os
import sys
import threading
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_ASSETS = Path(__file__).parent / "assets"
STILL_AFTER_S = 1.0  # what is changed within this time is one change to what is saved


def script(*names: str) -> str:
    """Scripts of ours as one module, the guard before them, so that nothing is fetched from anywhere."""
    texts = [(_ASSETS / name).read_text(encoding="utf-8") for name in ("guard.js", *names)]
    return "\n".join(text.replace("export function", "function") for text in texts)


def style(*names: str) -> str:
    """Style sheets of ours as one."""
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


class PanelShell(anywidget.AnyWidget):  # type: ignore[misc]
    """An invisible child of a panel made of core widgets; without it a letter typed there would cut a cell."""

    _esm = script("shell.js")
    _css = style("shell.css")
    label = traitlets.Unicode("").tag(sync=True)


def in_vscode() -> bool:
    """Whether the notebook is VS Code's, which fetches the scripts of other widgets than ipywidgets' own."""
    return "VSCODE_PID" in os.environ or "__vsc_ipynb_file__" in _names()


def _in_colab() -> bool:
    return "COLAB_RELEASE_TAG" in os.environ


def _names() -> dict[str, Any]:
    shell = _shell()
    return shell.user_ns if shell is not None else {}


def _shell() -> Any:
    """IPython's shell where there is one with a kernel."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


class Shown:
    """How a panel is shown: the live view, and a still that a saved notebook keeps in its place.

    A notebook keeps of an output the widget's id and whatever stands beside it. GitHub, nbviewer and nbconvert
    take the picture or the text that stands beside; but JupyterLab, where the kernel is gone, says only that
    a widget is not possible. So there the still is an output of its own, which the live view hides, and which follows
    what is shown: what is saved is the last state.
    """

    model_id: str
    _still_handle: Any = None
    _still_timer: threading.Timer | None = None

    def still(self) -> tuple[str, bytes | None]:
        """Text, and a PNG or None."""
        raise NotImplementedError

    def _live(self) -> dict[str, Any]:
        return {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            }
        }

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**self._live(), **_bundle(*self.still())}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if _shell() is None or in_vscode() or _in_colab():
            display(self._repr_mimebundle_(), raw=True)  # type: ignore[no-untyped-call]
            return
        name = repr(self).partition("(")[0]  # no more than that: the state is in the still, which takes its time
        display({**self._live(), "text/plain": name}, raw=True)  # type: ignore[no-untyped-call]
        still = _bundle(*self.still())
        self._still_handle = display(still, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def _still_changed(self, _: Any = None, *, at_once: bool = False) -> None:
        """Update what is saved; a moment later where that will do, so that quick changes cost one picture."""
        if self._still_handle is None:
            return
        if self._still_timer is not None:
            self._still_timer.cancel()
        if at_once:
            self._update_still()
            return
        self._still_timer = threading.Timer(STILL_AFTER_S, self._update_still)
        self._still_timer.daemon = True
        self._still_timer.start()

    def _update_still(self) -> None:
        self._still_handle.update(_bundle(*self.still()), raw=True)


def _bundle(text: str, png: bytes | None) -> dict[str, Any]:
    return {"text/plain": text, **({} if png is None else {"image/png": base64.b64encode(png).decode("ascii")})}
