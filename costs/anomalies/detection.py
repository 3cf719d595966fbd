"""Which days cost more than expected, or far less. Pure: no database, no clock; roubles in, roubles out.

What a day should cost is the median of its weekday over the last six weeks, moved by what the last week differed from
that (growth, a new level). It is an anomaly where it costs more than that by all of

- six times the usual deviation (by the median and by the ninth tenth of what the last four weeks differed),
- a share of what is expected, greater for a resource than for a whole connection,
- a smallest amount,

and no more than a fifth above what the same day of the month before cost (bills of the first). After seven days in a
row the new level is the usual one: the anomaly is told, and ends. A level that a person accepted is no anomaly.

A fall is the same downwards, and less by half at least: it may be good news, or something that stopped unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

MINIMUM_DAYS = 8
"""Known days before one that can be judged."""
HISTORY_DAYS = 42
SETTLED_DAYS = 7
SCAN_DAYS = 21
"""How far back from the last complete day anomalies are looked for; what is older is history."""
ACCEPTED_DAYS = 90
"""How long an accepted level is kept; by then it is the usual one, or over."""

DEVIATIONS = 6
NORMAL = Decimal("1.4826")
NINE_OF_TEN = Decimal("1.645")
"""Normal deviations for one median absolute deviation, and within which nine days of ten lie."""
LEAST_DEVIATION = Decimal("0.01")
MONTHLY_TOLERANCE = Decimal("1.2")
ACCEPTED_TOLERANCE = Decimal("1.1")
LEAST_SHARE_OF_CONNECTION = Decimal("0.02")
LEAST_NEW_SHARE_OF_CONNECTION = Decimal("0.1")
"""Of a connection's usual day: what does not cost that much more is not worth a message; a new thing needs more."""
LEAST_ROUBLES = Decimal(50)
CONNECTION, SERVICE, RESOURCE = "connection", "service", "resource"
SHARES = {CONNECTION: Decimal("0.05"), SERVICE: Decimal("0.1"), RESOURCE: Decimal("0.2")}
FALL_DEVIATIONS = 4
"""A fall ends at nothing: six deviations of what moves by 15 % a day are hardly left above it."""
FALL_SHARES = {CONNECTION: Decimal("0.3"), SERVICE: Decimal("0.5"), RESOURCE: Decimal("0.5")}
EXPLAINED = Decimal("0.7")
"""A sum whose surplus its parts' surpluses make up by this share is not told again beside them."""
TOGETHER = 3
"""So many resources of a service that jump on one day are one anomaly of the service."""

ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
WEEK = 7
History = Mapping[date, Decimal]
Known = tuple[date, Decimal]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Up to `daily` roubles a day are no anomaly from `since` on, for as long as `ACCEPTED_DAYS`."""

    since: date
    daily: Decimal

    def covers(self, day: date, amount: Decimal) -> bool:
        held = timedelta(0) <= day - self.since <= timedelta(days=ACCEPTED_DAYS)
        return held and amount <= self.daily * ACCEPTED_TOLERANCE


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    actual: Decimal
    expected: Decimal


@dataclass(frozen=True, slots=True)
class Run:
    """Days one after the other that cost more than expected, or less; `is_settled`: it has become the usual level."""

    days: tuple[Day, ...]
    is_settled: bool

    @property
    def first(self) -> date:
        return self.days[0].date

    @property
    def last(self) -> date:
        return self.days[-1].date

    @property
    def actual(self) -> Decimal:
        return sum((day.actual for day in self.days), ZERO)

    @property
    def expected(self) -> Decimal:
        return sum((day.expected for day in self.days), ZERO)

    @property
    def excess(self) -> Decimal:
        return self.actual - self.expected

    def excess_on(self, days: set[date]) -> Decimal:
        return sum((day.actual - day.expected for day in self.days if day.date in days), ZERO)

    def touches(self, other: Run) -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Key:
    """Of what a series is: the whole connection, one of its services, or one resource (`resource` is its number)."""

    level: str
    service: str = ""
    resource: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One anomaly. `parts`: the resources behind it, the greatest difference first; `around` what it did to the sums
    above it: {level: its run on the same days}."""

    key: Key
    run: Run
    parts: tuple[tuple[int, Run], ...] = ()
    around: Mapping[str, Run] = field(default_factory=dict)


