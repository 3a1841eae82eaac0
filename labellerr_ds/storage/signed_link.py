"""A signed link to a file on disk."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Generator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from labellerr_ds.core.disk import local_name, new_folder
from labellerr_ds.core.errors import DownloadError, LinkExpiredError, warn
from labellerr_ds.core.models import SignedLink
from labellerr_ds.core.progress import ProgressOption, tracked
from labellerr_ds.service.transport import LinkAnswer, LinkBrokenError, host_of, links, seconds_of
from labellerr_ds.storage.checksums import crc32c_of, md5_of
from labellerr_ds.storage.content_encoding import BrokenCodingError, gunzipped
from labellerr_ds.storage.fetch import BrokenStreamError, DamagedError, Stream, fetch

CHUNK_BYTES = 1 << 18  # from the network at a time
RENEWALS = 3  # in a row that bring nothing
SOON = timedelta(seconds=5)
_EXPIRED = re.compile(r"expired|expiredtoken", re.IGNORECASE)
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml[^>]*>\s*<(error|html)|<error[ >])", re.IGNORECASE)


class Downloaded(NamedTuple):
    """A file that came.

    Attributes
    ----------
    path : Path
    is_verified : bool
        Whether a length, a checksum, or its own form proves that it is whole.
    """

    path: Path
    is_verified: bool


def download(
    link: SignedLink,
    folder: Path,
    *,
    prefix: str = "",
    name: str | None = None,
    progress: ProgressOption = True,
    renew: Callable[[], SignedLink] | None = None,
) -> Downloaded:
    """Fetch a link into a folder; the file has its name only once it is whole.

    Where the line breaks it goes on from there, also in a process that comes after one that was killed, as long as the
    store says by its ETag that it is the same file. An MD5 or CRC32C that the store tells is verified.

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
    renew : callable, optional
        Gives a new link where this one is refused or expired.

    Returns
    -------
    Downloaded
        The file as it was served, transfer coding undone, not unpacked.

    Raises
    ------
    DownloadError
        Where it did not arrive whole, or is a page of a server instead; nothing stays behind.
    LinkExpiredError
        Where links expire faster than the file comes.
    """
    new_folder(folder)
    with links() as ask:
        store = _Linked(link, ask, renew)
        store.prepare()
        final = folder / (name or prefix + local_name(store.name))
        with tracked(store.size, "downloading", progress) as advance:
            fetch(store, final, advance=advance)
    verified = store.is_verifiable or _proves_its_end(final)
    if not verified:
        warn(
            f"{store.what}: the server sent neither a length nor a checksum, and the form of {final.name} does not "
            "prove that it is whole."
        )
    return Downloaded(final, verified)


class _Linked:
    """What is behind a link, as `fetch` takes it."""

    def __init__(
        self, link: SignedLink, ask: Callable[..., LinkAnswer], renew: Callable[[], SignedLink] | None
    ) -> None:
        self._link, self._ask, self._renew = link, ask, renew
        self._renewals = self._refusals = 0
        self._waiting: LinkAnswer | None = None
        self.what, self.name = f"downloading from {host_of(link.url)}", ""
        self._forget()

    def _forget(self) -> None:
        """What is known of the file is what the first answer of a new beginning tells."""
        self.size: int | None = None
        self.etag: str | None = None
        self.is_verifiable = False
        self._md5: bytes | None = None
        self._crc32c: bytes | None = None
        self._wire = hashlib.md5(usedforsecurity=False)  # of a coded body, whose checksum may be of either form

    @property
    def key(self) -> str | None:
        """Of a file whose version is certain: where it lies, and its ETag."""
        if self.etag is None or self.etag.startswith("W/") or self.size is None:
            return None
        return json.dumps([host_of(self._link.url), urlsplit(self._link.url).path, self.etag, self.size])

    def prepare(self) -> None:
        """Ask for the file, so that its name and size are known before a byte of it is read."""
        for last in (False,) * 5 + (True,):
            try:
                self._waiting = self._answered(0)
                return
            except BrokenStreamError as problem:
                if last:
                    raise DownloadError(f"{self.what}: {problem.reason}.", hint="try again") from None

    def open(self, offset: int) -> Stream:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not offset:
            return Stream(0, self._pieces(waiting))
        if waiting is not None:
            waiting.close()
        answer = self._answered(offset)
        return Stream(answer.range[0] if answer.range else 0, self._pieces(answer))

    def _answered(self, offset: int) -> LinkAnswer:
        """An answer with bytes from the offset on, or from the beginning."""
        self._renew_in_time()
        if self.etag is None or self.etag.startswith("W/"):
            offset = 0  # nothing would tell that it is the same file
        ranged = {"Range": f"bytes={offset}-", "If-Match": self.etag or ""} if offset else {}
        try:
            answer = self._ask(self._link.url, ranged)
        except LinkBrokenError as problem:
            raise BrokenStreamError(str(problem)) from None
        self.what, self.name = f"downloading from {answer.host}", answer.name
        if answer.status == 206 and offset and self._goes_on(answer, offset):
            return answer
        if answer.status == 200:
            self._begin(answer)
            return answer
        return self._answered(self._refused(answer, offset))

    def _goes_on(self, answer: LinkAnswer, offset: int) -> bool:
        """Whether a part is of the same file, from where it was asked for to the end that is known."""
        same = answer.etag is None or answer.etag == self.etag
        fits = answer.range == (offset, self.size) and answer.coding is None
        return bool(same and fits and (answer.length is None or answer.length == (self.size or 0) - offset))

    def _begin(self, answer: LinkAnswer) -> None:
        if answer.coding not in (None, "gzip", "x-gzip"):
            answer.close()
            raise DownloadError(f"{self.what}: expected no Content-Encoding, or gzip, got {answer.coding!r}.")
        self._forget()
        self.etag, self._md5, self._crc32c = answer.etag, answer.md5, answer.crc32c
        self.size = answer.length if answer.coding is None else None
        answer.range = None
        self.is_verifiable = bool(answer.has_end or answer.coding or answer.md5 or answer.crc32c)

    def _refused(self, answer: LinkAnswer, offset: int) -> int:
        """What to do about anything but bytes that fit: the offset to ask for next, or an error."""
        status = answer.status
        if status in (206, 412, 416) and offset:
            answer.close()
            self._forget()  # another version, or a store that cannot go on: from the beginning
            return 0
        try:
            words = answer.words
        except LinkBrokenError:
            words = ""
        answer.close()
        message = f"{self.what}: expected HTTP 200, got {status}: {words}."
        if status in (408, 425, 429) or status >= 500:
            raise BrokenStreamError(message.removeprefix(f"{self.what}: "), seconds_of(answer.retry_after))
        if status in (400, 401, 403, 404, 410):
            is_expiry = bool(_EXPIRED.search(words))
            self._renewals += 1
            self._refusals += not is_expiry
            if self._renew is not None and self._renewals <= RENEWALS and self._refusals <= 1:
                self._link = self._renew()
                return offset
            if is_expiry:
                again = f" {self._renewals} links in a row expired before it was whole." if self._renew else ""
                raise LinkExpiredError(f"{message}{again}", hint="ask for a new link, and try again")
            message += " Access is denied, with a new link too." if self._renew else ""
        raise DownloadError(message, hint="ask for a new link, and try again")

    def _renew_in_time(self) -> None:
        expires = self._link.expires_at
        if self._renew is None or expires is None or not self.etag:
            return
        if datetime.now(timezone.utc) >= expires - SOON and self._renewals < RENEWALS:
            self._renewals += 1
            self._link = self._renew()

    def _pieces(self, answer: LinkAnswer) -> Generator[tuple[bytes, int], None, None]:
        came, first = 0, b""
        try:
            raw = answer.pieces(CHUNK_BYTES)
            coded = answer.coding is not None
            pieces = gunzipped(self._hashed(raw), self.what) if coded else ((piece, len(piece)) for piece in raw)
            for piece, count in pieces:
                if len(first) < 512 and answer.range is None:
                    first = (first + piece)[:512]
                    self._look_at(first)
                came += count
                if not coded and self.size is not None and answer.length is not None and came > answer.length:
                    raise BrokenStreamError(f"expected {answer.length:,} bytes, got more")
                self._renewals = self._refusals = 0
                yield piece, count
        except LinkBrokenError as problem:
            raise BrokenStreamError(str(problem)) from None
        except BrokenCodingError:
            raise BrokenStreamError("its gzip coding is damaged, or ends before its end") from None
        finally:
            answer.close()

    def _hashed(self, raw: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
        for piece in raw:
            self._wire.update(piece)
            yield piece

    def _look_at(self, first: bytes) -> None:
        """Refuse a page of a server, or a store's error, that came as if it were the file."""
        if page := _PAGE.match(first):
            words = page[1].decode(errors="replace")[:60]
            raise DownloadError(
                f"{self.what}: expected a file, got a page that begins with {words!r}, as a proxy, a login or a "
                "failing store gives it.",
                hint="check the network, and try again",
            )

    def verify(self, path: Path) -> None:
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            raise DamagedError
        if self._md5 and self._md5 not in (self._wire.digest(), md5_of(path, [size])[0]):
            raise DamagedError
        if self._crc32c and not self._md5 and self.size is not None and self._crc32c != crc32c_of(path):
            raise DamagedError


def _proves_its_end(path: Path) -> bool:
    """Whether the form of a file shows that it is whole: JSON, PNG, and ZIP have an end; a table has none."""
    with path.open("rb") as file:
        first = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        file.seek(max(0, path.stat().st_size - 64))
        last = file.read().rstrip()
    if first.startswith(b"PK"):
        return zipfile.is_zipfile(path)
    if first.startswith(b"\x89PNG"):
        return last.endswith(b"IEND\xaeB`\x82")
    return first[:1] + last[-1:] in (b"[]", b"{}")


def read_link(url: str, largest: int) -> bytes | None:
    """What is behind a link, in memory, tried once; None where it cannot be had, or is larger."""
    body = bytearray()
    with links() as ask:
        try:
            answer = ask(url)
            if answer.status == 200:
                raw = answer.pieces(CHUNK_BYTES)
                pieces = (piece for piece, _ in gunzipped(raw, "")) if answer.coding else raw
                for piece in pieces:
                    body += piece
                    if len(body) > largest:
                        return None
                return bytes(body)
        except (LinkBrokenError, BrokenCodingError, DownloadError):
            pass
    return None
