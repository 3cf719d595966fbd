"""From a daily series to its next days, with an interval. Pure: no database, no clock.

A day is its level, a trend, its weekday's habit and noise, all found by medians, so that a spike or a day of nonsense
moves nothing:

- *steps* (a server more, a price change) are found first, and what came before one is lifted to the level after it;
- the *trend* is the median of the slopes between days that are whole weeks apart (Theil–Sen without the weekday), and
  counts only where most slopes agree on its direction;
- a *weekday's habit* is the median of what its days differ by, once each weekday was seen twice;
- the *interval* has two sources: the noise of a day (median absolute deviation of what is left), and how much the
  level moved from week to week so far, steps included, which grows with the root of the distance.

Roubles in, roubles out, exact to a millionth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

from costs.facts import QUANTUM

MINIMUM_DAYS = 8
"""Complete days below which nothing is said about the future: a week, and one to compare with."""
WINDOW_DAYS = 84
"""How far back a forecast looks; habits older than twelve weeks are not asked."""
SEASON_DAYS = 14
TREND_DAYS = 28
WEEK = 7
STEP_SHARE = Decimal("0.015")
"""A lasting change below this share of the level is trend or noise, no step."""
STEP_NOISE = Decimal(4)
NORMAL = Decimal("1.4826")
"""A normal deviation for one median absolute deviation."""
SURE = Decimal(2)
"""Deviations on either side; what that came to is measured (docs/forecasts.md)."""
DOUBT = 2
"""So many deviations away from the usual level the last week's own level is believed instead."""
LEAST_DRIFT = Decimal("0.005")
"""Of the level, a week: no bill is surer than that, however quiet it has been."""
HORIZONS = (1, 7, 30)
ZERO = Decimal(0)

