"""Reads about anomalies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, QuerySet

from accounts.models import Organization
from costs.anomalies.models import Anomaly, Kind
from costs.facts import QUANTUM
from costs.models import DailyCost, DailyTotal
from costs.queries import ROUBLES
from costs.series import whole_days_of

AROUND_DAYS = 28
"""Days before an anomaly that its chart shows."""
AFTER_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`open`: nobody accepted them and they are not over. `falls` are not among the others."""

    open: int
    unaccepted: int
    all: int
    falls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the anomalous thing cost day by day around its anomaly, in roubles; `expected` on the anomaly's days."""

    days: tuple[date, ...]
    actual: tuple[Decimal, ...]
    expected: tuple[Decimal | None, ...]

    @property
    def currency(self) -> str:
        return ROUBLES


def anomalies(organization: Organization) -> QuerySet[Anomaly]:
    """What cost more: the latest first, the dearest of a day first."""
    return events(organization).filter(kind=Kind.RISE)


def falls(organization: Organization) -> QuerySet[Anomaly]:
    """What cost far less: the latest first, the greatest of a day first."""
    rows = events(organization).filter(kind=Kind.FALL)
    return rows.order_by("-last_date", F("actual_cost") - F("expected_cost"), "pk")


def events(organization: Organization) -> QuerySet[Anomaly]:
    """Of both kinds."""
    return (
        Anomaly.objects.of(organization)
        .select_related("connection", "resource", "acknowledged_by")
        .order_by("-last_date", F("expected_cost") - F("actual_cost"), "pk")
    )


def unaccepted(rows: QuerySet[Anomaly]) -> QuerySet[Anomaly]:
    return rows.filter(acknowledged_at__isnull=True)


def counts(organization: Organization) -> Counts:
    is_rise = Q(kind=Kind.RISE)
    waiting = is_rise & Q(acknowledged_at__isnull=True)
    found = Anomaly.objects.of(organization).aggregate(
        open=Count("pk", filter=waiting & Q(is_over=False)),
        unaccepted=Count("pk", filter=waiting),
        all=Count("pk", filter=is_rise),
        falls=Count("pk", filter=Q(kind=Kind.FALL)),
    )
    return Counts(**found)


def around(anomaly: Anomaly) -> Around:
    """Two queries."""
    span = whole_days_of(anomaly.connection)
    last = anomaly.last_date + timedelta(days=AFTER_DAYS)
    first = anomaly.first_date - timedelta(days=AROUND_DAYS)
    if span is not None:
        first, last = max(first, span[0]), max(anomaly.last_date, min(last, span[1]))
    rows: Iterable[tuple[date, Decimal | None]]
    scope = {"connection": anomaly.connection, "date__gte": first, "date__lte": last}
    if anomaly.resource_id is not None:
        rows = DailyCost.objects.filter(resource=anomaly.resource_id, **scope).values_list(
            "date", "billed_cost_rub"
        )
    else:
        totals = DailyTotal.objects.filter(**scope)
        if anomaly.service_name:
            totals = totals.filter(dimensions__service_name=anomaly.service_name)
        rows = totals.values_list("date", "billed_cost_rub")
    by_day: dict[date, Decimal] = {}
    for day, amount in rows:
        by_day[day] = by_day.get(day, Decimal(0)) + (amount or Decimal(0)).quantize(QUANTUM)
    days = tuple(first + timedelta(days=offset) for offset in range((last - first).days + 1))
    expected = {date.fromisoformat(day): Decimal(value) for day, _actual, value in anomaly.days}
    return Around(
        days=days,
        actual=tuple(by_day.get(day, Decimal(0)) for day in days),
        expected=tuple(expected.get(day) for day in days),
    )
