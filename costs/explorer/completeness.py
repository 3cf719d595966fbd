"""Which days of a period are known only in part, from the daily totals."""

from __future__ import annotations

from datetime import date

from django.db.models import Count, Max, Min, QuerySet

from accounts.models import Organization
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.models import DailyTotal
from providers import registry
from providers.contract.errors import UnknownProvider


def incomplete_days(organization: Organization, filters: Filters, span: Span) -> frozenset[date]:
    """Days with costs of which some connection has none although it existed, or only a part. Two queries.

    A connection's first and last day are cut by its syncs; connections that read files have whole days and may have
    none. Only filters on connections and providers decide which connections matter.
    """
    totals = filters.only(("connection", "provider")).apply(DailyTotal.objects.of(organization))
    extents = _extents(totals)
    days = (
        totals.filter(date__gte=span.first, date__lte=span.last, connection__in=list(extents))
        .exclude(billed_cost_rub=None)
        .order_by()
        .values("date")
        .annotate(count=Count("connection", distinct=True))
    )
    ends = {day for extent in extents.values() for day in extent}
    found = set()
    for row in days:
        expected = sum(first <= row["date"] for first, _last in extents.values())
        if row["date"] in ends or row["count"] < expected:
            found.add(row["date"])
    return frozenset(found)


def _extents(totals: QuerySet[DailyTotal]) -> dict[int, tuple[date, date]]:
    """The first and last day of each connection whose days are cut by its syncs."""
    rows = (
        totals.order_by()
        .values_list("connection_id", "connection__provider_type")
        .annotate(first=Min("date"), last=Max("date"))
    )
    return {pk: (first, last) for pk, kind, first, last in rows if not _reads_files(kind)}


def _reads_files(provider_type: str) -> bool:
    try:
        return registry.plugin_class(provider_type).capabilities.reads_files
    except UnknownProvider:
        return False
