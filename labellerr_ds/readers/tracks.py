"""Tracks of a video: an object's shape in each frame, a row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labellerr_ds.readers.rows import AnnotationRows, Row
from labellerr_ds.readers.shapes import frames_of, read_shape
from labellerr_ds.readers.values import number, whole

_FRAME_KEYS = frozenset({"frame", "answer", "timestamp", "children", "attributes", "answer_id"})


def track_rows(track: Mapping[str, Any], track_id: str, usual: Row, rows: AnnotationRows) -> Iterator[tuple[Row, Any]]:
    """The rows of a track, each with the questions asked about it.

    Parameters
    ----------
    track : mapping with `frames`
    track_id : str
    usual : Row
        What all rows of the track share.
    """
    for key, frame in frames_of(track["frames"]):
        if not isinstance(frame, dict) or "answer" not in frame:
            frame = {"answer": frame}
        own = {name: value for name, value in frame.items() if name not in _FRAME_KEYS}
        rows.unknown(own)
        index = key if frame.get("frame") is None else frame["frame"]
        row = Row(
            usual.question_id,
            usual.type,
            annotation_id=f"{track_id}@{index}",
            track_id=track_id,
            frame=whole(index),
            time=number(frame.get("timestamp")),
            parent_id=usual.parent_id,
            attributes=frame.get("attributes", usual.attributes),
        )
        if row.frame is None or (frame.get("timestamp") is not None and row.time is None):
            rows.report("not_a_number", f"a frame or its timestamp is not a number, in track {track_id}.")
            own["frame"], own["timestamp"] = index, frame.get("timestamp")
        row.extra = {**(usual.extra or {}), **own}
        yield read_shape(row, frame["answer"], rows), frame.get("children")
