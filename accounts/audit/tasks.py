"""Celery doors of the audit trail."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.audit import chain, retention


@shared_task
def seal_audit() -> None:
    """Chains what was recorded since the last time."""
    chain.seal(now=timezone.now())


@shared_task
def purge_audit() -> None:
    """Seals what the minutely task has missed, and removes what is too old."""
    now = timezone.now()
    chain.seal(now=now, is_thorough=True)
    retention.purge(now=now, days=settings.AUDIT_RETENTION_DAYS)
