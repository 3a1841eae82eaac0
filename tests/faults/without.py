"""Each fault once more with its protection taken out: the test that holds it must fail then.

    python tests/faults/without.py [NUMBER…]

Takes a copy of the package for each, with a line or two of it changed, and runs the tests of that fault on it. What
runs into the time limit has failed as well: the protection was against waiting for ever.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_S = 100

FETCH, LINK, TRANSPORT = "storage/fetch.py", "storage/signed_link.py", "service/transport.py"
ARCHIVE, PIXELS, DISK = "formats/archive.py", "formats/png/mask_pixels.py", "core/disk.py"
NETWORK, SERVICE, FILES, DISKS = (f"tests/faults/test_{name}.py" for name in ("network", "service", "files", "disk"))
CACHE, SINCE = "tests/storage/test_cache.py", "tests/core/test_since.py"

Change = tuple[str, str, str]
"""A file of the package, a piece of it, and what stands there without the protection."""

NO_CHECKSUMS: list[Change] = [
    (LINK, "if self._md5 and", "if False and"), (LINK, "if self._crc32c and", "if False and"),
    (LINK, "if self.size is not None and size != self.size:", "if False:"),
]  # fmt: skip
"""What finds at the end what was let through before: taken out as well where a protection is one of two."""

WITHOUT: tuple[tuple[int, str, list[Change], str, str], ...] = (
    (1, "going on where it broke", [(FETCH, "if barren >= DOWNLOAD_TRIES:", "if barren >= 0:")], NETWORK, "test_01"),
    (2, "an end that is proved",
     [(LINK, "return first[:1] + last[-1:] in (b\"[]\", b\"{}\")", "return True")], NETWORK, "test_02"),
    (3, "a part that fits", [(LINK, "fits = answer.range == (offset, self.size) and answer.coding is None",
                              "fits = True"), *NO_CHECKSUMS], NETWORK, "test_03"),
    (4, "from the beginning", [(FETCH, "if stream.start != before:", "if False:")], NETWORK, "test_04"),
    (5, "the version", [(LINK, 'same = answer.etag is None or answer.etag == self.etag', "same = True"),
                        (LINK, ', "If-Match": self.etag or ""', ""), *NO_CHECKSUMS], NETWORK, "test_05"),
    (6, "a new link", [(LINK, "self._renew is not None and self._renewals <= RENEWALS and self._refusals <= 1", "False")],
     NETWORK, "test_06"),
    (7, "one new link at most", [(LINK, "and self._refusals <= 1", "")], NETWORK, "test_07"),
    (8, "a store's wait", [(FETCH, "max(wait_s, own)", "own")], NETWORK, "test_08"),
    (8, "a service's wait", [("exports/polling.py", "max(interval, min(asked or 0, LONGEST_WAIT_S))", "interval")],
     SERVICE, "test_08_waiting"),
    (9, "patience with a store", [(LINK, "if status in (408, 425, 429) or status >= 500:", "if False:")],
     NETWORK, "test_09"),
    (9, "patience with the service", [("exports/polling.py", "if not outlives or 300", "if True or 300")],
     SERVICE, "test_09"),
    (10, "a look for what was created", [("exports/create.py", "if len(candidates) == 1:", "if False:")], SERVICE, "test_10"),
    (12, "the deadline", [("exports/polling.py", "if left <= 0:", "if False:")], SERVICE, "test_12"),
    (13, "text is text", [("core/vendor.py", "return value if value is None or isinstance(value, str) else json.dumps",
                           "return value if True else json.dumps")], SERVICE, "test_13"),
    (14, "refused credentials", [(TRANSPORT, "if answer.status == 401:", "if False:"),
                                 (TRANSPORT, "if 400 <= answer.status < 500 and", "if False and")], SERVICE, "test_14"),
    (15, "nothing to export", [("exports/outcome.py", "return reason is not None and vendor.EMPTY_WORDS in reason.lower()",
                                "return False")], SERVICE, "test_15"),
    (16, "a trickle", [(FETCH, "if window_bytes < SLOW_BYTES:", "if False:")], NETWORK, "test_16"),
    (16, "an answer without an end", [(TRANSPORT, "if time.monotonic() > deadline:", "if False:")], SERVICE, "test_16"),
    (16, "headers in time", [(TRANSPORT, "box.get(timeout=seconds)", "box.get()")], NETWORK, "test_16_headers"),
    (17, "a page", [(LINK, "if page := _PAGE.match(first):", "if page := None:")], NETWORK, "test_17"),
    (18, "the end of the coding", [("storage/content_encoding.py", "if not decoder.eof:", "if False:")], NETWORK, "test_18"),
    (18, "growth", [("storage/content_encoding.py", "if made > HARMLESS_BYTES and", "if False and")], NETWORK, "test_18"),
    (19, "MD5", [(LINK, "if self._md5 and", "if False and")], NETWORK, "test_19"),
    (19, "CRC32C", [(LINK, "if self._crc32c and", "if False and")], NETWORK, "test_19"),
    (20, "no credential beyond the API", [(TRANSPORT, "allow_redirects=False", "allow_redirects=True")],
     "tests/service/test_transport.py", "redirect"),
    (21, "no password of an address", [(TRANSPORT, 'return f"{parts.hostname}:{port}" if port else str(parts.hostname)',
                                        "return parts.netloc")], SERVICE, "test_21"),
    (22, "room before an export", [(DISK, "    if free < needed:", "    if False:")], DISKS, "test_22"),
    (22, "a full disk in words", [(DISK, "if problem.errno not in _FAILURES:", "if True:")], DISKS, "test_22"),
    (23, "what a killed process got", [("storage/partial_files.py", "_take_over(final, key, name, out)", "pass")],
     NETWORK, "test_23_the_next"),
    (23, "a writer beside", [("core/atomic.py", "os.rename(made, path)\n        return", "shutil.copytree(made, path)\n        return")],
     DISKS, "test_23"),
    (24, "living processes", [("core/temp_names.py", "if process in (0, os.getpid()):", "if True:"),
                              ("core/temp_names.py", "return process != 0", "return False")], NETWORK, "test_24"),
    (25, "a manifest", [("formats/parquet/read.py", "        check_files(stored.get(\"manifest\"), paths, tables)\n", "")],
     "tests/dataset/test_dataset.py", "checksum"),
    (26, "bare numbers", [("core/since.py", "if isinstance(since, numbers.Number):", "if False:")], SINCE, "number"),
    (27, "what a person interrupts", [("storage/partial_files.py", "isinstance(problem, KeyboardInterrupt)", "False")],
     NETWORK, "test_27"),
    (28, "names in an archive", [(ARCHIVE, "        if filenames:", "        if False:")], FILES, "test_28"),
    (29, "what unpacks to too much", [("core/limits.py", "if of > FREE_BYTES and", "if False and")], FILES, "test_29"),
    (29, "shared bytes", [(ARCHIVE, "if member.header_offset < end:", "if False:")], FILES, "test_29_two"),
    (30, "a mask's parts", [(PIXELS, "if damage := _damage(body):", "if damage := None:")], FILES, "test_30"),
    (30, "a mask's size", [(PIXELS, "if image.width * image.height > largest:", "if False:")], FILES, "test_30"),
    (31, "sixteen bits", [(PIXELS, "values = np.asarray(image)\n", "values = np.asarray(image).astype(np.uint8)\n")],
     FILES, "test_31"),
    (32, "RLE that holds together", [("shapes/rle.py", "if (runs < 0).any() or runs.sum() != height * width:", "if False:")],
     "tests/shapes/test_rle.py", ""),
    (34, "memory", [("formats/read.py", "except MemoryError:", "except ZeroDivisionError:")], FILES, "test_34"),
    (36, "quotes", [("formats/csv/cells.py", "return bool(in_turn) and len(quotes) % 2 == 0", "return True")],
     "tests/formats/csv/test_csv.py", ""),
    (37, "formulas", [("api/accessor.py", 'lambda text: "\'" + text', "lambda text: text")], DISKS, "test_37"),
    (39, "keys in a traceback", [("core/redaction.py", "        return \"'…'\"", "        return str.__repr__(self)")],
     "tests/service", ""),
    (40, "what is in the cache", [("storage/cache.py", "if not _is_whole(mine, entry, owner, home / ENTRY):", "if False:")],
     CACHE, ""),
)  # fmt: skip


def fails(changes: list[Change], tests: str, word: str) -> str:
    """How the tests end without a protection: ``fails``, ``hangs``, ``PASSES``, or what kept them from running."""
    with tempfile.TemporaryDirectory() as home:
        package = Path(home) / "labellerr_ds"
        shutil.copytree(ROOT / "labellerr_ds", package, ignore=shutil.ignore_patterns("__pycache__"))
        for name, old, new in changes:
            text = (package / name).read_text(encoding="utf-8")
            if old not in text:
                return f"NOT THERE: {old!r} in {name}"
            (package / name).write_text(text.replace(old, new), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"),
                   "--rootdir", str(ROOT), str(ROOT / tests), *(["-k", word] if word else [])]  # fmt: skip
        env = {**os.environ, "PYTHONPATH": home, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return "hangs"
        if done.returncode == 5:
            return f"NO TEST is called {word}"
        return {0: "PASSES", 1: "fails"}.get(done.returncode, f"ended with {done.returncode}: {done.stdout[-300:]}")


def main(numbers: list[int]) -> int:
    """Try each, and print how it ends."""
    bad = 0
    for number, what, changes, tests, word in WITHOUT:
        if not numbers or number in numbers:
            how = fails(changes, tests, word)
            bad += how not in ("fails", "hangs")
            print(f"{number:2}  {how:7} without {what}", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main([int(each) for each in sys.argv[1:]]))
