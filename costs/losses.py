"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from costs import queries


def of_organization(organization: Organization) -> list[Loss]:
    """The calendar months from the first to the last day of which a cost is known."""
    bounds = queries.history_bounds(organization)
    if bounds is None:
        return []
    first, last = bounds
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    return [Loss(label=_("Months of cost history"), count=months)]
