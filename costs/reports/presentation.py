"""Reports as their pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import formatting
from costs.explorer.periods import RELATIVE
from costs.reports.models import LAST_DAY, Report, ReportRun, RunStatus, Schedule, Weekday
from costs.reports.renderers import RENDERERS
from costs.reports.sections import SectionKind, section_kinds
from costs.reports.state import DataState

LEVELS = {
    RunStatus.QUEUED: "progress",
    RunStatus.RUNNING: "progress",
    RunStatus.SUCCESS: "success",
    RunStatus.PARTIAL: "warning",
    RunStatus.ERROR: "error",
}

EVERY = {
    Weekday.MONDAY: gettext_lazy("Every Monday"),
    Weekday.TUESDAY: gettext_lazy("Every Tuesday"),
    Weekday.WEDNESDAY: gettext_lazy("Every Wednesday"),
    Weekday.THURSDAY: gettext_lazy("Every Thursday"),
    Weekday.FRIDAY: gettext_lazy("Every Friday"),
    Weekday.SATURDAY: gettext_lazy("Every Saturday"),
    Weekday.SUNDAY: gettext_lazy("Every Sunday"),
}


def period_label(report: Report) -> str:
    return str(RELATIVE[report.period][0]) if report.period in RELATIVE else report.period


def formats_label(report: Report) -> str:
    return ", ".join(key.upper() for key in report.formats)


def schedule_label(report: Report) -> str:
    """`Every Monday, 09:00`."""
    if report.schedule == Schedule.NONE:
        return str(Schedule.NONE.label)
    return f"{_days_label(report)}, {report.hour:02d}:00"


def _days_label(report: Report) -> str:
    if report.schedule == Schedule.WEEKLY:
        return str(EVERY[Weekday(report.weekday)])
    if report.schedule == Schedule.MONTHLY and report.month_day == LAST_DAY:
        return _("On the last day of the month")
    if report.schedule == Schedule.MONTHLY:
        return _("On day %(day)d of the month") % {"day": report.month_day}
    return str(Schedule(report.schedule).label)


def next_run_label(report: Report) -> str:
    """On the organization's clock, as the schedule is; empty where there is none."""
    if report.next_run_at is None:
        return ""
    local = report.next_run_at.astimezone(ZoneInfo(report.organization.time_zone))
    return _("next on %(moment)s") % {"moment": formatting.moment(local, today=timezone.localdate())}


def reports(listed: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of `queries.reports`."""
    labels = dict(RunStatus.choices)
    return [
        {
            "report": report,
            "period": period_label(report),
            "formats": formats_label(report),
            "schedule": schedule_label(report),
            "next_run": next_run_label(report),
            "level": LEVELS[RunStatus(report.last_status)] if report.last_status else "",
            "status": labels.get(report.last_status, ""),
        }
        for report in listed
    ]


def sections(report: Report) -> list[dict[str, Any]]:
    """The report's sections for the builder; one of an unknown kind can only be removed."""
    kinds = section_kinds()
    listed = []
    for place, one in enumerate(report.sections):
        kind = kinds.get(one["kind"])
        listed.append(
            {
                "id": one["id"],
                "title": kind.title(one["options"]) if kind else one["kind"],
                "note": _note(kind),
                "has_options": bool(kind and kind.form),
                "is_first": place == 0,
                "is_last": place == len(report.sections) - 1,
            }
        )
    return listed


def _note(kind: SectionKind | None) -> Any:
    if kind is None:
        return _("No such section any more")
    return kind.label if kind.form else kind.description


def runs(listed: Iterable[ReportRun], *, has_recipients: bool) -> list[dict[str, Any]]:
    return [
        {
            "run": run,
            "level": LEVELS[RunStatus(run.status)],
            "percent": Decimal(run.done_count * 100) / (run.step_count or 1) if run.is_active else None,
            "files": [
                {"file": one, "label": one.format.upper() if one.format in RENDERERS else one.format}
                for one in run.files.all()
            ],
            "state": " ".join(DataState.from_json(run.state).sentences()) if run.state else "",
            "problems": problem_sentences(run),
            "may_send": has_recipients and run.is_made and run.sent_at is None,
        }
        for run in listed
    ]


def problem_sentences(run: ReportRun) -> list[str]:
    """What is missing of the run, in the reader's language."""
    labels = dict(ReportRun.Problem.choices)
    return [
        f"{labels.get(one['code'], one['code'])}{': ' + one['name'] if one['name'] else ''}."
        for one in run.problems
    ]
