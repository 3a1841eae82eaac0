"""Sounds, texts and documents in the viewer."""

from __future__ import annotations

import io
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import labellerr_ds as lds
from labellerr_ds.images import pdf
from labellerr_ds.images.display import read_picture
from labellerr_ds.widgets import media
from labellerr_ds.widgets.messages import THUMBNAIL

SEGMENTS = pd.DataFrame(
    {"category": ["word", "word"], "time": [5.0, 1.0], "end_time": [6.0, None], "value": ["later", None]}
)
COLORS = {"word": "#0072b2"}


def test_segments_come_in_the_order_in_which_they_begin(tmp_path):
    (tmp_path / "call.wav").write_bytes(b"RIFF")
    shown = media.media_of("call.wav", tmp_path / "call.wav", SEGMENTS, COLORS)
    assert [(each["start"], each["end"], each["text"]) for each in shown.message["segments"]] == [
        (1.0, None, ""), (5.0, 6.0, "later"),
    ]  # fmt: skip
    assert (shown.message["type"], shown.body, shown.warning) == ("audio/wav", b"RIFF", "")


def test_a_sound_that_is_too_large_is_not_sent(monkeypatch):
    monkeypatch.setattr(media, "LARGEST_SOUND", 1_000_000)
    shown = media.media_of("call.wav", b"x" * 2_000_000, SEGMENTS, COLORS)
    assert shown.body == b""
    assert shown.warning == "The sound has 2 MB; up to 1 MB are played here."


def test_a_text_is_read_as_tables_are_and_its_beginning_is_shown(monkeypatch):
    shown = media.media_of("note.txt", "caf\u00e9".encode("cp1252"), SEGMENTS.iloc[:0], COLORS)
    assert shown.message["pieces"] == [("caf\u00e9", -1)]
    assert "cp1252" in shown.warning
    monkeypatch.setattr(media, "LONGEST_TEXT", 3)
    assert media.media_of("note.txt", b"abcdef", SEGMENTS.iloc[:0], COLORS).message["pieces"] == [("abc", -1)]


@given(
    text=st.text(max_size=40),
    spans=st.lists(
        st.tuples(st.none() | st.floats(-2, 45), st.none() | st.floats(-2, 45), st.text(max_size=3)), max_size=6
    ),
)
def test_a_text_is_cut_at_its_spans_and_loses_no_letter(text, spans):
    segments = [{"start": start, "end": end, "text": said} for start, end, said in spans]
    cut = media.pieces(text, segments)
    assert "".join(piece for piece, _ in cut) == text
    for piece, place in cut:
        assert place < 0 or piece == segments[place]["text"] or segments[place]["text"] == ""


def test_a_span_behind_the_cut_of_a_long_text_is_not_looked_for_before_it():
    text = "Ada " + "x" * 50 + " Ada"
    segments = [{"start": 55.0, "end": 58.0, "text": "Ada"}]
    assert media.pieces(text, segments, 20) == [(text[:20], -1)]
    assert media.pieces(text, segments)[-1] == ("Ada", 0)


def test_an_image_with_the_mark_of_a_pdf_in_a_comment_is_an_image():
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", comment=b"made of %PDF-1.4")
    assert read_picture(out.getvalue(), None).size == (8, 8)


def test_a_page_of_a_pdf_is_no_larger_than_what_is_shown():
    out = io.BytesIO()
    Image.new("L", (9000, 30)).save(out, "PDF")
    assert max(Image.open(io.BytesIO(pdf.first_page(out.getvalue()))).size) <= pdf.LONGEST + 1


def test_a_thumbnail_of_a_sound_fetches_nothing(serve, monkeypatch):
    viewer = viewer_of(serve, "Phone calls", images=True)
    assert viewer.opening == {}
    monkeypatch.setattr(viewer._pages, "source", lambda page: pytest.fail("it was fetched"))
    assert viewer._packet(0, THUMBNAIL).message["media"]["kind"] == "audio"
    assert viewer.still()[1]


@pytest.fixture
def page():
    out = io.BytesIO()
    Image.new("RGB", (30, 40), "red").save(out, "PDF")
    return out.getvalue()


def test_the_first_page_of_a_pdf_is_a_picture(page):
    shown = Image.open(io.BytesIO(read_picture(page, None).body))
    assert shown.convert("RGB").getpixel((20, 20))[0] > 250
    assert read_picture(page[: len(page) // 2], None) is None  # damaged
    assert pdf.first_page(b"no pdf") == b"no pdf"


def test_without_pypdfium2_a_pdf_is_no_picture(page, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(OSError, match="pypdfium2, which is not installed"):
        pdf.first_page(page)


def viewer_of(serve, name, images):
    sandbox = serve()
    project = lds.Client.sandbox(sandbox).project(name)
    dataset = lds.export_dataset(project, "all", progress=False)
    return lds.AnnotationViewer(dataset, images=project if images else None)


@pytest.mark.parametrize(("name", "word"), [("Phone calls", "played"), ("Product reviews", "seen")])
def test_a_file_that_the_viewer_does_not_get_says_how_it_gets_it(serve, name, word):
    message = viewer_of(serve, name, images=False)._packet(0).message
    assert message["warning"] == f"The file can be {word} here where the viewer gets it: images=project, or a folder."


def test_a_pdf_says_what_draws_it_where_that_is_not_installed(serve, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    monkeypatch.setattr(pdf, "can_draw", lambda: False)
    assert "pip install 'labellerr-ds[pdf]'" in viewer_of(serve, "Product reviews", True)._packet(0).message["warning"]


def test_the_sandbox_has_sounds_and_documents_of_the_size_that_it_tells(serve):
    for name, head in (("Phone calls", b"RIFF"), ("Product reviews", b"%PDF-")):
        viewer = viewer_of(serve, name, images=True)
        for page in range(3):
            body, megabytes = viewer._pages.source(page), viewer._pages._files["file_size_mb"].iloc[page]
            assert body.startswith(head)
            assert len(body) == round(megabytes * 1_000_000)
