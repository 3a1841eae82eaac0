"""The HTTP session: timeouts, retries, headers, redaction. The only file that knows requests."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, InvalidHeader, ReadTimeoutError
from urllib3.util.retry import Retry

from labellerr_ds.core import vendor
from labellerr_ds.core.backoff import LONGEST_WAIT_S, REQUEST_TRIES
from labellerr_ds.core.errors import (
    AuthError,
    ConnectionFailedError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
    RateLimitedError,
    ServiceError,
    UnexpectedAnswerError,
)
from labellerr_ds.core.hint import all_of, argument, either
from labellerr_ds.core.redaction import Secret, redact, redact_logs

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 60.0
ANSWER_TIMEOUT_S = 120.0  # for all of an answer, which may come byte by byte
HEADERS_TIMEOUT_S = 60.0  # of an answer, which may come byte by byte too
TRIES_TIMEOUT_S = 600.0  # until the headers of the last of several tries
TRANSIENT = (429, 500, 502, 503, 504)
Params = Mapping[str, str]


class _Patience(Retry):
    """What urllib3 repeats; it would obey a `Retry-After` of six hours."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        try:
            asked = super().get_retry_after(response)
        except InvalidHeader:
            return None
        return None if asked is None else min(asked, LONGEST_WAIT_S)


