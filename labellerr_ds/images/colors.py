"""One colour for each class, the same in every plot and panel: it follows from the name alone."""

from __future__ import annotations

import colorsys
import hashlib

OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b3a400")
"""Okabe and Ito (2008), told apart with any kind of colour vision; their yellow darker, to be seen on white."""

SALT = 530
"""Of thousands the one by which names that are common in street scenes and photographs come out far apart."""

HUES, SHADES = 13, (0.0, 0.16, -0.15)


def class_color(name: object) -> str:
    """``#rrggbb`` of a class.

    Examples
    --------
    >>> class_color("car") == class_color("car")
    True
    """
    number = int.from_bytes(hashlib.sha256(f"{SALT}{name}".encode()).digest()[:4], "big")
    place, number = number % (len(OKABE_ITO) + HUES), number // (len(OKABE_ITO) + HUES)
    if place < len(OKABE_ITO):
        base = OKABE_ITO[place]
        red, green, blue = (int(base[start : start + 2], 16) / 255 for start in (1, 3, 5))
        hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    else:
        hue, light, saturation = (place - len(OKABE_ITO)) / HUES, 0.44, 0.6
    light = min(0.78, max(0.22, light + SHADES[number % len(SHADES)]))
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, light, saturation))
