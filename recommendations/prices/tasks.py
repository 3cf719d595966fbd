"""Celery doors of prices."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.models import User
from recommendations.prices import reading
from recommendations.prices.errors import NothingToRead, ReadingRuns

SCHEDULED_QUEUE = "scheduled"


@shared_task
def read_prices(*, organization_id: int, provider_type: str, by_id: int | None = None) -> None:
    """One provider's lists of one organization; a second delivery finds the first one's claim."""
    by = User.objects.filter(pk=by_id).first() if by_id else None
    try:
        reading.read_prices(
            organization_id=organization_id, provider_type=provider_type, now=timezone.now(), by=by
        )
    except (NothingToRead, ReadingRuns):
        return


@shared_task
def read_due_prices() -> None:
    for organization_id, provider_type in reading.due_readings(timezone.now()):
        read_prices.apply_async(
            kwargs={"organization_id": organization_id, "provider_type": provider_type}, queue=SCHEDULED_QUEUE
        )
