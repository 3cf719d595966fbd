"""Since when all connections' costs are known, and which days of a period are known only in part, from the connections' days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.models import Organization
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.models import ConnectionDay
from providers import registry
from providers.contract.errors import UnknownProvider
from providers.models import ProviderConnection

ROUBLES = "RUB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """`incomplete` are days with costs that are known only in part; from `since` on every connection is known."""

    incomplete: frozenset[date] = frozenset()
    since: date | None = None


def completeness(organization: Organization, filters: Filters, span: Span) -> Completeness:
    """A day is incomplete where some connection that existed by then has no costs, or only a part. Two queries.

    A connection's first and last day are cut by its syncs; connections that read files have whole days and may have
    none. Only filters on connections and providers decide which connections matter.
    """
    days_of = ConnectionDay.objects.filter(connection=OuterRef("pk")).values("date")
    bounds = [
        (pk, kind, first, last)
        for pk, kind, first, last in _connections(organization, filters)
        .annotate(first=Subquery(days_of.order_by("date")[:1]), last=Subquery(days_of.order_by("-date")[:1]))
        .values_list("pk", "provider_type", "first", "last")
        if first is not None
    ]
    extents = {pk: (first, last) for pk, kind, first, last in bounds if not _reads_files(kind)}
    days = (
        ConnectionDay.objects.of(organization)
        .filter(date__gte=span.first, date__lte=span.last, connection__in=[row[0] for row in bounds])
        .filter(currency=ROUBLES)
        .order_by()
        .values("date")
        .annotate(count=Count("pk", filter=Q(connection__in=list(extents))))
    )
    ends = {day for extent in extents.values() for day in extent}
    found = set()
    for row in days:
        expected = sum(first <= row["date"] for first, _last in extents.values())
        if row["date"] in ends or row["count"] < expected:
            found.add(row["date"])
    since = max((first for _pk, _kind, first, _last in bounds if first <= span.last), default=None)
    return Completeness(incomplete=frozenset(found), since=since)


def _connections(organization: Organization, filters: Filters) -> QuerySet[ProviderConnection]:
    rows = ProviderConnection.objects.of(organization)
    for one in filters.conditions:
        column = {"connection": "pk", "provider": "provider_type"}.get(one.key)
        if column is not None:
            chosen = Q(**{f"{column}__in": one.values})
            rows = rows.exclude(chosen) if one.is_excluded else rows.filter(chosen)
    return rows


def _reads_files(provider_type: str) -> bool:
    try:
        return registry.plugin_class(provider_type).capabilities.reads_files
    except UnknownProvider:
        return False
