"""The PDF as one picture, its pages below each other."""

from __future__ import annotations

from io import BytesIO
from threading import Lock

PIXELS_PER_POINT = 1.5
PAGES = 12
"""Longer pictures are of no use in a chat; the PDF has all pages."""

_PDFIUM = Lock()
"""pdfium may be entered by one thread at a time."""


def render(printed: bytes) -> bytes:
    """`printed` is what `pdf.render` made."""
    import pypdfium2
    from PIL import Image

    with _PDFIUM:
        opened = pypdfium2.PdfDocument(printed)
        try:
            pages = [
                opened[number].render(scale=PIXELS_PER_POINT).to_pil().convert("RGB")
                for number in range(min(PAGES, len(opened)))
            ]
        finally:
            opened.close()
    picture = Image.new("RGB", (max(page.width for page in pages), sum(page.height for page in pages)))
    top = 0
    for page in pages:
        picture.paste(page, (0, top))
        top += page.height
    written = BytesIO()
    picture.save(written, format="PNG", optimize=True)
    return written.getvalue()
