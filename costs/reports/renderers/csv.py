"""Every table as a CSV of its own in one zip; amounts with a point and in full, days as 2026-11-01, no data as nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from django.utils import translation

from costs.explorer.exports import BYTE_ORDER_MARK, csv_line
from costs.reports.content import Document, Table, Value, all_tables

NAME_LENGTH = 60
PLACES = 6


def render(document: Document) -> bytes:
    written = BytesIO()
    with translation.override(document.language), ZipFile(written, "w", ZIP_DEFLATED) as archive:
        archive.writestr("00 README.txt", _about(document))
        for number, section in enumerate(document.sections, 1):
            for place, table in enumerate(all_tables(section), 1):
                part = f" {place}" if place > 1 else ""
                archive.writestr(f"{number:02d} {_file_name(section.title)}{part}.csv", _lines(table))
    return written.getvalue()


def _about(document: Document) -> str:
    lines = [document.title, document.organization, str(document.span), *document.state]
    for section in document.sections:
        lines += [f"{section.title}: {remark}" for remark in section.remarks]
    return "\n".join(lines) + "\n"


def _lines(table: Table) -> str:
    rows = [[column.label for column in table.columns], *table.rows, *([table.total] if table.total else [])]
    return BYTE_ORDER_MARK + "".join(csv_line([_exact(value) for value in row]) for row in rows)


def _exact(value: Value) -> Value:
    """Quotients end after as many places as a fact has."""
    return round(value, PLACES) if isinstance(value, Decimal) else value


def _file_name(title: str) -> str:
    """A name for every system."""
    return re.sub(r"[^\w .,()-]+", "_", title)[:NAME_LENGTH].strip(" ._") or "section"
