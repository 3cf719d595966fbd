"""Series that may come once a day (what a disk holds, what a bucket serves), looked at by the day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from recommendations.engine.contract import Skip, SkipReason, Text, percent, series_name
from recommendations.engine.facts import ResourceFacts

DAY_SECONDS = 86_400
FULL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """Means by local day, ascending; `maximum` is the highest single value, `expected` how many days were asked for."""

    means: tuple[tuple[date, float], ...]
    maximum: float
    expected: int

    @property
    def coverage(self) -> float:
        return min(1.0, len(self.means) / self.expected)

    @property
    def last(self) -> float:
        return self.means[-1][1]

    @property
    def average(self) -> float:
        return sum(value for _day, value in self.means) / len(self.means)

    def volume(self, days: int) -> float:
        """What a rate a second comes to over so many days."""
        return self.average * DAY_SECONDS * days

    def growth(self) -> float:
        """By how much it grows a day: the slope of a straight line through the means, 0 where it shrinks."""
        if len(self.means) < 2:
            return 0.0
        first = self.means[0][0]
        days = [(day - first).days for day, _value in self.means]
        middle, mean = sum(days) / len(days), self.average
        spread = sum((day - middle) ** 2 for day in days)
        slope = sum(
            (day - middle) * (value - mean) for day, (_d, value) in zip(days, self.means, strict=True)
        )
        return max(0.0, slope / spread)


def daily(facts: ResourceFacts, metric: str, days: int) -> Daily | None:
    """The last days of a series; None where there is not a single point."""
    series = facts.series.get(metric)
    if series is None:
        return None
    zone, start = facts.connection.zone, series.until - timedelta(days=days)
    found: dict[date, list[float]] = {}
    maximum = 0.0
    for at, average, highest in series.points:
        if start <= at < series.until:
            found.setdefault(at.astimezone(zone).date(), []).append(average)
            maximum = max(maximum, highest)
    if not found:
        return None
    means = tuple((day, sum(values) / len(values)) for day, values in sorted(found.items()))
    return Daily(means=means, maximum=maximum, expected=days)


def measured(facts: ResourceFacts, metric: str, *, days: int, coverage: Decimal) -> Daily | Skip:
    """The series, or why it says nothing."""
    found = daily(facts, metric, days)
    if found is None:
        return Skip(
            SkipReason.NO_METRICS,
            Text(_("There is no series “%(metric)s”."), {"metric": series_name(metric)}),
        )
    if found.coverage < float(coverage):
        return Skip(
            SkipReason.TOO_FEW_SAMPLES,
            Text(
                _("Of “%(metric)s” %(known)d of %(days)d days are known; %(wanted)s are needed."),
                {
                    "metric": series_name(metric),
                    "known": len(found.means),
                    "days": days,
                    "wanted": percent(coverage * FULL),
                },
            ),
        )
    return found


def age_days(facts: ResourceFacts) -> int:
    """Its age in days of the calendar: the same all day long, as the evidence is."""
    born = facts.created_at.astimezone(facts.connection.zone).date()
    return max(0, (facts.connection.today - born).days)


def too_young(facts: ResourceFacts, days: int) -> Skip | None:
    """For rules that look as far back as our own history reaches: an hour more or less must not decide."""
    if age_days(facts) >= days:
        return None
    return Skip(
        SkipReason.TOO_YOUNG,
        Text(
            _("It is %(age)d days old; the rule looks at %(wanted)d."),
            {"age": age_days(facts), "wanted": days},
        ),
    )
