"""The HTML file printed as PDF by WeasyPrint, which needs the system's library pango: imported only when asked for."""

from __future__ import annotations

from functools import cache
from typing import Any

from costs.reports.content import Document
from costs.reports.renderers import html


class PdfMissing(Exception):
    """This machine has no pango, so nothing can be printed."""


def render(document: Document) -> bytes:
    """Raises PdfMissing."""
    weasyprint = _weasyprint()
    markup = html.render(document).decode()
    printed: bytes = weasyprint.HTML(string=markup, url_fetcher=_refuse).write_pdf()
    return printed


def is_available() -> bool:
    try:
        _weasyprint()
    except PdfMissing:
        return False
    return True


@cache
def _weasyprint() -> Any:
    try:
        import weasyprint
    except OSError as error:  # what a missing shared library raises
        raise PdfMissing(str(error)) from error
    return weasyprint


def _refuse(url: str, *_args: Any, **_options: Any) -> dict[str, Any]:
    """A report asks nobody for anything, whatever a name in it looks like."""
    raise ValueError(f"a report loads nothing: {url[:60]}")
