"""What processes of a cluster write down for each other."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from typing import Any

from labellerr_ds.distributed.shared_folder import SharedFolder


def dump(folder: SharedFolder, name: str, value: Any) -> None:
    """Write a value to a file of the folder."""
    with folder.writing(name) as path:
        path.write_bytes(zlib.compress(pickle.dumps(value), 1))


def load(folder: SharedFolder, names: Sequence[str]) -> list[Any]:
    """The values of files.

    Raises
    ------
    ReadError, NotFoundError
        Where one of them is gone.
    """
    with folder.reading(names) as paths:
        return [pickle.loads(zlib.decompress(path.read_bytes())) for path in paths]
