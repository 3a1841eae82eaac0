"""A project's images through their signed links, fetched in Python: no link ever reaches the browser."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from labellerr_ds.core.errors import LabellerrError
from labellerr_ds.service.project import Project, endpoints_of
from labellerr_ds.storage.images import LARGEST_BYTES
from labellerr_ds.storage.signed_link import read_link

AT_ONCE = 8
KEPT = 64  # images; those asked for longest ago go first


class LinkedImages:
    """Images by file id, several on their way at a time.

    Parameters
    ----------
    project : Project
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="labellerr-images")
        self._coming: dict[str, Future[bytes | None]] = {}
        self._lock = threading.Lock()

    def ahead(self, file_ids: Sequence[str]) -> list[Future[bytes | None]]:
        """Begin to fetch those that are not there yet; their links are asked for together."""
        with self._lock:
            missing = [file_id for file_id in dict.fromkeys(file_ids) if file_id not in self._coming]
            links = self._pool.submit(self._links, missing) if missing else None
            for place, file_id in enumerate(missing):
                self._coming[file_id] = self._pool.submit(self._fetch, links, place)
            futures = [self._coming[file_id] for file_id in file_ids]
            for file_id in file_ids:
                self._coming[file_id] = self._coming.pop(file_id)  # now it is the one asked for last
            for file_id in list(self._coming)[: max(0, len(self._coming) - KEPT)]:
                if self._coming[file_id].done():
                    del self._coming[file_id]
        return futures

    def image(self, file_id: str) -> bytes | None:
        """One image; None where it cannot be had."""
        return self.ahead([file_id])[0].result()

    def forget(self, file_id: str) -> None:
        """Ask again the next time: a link may have expired, or the network be back."""
        with self._lock:
            self._coming.pop(file_id, None)

    def close(self) -> None:
        """Fetch no more, and keep nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._coming.clear()

    def _links(self, file_ids: list[str]) -> list[str | None]:
        try:
            return [link.url for link in endpoints_of(self._project).file_links(file_ids)]
        except LabellerrError:
            if len(file_ids) == 1:
                return [None]
            return [self._links([file_id])[0] for file_id in file_ids]  # one unknown id must not cost the others

    def _fetch(self, links: Future[list[str | None]] | None, place: int) -> bytes | None:
        url = links.result()[place] if links else None
        if url is None:
            return None
        return read_link(url, LARGEST_BYTES)
