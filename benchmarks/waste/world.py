"""What synthetic estates are made of: time, chance, weekly load, connections and the resources in them.

`NOW` is a Thursday morning in Moscow; series and costs end with the night before, as facts do.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine.facts import BilledPart, ConnectionFacts, ResourceFacts, Twin
from recommendations.engine.pricing import PriceBook
from recommendations.engine.twins import stem_of
from recommendations.engine.usage import Series, percentile

ZONE = ZoneInfo("Europe/Moscow")
TODAY = date(2026, 10, 1)
NOW = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 9, 30, 21, 0, tzinfo=UTC)
YESTERDAY = TODAY - timedelta(days=1)
HISTORY_DAYS = 400
COST_DAYS = 120
SERIES_DAYS = 35
HOURS_OF_WEEK = 168
TWO_WEEKS = 14 * 24
HOURS = [MIDNIGHT - timedelta(hours=n) for n in range(95 * 24, 0, -1)]
HOURS_OF_THE_WEEK = [at.astimezone(ZONE).weekday() * 24 + at.astimezone(ZONE).hour for at in HOURS]
STOP_SAVES = {"server": StopSaves(by=StopBy.SHELVE), "database": StopSaves(by=StopBy.STOP)}

_pks = itertools.count(1)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


class Chance(random.Random):
    """Seeded dice."""

    def amount(self, low: float, high: float, digits: int = 2) -> Decimal:
        return Decimal(f"{self.uniform(low, high):.{digits}f}")

    def happens(self, share: float) -> bool:
        return self.random() < share


# ---- load -----------------------------------------------------------------------------------------------------


def office(chance: Chance, *, night: float, weekend: float) -> list[float]:
    """A weekly shape: 1 in working hours, `night` outside of them, `weekend` on both days; the edges are soft."""
    start, end = chance.choice([8, 9, 10]), chance.choice([18, 19, 20])
    shape = []
    for hour in range(HOURS_OF_WEEK):
        day, clock = divmod(hour, 24)
        level = 1.0 if start <= clock < end else night
        if clock in (start - 1, end):
            level = (1 + night) / 2
        shape.append(min(level, weekend) if day > 4 else level)
    return shape


def load(
    chance: Chance,
    p99: float,
    shape: Sequence[float] | None = None,
    *,
    noise: float = 0.06,
    days: int = SERIES_DAYS,
    missing: float = 0.0,
    highest: float = 100.0,
) -> Series:
    """Hours of a weekly shape with noise, so that 99 of 100 of the last two weeks' are at most `p99`.

    Each hour's maximum is a little higher, at most `highest`. `missing` is the part of the hours that nobody measured.
    """
    shape = shape or [1.0] * HOURS_OF_WEEK
    hours, places = HOURS[-days * 24 :], HOURS_OF_THE_WEEK[-days * 24 :]
    raw = [max(0.0, shape[place] * (1 + chance.gauss(0, noise))) for place in places]
    scale = p99 / (percentile(sorted(raw[-TWO_WEEKS:]), 99) or 1.0)
    points = []
    for at, value in zip(hours, raw, strict=True):
        average = min(value * scale, highest)
        if not missing or chance.random() >= missing:
            points.append((at, average, min(highest, average * (1 + abs(chance.gauss(0, 0.04))))))
    return Series(points, MIDNIGHT)


def level(value: float, *, days: int = SERIES_DAYS, peak: float | None = None) -> Series:
    """The same in every hour."""
    top = value if peak is None else peak
    return Series([(at, value, top) for at in HOURS[-days * 24 :]], MIDNIGHT)


# ---- resources ------------------------------------------------------------------------------------------------


def part(
    sku_id: str, quantity: Any, monthly: Any, unit: str = "Item", *, is_usage: bool = False
) -> BilledPart:
    return BilledPart(
        sku_id=sku_id,
        description=sku_id,
        unit=unit,
        quantity=Decimal(quantity),
        day_cost=Decimal(monthly) / 30,
        currency="RUB",
        is_usage=is_usage,
    )


class Place:
    """One connection and what lies in it. Resources are added first; `done` tells them where they are."""

    def __init__(
        self, chance: Chance, book: PriceBook, *, paid: Decimal = Decimal(1), **changes: Any
    ) -> None:
        """`paid` is what its servers cost, of the list price."""
        self.chance = chance
        self.paid = paid
        self.resources: list[ResourceFacts] = []
        self.dead_sources: dict[str, datetime] = {}
        self.made_from: dict[str, datetime] = {}
        self.networks: dict[str, list[int]] = defaultdict(list)
        self.changes: dict[str, Any] = {
            "provider_type": "cloud",
            "provider_name": "Cloud",
            "bills_lines": True,
            "stop_saves": STOP_SAVES,
            "region_ids": frozenset({"ru-1", "ru-2"}),
            "prices": book,
        } | changes

    @property
    def book(self) -> PriceBook:
        prices: PriceBook = self.changes["prices"]
        return prices

    def add(self, kind: str, **changes: Any) -> ResourceFacts:
        """Running, old and owned, its costs known for `COST_DAYS` days; `monthly` is what it costs.

        `traffic` is what use adds a month at most, another amount each day. Parts beside `monthly` are its own lines.
        """
        chance, pk = self.chance, next(_pks)
        parts = tuple(changes.pop("parts", ()))
        traffic = changes.pop("traffic", None)
        monthly = changes.pop("monthly", None)
        if monthly is None:
            monthly = sum((each.day_cost for each in parts), Decimal(0)) * 30 or chance.amount(150, 900)
        age = changes.pop("age", None) or chance.uniform(130, HISTORY_DAYS + 300)
        known = min(COST_DAYS, max(0, int(age) - 1))
        days = [YESTERDAY - timedelta(days=n) for n in range(known - 1, -1, -1)]
        day_cost = Decimal(monthly) / 30
        costs = dict.fromkeys(days, day_cost)
        if traffic is not None:
            costs = {day: day_cost + chance.amount(0, float(traffic)) / 30 for day in days}
            if days:
                parts = (*parts, part("traffic", 1, (costs[days[-1]] - day_cost) * 30, "GB", is_usage=True))
        seen = ago(min(age, HISTORY_DAYS))
        values: dict[str, Any] = {
            "pk": pk,
            "connection": None,
            "resource_id": f"id-{pk}",
            "native_type": kind,
            "resource_type": kind,
            "name": f"{kind.replace('_', '-')}-{_letters(pk)}",
            "status": "running",
            "status_since": seen,
            "first_seen_at": seen,
            "provider_created_at": ago(age),
            "history_since": ago(HISTORY_DAYS),
            "region_id": "ru-1",
            "sub_account_id": "project",
            "environment": "production",
            "owner": "team",
            "daily_rate": day_cost,
            "daily_costs": costs,
            "cost_days": (days[0], days[-1]) if days else None,
            "last_charge_at": ago(0.1),
            "parts": parts,
        }
        facts = ResourceFacts(**(values | changes))
        if facts.parent is not None:
            facts.parent.components.append(facts)
        self.resources.append(facts)
        return facts

    def done(self) -> list[ResourceFacts]:
        connection = ConnectionFacts(
            **{
                "pk": 1,
                "name": "Cloud",
                "now": NOW,
                "today": TODAY,
                "zone": ZONE,
                "observed_at": ago(0.05),
                "twins": _twins(self.resources),
                "dead_sources": self.dead_sources,
                "made_from": self.made_from,
                "listed_ids": frozenset(each.resource_id for each in self.resources),
                "network_members": {name: tuple(pks) for name, pks in self.networks.items()},
                **self.changes,
            }
        )
        for each in self.resources:
            each.connection = connection
        return self.resources


def _letters(number: int) -> str:
    """A name of its own without a digit: digits would make twins."""
    text = ""
    while number:
        number, rest = divmod(number, 16)
        text = "abcdefghjkmnopqr"[rest] + text
    return f"x{text}x"


def _twins(resources: Sequence[ResourceFacts]) -> dict[str, Twin]:
    """As the connection's surroundings tell them: servers whose names differ in a number."""
    groups: dict[str, list[ResourceFacts]] = defaultdict(list)
    for each in resources:
        if each.resource_type in ("server", "dedicated_server") and (stem := stem_of(each.name)):
            groups[stem].append(each)
    found = {}
    for stem, members in groups.items():
        if len(members) < 2:
            continue
        used = {each.pk: _mean_and_highest(each, "cpu_percent") for each in members}
        busiest = max(members, key=lambda each: (used[each.pk] or (0.0, 0.0))[0])
        cpu, memory = used[busiest.pk], _mean_and_highest(busiest, "memory_percent")
        found[stem] = Twin(
            count=len(members),
            busiest_pk=busiest.pk,
            busiest_cpu=cpu[0] if cpu else 0.0,
            vcpus=busiest.vcpus,
            memory_mib=busiest.memory_mib,
            highest_cpu=cpu[1] if cpu else None,
            highest_memory=memory[1] if memory else None,
        )
    return found


def _mean_and_highest(facts: ResourceFacts, metric: str) -> tuple[float, float] | None:
    series = facts.series.get(metric)
    values = [point[1] for point in series.points if point[0] >= ago(14)] if series else []
    return (sum(values) / len(values), max(values)) if values else None
