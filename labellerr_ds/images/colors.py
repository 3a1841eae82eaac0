"""The colour of each class, the same in every plot, panel and picture: the project's own, else one of a palette."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

NO_CLASS = "(no class)"
GREY = "#9aa0a6"
OWN = "labellerr_colors"
"""Where a frame has the project's own colours in its ``attrs``: name to ``#rrggbb``."""

_NEAR = 40.0  # of 441 between black and white: a palette's colour that near to one of the project's own is passed over
_WORDS = (
    "0072b2e69f00005a00e11e6900f0b4d2b4ff4b3c5ab44b000000ffd22dff96a55a00a5a5b4969669695ad2f000b4c3c378a5e1"
    "87003c00695affa5788778b4f0e1b487008787f0f0ff001eff69c3785a1effd2e1696978695aff9669783c873cf0788769ff69"
    "b44b961e69780f3c96a5d296a5783c784b3c4b96788796962dc32d3c4b4bc37869693cb4b4c3e1a587ffc387c34bc3ff00c3a5"
    "e1c33cb40f69d2a578785a968796780096d2a5e1ff5a4b4bf01ec3e1a5b4004b695a78c387695a3c4b1e004be1784b69c3b4a5"
    "4b8787e1e1d28700ffffd2c30f4b3c69693c4b4b5ac30f2da5c34b8787005ac3d29696a5961e00ff0f4b87e1c3d2e196d2b4d2"
    "e1d2e1873c4b78874b961e2d964be12d87e1008778f069007887a5b4a5b41e784b5ab487c35a87ff0f965a00b43cd287c3a55a"
    "c369e16978698778695a5a9687782d782d690087a5c37887a57896786987ffb469a5a5e13c4b3c3c3c785a69690069e1a5f03c"
    "2da54ba596785a6987c3c3a52d5a2dc3872d96b4a500f0870f4b4b698796961ec35a4b782de1f0964b00e19696b4b4b487a5b4"
    "ff4bffc387a53ca5b4e169d2ffb4d25a784b4b7896d200c34b6978a5d2d2b4d2e1e187784b695a5a4bd2e196f0a53cb4ffc300"
    "78c31e5a3c2d873c873c5a5a698778e1784b5ad2c3c34b5a4b5a0fc38769a587d24b782d4b5a69c3f0873c78ffb4b4d25a965a"
    "ffc3a5b469b4968787e1b4b4c3e1d200960096e1f0005a96ff78a55a4b1e694b4b4b3c967887c31e4b2de1e1f01ea5693c4b69"
    "d22d878787f0002dd200e11effe1693c3cff87961ef0d2b45ad269e196c34b5a3c874b2d004bb4d2b4875af0e1692d78f0d2ff"
    "96c3e11ed2ffa50f4b9696b4c300004b4b4b4b87a587e1a596872d6978ff2d4b005a69c3963c0f8769b4873c5ac3a5e1b40fa5"
    "3c870f968778697887963c3cc31e4b1ea596d296694b875a69b4d2e1d25ab4e1b478b4b4ffa50fa5f0e196b4965a1ed29669d2"
    "784ba596f0c3b4875a78695ac396f0786969a5d2c3c32d69c3a5b4e1964b008796ff4ba5a53c4bb4a5003c5a878778e1a5c396"
    "69e1ffff00f07869780fe15aa587a5783c2d87784bd2d278e17878780fc37869d278b4c34b2da5a5a596962d1e78876978965a"
    "c300f0b47800695ad2875a1effb4c378963c872da5c3c34bb4692d2d4b8778a54ba578d2e1e1a54ba587a500f069a5c300c387"
    "87d2783c4ba54b69a569a59600785a9600780fb4874b696996783c5a3c5ad24ba5e1699687e14bd2c3f0783cf0d2005affb400"
    "5a873c00e1b400f0d2c3d296005ae15a69f05ad22db45a00c3a587a5c3f0f05a1eb45aa5003cc378784b877887a5a5693c96e1"
    "4b78006996b4f0c387783c9696c35a69b40f78693c5ae187870f5a1e782dff2d873c78c3870f00005ac37869a52d4b4b69f01e"
    "d2003c2d2df0e15a78007878691ea5b40f8778f0d2c31e7896f078f0d2f05ae1e12d691e69f0a5b4a54bb4e1964b3cd2f08700"
    "4b96ff1eb4962d78694b5ab40f692d4b4b78b478f0d24b4b005a3c69a52db40fd25a00ff3c9696d2e1d2ff4be12d4b3cd24b78"
    "d2b4a54bff8700872db4e1c3d2873cc387f03cd2a500b469c3b4d27878b4e1e15a783c000f3ce1ff1e69964b96ff4b8778e169"
    "ffd22d1ee196695a961eb43c0087d2694bffe196694be1c3e15ae15ad2b4c3a578f0e14b788787964b2d5a96c3ffb4b4e1875a"
    "0f00e1f0e1960f5a1ee10078694b1e3cb45ae10f00f00f78f04b2d005a2d96a5b4ffd2ff4b5ad25a9669f0005ab45ac3a5d25a"
    "3c5a69a54b69e14b692d3c873c4bf069c3c300965ab4c3001eb4a5f00f2df00096ff87873c1ec3a5d21e4b3c78960f3ce1d2ff"
    "87690ff000ffd21e2dd2962da51e5a3c8778695a875a2d87b4c369962d78a52dff3c5a3cff872de12d87c3e169b45af05aa54b"
    "e10f3c5ab47896b4f01ec3d22d69b45ab44b5a4ba50f694b00783c965ae196a5c3e1005a4ba5695a2df000b4fff087d23c69e1"
    "c33c7887004b2d874bd20f960078003c69c31ec37878875aa5a5ffc33c1ef0c3f04b87690f696987b4a53c69009669f0d2c3b4"
    "3c4b0f4bc3e1b4b43c2d5a0f87e100c34b693c1ee18796c32d96b47869b4b45a3c87693c9696d23ce1d2a50000ff2db4872d5a"
    "ffc34b3c692d"
)
PALETTE = tuple(f"#{_WORDS[at : at + 6]}" for at in range(0, len(_WORDS), 6))
"""Each colour is the farthest from all before it, with deuteranopia too; ``scripts/palette.py`` makes it."""


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
        if not pd.isna(name) and (clean := _clean(color)) is not None:
            colors.setdefault(str(name), clean)
    return colors


def _clean(color: Any) -> str | None:
    """``#rrggbb`` in lower case; None for what is no such colour."""
    text = color.strip().lower() if isinstance(color, str) else ""
    if len(text) == 4 and text.startswith("#"):
        text = "#" + "".join(2 * letter for letter in text[1:])
    is_color = len(text) == 7 and text[0] == "#" and all(letter in "0123456789abcdef" for letter in text[1:])
    return text if is_color else None


@lru_cache(maxsize=64)
def _colors(names: tuple[str, ...], own: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    fixed = dict(own)
    taken = np.array([rgb(fixed[name]) for name in names if name in fixed]).reshape(-1, 3)
    free = [color for color in PALETTE if not len(taken) or _distance(taken, color) > _NEAR] or list(PALETTE)
    places = iter(range(len(names)))
    return tuple((name, fixed.get(name) or free[next(places) % len(free)]) for name in dict.fromkeys(names))


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
