"""Makes the palette of labellerr_ds/images/colors.py: python scripts/palette.py

One colour after the other, each the farthest (CIEDE2000) from all before it, for usual colour vision and with
deuteranopia, where distances count twice as much; and not too near to white, black and the grey of missing images.
"""

from __future__ import annotations

import itertools

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

COUNT, PER_LINE = 512, 17
FIRST = [(0, 114, 178), (230, 159, 0)]  # Okabe and Ito (2008): blue, orange
AVOIDED = [(255, 255, 255), (0, 0, 0), (128, 132, 138)]
# Machado, Oliveira and Fernandes (2009), deuteranopia, severity 1, of linear RGB
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def linear(rgb: np.ndarray) -> np.ndarray:
    """SRGB, 0 to 1, without its gamma."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def gamma(rgb: np.ndarray) -> np.ndarray:
    """The way back."""
    rgb = rgb.clip(0, 1)
    return np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)


def seen(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lab of colours, ``(N, 3)`` from 0 to 255, as usual and with deuteranopia."""
    unit = np.asarray(rgb, dtype=float) / 255
    return rgb2lab(unit), rgb2lab(gamma(linear(unit) @ DEUTERANOPIA.T))


def main() -> None:
    """Print the constant."""
    steps = range(0, 256, 15)
    candidates = np.array(list(itertools.product(steps, steps, steps)))
    lab, other = seen(candidates)
    usable = (lab[:, 0] > 28) & (lab[:, 0] < 90)
    candidates, lab, other = candidates[usable], lab[usable], other[usable]
    nearest = np.full(len(candidates), np.inf)

    def keep_away(color: tuple[int, int, int], weight: float = 1.0) -> None:
        mine, theirs = seen(np.array([color]))
        apart = np.minimum(deltaE_ciede2000(lab, mine), 2 * deltaE_ciede2000(other, theirs))
        np.minimum(nearest, apart * weight, out=nearest)

    for color in AVOIDED:
        keep_away(color, 1.5)
    chosen = list(FIRST)
    for color in chosen:
        keep_away(color)
    while len(chosen) < COUNT:
        best = tuple(candidates[int(nearest.argmax())].tolist())
        chosen.append(best)
        keep_away(best)
    words = ["".join(f"{part:02x}" for part in color) for color in chosen]
    for start in range(0, COUNT, PER_LINE):
        print(f'    "{"".join(words[start : start + PER_LINE])}"')
    twenty = seen(np.array(chosen[:20]))
    pairs = list(itertools.combinations(range(20), 2))
    for name, values in zip(("usual", "deuteranopia"), twenty, strict=True):
        print("#", name, min(float(deltaE_ciede2000(values[one], values[two])) for one, two in pairs))


if __name__ == "__main__":
    main()
