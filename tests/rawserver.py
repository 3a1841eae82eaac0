"""A server on loopback that answers as a test says, byte by byte if need be, and keeps a log."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Came:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class RawServer:
    port: int
    log: list[Came] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP answer; `_` in a header's name stands for `-`."""
    told = {"Content-Length": str(len(body)), "Connection": "close"}
    told.update({name.replace("_", "-"): value for name, value in headers.items()})
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
    return f"HTTP/1.1 {status} Any\r\n{head}\r\n".encode() + body


@contextmanager
def serving(respond: Callable[[Came, int], bytes | Iterator[bytes] | None]):
    """Serve; `respond` gets the request and its number, and gives the bytes to send (None: just hang up)."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener.getsockname()[1])

    def handle(connection: socket.socket) -> None:
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                piece = connection.recv(65536)
                if not piece:
                    return
                received += piece
            head, body = received.split(b"\r\n\r\n", 1)
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            while len(body) < int(headers.get("content-length", 0)):
                body += connection.recv(65536)
            method, path, _ = first.split(" ")
            came = Came(method, path, headers)
            server.log.append(came)
            told = respond(came, len(server.log))
            with contextlib.suppress(OSError):
                for piece in [told] if isinstance(told, bytes) else told or ():
                    connection.sendall(piece)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
