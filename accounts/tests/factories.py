"""People and tenants for tests."""

from __future__ import annotations

import factory

from accounts.models import Membership, Organization, Role, User

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


def member_of(organization: Organization, role: Role = Role.OWNER) -> User:
    return MembershipFactory(organization=organization, role=role).user
