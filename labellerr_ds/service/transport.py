"""The HTTP session: timeouts, retries, headers, redaction. The only file that knows requests."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from labellerr_ds import vendor
from labellerr_ds.errors import (
    AuthError,
    ConnectionFailedError,
    DownloadError,
    InvalidArgumentError,
    LabellerrError,
    NotFoundError,
    ServiceError,
    UnexpectedAnswerError,
)
from labellerr_ds.redaction import redact, redact_logs

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 60.0
Params = Mapping[str, str]


def _session(retried: tuple[str, ...]) -> requests.Session:
    """A session that repeats only what may be repeated: these methods."""
    redact_logs(("urllib3", "requests"))
    session = requests.Session()
    session.auth = _no_netrc
    retry = Retry(
        total=4,
        backoff_factor=0.3,
        backoff_jitter=0.2,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=frozenset(retried),
        respect_retry_after_header=False,  # urllib3 would obey one of six hours
        raise_on_status=False,
        redirect=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Answer:
    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        self.text = response.text
        self.headers = response.headers
        try:
            self.json = response.json()
        except ValueError:
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
        self._secrets = (api_key, api_secret)
        self._client_id, self._timeout_s = client_id, timeout_s
        self._headers = {
            "api_key": api_key,
            "api_secret": api_secret,
            "client_id": client_id,
            "source": vendor.SOURCE,
            "origin": vendor.DASHBOARD,
        }
        self._session = _session(("GET",))
        # Asking for a status changes nothing, so this POST alone may be repeated.
        self._session.mount(self.base_url + vendor.EXPORT_STATUS, _session(("GET", "POST")).get_adapter(self.base_url))
        self._clock: tuple[datetime, float, float] | None = None  # the service's, and this machine's two

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def redact(self, text: str) -> str:
        """A text of the service without queries of URLs, and without the credentials."""
        return redact(text, self._secrets)

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
    ) -> Any:
        """JSON of a POST; sent once, but for the one that only asks for states."""
        # A new connection: one that was kept may be gone at the other end, and then nobody could tell
        # whether what was sent on it arrived.
        self._session.get_adapter(self.base_url + path).close()
        return self._send("POST", path, what, params, json=body, headers=headers)

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
        **body: Any,
    ) -> Any:
        request_id = str(uuid.uuid4())
        query = {**(params or {}), "client_id": self._client_id, "uuid": request_id}
        failure = None
        try:
            response = self._session.request(
                method,
                self.base_url + path,
                params=query,
                headers={**self._headers, **(headers or {})},
                timeout=self._timeout_s,
                allow_redirects=False,
                **body,
            )
            answer = _Answer(response)
        except requests.RequestException as problem:
            failure = _kind_of(problem)
        if failure:  # outside of the handler: the exception holds the whole URL
            raise ConnectionFailedError(
                f"{what}: {failure}, at {urlsplit(self.base_url).netloc} (request {request_id}). "
                "Check the network and the base URL, and try again.",
                request_id=request_id,
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
        words = redact(answer.error, (*self._secrets, *secrets))[:300]
        answered = f"the service answered HTTP {answer.status}: {words} (request {request_id})"
        if answer.status == 401:
            raise AuthError(f"{what}: {answered}. Check the headers api_key and api_secret.")
        if answer.status == 403:
            raise AuthError(f"{what}: {answered}. Check client_id, and what the key has access to.")
        if answer.status == 404:
            raise NotFoundError(f"{what}: {answered}. Check the id.")
        if 300 <= answer.status < 400:
            raise UnexpectedAnswerError(
                f"{what}: the API redirects, which is not followed, since the credentials would travel along. "
                "Check the base URL.",
                request_id=request_id,
                status=answer.status,
            )
        if 400 <= answer.status < 500 and answer.status != 429:
            raise RefusedError(f"{what}: {answered}.", words=words, status=answer.status)
        raise ServiceError(
            f"{what}: {answered}. Try again later; Labellerr's support asks for the request's id.",
            request_id=request_id,
            status=answer.status,
        )


def _kind_of(problem: requests.RequestException) -> str:
    """A few words on what went wrong, without URLs."""
    if isinstance(problem, requests.exceptions.SSLError):
        return "the certificate was not accepted"
    if isinstance(problem, requests.exceptions.ProxyError):
        return "the proxy refused"
    if isinstance(problem, requests.exceptions.Timeout):
        return "no answer in time"
    return "no connection, or it broke"


class Body:
    """A body on its way: what the server declared, and its pieces."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        length = response.headers.get("Content-Length", "")
        self.coded = response.headers.get("Content-Encoding", "identity") != "identity"
        self.length = int(length) if length.isdigit() else None
        self.name = urlsplit(response.url).path.rsplit("/", 1)[-1]

    def pieces(self, size: int) -> Iterator[bytes]:
        """The bytes, with the transfer coding undone."""
        failure = None
        try:
            yield from self._response.iter_content(size)
        except requests.RequestException as problem:
            failure = _kind_of(problem)
        if failure:
            raise DownloadError(f"downloading from {self.host}: {failure}, before the end. Try again.")

    def received(self) -> int:
        """Bytes that came over the wire so far."""
        return int(self._response.raw.tell())

    @property
    def host(self) -> str:
        """Where it comes from."""
        return urlsplit(self._response.url).netloc


@contextmanager
def open_link(url: str) -> Iterator[Body]:
    """Open a signed link; no credential of the API goes there, nor anywhere it redirects to."""
    session, failure, response = _session(("GET",)), None, None
    with session:
        try:
            response = session.get(
                url,
                stream=True,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                headers={"Accept-Encoding": "identity"},
            )
        except requests.RequestException as problem:
            failure = _kind_of(problem)
        host = urlsplit(url).netloc
        if failure or response is None:
            raise DownloadError(f"downloading from {host}: {failure}. Try again.")
        with response:
            if response.status_code != 200:
                words = redact(re.sub(r"<[^>]+>", " ", response.text)).strip()[:200]
                raise DownloadError(
                    f"downloading from {host}: expected HTTP 200, got {response.status_code}: {words}. "
                    "A link may have expired: ask for a new one and try again."
                )
            yield Body(response)
