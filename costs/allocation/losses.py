"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization

from .models import AllocationRule, ContextNode


def of_organization(organization: Organization) -> list[Loss]:
    return [
        Loss(label=_("Allocation rules"), count=AllocationRule.objects.of(organization).count()),
        Loss(
            label=_("Units, projects and other context"), count=ContextNode.objects.of(organization).count()
        ),
    ]
