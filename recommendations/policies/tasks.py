"""Celery doors of policies."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from recommendations.policies import services


@shared_task
def check_organization(*, organization_id: int) -> None:
    organization = Organization.objects.get(pk=organization_id)
    services.check_organization(organization=organization, now=timezone.now())
