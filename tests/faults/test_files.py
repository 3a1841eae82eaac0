"""Files that nobody can trust, numbered as in README.md: refused, or read right; never unpacked without a limit."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import resource
import struct
import subprocess
import sys
import time
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from thorough import examples

import labellerr_ds as lds

FILE = {"file_id": "f1", "file_name": "a.jpg", "file_status": "accepted", "latest_answer": []}
NATIVE = json.dumps([FILE]).encode()


def zipped(entries, **more):
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **more) as archive:
            for name, body in entries:
                archive.writestr(name, body)
    return out.getvalue()


def read(folder, body, name="export.zip", **more):
    (folder / name).write_bytes(body)
    return lds.read_export(folder / name, progress=False, **more)


# --- 28: names that lead out of an archive


@pytest.mark.parametrize(
    "name", ["../evil.json", "a/../../evil.json", "/evil.json", "C:\\evil.json", "..\\evil.json", "a\x01.json"]
)
def test_28_an_archive_with_a_name_that_leads_out_of_it_is_refused_by_that_name(tmp_path, name):
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(lds.ReadError, match="names that lead out of it, or links"):
        read(inside, zipped([("good.json", NATIVE), (name, NATIVE)]))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["export.zip"]


def test_28_a_link_in_an_archive_is_refused(tmp_path):
    link = zipfile.ZipInfo("link.json")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with pytest.raises(lds.ReadError, match="or links"):
        read(tmp_path, zipped([(link, b"/etc/passwd")]))


def test_28_two_files_of_one_name_in_an_archive_are_refused_and_twins_in_case_are_two(tmp_path):
    with pytest.raises(lds.ReadError, match=r"files that are there twice \(1: 'a.json'\)"):
        read(tmp_path, zipped([("a.json", NATIVE), ("a.json", NATIVE)]))
    other = json.dumps([{**FILE, "file_id": "f2"}]).encode()
    assert len(read(tmp_path, zipped([("A.json", NATIVE), ("a.json", other), ("CON.json", b"[]")]))) == 2


# --- 29: archives that unpack to more than they should

SPACES = b" " * (1 << 20)


def bomb(total, tail=NATIVE):
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.json", "w", force_zip64=True) as out,
    ):
        out.write(tail[:1])
        for _ in range(total >> 20):
            out.write(SPACES)
        out.write(tail[1:])
    return packed.getvalue()


def test_29_what_unpacks_to_a_thousand_times_its_size_is_refused_before_it_is_unpacked(tmp_path):
    body = bomb(300 << 20)
    assert len(body) < 1 << 20
    with pytest.raises(lds.LimitError, match=r"times as many; the limit is 250[\s\S]*limits=lds.Limits\(ratio="):
        read(tmp_path, body)
    assert len(read(tmp_path, body, limits=lds.Limits(ratio=2000))) == 1


def test_29_a_gzip_that_does_not_end_is_stopped_at_the_limit(tmp_path):
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packed.compress(SPACES) for _ in range(300)) + packed.compress(NATIVE) + packed.flush()
    with pytest.raises(lds.LimitError, match="ratio"):
        read(tmp_path, body, "export.json.gz")
    with pytest.raises(lds.LimitError, match="total_bytes"):
        read(tmp_path, gzip.compress(SPACES + NATIVE), "small.json.gz", limits=lds.Limits(total_bytes=1 << 19))


def test_29_archives_in_archives_count_together(tmp_path):
    inner = zipped([("a.json", NATIVE)])
    body = zipped([(f"{number}.zip", inner) for number in range(5)])
    assert len(read(tmp_path, body)) == 1
    with pytest.raises(lds.LimitError, match="entries"):
        read(tmp_path, body, limits=lds.Limits(entries=9))
    with pytest.raises(lds.LimitError, match="total_bytes"):
        read(tmp_path, body, limits=lds.Limits(total_bytes=5 * len(inner) + 2 * len(NATIVE)))
    for _ in range(4):
        body = zipped([("inner.zip", body)])
    with pytest.raises(lds.LimitError, match="nesting"):
        read(tmp_path, body)


def test_29_two_entries_over_the_same_bytes_are_refused(tmp_path):
    body = bytearray(zipped([("a.json", NATIVE), ("b.json", NATIVE)]))
    second = body.rindex(b"PK\x01\x02")
    struct.pack_into("<I", body, second + 42, 0)  # the second lies where the first one does
    with pytest.raises(lds.ReadError, match="lies over another file of it"):
        read(tmp_path, bytes(body))


@pytest.mark.parametrize("size", [1, len(NATIVE) - 1])
def test_29_an_entry_that_lies_about_its_size_is_damaged(tmp_path, size):
    body = bytearray(zipped([("a.json", NATIVE)]))
    struct.pack_into("<I", body, body.index(b"PK\x01\x02") + 24, size)
    with pytest.raises(lds.ReadError, match=r"a\.json"):
        read(tmp_path, bytes(body))


def test_limits_are_positive_numbers():
    with pytest.raises(lds.InvalidArgumentError, match="ratio of Limits must be a positive number, got 0"):
        lds.Limits(ratio=0)
    with pytest.raises(lds.InvalidArgumentError, match="limits must be a Limits"):
        lds.read_export("x", limits=5)


# --- 30 and 31: images


def png(pixels, **more):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **more)
    return out.getvalue()


GOOD = png(np.eye(8, dtype=np.uint8))


def header_of(width, height):
    """A PNG that says it is so large, and has hardly a pixel."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


