"""The truth about money: what every hour of every component costs, and what is booked for it.

The exact cost of a component runs on without rounding; an hour is booked as the rounded running total after it less
the one before, so that whole kopecks are booked and no remainder is lost (13, 13, 12 … for 12.704 an hour). Sums over
any hours are exact to a kopeck. An hour belongs to what stands at its beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.emulators.openstack.cloud import Cloud, whole_hour
from providers.emulators.openstack.objects import HISTORY_DAYS, SETTLED_DAY
from providers.emulators.openstack.usage import noise
from providers.emulators.selectel.components import PARTS, Component, components, varies_by_day
from providers.emulators.selectel.prices import Prices

SCALE = 10**12
"""Parts of a kopeck in which running totals are kept: every product of a price and a quantity is whole."""
HOUR_SECONDS = 3600

Key = tuple[str, str, str | None, str, str]


@dataclass(slots=True)
class Series:
    """One metric of one object through time; hours are counted from 1970, in parallel lists by segment."""

    key: Key
    starts: list[int] = field(default_factory=list)
    states: list[Component | None] = field(default_factory=list)
    rates: list[int] = field(default_factory=list)
    _totals: list[int] = field(default_factory=list)
    _amounts: list[Decimal] = field(default_factory=list)
    _hours: list[int] = field(default_factory=list)

    def append(self, start: int, state: Component | None, rate: int) -> None:
        """From hour `start` on; a segment without a state costs nothing."""
        if self.starts:
            hours = start - self.starts[-1]
            before = self.states[-1]
            self._totals.append(self._totals[-1] + hours * self.rates[-1])
            self._amounts.append(self._amounts[-1] + hours * (before.quantity if before else 0))
            self._hours.append(self._hours[-1] + (hours if before else 0))
        else:
            self._totals.append(0)
            self._amounts.append(Decimal())
            self._hours.append(0)
        self.starts.append(start)
        self.states.append(state)
        self.rates.append(rate)

    def _segment(self, hour: int) -> int:
        return bisect_right(self.starts, hour) - 1

    def state(self, hour: int) -> Component | None:
        index = self._segment(hour)
        return self.states[index] if index >= 0 else None

    def rate(self, hour: int) -> int:
        """Exact cost of an hour, parts of a kopeck."""
        index = self._segment(hour)
        return self.rates[index] if index >= 0 else 0

    def last_state(self, start: int, end: int) -> Component | None:
        """The latest state in [start, end) that is charged."""
        for index in range(self._segment(end - 1), -1, -1):
            if self.states[index] is not None:
                following = self.starts[index + 1] if index + 1 < len(self.starts) else end
                return self.states[index] if following > start else None
        return None

    def booked(self, start: int, end: int) -> int:
        """Whole kopecks booked for the hours [start, end)."""
        return _rounded(self._total(end)) - _rounded(self._total(start))

    def quantity(self, start: int, end: int) -> Decimal:
        """Amount times hours."""
        return self._amount(end) - self._amount(start)

    def hours(self, start: int, end: int) -> int:
        """How many of the hours are charged."""
        return self._count(end) - self._count(start)

    def _total(self, hour: int) -> int:
        index = self._segment(hour)
        return 0 if index < 0 else self._totals[index] + (hour - self.starts[index]) * self.rates[index]

    def _amount(self, hour: int) -> Decimal:
        index = self._segment(hour)
        if index < 0:
            return Decimal()
        state = self.states[index]
        return self._amounts[index] + (hour - self.starts[index]) * (state.quantity if state else 0)

    def _count(self, hour: int) -> int:
        index = self._segment(hour)
        if index < 0:
            return 0
        return self._hours[index] + (hour - self.starts[index] if self.states[index] else 0)

    def is_shown(self, hour: int, at: datetime) -> bool:
        """Whether the statistics have the row of an hour: some time between one and two hours after its beginning."""
        waited = at.timestamp() - (hour + 1) * HOUR_SECONDS
        if waited >= HOUR_SECONDS:
            return True
        return waited > 0 and noise(*self.key, hour) * HOUR_SECONDS < waited


class Ledger:
    """All series of one account, made once from the scenario."""

    def __init__(self, cloud: Cloud, prices: Prices) -> None:
        self._cloud = cloud
        self._prices = prices
        self._series: dict[Key, Series] = {}
        price_changes = list(prices.changes())
        for kind in PARTS:
            for thing in cloud.described(kind):
                self._charge(kind, thing, price_changes)

    def series(self) -> Iterable[Series]:
        return self._series.values()

    def booked(self, start: datetime, end: datetime) -> int:
        """Kopecks of the whole account for [start, end), whole hours."""
        first, last = hour_of(start), hour_of(end)
        return sum(series.booked(first, last) for series in self._series.values())

    def _charge(self, kind: str, thing: Mapping[str, Any], price_changes: list[datetime]) -> None:
        open_keys: set[Key] = set()
        own: set[Key] = set()
        for edge in self._edges(kind, thing, price_changes):
            hour = hour_of(edge)
            state = self._as_billed(thing, edge)
            found = (
                {}
                if state is None
                else {_key(part): part for part in components(self._cloud, kind, state, edge)}
            )
            for key in open_keys - set(found):
                self._series[key].append(hour, None, 0)
            for key, part in found.items():
                if key in self._series and key not in own:
                    raise ValueError(f"{thing['name']}: {key} is charged for another thing already")
                own.add(key)
                rate = int(self._prices.at(part.metric, part.region, edge) * part.quantity * SCALE)
                self._series.setdefault(key, Series(key)).append(hour, part, rate)
            open_keys = set(found)

    def _as_billed(self, thing: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
        """A thing as billing sees it: also after it is gone, while `billed_until` lies ahead."""
        until = self._cloud.billed_until(thing)
        if until is not None and at >= until:
            return None
        current = self._cloud.scenario.thing(thing, at)
        if current is not None or "billed_until_day" not in thing:
            return current
        kept = {name: value for name, value in thing.items() if not name.startswith("removed_")}
        current = self._cloud.scenario.thing(kept, at)
        return None if current is None else {**current, "is_zombie": True}

    def _edges(self, kind: str, thing: Mapping[str, Any], price_changes: list[datetime]) -> list[datetime]:
        """Whole hours at which anything about a thing's charges may change, oldest first."""
        scenario = self._cloud.scenario
        instants = {scenario.created_at(thing)}
        instants |= {scenario.changed_at(change) for change in thing.get("changes", ())}
        if "removed_day" in thing:
            instants.add(scenario.instant(thing["removed_day"], thing.get("removed_time", "00:00")))
        until = self._cloud.billed_until(thing)
        if until is not None:
            instants.add(until)
        if kind in ("volume", "floating_ip", "licence", "traffic"):
            instants |= set(self._ends_of_servers(thing))
        if varies_by_day(kind, thing):
            instants |= {scenario.instant(day) for day in range(-HISTORY_DAYS, SETTLED_DAY + 1)}
        instants |= set(price_changes)
        first = whole_hour(scenario.created_at(thing))
        return sorted({whole_hour(instant) for instant in instants if whole_hour(instant) >= first})

    def _ends_of_servers(self, thing: Mapping[str, Any]) -> Iterator[datetime]:
        names = {thing.get("server"), *(change.get("server") for change in thing.get("changes", ()))}
        for name in names - {None, ""}:
            for server in self._cloud.described_as("server", name):
                yield self._cloud.scenario.created_at(server)
                if "removed_day" in server:
                    yield self._cloud.scenario.instant(
                        server["removed_day"], server.get("removed_time", "00:00")
                    )


def hour_of(at: datetime) -> int:
    """The number of the hour an instant lies in."""
    return int(at.timestamp()) // HOUR_SECONDS


def instant_of(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_SECONDS, UTC)


def complete_until(at: datetime) -> datetime:
    """The end of the last hour that the statistics show completely."""
    return instant_of(hour_of(at) - 1)


def day_bounds(start: datetime, end: datetime, offset: timedelta) -> Iterator[tuple[str, int, int]]:
    """Local dates of [start, end) with their first hour and the hour after their last."""
    hour, last = hour_of(start), hour_of(end)
    while hour < last:
        local = instant_of(hour) + offset
        following = min(last, hour + 24 - local.hour)
        yield local.date().isoformat(), hour, following
        hour = following


def _key(part: Component) -> Key:
    return (part.provider_key, part.project_id, part.object_id, part.region, part.metric)


def _rounded(total: int) -> int:
    return (total + SCALE // 2) // SCALE
