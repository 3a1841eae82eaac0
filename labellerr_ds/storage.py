"""S3: what lies in a bucket, and getting it: several objects at a time, checked by length and checksum.

The user's own credential chain is asked for keys (the environment, ``~/.aws``, a role, …), and the
endpoint and the region come from there as well. Of the libraries measured (``benchmarks/s3_reading.py``)
boto3 is the one that has this chain, checks the store's checksums and follows a bucket's region.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from labellerr_ds.errors import (
    AuthError,
    ConnectionFailedError,
    DownloadError,
    InvalidArgumentError,
    LabellerrError,
    MissingExtraError,
    NotFoundError,
    StorageError,
)
from labellerr_ds.models import S3Object
from labellerr_ds.progress import Progress, counting
from labellerr_ds.redaction import redact, redact_logs

AT_ONCE = 16  # objects on their way at the same time
PIECE_BYTES = 1 << 20
READ_TIMEOUT_S = 20
TRIES = 4  # for one object: a broken connection goes on where it broke

_WRONG_KEYS = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired",
    "RequestTimeTooSkewed", "AuthFailure",
}  # fmt: skip
_NO_PERMISSION = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"}
_WRONG_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "301"}
_LOUD = ("botocore", "boto3", "urllib3", "s3transfer")
_KEYS = "boto3 takes them from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from ~/.aws, or from this machine's role"


def _boto3() -> Any:
    try:
        import boto3
    except ImportError:
        raise MissingExtraError("S3 needs boto3: pip install 'labellerr-ds[s3]'.") from None
    return boto3


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``, the key as it stands: it is not URL-encoded.

    Examples
    --------
    >>> split_url("s3://labels/nightly/a b+c.json")
    ('labels', 'nightly/a b+c.json')
    """
    found = re.fullmatch(r"s3a?://([^/?#\s]+)(?:/(.*))?", url, flags=re.IGNORECASE | re.DOTALL)
    if not found:
        raise InvalidArgumentError(f"an S3 address is 's3://bucket/key', got {redact(url)!r}.")
    return found[1], found[2] or ""


def own_keys() -> tuple[str, str]:
    """Access key and secret of the user's own credential chain, to be handed to Labellerr."""
    _boto3()
    with _failures("looking for AWS keys", "AWS"):
        frozen = _frozen_keys(_session())
    if frozen is None:
        raise AuthError(f"there are no AWS keys: pass access_key= and secret_key=, or set them up; {_KEYS}.")
    if frozen.token:
        raise AuthError(
            "the AWS keys of this machine are temporary (they have a session token), and Labellerr keeps a connection "
            "for longer: pass access_key= and secret_key= of an IAM user."
        )
    return frozen.access_key, frozen.secret_key


def _session() -> Any:
    boto3 = _boto3()
    redact_logs(_LOUD)  # before anything is asked: the answers of AWS hold keys
    return boto3.Session()


def _frozen_keys(session: Any) -> Any:
    credentials = session.get_credentials()
    return None if credentials is None else credentials.get_frozen_credentials()


