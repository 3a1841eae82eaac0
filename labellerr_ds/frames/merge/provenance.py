"""The provenance of several parts as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labellerr_ds.frames.tables import UNREAD


def unite_info(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all agree on; where they differ, the list of what they have, and the latest `exported_at`."""
    united: dict[str, Any] = {}
    for key in dict.fromkeys(key for info in infos for key in info):
        values = [info.get(key) for info in infos]
        united[key] = values[0] if all(value == values[0] for value in values) else values
    if UNREAD in united:  # objects that belong to no file, of all parts
        united[UNREAD] = [item for info in infos for item in info.get(UNREAD, [])]
    times = [info["exported_at"] for info in infos if isinstance(info.get("exported_at"), str)]
    if times:
        united["exported_at"] = max(times)
    return united
