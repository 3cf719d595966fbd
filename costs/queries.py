"""Reads about money: run rate, spend, reconciliation, runway. Two of them never share a label.

*Run rate* is what the open states cost if nothing changes, from their own daily costs; a month is thirty days.
*Spend* is what was charged in a period, from the daily facts, whose days are cut in the provider's billing zone.
Amounts are roubles unless a currency stands beside them; what no rate is known for is kept apart, never counted as 0.
Every query starts from an organization. SQLite adds decimals as floats, so sums are rounded to the six places of a fact.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
)

from accounts.models import Organization
from costs.facts import QUANTUM
from costs.models import ConnectionDay, DailyCost, ExchangeRate
from inventory.models import ResourceType
from providers import registry
from providers.contract.errors import UnknownProvider
from providers.contract.records import DAYS_IN_MONTH, Rate, RatePeriod
from providers.models import ProviderConnection
from syncs.models import ResourceState, SnapshotTotal

ROUBLES = "RUB"
RUNWAY_DAYS = 30
COMPARED_DAYS = (365, 90, 30, 7)
"""Lengths to compare where the history is too short for the whole period, the longest first."""
Unconverted = Mapping[str, Decimal]
"""Currency -> amount that no known rate turns into roubles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRunRate:
    """`daily` is None where no cost is known, which is not 0; `unpriced_count` resources have no cost yet."""

    connection_id: int
    daily: Decimal | None
    unconverted: Unconverted
    resource_count: int
    unpriced_count: int

    @property
    def monthly(self) -> Decimal | None:
        return _monthly(self.daily)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRate:
    """Of a whole organization; `connections` has one entry for each connection with resources."""

    daily: Decimal | None
    unconverted: Unconverted
    resource_count: int
    unpriced_count: int
    connections: Mapping[int, ConnectionRunRate]

    @property
    def monthly(self) -> Decimal | None:
        return _monthly(self.daily)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSpend:
    """One connection's days, one value for each day of the period; None where nothing is known, never 0."""

    connection_id: int
    total: Decimal | None
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSpend:
    """Connections that are not told apart, as one; `connection_count` of them are known in the period."""

    connection_count: int
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailySpend:
    """A period day by day, both ends included. `incomplete` are days of which some connection knows only a part.

    `rest` is None where all connections are told apart, or where the others cost nothing.
    """

    first: date
    last: date
    connections: tuple[ConnectionSpend, ...]
    rest: RestSpend | None
    totals: tuple[Decimal | None, ...]
    incomplete: frozenset[date]
    unconverted: Unconverted

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(_days(self.first, self.last))

    @property
    def total(self) -> Decimal | None:
        return _sum_known(self.totals)

    @property
    def known_days(self) -> int:
        return sum(value is not None for value in self.totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The last `days` of a period against as many before them, over the connections that both know whole.

    `excluded` connections are left out because one of the two lacks days of them.
    """

    days: int
    now: Decimal
    before: Decimal
    excluded: tuple[int, ...]

    @property
    def percent(self) -> Decimal | None:
        """Change in per cent; None where there was nothing before."""
        return None if not self.before else (self.now - self.before) * 100 / self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What was charged from `daily.first` to `daily.last`; `comparison` is None where nothing earlier is known."""

    daily: DailySpend
    comparison: Comparison | None

    @property
    def total(self) -> Decimal | None:
        return self.daily.total

    @property
    def unconverted(self) -> Unconverted:
        return self.daily.unconverted


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReconciliation:
    """Roubles a day: the provider's own total, what our resources do not explain of it (signed), what no service of
    the provider names (the plan and the rest)."""

    connection_id: int
    billed_daily: Decimal
    unexplained_daily: Decimal
    not_itemised_daily: Decimal

    @property
    def explained_percent(self) -> Decimal | None:
        return _explained(self.billed_daily, abs(self.unexplained_daily))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Current snapshots against the providers' own totals, roubles a day.

    `unexplained_daily` adds the connections' differences without their signs, so that two cannot hide each other.
    """

    billed_daily: Decimal
    unexplained_daily: Decimal
    not_itemised_daily: Decimal
    unconverted: Unconverted
    connections: Mapping[int, ConnectionReconciliation]

    @property
    def explained_percent(self) -> Decimal | None:
        """100 × (1 − |not explained| / billed); None where nothing is billed."""
        return _explained(self.billed_daily, self.unexplained_daily)

    @property
    def differing_count(self) -> int:
        return sum(bool(one.unexplained_daily) for one in self.connections.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Runway:
    """How long a prepaid balance lasts, counted from when the account was read: `days`, by the provider's own count
    where it has one, and `days_at_rate`, at `daily`.

    `top_up` makes it thirty days: what is missing, rounded up to thousands (below ten thousand, to hundreds).
    """

    balance: Decimal
    currency: str
    daily: Decimal
    days: int
    days_at_rate: int
    until: date
    top_up: Decimal

    @property
    def is_short(self) -> bool:
        return self.days < RUNWAY_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpend:
    """One resource's days of a period; None where nothing is known."""

    resource_id: int
    first: date
    values: tuple[Decimal | None, ...]
    unconverted: Unconverted = field(default_factory=dict)

    @property
    def total(self) -> Decimal | None:
        return _sum_known(self.values)


def run_rate(organization: Organization, at: datetime | None = None) -> RunRate:
    """What the organization costs a day and a month if nothing changes, now or as of `at`.

    Other currencies are converted at the rate of that day, now at the latest one.
    """
    states = ResourceState.objects.of(organization)
    held = states.open() if at is None else states.as_of(at)
    rows = list(
        held.order_by()
        .values("connection_id", "currency")
        .annotate(daily=Sum("daily_cost"), count=Count("pk"), priced=Count("daily_cost"))
    )
    day = None if at is None else at.astimezone(ZoneInfo(organization.time_zone)).date()
    rates = rates_on({row["currency"] for row in rows if row["priced"]}, day)
    found: dict[int, _Sums] = {}
    for row in rows:
        sums = found.setdefault(row["connection_id"], _Sums())
        sums.count += row["count"]
        sums.unpriced += row["count"] - row["priced"]
        if row["priced"]:
            sums.add(_money(row["daily"]), row["currency"], rates)
    connections = {
        connection_id: ConnectionRunRate(
            connection_id=connection_id,
            daily=sums.roubles,
            unconverted=sums.unconverted,
            resource_count=sums.count,
            unpriced_count=sums.unpriced,
        )
        for connection_id, sums in found.items()
    }
    return RunRate(
        daily=_sum_known(one.daily for one in connections.values()),
        unconverted=_merged(one.unconverted for one in connections.values()),
        resource_count=sum(one.resource_count for one in connections.values()),
        unpriced_count=sum(one.unpriced_count for one in connections.values()),
        connections=connections,
    )


def spend(
    organization: Organization, first: date, last: date, *, apart: Collection[int] | None = None
) -> Spend:
    """What was charged from `first` to `last`, both included, and how that compares with before; three queries.

    Where the history is shorter than the period, only as much of its end is compared as has an equal before. `apart`:
    the connections that are told apart, by default all.
    """
    extents = _extents(organization)
    daily = _daily_spend(organization, first, last, extents, apart)
    return Spend(daily=daily, comparison=_comparison(organization, daily, extents))


def daily_spend(organization: Organization, first: date, last: date) -> DailySpend:
    """The same day by day and by connection, for charts; without a comparison."""
    return _daily_spend(organization, first, last, _extents(organization), None)


def resource_spend(
    organization: Organization, resources: Iterable[int], first: date, last: date
) -> dict[int, ResourceSpend]:
    """Spend of resources (by pk) day by day; resources without any fact in the period are absent."""
    values: dict[int, dict[date, Decimal]] = {}
    unconverted: dict[int, dict[str, Decimal]] = {}
    rows = DailyCost.objects.of(organization).filter(
        date__gte=first, date__lte=last, resource__in=list(resources)
    )
    for row in _summed(rows, "resource_id", "date", "currency"):
        if row["missing"]:
            _add(unconverted.setdefault(row["resource_id"], {}), row["currency"], _money(row["foreign"]))
        if row["known"]:
            _add(values.setdefault(row["resource_id"], {}), row["date"], _money(row["roubles"]))
    return {
        resource_id: ResourceSpend(
            resource_id=resource_id,
            first=first,
            values=tuple(values.get(resource_id, {}).get(day) for day in _days(first, last)),
            unconverted=unconverted.get(resource_id, {}),
        )
        for resource_id in [*values, *(pk for pk in unconverted if pk not in values)]
    }


def reconciliation(organization: Organization) -> Reconciliation:
    """The current snapshots' own totals against the sums of their resources."""
    totals = list(
        SnapshotTotal.objects.of(organization)
        .filter(snapshot__is_current=True)
        .values_list("snapshot__connection_id", "currency", "billed_daily_cost", "unexplained_daily_cost")
    )
    remainders = list(
        ResourceState.objects.of(organization)
        .open()
        .filter(resource__resource_type=ResourceType.ACCOUNT_PLAN, daily_cost__gt=0)
        .order_by()
        .values_list("connection_id", "currency")
        .annotate(daily=Sum("daily_cost"))
    )
    rates = rates_on({row[1] for row in [*totals, *remainders]}, None)
    billed: dict[int, _Sums] = {}
    unexplained: dict[int, _Sums] = {}
    rest: dict[int, _Sums] = {}
    for connection_id, currency, total, difference in totals:
        billed.setdefault(connection_id, _Sums()).add(total, currency, rates)
        unexplained.setdefault(connection_id, _Sums()).add(difference, currency, rates)
    for connection_id, currency, daily in remainders:
        rest.setdefault(connection_id, _Sums()).add(_money(daily), currency, rates)
    connections = {
        connection_id: ConnectionReconciliation(
            connection_id=connection_id,
            billed_daily=sums.roubles,
            unexplained_daily=unexplained[connection_id].roubles or Decimal(0),
            not_itemised_daily=rest.get(connection_id, _Sums()).roubles or Decimal(0),
        )
        for connection_id, sums in billed.items()
        if sums.roubles is not None
    }
    return Reconciliation(
        billed_daily=sum((one.billed_daily for one in connections.values()), Decimal(0)),
        unexplained_daily=sum((abs(one.unexplained_daily) for one in connections.values()), Decimal(0)),
        not_itemised_daily=sum((one.not_itemised_daily for one in connections.values()), Decimal(0)),
        unconverted=_merged(sums.unconverted for sums in billed.values()),
        connections=connections,
    )


def runway(connection: ProviderConnection, daily: Decimal | None = None) -> Runway | None:
    """How long the connection's balance lasts; None where it has none or its rate is not known.

    The rate is the account's own; `daily` (in the balance's currency) stands in where the provider names none. The
    provider's own count of days wins over ours. Costs no query.
    """
    rate = account_rate(connection)
    if rate is not None and rate.currency == connection.balance_currency:
        daily = rate.daily
    if connection.balance is None or not connection.account_read_at or not daily or daily <= 0:
        return None
    at_rate = max(0, int((connection.balance / daily).to_integral_value(ROUND_FLOOR)))
    days = at_rate if connection.charge_days_left is None else connection.charge_days_left
    read_on = connection.account_read_at.astimezone(ZoneInfo(connection.organization.time_zone)).date()
    missing = max(Decimal(0), daily * RUNWAY_DAYS - connection.balance)
    step = Decimal(1000) if missing >= 10_000 else Decimal(100)
    return Runway(
        balance=connection.balance,
        currency=connection.balance_currency,
        daily=daily,
        days=days,
        days_at_rate=at_rate,
        until=read_on + timedelta(days=days),
        top_up=(missing / step).to_integral_value(ROUND_CEILING) * step,
    )


def account_rate(connection: ProviderConnection) -> Rate | None:
    """The provider's own figure of what the whole account costs, as it was last read."""
    total = (connection.provider_metadata or {}).get("total")
    if not total:
        return None
    return Rate(
        amount=Decimal(total["amount"]), currency=total["currency"], period=RatePeriod(total["period"])
    )


def history_bounds(organization: Organization) -> tuple[date, date] | None:
    """The first and the last day of which any cost is known."""
    days = ConnectionDay.objects.of(organization).aggregate(first=Min("date"), last=Max("date"))
    return (days["first"], days["last"]) if days["first"] else None


def rates_on(currencies: Iterable[str], day: date | None) -> dict[str, Decimal]:
    """Roubles for one unit of each currency: the latest rate on or before `day`, or of all; unknown ones are absent."""
    rates = {ROUBLES: Decimal(1)}
    foreign = sorted({currency for currency in currencies if currency and currency != ROUBLES})
    if not foreign:
        return rates
    known = ExchangeRate.objects.filter(currency__in=foreign)
    if day is not None:
        known = known.filter(date__lte=day)
    latest = known.filter(currency=OuterRef("currency")).order_by("-date").values("date")[:1]
    rates |= dict(known.filter(date=Subquery(latest)).values_list("currency", "rub_per_unit"))
    return rates


def latest_rate(currency: str, day: date) -> tuple[Decimal, date] | None:
    """Roubles for one unit by the latest rate set on or before `day`, and the day that it holds from; None if unknown."""
    known = ExchangeRate.objects.filter(currency=currency, date__lte=day).order_by("-date")
    return known.values_list("rub_per_unit", "date").first()


@dataclass(slots=True)
class _Sums:
    """Roubles and what could not be converted, while they are added up."""

    roubles: Decimal | None = None
    unconverted: dict[str, Decimal] = field(default_factory=dict)
    count: int = 0
    unpriced: int = 0

    def add(self, amount: Decimal, currency: str, rates: Mapping[str, Decimal]) -> None:
        rate = rates.get(currency or ROUBLES)
        if rate is None:
            _add(self.unconverted, currency, amount)
        else:
            self.roubles = (self.roubles or Decimal(0)) + (amount * rate).quantize(QUANTUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extent:
    """The first and last day of a connection's facts; at both ends the day is known only in part, files apart."""

    first: date
    last: date
    has_partial_ends: bool


def _daily_spend(
    organization: Organization,
    first: date,
    last: date,
    extents: Mapping[int, _Extent],
    apart: Collection[int] | None,
) -> DailySpend:
    place: Any = F("connection_id")
    if apart is not None:
        place = Case(When(connection__in=list(apart), then=place), output_field=BigIntegerField())
    with_ends = [pk for pk, extent in extents.items() if extent.has_partial_ends]
    rows = (
        _connection_days(organization, first, last)
        .values_list("date", "currency", place)
        .annotate(amount=Sum("billed_cost"), count=Count("pk", filter=Q(connection__in=with_ends)))
    )
    values: dict[int | None, dict[date, Decimal]] = {}
    known: dict[date, int] = {}
    unconverted: dict[str, Decimal] = {}
    for day, currency, connection_id, amount, count in rows:
        if currency == ROUBLES:
            values.setdefault(connection_id, {})[day] = _money(amount)
            known[day] = known.get(day, 0) + count
        else:
            _add(unconverted, currency, _money(amount))
    days = list(_days(first, last))
    columns = {pk: tuple(map(by_day.get, days)) for pk, by_day in values.items()}
    others = [pk for pk in extents if apart is not None and pk not in apart]
    return DailySpend(
        first=first,
        last=last,
        connections=tuple(
            ConnectionSpend(connection_id=pk, total=_sum_known(columns[pk]), values=columns[pk])
            for pk in sorted(pk for pk in columns if pk is not None)
        ),
        rest=RestSpend(
            connection_count=sum(extents[pk].first <= last and extents[pk].last >= first for pk in others),
            values=columns[None],
        )
        if None in columns
        else None,
        totals=tuple(_sum_known(by_day.get(day) for by_day in values.values()) for day in days),
        incomplete=_incomplete(known, extents),
        unconverted=unconverted,
    )


def _incomplete(known: Mapping[date, int], extents: Mapping[int, _Extent]) -> frozenset[date]:
    """Days with data of which some connection that existed by then has none, or only a part.

    `known`: how many of the connections with ends known in part have a value, by day.
    """
    cut = [extent for extent in extents.values() if extent.has_partial_ends]
    ends = {day for extent in cut for day in (extent.first, extent.last)}
    starts = sorted(extent.first for extent in cut)
    return frozenset(day for day, count in known.items() if day in ends or count < bisect_right(starts, day))


def _comparison(
    organization: Organization, daily: DailySpend, extents: Mapping[int, _Extent]
) -> Comparison | None:
    whole = {pk: _whole_days(extent) for pk, extent in extents.items()}
    length = (daily.last - daily.first).days + 1
    starts = [first for first, last in whole.values() if last >= daily.last]
    if not starts:
        return None
    history = (daily.last - min(starts)).days + 1
    fitting = [days for days in (length, *COMPARED_DAYS) if days <= length and days * 2 <= history]
    days = fitting[0] if fitting else min(length, history // 2)
    if days < 1:
        return None
    middle = daily.last - timedelta(days=days - 1)
    start = middle - timedelta(days=days)
    rows = (
        _connection_days(organization, start, daily.last)
        .filter(currency=ROUBLES)
        .values_list("connection_id")
        .annotate(
            now=Sum("billed_cost", filter=Q(date__gte=middle)),
            before=Sum("billed_cost", filter=Q(date__lt=middle)),
            count=Count("pk"),
        )
    )
    sums = {pk: (now, before, count) for pk, now, before, count in rows}
    whole_in_both = {
        pk
        for pk, (first, last) in whole.items()
        if pk in sums and first <= start and last >= daily.last and sums[pk][2] == days * 2
    }
    if not whole_in_both:
        return None
    return Comparison(
        days=days,
        now=sum((_money(sums[pk][0]) for pk in whole_in_both), Decimal(0)),
        before=sum((_money(sums[pk][1]) for pk in whole_in_both), Decimal(0)),
        excluded=tuple(sorted(set(sums) - whole_in_both)),
    )


def _whole_days(extent: _Extent) -> tuple[date, date]:
    step = timedelta(days=1 if extent.has_partial_ends else 0)
    return extent.first + step, extent.last - step


def _extents(organization: Organization) -> dict[int, _Extent]:
    days = ConnectionDay.objects.filter(connection=OuterRef("pk")).values("date")
    rows = (
        ProviderConnection.objects.of(organization)
        .values("pk", "provider_type")
        .annotate(first=Subquery(days.order_by("date")[:1]), last=Subquery(days.order_by("-date")[:1]))
    )
    return {
        row["pk"]: _Extent(
            first=row["first"], last=row["last"], has_partial_ends=not _reads_files(row["provider_type"])
        )
        for row in rows
        if row["first"] is not None
    }


def _reads_files(provider_type: str) -> bool:
    try:
        return registry.plugin_class(provider_type).capabilities.reads_files
    except UnknownProvider:
        return False


def _connection_days(organization: Organization, first: date, last: date) -> QuerySet[ConnectionDay]:
    return ConnectionDay.objects.of(organization).filter(date__gte=first, date__lte=last).order_by()


def _summed(facts: QuerySet[DailyCost], *by: str) -> Iterable[dict[str, Any]]:
    """Groups with `roubles` of `known` rows, and `foreign` of the `missing` rows that have no rouble value."""
    groups: Iterable[dict[str, Any]] = (
        facts.order_by()
        .values(*by)
        .annotate(
            roubles=Sum("billed_cost_rub"),
            known=Count("billed_cost_rub"),
            foreign=Sum("billed_cost", filter=Q(billed_cost_rub__isnull=True)),
            missing=Count("pk", filter=Q(billed_cost_rub__isnull=True)),
        )
    )
    return groups


def _explained(billed: Decimal, unexplained: Decimal) -> Decimal | None:
    return None if not billed else max(Decimal(0), 100 - unexplained * 100 / abs(billed))


def _monthly(daily: Decimal | None) -> Decimal | None:
    return None if daily is None else daily * DAYS_IN_MONTH


def _money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(QUANTUM)


def _sum_known(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def _merged(parts: Iterable[Unconverted]) -> dict[str, Decimal]:
    merged: dict[str, Decimal] = {}
    for part in parts:
        for currency, amount in part.items():
            _add(merged, currency, amount)
    return merged


def _add(sums: dict[Any, Decimal], key: Any, amount: Decimal) -> None:
    sums[key] = sums.get(key, Decimal(0)) + amount


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))
