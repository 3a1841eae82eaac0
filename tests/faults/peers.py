"""The faults of a link beside other clients: python tests/faults/peers.py

Makes an environment of its own with requests, pooch and huggingface_hub, lets each of them and this package download
the same object with the same faults, and prints the table that README.md has.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from objectserver import Served, serving_object  # noqa: E402
from rawserver import Came, answer  # noqa: E402

REQUIREMENTS = ["requests", "pooch", "huggingface_hub"]
LIMIT_S = 45
BODY = json.dumps([random.Random(1).randbytes(30).hex() for _ in range(8_000)]).encode()
TABLE = b"file_id,file_name\n" + b"".join(b"f%06d,%06d.jpg\n" % (n, n) for n in range(20_000))

CLIENTS = {
    "requests": "import requests; open(out, 'wb').write(requests.get(url, timeout=20).content)",
    "requests, checked": (
        "import requests\n"
        "with requests.get(url, timeout=20, stream=True) as answer, open(out + '.part', 'wb') as file:\n"
        "    answer.raise_for_status()\n"
        "    for piece in answer.iter_content(1 << 16): file.write(piece)\n"
        "import os; os.replace(out + '.part', out)"
    ),
    "pooch": (
        "import pooch, os\n"
        "pooch.retrieve(url, known_hash=None, fname=os.path.basename(out), path=os.path.dirname(out), "
        "downloader=pooch.HTTPDownloader(timeout=20))"
    ),
    "huggingface_hub": (
        "from huggingface_hub.file_download import http_get\n"
        "file = open(out + '.part', 'wb')\nhttp_get(url, file)\nfile.close()\nimport os; os.replace(out + '.part', out)"
    ),
    "labellerr_ds": (
        "import os, pathlib, warnings, labellerr_ds as lds\nfrom labellerr_ds.storage.signed_link import download\n"
        "link = lds.SignedLink(url)\n"
        "download(link, pathlib.Path(out).parent, name=os.path.basename(out), progress=False, renew=lambda: link)"
    ),
}


def expiring() -> Served:
    """The link expires after 100,000 bytes, once."""

    def before(number: int, came: Came) -> bytes | None:
        return answer(403, b"<Error><Code>ExpiredToken</Code></Error>") if number == 2 else None

    return Served(BODY, cuts=[100_000], before=before)


def first(*answers: bytes) -> Callable[[], Served]:
    """An object before which these answers come."""
    return lambda: Served(BODY, before=lambda number, came: answers[number - 1] if number <= len(answers) else None)


def changing() -> Served:
    """Another object of the same size after the first break."""
    served = Served(BODY, cuts=[100_000])

    def before(number: int, came: Came) -> None:
        if number == 2:
            served.body = BODY[::-1]

    served.before = before
    return served


def turned() -> Served:
    """One bit is another one than that of which the store tells the MD5."""
    etag = '"' + hashlib.md5(BODY, usedforsecurity=False).hexdigest() + '"'
    return Served(BODY[:500] + bytes([BODY[500] ^ 1]) + BODY[501:], etag=etag)


packed = gzip.compress(BODY, mtime=0)
FAULTS: dict[str, tuple[Callable[[], Served], bytes]] = {
    "1 the line breaks three times": (lambda: Served(BODY, cuts=[100_000, 50_000, 1_000]), BODY),
    "2 no length, cut at a line's end": (
        lambda: Served(TABLE, cuts=[TABLE.index(b"f010000")], headers={"Content-Length": None, "ETag": None}),
        TABLE,
    ),
    "2 a length that is too small": (lambda: Served(BODY, headers={"Content-Length": "100000"}), BODY),
    "4 a store that knows no ranges": (lambda: Served(BODY, cuts=[100_000], knows_ranges=False), BODY),
    "5 the object changes in between": (changing, BODY[::-1]),
    "6 the link expires in between": (expiring, BODY),
    "8 429, wait a second": (first(answer(429, b"", Retry_After="1")), BODY),
    "9 503, twice": (first(answer(503), answer(503)), BODY),
    "17 a page with 200": (
        lambda: Served(b"<!DOCTYPE html><html>sign in</html>", headers={"Content-Type": "text/html"}),
        b"",
    ),
    "18 a gzip coding that is cut": (
        lambda: Served(packed[: len(packed) // 2], headers={"Content-Encoding": "gzip", "ETag": None}),
        b"",
    ),
    "19 a bit turns at the store": (turned, b""),
}


def outcome(python: Path, program: str, served: Served, right: bytes) -> str:
    """What a client makes of it: ``whole``, ``error``, ``wrong`` or ``hangs``."""
    with tempfile.TemporaryDirectory() as folder, serving_object(served) as server:
        out = Path(folder) / "export.json"
        code = f"url, out = {server.url + '/b/export.json'!r}, {str(out)!r}\n{program}"
        try:
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return "hangs"
        if out.exists() and done.returncode == 0:
            if right and out.read_bytes() == right:
                return "whole"
            return "**wrong**" if "LabellerrWarning" not in done.stderr else "kept, with a warning"
        return "error" if not out.exists() else "error, **wrong file left**"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        theirs = Path(folder) / "bin" / "python"
        subprocess.run([theirs, "-m", "pip", "install", "-q", *REQUIREMENTS], check=True)
        print("| fault | " + " | ".join(CLIENTS) + " |\n|" + "---|" * (len(CLIENTS) + 1))
        for fault, (serve, right) in FAULTS.items():
            row = []
            for name, program in CLIENTS.items():
                python = Path(sys.executable) if name == "labellerr_ds" else theirs
                row.append(outcome(python, program, serve(), right))
            print(f"| {fault} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
