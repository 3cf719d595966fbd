"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from recommendations.schedules.models import PowerSchedule


def of_organization(organization: Organization) -> list[Loss]:
    return [Loss(label=_("Power schedules"), count=PowerSchedule.objects.of(organization).count())]
