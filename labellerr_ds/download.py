"""A signed link to a file on disk: streamed to a temporary name, checked, renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from labellerr_ds.errors import DownloadError
from labellerr_ds.models import SignedLink
from labellerr_ds.naming import local_name
from labellerr_ds.progress import Progress, counting
from labellerr_ds.transport import Body, open_link

PIECE_BYTES = 1 << 18


def download(
    link: SignedLink, folder: Path, *, prefix: str = "", name: str | None = None, progress: Progress = True
) -> Path:
    """Fetch a link into a folder; the file has its name only once it is whole.

    Parameters
    ----------
    link : SignedLink
    folder : Path
        Made where it is not there.
    prefix : str
        Goes before the name the server has for it, so that two exports never meet.
    name : str, optional
        What it shall be called, instead of both.
    progress : bool or callable
        A bar of bytes, for what takes over a second; or a function that is told the bytes so far and in all.

    Returns
    -------
    Path
        The file as it was served, not unpacked.

    Raises
    ------
    DownloadError
        Where it did not arrive whole; nothing stays behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open_link(link.url) as body:
        final = folder / (name or prefix + local_name(body.name))
        handle, part = tempfile.mkstemp(prefix=".part-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as out:
                _receive(body, out, progress)
            os.replace(part, final)
        except BaseException:
            os.unlink(part)
            raise
    return final


def _receive(body: Body, out: object, progress: Progress) -> None:
    with counting(body.length, "downloading", progress) as advance:
        seen = 0
        for piece in body.pieces(PIECE_BYTES):
            out.write(piece)  # type: ignore[attr-defined]
            advance(body.received() - seen)
            seen = body.received()
    if body.length is not None and body.received() != body.length:
        raise DownloadError(
            f"downloading from {body.host}: expected {body.length:,} bytes, got {body.received():,}. Try again."
        )
