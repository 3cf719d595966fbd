"""Periods of whole days, named by their place before today or by their ends, and what to compare them with.

`last_30_days` and its kin end yesterday, because today is never whole; `this_month` ends today.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy

ONE_DAY = timedelta(days=1)
LONGEST_DAYS = 366 * 3
RANGE = ".."


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        return f"{self.first.isoformat()}{RANGE}{self.last.isoformat()}"

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=offset) for offset in range(self.days))


def _last_days(count: int) -> Callable[[date], Span]:
    return lambda today: Span(today - timedelta(days=count), today - ONE_DAY)


def _month(day: date) -> Span:
    return Span(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def _quarter(day: date) -> Span:
    start = date(day.year, day.month - (day.month - 1) % 3, 1)
    return Span(start, _month(shifted(start, months=2)).last)


def _year(day: date) -> Span:
    return Span(date(day.year, 1, 1), date(day.year, 12, 31))


def _until(today: date, whole: Span) -> Span:
    return Span(whole.first, today)


def _week(day: date) -> Span:
    start = day - timedelta(days=day.weekday())
    return Span(start, start + timedelta(days=6))


RELATIVE: Mapping[str, tuple[Any, Callable[[date], Span]]] = {
    "yesterday": (gettext_lazy("Yesterday"), _last_days(1)),
    "last_7_days": (gettext_lazy("Last 7 days"), _last_days(7)),
    "last_30_days": (gettext_lazy("Last 30 days"), _last_days(30)),
    "last_90_days": (gettext_lazy("Last 90 days"), _last_days(90)),
    "last_365_days": (gettext_lazy("Last 365 days"), _last_days(365)),
    "this_week": (gettext_lazy("This week"), lambda today: _until(today, _week(today))),
    "last_week": (gettext_lazy("Last week"), lambda today: _week(_week(today).first - ONE_DAY)),
    "this_month": (gettext_lazy("This month"), lambda today: _until(today, _month(today))),
    "last_month": (gettext_lazy("Last month"), lambda today: _month(_month(today).first - ONE_DAY)),
    "this_quarter": (gettext_lazy("This quarter"), lambda today: _until(today, _quarter(today))),
    "last_quarter": (gettext_lazy("Last quarter"), lambda today: _quarter(_quarter(today).first - ONE_DAY)),
    "this_year": (gettext_lazy("This year"), lambda today: _until(today, _year(today))),
    "last_year": (gettext_lazy("Last year"), lambda today: _year(_year(today).first - ONE_DAY)),
}
"""Key -> its name and the days that it means on a day."""

COMPARISONS: Mapping[str, Any] = {
    "previous": gettext_lazy("The period before"),
    "month": gettext_lazy("The same days a month earlier"),
    "year": gettext_lazy("The same days a year earlier"),
}


class BadPeriod(ValueError):
    """A period that cannot be read: its words are not known, or its days do not exist or are too many."""


def span_of(period: str, today: date) -> Span:
    """The days of a period as a URL writes it: a key of `RELATIVE`, `2026-10`, or `2026-10-01..2026-10-31`.

    Raises BadPeriod.
    """
    if period in RELATIVE:
        return RELATIVE[period][1](today)
    return fixed_span(period)


def fixed_span(period: str) -> Span:
    """A month, a day or two ends; raises BadPeriod."""
    first, is_range, last = period.partition(RANGE)
    try:
        if is_range:
            span = Span(date.fromisoformat(first), date.fromisoformat(last))
        elif len(period) == len("2026-10"):
            span = _month(date.fromisoformat(f"{period}-01"))
        else:
            span = Span(date.fromisoformat(period), date.fromisoformat(period))
    except ValueError as error:
        raise BadPeriod(period) from error
    if not 1 <= span.days <= LONGEST_DAYS or span.first.year < 2000:
        raise BadPeriod(period)
    return span


def compared_span(comparison: str, span: Span) -> Span | None:
    """The days to compare with; None without a comparison. Raises BadPeriod."""
    if not comparison:
        return None
    if comparison == "previous":
        return previous(span)
    if comparison in ("month", "year"):
        months = 1 if comparison == "month" else 12
        if _is_whole_months(span):
            return Span(
                shifted(span.first, months=-months),
                _month(shifted(span.last.replace(day=1), months=-months)).last,
            )
        return Span(shifted(span.first, months=-months), shifted(span.last, months=-months))
    return fixed_span(comparison)


def previous(span: Span) -> Span:
    """As many days right before; of whole months as many months."""
    if _is_whole_months(span):
        months = (span.last.year - span.first.year) * 12 + span.last.month - span.first.month + 1
        return Span(shifted(span.first, months=-months), span.first - ONE_DAY)
    return Span(span.first - timedelta(days=span.days), span.first - ONE_DAY)


def parted(span: Span) -> tuple[tuple[date, ...], tuple[Span, ...]]:
    """The first days of the months that a period has whole, and the days before and after them."""
    begin = span.first if span.first.day == 1 else shifted(span.first.replace(day=1), months=1)
    end = (span.last + ONE_DAY).replace(day=1)
    months = []
    month = begin
    while month < end:
        months.append(month)
        month = shifted(month, months=1)
    if not months:
        return (), (span,)
    ends = (Span(span.first, begin - ONE_DAY), Span(end, span.last))
    return tuple(months), tuple(each for each in ends if each.days > 0)


def shifted(day: date, *, months: int) -> date:
    """The same day of another month, its last one where it has no such day."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _is_whole_months(span: Span) -> bool:
    return span.first.day == 1 and (span.last + ONE_DAY).day == 1
