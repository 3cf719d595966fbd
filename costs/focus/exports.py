"""One export: which days and costs, in which form; what every door calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from accounts.audit.services import record
from accounts.models import Organization
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.focus import rows, writers
from costs.focus.columns import (
    ASCII_COLUMNS,
    BEFORE,
    DEFAULT_PROFILE,
    ExportColumn,
    export_columns,
    original_name,
)
from costs.focus.shares import COLUMN
from costs.focus.transliteration import to_ascii
from providers.focus_rules import CheckReport, check_rows

FORMATS = ("parquet", "csv")
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "csv.gz": "application/gzip",
    "parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """`is_gzip` packs CSV as a file, and the columns inside of Parquet; `is_ascii` transliterates names."""

    organization: Organization
    span: Span
    filters: Filters = field(default_factory=Filters)
    profile: str = DEFAULT_PROFILE
    format: str = "parquet"
    is_gzip: bool = False
    is_ascii: bool = False

    @property
    def columns(self) -> tuple[ExportColumn, ...]:
        return export_columns(self.profile, ascii_only=self.is_ascii)

    @property
    def extension(self) -> str:
        return "csv.gz" if self.format == "csv" and self.is_gzip else self.format

    @property
    def file_name(self) -> str:
        version = self.profile.replace(".", "-")
        return f"focus-{version}-{self.span.first}-{self.span.last}.{self.extension}"

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.extension]


def recorded(export: Export) -> None:
    """Writes into the audit trail who takes what; every door that hands out data calls it first."""
    record(
        "export.downloaded",
        organization=export.organization,
        details={
            "what": export.file_name,
            "first": export.span.first,
            "last": export.span.last,
            "profile": export.profile,
            "ascii": export.is_ascii,
            "filters": dict(export.filters.params()),
        },
    )


def pieces(export: Export, at: datetime) -> Iterator[bytes]:
    """The file, piece by piece; read while it is written, in a time that grows with it and memory that does not."""
    table = table_rows(export)
    if export.format == "parquet":
        about = writers.described(export.columns, export.profile, at)
        return writers.parquet_pieces(export.columns, table, is_gzip=export.is_gzip, about=about)
    text = writers.csv_pieces(export.columns, table)
    return writers.gzip_pieces(text) if export.is_gzip else text


def begun(export: Export, at: datetime) -> Iterator[bytes]:
    """`pieces`, of which the first is already read: what fails at once fails before an answer has begun."""
    stream = pieces(export, at)
    first = list(islice(stream, 1))
    return chain(first, stream)


def table_rows(export: Export) -> Iterator[tuple[Any, ...]]:
    """Values of every row in the order of the columns: text, Decimal, aware UTC instants, None."""
    columns = export.columns
    pick = itemgetter(*(column.source for column in columns))
    by_share = any(column.name == COLUMN for column in columns)
    charges = rows.charges(export.organization, export.span, export.filters, by_share=by_share)
    table = map(pick, charges)
    return _in_ascii(table, columns) if export.is_ascii else table


def check(export: Export, *, limit: int | None = None) -> CheckReport:
    """The twelve checks over the rows, or the first `limit` of them; the sums are compared with those of the facts."""
    names = [column.name for column in export.columns]
    table = (dict(zip(names, row, strict=True)) for row in table_rows(export))
    expected = rows.sums_of(export.organization, export.span, export.filters)
    return check_rows(names, enumerate(table, 2), expected=expected, is_text=False, limit=limit)


def _in_ascii(
    table: Iterator[tuple[Any, ...]], columns: tuple[ExportColumn, ...]
) -> Iterator[tuple[Any, ...]]:
    place_of = {column.name: place for place, column in enumerate(columns)}
    pairs = [
        (place, place_of[original_name(name)]) for name, place in place_of.items() if name in ASCII_COLUMNS
    ]
    own = len(columns) - sum(column.meaning == BEFORE for column in columns)
    for row in table:
        values = list(row)
        values[own:] = [None] * (len(values) - own)
        for place, original in pairs:
            text = values[place]
            if text is not None and not text.isascii():
                values[place] = to_ascii(text)
                values[original] = values[original] or text
        yield tuple(values)
