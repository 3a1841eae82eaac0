"""The first page of a PDF as a picture, drawn by pypdfium2 where it is installed."""

from __future__ import annotations

import importlib.util
import io
import threading

SCALE = 150 / 72  # dots an inch, of which a PDF has 72
LONGEST = 2048  # pixels of the longer side of a page
IMAGES = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")  # may have anything in a comment
_ONE_AT_A_TIME = threading.Lock()  # PDFium is not safe for threads


def can_draw() -> bool:
    """Whether pypdfium2 is installed."""
    return importlib.util.find_spec("pypdfium2") is not None


def first_page(body: bytes) -> bytes:
    """The bytes of a PNG for those of a PDF, anything else as it is.

    Raises
    ------
    OSError
        Where the PDF is damaged, needs a password, or pypdfium2 is not installed.
    """
    if body.startswith(IMAGES) or b"%PDF-" not in body[:1024]:  # what comes before is passed over, as readers of PDF do
        return body
    try:
        import pypdfium2
    except ImportError:
        raise OSError("a PDF is drawn by pypdfium2, which is not installed") from None
    out = io.BytesIO()
    with _ONE_AT_A_TIME:
        try:
            with pypdfium2.PdfDocument(body) as document:
                page = document[0]
                scale = min(SCALE, LONGEST / max(*page.get_size(), 1))
                page.render(scale=scale).to_pil().save(out, "PNG")
        except (pypdfium2.PdfiumError, IndexError) as problem:
            raise OSError(f"the PDF cannot be drawn: {problem}") from None
    return out.getvalue()
