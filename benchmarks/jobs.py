"""What is measured: each job with its input, its ways, and what is aimed at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import inputs

Make = Callable[[Path, int], None]


@dataclass(frozen=True)
class Job:
    """A job, and the ways to do it.

    Attributes
    ----------
    name : str
    make : function of a path and a size
        Writes the input.
    size, quick : int
        Annotations, rows, or pixels down.
    ours, today : str
        Names in `ways`; the results of these two are equal, or something is wrong.
    best : str or None
        The best library for the job.
    floor : str or None
        What cannot be gone below.
    faster, memory : float or None
        How many times faster than `today` it is to be, and at what part of its memory at most.
    equal : bool
        Whether `today` gives the same result; json_normalize stops before that.
    why : str
        Where the aim is not met: what takes the time, and what would help.
    """

    name: str
    make: Make
    size: int
    quick: int
    ours: str
    today: str | None = None
    best: str | None = None
    floor: str | None = None
    faster: float | None = None
    memory: float | None = None
    equal: bool = True
    why: str = ""

    @property
    def ways(self) -> dict[str, str]:
        """The names in `ways` by their part."""
        parts = {"ours": self.ours, "today": self.today, "best library": self.best, "floor": self.floor}
        return {part: way for part, way in parts.items() if way}


def _labels(path: Path, height: int) -> None:
    np.save(path.open("wb"), inputs.blobs(height, height * 3 // 2, 18 if height > 2000 else 11))


def _colors(path: Path, height: int) -> None:
    np.save(path.open("wb"), inputs.colors(inputs.blobs(height, height * 3 // 2, 18)))


def _nothing(path: Path, size: int) -> None:
    path.touch()


NATIVE, COCO = inputs.native_json, inputs.coco_json
JOBS = (
    Job("native json to a frame", NATIVE, 250_000, 5_000, "native_ours", "native_loop", "native_orjson_loop",
        "native_floor", faster=3,
        why="Half of the time is Python objects by the answer: a block of rows, its ids, the text of each polygon. "
            "Decoding alone takes a third."),
    Job("native json to a frame, json_normalize", NATIVE, 250_000, 5_000, "native_ours", "native_json_normalize",
        faster=5, memory=0.6, equal=False, why="As above."),
    Job("csv to a typed frame", inputs.csv_table, 100_000, 4_000, "csv_ours", "csv_loop", "csv_polars", "csv_floor",
        faster=2,
        why="The loop gives nested lists in a column. Ours looks at each quote (readers differ on odd ones), makes a "
            "text of each cell, and rows with box, area and id of the answers. Files from Arrow's columns instead of "
            "texts would be next."),
    Job("coco_json to a frame", COCO, 430_000, 5_000, "coco_ours", "coco_json_normalize", "coco_polars", "coco_floor",
        faster=10, memory=0.45, equal=False,
        why="A fifth is decoding to structs, a fifth the search for brackets that lets a file of any size be read in "
            "pieces, a fifth `finish` (ids, duplicates, dangling references over all rows), the rest columns from "
            "the structs. json_normalize does none of it."),
    Job("coco_json to a frame, every polygon read", COCO, 430_000, 5_000, "polygons_ours", "polygons_json_normalize",
        faster=5, memory=0.6, why="As above; the polygons themselves take 0.6 s in any decoder."),
    Job("coco_json to a COCO object", COCO, 430_000, 5_000, "object_ours", "object_pycocotools", "object_msgspec",
        faster=4, memory=1,
        why="The floor is msgspec's decoding to dicts with the collector off, and it is at four times itself. Ours "
            "reads to a Dataset first, which stays: its texts are what is more in memory."),
    Job("label map to RLE, 2 megapixels", _labels, 1_150, 300, "masks_ours", "masks_loop", "masks_rlemasklib",
        "masks_floor", faster=9,
        why="The more labels a mask has the larger the ratio: the loop goes over all pixels for each."),
    Job("label map to RLE, 24 megapixels", _labels, 4_000, 400, "masks_ours", "masks_loop", "masks_rlemasklib",
        "masks_floor", faster=18,
        why="The transpose, from rows to the columns of RLE, is nearly all of it (the floor)."),
    Job("RGB mask to classes", _colors, 1_150, 300, "colors_ours", "colors_loop", faster=50,
        why="The loop compares 19 colours here; the ratio grows with the colours, since ours looks at a pixel once."),
    Job("frame to coco_json on disk", COCO, 430_000, 5_000, "write_coco_ours", "write_coco_json_dump", faster=5),
    Job("frame to YOLO", COCO, 86_000, 5_000, "write_yolo_ours", "write_yolo_loop", "write_yolo_pylabel",
        "write_yolo_floor", faster=3,
        why="A file an image: making the files (the floor) is most of both."),
    Job("rows filtered, then the shapes of 1,000", COCO, 1_000_000, 20_000, "filter_ours", "filter_lists", faster=5),
    Job("check", COCO, 86_000, 5_000, "check_ours", "check_loop", equal=False),
    Job("compare with itself", COCO, 86_000, 5_000, "compare_ours", "compare_loop"),
    Job("100 annotations, 20 reads", COCO, 100, 100, "small_ours", "small_json_normalize", equal=True),
    Job("import", _nothing, 1, 1, "import_ours", "import_pandas", equal=False),
)  # fmt: skip
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
GROWING = tuple(
    job for job in JOBS if job.name in ("native json to a frame", "csv to a typed frame", "coco_json to a frame")
)
"""Jobs that are measured at each of the sizes."""
