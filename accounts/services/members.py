"""Who belongs to an organization, as what. Every change locks the organization first: the last owner then stays one."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit.services import record
from accounts.models import Membership, Organization, Role, User
from accounts.services.errors import (
    DemoOrganization,
    LastOwner,
    NotAMember,
    OrganizationLeaving,
    PersonalOrganization,
)
from accounts.services.organizations import locked


@transaction.atomic
def change_role(*, membership: Membership, role: Role) -> Membership:
    """Raises LastOwner, PersonalOrganization for a second owner of one, DemoOrganization, NotAMember."""
    fresh = _locked_membership(membership)
    if fresh.role == role:
        return fresh
    if role == Role.OWNER and fresh.organization.is_personal:
        raise PersonalOrganization(
            _("A personal organization has one owner. Create another organization to share it with equals.")
        )
    refuse_demo(fresh.organization)
    if fresh.is_owner:
        _keep_an_owner(fresh)
    before, fresh.role = fresh.role, role
    fresh.save(update_fields=["role", "updated_at"])
    record(
        "membership.role_changed",
        obj=fresh,
        organization=fresh.organization,
        changes={"role": [before, str(role)]},
    )
    return fresh


@transaction.atomic
def remove_member(*, membership: Membership) -> None:
    """Raises LastOwner, DemoOrganization, NotAMember."""
    fresh = _locked_membership(membership)
    refuse_demo(fresh.organization)
    if fresh.is_owner:
        _keep_an_owner(fresh)
    record("membership.removed", obj=fresh, organization=fresh.organization, details={"role": fresh.role})
    fresh.delete()


@transaction.atomic
def leave_organization(*, membership: Membership) -> None:
    """The member goes by themselves; raises LastOwner, PersonalOrganization, DemoOrganization, NotAMember."""
    fresh = _locked_membership(membership)
    if fresh.organization.is_personal and fresh.is_owner:
        raise PersonalOrganization(
            _("This is your personal organization: it stays yours as long as you have an account.")
        )
    refuse_demo(fresh.organization)
    if fresh.is_owner:
        _keep_an_owner(fresh)
    record("membership.left", obj=fresh, organization=fresh.organization, details={"role": fresh.role})
    fresh.delete()


@transaction.atomic
def hand_over(*, organization: Organization, giver: User, receiver: Membership) -> Membership:
    """The receiver becomes an owner, the giver a manager; returns the receiver's membership.

    Raises NotAMember where the giver is no owner or the receiver no other member any more, PersonalOrganization,
    DemoOrganization, OrganizationLeaving.
    """
    organization = locked(organization)
    if organization.is_personal:
        raise PersonalOrganization(
            _("This is your personal organization: it stays yours as long as you have an account.")
        )
    refuse_demo(organization)
    refuse_leaving(organization)
    people = Membership.objects.filter(organization=organization).select_related("user", "organization")
    old = people.filter(user=giver, role=Role.OWNER).first()
    new = people.filter(pk=receiver.pk).exclude(user=giver).first()
    if old is None or new is None:
        raise NotAMember(f"organization {organization.pk} cannot be handed over like this")
    old.role, new.role = Role.MANAGER, Role.OWNER
    for membership in (old, new):
        membership.save(update_fields=["role", "updated_at"])
    record(
        "organization.handed_over",
        obj=organization,
        organization=organization,
        changes={"owner": [old.user.email, new.user.email]},
    )
    return new


def refuse_demo(organization: Organization) -> None:
    if organization.is_demo:
        raise DemoOrganization(
            _("The demo is everybody's: its people and its end are not changed from inside.")
        )


def refuse_leaving(organization: Organization) -> None:
    if organization.is_leaving:
        raise OrganizationLeaving(
            _("“%(name)s” is about to be deleted. Keep it first.") % {"name": organization.name}
        )


def _locked_membership(membership: Membership) -> Membership:
    organization = locked(Organization(pk=membership.organization_id))
    fresh = Membership.objects.select_related("user").filter(pk=membership.pk, organization=organization)
    found = fresh.first()
    if found is None:
        raise NotAMember(f"membership {membership.pk} is gone")
    found.organization = organization
    return found


def _keep_an_owner(leaving: Membership) -> None:
    others = Membership.objects.filter(organization_id=leaving.organization_id, role=Role.OWNER)
    if not others.exclude(pk=leaving.pk).exists():
        raise LastOwner(
            _(
                "%(person)s is the only owner. Hand the organization over, or make somebody else an owner first."
            )
            % {"person": leaving.user.display_name}
        )
