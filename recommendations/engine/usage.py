"""Summaries of measurements: percentiles over hours, not plain averages; and which hours of a week are quiet. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import overload
from zoneinfo import ZoneInfo

HOURS_OF_WEEK = 168
HOURS_OF_DAY = 24
ONE_HOUR = timedelta(hours=1)
Point = tuple[datetime, float, float]
"""An hour: its beginning (aware UTC), average, maximum."""
_AT = itemgetter(0)


class Points(Sequence[Point]):
    """Hours in a sixth of the memory that tuples take; `hours` may be shared by many."""

    __slots__ = ("hours", "maxima", "values")

    def __init__(self, hours: Sequence[datetime], values: Iterable[float], maxima: Iterable[float]) -> None:
        self.hours = hours
        self.values = array("d", values)
        self.maxima = array("d", maxima)

    def __len__(self) -> int:
        return len(self.hours)

    def __iter__(self) -> Iterator[Point]:
        return zip(self.hours, self.values, self.maxima, strict=True)

    @overload
    def __getitem__(self, place: int) -> Point: ...
    @overload
    def __getitem__(self, place: slice) -> Points: ...
    def __getitem__(self, place: int | slice) -> Point | Points:
        if isinstance(place, slice):
            return Points(self.hours[place], self.values[place], self.maxima[place])
        return (self.hours[place], self.values[place], self.maxima[place])


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """One metric over one window; percentiles are of hourly averages, `maximum` is the highest single value.

    `expected` is how many hours the window has, since the resource was there or its size changed.
    """

    average: float
    p50: float
    p95: float
    p99: float
    maximum: float
    count: int
    expected: int

    @property
    def coverage(self) -> float:
        return min(1.0, self.count / self.expected) if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class Series:
    """The hours of one metric, ascending, over the longest window that any rule looks at, up to `until`."""

    points: Sequence[Point]
    until: datetime

    def since(self, start: datetime) -> Series:
        return Series(self.points[bisect_left(self.points, start, key=_AT) :], self.until)

    def summary(self, *, days: int, not_before: datetime | None = None) -> MetricSummary | None:
        """The last `days` days, of them only what is not before an instant; None without a single point."""
        start = self.until - timedelta(days=days)
        if not_before is not None and not_before > start:
            start = not_before
        first, end = (bisect_left(self.points, moment, key=_AT) for moment in (start, self.until))
        points = self.points[first:end]
        if not points:
            return None
        values = sorted(average for _at, average, _maximum in points)
        return MetricSummary(
            average=sum(values) / len(values),
            p50=percentile(values, 50),
            p95=percentile(values, 95),
            p99=percentile(values, 99),
            maximum=max(maximum for _at, _average, maximum in points),
            count=len(points),
            expected=max(1, int((self.until - start) / ONE_HOUR)),
        )

    def hours_at_least(self, limit: float, *, days: int) -> int:
        """In how many of the last days' hours the average was `limit` or more."""
        start = self.until - timedelta(days=days)
        return sum(1 for _at, average, _maximum in self.since(start).points if average >= limit)

    def by_day(self, zone: ZoneInfo, *, days: int) -> dict[object, list[float]]:
        """{local date: hourly averages} of the last days."""
        start = self.until - timedelta(days=days)
        found: dict[object, list[float]] = {}
        for at, average, _maximum in self.since(start).points:
            found.setdefault(at.astimezone(zone).date(), []).append(average)
        return found


@dataclass(frozen=True, slots=True)
class Week:
    """For each hour of the local week (0 is Monday 00:00): how many weeks saw it, and the highest value in any."""

    weeks: Sequence[int]
    highest: Sequence[float]

    def is_quiet(self, hour: int, limit: float, *, weeks: int = 2) -> bool:
        return self.weeks[hour] >= weeks and self.highest[hour] <= limit


def week_of(points: Iterable[Point], zone: ZoneInfo) -> Week:
    """By the average of each hour: a short peak inside an hour shows in it."""
    weeks = [0] * HOURS_OF_WEEK
    highest = [0.0] * HOURS_OF_WEEK
    for at, average, _maximum in points:
        local = at.astimezone(zone)
        hour = local.weekday() * HOURS_OF_DAY + local.hour
        weeks[hour] += 1
        highest[hour] = max(highest[hour], average)
    return Week(weeks, highest)


def week_means(hours: Iterable[tuple[datetime, float]], zone: ZoneInfo) -> list[float | None]:
    """The mean by hour of the local week, None for one that was not seen."""
    found: list[list[float]] = [[] for _hour in range(HOURS_OF_WEEK)]
    for at, value in hours:
        local = at.astimezone(zone)
        found[local.weekday() * HOURS_OF_DAY + local.hour].append(value)
    return [sum(values) / len(values) if values else None for values in found]


def quiet_hours(weeks: Mapping[str, Week], limits: Mapping[str, float]) -> frozenset[int]:
    """Hours of the week in which every metric that has a limit is quiet."""
    return frozenset(
        hour
        for hour in range(HOURS_OF_WEEK)
        if all(weeks[name].is_quiet(hour, limit) for name, limit in limits.items() if name in weeks)
    )


def windows(hours: frozenset[int], *, shortest: int) -> list[tuple[int, int]]:
    """Unbroken runs of at least `shortest` hours, as (first hour of week, length); one over the week's end is one."""
    if len(hours) == HOURS_OF_WEEK:
        return [(0, HOURS_OF_WEEK)]
    found = []
    for hour in sorted(hours):
        if (hour - 1) % HOURS_OF_WEEK in hours:
            continue
        length = 1
        while (hour + length) % HOURS_OF_WEEK in hours:
            length += 1
        if length >= shortest:
            found.append((hour, length))
    return found


def percentile(ascending: Sequence[float], part: float) -> float:
    """By linear interpolation between the neighbours; of values in ascending order."""
    if len(ascending) == 1:
        return ascending[0]
    place = (len(ascending) - 1) * part / 100
    low = int(place)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (place - low)
