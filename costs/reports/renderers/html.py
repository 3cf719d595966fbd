"""A document as one HTML file that asks nobody for anything: its style sheet is inside, its charts are SVG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from common import formatting
from costs.reports import charts
from costs.reports.content import Column, Document, Section, Table, Value, shown

STYLE = Path(__file__).resolve().parent.parent / "static" / "reports" / "paper.css"
LEGEND_FROM = 2


def render(document: Document) -> bytes:
    return page(document, style=_style()).encode()


def page(document: Document, *, style: SafeString | str = "") -> str:
    """Without `style` it links the sheet, for pages whose policy allows no inline one."""
    with translation.override(document.language):
        return render_to_string("reports/document.html", _context(document, style))


@cache
def _style() -> SafeString:
    return format_html("<style>{}</style>", mark_safe(STYLE.read_text()))  # noqa: S308  # nosec B308 B703  # our own file


def _context(document: Document, style: SafeString | str) -> dict[str, Any]:
    return {
        "document": document,
        "style": style,
        "made_at": formatting.exact_moment(document.made_at),
        "sections": [_section(section) for section in document.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "section": section,
        "figures": [
            {"figure": figure, "value": shown(figure.value, figure.kind)} for figure in section.figures
        ],
        "charts": [
            {
                "svg": charts.svg(chart),
                "legend": [
                    {"swatch": charts.swatch(line.number), "label": line.label} for line in chart.lines
                ]
                if len(chart.lines) >= LEGEND_FROM or chart.kind == "doughnut"
                else [],
            }
            for chart in section.charts
        ],
        "tables": [_table(table) for table in section.tables],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "columns": table.columns,
        "rows": [_cells(table.columns, row) for row in table.rows],
        "total": _cells(table.columns, table.total) if table.total else None,
    }


def _cells(columns: Sequence[Column], row: Sequence[Value]) -> list[dict[str, Any]]:
    return [_cell(column, value) for column, value in zip(columns, row, strict=True)]


def _cell(column: Column, value: Value) -> dict[str, Any]:
    return {
        "text": shown(value, column.kind),
        "is_number": column.kind.is_number,
        "is_missing": value is None,
    }