BROKEN = {
    "bomb": (header_of(30_000, 30_000), r"30,000 x 30,000 pixels; the limit is 268,435,456"),
    "wide": (header_of(2**31 - 1, 2**31 - 1), "pixels; the limit is"),
    "short": (header_of(64, 64), "truncated|broken|not enough"),
    "cut": (GOOD[: len(GOOD) // 2], "mask bad.png"),
    "flipped": (GOOD[:50] + bytes([GOOD[50] ^ 1]) + GOOD[51:], "mask bad.png"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_30_one_broken_mask_is_an_issue_and_the_others_are_read(tmp_path, kind):
    body, words = BROKEN[kind]
    with pytest.warns(lds.LabellerrWarning):
        dataset = read(tmp_path, zipped([("bad.png", body), ("good.png", GOOD)]))
    (issue,) = dataset.issues[dataset.issues["code"] == "unreadable_image"].to_dict("records")
    assert issue["id"] == "bad"
    assert re.search(words, issue["message"])
    assert set(dataset.annotations["file_id"]) == {"good"}


def test_30_a_mask_that_pillow_warns_of_is_read_and_one_over_the_limit_is_not(tmp_path):
    pixels = np.zeros((10_000, 10_000), dtype=np.uint8)
    pixels[5:9, 7:9] = 1
    body = zipped([("large.png", png(pixels, compress_level=1))])
    with pytest.warns(lds.LabellerrWarning, match="issues"):  # of the class, which no template names
        dataset = read(tmp_path, body)
    assert dataset.annotations["area"].tolist() == [8.0]
    with pytest.warns(lds.LabellerrWarning):
        small = read(tmp_path, body, limits=lds.Limits(pixels=10**6))
    assert "the limit is 1,000,000" in small.issues["message"].str.cat()


def test_31_values_of_masks_are_exact_in_16_bits_and_in_palettes(tmp_path):
    values = np.array([[0, 1], [40_000, 65_535]], dtype=np.uint16)
    palette = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8), "P")
    palette.putpalette([0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
    out = io.BytesIO()
    palette.save(out, "PNG")
    with pytest.warns(lds.LabellerrWarning):
        dataset = read(tmp_path, zipped([("wide.png", png(values)), ("palette.png", out.getvalue())]))
    assert sorted(dataset.annotations.query("file_id == 'wide'")["category_id"]) == ["1", "40000", "65535"]
    assert len(dataset.annotations.query("file_id == 'palette'")) == 3


# --- 34: JSON that no writer makes

DEEP = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEP, "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP,
        '[{"latest_answer":[{"question_type":"polygon","answer":' + "[" * DEEP + "]" * DEEP + "}]}]",
        '{"images":[{"id":1,"x":' + "[" * DEEP + "]" * DEEP + '}],"annotations":[],"categories":[]}',
    ],
    ids=["open", "lists", "objects", "answer", "image"],
)  # fmt: skip
def test_34_json_that_is_nested_without_end_is_refused_in_little_memory(tmp_path, text):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(lds.ReadError, match="nested too deep"):
        read(tmp_path, text.encode(), "export.json")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@pytest.mark.parametrize("tail", [b"x", b"]", b'{"a":1}', b"\x00"])
def test_34_what_comes_after_the_end_is_told_with_its_place(tmp_path, tail):
    with pytest.raises(lds.ReadError) as told:
        read(tmp_path, NATIVE + tail, "export.json")
    assert told.value.byte_offset is None or told.value.byte_offset >= len(NATIVE)


def test_34_a_file_larger_than_the_memory_is_told(tmp_path):
    """What is left of the address space does not hold the file's objects: an error of ours, not a MemoryError."""
    rows = [{**FILE, "file_id": f"f{number}", "file_metadata": {"key": "x" * 400}} for number in range(40_000)]
    (tmp_path / "export.json").write_text(json.dumps(rows))
    child = (
        "import resource, sys, warnings, labellerr_ds as lds, labellerr_ds.formats.read\n"
        "warnings.simplefilter('ignore')\n"
        "lds.read_export(sys.argv[2])\n"  # what is imported then is there
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (12 << 20), -1))\n"
        "try:\n    lds.read_export(sys.argv[1])\n"
        "except lds.ReadError as problem:\n    print('told', problem)\n"
    )
    (tmp_path / "small.json").write_bytes(NATIVE)
    arguments = [sys.executable, "-c", child, tmp_path / "export.json", tmp_path / "small.json"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("told"), done.stderr[-1500:]
    assert "not enough memory" in done.stdout


# --- many files


def test_2_000_files_in_an_archive_take_no_time_a_file(tmp_path):
    """20,000 were read in 6 s once; here it is only seen that their number costs nothing beside."""
    body = zipped([(f"{number}.json", json.dumps([{**FILE, "file_id": f"f{number}"}])) for number in range(2_000)])
    started = time.perf_counter()
    assert len(read(tmp_path, body)) == 2_000
    assert time.perf_counter() - started < 60


# --- fuzzing: whatever stands in a file


def mutated(body, rng):
    """A real file with some bytes of it changed, moved, cut, doubled, or replaced by what is special somewhere."""
    made = bytearray(body)
    special = [
        b"null",
        b"NaN",
        b"1e999",
        b"-1",
        b'""',
        b"[]",
        b"{}",
        b"\xff",
        b"\x00",
        b"18446744073709551616",
        b'"',
        b",",
        b"\\ud800",
    ]
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(made) + 1), rng.randint(0, 30)
        kind = rng.randrange(6)
        if kind == 0 and made:
            made[at % len(made)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del made[at : at + length]
        elif kind == 2:
            made[at:at] = made[at : at + length]
        elif kind == 3:
            made[at : at + length] = rng.choice(special)
        elif kind == 4:
            other = rng.randrange(len(made) + 1)
            made[at : at + length] = made[other : other + length]
        else:
            del made[at:]
    return bytes(made)


@pytest.fixture(scope="session")
def real(serve, tmp_path_factory):
    """Real exports, small ones."""
    found = []
    for variant in ("", "body-zip"):
        sandbox = serve(variant, 6)
        client = lds.Client.sandbox(sandbox)
        for place in range(4):
            for form in lds.ExportFormat:
                try:
                    job = lds.create_export(client.project(sandbox.project_ids[place]), "all", format=form)
                    job.wait(progress=False)
                except lds.LabellerrError:  # a format that projects of this kind do not have
                    continue
                found.append(job.download(tmp_path_factory.mktemp("real"), progress=False).read_bytes())
    assert len(found) > 16
    return found


@settings(max_examples=examples(5_000, 200))
@given(seed=st.integers(0, 2**63))
def test_a_changed_file_gives_an_error_of_ours_or_frames_that_hold_together(real, tmp_path_factory, seed):
    rng = random.Random(seed)
    body = mutated(rng.choice(real), rng)
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lds.LabellerrWarning)
        try:
            dataset = lds.read_export(path, progress=False)
            dataset.annotations.labellerr.check()
            dataset.to_coco()
        except lds.LabellerrError as problem:
            assert problem.__cause__ is None, "an error of another kind was only renamed"
            return
    assert set(dataset.annotations["file_id"].dropna()) <= set(dataset.files["file_id"].dropna())
