"""When a report's schedule comes next, and which day of it came last: on the organization's clock, without a database."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from costs.reports.models import Report, Schedule


def next_run(report: Report, *, after: datetime) -> datetime | None:
    """The next time of the report's schedule, on the organization's clock; None where there is none."""
    if report.schedule == Schedule.NONE:
        return None
    zone = ZoneInfo(report.organization.time_zone)
    day = after.astimezone(zone).date()
    while True:
        at = datetime.combine(day, time(report.hour), tzinfo=zone)
        if _is_day_of(report, day) and at > after:
            return at
        day += timedelta(days=1)


def latest_day(report: Report, now: datetime) -> date:
    """The latest day of the schedule whose hour has come."""
    zone = ZoneInfo(report.organization.time_zone)
    day = now.astimezone(zone).date()
    while not _is_day_of(report, day) or datetime.combine(day, time(report.hour), tzinfo=zone) > now:
        day -= timedelta(days=1)
    return day


def _is_day_of(report: Report, day: date) -> bool:
    if report.schedule == Schedule.WEEKLY:
        return day.isoweekday() == report.weekday
    if report.schedule == Schedule.MONTHLY:
        return day.day == min(report.month_day, monthrange(day.year, day.month)[1])
    return True
