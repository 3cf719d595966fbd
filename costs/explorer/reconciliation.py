"""A month's bill against our facts: what the provider says a connection cost, what we count, and where the two part.

What the provider says is, by lines, the lines as delivered; by rates, the total that it stated for the account at each
sync, for the time until the next one. Both are cut at the month's ends in the provider's time zone. Where the provider
reports whole months, its own figure stands beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Max, Q, QuerySet, Sum

from accounts.models import Organization
from costs.explorer.billing import is_by_rates, zone_of
from costs.explorer.periods import ONE_DAY, Span, shifted
from costs.explorer.sums import money
from costs.facts import QUANTUM, day_bounds, days_touched
from costs.models import DailyCost
from inventory.models import Resource, ResourceType
from providers.models import ProviderConnection
from syncs.models import ChargeLine, MonthBill, SnapshotTotal, SyncSnapshot

ROUBLES = "RUB"
LINES, ACCOUNT_RATE = "lines", "account_rate"
KOPECK = Decimal("0.01")
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The provider's own report of the month; `counted` are our facts without what it leaves out, which is `left_out`."""

    amount: Decimal
    counted: Decimal
    left_out: Decimal

    @property
    def difference(self) -> Decimal:
        """What the report says beyond what we count, in whole kopecks."""
        return (self.amount - self.counted).quantize(KOPECK)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionMonth:
    """One connection's month in one currency. `billed` is the provider's own total, None where it states none.

    `not_itemised` is the part of `counted` that no service of the provider names (the plan and the rest). `basis` says
    where `billed` comes from: "lines" or "account_rate". `reported` is None where the provider reports no months, or not
    this one; `billed` stands in for it then.
    """

    connection: ProviderConnection
    month: Span
    currency: str
    billed: Decimal | None
    counted: Decimal
    not_itemised: Decimal
    basis: str
    reported: Reported | None = None

    @property
    def difference(self) -> Decimal | None:
        """What the provider says beyond what we count, in whole kopecks; negative where we count more."""
        return None if self.billed is None else (self.billed - self.counted).quantize(KOPECK)

    @property
    def explained_percent(self) -> Decimal | None:
        """100 × (1 − |difference| / billed); None where nothing is billed."""
        return explained(self.billed, self.difference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A day (of a bill by rates) or a resource (by lines): the provider's amount against ours."""

    day: date | None
    resource: Resource | None
    billed: Decimal
    counted: Decimal

    @property
    def difference(self) -> Decimal:
        return self.billed - self.counted


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSums:
    """Of all rows in roubles whose provider states a total; `difference` adds them without their signs."""

    billed: Decimal
    counted: Decimal
    not_itemised: Decimal
    difference: Decimal

    @property
    def explained_percent(self) -> Decimal | None:
        return explained(self.billed, self.difference)


def reconciled_months(
    organization: Organization, month: Span, connections: Sequence[ProviderConnection]
) -> list[ConnectionMonth]:
    """One row for each of the connections and each currency of its month; those without any costs are left out.

    Seven queries at most, and one more for each further time zone that providers cut their days in.
    """
    facts = list(
        DailyCost.objects.of(organization)
        .filter(connection__in=connections, date__gte=month.first, date__lte=month.last)
        .order_by()
        .values("connection_id", "currency")
        .annotate(
            counted=Sum("billed_cost"),
            plan=Sum("billed_cost", filter=Q(resource__resource_type=ResourceType.ACCOUNT_PLAN)),
        )
    )
    counted = {(row["connection_id"], row["currency"]): row for row in facts}
    by_rates = [one for one in connections if is_by_rates(one)]
    by_lines = [one for one in connections if not is_by_rates(one)]
    billed: dict[tuple[int, str], Decimal] = {}
    for connection_id, currency, _day, amount in _stated(organization, by_rates, month):
        key = (connection_id, currency)
        billed[key] = billed.get(key, Decimal(0)) + amount
    for connection_id, currency, _resource, amount in _delivered(organization, by_lines, month):
        key = (connection_id, currency)
        billed[key] = billed.get(key, Decimal(0)) + amount
    known = {connection.pk: connection for connection in connections}
    reported = _reported(organization, connections, month, counted)
    rows = []
    for pk, currency in sorted(
        {*counted, *billed, *reported}, key=lambda key: (list(known).index(key[0]), key[1])
    ):
        row: Any = counted.get((pk, currency), {})
        total = billed.get((pk, currency))
        rows.append(
            ConnectionMonth(
                connection=known[pk],
                month=month,
                currency=currency,
                billed=None if total is None else total.quantize(QUANTUM),
                counted=money(row.get("counted")) or Decimal(0),
                not_itemised=money(row.get("plan")) or Decimal(0),
                basis=ACCOUNT_RATE if is_by_rates(known[pk]) else LINES,
                reported=reported.get((pk, currency)),
            )
        )
    return rows


def month_sums(rows: Iterable[ConnectionMonth]) -> MonthSums | None:
    """The badge's figure; None where no provider states a total in roubles."""
    known = [row for row in rows if row.currency == ROUBLES and row.billed is not None]
    if not known:
        return None
    return MonthSums(
        billed=sum((row.billed or Decimal(0) for row in known), Decimal(0)),
        counted=sum((row.counted for row in known), Decimal(0)),
        not_itemised=sum((row.not_itemised for row in known), Decimal(0)),
        difference=sum((abs(row.difference or Decimal(0)) for row in known), Decimal(0)),
    )


def parts_of(connection: ProviderConnection, month: Span, currency: str) -> list[Part]:
    """Where a connection's month parts from ours by a kopeck or more, the largest first: days by rates, resources by
    lines. Three queries.
    """
    organization = connection.organization
    facts = DailyCost.objects.of(organization).filter(
        connection=connection, currency=currency, date__gte=month.first, date__lte=month.last
    )
    billed: dict[Any, Decimal] = {}
    column = "date" if is_by_rates(connection) else "resource_id"
    found: Iterable[tuple[int, str, Any, Decimal]] = (
        _stated(organization, [connection], month)
        if column == "date"
        else _delivered(organization, [connection], month)
    )
    for _pk, of, key, amount in found:
        if of == currency:
            billed[key] = billed.get(key, Decimal(0)) + amount
    sums = facts.order_by().values_list(column).annotate(total=Sum("billed_cost"))
    counted = {key: money(total) or Decimal(0) for key, total in sums}
    differing = [
        key
        for key in {*billed, *counted}
        if abs(billed.get(key, Decimal(0)) - counted.get(key, Decimal(0))) >= KOPECK
    ]
    resources = Resource.objects.of(organization).in_bulk(differing) if column == "resource_id" else {}
    parts = [
        Part(
            day=key if column == "date" else None,
            resource=resources.get(key),
            billed=billed.get(key, Decimal(0)).quantize(QUANTUM),
            counted=counted.get(key, Decimal(0)),
        )
        for key in differing
    ]
    return sorted(parts, key=lambda part: -abs(part.difference))


def explained(billed: Decimal | None, difference: Decimal | None) -> Decimal | None:
    if not billed or difference is None:
        return None
    return max(Decimal(0), 100 - abs(difference) * 100 / abs(billed))


def _reported(
    organization: Organization,
    connections: Sequence[ProviderConnection],
    month: Span,
    counted: Mapping[tuple[int, str], Mapping[str, Any]],
) -> dict[tuple[int, str], Reported]:
    """Of a whole month what providers report of it. One query, and another where reports leave something out."""
    if month.last != shifted(month.first, months=1) - ONE_DAY or month.first.day != 1:
        return {}
    bills = list(MonthBill.objects.of(organization).filter(connection__in=connections, month=month.first))
    kinds = {kind for bill in bills for kind in bill.leaves_out}
    apart: dict[tuple[int, str, str], Decimal] = {}
    if kinds:
        sums = (
            DailyCost.objects.of(organization)
            .filter(
                connection__in=[bill.connection_id for bill in bills],
                date__gte=month.first,
                date__lte=month.last,
                resource__native_type__in=kinds,
            )
            .order_by()
            .values_list("connection_id", "currency", "resource__native_type")
            .annotate(total=Sum("billed_cost"))
        )
        apart = {(pk, currency, kind): money(total) or Decimal(0) for pk, currency, kind, total in sums}
    found = {}
    for bill in bills:
        key = (bill.connection_id, bill.currency)
        left_out = sum((apart.get((*key, kind), Decimal(0)) for kind in bill.leaves_out), Decimal(0))
        whole = money(counted.get(key, {}).get("counted")) or Decimal(0)
        found[key] = Reported(amount=bill.amount, counted=whole - left_out, left_out=left_out)
    return found


def _stated(
    organization: Organization, connections: Sequence[ProviderConnection], month: Span
) -> Iterable[tuple[int, str, date, Decimal]]:
    """(connection, currency, day, amount): the totals of syncs over the time until the next one. Two queries."""
    if not connections:
        return
    zones = {connection.pk: zone_of(connection) for connection in connections}
    start = min(day_bounds(month.first, zone)[0] for zone in zones.values())
    end = max(day_bounds(month.last, zone)[1] for zone in zones.values())
    snapshots = SyncSnapshot.objects.finished().filter(connection__in=list(zones))
    latest = dict(
        snapshots.filter(observed_at__lte=start)
        .order_by()
        .values_list("connection_id")
        .annotate(at=Max("observed_at"))
    )
    times: dict[int, list[tuple[datetime, int]]] = {}
    first = min([*latest.values(), start])
    for pk, connection_id, at in (
        snapshots.filter(observed_at__gte=first, observed_at__lte=end + ONE_DAY)
        .order_by("observed_at", "pk")
        .values_list("pk", "connection_id", "observed_at")
    ):
        assert at is not None, "the filter leaves no others"
        times.setdefault(connection_id, []).append((at, pk))
    totals: dict[int, list[tuple[str, Decimal]]] = {}
    for snapshot_id, currency, daily in (
        SnapshotTotal.objects.of(organization)
        .filter(snapshot__in=[pk for listed in times.values() for _at, pk in listed])
        .values_list("snapshot_id", "currency", "billed_daily_cost")
    ):
        totals.setdefault(snapshot_id, []).append((currency, daily))
    for connection_id, listed in times.items():
        zone = zones[connection_id]
        for (at, pk), (until, _next) in pairwise(listed):
            for day in days_touched(at, until, zone):
                if not month.first <= day <= month.last:
                    continue
                day_start, day_end = day_bounds(day, zone)
                overlap = min(until, day_end) - max(at, day_start)
                part = Decimal(overlap // MICROSECOND) / Decimal((day_end - day_start) // MICROSECOND)
                for currency, daily in totals.get(pk, []):
                    yield connection_id, currency, day, daily * part


def _delivered(
    organization: Organization, connections: Sequence[ProviderConnection], month: Span
) -> Iterable[tuple[int, str, int, Decimal]]:
    """(connection, currency, resource, amount): lines as delivered; those across the month's ends for their part."""
    zones: dict[Any, list[int]] = {}
    for connection in connections:
        zones.setdefault(zone_of(connection), []).append(connection.pk)
    for zone, pks in zones.items():
        start, end = day_bounds(month.first, zone)[0], day_bounds(month.last, zone)[1]
        lines: QuerySet[ChargeLine] = ChargeLine.objects.of(organization).filter(
            batch__connection__in=pks, batch__published_at__isnull=False, batch__replaced_at__isnull=True
        )
        whole = lines.filter(
            charge_period_end__lte=end,
            charge_period_start__gte=start,
            charge_period_start__lt=end,
        )
        summed = (
            whole.order_by()
            .values_list("batch__connection_id", "currency", "resource_id")
            .annotate(total=Sum("billed_cost"))
        )
        for connection_id, currency, resource_id, total in summed:
            yield connection_id, currency, resource_id, Decimal(str(total))
        across = lines.filter(charge_period_start__lt=end, charge_period_end__gt=start).filter(
            Q(charge_period_start__lt=start) | Q(charge_period_end__gt=end)
        )
        for connection_id, currency, resource_id, cost, first, last in across.values_list(
            "batch__connection_id",
            "currency",
            "resource_id",
            "billed_cost",
            "charge_period_start",
            "charge_period_end",
        ):
            inside = min(last, end) - max(first, start)
            share = Decimal(inside // MICROSECOND) / Decimal((last - first) // MICROSECOND)
            yield connection_id, currency, resource_id, cost * share
