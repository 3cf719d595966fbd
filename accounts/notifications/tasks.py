"""Celery doors of the notifications."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.notifications import delivery, services


@shared_task
def deliver_due() -> None:
    delivery.deliver_due(now=timezone.now())


@shared_task
def remove_old_notifications() -> None:
    services.remove_old(now=timezone.now())