class Bucket:
    """A bucket, reached with the user's own credentials.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name: str) -> None:
        _boto3()
        from botocore.config import Config

        self.name = name
        self.store_time: datetime | None = None
        self._s3: Any = None
        self._secrets: tuple[str, ...] = ()
        with self._failures(f"reading s3://{name}"):
            session = _session()
            frozen = _frozen_keys(session)
            if frozen is None:
                raise AuthError(f"reading s3://{name}: there are no AWS keys; {_KEYS}.")
            self._secrets = tuple(each for each in (frozen.access_key, frozen.secret_key, frozen.token) if each)
            redact_logs(_LOUD, self._secrets)
            self._s3 = session.client(
                "s3",
                region_name=session.region_name or "us-east-1",
                config=Config(
                    connect_timeout=10,
                    read_timeout=READ_TIMEOUT_S,
                    max_pool_connections=AT_ONCE,
                    retries={"mode": "standard", "max_attempts": TRIES},
                ),
            )
            redact_logs(_LOUD, self._secrets)  # loggers that came with the client

    def __repr__(self) -> str:
        return f"Bucket({self.name!r})"

    def find(self, key: str) -> list[S3Object]:
        """The object of this key, or all below it where it is a prefix; sorted by key.

        Raises
        ------
        NotFoundError
            Where there is nothing.
        """
        if key and not key.endswith("/"):
            try:
                exact = self._list(key, 1)
            except AuthError as refusal:  # who may read an object may not always list the bucket
                one = self._head(key)
                if one is None:
                    raise refusal from None
                return [one]
            if exact and exact[0].key == key:
                return exact
            key += "/"
        found = self.below(key)
        if not found:
            raise NotFoundError(f"there is nothing at s3://{self.name}/{key.removesuffix('/')}.")
        return found

    def below(self, prefix: str) -> list[S3Object]:
        """All objects below a prefix, sorted by key; a folder's own marker is none."""
        return self._list(prefix, None)

    def _list(self, prefix: str, limit: int | None) -> list[S3Object]:
        found: list[S3Object] = []
        with self._failures(f"listing s3://{self.name}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, PaginationConfig={"MaxItems": limit} if limit else {}
            )
            for page in pages:
                self._look_at_the_clock(page)
                found += [
                    S3Object(
                        each["Key"],
                        each["Size"],
                        each["ETag"].strip('"'),
                        each["LastModified"].astimezone(timezone.utc),
                    )
                    for each in page.get("Contents", [])
                    if not (each["Key"].endswith("/") and not each["Size"])
                ]
        return sorted(found, key=lambda each: each.key)

    def _head(self, key: str) -> S3Object | None:
        """One object, without listing the bucket; None where that is refused as well."""
        try:
            with self._failures(f"reading s3://{self.name}/{key}"):
                told = self._s3.head_object(Bucket=self.name, Key=key)
        except LabellerrError:
            return None
        modified = told["LastModified"].astimezone(timezone.utc)
        return S3Object(key, told["ContentLength"], told["ETag"].strip('"'), modified)

    def _look_at_the_clock(self, answer: dict[str, Any]) -> None:
        try:
            told = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
            self.store_time = parsedate_to_datetime(told).astimezone(timezone.utc)
        except (KeyError, TypeError, ValueError):
            self.store_time = datetime.now(timezone.utc)

    def fetch(self, objects: Sequence[S3Object], paths: Sequence[Path], *, progress: Progress = True) -> None:
        """Get objects to paths, several at a time; where one cannot be had whole, none of the paths stays.

        Raises
        ------
        DownloadError
            Where an object changed, was cut short, or has not the checksum that the store tells.
        """
        folder, total = paths[0].parent, sum(each.size for each in objects)
        if (free := shutil.disk_usage(folder).free) < total:
            raise DownloadError(
                f"the objects have {total:,} bytes, and {folder} has room for {free:,}. Free some, or set TMPDIR."
            )
        stop = threading.Event()
        pool = ThreadPoolExecutor(AT_ONCE)
        with counting(total, "reading S3", progress) as advance:
            try:
                running = [
                    pool.submit(self._fetch, each, path, advance, stop)
                    for each, path in zip(objects, paths, strict=True)
                ]
                for each in as_completed(running):
                    each.result()
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)  # one that hears nothing ends by its timeout
                for path in paths:
                    path.unlink(missing_ok=True)
                raise
        pool.shutdown()

    def _fetch(self, item: S3Object, path: Path, advance: Callable[[int], None], stop: threading.Event) -> None:
        what = f"reading s3://{self.name}/{item.key}"
        for again in (False, True):  # what does not have its checksum is fetched once more
            with path.open("wb") as out:
                sealed, damaged = self._receive(item, out, advance, stop, what)
            if stop.is_set() or (not damaged and self._is_whole(item, path, sealed, what)):
                return
            advance(-path.stat().st_size)
            if again:
                raise DownloadError(
                    f"{what}: it has not the checksum that the store tells, twice: damaged there, or on the way."
                )

    def _receive(
        self, item: S3Object, out: BinaryIO, advance: Callable[[int], None], stop: threading.Event, what: str
    ) -> tuple[bool, bool]:
        """Write the bytes; whether the ETag is no checksum (encrypted there), and whether boto3 found damage."""
        from botocore import exceptions as boto
        from urllib3.exceptions import HTTPError

        for _ in range(TRIES):
            if stop.is_set():
                return True, False
            have = out.tell()
            told = self._open(item, have, what)
            sealed = str(told.get("ServerSideEncryption", "")).startswith("aws:") or "SSECustomerAlgorithm" in told
            if have and not str(told.get("ContentRange", "")).startswith(f"bytes {have}-"):
                out.seek(0)
                out.truncate()
                advance(-have)
            try:
                for piece in told["Body"].iter_chunks(PIECE_BYTES):
                    if stop.is_set():
                        return sealed, False
                    out.write(piece)
                    advance(len(piece))
            except boto.FlexibleChecksumError:
                return sealed, True
            except (boto.HTTPClientError, boto.IncompleteReadError, HTTPError, ConnectionError, TimeoutError):
                pass  # it broke off: the next try goes on from here
            if out.tell() >= item.size:
                return sealed, False
        raise DownloadError(f"{what}: expected {item.size:,} bytes, got {out.tell():,}, {TRIES} times. Try again.")

    def _open(self, item: S3Object, start: int, what: str) -> dict[str, Any]:
        ranged = {"Range": f"bytes={start}-"} if start else {}
        with self._failures(what):
            told: dict[str, Any] = self._s3.get_object(
                Bucket=self.name, Key=item.key, IfMatch=f'"{item.etag}"', **ranged
            )
        if told["ETag"].strip('"') != item.etag:  # a store that knows no If-Match
            raise _changed(what)
        return told

    def _is_whole(self, item: S3Object, path: Path, sealed: bool, what: str) -> bool:
        """Whether length and checksum are those of the store, as far as it tells one that can be computed."""
        if path.stat().st_size != item.size:
            return False
        if re.fullmatch(r"[0-9a-f]{32}", item.etag) and not sealed:
            return _md5_of(path, [item.size]) == [bytes.fromhex(item.etag)]
        parts = re.fullmatch(r"([0-9a-f]{32})-(\d+)", item.etag)
        if not parts or sealed:
            return True
        count = int(parts[2])
        first = self._part_size(item, 1, what)
        if first is None:
            return True
        sizes = [first] * (count - 1) + [item.size - first * (count - 1)]
        if _sealed_parts(path, sizes) == parts[1]:
            return True
        # parts need not have one size: ask for each before the bytes are called damaged
        told = [self._part_size(item, number, what) for number in range(1, count + 1)]
        known = [size for size in told if size is not None]
        return len(known) < count or _sealed_parts(path, known) == parts[1]

    def _part_size(self, item: S3Object, number: int, what: str) -> int | None:
        """Bytes of a part of what was put in parts; None where the store does not tell."""
        with self._failures(what):
            told = self._s3.head_object(Bucket=self.name, Key=item.key, PartNumber=number)
        return int(told["ContentLength"]) if told.get("PartsCount") and told["ETag"].strip('"') == item.etag else None

    def _failures(self, what: str) -> AbstractContextManager[None]:
        return _failures(what, self._endpoint(), self.name, self._secrets)

    def _endpoint(self) -> str:
        """Where the store is, without a name or password that may stand before it."""
        if self._s3 is None:
            return "AWS"
        parts = urlsplit(str(self._s3.meta.endpoint_url))
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


