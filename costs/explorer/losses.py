"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from costs.explorer.models import ChartNote, SavedView


def of_organization(organization: Organization) -> list[Loss]:
    return [
        Loss(label=_("Saved views"), count=SavedView.objects.of(organization).count()),
        Loss(label=_("Notes on charts"), count=ChartNote.objects.of(organization).count()),
    ]
