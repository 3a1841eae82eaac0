"""S3: what lies in a bucket, and getting it: several objects at a time, checked by length and checksum.

The user's own credential chain is asked for keys (the environment, ``~/.aws``, a role, …), and the
endpoint and the region come from there as well. Of the libraries measured (``benchmarks/s3_reading.py``)
boto3 is the one that has this chain, checks the store's checksums and follows a bucket's region.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labellerr_ds.core.backoff import S3_TRIES
from labellerr_ds.core.disk import PIECE_BYTES, check_room
from labellerr_ds.core.errors import (
    AuthError,
    InvalidArgumentError,
    LabellerrError,
    MissingExtraError,
    NotFoundError,
    StorageError,
)
from labellerr_ds.core.hint import advice, all_of, argument
from labellerr_ds.core.models import S3Object
from labellerr_ds.core.progress import ProgressOption, tracked
from labellerr_ds.core.redaction import Secret, redact, redact_logs
from labellerr_ds.storage.checksums import md5_of, multipart_etag
from labellerr_ds.storage.fetch import BrokenStreamError, DamagedError, Stream, fetch
from labellerr_ds.storage.s3_errors import KEYS, changed, failures

AT_ONCE = 16  # objects on their way at the same time
READ_TIMEOUT_S = 20
MOST_AT_ONCE = 1000  # objects that one call removes, by S3's API

_LOUD = ("botocore", "boto3", "urllib3", "s3transfer")


def _boto3() -> Any:
    try:
        import boto3
    except ImportError:
        raise MissingExtraError("S3 needs boto3.", hint=advice("pip install 'labellerr-ds[s3]'")) from None
    return boto3


def is_s3(path: object) -> bool:
    """Whether a path is an address in S3."""
    return str(path).lower().startswith(("s3://", "s3a://"))


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``, the key as it stands: it is not URL-encoded.

    Examples
    --------
    >>> split_url("s3://labels/nightly/a b+c.json")
    ('labels', 'nightly/a b+c.json')
    """
    match = re.fullmatch(r"s3a?://([^/?#\s]+)(?:/(.*))?", url, flags=re.IGNORECASE | re.DOTALL)
    if not match:
        raise InvalidArgumentError(f"an S3 address must be 's3://bucket/key', got {redact(url)!r}.")
    return match[1], match[2] or ""


def own_keys() -> tuple[str, str]:
    """Access key and secret of the user's own credential chain, to be handed to Labellerr."""
    _boto3()
    with failures("looking for AWS keys", "AWS"):
        frozen = _frozen_keys(_session())
    if frozen is None:
        raise AuthError(f"no AWS keys; {KEYS}.", hint=all_of(argument("access_key"), argument("secret_key")))
    if frozen.token:
        raise AuthError(
            "the AWS keys of this machine are temporary (they have a session token), and Labellerr keeps a "
            "connection for longer.",
            hint=all_of(argument("access_key"), argument("secret_key")),
        )
    return frozen.access_key, frozen.secret_key


def _session() -> Any:
    boto3 = _boto3()
    redact_logs(_LOUD)  # before anything is asked: the answers of AWS hold keys
    return boto3.Session()


def _frozen_keys(session: Any) -> Any:
    credentials = session.get_credentials()
    return None if credentials is None else credentials.get_frozen_credentials()


def delta_options() -> dict[str, str]:
    """The user's own AWS settings in the words of deltalake's `storage_options`."""
    with failures("looking for AWS keys", "AWS"):
        session = _session()
        frozen = _frozen_keys(session)
        if frozen is None:
            raise AuthError(f"no AWS keys; {KEYS}.")
        endpoint = session.client("s3", region_name=session.region_name or "us-east-1").meta.endpoint_url
    redact_logs(_LOUD, tuple(each for each in (frozen.access_key, frozen.secret_key, frozen.token) if each))
    options = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
        "AWS_REGION": session.region_name or "us-east-1",
        "AWS_ENDPOINT_URL": None if ".amazonaws.com" in endpoint else endpoint,
        "AWS_ALLOW_HTTP": "true" if endpoint.startswith("http://") else None,
    }
    return {key: Secret(value) for key, value in options.items() if value}


def bucket_of(name: str) -> Bucket:
    """A bucket, the same for all that use it with the same AWS settings: its client takes a tenth of a second."""
    return _bucket(name, tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))))


