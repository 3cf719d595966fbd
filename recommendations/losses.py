"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from recommendations.models import Recommendation


def of_organization(organization: Organization) -> list[Loss]:
    """Those that somebody decided on: others would be found again."""
    decided = Recommendation.objects.of(organization).filter(decided_at__isnull=False)
    return [Loss(label=_("Decisions on recommendations"), count=decided.count())]
