"""Reads of what people and providers say about a resource, and of how much it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet

from inventory.models import MetricPoint, Resource, ResourceNote, Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One metric in equal steps: `averages` and `maxima` have one value for each of `times`, None where none was measured."""

    times: tuple[datetime, ...]
    averages: tuple[Decimal | None, ...]
    maxima: tuple[Decimal | None, ...]

    @property
    def average(self) -> Decimal:
        known = [value for value in self.averages if value is not None]
        return sum(known, Decimal(0)) / len(known)

    @property
    def maximum(self) -> Decimal:
        return max(value for value in self.maxima if value is not None)


def tags_of(resource: Resource) -> QuerySet[Tag]:
    return Tag.objects.filter(resource=resource).order_by("key", "source")


def notes_of(resource: Resource) -> QuerySet[ResourceNote]:
    """The newest first, with their authors."""
    return (
        ResourceNote.objects.filter(resource=resource).select_related("author").order_by("-created_at", "-pk")
    )


def series_of(
    resource: Resource, metrics: tuple[str, ...], *, start: datetime, end: datetime, step: timedelta
) -> Mapping[str, Series]:
    """The metrics between `start` and `end` in steps; a metric without a point is absent. One query."""
    count = max(1, -((start - end) // step))
    sums: dict[str, list[list[float]]] = {}
    points = MetricPoint.objects.filter(
        resource=resource, metric__in=metrics, observed_at__gte=start, observed_at__lt=end
    ).values_list("metric", "observed_at", "value", "maximum")
    for metric, at, value, maximum in points:
        slots = sums.setdefault(metric, [[0.0, 0.0, 0.0] for _slot in range(count)])
        slot = slots[(at - start) // step]
        slot[2] = max(slot[2], maximum) if slot[1] else maximum
        slot[0] += value
        slot[1] += 1
    times = tuple(start + step * index for index in range(count))
    return {
        metric: Series(
            times=times,
            averages=tuple(_rounded(total / number) if number else None for total, number, _top in slots),
            maxima=tuple(_rounded(top) if number else None for _total, number, top in slots),
        )
        for metric, slots in sums.items()
    }


def _rounded(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))
