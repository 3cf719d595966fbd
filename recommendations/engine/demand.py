"""What servers that share their work need hour by hour, and what stands idle of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from recommendations.engine.facts import ResourceFacts
from recommendations.engine.usage import percentile, week_means

CPU = "cpu_percent"


@dataclass(frozen=True, slots=True)
class Demand:
    """`hours`: the mean CPU of all servers, per cent, for each hour in which every one of them was measured."""

    hours: Sequence[tuple[datetime, float]]
    servers: int
    week: Sequence[float | None]
    """Mean by hour of the local week."""

    @property
    def average(self) -> float:
        return sum(value for _at, value in self.hours) / len(self.hours)

    @property
    def swing(self) -> float | None:
        """The busiest hour of the week by the quietest; None where the quietest does nothing at all."""
        seen = [value for value in self.week if value is not None]
        return max(seen) / min(seen) if min(seen) > 0 else None

    def share(self, part: float) -> float:
        return percentile(sorted(value for _at, value in self.hours), part)

    def spare(self, target: Decimal, *, minimum: int) -> Decimal:
        """How many servers were too many on average, if each worked at `target` per cent: whole servers of a group,
        a part of a single one."""
        total = Decimal(0)
        for _at, value in self.hours:
            needed = Decimal(str(value)) * self.servers / target
            if self.servers > 1:
                needed = needed.to_integral_value(ROUND_CEILING)
            total += max(Decimal(0), self.servers - max(needed, Decimal(minimum)))
        return total / len(self.hours)


def demand_of(servers: Sequence[ResourceFacts], *, days: int, coverage: float) -> Demand | None:
    """Over the last days; None where one of them is not measured well enough."""
    sums: dict[datetime, list[float]] = {}
    for facts in servers:
        series = facts.series.get(CPU)
        if series is None:
            return None
        for at, average, _highest in series.since(series.until - timedelta(days=days)).points:
            sums.setdefault(at, []).append(average)
    hours = [
        (at, sum(values) / len(values)) for at, values in sorted(sums.items()) if len(values) == len(servers)
    ]
    if not hours or len(hours) < days * 24 * coverage:
        return None
    zone = servers[0].connection.zone
    return Demand(hours=hours, servers=len(servers), week=week_means(hours, zone))
