"""Celery doors of reports."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from costs.reports import services

SCHEDULED_QUEUE = "scheduled"


@shared_task
def make_run(*, run_id: int) -> None:
    services.make_run(run_id=run_id, now=timezone.now())


@shared_task
def make_due_reports() -> None:
    now = timezone.now()
    for run_id in {*services.request_due(now=now), *services.reap(now=now)}:
        make_run.apply_async(kwargs={"run_id": run_id}, queue=SCHEDULED_QUEUE)


@shared_task
def remove_old_reports() -> None:
    services.remove_old(now=timezone.now())