History = Mapping[date, Decimal]
"""Complete days; one that is not known is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A known change of the future: `amount` for each day from `first` to `last` (None: for good), or once on `first`.

    Negative amounts are savings. What has begun already is part of the history: then only its end is news.
    """

    first: date
    last: date | None
    amount: Decimal
    is_once: bool

    def on(self, day: date, known_until: date) -> Decimal:
        """What it adds to that day, compared with the last day that is known."""
        if self.is_once:
            return self.amount if day == self.first > known_until else ZERO
        return self.amount * (self._holds(day) - self._holds(known_until))

    def _holds(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastDay:
    """`low` to `high` is where about nine days of ten end, unless something unforeseen happens."""

    date: date
    amount: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Of several days; the interval is narrower than the sum of theirs, as noise evens out."""

    amount: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The days after `known_until`; `day_count` complete days stand behind it."""

    known_until: date
    day_count: int
    days: tuple[ForecastDay, ...]
    daily_trend: Decimal
    deviation: Decimal
    weekly_drift: Decimal

    def total(self, first: date, last: date) -> Total:
        """Of the forecast's days within `first` to `last`."""
        days = [day for day in self.days if first <= day.date <= last]
        amount = sum((day.amount for day in days), ZERO)
        drift = sum((_drift(self.weekly_drift, (day.date - self.known_until).days) for day in days), ZERO)
        width = SURE * (self.deviation**2 * len(days) + drift**2).sqrt()
        return Total(
            amount=amount,
            low=_quantized(_below(amount, width)),
            high=_quantized(amount + width),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnough:
    """Too few complete days to say anything."""

    day_count: int
    needed: int = MINIMUM_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How wrong the totals of the next `horizon` days were, in per cent of what came (MAPE), and how often what came
    lay inside the interval; over `origin_count` days on which a forecast could have been made."""

    horizon: int
    error_percent: Decimal
    inside_percent: Decimal
    origin_count: int


def forecast(history: History, *, until: date, changes: Sequence[Change] = ()) -> Forecast | NotEnough:
    """The days after the last known one, up to `until`, included; none where that one is later."""
    fitted = _fit(history)
    if fitted is None:
        return NotEnough(day_count=len(history))
    known_until = max(history)
    days = []
    for distance in range(1, (until - known_until).days + 1):
        day = known_until + timedelta(days=distance)
        amount = fitted.on(day) + sum((change.on(day, known_until) for change in changes), ZERO)
        width = SURE * (fitted.deviation**2 + _drift(fitted.weekly_drift, distance) ** 2).sqrt()
        days.append(
            ForecastDay(
                date=day,
                amount=_quantized(amount),
                low=_quantized(_below(amount, width)),
                high=_quantized(amount + width),
            )
        )
    return Forecast(
        known_until=known_until,
        day_count=len(history),
        days=tuple(days),
        daily_trend=_quantized(fitted.slope),
        deviation=fitted.deviation,
        weekly_drift=fitted.weekly_drift,
    )


Method = Callable[[History, date], Forecast | NotEnough]


def accuracy(
    history: History, *, horizons: Sequence[int] = HORIZONS, method: Method | None = None
) -> list[Accuracy]:
    """The method against the series' own past: at each day a forecast from what was known then, against what came.

    A horizon whose days never all came is left out, and so are totals of nothing.
    """
    ask = method or (lambda known, until: forecast(known, until=until))
    days = sorted(history)
    errors: dict[int, list[Decimal]] = {horizon: [] for horizon in horizons}
    inside: dict[int, int] = dict.fromkeys(horizons, 0)
    known: dict[date, Decimal] = {}
    for number, day in enumerate(days[:-1], start=1):
        known[day] = history[day]
        if number < MINIMUM_DAYS:
            continue
        found = ask(known, min(days[-1], day + timedelta(days=max(horizons))))
        if isinstance(found, NotEnough):
            continue
        for horizon in horizons:
            coming = [day + timedelta(days=distance) for distance in range(1, horizon + 1)]
            if any(each not in history for each in coming):
                continue
            came = sum((history[each] for each in coming), ZERO)
            said = found.total(coming[0], coming[-1])
            if came <= 0:
                continue
            errors[horizon].append(abs(said.amount - came) * 100 / came)
            inside[horizon] += said.low <= came <= said.high
    return [
        Accuracy(
            horizon=horizon,
            error_percent=sum(errors[horizon], ZERO) / len(errors[horizon]),
            inside_percent=Decimal(inside[horizon] * 100) / len(errors[horizon]),
            origin_count=len(errors[horizon]),
        )
        for horizon in horizons
        if errors[horizon]
    ]


@dataclass(frozen=True, slots=True)
class _Fit:
    """`level` holds on `last`; a trend is carried on no longer than it was seen (`seen_days`)."""

    last: date
    level: Decimal
    slope: Decimal
    seen_days: int
    habits: Mapping[int, Decimal]
    deviation: Decimal
    weekly_drift: Decimal

    def on(self, day: date) -> Decimal:
        distance = min((day - self.last).days, self.seen_days)
        expected = self.level + self.slope * distance + self.habits.get(day.weekday(), ZERO)
        return max(ZERO, expected) if self.level >= 0 else expected


def _fit(history: History) -> _Fit | None:
    if len(history) < MINIMUM_DAYS:
        return None
    last = max(history)
    known = {day: history[day] for day in sorted(history) if (last - day).days < WINDOW_DAYS}
    if len(known) < MINIMUM_DAYS:
        return None
    values = _lifted(known)
    first = next(iter(values))
    slope = _slope(values) if (last - first).days + 1 >= TREND_DAYS else ZERO
    flat = {day: value - slope * (day - last).days for day, value in values.items()}
    habits = _habits(flat)
    rest = [value - habits.get(day.weekday(), ZERO) for day, value in flat.items()]
    level = median(rest[-TREND_DAYS:])
    deviation = median([abs(value - level) for value in rest]) * NORMAL
    lately = median(rest[-WEEK:])
    if abs(lately - level) > DOUBT * deviation:
        level = lately
    return _Fit(
        last=last,
        level=level,
        slope=slope,
        seen_days=(last - first).days,
        habits=habits,
        deviation=deviation,
        weekly_drift=max(_weekly_drift(list(known.values())), abs(level) * LEAST_DRIFT),
    )


def _lifted(known: Mapping[date, Decimal]) -> dict[date, Decimal]:
    """The series as if the level after its last step had always held."""
    values = dict(known)
    for _round in range(6):
        step = _last_step(values)
        if step is None:
            break
        at, height = step
        for day in values:
            if day < at:
                values[day] += height
    return values


def _last_step(values: Mapping[date, Decimal]) -> tuple[date, Decimal] | None:
    """The latest day on which the week that begins differs from the week before by more than noise and trend.

    Weeks hold each weekday once, so that habits cancel out; medians, so that a spike of three days is no step.
    """
    days = list(values)
    series = list(values.values())
    if len(days) < 2 * WEEK:
        return None
    moves = [
        median(series[index : index + WEEK]) - median(series[index - WEEK : index])
        for index in range(WEEK, len(series) - WEEK + 1)
    ]
    usual = median(moves)
    noise = NORMAL * median([abs(move - usual) for move in moves])
    level = abs(median(series[-2 * WEEK :]))
    least = max(STEP_NOISE * noise, level * STEP_SHARE)
    found = [index for index, move in enumerate(moves) if abs(move - usual) > least]
    if not found:
        return None
    run = [found[-1]]
    for index in reversed(found[:-1]):
        if run[-1] - index > 1 or (moves[index] - usual > 0) != (moves[run[-1]] - usual > 0):
            break
        run.append(index)
    best = max(run, key=lambda index: abs(moves[index] - usual))
    peak = [index for index in run if abs(moves[index] - moves[best]) <= least / 4]
    at = _sharpest(series, sorted(peak))
    return days[at], moves[best] - usual


def _sharpest(series: Sequence[Decimal], starts: Sequence[int]) -> int:
    """Of the weeks that differ alike, the one that begins with the greatest change from the day before."""
    places = [start + WEEK for start in starts]
    return max(places, key=lambda place: abs(series[place] - series[place - 1]))


def _slope(values: Mapping[date, Decimal]) -> Decimal:
    """Roubles a day each day; 0 where the middle half of the slopes does not agree on a direction."""
    by_weekday: dict[int, list[tuple[date, Decimal]]] = {}
    for day, value in values.items():
        by_weekday.setdefault(day.weekday(), []).append((day, value))
    slopes = sorted(
        (later - earlier) / (day - before).days
        for pairs in by_weekday.values()
        for index, (before, earlier) in enumerate(pairs)
        for day, later in pairs[index + 1 :]
    )
    if not slopes:
        return ZERO
    quarter = len(slopes) // 4
    agrees = (slopes[quarter] > 0) == (slopes[-1 - quarter] > 0)
    return median(slopes) if agrees else ZERO


def _habits(flat: Mapping[date, Decimal]) -> dict[int, Decimal]:
    """Weekday -> what its days usually differ by; nothing until each weekday was seen twice."""
    by_weekday: dict[int, list[Decimal]] = {}
    for day, value in flat.items():
        by_weekday.setdefault(day.weekday(), []).append(value)
    if len(by_weekday) < WEEK or min(len(values) for values in by_weekday.values()) < SEASON_DAYS // WEEK:
        return {}
    typical = {weekday: median(values) for weekday, values in by_weekday.items()}
    middle = sum(typical.values(), ZERO) / WEEK
    habits = {weekday: value - middle for weekday, value in typical.items()}
    left = [abs(value - typical[day.weekday()]) for day, value in flat.items()]
    noise = NORMAL * median(left)
    swing = max(habits.values()) - min(habits.values())
    return habits if swing > noise else {}


def _weekly_drift(series: Sequence[Decimal]) -> Decimal:
    """By how much the level moved from one week to the next, on the average."""
    weeks = [median(series[end - WEEK : end]) for end in range(len(series), WEEK - 1, -WEEK)]
    moves = [abs(later - earlier) for later, earlier in pairwise(weeks)]
    return sum(moves, ZERO) / len(moves) if moves else ZERO


def _drift(weekly: Decimal, distance: int) -> Decimal:
    return weekly * (Decimal(distance) / WEEK).sqrt()


def _below(amount: Decimal, width: Decimal) -> Decimal:
    """The lower end; costs do not fall below nothing."""
    return amount - width if amount < 0 else max(ZERO, amount - width)


def _quantized(value: Decimal) -> Decimal:
    return value.quantize(QUANTUM)
