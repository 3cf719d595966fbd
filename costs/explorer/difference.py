"""The difference between two periods' spend, read and explained: cause by cause, down to the resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Max,
    Q,
    QuerySet,
    Sum,
)

from accounts.models import Organization
from costs.explorer import subtrees
from costs.explorer.billing import is_by_rates, zone_of
from costs.explorer.causes import (
    CAUSES,
    PRICE,
    RESIZED,
    UNEXPLAINED,
    USAGE,
    Account,
    Effect,
    Rates,
    Side,
    Sku,
    SkuKey,
    all_effects,
)
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.explorer.sums import add_known, money
from costs.facts import day_bounds, days_touched
from costs.models import CostRevision, DailyCost
from inventory.models import Resource, ResourceType
from providers.contract.records import ChargeCategory
from providers.models import ProviderConnection
from syncs.models import ChargeLine, ResourceState, SyncSnapshot
from syncs.prices import USE_BILLED

CORRECTION = "Correction"
RESTATING = (ChargeCategory.ADJUSTMENT, ChargeCategory.CREDIT)
BY_USE = USE_BILLED | {ResourceType.SNAPSHOT, ResourceType.BACKUP, ResourceType.IMAGE}
"""Types that nobody resizes: they grow by being used."""
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSum:
    """One cause of the difference: roubles, and its effects on resources, the largest first."""

    cause: str
    amount: Decimal
    effects: tuple[Effect, ...]

    @property
    def resource_count(self) -> int:
        return len({effect.resource_id for effect in self.effects})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two periods' spend in roubles, and why they differ; the causes add up to `amount` exactly.

    A total is None where nothing of its period is known in roubles. `unconverted`: currencies of which one of the two has
    no rate. `revised`: how often days of the two were restated after they had been complete.
    """

    before: Span
    after: Span
    filters: Filters
    before_total: Decimal | None
    after_total: Decimal | None
    causes: tuple[CauseSum, ...]
    resources: Mapping[int, Resource] = field(repr=False)
    unconverted: frozenset[str]
    revised: int

    @property
    def amount(self) -> Decimal:
        return (self.after_total or Decimal(0)) - (self.before_total or Decimal(0))

    @property
    def unexplained(self) -> Decimal:
        return sum((one.amount for one in self.causes if one.cause == UNEXPLAINED), Decimal(0))


@dataclass(slots=True)
class _Sums:
    """A resource's facts of one period in one currency, while they are read."""

    cost: Decimal = Decimal(0)
    roubles: Decimal | None = None
    restated: Decimal = Decimal(0)
    one_time: Decimal = Decimal(0)


_Accounts = dict[tuple[int, str], list[_Sums | None]]
_Parts = dict[tuple[int, str], dict[SkuKey, Sku]]


def difference(
    organization: Organization, before: Span, after: Span, filters: Filters | None = None
) -> Difference:
    """Billed spend of two periods against each other.

    The number of queries is fixed but for one or two for each time zone that providers cut their days in.
    """
    filters = filters or Filters()
    sums, connection_of, unconverted = _sums(organization, before, after, filters)
    changed = {
        key: sides
        for key, sides in sums.items()
        if (sides[0].roubles if sides[0] else None) != (sides[1].roubles if sides[1] else None)
    }
    both = {resource for (resource, _currency), sides in changed.items() if all(sides)}
    resources = Resource.objects.of(organization).in_bulk({resource for resource, _currency in changed})
    parts = [_Reader(organization, span, both, connection_of) for span in (before, after)]
    lines = [reader.lines() for reader in parts]
    restated = [reader.corrections for reader in parts]
    rates = _rates(organization, before, after, both, connection_of, resources)
    accounts = [
        Account(
            resource_id=resource,
            before=_side(
                sides[0], lines[0].get((resource, currency)), restated[0], rates, resource, currency, 0
            ),
            after=_side(
                sides[1], lines[1].get((resource, currency)), restated[1], rates, resource, currency, 1
            ),
            by_use=resources[resource].resource_type in BY_USE,
        )
        for (resource, currency), sides in changed.items()
    ]
    found = all_effects(accounts, Decimal(after.days) / Decimal(before.days))
    return Difference(
        before=before,
        after=after,
        filters=filters,
        before_total=add_known(sides[0].roubles for sides in sums.values() if sides[0]),
        after_total=add_known(sides[1].roubles for sides in sums.values() if sides[1]),
        causes=tuple(_by_cause(found)),
        resources=resources,
        unconverted=frozenset(unconverted),
        revised=_revised(organization, before, after),
    )


