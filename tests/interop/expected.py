"""What a reader must find; imported by the readers, which run where labellerr_ds is not."""

from __future__ import annotations

import json
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def compare(found: list, images: int, what: str, *, boxes: float = 0.01, areas: float | None = 0.01) -> None:
    """`found`: (file, category, box x y w h, area or None) of each annotation."""
    assert images == EXPECTED["images"], (images, EXPECTED["images"])
    told = sorted((each["file"], each["category"], *each["bbox"], each["area"]) for each in EXPECTED["annotations"])
    found = sorted((pathlib.Path(str(file)).name, name, *map(float, box), area) for file, name, box, area in found)
    assert len(found) == len(told), f"{what}: {len(found)} annotations, expected {len(told)}"
    for mine, theirs in zip(found, told, strict=True):
        assert mine[:2] == theirs[:2], (mine, theirs)
        assert all(abs(a - b) <= boxes for a, b in zip(mine[2:6], theirs[2:6], strict=True)), (mine, theirs)
        if areas is not None and mine[6] is not None:
            assert abs(mine[6] - theirs[6]) <= areas * max(1.0, theirs[6]), (mine, theirs)
    print(f"{what}: {images} images, {len(found)} annotations, equal boxes" + ("" if areas is None else " and areas"))
