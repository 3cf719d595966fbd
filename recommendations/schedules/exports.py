"""A power schedule as something that others run or read: cron lines and a text for the team."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from common import formatting
from recommendations import wording
from recommendations.schedules.models import PowerSchedule
from recommendations.schedules.office import cron_lines, holidays_ahead
from recommendations.schedules.queries import Plan


def crontab(schedule: PowerSchedule, plan: Plan) -> str:
    """For a cron that knows time zones (CRON_TZ); what is run is for the reader to fill in."""
    names = [row.name for row in plan.rows if row.saving is not None]
    lines = [
        f"# {_one_line(schedule.name)}",
        "# " + _("InfraZen runs nothing: put your own commands for start.sh and stop.sh."),
        f"CRON_TZ={schedule.organization.time_zone}",
    ]
    if schedule.rests_on_holidays:
        lines.append("# " + _("Cron knows no holidays: start.sh should end at once on those days."))
    arguments = " ".join(f"'{_quoted(name)}'" for name in names)
    for fields, starts in cron_lines(schedule.calendar):
        lines.append(f"{fields} {'start.sh' if starts else 'stop.sh'} {arguments}".rstrip())
    return "\n".join(lines) + "\n"


def team_text(schedule: PowerSchedule, plan: Plan, now: datetime) -> str:
    """What to send to the people whom it concerns."""
    today = now.astimezone(ZoneInfo(schedule.organization.time_zone)).date()
    lines = [
        schedule.name,
        "",
        _("Works: %(hours)s (%(zone)s).")
        % {
            "hours": wording.weekly(schedule.calendar),
            "zone": schedule.organization.time_zone,
        },
        _("Saves %(amount)s a month.") % {"amount": formatting.rounded_money(plan.saving)},
        "",
        _("Switched off outside of these hours:"),
        *(
            f"- {row.name}: {formatting.money(row.saving, row.currency)}"
            for row in plan.rows
            if row.saving is not None
        ),
    ]
    if schedule.rests_on_holidays:
        days = [f"{formatting.short_date(day, today=today)} ({name})" for day, name in holidays_ahead(today)]
        lines += ["", _("Also off on: %(days)s.") % {"days": "; ".join(days)}]
    if schedule.note:
        lines += ["", schedule.note]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _quoted(name: str) -> str:
    """As the inside of a word in single quotes of a shell; cron takes a per cent sign for the end of the line."""
    return _one_line(name).replace("'", "'\\''").replace("%", "\\%")
