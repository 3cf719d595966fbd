"""From billed lines and state intervals to costs a day. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

QUANTUM = Decimal("0.000001")
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a fact one row."""

    resource_pk: int
    date: date
    charge_category: str
    source: str
    currency: str


@dataclass(slots=True)
class Amounts:
    billed: Decimal = Decimal(0)
    effective: Decimal = Decimal(0)
    list: Decimal = Decimal(0)

    def add(self, billed: Decimal, effective: Decimal, list_cost: Decimal) -> None:
        self.billed += billed
        self.effective += effective
        self.list += list_cost

    def rounded(self) -> Amounts:
        return Amounts(
            self.billed.quantize(QUANTUM), self.effective.quantize(QUANTUM), self.list.quantize(QUANTUM)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A billed line, as far as a fact needs it; costs unrounded in `currency`."""

    resource_pk: int
    charge_category: str
    currency: str
    start: datetime
    end: datetime
    billed: Decimal
    effective: Decimal
    list: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A state with a price: `daily` of `currency` over `[start, end)`."""

    resource_pk: int
    currency: str
    source: str
    daily: Decimal
    start: datetime
    end: datetime


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Half-open, UTC; 23 or 25 hours apart where the zone's clocks change.

    In UTC, because Python subtracts two instants of one zone by the clock on the wall.
    """
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + ONE_DAY, time.min, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def days_touched(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[date]:
    """The local days that `[start, end)` overlaps."""
    day = start.astimezone(zone).date()
    while day_bounds(day, zone)[0] < end:
        yield day
        day += ONE_DAY


def facts_from_lines(lines: Iterable[Line], *, zone: ZoneInfo, first: date, last: date) -> dict[Key, Amounts]:
    """Costs of the days `first` to `last`: a line that spans several days is spread over them by time.

    The shares of a line are rounded so that they add up to it: the last day takes what rounding leaves.
    """
    facts: dict[Key, Amounts] = {}
    for line in lines:
        for day, billed, effective, list_cost in shares_of(line, zone):
            if first <= day <= last:
                key = Key(line.resource_pk, day, line.charge_category, "billing", line.currency)
                facts.setdefault(key, Amounts()).add(billed, effective, list_cost)
    return {key: amounts.rounded() for key, amounts in facts.items()}


def facts_from_intervals(
    intervals: Iterable[Interval], *, zone: ZoneInfo, first: date, last: date
) -> dict[Key, Amounts]:
    """Costs of the days `first` to `last`: the price of a day times the share of the day that the state held."""
    facts: dict[Key, Amounts] = {}
    bounds = {day: day_bounds(day, zone) for day in _days(first, last)}
    for interval in intervals:
        for day, (day_start, day_end) in bounds.items():
            overlap = min(interval.end, day_end) - max(interval.start, day_start)
            if overlap <= timedelta(0):
                continue
            amount = interval.daily * _ratio(overlap, day_end - day_start)
            key = Key(interval.resource_pk, day, "Usage", interval.source, interval.currency)
            facts.setdefault(key, Amounts()).add(amount, amount, amount)
    return {key: amounts.rounded() for key, amounts in facts.items()}


class RateTable:
    """Roubles for one unit of a currency on a day: the latest rate set on or before it."""

    def __init__(self, rates: Mapping[str, list[tuple[date, Decimal]]]) -> None:
        self._rates = {currency: sorted(pairs) for currency, pairs in rates.items()}

    def on(self, currency: str, day: date) -> Decimal | None:
        """The rate, 1 for roubles, None where none is known that early."""
        if currency == "RUB":
            return Decimal(1)
        known = None
        for start, rate in self._rates.get(currency, []):
            if start > day:
                break
            known = rate
        return known


def shares_of(line: Line, zone: ZoneInfo) -> Iterator[tuple[date, Decimal, Decimal, Decimal]]:
    """(day, billed, effective, list cost) of the days that a line touches; they add up to it."""
    days = list(days_touched(line.start, line.end, zone)) or [line.start.astimezone(zone).date()]
    if len(days) == 1:
        yield days[0], line.billed, line.effective, line.list
        return
    length = line.end - line.start
    left = [line.billed, line.effective, line.list]
    for day in days[:-1]:
        day_start, day_end = day_bounds(day, zone)
        ratio = _ratio(min(line.end, day_end) - max(line.start, day_start), length)
        parts = [(amount * ratio).quantize(QUANTUM) for amount in (line.billed, line.effective, line.list)]
        left = [rest - part for rest, part in zip(left, parts, strict=True)]
        yield day, parts[0], parts[1], parts[2]
    yield days[-1], left[0], left[1], left[2]


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def _ratio(part: timedelta, whole: timedelta) -> Decimal:
    microsecond = timedelta(microseconds=1)
    return Decimal(part // microsecond) / Decimal(whole // microsecond)
