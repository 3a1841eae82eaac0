"""The colour of each class, the same in every plot, panel and picture: the project's own, else one of a palette."""

from __future__ import annotations

import colorsys
import itertools
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

NO_CLASS = "(no class)"
GREY = "#9aa0a6"
OWN = "labellerr_colors"
"""Where a frame has the project's own colours in its ``attrs``: name to ``#rrggbb``."""

_NEAR = 40.0  # of 441 between black and white: a palette's colour that near to one of the project's own is passed over
PALETTE = (
    "#0072b2", "#e69f00", "#005a00", "#e11e69", "#00f0b4", "#d2b4ff", "#4b3c5a", "#b44b00", "#0000ff", "#d22dff",
    "#96a55a", "#00a5a5", "#b49696", "#69695a", "#d2f000", "#b4c3c3", "#78a5e1", "#87003c", "#00695a", "#ffa578",
)  # fmt: skip
"""Colours for the first classes: CIEDE2000 of at least 15 between any two, and 8 with deuteranopia."""
_GOLDEN = (5**0.5 - 1) / 2  # of a turn between two hues, so that no two come close


def class_colors(names: Iterable[object], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """A colour for each class, in the order in which they are given.

    Parameters
    ----------
    names : iterable
        All classes of a dataset, in its order, so that a part of it has the same colours.
    own : mapping of name to ``#rrggbb``, optional
        The project's.

    Examples
    --------
    >>> class_colors(["car", "tree"], {"tree": "#00ff00"})
    {'car': '#0072b2', 'tree': '#00ff00'}
    """
    return dict(_colors(tuple(map(str, names)), tuple((own or {}).items())))


def colors_of(frame: pd.DataFrame) -> dict[str, str]:
    """The colours of the classes of an annotations frame, and of those of the dataset that it is a part of."""
    column = frame["category"]
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    names = column.cat.categories if categorical else pd.unique(column.dropna())
    return {**class_colors(names, frame.attrs.get(OWN)), NO_CLASS: GREY}


def own_colors(categories: pd.DataFrame) -> dict[str, str]:
    """The project's own colours by class, of two classes of one name the first's."""
    colors: dict[str, str] = {}
    for name, color in zip(categories["name"], categories["color"], strict=True):
        if not pd.isna(name) and (clean := hex_color(color)) is not None:
            colors.setdefault(str(name), clean)
    return colors


@lru_cache(maxsize=64)
def _colors(names: tuple[str, ...], own: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    fixed = dict(own)
    taken = np.array([rgb(fixed[name]) for name in names if name in fixed]).reshape(-1, 3)
    free = (color for color in _endless() if not len(taken) or _distance(taken, color) > _NEAR)
    return tuple((name, fixed.get(name) or next(free)) for name in dict.fromkeys(names))


def _endless() -> Iterator[str]:
    """Yield the palette, and after it colours by hue, lightness and saturation that differ from each other."""
    yield from PALETTE
    for number in itertools.count():
        lightness, saturation = (0.35, 0.5, 0.65)[number % 3], (0.85, 0.5)[number // 3 % 2]
        parts = colorsys.hls_to_rgb(number * _GOLDEN % 1, lightness, saturation)
        yield "#{:02x}{:02x}{:02x}".format(*(round(part * 255) for part in parts))


def _distance(taken: Any, color: str) -> float:
    return float(np.sqrt(((taken - np.array(rgb(color))) ** 2).sum(axis=1)).min())


def rgb(color: str) -> tuple[int, int, int]:
    """``#rrggbb`` as three numbers."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def ink(color: str) -> str:
    """Black or white, whichever is read on a colour.

    Notes
    -----
    By the contrast of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    """
    parts = (part / 255 for part in rgb(color))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def hex_color(color: object) -> str | None:
    """``#rrggbb`` from ``[r, g, b]`` or from such a text; None for what is neither.

    Examples
    --------
    >>> hex_color([95, 158, 160]), hex_color("#5F9EA0"), hex_color("teal")
    ('#5f9ea0', '#5f9ea0', None)
    """
    if isinstance(color, str):
        digits = color.strip().lower().removeprefix("#")
        digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
        return f"#{digits}" if len(digits) == 6 and not set(digits) - set("0123456789abcdef") else None
    if isinstance(color, list | tuple) and len(color) >= 3:
        parts = [part for part in color[:3] if isinstance(part, int) and 0 <= part < 256]
        return "#{:02x}{:02x}{:02x}".format(*parts) if len(parts) == 3 else None
    return None
