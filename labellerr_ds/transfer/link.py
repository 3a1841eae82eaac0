"""A signed link to a file on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labellerr_ds.disk import local_name
from labellerr_ds.errors import DownloadError
from labellerr_ds.models import SignedLink
from labellerr_ds.progress import Progress, counting
from labellerr_ds.service.transport import Body, open_link
from labellerr_ds.transfer.fetch import Stream, fetch

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
        Goes before the name that the server has for it, so that two exports never meet.
    name : str, optional
        The name of the file, instead of both.
    progress : bool or callable
        A bar of bytes, for what takes over a second; or a function that is called with the bytes so far and in all.

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
        with counting(body.length, "downloading", progress) as advance:
            fetch(_Linked(body), final, advance=advance)
    return final


class _Linked:
    """The body behind a link, which can be read once."""

    size = None
    tries = 1

    def __init__(self, body: Body) -> None:
        self._body = body
        self.what = f"downloading from {body.host}"

    def open(self, offset: int) -> Stream:
        return Stream(0, self._pieces())

    def _pieces(self) -> Iterator[tuple[bytes, int]]:
        seen = 0
        for piece in self._body.pieces(PIECE_BYTES):
            received = self._body.received()
            yield piece, received - seen
            seen = received

    def verify(self, path: Path) -> None:
        length, received = self._body.length, self._body.received()
        if length is not None and received != length:
            raise DownloadError(f"{self.what}: expected {length:,} bytes, got {received:,}. Try again.")
