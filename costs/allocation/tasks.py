"""Celery doors of business context."""

from __future__ import annotations

from datetime import date

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from costs.allocation import services


@shared_task
def restate(*, organization_id: int, since: str) -> None:
    """`since` is a day as 2026-11-21, or empty for all days."""
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is not None:
        day = date.fromisoformat(since) if since else None
        services.restate(organization=organization, since=day, now=timezone.now())
