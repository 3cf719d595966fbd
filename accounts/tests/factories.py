"""People and tenants for tests."""

from __future__ import annotations

from datetime import timedelta

import factory
from django.utils import timezone

from accounts.models import Invitation, Membership, Organization, Role, User
from accounts.services import digest_of

PASSWORD = "correct horse battery staple"


class UserFactory(factory.django.DjangoModelFactory):
    """A person without an organization. Traits: `administrator`, `super_admin`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        administrator = factory.Trait(is_staff=True)
        super_admin = factory.Trait(is_staff=True, is_superuser=True)

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password(PASSWORD)


class OrganizationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organization {n}")


class MembershipFactory(factory.django.DjangoModelFactory):
    """An owner. Traits: `manager`, `viewer`."""

    class Meta:
        model = Membership

    class Params:
        manager = factory.Trait(role=Role.MANAGER)
        viewer = factory.Trait(role=Role.VIEWER)

    user = factory.SubFactory(UserFactory)
    organization = factory.SubFactory(OrganizationFactory)
    role = Role.OWNER


class InvitationFactory(factory.django.DjangoModelFactory):
    """One that waits, sent an hour ago; `token` is what its link carries."""

    class Meta:
        model = Invitation
        exclude = ["token"]

    token = factory.Sequence(lambda n: f"token-{n}")
    organization = factory.SubFactory(OrganizationFactory)
    email = factory.Sequence(lambda n: f"invited{n}@example.com")
    role = Role.VIEWER
    token_hash = factory.LazyAttribute(lambda invitation: digest_of(invitation.token))
    invited_by = factory.LazyAttribute(lambda invitation: member_of(invitation.organization))
    sent_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    expires_at = factory.LazyAttribute(lambda invitation: invitation.sent_at + timedelta(days=7))


def member_of(organization: Organization, role: Role = Role.OWNER) -> User:
    return MembershipFactory(organization=organization, role=role).user
