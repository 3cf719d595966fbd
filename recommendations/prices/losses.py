"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from recommendations.prices.models import Price


def of_organization(organization: Organization) -> list[Loss]:
    return [Loss(label=_("List prices"), count=Price.objects.filter(organization=organization).count())]
