"""What a report holds, as plain data: sections of figures, charts, tables and remarks. Renderers show it, nobody else.

Amounts are roubles unless a column of currencies stands beside them; None is what is not known, which is not 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _

from common import formatting
from costs.explorer.periods import Span

Value = Decimal | int | str | date | None


class Kind(StrEnum):
    """How a value is read. Amounts are money whose unit stands in the head; changes bear their sign."""

    TEXT = "text"
    MONEY = "money"
    AMOUNT = "amount"
    CHANGE_AMOUNT = "change_amount"
    NUMBER = "number"
    PERCENT = "percent"
    PERCENT_CHANGE = "percent_change"
    DAY = "day"

    @property
    def is_number(self) -> bool:
        return self not in (Kind.TEXT, Kind.DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One key figure; `note` is what it says and how it moved."""

    label: str
    value: Value
    kind: Kind = Kind.MONEY
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`total` is a last row; its first cell is a word. `kinds` are of each row where they differ from the columns'."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    total: Sequence[Value] | None = None
    kinds: Sequence[Sequence[Kind]] = ()

    def row_kinds(self) -> Sequence[Sequence[Kind]]:
        return self.kinds or [[column.kind for column in self.columns]] * len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series of a chart; `number` is its colour, "rest" the grey one. None is a gap."""

    label: str
    number: str
    values: Sequence[Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`kind`: bar, area (both stacked), line or doughnut. `incomplete` are places of labels known only in part.

    `title` and `description` are what it says to those who do not see it.
    """

    kind: str
    labels: Sequence[str]
    lines: Sequence[Line]
    title: str
    description: str = ""
    incomplete: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`subtitle` says what is measured and of which days; `remarks` are sentences below."""

    title: str
    subtitle: str = ""
    figures: Sequence[Figure] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`state` are sentences about the data; `failed` are titles of sections that could not be computed."""

    title: str
    organization: str
    span: Span
    made_at: datetime
    language: str
    state: Sequence[str]
    is_whole: bool
    sections: Sequence[Section]
    failed: Sequence[str] = ()


def all_tables(section: Section) -> list[Table]:
    """The section's tables for spreadsheets; its figures are the first one."""
    if not section.figures:
        return list(section.tables)
    figures = Table(
        columns=[Column(_("Figure")), Column(_("Value"), Kind.NUMBER), Column(_("Note"))],
        rows=[[figure.label, figure.value, figure.note] for figure in section.figures],
        kinds=[[Kind.TEXT, figure.kind, Kind.TEXT] for figure in section.figures],
    )
    return [figures, *section.tables]


def shown(value: Value, kind: Kind) -> str:
    """A value as a reader sees it, in the active language."""
    if value is None:
        return formatting.no_data()
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return formatting.period(value, value)
    number = Decimal(value)
    if kind is Kind.MONEY:
        return formatting.money(number)
    if kind is Kind.AMOUNT:
        return formatting.number(number, 2)
    if kind is Kind.CHANGE_AMOUNT:
        return f"{'+' if round(number, 2) > 0 else ''}{formatting.number(number, 2)}"
    if kind is Kind.PERCENT:
        return formatting.percent(number)
    if kind is Kind.PERCENT_CHANGE:
        return formatting.signed_percent(number)
    return formatting.number_short(number, 2)
