"""What the panels share: their scripts, and the guard that keeps keys from JupyterLab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


def script(name: str) -> str:
    """A script of ours as one module: the guard goes before it, so that nothing is fetched from anywhere."""
    guard = (_HERE / "guard.js").read_text(encoding="utf-8").replace("export function", "function")
    return guard + (_HERE / name).read_text(encoding="utf-8")


def style(name: str) -> str:
    """A style sheet of ours."""
    return (_HERE / name).read_text(encoding="utf-8")


class PanelShell(anywidget.AnyWidget):  # type: ignore[misc]
    """An invisible child of a panel made of core widgets; without it a letter typed there would cut a cell."""

    _esm = script("shell.js")
    label = traitlets.Unicode("").tag(sync=True)


def with_fallback(bundle: Any, text: str, png: bytes | None = None) -> Any:
    """A widget's mimebundle with what is shown where the widget is not: plain text, and a picture."""
    import base64

    data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
    data = {**data, "text/plain": text}
    if png is not None:
        data["image/png"] = base64.b64encode(png).decode("ascii")
    return data, metadata
