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
        "native_floor", faster=3),
    Job("native json to a frame, json_normalize", NATIVE, 250_000, 5_000, "native_ours", "native_json_normalize",
        faster=5, memory=0.6, equal=False),
    Job("csv to a typed frame", inputs.csv_table, 100_000, 4_000, "csv_ours", "csv_loop", "csv_polars", "csv_floor",
        faster=2),
    Job("coco_json to a frame", COCO, 430_000, 5_000, "coco_ours", "coco_json_normalize", "coco_polars", "coco_floor",
        faster=10, memory=0.45, equal=False),
    Job("coco_json to a frame, every polygon read", COCO, 430_000, 5_000, "polygons_ours", "polygons_json_normalize",
        faster=5, memory=0.6),
    Job("coco_json to a COCO object", COCO, 430_000, 5_000, "object_ours", "object_pycocotools", "object_msgspec",
        faster=4, memory=1),
    Job("label map to RLE, 2 megapixels", _labels, 1_150, 300, "masks_ours", "masks_loop", None, "masks_floor",
        faster=9),
    Job("label map to RLE, 24 megapixels", _labels, 4_000, 400, "masks_ours", "masks_loop", None, "masks_floor",
        faster=18),
    Job("RGB mask to classes", _colors, 1_150, 300, "colors_ours", "colors_loop", faster=50),
    Job("frame to coco_json on disk", COCO, 430_000, 5_000, "write_coco_ours", "write_coco_json_dump", faster=5),
    Job("frame to YOLO", COCO, 86_000, 5_000, "write_yolo_ours", "write_yolo_loop", faster=3),
    Job("rows filtered, then the shapes of 1,000", COCO, 1_000_000, 20_000, "filter_ours", "filter_lists", faster=5),
    Job("check", COCO, 86_000, 5_000, "check_ours"),
    Job("compare", COCO, 86_000, 5_000, "compare_ours"),
    Job("100 annotations, 20 reads", COCO, 100, 100, "small_ours", "small_json_normalize", equal=True),
    Job("import", _nothing, 1, 1, "import_ours", "import_pandas", equal=False),
)  # fmt: skip
