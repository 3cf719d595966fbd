"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from syncs.models import BillingFile, SyncSnapshot


def of_organization(organization: Organization) -> list[Loss]:
    return [
        Loss(label=_("Snapshots"), count=SyncSnapshot.objects.of(organization).count()),
        Loss(label=_("Billing files"), count=BillingFile.objects.of(organization).count()),
    ]
