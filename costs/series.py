"""Daily spend of a scope as forecasts, budgets and the runway read it: which days are known whole, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from django.db.models import Count, DateField, Max, Min, OuterRef, QuerySet, Subquery, Sum

from accounts.models import Organization
from costs.explorer import subtrees
from costs.explorer.filters import Filters
from costs.facts import QUANTUM
from costs.models import ConnectionDay, DailyCost, DailyTotal
from providers import registry
from providers.contract.errors import UnknownProvider
from providers.models import ProviderConnection

LATE_DAYS = 2
"""A connection whose last whole day is further behind the newest one's is not waited for."""
GONE_DAYS = 31
"""One that is further behind than this has ended; until then it goes on costing what it did."""
WEEK = 7
ROUBLES = "RUB"
ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
Span = tuple[date, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """`charged`: everything that was charged, by day, also on days known in part; `complete`: the days known whole.

    Both in roubles, billed. `known_until` is the last complete day, None where there is none. `carried` connections
    are late: what they cost before goes on in `complete`. `has_unconverted`: something has no rouble value and is in
    neither.
    """

    charged: Mapping[date, Decimal]
    complete: Mapping[date, Decimal]
    known_until: date | None
    carried: frozenset[int]
    has_unconverted: bool

    def charged_between(self, first: date, last: date) -> Decimal:
        return sum((amount for day, amount in self.charged.items() if first <= day <= last), ZERO)


def daily_series(organization: Organization, filters: Filters, *, first: date) -> Series:
    """The scope's days from `first` on; two queries."""
    spans = whole_days(organization)
    if filters:
        charged, has_unconverted = _charged(scope_rows(organization, filters).filter(date__gte=first))
    else:
        charged, has_unconverted = _charged_by_connection(organization, first)
    return assembled(charged, spans, first=first, has_unconverted=has_unconverted)


def series_by_connection(organization: Organization, *, first: date) -> dict[int, Series]:
    """Of each connection with costs from `first` on, as `daily_series`; two queries."""
    spans = whole_days(organization)
    charged, has_unconverted = _charged_by_connection(organization, first)
    return {
        pk: assembled({pk: days}, spans, first=first, has_unconverted=has_unconverted)
        for pk, days in charged.items()
    }


def scope_rows(organization: Organization, filters: Filters) -> QuerySet[DailyTotal] | QuerySet[DailyCost]:
    """The rows whose sum is the scope's spend: daily totals, or facts where totals cannot answer."""
    filters = subtrees.whole(organization, filters)
    if filters.needs_facts:
        return filters.apply(DailyCost.objects.of(organization))
    return filters.apply(DailyTotal.objects.of(organization))


def whole_days(organization: Organization) -> dict[int, Span]:
    """The first and the last whole day of each connection that has any; one query.

    A sync cuts the first and the last day of a connection; files have whole days only.
    """
    days = ConnectionDay.objects.filter(connection=OuterRef("pk")).values("date")
    rows = (
        ProviderConnection.objects.of(organization)
        .annotate(
            first_day=Subquery(days.order_by("date")[:1], output_field=DateField()),
            last_day=Subquery(days.order_by("-date")[:1], output_field=DateField()),
        )
        .values_list("pk", "provider_type", "first_day", "last_day")
    )
    spans = {pk: _whole(kind, first, last) for pk, kind, first, last in rows if first is not None}
    return {pk: (first, last) for pk, (first, last) in spans.items() if first <= last}


def whole_days_of(connection: ProviderConnection) -> Span | None:
    """The same of one connection, None where it has no whole day; one query."""
    found = ConnectionDay.objects.filter(connection=connection).aggregate(first=Min("date"), last=Max("date"))
    if found["first"] is None:
        return None
    first, last = _whole(connection.provider_type, found["first"], found["last"])
    return (first, last) if first <= last else None


def assembled(
    charged: Mapping[int, Mapping[date, Decimal]],
    spans: Mapping[int, Span],
    *,
    first: date,
    has_unconverted: bool = False,
) -> Series:
    """Pure: the connections' charged days and whole days, put together."""
    everything: dict[date, Decimal] = {}
    for by_day in charged.values():
        for day, amount in by_day.items():
            everything[day] = everything.get(day, ZERO) + amount
    known = {pk: spans[pk] for pk in charged if pk in spans}
    if not known:
        return Series(
            charged=everything,
            complete={},
            known_until=None,
            carried=frozenset(),
            has_unconverted=has_unconverted,
        )
    newest = max(last for _first, last in known.values())
    in_time = {pk: span for pk, span in known.items() if (newest - span[1]).days <= LATE_DAYS}
    known_until = min(last for _first, last in in_time.values())
    carried = {
        pk
        for pk, (_first, last) in known.items()
        if pk not in in_time and (known_until - last).days <= GONE_DAYS
    }
    start = max(first, min(begin for begin, _last in known.values()))
    complete = dict.fromkeys(_days(start, known_until), ZERO)
    for pk, span in known.items():
        for day, amount in _whole_ones(charged[pk], span, known_until, is_carried=pk in carried):
            if day in complete:
                complete[day] += amount
    return Series(
        charged=everything,
        complete=complete,
        known_until=known_until if complete else None,
        carried=frozenset(carried),
        has_unconverted=has_unconverted,
    )


def _whole_ones(
    charged: Mapping[date, Decimal], span: Span, until: date, *, is_carried: bool
) -> Iterator[tuple[date, Decimal]]:
    """What a connection's whole days cost; after them, what it cost on a usual day, where that is carried on."""
    first, last = span
    for day, amount in charged.items():
        if first <= day <= last:
            yield day, amount
    if is_carried and last < until:
        usual = median([charged.get(last - timedelta(days=back), ZERO) for back in range(WEEK)])
        for day in _days(last + ONE_DAY, until):
            yield day, usual


def _charged(
    rows: QuerySet[DailyTotal] | QuerySet[DailyCost],
) -> tuple[dict[int, dict[date, Decimal]], bool]:
    found: dict[int, dict[date, Decimal]] = {}
    has_unconverted = False
    sums = (
        rows.order_by()
        .values_list("connection_id", "date")
        .annotate(roubles=Sum("billed_cost_rub"), count=Count("pk"), known=Count("billed_cost_rub"))
    )
    for connection_id, day, roubles, count, known in sums:
        has_unconverted = has_unconverted or known < count
        if known:
            found.setdefault(connection_id, {})[day] = Decimal(str(roubles)).quantize(QUANTUM)
    return found, has_unconverted


def _charged_by_connection(
    organization: Organization, first: date
) -> tuple[dict[int, dict[date, Decimal]], bool]:
    """The same of all costs."""
    found: dict[int, dict[date, Decimal]] = {}
    has_unconverted = False
    rows = ConnectionDay.objects.of(organization).filter(date__gte=first)
    for connection_id, day, currency, amount in rows.values_list(
        "connection_id", "date", "currency", "billed_cost"
    ):
        if currency == ROUBLES:
            found.setdefault(connection_id, {})[day] = amount
        else:
            has_unconverted = True
    return found, has_unconverted


def _whole(provider_type: str, first: date, last: date) -> Span:
    try:
        if registry.plugin_class(provider_type).capabilities.reads_files:
            return first, last
    except UnknownProvider:
        pass
    return first + ONE_DAY, last - ONE_DAY


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))
