"""A workbook: what the report is on the first sheet, then a sheet a section; money as numbers with a format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from common import formatting
from costs.reports.content import Document, Kind, Section, Table, Value, all_tables

SHEET_NAME_LENGTH = 31
FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
FORMATS: Mapping[Kind, str] = {
    Kind.MONEY: "#,##0.00 [$₽-419]",
    Kind.AMOUNT: "#,##0.00",
    Kind.CHANGE_AMOUNT: "+#,##0.00;-#,##0.00;0.00",
    Kind.NUMBER: "#,##0.##",
    Kind.PERCENT: "0.0%",
    Kind.PERCENT_CHANGE: "+0.0%;-0.0%;0.0%",
    Kind.DAY: "dd.mm.yyyy",
    Kind.TEXT: "@",
}
PERCENTAGES = (Kind.PERCENT, Kind.PERCENT_CHANGE)
TEXT_WIDTH, NUMBER_WIDTH = 34, 16


def render(document: Document) -> bytes:
    import xlsxwriter

    written = BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,  # a name is a name, whatever it begins with
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with translation.override(document.language), xlsxwriter.Workbook(written, options) as workbook:
        book = _Book(workbook)
        book.cover(document)
        for section in document.sections:
            book.section(section)
    return written.getvalue()


class _Book:
    """Formats of the workbook, made once; rows are written in order, as constant memory asks."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._names: set[str] = set()
        self._title = workbook.add_format({"bold": True, "font_size": 14})
        self._head = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._plain = {kind: workbook.add_format({"num_format": code}) for kind, code in FORMATS.items()}
        self._total = {
            kind: workbook.add_format({"num_format": code, "bold": True, "top": 1})
            for kind, code in FORMATS.items()
        }

    def cover(self, document: Document) -> None:
        sheet = self._sheet(_("Report"))
        sheet.set_column(0, 0, 60)
        sheet.write_string(0, 0, document.title, self._title)
        about = [
            document.organization,
            formatting.period(document.span.first, document.span.last),
            _("Made on %(moment)s") % {"moment": formatting.exact_moment(document.made_at)},
            *document.state,
        ]
        for row, line in enumerate(about, 1):
            sheet.write_string(row, 0, line)

    def section(self, section: Section) -> None:
        sheet = self._sheet(section.title)
        tables = all_tables(section)
        widest = max(tables, key=lambda table: len(table.columns), default=None)
        for place, column in enumerate(widest.columns if widest else ()):
            sheet.set_column(place, place, NUMBER_WIDTH if column.kind.is_number else TEXT_WIDTH)
        sheet.write_string(0, 0, section.title, self._title)
        row = 1
        for line in (section.subtitle, *section.remarks):
            if line:
                sheet.write_string(row, 0, line)
                row += 1
        for table in tables:
            row = self._table(sheet, row + 1, table)

    def _table(self, sheet: Any, row: int, table: Table) -> int:
        """Returns the row below it."""
        for place, column in enumerate(table.columns):
            sheet.write_string(row, place, column.label, self._head)
        for values, kinds in zip(table.rows, table.row_kinds(), strict=True):
            row += 1
            for place, (value, kind) in enumerate(zip(values, kinds, strict=True)):
                _write(sheet, row, place, value, kind, self._plain[kind])
        if table.total:
            row += 1
            for place, (value, column) in enumerate(zip(table.total, table.columns, strict=True)):
                _write(sheet, row, place, value, column.kind, self._total[column.kind])
        return row + 1

    def _sheet(self, title: str) -> Any:
        """Names are short and differ whatever their case."""
        base = FORBIDDEN.sub(" ", title).strip()[:SHEET_NAME_LENGTH].strip() or "-"
        name, number = base, 1
        while name.casefold() in self._names:
            number += 1
            suffix = f" {number}"
            name = base[: SHEET_NAME_LENGTH - len(suffix)] + suffix
        self._names.add(name.casefold())
        return self._workbook.add_worksheet(name)


def _write(sheet: Any, row: int, place: int, value: Value, kind: Kind, style: Any) -> None:
    """What is not known is an empty cell, not a nought."""
    if value is None:
        sheet.write_blank(row, place, None, style)
    elif isinstance(value, (Decimal, int)):
        sheet.write_number(row, place, value / 100 if kind in PERCENTAGES else value, style)
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, style)
    else:
        sheet.write_string(row, place, value, style)
