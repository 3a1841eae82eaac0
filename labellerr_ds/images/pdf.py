"""The first page of a PDF as a picture, drawn by pypdfium2 where it is installed."""

from __future__ import annotations

import importlib.util
import io
import threading

SCALE = 150 / 72  # dots an inch, of which a PDF has 72
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
    if b"%PDF-" not in body[:1024]:  # what comes before is passed over, as readers of PDF do
        return body
    try:
        import pypdfium2
    except ImportError:
        raise OSError("a PDF is drawn by pypdfium2, which is not installed") from None
    out = io.BytesIO()
    with _ONE_AT_A_TIME:
        try:
            with pypdfium2.PdfDocument(body) as document:
                document[0].render(scale=SCALE).to_pil().save(out, "PNG")
        except (pypdfium2.PdfiumError, IndexError) as problem:
            raise OSError(f"the PDF cannot be drawn: {problem}") from None
    return out.getvalue()
