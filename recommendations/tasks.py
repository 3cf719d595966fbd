"""Celery doors of recommendations."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from recommendations import services

SCHEDULED_QUEUE = "scheduled"


@shared_task
def evaluate_organization(*, organization_id: int) -> None:
    organization = Organization.objects.get(pk=organization_id)
    services.evaluate_organization(organization=organization, now=timezone.now())


@shared_task
def evaluate_due() -> None:
    now = timezone.now()
    services.wake(now=now)
    for organization_id in services.due(now=now):
        evaluate_organization.apply_async(kwargs={"organization_id": organization_id}, queue=SCHEDULED_QUEUE)
