"""Recommendations as lines of a CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from costs.explorer.exports import BYTE_ORDER_MARK, csv_line
from recommendations import wording
from recommendations.models import Recommendation

HEADER = [
    "id",
    "rule",
    "category",
    "status",
    "resource",
    "resource_id",
    "resource_type",
    "connection",
    "what_to_do",
    "currency",
    "costs_a_month",
    "saves_a_month",
    "counted_a_month_rub",
    "confidence",
    "effort",
    "risk",
    "assigned_to",
    "found",
    "proven_a_month",
]


def lines(rows: Iterable[Recommendation]) -> Iterator[str]:
    """Amounts with a point; what is not known is an empty cell."""
    yield BYTE_ORDER_MARK
    yield csv_line(list(HEADER))
    for row in rows:
        yield csv_line(_cells(row))


def _cells(row: Recommendation) -> list[Any]:
    return [
        row.pk,
        row.rule_id,
        row.category,
        row.status,
        row.resource.name,
        row.resource.resource_id,
        row.resource.resource_type,
        row.connection.connection_name,
        wording.summary(row),
        row.currency,
        "" if row.current_monthly is None else f"{row.current_monthly:.2f}",
        "" if row.saving_monthly is None else f"{row.saving_monthly:.2f}",
        f"{row.counted_monthly_rub:.2f}",
        f"{row.confidence:.2f}",
        row.effort,
        row.risk,
        row.assigned_to.email if row.assigned_to else "",
        row.detected_at.isoformat(),
        "" if row.realised_monthly is None else f"{row.realised_monthly:.2f}",
    ]
