"""What goes with an organization: every app tells its part.

`settings.ORGANIZATION_LOSSES` names functions of the apps, from the most missed to the least; each is called with the
organization and returns a list of `Loss`. They count by index: the page that asks must not read a year of costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts.models import Invitation, Membership, Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """So many of a kind; `label` is the kind's name for people, in the plural."""

    label: str
    count: int


def losses(organization: Organization) -> list[Loss]:
    """Everything that would go, kinds without any left out."""
    tellers: list[Callable[[Organization], list[Loss]]] = [
        import_string(path) for path in settings.ORGANIZATION_LOSSES
    ]
    return [loss for tell in tellers for loss in tell(organization) if loss.count]


def of_organization(organization: Organization) -> list[Loss]:
    """People and those who were asked to come."""
    return [
        Loss(label=_("Members"), count=Membership.objects.filter(organization=organization).count()),
        Loss(label=_("Open invitations"), count=Invitation.objects.open().of(organization).count()),
    ]