def detect(
    histories: Mapping[Key, History],
    *,
    since: date,
    accepted: Mapping[Key, Sequence[Accepted]] | None = None,
) -> list[Finding]:
    """The anomalies of one connection from `since` to the last day of its series, the dearest first.

    `histories` holds the connection, its services and those of its resources that may have jumped, complete days only;
    a day on which a resource cost nothing is in it with 0.
    """
    usual_day = usual(histories.get(Key(CONNECTION), {}))
    found = {
        key: runs(
            history,
            since=since,
            level=key.level,
            usual_day=usual_day,
            accepted=(accepted or {}).get(key, ()),
        )
        for key, history in histories.items()
    }
    return sift(found, histories)


def detect_falls(histories: Mapping[Key, History], *, since: date) -> list[Finding]:
    """What costs far less than expected, as `detect`; `histories` without what was deleted: its end is no news."""
    usual_day = usual(histories.get(Key(CONNECTION), {}))
    found = {}
    for key, history in histories.items():
        peaks = runs(history, since=date.min, level=key.level, usual_day=usual_day)
        passing = {day.date for run in peaks if not run.is_settled for day in run.days}
        ordinary = {day: amount for day, amount in history.items() if day not in passing}
        found[key] = runs(ordinary, since=since, level=key.level, usual_day=usual_day, is_fall=True)
    return sift(found, histories)


def runs(
    history: History,
    *,
    since: date,
    level: str,
    usual_day: Decimal,
    accepted: Sequence[Accepted] = (),
    is_fall: bool = False,
) -> list[Run]:
    """The anomalies of one series that are not over before `since`; `usual_day` is what its connection usually costs a
    day. The walk begins with the series, so that an anomaly stays the same one while `since` moves through it.
    """
    normal: dict[date, Decimal] = {}
    found: list[Run] = []
    current: list[Day] = []
    quiet: list[Day] = []  # accepted days: they are not told, nor usual until they have lasted
    for day in sorted(history):
        amount = history[day]
        week_ago = normal.get(day - timedelta(days=WEEK))
        moved = ZERO if week_ago is None else (week_ago - amount if is_fall else amount - week_ago)
        if week_ago is not None and moved <= LEAST_ROUBLES and not (is_fall and current):
            expected, deviation = None, ZERO  # no dearer than its weekday just was: most days end here
        else:
            expected, deviation = _expected(list(normal.items())[-HISTORY_DAYS:], day)
        judged = Day(day, amount, expected or ZERO)
        if is_fall:
            is_more = expected is not None and (
                _is_fall(judged, deviation, history, level, usual_day)
                or (bool(current) and amount <= judged.expected * (1 - FALL_SHARES[level]))  # a cheap weekend
            )
        else:
            is_more = expected is not None and _is_anomaly(judged, deviation, history, level, usual_day)
        is_accepted = is_more and any(one.covers(day, amount) for one in accepted)
        if current and (is_accepted or not is_more):
            found.append(Run(tuple(current), is_settled=False))
            current = []
        if not is_more:
            quiet = []
            normal[day] = amount
            continue
        days = quiet if is_accepted else current
        days.append(judged)
        if len(days) == SETTLED_DAYS:
            normal.update((each.date, each.actual) for each in days)
            if not is_accepted:
                found.append(Run(tuple(days), is_settled=True))
            days.clear()
    if current:
        found.append(Run(tuple(current), is_settled=False))
    return [run for run in found if run.last >= since]


def sift(found: Mapping[Key, Sequence[Run]], histories: Mapping[Key, History]) -> list[Finding]:
    """Each event once: by its resources where they make it up, else by the service, else by the connection.

    `histories` of services and the connection tell what an anomaly below them did to their sums.
    """
    resources = [(key, run) for key, each in found.items() if key.level == RESOURCE for run in each]
    services = [(key, run) for key, each in found.items() if key.level == SERVICE for run in each]
    whole = [(key, run) for key, each in found.items() if key.level == CONNECTION for run in each]
    told: list[Finding] = []
    told_resources: set[tuple[Key, date]] = set()
    for key, run in services:
        inside = [(k, r) for k, r in resources if k.service == key.service and r.touches(run)]
        same_day = [pair for pair in inside if abs((pair[1].first - run.first).days) <= 1]
        if len(same_day) >= TOGETHER or not _explains(inside, run):
            told.append(Finding(key=key, run=run, parts=_parts(inside)))
            told_resources.update((k, r.first) for k, r in inside)
    for key, run in resources:
        if (key, run.first) not in told_resources:
            told.append(Finding(key=key, run=run, parts=_parts([(key, run)])))
    for key, run in whole:
        inside = [(f.key, f.run) for f in told if f.run.touches(run)]
        if not _explains(inside, run):
            parts = [(k, r) for k, r in resources if r.touches(run)]
            told.append(Finding(key=key, run=run, parts=_parts(parts)))
    return sorted(
        (_with_surroundings(finding, histories) for finding in told),
        key=lambda finding: abs(finding.run.excess),
        reverse=True,
    )


