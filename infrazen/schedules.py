"""The periodic tasks as rows of django-celery-beat: made when they are missing, so that an admin's edit survives."""

from __future__ import annotations

from dataclasses import dataclass

from django_celery_beat.models import IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Schedule:
    name: str
    task: str
    every_seconds: int
    description: str


SCHEDULES = (
    Schedule(
        "Sync due connections",
        "syncs.tasks.sync_due_connections",
        60,
        "Queues a sync for every connection whose time has come.",
    ),
    Schedule(
        "Sync due organizations",
        "syncs.tasks.sync_due_organizations",
        300,
        "Begins the daily complete sync of every organization whose local night has come.",
    ),
    Schedule(
        "Reap stuck syncs",
        "syncs.tasks.reap_stuck_snapshots",
        60,
        "Gives back what a dead worker held, hands out again what nobody picked up, advances complete syncs.",
    ),
    Schedule(
        "Finish what follows a sync",
        "syncs.tasks.retry_after_sync",
        300,
        "Does again what failed after a sync, or what a killed worker did not come to.",
    ),
    Schedule(
        "Seal the audit trail",
        "accounts.audit.tasks.seal_audit",
        60,
        "Chains what was recorded in the last minute, so that no entry can be changed or removed unnoticed.",
    ),
    Schedule(
        "Remove old audit entries",
        "accounts.audit.tasks.purge_audit",
        24 * 3600,
        "Keeps as many days of the audit trail as AUDIT_RETENTION_DAYS says; by default all of it.",
    ),
    Schedule(
        "Deliver notifications",
        "accounts.notifications.tasks.deliver_due",
        60,
        "Sends what is due: digests, second attempts, and what a dead worker held.",
    ),
    Schedule(
        "Remove old notifications",
        "accounts.notifications.tasks.remove_old_notifications",
        24 * 3600,
        "Keeps as many days of sent messages as NOTIFICATION_RETENTION_DAYS says.",
    ),
    Schedule(
        "Delete organizations",
        "accounts.tasks.delete_due_organizations",
        600,
        "Deletes, in small batches, organizations whose thirty days of grace have ended.",
    ),
    Schedule(
        "Evaluate recommendations",
        "recommendations.tasks.evaluate_due",
        1800,
        "Evaluates what no sync evaluated on its day, wakes what was put off, proves what was applied.",
    ),
    Schedule(
        "Make due reports",
        "costs.reports.tasks.make_due_reports",
        120,
        "Begins every scheduled report whose hour has come, and again what a dead worker left.",
    ),
    Schedule(
        "Remove old reports",
        "costs.reports.tasks.remove_old_reports",
        24 * 3600,
        "Deletes runs of reports, with their files, that were kept as many days as their report says.",
    ),
    Schedule(
        "Read due price lists",
        "recommendations.prices.tasks.read_due_prices",
        3600,
        "Begins the weekly reading of every organization's price lists, and again a day after one that failed.",
    ),
    Schedule(
        "Keep costs in months",
        "costs.tasks.keep_months",
        6 * 3600,
        "On PostgreSQL, makes the coming months' parts of the cost tables, and moves rows that wait for theirs.",
    ),
    Schedule(
        "Remove orphan files",
        "syncs.tasks.remove_orphan_files",
        24 * 3600,
        "Deletes uploaded billing files whose connection is gone.",
    ),
)


def setup_schedules() -> int:
    """Make the rows that are missing; returns how many."""
    made = 0
    for schedule in SCHEDULES:
        interval, _created = IntervalSchedule.objects.get_or_create(
            every=schedule.every_seconds, period=IntervalSchedule.SECONDS
        )
        _task, is_new = PeriodicTask.objects.get_or_create(
            name=schedule.name,
            defaults={"task": schedule.task, "interval": interval, "description": schedule.description},
        )
        made += is_new
    return made
