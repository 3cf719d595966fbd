"""Whether a cost moved because the provider's price did, and what that price was before and is now.

By lines, the price of a unit is what a day's lines of one SKU cost over what they count: the last whole day before the
look that still saw the old cost, against the first one after the look that saw the new (of today's lines where there is
none yet). By rates, a price is what the provider states for the resource, where it is not made of use. A price that
moved by no more than its lines are rounded has not moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import F, Max, Min, Sum
from django.db.models.functions import TruncDate

from inventory.models import ResourceType
from providers.contract.errors import UnknownProvider
from providers.contract.plugin import BillingKind, ProviderPlugin
from providers.contract.records import DAYS_IN_MONTH, DAYS_IN_YEAR, ChargeCategory, RatePeriod
from providers.models import ProviderConnection
from providers.registry import plugin_class
from syncs.models import ChargeLine, ResourceState

USE_BILLED = frozenset(
    {
        ResourceType.S3_BUCKET,
        ResourceType.CDN,
        ResourceType.FUNCTION,
        ResourceType.CONTAINER_REGISTRY,
        ResourceType.ACCOUNT_PLAN,
        ResourceType.OTHER,
    }
)
"""Types whose stated rate is use times price, or a remainder: when it moves, no price need have."""

CENT = Decimal("0.01")
ROUNDED_SHARE = Decimal("0.0001")
"""Prices whose lines are not whole cents may differ by so much and be the same."""

PERIOD_DAYS: Mapping[str, Decimal] = {
    RatePeriod.DAY: Decimal(1),
    RatePeriod.MONTH: DAYS_IN_MONTH,
    RatePeriod.YEAR: DAYS_IN_YEAR,
}
HOURS_SUFFIX = "Hours"
ONE_DAY = timedelta(days=1)
AROUND = 2 * ONE_DAY
"""How far before and after a change its whole days are looked for."""
MONTH_HOURS = 24 * DAYS_IN_MONTH
LARGER_UNITS = {"MB": ("GB", 1024), "MiB": ("GiB", 1024), "Item": ("", 1)}
"""Units that people price in larger ones, or by the piece without naming it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMove:
    """One price, before and after, in `currency` for one `unit` ("" is the resource itself) and `period`.

    `label` is what is priced ("" is the whole resource); `period` a RatePeriod, "" where a unit is sold by the piece.
    `since` is the first day at the new price, as the lines tell, None where only the syncs do. `daily_effect` is
    what the move alone changed for this resource.
    """

    label: str
    unit: str
    period: str
    before: Decimal
    after: Decimal
    currency: str
    since: date | None
    daily_effect: Decimal

    @property
    def percent(self) -> Decimal:
        return (self.after - self.before) * 100 / self.before

    @property
    def monthly_effect(self) -> Decimal:
        return self.daily_effect * DAYS_IN_MONTH


@dataclass(frozen=True, slots=True)
class _Priced:
    """A day's lines of one SKU: what they cost, what they count, and how much of the day they cover."""

    label: str
    unit: str
    currency: str
    cost: Decimal
    quantity: Decimal
    covered: timedelta

    @property
    def price(self) -> Decimal:
        return self.cost / self.quantity

    @property
    def daily_quantity(self) -> Decimal:
        return self.quantity * Decimal(ONE_DAY / self.covered)

    @property
    def daily_cost(self) -> Decimal:
        return self.price * self.daily_quantity

    def equals(self, other: _Priced) -> bool:
        are_cents = all(each.cost == each.cost.quantize(CENT) for each in (self, other))
        rounding = 2 * CENT if are_cents else abs(self.cost) * ROUNDED_SHARE
        return abs(self.price - other.price) * max(self.quantity, other.quantity) <= rounding


_Sku = tuple[str, str]
_Days = dict[date, _Priced]


def price_moves(
    connection: ProviderConnection, changes: Iterable[tuple[ResourceState, datetime | None]]
) -> dict[int, list[PriceMove]]:
    """By pk of the state that each change opened: the prices that moved; one query, none without a cost change.

    A change is the state that it opened with its `resource`, and the last look before it (None: not known).
    """
    plugin = _plugin_of(connection)
    wanted = [(state, after) for state, after in changes if _is_cost_move(state)]
    if plugin is None or not wanted:
        return {}
    if plugin.capabilities.billing is BillingKind.RATES:
        found = {state.pk: _stated_moves(state) for state, _after in wanted}
    else:
        zone = ZoneInfo(plugin.billing_timezone)
        looked = [(state, after) for state, after in wanted if after is not None]
        priced = _priced_days(connection, looked, zone)
        found = {
            state.pk: _line_moves(priced.get(state.resource_id, {}), state, after, zone)
            for state, after in looked
        }
    return {pk: moves for pk, moves in found.items() if moves}


def _plugin_of(connection: ProviderConnection) -> type[ProviderPlugin] | None:
    try:
        return plugin_class(connection.provider_type)
    except UnknownProvider:
        return None


