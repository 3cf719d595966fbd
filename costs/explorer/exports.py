"""A view's table and the facts behind it as CSV for spreadsheets; amounts with a point, in roubles unless said."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

from django.db.models import QuerySet

from accounts.models import Organization
from costs.explorer import subtrees
from costs.explorer.exploration import Exploration, Row
from costs.explorer.periods import Span
from costs.explorer.view import View
from costs.models import DailyCost

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets read names in another encoding."""
FACT_COLUMNS: dict[str, str] = {
    "date": "date",
    "provider": "connection__provider_type",
    "connection": "connection__connection_name",
    "resource_id": "resource__resource_id",
    "resource_name": "resource__name",
    "resource_type": "dimensions__resource_type",
    "service": "dimensions__service_name",
    "region": "dimensions__region_id",
    "sub_account_id": "dimensions__sub_account_id",
    "business_unit": "dimensions__business_unit",
    "project": "dimensions__project",
    "feature": "dimensions__feature",
    "cost_center": "dimensions__cost_center",
    "environment": "dimensions__environment",
    "owner": "dimensions__owner",
    "charge_category": "charge_category",
    "source": "source",
    "currency": "currency",
    "billed_cost": "billed_cost",
    "effective_cost": "effective_cost",
    "list_cost": "list_cost",
    "rub_rate": "rub_rate",
    "billed_cost_rub": "billed_cost_rub",
    "effective_cost_rub": "effective_cost_rub",
}


def table_lines(exploration: Exploration) -> Iterator[str]:
    """A line for each row, the rest and the total last; what is not known is an empty cell."""
    yield BYTE_ORDER_MARK
    heads = [kind.key for kind in exploration.view.dimensions] or ["group"]
    amount = "run_rate_month_rub" if exploration.view.is_run_rate else f"{exploration.view.measure}_rub"
    yield csv_line([*heads, amount, "compared_rub", "difference_rub", "share_percent"])
    for row in exploration.rows:
        yield csv_line([*row.labels, *_amounts(exploration, row)])
    extra = [row for row in (exploration.shared, exploration.rest, exploration.whole) if row is not None]
    for row in extra:
        yield csv_line([row.labels[0], *[""] * (len(heads) - 1), *_amounts(exploration, row)])


def facts(organization: Organization, view: View, span: Span) -> QuerySet[DailyCost]:
    """The facts that a view's spend is made of, by day; shared costs stand where they arose."""
    return (
        subtrees.whole(organization, view.filters)
        .apply(DailyCost.objects.of(organization).filter(date__gte=span.first, date__lte=span.last))
        .order_by("date", "connection_id", "resource_id", "pk")
    )


def fact_lines(rows: QuerySet[DailyCost]) -> Iterator[str]:
    """Streams: a year of facts never lies in memory."""
    yield BYTE_ORDER_MARK
    yield csv_line(list(FACT_COLUMNS))
    for row in rows.values_list(*FACT_COLUMNS.values()).iterator(2000):
        yield csv_line(list(row))


def _amounts(exploration: Exploration, row: Row) -> list[Any]:
    before = row.before if exploration.compared else None
    difference = row.difference if exploration.compared else None
    share = None if row.share is None else row.share.quantize(Decimal("0.0001"))
    return [row.total, before, difference, share]


def csv_line(cells: list[Any]) -> str:
    """One line of a CSV that spreadsheets open."""
    buffer = StringIO()
    csv.writer(buffer).writerow([csv_cell(cell) for cell in cells])
    return buffer.getvalue()


def csv_cell(value: Any) -> str:
    """A spreadsheet would run a name that begins like a formula."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if not isinstance(value, int) and text.startswith(FORMULA_STARTS) else text