@lru_cache(maxsize=8)
def _bucket(name: str, settings: tuple[tuple[str, str], ...]) -> Bucket:
    return Bucket(name)


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
                raise AuthError(f"reading s3://{name}: no AWS keys; {KEYS}.")
            self._secrets = tuple(each for each in (frozen.access_key, frozen.secret_key, frozen.token) if each)
            redact_logs(_LOUD, self._secrets)
            self._s3 = session.client(
                "s3",
                region_name=session.region_name or "us-east-1",
                config=Config(
                    connect_timeout=10,
                    read_timeout=READ_TIMEOUT_S,
                    max_pool_connections=AT_ONCE,
                    retries={"mode": "standard", "max_attempts": S3_TRIES},
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
                try:
                    return [self.head(key)]
                except LabellerrError:
                    raise refusal from None
            if exact and exact[0].key == key:
                return exact
            key += "/"
        objects = self.below(key)
        if not objects:
            raise NotFoundError(f"nothing exists at s3://{self.name}/{key.removesuffix('/')}.")
        return objects

    def holds(self, prefix: str) -> bool:
        """Whether there is any object below a prefix."""
        return bool(self._list(prefix, 1))

    def below(self, prefix: str) -> list[S3Object]:
        """All objects below a prefix, sorted by key; a folder's own marker is none."""
        return self._list(prefix, None)

    def _list(self, prefix: str, limit: int | None) -> list[S3Object]:
        objects: list[S3Object] = []
        with self._failures(f"listing s3://{self.name}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, PaginationConfig={"MaxItems": limit} if limit else {}
            )
            for page in pages:
                self._look_at_the_clock(page)
                objects += [
                    S3Object(
                        entry["Key"],
                        entry["Size"],
                        entry["ETag"].strip('"'),
                        entry["LastModified"].astimezone(timezone.utc),
                    )
                    for entry in page.get("Contents", [])
                    if not (entry["Key"].endswith("/") and not entry["Size"])
                ]
        return sorted(objects, key=lambda item: item.key)

    def head(self, key: str) -> S3Object:
        """One object, without listing the bucket.

        Raises
        ------
        NotFoundError, AuthError, StorageError, ConnectionFailedError
        """
        with self._failures(f"reading s3://{self.name}/{key}"):
            reply = self._s3.head_object(Bucket=self.name, Key=key)
        modified = reply["LastModified"].astimezone(timezone.utc)
        return S3Object(key, reply["ContentLength"], reply["ETag"].strip('"'), modified)

    def _look_at_the_clock(self, answer: dict[str, Any]) -> None:
        try:
            reply = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
            self.store_time = parsedate_to_datetime(reply).astimezone(timezone.utc)
        except (KeyError, TypeError, ValueError):
            self.store_time = datetime.now(timezone.utc)

    def fetch(self, objects: Sequence[S3Object], paths: Sequence[Path], *, progress: ProgressOption = True) -> None:
        """Get objects to paths, several at a time; where one cannot be had whole, none of the paths stays.

        Raises
        ------
        DownloadError
            Where an object changed, was cut short, or does not have the checksum that the store has for it.
        DiskError
            Where the disk has too little room.
        """
        folder, total = paths[0].parent, sum(each.size for each in objects)
        check_room(folder, total)
        stop = threading.Event()
        pool = ThreadPoolExecutor(AT_ONCE)
        with tracked(total, "reading S3", progress) as advance:
            try:
                running = [
                    pool.submit(fetch, _Stored(self, item), path, advance=advance, stop=stop)
                    for item, path in zip(objects, paths, strict=True)
                ]
                for future in as_completed(running):
                    future.result()
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)  # one that hears nothing ends by its timeout
                for path in paths:
                    path.unlink(missing_ok=True)
                raise
        pool.shutdown()

    def open(self, item: S3Object, start: int, what: str) -> dict[str, Any]:
        """The store's answer with an object's bytes from an offset on.

        Raises
        ------
        DownloadError
            Where the object is not the one that was listed any more.
        """
        ranged = {"Range": f"bytes={start}-"} if start else {}
        with self._failures(what):
            answer: dict[str, Any] = self._s3.get_object(
                Bucket=self.name, Key=item.key, IfMatch=f'"{item.etag}"', **ranged
            )
        if answer["ETag"].strip('"') != item.etag:  # a store that knows no If-Match
            raise changed(what)
        return answer

    def part_size(self, item: S3Object, number: int, what: str) -> int | None:
        """Bytes of a part of what was uploaded in parts; None where the store does not have it."""
        with self._failures(what):
            answer = self._s3.head_object(Bucket=self.name, Key=item.key, PartNumber=number)
        same = answer.get("PartsCount") and answer["ETag"].strip('"') == item.etag
        return int(answer["ContentLength"]) if same else None

    def put(self, path: Path, key: str) -> S3Object:
        """Write a file to an object, which is there once it is whole.

        Raises
        ------
        AuthError, StorageError, ConnectionFailedError
        """
        with self._failures(f"writing s3://{self.name}/{key}"), path.open("rb") as body:
            answer = self._s3.put_object(Bucket=self.name, Key=key, Body=body)
        return S3Object(key, path.stat().st_size, answer["ETag"].strip('"'), datetime.now(timezone.utc))

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects.

        Raises
        ------
        AuthError, StorageError, ConnectionFailedError
        """
        for start in range(0, len(keys), MOST_AT_ONCE):
            some = [{"Key": key} for key in keys[start : start + MOST_AT_ONCE]]
            with self._failures(f"removing from s3://{self.name}"):
                answer = self._s3.delete_objects(Bucket=self.name, Delete={"Objects": some, "Quiet": True})
            for refused in answer.get("Errors", [])[:1]:
                where = f"removing s3://{self.name}/{refused.get('Key')}"
                raise StorageError(
                    f"{where}: the store answered {refused.get('Code')}. Removing needs s3:DeleteObject."
                )

    def _failures(self, what: str) -> AbstractContextManager[None]:
        return failures(what, self._endpoint(), self.name, self._secrets)

    def _endpoint(self) -> str:
        """Where the store is, without a name or password that may stand before it."""
        if self._s3 is None:
            return "AWS"
        parts = urlsplit(str(self._s3.meta.endpoint_url))
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


class _Stored:
    """An object of a bucket, as `part.fetch` takes it."""

    key = None  # its paths are those of a temporary folder

    def __init__(self, bucket: Bucket, item: S3Object) -> None:
        self._bucket, self._item = bucket, item
        self.what, self.size = f"reading s3://{bucket.name}/{item.key}", item.size
        self._sealed = False  # encrypted there: its ETag is no checksum

    def open(self, offset: int) -> Stream:
        answer = self._bucket.open(self._item, offset, self.what)
        encryption = str(answer.get("ServerSideEncryption", ""))
        self._sealed = encryption.startswith("aws:") or "SSECustomerAlgorithm" in answer
        goes_on = str(answer.get("ContentRange", "")).startswith(f"bytes {offset}-")
        return Stream(offset if goes_on else 0, self._pieces(answer["Body"]))

    def _pieces(self, body: Any) -> Generator[tuple[bytes, int], None, None]:
        from botocore import exceptions as boto
        from urllib3.exceptions import HTTPError

        try:
            for piece in body.iter_chunks(PIECE_BYTES):
                yield piece, len(piece)
        except boto.FlexibleChecksumError:
            raise DamagedError from None
        except (boto.HTTPClientError, boto.IncompleteReadError, HTTPError, ConnectionError, TimeoutError):
            raise BrokenStreamError from None

    def verify(self, path: Path) -> None:
        if path.stat().st_size != self._item.size or not self._has_etag(path):
            raise DamagedError

    def _has_etag(self, path: Path) -> bool:
        """Whether the ETag fits, as far as it is a checksum that can be computed."""
        etag, size = self._item.etag, self._item.size
        if self._sealed:
            return True
        if re.fullmatch(r"[0-9a-f]{32}", etag):
            return md5_of(path, [size]) == [bytes.fromhex(etag)]
        parts = re.fullmatch(r"([0-9a-f]{32})-(\d+)", etag)
        first = self._bucket.part_size(self._item, 1, self.what) if parts else None
        if not parts or first is None:
            return True
        count = int(parts[2])
        if multipart_etag(path, [first] * (count - 1) + [size - first * (count - 1)]) == parts[1]:
            return True
        # parts need not have one size: ask for each before the bytes are called damaged
        sizes = [self._bucket.part_size(self._item, number, self.what) for number in range(1, count + 1)]
        known = [each for each in sizes if each is not None]
        return len(known) < count or multipart_etag(path, known) == parts[1]
