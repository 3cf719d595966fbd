"""The writers of power schedules.

ScheduleError
├── BadWindows        hours that no week has, or none at all
├── NoScope           a schedule is for something, not for everything
└── NameTaken
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.audit.services import record
from accounts.models import Organization, User
from recommendations.engine.calendar import Calendar
from recommendations.rulebook import exclusion_filters
from recommendations.schedules.models import PowerSchedule


class ScheduleError(Exception):
    pass


class BadWindows(ScheduleError):
    pass


class NoScope(ScheduleError):
    pass


class NameTaken(ScheduleError):
    pass


@transaction.atomic
def save_schedule(
    *,
    organization: Organization,
    name: str,
    windows: Sequence[Sequence[int]],
    scope: str,
    by: User,
    rests_on_holidays: bool = True,
    note: str = "",
    schedule: PowerSchedule | None = None,
) -> PowerSchedule:
    """Make one or change it; raises BadWindows, NoScope, NameTaken."""
    try:
        calendar = Calendar.of_data([list(each) for each in windows])
    except (TypeError, ValueError) as error:
        raise BadWindows(str(error)) from error
    if not calendar.windows:
        raise BadWindows("it would never run")
    if not exclusion_filters(scope):
        raise NoScope("a filter is needed")
    taken = PowerSchedule.objects.of(organization).filter(name=name)
    if (taken.exclude(pk=schedule.pk) if schedule else taken).exists():
        raise NameTaken(name)
    row = schedule or PowerSchedule(organization=organization, created_by=by)
    before = {} if schedule is None else _told(schedule)
    row.name, row.windows, row.scope, row.note = name, calendar.as_data(), scope, note
    row.rests_on_holidays = rests_on_holidays
    row.save()
    after = _told(row)
    record(
        "power_schedule.changed" if schedule else "power_schedule.created",
        actor=by,
        obj=row,
        changes={key: [before.get(key), after[key]] for key in after if before.get(key) != after[key]},
    )
    return row


@transaction.atomic
def delete_schedule(*, schedule: PowerSchedule, by: User) -> None:
    record("power_schedule.deleted", actor=by, obj=schedule, details={"name": schedule.name})
    schedule.delete()


def _told(row: PowerSchedule) -> dict[str, object]:
    return {
        "name": row.name,
        "windows": row.calendar.as_text(),
        "scope": row.scope,
        "rests_on_holidays": row.rests_on_holidays,
        "note": row.note,
    }