def usual(history: History) -> Decimal:
    """What a day usually costs."""
    values = [history[day] for day in sorted(history)][-HISTORY_DAYS:]
    return median(values) if values else ZERO


def _is_anomaly(
    day: Day,
    deviation: Decimal,
    history: History,
    level: str,
    usual_day: Decimal,
) -> bool:
    share = LEAST_SHARE_OF_CONNECTION if day.expected > 0 else LEAST_NEW_SHARE_OF_CONNECTION
    least = max(DEVIATIONS * deviation, day.expected * SHARES[level], usual_day * share, LEAST_ROUBLES)
    if day.actual - day.expected <= least:
        return False
    month_ago = history.get(_month_before(day.date))
    return month_ago is None or day.actual > month_ago * MONTHLY_TOLERANCE


def _is_fall(
    day: Day,
    deviation: Decimal,
    history: History,
    level: str,
    usual_day: Decimal,
) -> bool:
    least = max(
        FALL_DEVIATIONS * deviation,
        day.expected * FALL_SHARES[level],
        usual_day * LEAST_SHARE_OF_CONNECTION,
        LEAST_ROUBLES,
    )
    if day.expected - day.actual <= least:
        return False
    month_ago = history.get(_month_before(day.date))
    return month_ago is None or day.actual < month_ago / MONTHLY_TOLERANCE


def _expected(normal: Sequence[Known], day: date) -> tuple[Decimal | None, Decimal]:
    """What the day should cost, and how much days usually deviate; None where too little is known."""
    recent = [known for known in normal if (day - known[0]).days <= HISTORY_DAYS]
    if len(recent) < MINIMUM_DAYS:
        return None, ZERO
    by_weekday: dict[int, list[Decimal]] = {}
    for each, amount in recent:
        by_weekday.setdefault(each.weekday(), []).append(amount)
    if len(by_weekday) == WEEK and min(len(values) for values in by_weekday.values()) >= 2:
        typical = {weekday: median(values) for weekday, values in by_weekday.items()}
    else:
        middle = median([amount for _day, amount in recent])
        typical = dict.fromkeys(range(WEEK), middle)
    rest = [amount - typical[each.weekday()] for each, amount in recent[-4 * WEEK :]]
    shift = median(rest[-WEEK:])
    expected = max(ZERO, typical[day.weekday()] + shift)
    away = sorted(abs(value - shift) for value in rest)
    deviation = max(NORMAL * median(away), away[len(away) * 9 // 10] / NINE_OF_TEN)
    return expected, max(deviation, expected * LEAST_DEVIATION)


def _month_before(day: date) -> date:
    last = day.replace(day=1) - ONE_DAY
    return last.replace(day=min(day.day, last.day))


def _explains(parts: Sequence[tuple[Key, Run]], run: Run) -> bool:
    days = {day.date for day in run.days}
    explained = sum((part.excess_on(days) for _key, part in parts), ZERO)
    return abs(explained) >= abs(run.excess) * EXPLAINED


def _parts(pairs: Sequence[tuple[Key, Run]]) -> tuple[tuple[int, Run], ...]:
    named = [(key.resource, run) for key, run in pairs if key.resource is not None]
    return tuple(sorted(named, key=lambda pair: abs(pair[1].excess), reverse=True))


def _with_surroundings(finding: Finding, histories: Mapping[Key, History]) -> Finding:
    above = {RESOURCE: (SERVICE, CONNECTION), SERVICE: (CONNECTION,), CONNECTION: ()}[finding.key.level]
    around = {}
    for level in above:
        key = Key(level, finding.key.service if level == SERVICE else "")
        around_run = _same_days(histories.get(key, {}), finding.run)
        if around_run is not None:
            around[level] = around_run
    return Finding(key=finding.key, run=finding.run, parts=finding.parts, around=around)


def _same_days(history: History, run: Run) -> Run | None:
    """What a sum did on the days of a run: expected is what it cost without the run's surplus."""
    days = tuple(
        Day(day.date, history[day.date], history[day.date] - (day.actual - day.expected))
        for day in run.days
        if day.date in history
    )
    return Run(days, is_settled=run.is_settled) if days else None
