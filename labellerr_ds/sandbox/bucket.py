"""The buckets that exports go to: real ones, reached over S3 with the keys of a connection."""

from __future__ import annotations

import logging
import mimetypes
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class BucketError(Exception):
    """The bucket refused; the text is what the service would say."""


class _NoDebug(logging.Filter):
    """botocore's debug records hold keys and signatures; a service tells its own to nobody."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


_no_debug = _NoDebug()


def path_of(given: str, field_name: str) -> str:
    """``bucket/path/to/folder/`` of a path with or without ``s3://``.

    Raises
    ------
    BucketError
    """
    path = given.removeprefix("s3://")
    if not path.endswith("/") or path.startswith("/") or "://" in path:
        raise BucketError(f"{field_name} must be 'bucket/path/to/folder/' or 's3://bucket/path/to/folder/'")
    return path


@dataclass(frozen=True)
class Store:
    """Where buckets are.

    Attributes
    ----------
    endpoint : str or None
        None is AWS, or what ``AWS_ENDPOINT_URL_S3`` and ``AWS_ENDPOINT_URL`` say.
    region : str
    """

    endpoint: str | None = None
    region: str = "us-east-1"

    def test(self, keys: Keys, path: str) -> None:
        """Write a small object into the folder, and delete it again."""
        bucket, folder = path.split("/", 1)
        key = f"{folder}.labellerr-connection-test-{uuid.uuid4().hex[:8]}"
        with _refusals(f"the connection test failed at {bucket}"):
            client = self._client(keys)
            client.put_object(Bucket=bucket, Key=key, Body=b"test")
            with suppress(Exception):  # who may write need not be allowed to delete
                client.delete_object(Bucket=bucket, Key=key)

    def write(self, keys: Keys, path: str, objects: dict[str, Path | bytes]) -> None:
        """Put files, or bytes, into a folder, by their names in it."""
        bucket, folder = path.split("/", 1)
        with _refusals(f"writing to {bucket} failed"):
            client = self._client(keys)
            for name, body in objects.items():
                kind = {"ContentType": mimetypes.guess_type(name)[0] or "application/octet-stream"}
                if isinstance(body, bytes):
                    client.put_object(Bucket=bucket, Key=folder + name, Body=body, **kind)
                else:
                    client.upload_file(str(body), bucket, folder + name, ExtraArgs=kind)

    def _client(self, keys: Keys) -> Any:
        try:
            import boto3
        except ImportError:
            raise BucketError("this simulation needs boto3 to reach a bucket: pip install 'labellerr-ds[s3]'") from None
        from botocore.config import Config

        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30),
        )
        # the service does not look for where a bucket is: it says that the region is wrong
        client.meta.events.register("before-call.s3", _stay)
        for name in list(logging.root.manager.loggerDict):
            if name.split(".")[0] in ("botocore", "boto3", "s3transfer"):
                logging.getLogger(name).addFilter(_no_debug)
        return client


def _stay(params: dict[str, Any], **_: Any) -> None:
    """Keep boto3 from following a bucket into another region."""
    params.setdefault("context", {}).setdefault("s3_redirect", {})["redirected"] = True


@dataclass(frozen=True)
class Keys:
    """What a connection holds; never shown."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def objects_of(path: Path, served_as: str, form: str, report_id: str, name: str, variants: Any) -> dict[str, Any]:
    """What an export puts into its folder, by name: its file, or its masks one by one."""
    if "s3-loose" in variants and form == "png" and served_as.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            return {f"{report_id}/{each}": archive.read(each) for each in archive.namelist()}
    if "s3-plain" in variants:
        return {f"{name}{served_as[served_as.index('.') :]}": path}
    return {f"{report_id}_{served_as}": path}


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Errors of boto3 as the service's own words, without keys."""
    words = None
    try:
        yield
    except BucketError:
        raise
    except Exception as problem:
        # boto3 says why, where the store answered; an upload of a file wraps it once more
        answer = getattr(problem, "response", None) or getattr(problem.__context__, "response", None) or {}
        error = answer.get("Error", {})
        words = f"{error['Code']}: {error.get('Message')}" if error.get("Code") else "the bucket could not be reached"
    if words:
        raise BucketError(f"{what}: {words}")
