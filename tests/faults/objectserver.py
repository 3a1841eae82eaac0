"""An object behind a link, with faults: where answers break off, what they declare, and what the store becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rawserver import Came, RawServer, answer, serving


@dataclass
class Served:
    """An object and how it is served.

    Attributes
    ----------
    body : bytes
    cuts : list of int
        Of each answer in turn, the bytes after which it breaks off.
    headers : dict
        What each answer has beside; None takes a header away.
    before : callable, optional
        Called with the number of a request and the request before it is answered; bytes that it returns go instead.
    knows_ranges, knows_if_match : bool
    etag : str, optional
        Without it the MD5 of the body, as S3 has it.
    """

    body: bytes
    cuts: list[int] = field(default_factory=list)
    headers: dict[str, str | None] = field(default_factory=dict)
    before: Callable[[int, Came], bytes | None] | None = None
    knows_ranges: bool = True
    knows_if_match: bool = True
    etag: str | None = None
    sent: int = 0

    def respond(self, came: Came, number: int) -> bytes:
        if self.before and (instead := self.before(number, came)) is not None:
            return instead
        etag = self.etag or '"' + hashlib.md5(self.body, usedforsecurity=False).hexdigest() + '"'
        start, status, told = 0, 200, {"ETag": etag}
        if (wanted := came.headers.get("range")) and self.knows_ranges:
            if self.knows_if_match and came.headers.get("if-match") not in (None, etag):
                return answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
            told["Content-Range"] = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        told["Content-Length"] = str(len(self.body) - start)
        body = self.body[start:]
        if self.cuts:
            body = body[: self.cuts.pop(0)]
        self.sent += len(body)
        return answer(status, body, **{**told, **self.headers})


@contextmanager
def serving_object(served: Served) -> Iterator[RawServer]:
    with serving(served.respond) as server:
        yield server
