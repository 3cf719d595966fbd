"""What is billed costs now: the rate of the latest hours without their flicker. Pure.

An hour's value is whole kopecks with the remainder carried on, so one hour says 12 and the next 13 while nothing
changes. The rate of a metric is the mean of the latest complete hours, at most 24, in which its quantity was the same
and its value moved by no more than the carried kopeck. The sum of 24 such hours is off by less than a kopeck.
What is metered (traffic, requests) has no rate: it counts as what the last 24 hours cost.
Source: API reference, section 5.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from providers.contract.records import Rate, RatePeriod, RunRateRecord

from .billing import HOUR, Pair, Row, roubles
from .words import CURRENCY, is_metered

WINDOW_HOURS = 24
WINDOW_LAG = timedelta(hours=6)
"""How much further back the hours are asked for, because the latest ones come late."""

YOUNG = HOUR
"""An hour that ended less than this ago is complete only when nothing of the hour before is missing."""

OLD = timedelta(hours=4)
"""An hour that ended this long ago has all its rows."""

SMALLER = Decimal("0.9")
"""An hour in between with fewer than this share of the hour before is still coming in."""

METERED_SHARE = Decimal("0.005")
"""Use moves all the time: the sum of a day of it that moves by less is not told as a change."""


@dataclass(slots=True)
class _Series:
    """One metric of one thing: its values and quantities by hour."""

    metric_id: str
    values: dict[datetime, Decimal] = field(default_factory=dict)
    quantities: dict[datetime, Decimal] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.values[row.start] = self.values.get(row.start, Decimal(0)) + row.value
        self.quantities[row.start] = self.quantities.get(row.start, Decimal(0)) + row.quantity


def latest_full_hour(rows: Iterable[Row], *, now: datetime) -> datetime | None:
    """The start of the newest hour whose rows have all come; None without rows."""
    hours: dict[datetime, set[Pair]] = {}
    shared: dict[Pair, Pair] = {}
    for row in rows:
        if row.start + HOUR <= now:
            found = hours.setdefault(row.start, set())
            if not is_metered(row.metric_id):
                found.add(shared.setdefault(row.pair, row.pair))
    return next((hour for hour in sorted(hours, reverse=True) if _is_full(hour, hours, now)), None)


def run_rates(rows: Sequence[Row], *, now: datetime) -> list[RunRateRecord]:
    """The run rate of everything that was billed in the latest full hour; nothing for what ended before it."""
    hour = latest_full_hour(rows, now=now)
    if hour is None:
        return []
    things: dict[str, dict[Pair, _Series]] = {}
    for row in rows:
        pair = things.setdefault(row.resource_id, {}).setdefault(row.pair, _Series(row.metric_id))
        pair.add(row)
    stated = (_stated(resource_id, pairs.values(), hour) for resource_id, pairs in sorted(things.items()))
    return [each for each in stated if each is not None]


def hour_cost(rows: Iterable[Row], hour: datetime) -> Decimal:
    """What an hour cost as the provider's page shows it, roubles."""
    return roubles(sum((row.value for row in rows if row.start == hour), Decimal(0)))


def _is_full(hour: datetime, hours: Mapping[datetime, set[Pair]], now: datetime) -> bool:
    age = now - (hour + HOUR)
    before = hours.get(hour - HOUR, set())
    missing = before - hours[hour]
    if not missing or age >= OLD:
        return True
    return age >= YOUNG and len(before) - len(missing) >= SMALLER * len(before)


def _stated(resource_id: str, pairs: Iterable[_Series], hour: datetime) -> RunRateRecord | None:
    pairs = list(pairs)
    found = [rate for pair in pairs if (rate := _daily(pair, hour)) is not None]
    if not found:
        return None
    return RunRateRecord(
        resource_id=resource_id,
        rate=Rate(
            amount=roubles(sum((daily for daily, _ in found), Decimal(0))),
            currency=CURRENCY,
            period=RatePeriod.DAY,
        ),
        last_charge_start=max(start for pair in pairs for start in pair.values),
        uncertainty=roubles(sum((uncertainty for _, uncertainty in found), Decimal(0))),
        latest_hour_cost=roubles(sum((pair.values.get(hour, Decimal(0)) for pair in pairs), Decimal(0))),
    )


def _daily(pair: _Series, hour: datetime) -> tuple[Decimal, Decimal] | None:
    """Kopecks a day and how far off that may be; None for what is not billed now.

    Until a whole day of equal hours is known the figure may be off by a kopeck an hour, so that it is not corrected
    hour by hour on its first day.
    """
    if is_metered(pair.metric_id):
        window = [
            value for start, value in pair.values.items() if hour - (WINDOW_HOURS - 1) * HOUR <= start <= hour
        ]
        total = sum(window, Decimal(0))
        return (total, max(total * METERED_SHARE, Decimal(1))) if window else None
    if hour not in pair.values:
        return None
    quantity = pair.quantities[hour]
    equal: list[Decimal] = []
    for back in range(WINDOW_HOURS):
        start = hour - back * HOUR
        if pair.quantities.get(start) != quantity:
            break
        value = pair.values[start]
        if equal and max(*equal, value) - min(*equal, value) > 1:
            break
        equal.append(value)
    daily = sum(equal, Decimal(0)) * WINDOW_HOURS / len(equal)
    return daily, Decimal(1 if len(equal) == WINDOW_HOURS else WINDOW_HOURS)
