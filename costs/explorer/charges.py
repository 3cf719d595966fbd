"""The single charges behind a resource's facts: billed lines, or prices over the time that they held.

Each charge bears what it puts into one day; together they are the day's facts, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from costs.explorer.billing import is_by_rates, zone_of
from costs.explorer.periods import Span
from costs.facts import Interval, Line, day_bounds, facts_from_intervals, facts_from_lines
from costs.models import CostSource, DailyCost
from inventory.models import Resource
from syncs.models import ChargeLine, ResourceState, SyncSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One billed line, or one state's price over `[start, end)`; amounts in `currency`.

    `billed` is its part of the day, `whole` what the line bears in all; of a price (`daily`, a day) the two are one.
    """

    description: str
    category: str
    currency: str
    start: datetime
    end: datetime
    billed: Decimal
    effective: Decimal
    whole: Decimal
    quantity: Decimal | None = None
    unit: str = ""
    daily: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCharges:
    """The facts of a resource's day and the charges that they are made of."""

    day: date
    facts: tuple[DailyCost, ...]
    charges: tuple[Charge, ...]

    @property
    def totals(self) -> dict[str, Decimal]:
        """What the charges put into the day, by currency."""
        sums: dict[str, Decimal] = {}
        for charge in self.charges:
            sums[charge.currency] = sums.get(charge.currency, Decimal(0)) + charge.billed
        return sums


def resource_facts(resource: Resource, span: Span) -> list[DailyCost]:
    """A resource's facts of a period, the latest first; one query."""
    rows = DailyCost.objects.of(resource.organization).filter(
        resource=resource, date__gte=span.first, date__lte=span.last
    )
    return list(rows.order_by("-date", "charge_category", "pk"))


def day_charges(resource: Resource, day: date) -> DayCharges:
    """What a resource's day is made of; its `connection` and `organization` are read already. Up to three queries."""
    stored = tuple(resource_facts(resource, Span(day, day)))
    zone = zone_of(resource.connection)
    found = (_prices if is_by_rates(resource.connection) else _lines)(resource, day, zone)
    return DayCharges(day=day, facts=stored, charges=tuple(_adding_up(found, stored)))


def _lines(resource: Resource, day: date, zone: ZoneInfo) -> list[Charge]:
    start, end = day_bounds(day, zone)
    rows = (
        ChargeLine.objects.of(resource.organization)
        .filter(
            Q(charge_period_end__gt=start) | Q(charge_period_start__gte=start),
            resource=resource,
            batch__published_at__isnull=False,
            batch__replaced_at__isnull=True,
            charge_period_start__lt=end,
        )
        .order_by("charge_category", "charge_description", "charge_period_start", "pk")
    )
    found: list[Charge] = []
    for row in rows:
        line = Line(
            resource_pk=resource.pk,
            charge_category=row.charge_category,
            currency=row.currency,
            start=row.charge_period_start,
            end=row.charge_period_end,
            billed=row.billed_cost,
            effective=row.effective_cost,
            list=row.list_cost,
        )
        found += [
            Charge(
                description=row.charge_description or row.sku_id,
                category=row.charge_category,
                currency=row.currency,
                start=row.charge_period_start,
                end=row.charge_period_end,
                billed=amounts.billed,
                effective=amounts.effective,
                whole=row.billed_cost,
                quantity=row.pricing_quantity,
                unit=row.pricing_unit,
            )
            for amounts in facts_from_lines([line], zone=zone, first=day, last=day).values()
        ]
    return found


def _prices(resource: Resource, day: date, zone: ZoneInfo) -> list[Charge]:
    """States with a price, until the latest finished snapshot: what came after, nobody has seen."""
    start, end = day_bounds(day, zone)
    finished = SyncSnapshot.objects.finished().filter(connection_id=resource.connection_id)
    until: datetime | None = finished.aggregate(at=Max("observed_at"))["at"]
    if until is None:
        return []
    states = (
        ResourceState.objects.of(resource.organization)
        .filter(
            Q(closed_at__isnull=True) | Q(closed_at__gt=start),
            resource=resource,
            opened_at__lt=end,
            daily_cost__gt=0,
        )
        .order_by("opened_at")
    )
    found: list[Charge] = []
    for state in states:
        assert state.opened_at is not None, "the filter leaves no others"
        assert state.daily_cost is not None, "the filter leaves no others"
        interval = Interval(
            resource_pk=resource.pk,
            currency=state.currency,
            source=CostSource.ESTIMATE if state.is_list_price else CostSource.PRICE,
            daily=state.daily_cost,
            start=state.opened_at,
            end=min(state.closed_at or until, until),
        )
        found += [
            Charge(
                description=state.service_name,
                category="Usage",
                currency=state.currency,
                start=max(interval.start, start),
                end=min(interval.end, end),
                billed=amounts.billed,
                effective=amounts.effective,
                whole=amounts.billed,
                daily=state.daily_cost,
            )
            for amounts in facts_from_intervals([interval], zone=zone, first=day, last=day).values()
        ]
    return found


def _adding_up(charges: Iterable[Charge], facts: Iterable[DailyCost]) -> list[Charge]:
    """Facts are rounded once, charges each: the last charge of a category takes what that leaves, millionths."""
    listed = list(charges)
    for fact in facts:
        places = [
            place
            for place, charge in enumerate(listed)
            if (charge.category, charge.currency) == (fact.charge_category, fact.currency)
        ]
        same = [other for other in facts if _kind(other) == _kind(fact)]
        if not places or fact is not same[0]:
            continue
        last = listed[places[-1]]
        rest = {
            name: sum((getattr(each, f"{name}_cost") for each in same), Decimal(0))
            - sum((getattr(listed[place], name) for place in places), Decimal(0))
            for name in ("billed", "effective")
        }
        if all(abs(amount) <= Decimal("0.000001") * len(places) for amount in rest.values()):
            listed[places[-1]] = replace(
                last, billed=last.billed + rest["billed"], effective=last.effective + rest["effective"]
            )
    return listed


def _kind(fact: Any) -> tuple[str, str]:
    return fact.charge_category, fact.currency
