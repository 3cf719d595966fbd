"""How a budget stands in its periods. Pure: no database, no clock; roubles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from costs import forecasting
from costs.forecasting import Change, Forecast, NotEnough
from costs.series import Series

MONTH, QUARTER, YEAR, CUSTOM = "month", "quarter", "year", "custom"
MONTHS = {MONTH: 1, QUARTER: 3, YEAR: 12}
ACTUAL, FORECAST = "actual", "forecast"
PERIODS_LIMIT = 36
"""Periods that are computed at once, the latest; older ones stay as they were."""
ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """A budget's rules; see `models.Budget`."""

    period: str
    amount: Decimal
    first: date
    last: date | None
    rolls_over: bool
    thresholds: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One period; `forecast` is the whole period's, None where too little is known. `breach` is the day on which the
    limit is passed, by what was charged or by the forecast.
    """

    first: date
    last: date
    amount: Decimal
    carried: Decimal
    actual: Decimal
    forecast: forecasting.Total | None
    breach: date | None
    passed: tuple[tuple[str, int], ...]

    @property
    def limit(self) -> Decimal:
        return self.amount + self.carried


def spans(terms: Terms, today: date) -> list[tuple[date, date]]:
    """The budget's periods that have begun, the oldest first; at most `PERIODS_LIMIT`."""
    found = []
    for first, last in _spans(terms):
        if first > today:
            break
        found.append((first, last))
    return found[-PERIODS_LIMIT:]


def current(terms: Terms, today: date) -> tuple[date, date] | None:
    """The period that today is in; None before the first and after the last one."""
    found = spans(terms, today)
    return found[-1] if found and found[-1][1] >= today else None


def standings(terms: Terms, series: Series, changes: Sequence[Change], *, today: date) -> list[Standing]:
    """Of each period that has begun, the oldest first."""
    carried = ZERO
    found = []
    for first, last in spans(terms, today):
        standing = _standing(terms, series, changes, first, last, carried, today)
        found.append(standing)
        carried = max(ZERO, standing.limit - standing.actual) if terms.rolls_over else ZERO
    return found


def period_forecast(
    series: Series, changes: Sequence[Change], first: date, last: date
) -> tuple[forecasting.Total | None, Forecast | None]:
    """What the whole period will have cost: its complete days as charged, the others as forecast.

    None where too little is known. Never less than what was charged already.
    """
    if series.known_until is None:
        return None, None
    actual = series.charged_between(first, last)
    if series.known_until >= last:
        return forecasting.Total(amount=actual, low=actual, high=actual), None
    found = forecasting.forecast(series.complete, until=last, changes=changes)
    if isinstance(found, NotEnough):
        return None, None
    known = sum(
        (amount for day, amount in series.complete.items() if first <= day <= series.known_until), ZERO
    )
    rest = found.total(first, last)
    return (
        forecasting.Total(
            amount=max(actual, known + rest.amount),
            low=max(actual, known + rest.low),
            high=max(actual, known + rest.high),
        ),
        found,
    )


def cumulated(
    series: Series, forecast: Forecast | None, first: date, last: date, *, today: date
) -> list[tuple[date, Decimal | None, Decimal | None]]:
    """For each day of the period what was charged until its end, and what the forecast says by then.

    Charged is None after today, the forecast before the last complete day.
    """
    expected = {day.date: day.amount for day in forecast.days} if forecast else {}
    rows: list[tuple[date, Decimal | None, Decimal | None]] = []
    charged = foreseen = ZERO
    for day in _days(first, last):
        charged += series.charged.get(day, ZERO)
        foreseen += expected.get(day, series.complete.get(day, ZERO))
        is_foreseen = forecast is not None and day >= forecast.known_until
        rows.append((day, charged if day <= today else None, foreseen if is_foreseen else None))
    return rows


def _standing(
    terms: Terms,
    series: Series,
    changes: Sequence[Change],
    first: date,
    last: date,
    carried: Decimal,
    today: date,
) -> Standing:
    actual = series.charged_between(first, last)
    total, found = period_forecast(series, changes, first, last)
    limit = terms.amount + carried
    breach = None
    for day, charged, foreseen in cumulated(series, found, first, last, today=today):
        if max(charged or ZERO, foreseen or ZERO) > limit:
            breach = day
            break
    passed = [
        (ACTUAL, percent)
        for percent in sorted(terms.thresholds.get(ACTUAL, ()))
        if actual * 100 >= limit * percent
    ]
    if total is not None and last >= today:
        passed += [
            (FORECAST, percent)
            for percent in sorted(terms.thresholds.get(FORECAST, ()))
            if total.amount * 100 >= limit * percent
        ]
    return Standing(
        first=first,
        last=last,
        amount=terms.amount,
        carried=carried,
        actual=actual,
        forecast=total,
        breach=breach,
        passed=tuple(passed),
    )


def _spans(terms: Terms) -> Iterator[tuple[date, date]]:
    if terms.period == CUSTOM:
        assert terms.last is not None, "the database demands it"
        yield terms.first, terms.last
        return
    months = MONTHS[terms.period]
    first = terms.first.replace(day=1)
    if terms.period != MONTH:
        first = first.replace(month=(first.month - 1) // months * months + 1)
    while terms.last is None or first <= terms.last:
        following = _months_later(first, months)
        yield first, following - ONE_DAY
        first = following


def _months_later(day: date, months: int) -> date:
    month = day.month - 1 + months
    return day.replace(year=day.year + month // 12, month=month % 12 + 1)


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += ONE_DAY
