"""Frames of several exports as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from labellerr_ds import schema


def unite_frames(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows in the order of the frames; the categories of category columns are united."""
    infos = [frame.attrs.get("labellerr", {}) for frame in frames]
    plain = []
    for frame in frames:
        bare = frame.copy(deep=False)
        bare.attrs = {}
        plain.append(bare)
    for name in frames[0].columns:
        columns = [frame[name] for frame in plain if name in frame]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
            words = list(dict.fromkeys(word for column in columns for word in column.cat.categories))
            for frame in plain:
                if name in frame:
                    codes = np.array([words.index(word) for word in frame[name].cat.categories] + [-1])
                    frame[name] = schema.categorical(codes[frame[name].cat.codes], words)
    joined = pd.concat(plain, ignore_index=True)
    joined.attrs = {"labellerr": unite_info(infos)}
    return joined


def unite_info(infos: list[dict[str, Any]]) -> dict[str, Any]:
    """What all agree on; where they differ, the list of what they say."""
    united: dict[str, Any] = {}
    for key in dict.fromkeys(key for info in infos for key in info):
        values = [info.get(key) for info in infos]
        united[key] = values[0] if all(value == values[0] for value in values) else values
    return united
