"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from costs.reports.models import Report, ReportRun


def of_organization(organization: Organization) -> list[Loss]:
    return [
        Loss(label=_("Reports"), count=Report.objects.of(organization).count()),
        Loss(label=_("Runs of reports"), count=ReportRun.objects.of(organization).count()),
    ]
