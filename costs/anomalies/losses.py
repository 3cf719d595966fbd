"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from costs.anomalies.models import Anomaly


def of_organization(organization: Organization) -> list[Loss]:
    return [Loss(label=_("Anomalies"), count=Anomaly.objects.of(organization).count())]
