"""What the viewer sends to the browser: a file's shapes in typed buffers, and its picture."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from labellerr_ds import images as pictures
from labellerr_ds import masks, rasters

LONGEST = 2048  # pixels of a picture's longer side, as it is sent
NO_SIZE = (640, 480)


class Packet(NamedTuple):
    """A message and its buffers: picture, float32 coordinates, int32 runs."""

    message: dict[str, Any]
    buffers: list[bytes]


def packet(
    frame: pd.DataFrame,
    classes: dict[str, int],
    name: str,
    size_wh: tuple[int, int] | None,
    picture: tuple[bytes, tuple[int, int]] | None,
    marks: dict[int, tuple[str, str]],
    *,
    wanted: bool,
) -> Packet:
    """One file.

    Parameters
    ----------
    frame : its annotations
    classes : the place of each class's name
    name : str
    size_wh : (int, int) or None
        As the export tells it; coordinates are in it.
    picture : (bytes, (width, height)) or None
    marks : mapping of positions in `frame` to (word, colour)
        What a comparison says of a row.
    wanted : bool
        Whether there should be a picture.
    """
    size = size_wh or (picture[1] if picture else NO_SIZE)
    warning = ""
    if picture and size_wh and picture[1] != size_wh:
        warning = f"The image has {picture[1][0]} x {picture[1][1]} pixels, the export tells {size[0]} x {size[1]}."
    if picture is None and wanted:
        warning = "The image is not there, or cannot be opened: annotations are drawn on grey."
    xy: list[float] = []
    runs: list[np.ndarray[Any, np.dtype[np.int32]]] = []
    count = 0
    told = []
    names = frame["category"].astype(object).where(frame["category"].notna(), "(no class)")
    for position, (shape, label, row) in enumerate(zip(rasters.shapes(frame), names, frame.index, strict=True)):
        entry = _shape(shape, xy, count)
        if entry is None:
            continue
        if entry["kind"] == "mask":
            lengths = masks.checked_counts(shape.segmentation).astype(np.int32)
            runs.append(lengths)
            count += len(lengths)
            entry["length"] = len(lengths)
        word, color = marks.get(position, ("", ""))
        box = [float(side) for side in shape.box] if np.isfinite(shape.box).all() else None
        text = f"{word}: {label}" if word else str(label)
        size_told = f", {shape.box[2]:g} x {shape.box[3]:g} px" if box else ""
        entry.update(
            row=int(row) if isinstance(row, int | np.integer) else position,
            cls=classes[str(label)], label=text, told=f"{text}{size_told}, {shape.type}", box=box,
        )  # fmt: skip
        if color:
            entry["color"] = color
        told.append(entry)
    message = {"kind": "file", "name": name, "width": size[0], "height": size[1], "shapes": told, "warning": warning}
    joined = np.concatenate(runs) if runs else np.zeros(0, dtype=np.int32)
    return Packet(message, [picture[0] if picture else b"", np.array(xy, dtype=np.float32).tobytes(), joined.tobytes()])


def _shape(shape: rasters.Shape, xy: list[float], runs: int) -> dict[str, Any] | None:
    """How the browser draws it; its coordinates go to the end of `xy`. None for what does not hold together."""
    try:
        if shape.type == "mask":
            masks.checked_counts(shape.segmentation)
            return {"kind": "mask", "size": [int(side) for side in shape.segmentation["size"]], "start": runs}
        if shape.type in ("point", "keypoints"):
            points = shape.segmentation if shape.type == "keypoints" else list(shape.box[:2])
            start = len(xy)
            xy.extend(map(float, points if isinstance(points, list) else []))
            return {"kind": "points", "start": start, "length": len(xy) - start}
        lines = [shape.segmentation] if shape.type == "polyline" else rasters.rings_of(shape, turned=True)
        parts = []
        for ring in lines:
            if not isinstance(ring, list) or len(ring) < 4:
                continue
            parts.append([len(xy), len(ring) // 2 * 2])
            xy.extend(map(float, ring[: len(ring) // 2 * 2]))
    except masks.BROKEN:
        return None
    kind = {"polyline": "line", "bbox": "box"}.get(shape.type, "polygon")
    return {"kind": kind, "parts": parts} if parts else None


def read_picture(source: Path | bytes, size_wh: tuple[int, int] | None) -> tuple[bytes, tuple[int, int]] | None:
    """The bytes for the browser, and the picture's own size in the frame of the labels; None where it is none."""
    try:
        body = source if isinstance(source, bytes) else source.read_bytes()
        with Image.open(io.BytesIO(body)) as raw:
            plain = raw.format in ("JPEG", "PNG") and max(raw.size) <= LONGEST and not raw.getexif().get(0x0112)
            if plain:
                return body, raw.size  # as it is: the browser decodes it, and says where it cannot
        image = pictures.open_image(io.BytesIO(body), *(size_wh or (None, None)))
        size = image.size
        image = image.convert("RGB")
        image.thumbnail((LONGEST, LONGEST))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=88)
    except pictures.UNREADABLE:
        return None
    return out.getvalue(), size


def link_reader(project: Any) -> Callable[[str], bytes | None]:
    """Fetches a file's image through its signed link, which never leaves Python."""
    from labellerr_ds.errors import LabellerrError
    from labellerr_ds.transport import open_link

    def read(file_id: str) -> bytes | None:
        try:
            (link,) = project.file_links([file_id])
            with open_link(link.url) as body:
                return b"".join(body.pieces(1 << 18))
        except LabellerrError:
            return None

    return read
