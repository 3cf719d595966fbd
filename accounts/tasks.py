"""Celery doors of people and tenants."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import services

DELETION_SECONDS = 240
"""How long one run deletes: shorter than the schedule's interval, so that runs hardly meet and workers stay free."""


@shared_task
def delete_due_organizations() -> None:
    services.delete_due_organizations(now=timezone.now(), seconds=DELETION_SECONDS)