def _session(retried: tuple[str, ...], tries: int = REQUEST_TRIES) -> requests.Session:
    """A session that repeats only what may be repeated: these methods."""
    redact_logs(("urllib3", "requests"))
    session = requests.Session()
    session.auth = _no_netrc
    retry = _Patience(
        total=tries,
        backoff_factor=0.3,
        backoff_jitter=0.2,
        status_forcelist=TRANSIENT,
        allowed_methods=frozenset(retried),
        raise_on_status=False,
        redirect=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _within(seconds: float, ask: Callable[[], requests.Response]) -> requests.Response:
    """An answer whose headers come in time: the timeouts of the library are for each byte of them.

    Whoever asked is left with the thread that waits for the rest, which ends with the connection.
    """
    box: SimpleQueue[requests.Response | BaseException] = SimpleQueue()

    def wait() -> None:
        try:
            box.put(ask())
        except BaseException as problem:
            box.put(problem)

    Thread(target=wait, daemon=True, name="labellerr-request").start()
    try:
        answered = box.get(timeout=seconds)
    except Empty:
        raise requests.exceptions.ReadTimeout("the headers come too slowly") from None
    if isinstance(answered, BaseException):
        raise answered
    return answered


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Answer:
    def __init__(self, response: requests.Response, deadline: float) -> None:
        self.status, self.headers = response.status_code, response.headers
        body = bytearray()
        while piece := response.raw.read1(1 << 18, decode_content=True):
            body += piece
            if time.monotonic() > deadline:
                response.close()
                raise requests.exceptions.ReadTimeout("the answer comes too slowly")
        response.raw.release_conn()
        self.text = body.decode(errors="replace")
        try:
            self.json = json.loads(body)
        except (ValueError, RecursionError):
            self.json = None

    @property
    def error(self) -> str:
        """The service's own words, shortened."""
        answered = vendor.first_of(self.json, vendor.REASON_KEYS) if isinstance(self.json, dict) else None
        return str(answered if answered is not None else self.text).strip()


class RefusedError(LabellerrError):
    """The service answered 4xx to a well-formed request; caught where its words are understood."""

    def __init__(self, message: str, *, words: str, status: int) -> None:
        super().__init__(message)
        self.words, self.status = words, status


class Transport:
    """Requests to the API, with the credentials, which go to its host alone.

    Parameters
    ----------
    base_url, api_key, api_secret, client_id : str
    timeout_s : (float, float)
        For connecting, and for each read.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        api_secret: str,
        client_id: str,
        timeout_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InvalidArgumentError(f"base_url must be 'https://host', got {redact(str(base_url))!r}.")
        self.base_url = base_url.rstrip("/")
        self.secrets = (Secret(api_key), Secret(api_secret))
        self.client_id, self._timeout_s = client_id, timeout_s
        self._headers = {
            "api_key": self.secrets[0],
            "api_secret": self.secrets[1],
            "client_id": client_id,
            "source": vendor.SOURCE,
            "origin": vendor.DASHBOARD,
        }
        self._session = _session(("GET",))
        # Asking for a status changes nothing, so this POST alone may be repeated.
        self._session.mount(self.base_url + vendor.EXPORT_STATUS, _session(("GET", "POST")).get_adapter(self.base_url))
        self._once = _session(("GET", "POST"), tries=0)
        self._clock: tuple[datetime, float, float] | None = None  # the service's, and this machine's two

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def redact(self, text: str) -> str:
        """A text of the service without queries of URLs, and without the credentials."""
        return redact(text, self.secrets)

    def get(
        self, path: str, what: str, params: Params | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """JSON of a GET; repeated where the network or the service stumbles."""
        return self._send("GET", path, what, params, headers=headers)

    def post(
        self,
        path: str,
        what: str,
        body: Mapping[str, Any],
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        patience_s: float | None = None,
    ) -> Any:
        """JSON of a POST; sent once, but for the one that only asks for states.

        With `patience_s` that too: whoever has so many seconds left asks again by himself.
        """
        # A new connection: one that was kept may be gone at the other end, and then nobody could tell
        # whether what was sent on it arrived.
        self._session.get_adapter(self.base_url + path).close()
        return self._send("POST", path, what, params, json=body, headers=headers, patience_s=patience_s)

    def post_form(
        self, path: str, what: str, fields: Mapping[str, str], headers: Mapping[str, str], secrets: tuple[str, ...]
    ) -> Any:
        """JSON of a multipart POST, sent once; `secrets` are in the fields, and must not come back in a text."""
        self._session.get_adapter(self.base_url + path).close()
        form = {name: (None, value) for name, value in fields.items()}
        return self._send("POST", path, what, None, files=form, headers=headers, secrets=secrets)

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        params: Params | None,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: tuple[str, ...] = (),
        patience_s: float | None = None,
        **body: Any,
    ) -> Any:
        request_id = str(uuid.uuid4())
        session = self._session if patience_s is None else self._once
        most = ANSWER_TIMEOUT_S if patience_s is None else max(1.0, min(patience_s, ANSWER_TIMEOUT_S))
        query = {**(params or {}), "client_id": self.client_id, "uuid": request_id}
        failure = None
        try:
            send = partial(
                session.request,
                method,
                self.base_url + path,
                params=query,
                headers={**self._headers, **(headers or {})},
                timeout=(min(self._timeout_s[0], most), min(self._timeout_s[1], most)),
                allow_redirects=False,
                stream=True,
                **body,
            )
            response = _within(TRIES_TIMEOUT_S if patience_s is None else most + 1, send)
            answer = _Answer(response, time.monotonic() + most)
        except (requests.RequestException, HTTPError, OSError) as problem:
            failure = _kind_of(problem)
        if failure:  # outside of the handler: the exception holds the whole URL
            raise ConnectionFailedError(
                f"{what}: {failure}, at {host_of(self.base_url)} (request {request_id}).",
                request_id=request_id,
                hint=either("check the network", argument("base_url")),
            )
        self._look_at_the_clock(answer)
        self._check(answer, what, request_id, secrets)
        if answer.json is None:
            raise UnexpectedAnswerError(
                f"{what}: expected JSON, got {answer.headers.get('Content-Type', 'nothing')} "
                f"(HTTP {answer.status}, request {request_id}).",
                request_id=request_id,
                status=answer.status,
            )
        return answer.json

    def now(self) -> datetime:
        """The service's time, UTC, by its latest answer; before there is one, this machine's."""
        if self._clock is None:
            return datetime.now(timezone.utc)
        answered, monotonic, wall = self._clock
        # of this machine's clocks one stops while it sleeps and the other may be set: the larger step is right
        return answered + timedelta(seconds=max(time.monotonic() - monotonic, time.time() - wall))

    def _look_at_the_clock(self, answer: _Answer) -> None:
        try:
            answered = parsedate_to_datetime(answer.headers["Date"]).astimezone(timezone.utc)
        except (KeyError, TypeError, ValueError):
            return
        self._clock = (answered, time.monotonic(), time.time())

    def _check(self, answer: _Answer, what: str, request_id: str, secrets: tuple[str, ...]) -> None:
        if answer.status in (200, 201):
            return
        words = redact(answer.error, (*self.secrets, *secrets))[:300]
        answered = f"the service answered HTTP {answer.status}: {words} (request {request_id})"
        if answer.status == 401:
            raise AuthError(f"{what}: {answered}.", hint=all_of(argument("api_key"), argument("api_secret")))
        if answer.status == 403:
            raise AuthError(
                f"{what}: {answered}.", hint=either(argument("client_id"), "check what the key has access to")
            )
        if answer.status == 404:
            raise NotFoundError(f"{what}: {answered}.", reason=words, hint="check the id")
        if 300 <= answer.status < 400:
            raise UnexpectedAnswerError(
                f"{what}: the API redirects, which is not followed, since the credentials would travel along.",
                request_id=request_id,
                status=answer.status,
                hint=argument("base_url"),
            )
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            raise RefusedError(f"{what}: {answered}.", words=words, status=answer.status)
        if answer.status == 429:
            wait_s = seconds_of(answer.headers.get("Retry-After"))
            until = "" if wait_s is None else f" It asks to wait {wait_s:,.0f} s."
            raise RateLimitedError(
                f"{what}: {answered}.{until}", request_id=request_id, wait_s=wait_s, hint="try again later"
            )
        raise ServiceError(
            f"{what}: {answered}.",
            reason=words,
            request_id=request_id,
            status=answer.status,
            hint="try again later; Labellerr's support asks for the id of the request",
        )


def seconds_of(retry_after: str | None) -> float | None:
    """What a `Retry-After` asks for: seconds, or a moment; None where it is neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None


def _kind_of(problem: Exception) -> str:
    """A few words on what went wrong, without URLs."""
    if isinstance(problem, requests.exceptions.SSLError):
        return "the certificate was not accepted"
    if isinstance(problem, requests.exceptions.ProxyError):
        return "the proxy refused"
    if isinstance(problem, requests.exceptions.Timeout | TimeoutError | ReadTimeoutError):
        return "no answer in time"
    return "no connection, or it broke"


class LinkAnswer:
    """What came for a signed link: a status, what the server declares, and bytes that are still on their way.

    Attributes
    ----------
    status : int
    host, name : str
        Where it comes from, and what the link calls it.
    length : int or None
        Bytes of this answer on the wire.
    coding : str or None
        The transfer coding.
    etag : str or None
        With its quotes.
    has_end : bool
        Whether the wire tells where the answer ends: by its length, or in chunks.
    range : (int, int) or None
        The first byte, and the bytes of the whole, of a part.
    md5, crc32c : bytes or None
        What the store has for the whole.
    retry_after : str or None
    """

    def __init__(self, response: requests.Response) -> None:
        self._response, headers = response, response.headers
        parts = urlsplit(response.url)
        self.status, self.host, self.name = response.status_code, host_of(response.url), parts.path.rsplit("/", 1)[-1]
        self.length = _digits(headers.get("Content-Length"))
        coding = headers.get("Content-Encoding", "identity").strip().lower()
        self.coding = None if coding in ("", "identity") else coding
        self.etag = headers.get("ETag")
        self.has_end = self.length is not None or "chunked" in headers.get("Transfer-Encoding", "").lower()
        part = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", "").strip())
        self.range = (int(part[1]), int(part[2])) if part else None
        self.md5, self.crc32c = _checksums(headers, self.etag)
        self.retry_after = headers.get("Retry-After")

    @property
    def words(self) -> str:
        """What the server says instead of the bytes, without tags and links."""
        text = b"".join(itertools.islice(self.pieces(1 << 14), 4))[: 1 << 15].decode(errors="replace")
        return redact(re.sub(r"<[^>]+>", " ", text)).strip()[:200]

    def pieces(self, size: int) -> Generator[bytes, None, None]:
        """The bytes as they are on the wire, as they come: a piece may be short.

        Raises
        ------
        LinkBrokenError
            Where they break off.
        """
        failure = None
        try:
            while piece := self._response.raw.read1(size, decode_content=False):
                yield piece
        except (requests.RequestException, HTTPError, OSError) as problem:
            failure = _kind_of(problem)
        if failure:
            raise LinkBrokenError(failure)

    def close(self) -> None:
        """Hang up."""
        self._response.close()


def _digits(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _checksums(headers: Mapping[str, str], etag: str | None) -> tuple[bytes | None, bytes | None]:
    """MD5 and CRC32C as stores tell them: S3's ETag where it is an MD5, Google's ``x-goog-hash``."""
    sums = dict(re.findall(r"(md5|crc32c)=([A-Za-z0-9+/=]+)", headers.get("x-goog-hash", "")))
    if "Content-MD5" in headers:
        sums.setdefault("md5", headers["Content-MD5"])
    checksums = {}
    for name, text in sums.items():
        with contextlib.suppress(ValueError):
            checksums[name] = base64.b64decode(text, validate=True)
    is_md5 = re.fullmatch(r'"?([0-9a-f]{32})"?', etag or "")
    sealed = headers.get("x-amz-server-side-encryption", "").startswith("aws:") or (
        "x-amz-server-side-encryption-customer-algorithm" in headers
    )
    if is_md5 and not sealed:
        checksums.setdefault("md5", bytes.fromhex(is_md5[1]))
    return checksums.get("md5"), checksums.get("crc32c")


class LinkBrokenError(Exception):
    """No answer for a link, or it broke off; its text has no URL."""


@contextmanager
def links() -> Iterator[Callable[..., LinkAnswer]]:
    """What opens signed links: ``ask(url, headers={})``; no credential of the API goes there, redirected or not."""
    redact_logs(("urllib3", "requests"))
    with requests.Session() as session:
        session.auth = _no_netrc

        def ask(url: str, headers: Mapping[str, str] | None = None) -> LinkAnswer:
            failure = None
            try:
                get = partial(
                    session.get,
                    url,
                    stream=True,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    headers={"Accept-Encoding": "identity", **(headers or {})},
                )
                return LinkAnswer(_within(HEADERS_TIMEOUT_S, get))
            except requests.RequestException as problem:
                failure = _kind_of(problem)
            raise LinkBrokenError(failure)  # outside of the handler: the exception holds the whole URL

        yield ask


def host_of(url: str) -> str:
    """Host and port of an address, without a name and password before them."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return f"{parts.hostname}:{port}" if port else str(parts.hostname)
