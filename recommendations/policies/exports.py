"""Violations as lines of a CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from costs.explorer.exports import BYTE_ORDER_MARK, csv_line
from recommendations import wording
from recommendations.policies.models import Violation

HEADER = [
    "id",
    "policy",
    "kind",
    "status",
    "resource",
    "resource_id",
    "resource_type",
    "connection",
    "why",
    "owner",
    "assigned_to",
    "first_seen",
    "last_seen",
    "due",
    "excepted_until",
    "reason_of_exception",
    "put_right",
]


def lines(rows: Iterable[Violation]) -> Iterator[str]:
    """Of a whole scope the cells of the resource are empty."""
    yield BYTE_ORDER_MARK
    yield csv_line(list(HEADER))
    for row in rows:
        yield csv_line(_cells(row))


def _cells(row: Violation) -> list[Any]:
    resource = row.resource
    return [
        row.pk,
        row.policy.name,
        row.policy.kind,
        row.status,
        resource.name if resource else "",
        resource.resource_id if resource else "",
        resource.resource_type if resource else "",
        row.connection.connection_name if row.connection else "",
        wording.text(row.why),
        row.owner,
        row.assigned_to.email if row.assigned_to else "",
        row.first_seen_at.isoformat(),
        row.last_seen_at.isoformat(),
        row.due_date.isoformat(),
        row.excepted_until.isoformat() if row.excepted_until else "",
        row.exception_reason,
        row.resolved_at.isoformat() if row.resolved_at else "",
    ]
