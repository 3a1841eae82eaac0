"""Real S3 stores for the tests: Swift, which enforces signatures and permissions, and moto's server."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from labellerr_ds.core.redaction import redact_logs

HERE = pathlib.Path(__file__).parent
ACCESS_KEY, SECRET_KEY = "test:canaryaccess", "canary-secret-of-the-writer"
READER_KEY, READER_SECRET = "test:canaryreader", "canary-secret-of-the-reader"
SECRETS = ("canaryaccess", SECRET_KEY, "canaryreader", READER_SECRET)


@dataclass
class Store:
    """A running store, with a bucket ``labels`` in it."""

    name: str
    endpoint: str
    folder: pathlib.Path
    s3: Any = field(init=False)

    def __post_init__(self) -> None:
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
            config=Config(max_pool_connections=8, retries={"total_max_attempts": 10}),
        )
        redact_logs(("botocore", "boto3", "s3transfer", "urllib3"))  # the tests' own calls are logged as well
        self.s3.create_bucket(Bucket="labels")

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket="labels", Key=key, Body=body)

    def keys(self, prefix: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket="labels", Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in listed]


@contextlib.contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@contextlib.contextmanager
def swift() -> Iterator[Store]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="swift-"))
    users = [f"{ACCESS_KEY}:{SECRET_KEY}:.admin", f"{READER_KEY}:{READER_SECRET}:.none"]
    try:
        with _process(sys.executable, str(HERE / "swift_server.py"), str(folder), *users) as process:
            address = process.stdout.readline().strip()
            assert address, "Swift did not start"
            store = Store("swift", address, folder)
            store.s3.put_bucket_acl(Bucket="labels", ACL="public-read")  # the reader may list and read, not write
            yield store
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def moto() -> Iterator[Store]:
    port = free_port()
    with _process(sys.executable, "-W", "ignore", "-m", "moto.server", "-p", str(port)):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield Store("moto", f"http://127.0.0.1:{port}", pathlib.Path())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def cutting(store: Store, cuts: list[int]) -> Iterator[str]:
    """The store behind a relay that hangs up after so many bytes of a large answer, once for each of `cuts`."""
    port = int(store.endpoint.rsplit(":", 1)[1])
    left = list(cuts)
    listener = socket.create_server(("127.0.0.1", 0))

    def relay(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            threading.Thread(target=_pump, args=(near, far), daemon=True).start()
            sent = 0
            with contextlib.suppress(OSError):
                while piece := far.recv(4096):
                    if left and sent + len(piece) > left[0] > 1000:
                        near.sendall(piece[: left.pop(0) - sent])
                        break
                    near.sendall(piece)
                    sent += len(piece)
                near.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
