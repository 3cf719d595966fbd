"""The dashboard's period: one of the usual lengths up to yesterday, or days that a person names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import Organization
from common import formatting

LENGTHS = (7, 30, 90, 365)
DEFAULT_LENGTH = 90
LONGEST_DAYS = 3 * 365 + 1
"""Three years, one of them a leap year."""


class BadPeriod(ValueError):
    """Days that were named and cannot be shown; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days in the organization's zone, both ends included.

    Unless a person named the days (`is_own`) they are whole ones that end yesterday, and what happens goes on until now.
    """

    first: date
    last: date
    today: date
    zone: ZoneInfo = field(repr=False)
    is_own: bool = False

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def is_running(self) -> bool:
        """Whether its last day is not over yet."""
        return self.last >= self.today

    @property
    def since(self) -> datetime:
        return _midnight(self.first, self.zone)

    @property
    def until(self) -> datetime | None:
        """When it is over; None for one that goes on until now."""
        return _midnight(self.last + timedelta(days=1), self.zone) if self.is_own else None

    @property
    def last_event_date(self) -> date:
        return self.last if self.is_own else self.today

    @property
    def pairs(self) -> dict[str, str]:
        """It as a part of an address."""
        if self.is_own:
            return {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return {"period": str(self.days)}

    @property
    def query(self) -> str:
        return urlencode(self.pairs)


def chosen_period(given: Mapping[str, str], organization: Organization, now: datetime) -> Period:
    """What an address asks for: `first` and `last`, or `period`, a number of days; the default for another number.

    Raises BadPeriod for days that cannot be shown.
    """
    zone = ZoneInfo(organization.time_zone)
    today = now.astimezone(zone).date()
    named = {name: given.get(name, "").strip() for name in ("first", "last")}
    if any(named.values()):
        first, last = _day(named["first"]), _day(named["last"])
        _check(first, last, today)
        return Period(first=first, last=last, today=today, zone=zone, is_own=True)
    asked = given.get("period", "")
    length = int(asked) if asked in {str(known) for known in LENGTHS} else DEFAULT_LENGTH
    return default_period(organization, now, length)


def default_period(organization: Organization, now: datetime, length: int = DEFAULT_LENGTH) -> Period:
    zone = ZoneInfo(organization.time_zone)
    today = now.astimezone(zone).date()
    last = today - timedelta(days=1)
    return Period(first=last - timedelta(days=length - 1), last=last, today=today, zone=zone)


def period_context(period: Period, given: Mapping[str, str], query: str) -> dict[str, Any]:
    """What the header needs: the usual lengths as links, and the own days as they were typed."""
    rest = {"q": query} if query else {}
    return {
        "periods": [
            {
                "label": _length_label(length),
                "url": "?" + urlencode({"period": length, **rest}),
                "chosen": length == period.days and not period.is_own,
            }
            for length in LENGTHS
        ],
        "own_period": {
            "label": formatting.period(period.first, period.last) if period.is_own else _("Own period"),
            "first": given.get("first", "") or period.first.isoformat(),
            "last": given.get("last", "") or period.last.isoformat(),
            "today": period.today.isoformat(),
        },
    }


def _length_label(length: int) -> str:
    if length == 365:
        return pgettext("period", "Year")
    return ngettext("%(count)d day", "%(count)d days", length) % {"count": length}


def _day(text: str) -> date:
    if not text:
        raise BadPeriod(_("An own period needs its first and its last day."))
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadPeriod(_("“%(value)s” is no day; write it as 2026-10-31.") % {"value": text[:20]}) from error


def _check(first: date, last: date, today: date) -> None:
    if last < first:
        raise BadPeriod(_("The period ends before it begins."))
    if last > today:
        raise BadPeriod(_("The period ends in the future, and costs are known up to today."))
    if (last - first).days + 1 > LONGEST_DAYS:
        raise BadPeriod(_("The period is longer than three years."))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=zone)
