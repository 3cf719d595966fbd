"""Weekly calendars: when something runs, in whole hours of local time. Pure.

A calendar is a set of windows (weekday, from, to); outside them it is off. As data it is a list of such triples, Monday
is 0 and the end is exclusive: [[0, 9, 18], [1, 9, 18]].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from recommendations.engine.usage import HOURS_OF_DAY, HOURS_OF_WEEK

DAYS_OF_WEEK = 7
WEEKEND = (5, 6)
ONE_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Hours of one weekday, half-open: 9 to 18 is nine hours; 24 is midnight."""

    weekday: int
    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.weekday < DAYS_OF_WEEK and 0 <= self.start < self.end <= HOURS_OF_DAY):
            raise ValueError(f"no window of a week: {self.weekday} {self.start}-{self.end}")

    @property
    def hours(self) -> range:
        """Hours of the week, 0 is Monday 00:00."""
        first = self.weekday * HOURS_OF_DAY
        return range(first + self.start, first + self.end)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When it runs: windows in their order, none touching another."""

    windows: tuple[Window, ...]

    @classmethod
    def of_hours(cls, hours: Iterable[int]) -> Calendar:
        """Runs in these hours of the week."""
        running = set(hours)
        windows: list[Window] = []
        for weekday in range(DAYS_OF_WEEK):
            start: int | None = None
            for hour in range(HOURS_OF_DAY + 1):
                is_on = hour < HOURS_OF_DAY and weekday * HOURS_OF_DAY + hour in running
                if is_on and start is None:
                    start = hour
                elif not is_on and start is not None:
                    windows.append(Window(weekday, start, hour))
                    start = None
        return cls(tuple(windows))

    @classmethod
    def of_data(cls, data: Iterable[Sequence[int]]) -> Calendar:
        """From triples in any order; raises ValueError for what is none. Those that touch become one."""
        hours: set[int] = set()
        for triple in data:
            if len(triple) != 3 or any(not isinstance(each, int) for each in triple):
                raise ValueError(f"no window of a week: {triple!r}")
            hours.update(Window(*triple).hours)
        return cls.of_hours(hours)

    @classmethod
    def office(cls, start: int = 8, end: int = 20) -> Calendar:
        """Monday to Friday, the same hours."""
        return cls(tuple(Window(day, start, end) for day in range(DAYS_OF_WEEK) if day not in WEEKEND))

    @classmethod
    def of_text(cls, text: str) -> Calendar:
        """From what `as_text` made; raises ValueError for what it never made."""
        data = []
        for word in text.split():
            day, _colon, hours = word.partition(":")
            start, _dash, end = hours.partition("-")
            data.append([int(day), int(start), int(end)])
        return cls.of_data(data)

    def as_text(self) -> str:
        """`0:9-18 1:9-18`, for places that hold a text; not for people."""
        return " ".join(f"{each.weekday}:{each.start}-{each.end}" for each in self.windows)

    def as_data(self) -> list[list[int]]:
        return [[each.weekday, each.start, each.end] for each in self.windows]

    @property
    def running_hours(self) -> frozenset[int]:
        return frozenset(hour for window in self.windows for hour in window.hours)

    @property
    def off_hours(self) -> frozenset[int]:
        return frozenset(range(HOURS_OF_WEEK)) - self.running_hours

    @property
    def days_off(self) -> frozenset[int]:
        """Weekdays on which it does not run at all."""
        return frozenset(range(DAYS_OF_WEEK)) - {window.weekday for window in self.windows}

    def is_running(self, local: datetime) -> bool:
        return hour_of_week(local) in self.running_hours

    def next_change(self, after: datetime, zone: ZoneInfo) -> tuple[datetime, bool] | None:
        """The first instant later than `after` at which it starts (True) or stops; None where it never changes.

        Whole local hours are walked as instants: a clock that is put forward or back neither loses nor repeats a change.
        """
        local = after.astimezone(zone)
        is_on = self.is_running(local)
        moment = after - (local - local.replace(minute=0, second=0, microsecond=0))
        for _hour in range(HOURS_OF_WEEK + HOURS_OF_DAY):
            moment += ONE_HOUR
            if self.is_running(moment.astimezone(zone)) != is_on:
                return moment, not is_on
        return None

    def compact(self) -> list[tuple[int, int, tuple[tuple[int, int], ...]]]:
        """(first weekday, last weekday, hours) with days alike put together; days off are left out."""
        by_day: list[tuple[tuple[int, int], ...]] = [
            tuple((each.start, each.end) for each in self.windows if each.weekday == day)
            for day in range(DAYS_OF_WEEK)
        ]
        found: list[tuple[int, int, tuple[tuple[int, int], ...]]] = []
        for day, hours in enumerate(by_day):
            if not hours:
                continue
            if found and found[-1][1] == day - 1 and found[-1][2] == hours:
                found[-1] = (found[-1][0], day, hours)
            else:
                found.append((day, day, hours))
        return found


def hour_of_week(local: datetime) -> int:
    return local.weekday() * HOURS_OF_DAY + local.hour
