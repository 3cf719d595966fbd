"""Celery doors of costs."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from costs import partitions


@shared_task
def keep_months() -> None:
    """Makes the months that the cost tables will need, and moves rows that wait for theirs."""
    partitions.keep_months(today=timezone.now().date())
