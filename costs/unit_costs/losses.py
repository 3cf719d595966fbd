"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from costs.unit_costs.models import UnitMetric


def of_organization(organization: Organization) -> list[Loss]:
    return [Loss(label=_("Unit metrics"), count=UnitMetric.objects.of(organization).count())]
