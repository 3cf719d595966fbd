"""Hours of work in a year with its public holidays; and the same for cron and for people. Pure.

Holidays and moved working days are those of the Labour Code of Russia and the yearly decrees, from the package `holidays`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from holidays import country_holidays

from recommendations.engine.calendar import Calendar
from recommendations.engine.usage import HOURS_OF_DAY

ONE_DAY = timedelta(days=1)
YEAR = 365
MONDAY = 0
SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """How long it is off over a span: hours, and the days on which it does not run at all."""

    days: int
    off_hours: int
    off_days: int

    @property
    def off_hours_of_month(self) -> float:
        """Mean of a month of thirty days."""
        return self.off_hours * 30 / self.days

    @property
    def off_days_of_month(self) -> float:
        return self.off_days * 30 / self.days


@cache
def _russian(year: int) -> Mapping[date, str]:
    return dict(country_holidays("RU", years=year, language="ru"))


@cache
def _moved_working_days(year: int) -> frozenset[date]:
    """Saturdays and Sundays on which people work, because their day off was moved."""
    calendar = country_holidays("RU", years=year)
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range(366))
    return frozenset(
        day for day in days if day.year == year and day.weekday() >= SATURDAY and calendar.is_working_day(day)
    )


def holiday(day: date) -> str:
    """The name of the public holiday, "" on every other day."""
    return _russian(day.year).get(day, "")


def hours_of(calendar: Calendar, day: date, *, rests_on_holidays: bool) -> frozenset[int]:
    """Hours of a day (0 to 23) in which it runs."""
    weekday = day.weekday()
    if rests_on_holidays:
        if holiday(day):
            return frozenset()
        if day in _moved_working_days(day.year) and weekday in calendar.days_off:
            weekday = MONDAY
    return frozenset(
        hour
        for window in calendar.windows
        if window.weekday == weekday
        for hour in range(window.start, window.end)
    )


def rest_of(calendar: Calendar, *, first: date, rests_on_holidays: bool, days: int = YEAR) -> Rest:
    """Over `days` days from `first` on."""
    running = [
        len(hours_of(calendar, first + timedelta(days=n), rests_on_holidays=rests_on_holidays))
        for n in range(days)
    ]
    return Rest(
        days=days,
        off_hours=days * HOURS_OF_DAY - sum(running),
        off_days=sum(1 for hours in running if not hours),
    )


def holidays_ahead(first: date, *, days: int = YEAR) -> Iterator[tuple[date, str]]:
    for n in range(days):
        day = first + timedelta(days=n)
        if name := holiday(day):
            yield day, name


def cron_lines(calendar: Calendar) -> list[tuple[str, bool]]:
    """(five fields of cron, whether it starts) of every moment at which a week's running changes, days alike together.

    Cron knows no holidays: on those, what starts must be kept from starting by hand or by a guard.
    """
    moments: dict[tuple[int, bool], list[int]] = {}
    running = calendar.running_hours
    week = 7 * HOURS_OF_DAY
    for hour in range(week):
        is_on, was_on = hour in running, (hour - 1) % week in running
        if is_on != was_on:
            moments.setdefault((hour % HOURS_OF_DAY, is_on), []).append(hour // HOURS_OF_DAY)
    lines = []
    for (hour, starts), weekdays in sorted(moments.items()):
        fields = ",".join(str((weekday + 1) % 7) for weekday in sorted(weekdays))
        lines.append((f"0 {hour} * * {fields}", starts))
    return lines
