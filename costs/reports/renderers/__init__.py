"""How a document becomes a file: one renderer a format, each with what it needs found when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext_lazy as _

from costs.reports.content import Document
from costs.reports.renderers import csv, html, pdf, png, xlsx


class Press:
    """One document on its way to its files; what several of them are made from is made once."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @cached_property
    def printed(self) -> bytes:
        """The PDF. Raises `pdf.PdfMissing`."""
        return pdf.render(self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """`render` gives the file's bytes, in the document's language; raises `pdf.PdfMissing` where it prints."""

    key: str
    label: Any
    extension: str
    content_type: str
    render: Callable[[Press], bytes]


RENDERERS: Mapping[str, Renderer] = {
    one.key: one
    for one in (
        Renderer(
            key="pdf",
            label="PDF",
            extension="pdf",
            content_type="application/pdf",
            render=lambda press: press.printed,
        ),
        Renderer(
            key="xlsx",
            label="XLSX",
            extension="xlsx",
            content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            render=lambda press: xlsx.render(press.document),
        ),
        Renderer(
            key="csv",
            label=_("CSV (a file for each table, zipped)"),
            extension="zip",
            content_type="application/zip",
            render=lambda press: csv.render(press.document),
        ),
        Renderer(
            key="png",
            label="PNG",
            extension="png",
            content_type="image/png",
            render=lambda press: png.render(press.printed),
        ),
        Renderer(
            key="html",
            label="HTML",
            extension="html",
            content_type="text/html",
            render=lambda press: html.render(press.document),
        ),
    )
}