@contextmanager
def _failures(what: str, endpoint: str, bucket: str = "", secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """Errors of boto3 as ours; its own hold keys and signatures."""
    from botocore import exceptions as boto

    failure: LabellerrError | None = None
    try:
        yield
    except boto.ClientError as problem:
        failure = _refusal(problem, what, endpoint, bucket, secrets)
    except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError):
        failure = AuthError(f"{what}: the AWS keys could not be had, or only in part; {_KEYS}.")
    except (boto.HTTPClientError, boto.EndpointConnectionError) as problem:
        kind = "no answer in time" if "timeout" in type(problem).__name__.lower() else "no connection, or it broke"
        failure = ConnectionFailedError(f"{what}: {kind}, at {endpoint}. Check the network and the endpoint.")
    except boto.ParamValidationError:
        failure = InvalidArgumentError(f"{what}: that is no name that S3 allows.")
    except boto.BotoCoreError as problem:
        failure = StorageError(f"{what}: {redact(str(problem), secrets)}. Check the AWS settings.")
    except ValueError as problem:
        if isinstance(problem, LabellerrError):
            raise
        failure = StorageError(f"{what}: {redact(str(problem), secrets)}. Check AWS_ENDPOINT_URL and the AWS settings.")
    if failure:
        raise failure from None


def _refusal(problem: Any, what: str, endpoint: str, bucket: str, secrets: tuple[str, ...]) -> LabellerrError:
    """What a store's answer means for the user."""
    told = problem.response.get("Error", {})
    status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(told.get("Code") or status)
    words = redact(f"{code}: {told.get('Message') or 'no more is told'}", secrets)[:300].rstrip(".")
    if code in _WRONG_KEYS:
        return AuthError(f"{what}: the store refused the AWS keys ({words}). Check them; {_KEYS}.")
    if code in _NO_PERMISSION:
        return AuthError(
            f"{what}: the AWS keys have no permission ({words}). Reading needs s3:GetObject, and s3:ListBucket."
        )
    if code == "NoSuchBucket":
        return NotFoundError(f"{what}: there is no bucket {bucket!r} at {endpoint}. Check its name.")
    if code in ("NoSuchKey", "404", "NotFound"):
        return NotFoundError(f"{what}: it is not there (any more).")
    if code in ("PreconditionFailed", "412"):
        return _changed(what)
    if code in _WRONG_REGION:
        return StorageError(f"{what}: the bucket is in another region ({words}). Set AWS_REGION to that one.")
    return StorageError(f"{what}: the store answered {words} (HTTP {status}). Check the bucket and the endpoint.")


def _changed(what: str) -> DownloadError:
    return DownloadError(f"{what}: it was replaced while it was being read. Try again.")


def _md5_of(path: Path, sizes: Sequence[int]) -> list[bytes]:
    """The MD5 of each of consecutive parts of a file."""
    digests = []
    with path.open("rb") as file:
        for size in sizes:
            digest, left = hashlib.md5(usedforsecurity=False), size
            while left and (piece := file.read(min(left, PIECE_BYTES))):
                digest.update(piece)
                left -= len(piece)
            digests.append(digest.digest())
    return digests


def _sealed_parts(path: Path, sizes: Sequence[int]) -> str:
    """The ETag of what was put in parts: the MD5 of the parts' MD5s, as S3 computes it."""
    return hashlib.md5(b"".join(_md5_of(path, sizes)), usedforsecurity=False).hexdigest()