def _is_cost_move(state: ResourceState) -> bool:
    """Whether a known cost became another known one in the same currency."""
    before, after = state.changes.get("daily_cost") or (None, None)
    return (
        state.action == ResourceState.Action.UPDATED
        and before is not None
        and after is not None
        and "currency" not in state.changes
        and state.opened_at is not None
    )


def _stated_moves(state: ResourceState) -> list[PriceMove]:
    """The price that the provider states for the resource, in the period in which it states it."""
    before, after = (Decimal(str(value)) for value in state.changes["daily_cost"])
    if state.has_configuration_change or state.resource.resource_type in USE_BILLED or not before:
        return []
    period = state.original_period if state.original_period in PERIOD_DAYS else RatePeriod.DAY.value
    days = PERIOD_DAYS[period]
    return [
        PriceMove(
            label="",
            unit="",
            period=period,
            before=(before * days).quantize(CENT),
            after=(after * days).quantize(CENT),
            currency=state.currency or "RUB",
            since=None,
            daily_effect=after - before,
        )
    ]


def _priced_days(
    connection: ProviderConnection, looked: list[tuple[ResourceState, datetime]], zone: ZoneInfo
) -> dict[int, dict[_Sku, _Days]]:
    """{resource: {SKU: {day: price}}} around the changes, days cut where the provider cuts them; one query."""
    if not looked:
        return {}
    opened = [state.opened_at for state, _after in looked if state.opened_at is not None]
    rows = (
        ChargeLine.objects.filter(
            organization_id=connection.organization_id,
            resource__in={state.resource_id for state, _after in looked},
            batch__connection=connection,
            batch__published_at__isnull=False,
            batch__replaced_at__isnull=True,
            charge_category=ChargeCategory.USAGE,
            charge_period_start__gte=min(after for _state, after in looked) - AROUND,
            charge_period_start__lt=max(opened) + AROUND,
            charge_period_end__gt=F("charge_period_start"),
            pricing_quantity__gt=0,
        )
        .annotate(day=TruncDate("charge_period_start", tzinfo=zone))
        .order_by()
        .values("resource_id", "sku_id", "charge_description", "pricing_unit", "currency", "day")
        .annotate(
            cost=Sum("effective_cost"),
            quantity=Sum("pricing_quantity"),
            start=Min("charge_period_start"),
            end=Max("charge_period_end"),
        )
    )
    found: dict[int, dict[_Sku, _Days]] = {}
    for row in rows:
        label = row["charge_description"] or row["sku_id"]
        sku = (row["sku_id"] or label, row["currency"])
        found.setdefault(row["resource_id"], {}).setdefault(sku, {})[row["day"]] = _Priced(
            label=label,
            unit=row["pricing_unit"],
            currency=row["currency"],
            cost=round(row["cost"], 6),
            quantity=round(row["quantity"], 6),
            covered=row["end"] - row["start"],
        )
    return found


def _line_moves(
    priced: Mapping[_Sku, _Days], state: ResourceState, after: datetime, zone: ZoneInfo
) -> list[PriceMove]:
    """What moved since the last look. A price that moved on its very day may have been seen by it already: that is told
    here only where the cost that this look saw moved as much.
    """
    assert state.opened_at is not None
    last_look, this_look = after.astimezone(zone).date(), state.opened_at.astimezone(zone).date()
    until = state.closed_at.astimezone(zone).date() if state.closed_at else date.max
    moves = []
    predicted = Decimal(0)
    for _sku, days in sorted(priced.items()):
        old = max((day for day in days if day < last_look), default=None)
        later = [day for day in days if this_look < day < until]
        new = min(later, default=this_look if this_look in days else None)
        predicted += days[new].daily_cost if new else 0
        predicted -= days[old].daily_cost if old else 0
        if old is None or new is None or not days[old].cost or days[old].equals(days[new]):
            continue
        since = min(day for day in days if old < day <= new and not days[old].equals(days[day]))
        moves.append(_move(days[old], days[new], since))
    before, now = (Decimal(str(value)) for value in state.changes["daily_cost"])
    doubtful = sum((move.daily_effect for move in moves if move.since == last_look), Decimal(0))
    was_seen_before = abs(now - before - predicted) > abs(now - before - (predicted - doubtful))
    return [move for move in moves if move.since != last_look or not was_seen_before]


def _move(old: _Priced, new: _Priced, since: date) -> PriceMove:
    unit, period, factor = _sold_by(new.unit)
    return PriceMove(
        label=new.label,
        unit=unit,
        period=period,
        before=old.price * factor,
        after=new.price * factor,
        currency=new.currency,
        since=since,
        daily_effect=(new.price - old.price) * new.daily_quantity,
    )


def _sold_by(unit: str) -> tuple[str, str, Decimal]:
    """FOCUS's unit in the one that people compare: `MB-Hours` is (`GB`, a month, so many of the former)."""
    if not unit.endswith(HOURS_SUFFIX):
        return unit, "", Decimal(1)
    amount = unit.removesuffix(HOURS_SUFFIX).rstrip("-")
    larger, times = LARGER_UNITS.get(amount, (amount, 1))
    return larger, RatePeriod.MONTH, MONTH_HOURS * times
