"""Tracks of a video: one row for the shape of an object in each frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labellerr_ds.core import vendor
from labellerr_ds.formats.answers.rows import AnnotationRows, Row
from labellerr_ds.formats.answers.shapes import frames_of, read_shape
from labellerr_ds.formats.values import number, whole

_FRAME_KEYS = frozenset({"frame", "answer", "timestamp", "children", "attributes", "answer_id", vendor.SCREEN_RATE_KEY})


def read_track(
    track: Mapping[str, Any], track_id: str, usual: Row, rows: AnnotationRows, other_type: str | None = None
) -> Iterator[tuple[Any, Row | None, Any]]:
    """Yield the key, row and frame of each sample of a track; the row is None if its shape could not be parsed.

    Parameters
    ----------
    track : mapping with `frames`
    track_id : str
    usual : Row
        The values that all rows of the track share.
    rows : AnnotationRows
    other_type : str, optional
        A type to try if a shape is not of the type in `usual`.
    """
    for key, frame in frames_of(track["frames"]):
        sample = frame if isinstance(frame, dict) and "answer" in frame else {"answer": frame}
        index = key if sample.get("frame") is None else sample["frame"]
        row = Row(
            usual.question_id,
            usual.type,
            annotation_id=f"{track_id}@{index}",
            track_id=track_id,
            frame=whole(index),
            parent_id=usual.parent_id,
            attributes=sample.get("attributes", usual.attributes),
        )
        row.time = _time(sample, track, row.frame)
        shape = read_shape(row, sample["answer"], rows, other_type)
        if shape is None:
            yield index, None, frame
            continue
        own = {name: value for name, value in sample.items() if name not in _FRAME_KEYS}
        rows.unknown(own)
        if row.frame is None or (sample.get("timestamp") is not None and number(sample["timestamp"]) is None):
            rows.report("not_a_number", f"a frame or its timestamp is not a number, in track {track_id}.")
            own["frame"], own["timestamp"] = index, sample.get("timestamp")
        row.extra = {**(usual.extra or {}), **(row.extra or {}), **own}
        yield index, row, frame


def _time(sample: Mapping[str, Any], track: Mapping[str, Any], frame: int | None) -> float | None:
    """Return the time of a sample in seconds: its timestamp, else its frame by the rate of the sample or the track."""
    if sample.get("timestamp") is not None:
        return number(sample["timestamp"])
    rate = number(sample.get(vendor.SCREEN_RATE_KEY)) or number(track.get(vendor.SCREEN_RATE_KEY))
    return None if frame is None or not rate or rate <= 0 else frame / rate