def _sums(
    organization: Organization, before: Span, after: Span, filters: Filters
) -> tuple[_Accounts, dict[int, int], set[str]]:
    """Facts by resource and currency for both periods, each resource's connection, and currencies without a rate."""
    spans = [Q(date__gte=span.first, date__lte=span.last) for span in (before, after)]
    rows: Any = (
        subtrees.whole(organization, filters)
        .apply(DailyCost.objects.of(organization))
        .filter(spans[0] | spans[1])
        .order_by()
        .values("resource_id", "connection_id", "currency", "charge_category")
        .annotate(
            **{
                f"{name}_{side}": Sum(
                    f"billed_cost{suffix}", filter=inside & Q(billed_cost_rub__isnull=False)
                )
                for side, inside in enumerate(spans)
                for name, suffix in (("cost", ""), ("roubles", "_rub"))
            },
            missing=Count("pk", filter=Q(billed_cost_rub__isnull=True)),
        )
    )
    found: _Accounts = {}
    connections: dict[int, int] = {}
    unconverted = set()
    for row in rows:
        connections[row["resource_id"]] = row["connection_id"]
        if row["missing"]:
            unconverted.add(row["currency"])
        sides = found.setdefault((row["resource_id"], row["currency"]), [None, None])
        for place in (0, 1):
            roubles, cost = money(row[f"roubles_{place}"]), money(row[f"cost_{place}"])
            if roubles is None or cost is None:
                continue
            sums = sides[place] = sides[place] or _Sums()
            sums.roubles = (sums.roubles or Decimal(0)) + roubles
            sums.cost += cost
            if row["charge_category"] in RESTATING:
                sums.restated += cost
            elif row["charge_category"] != ChargeCategory.USAGE:
                sums.one_time += cost
    return found, connections, unconverted


def _side(
    sums: _Sums | None,
    skus: Mapping[SkuKey, Sku] | None,
    corrections: Mapping[tuple[int, str], Decimal],
    rates: Mapping[tuple[int, str], tuple[Rates, Rates]],
    resource: int,
    currency: str,
    place: int,
) -> Side | None:
    if sums is None or sums.roubles is None:
        return None
    known = rates.get((resource, currency))
    return Side(
        cost=sums.cost,
        roubles=sums.roubles,
        restated=sums.restated + corrections.get((resource, currency), Decimal(0)),
        one_time=sums.one_time,
        skus=skus or {},
        rates=known[place] if known else None,
    )


