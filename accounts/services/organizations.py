"""Organizations: made, named, chosen to look at."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import queries
from accounts.audit.services import record
from accounts.models import Membership, Organization, Role, User
from accounts.services.errors import DemoOrganization, NotAMember

ORGANIZATION_KEY = "organization_id"
"""Where the session keeps the organization that a person looks at."""

DEMO_EMAIL = "demo@infrazen.example"


@transaction.atomic
def create_organization(
    *, name: str, owner: User, is_demo: bool = False, time_zone: str | None = None
) -> Organization:
    """Raises ValidationError, and DemoOrganization for the demo's person: what strangers make there, nobody clears up."""
    if owner.email == DEMO_EMAIL and not is_demo:
        raise DemoOrganization(
            _("The demo has this one organization. Sign in as yourself to create another.")
        )
    organization = Organization(name=name.strip(), is_demo=is_demo)
    if time_zone is not None:
        organization.time_zone = time_zone
    organization.full_clean()
    organization.save()
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    record("organization.created", obj=organization, organization=organization)
    return organization


@transaction.atomic
def update_organization(
    *, organization: Organization, name: str | None = None, time_zone: str | None = None
) -> Organization:
    """Changes what is given; raises ValidationError by field.

    No cost changes with the time zone: the days of costs are cut in the provider's. The zone says when a day begins
    and ends for the periods that pages show, and when the nightly complete sync is due; both look it up each time.
    """
    fresh = locked(organization)
    given = {"name": None if name is None else name.strip(), "time_zone": time_zone}
    changes = {
        field: [getattr(fresh, field), value]
        for field, value in given.items()
        if value is not None and value != getattr(fresh, field)
    }
    if not changes:
        return fresh
    for field, (_before, after) in changes.items():
        setattr(fresh, field, after)
    fresh.full_clean()
    fresh.save(update_fields=[*changes, "updated_at"])
    action = "organization.renamed" if set(changes) == {"name"} else "organization.changed"
    record(action, obj=fresh, organization=fresh, changes=changes)
    return fresh


@transaction.atomic
def ensure_personal_organization(*, user: User) -> Organization:
    """The person's own organization, made where it is missing."""
    owned = user.memberships.filter(organization__is_personal=True, role=Role.OWNER).select_related(
        "organization"
    )
    membership = owned.order_by("pk").first()
    if membership:
        return membership.organization
    organization = Organization.objects.create(name=user.display_name[:150], is_personal=True)
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    return organization


def switch_organization(
    *, user: User, session: MutableMapping[str, Any], organization_id: int
) -> Organization:
    """Makes the session look at another organization of the person; raises NotAMember."""
    membership = queries.memberships(user).filter(organization_id=organization_id).first()
    if membership is None:
        raise NotAMember(f"no membership of user {user.pk} in organization {organization_id}")
    session[ORGANIZATION_KEY] = membership.organization_id
    return membership.organization


def locked(organization: Organization) -> Organization:
    """The organization as it is now. Until the transaction ends, nobody else changes its people or its end.

    Raises NotAMember where it is gone.
    """
    fresh = Organization.objects.select_for_update().filter(pk=organization.pk).first()
    if fresh is None:
        raise NotAMember(f"organization {organization.pk} is gone")
    return fresh
