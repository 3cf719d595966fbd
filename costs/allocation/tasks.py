"""Celery doors of business context."""

from __future__ import annotations

from datetime import date

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from costs.allocation import services
from costs.allocation.metrics import rules_counting
from costs.unit_costs.models import UnitMetric


@shared_task
def restate(*, organization_id: int, since: str) -> None:
    """`since` is a day as 2026-11-21, or empty for all days."""
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is not None:
        day = date.fromisoformat(since) if since else None
        services.restate(organization=organization, since=day, now=timezone.now())


def follow_quantities(metric: UnitMetric, since: date | None) -> None:
    """Once they are stored, let costs that are shared out by the metric follow its quantities from `since` on (None: all)."""
    if rules_counting(metric):
        restate.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
            organization_id=metric.organization_id, since=since.isoformat() if since else ""
        )