class _Reader:
    """The usage lines of one period, summed by resource and SKU; lines across its ends count for their part inside."""

    def __init__(
        self, organization: Organization, span: Span, resources: set[int], connection_of: Mapping[int, int]
    ) -> None:
        self.organization, self.span, self.resources = organization, span, resources
        self.connections = ProviderConnection.objects.of(organization).filter(
            pk__in={connection_of[resource] for resource in resources}
        )
        self.corrections: dict[tuple[int, str], Decimal] = {}

    def lines(self) -> _Parts:
        zones: dict[ZoneInfo, list[int]] = {}
        for connection in self.connections:
            if not is_by_rates(connection):
                zones.setdefault(zone_of(connection), []).append(connection.pk)
        found: _Parts = {}
        for zone, connections in zones.items():
            start, end = day_bounds(self.span.first, zone)[0], day_bounds(self.span.last, zone)[1]
            rows = self._rows(connections)
            inside = rows.filter(charge_period_start__gte=start, charge_period_end__lte=end)
            self._add_whole(found, inside)
            across = rows.filter(
                Q(charge_period_start__lt=start, charge_period_end__gt=start)
                | Q(charge_period_start__lt=end, charge_period_start__gte=start, charge_period_end__gt=end)
            )
            self._add_parts(found, across, start, end)
        return found

    def _rows(self, connections: Sequence[int]) -> QuerySet[ChargeLine]:
        return ChargeLine.objects.of(self.organization).filter(
            resource__in=self.resources,
            resource__connection__in=connections,
            batch__published_at__isnull=False,
            batch__replaced_at__isnull=True,
            charge_category=ChargeCategory.USAGE,
        )

    def _add_whole(self, found: _Parts, rows: QuerySet[ChargeLine]) -> None:
        length = ExpressionWrapper(
            F("charge_period_end") - F("charge_period_start"), output_field=DurationField()
        )
        summed = (
            rows.order_by()
            .values("resource_id", "currency", "sku_id", "charge_description", "pricing_unit", "charge_class")
            .annotate(
                cost=Sum("billed_cost"), quantity=Sum("pricing_quantity"), time=Sum(length), lines=Count("pk")
            )
        )
        for row in summed:
            self._add(found, row, row["cost"], row["quantity"], row["time"] or timedelta(0), row["lines"])

    def _add_parts(self, found: _Parts, rows: QuerySet[ChargeLine], start: datetime, end: datetime) -> None:
        names = ("resource_id", "currency", "sku_id", "charge_description", "pricing_unit", "charge_class")
        for row in rows.values(
            *names, "billed_cost", "pricing_quantity", "charge_period_start", "charge_period_end"
        ):
            first, last = row["charge_period_start"], row["charge_period_end"]
            inside = min(last, end) - max(first, start)
            part = Decimal(inside // MICROSECOND) / Decimal((last - first) // MICROSECOND)
            quantity = None if row["pricing_quantity"] is None else row["pricing_quantity"] * part
            self._add(found, row, row["billed_cost"] * part, quantity, inside, 1)

    def _add(
        self, found: _Parts, row: Mapping[str, Any], cost: Any, quantity: Any, time: timedelta, lines: int
    ) -> None:
        account = (row["resource_id"], row["currency"])
        amount = Decimal(str(cost)).quantize(Decimal("0.000001"))
        if row["charge_class"] == CORRECTION:
            self.corrections[account] = self.corrections.get(account, Decimal(0)) + amount
            return
        label = row["charge_description"] or row["sku_id"]
        key = (row["sku_id"] or label, row["pricing_unit"])
        before = found.setdefault(account, {}).get(key)
        found[account][key] = Sku(
            label=label,
            unit=row["pricing_unit"],
            cost=amount + (before.cost if before else 0),
            quantity=Decimal(str(quantity or 0)).quantize(Decimal("0.000001"))
            + (before.quantity if before else 0),
            hours=Decimal(time // MICROSECOND) / Decimal(HOUR // MICROSECOND)
            + (before.hours if before else 0),
            lines=lines + (before.lines if before else 0),
        )


def _rates(
    organization: Organization,
    before: Span,
    after: Span,
    resources: set[int],
    connection_of: Mapping[int, int],
    known: Mapping[int, Resource],
) -> dict[tuple[int, str], tuple[Rates, Rates]]:
    """Of resources that are billed by rates: their time and what moved their price in both periods. Three queries."""
    connections = {
        connection.pk: zone_of(connection)
        for connection in ProviderConnection.objects.of(organization).filter(
            pk__in={connection_of[resource] for resource in resources}
        )
        if is_by_rates(connection)
    }
    if not connections:
        return {}
    until = dict(
        SyncSnapshot.objects.finished()
        .filter(connection__in=list(connections))
        .order_by()
        .values_list("connection_id")
        .annotate(at=Max("observed_at"))
    )
    zones = set(connections.values())
    first = min(day_bounds(min(before.first, after.first), zone)[0] for zone in zones)
    last = max(day_bounds(max(before.last, after.last), zone)[1] for zone in zones)
    states = (
        ResourceState.objects.of(organization)
        .filter(
            Q(closed_at__isnull=True) | Q(closed_at__gt=first),
            resource__in=resources,
            connection__in=list(connections),
            opened_at__lt=last,
            daily_cost__gt=0,
        )
        .order_by("resource_id", "opened_at", "pk")
    )
    by_account: dict[tuple[int, str], list[ResourceState]] = {}
    for state in states.defer("tags", "ip_addresses"):
        by_account.setdefault((state.resource_id, state.currency), []).append(state)
    return {
        account: _sides_of(
            held,
            (before, after),
            connections[held[0].connection_id],
            until[held[0].connection_id],
            is_by_use=known[account[0]].resource_type in BY_USE,
        )
        for account, held in by_account.items()
    }


def _sides_of(
    states: Sequence[ResourceState],
    spans: tuple[Span, Span],
    zone: ZoneInfo,
    until: datetime,
    *,
    is_by_use: bool,
) -> tuple[Rates, Rates]:
    moves: dict[str, Decimal] = {}
    weighed: tuple[list[tuple[Decimal, dict[str, Decimal]]], ...] = ([], [])
    previous: ResourceState | None = None
    for state in states:
        if previous is not None:
            assert state.daily_cost is not None, "the filter leaves no others"
            assert previous.daily_cost is not None, "the filter leaves no others"
            cause = USAGE if is_by_use else RESIZED if _is_resized(state) else PRICE
            moves[cause] = moves.get(cause, Decimal(0)) + state.daily_cost - previous.daily_cost
        for place, span in enumerate(spans):
            days = _days_in(state, span, zone, until)
            if days:
                weighed[place].append((days, dict(moves)))
        previous = state
    first, second = (_mean(parts) for parts in weighed)
    return first, second


def _is_resized(state: ResourceState) -> bool:
    return state.has_configuration_change or state.action != ResourceState.Action.UPDATED


def _days_in(state: ResourceState, span: Span, zone: ZoneInfo, until: datetime) -> Decimal:
    """How many days of a period a state held; a day counts by the part of it, as it is billed."""
    assert state.opened_at is not None, "the filter leaves no others"
    start = max(state.opened_at, day_bounds(span.first, zone)[0])
    end = min(state.closed_at or until, until, day_bounds(span.last, zone)[1])
    days = Decimal(0)
    if end <= start:
        return days
    for day in days_touched(start, end, zone):
        day_start, day_end = day_bounds(day, zone)
        overlap = min(end, day_end) - max(start, day_start)
        days += Decimal(overlap // MICROSECOND) / Decimal((day_end - day_start) // MICROSECOND)
    return days


def _mean(parts: Iterable[tuple[Decimal, dict[str, Decimal]]]) -> Rates:
    listed = list(parts)
    days = sum((length for length, _moves in listed), Decimal(0))
    sums: dict[str, Decimal] = {}
    for length, moves in listed:
        for cause, amount in moves.items():
            sums[cause] = sums.get(cause, Decimal(0)) + amount * length
    return Rates(days=days, moves={cause: amount / days for cause, amount in sums.items()} if days else {})


def _by_cause(effects: Iterable[Effect]) -> Iterable[CauseSum]:
    found: dict[str, list[Effect]] = {}
    for effect in effects:
        found.setdefault(effect.cause, []).append(effect)
    for cause in CAUSES:
        if cause in found:
            listed = sorted(found[cause], key=lambda one: (-abs(one.amount), one.resource_id, one.label))
            amount = sum((one.amount for one in listed), Decimal(0))
            yield CauseSum(cause=cause, amount=amount, effects=tuple(listed))


def _revised(organization: Organization, before: Span, after: Span) -> int:
    inside = Q(date__gte=before.first, date__lte=before.last) | Q(date__gte=after.first, date__lte=after.last)
    return CostRevision.objects.of(organization).filter(inside).count()
