"""Making and naming organizations; who belongs to them, as what, and who must stay."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from accounts import queries, services
from accounts.audit.models import AuditEntry
from accounts.models import Membership, Organization, Role
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory, member_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_create_organization_makes_its_owner_and_is_told() -> None:
    owner = UserFactory()

    organization = services.create_organization(name="  Acme ", owner=owner, time_zone="Asia/Omsk")

    assert (organization.name, organization.time_zone) == ("Acme", "Asia/Omsk")
    assert owner.memberships.get().role == Role.OWNER
    assert AuditEntry.objects.get().action == "organization.created"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 151}, "name"),
        ({"name": "A", "time_zone": "Mars"}, "time_zone"),
    ],
)
def test_create_organization_names_the_field_that_cannot_be(fields, wrong) -> None:
    with pytest.raises(ValidationError) as caught:
        services.create_organization(owner=UserFactory(), **fields)

    assert list(caught.value.message_dict) == [wrong]
    assert not Organization.objects.exists()


def test_the_demos_person_creates_no_organization() -> None:
    user, _demo = services.ensure_demo(organization_name="Demo")

    with pytest.raises(services.DemoOrganization):
        services.create_organization(name="More", owner=user)


def test_update_organization_keeps_before_and_after() -> None:
    organization = OrganizationFactory(name="Acme")

    services.update_organization(organization=organization, name="Acme Ltd", time_zone="Asia/Omsk")
    services.update_organization(organization=organization, name="Acme Ltd")

    entry = AuditEntry.objects.get()
    assert entry.action == "organization.changed"
    assert entry.changes == {"name": ["Acme", "Acme Ltd"], "time_zone": ["Europe/Moscow", "Asia/Omsk"]}


def test_a_new_name_alone_is_a_renaming() -> None:
    organization = OrganizationFactory(name="Acme")

    services.update_organization(organization=organization, name="Acme Ltd")

    assert AuditEntry.objects.get().action == "organization.renamed"


def test_update_organization_refuses_a_zone_of_nowhere() -> None:
    organization = OrganizationFactory()

    with pytest.raises(ValidationError, match="There is no time zone “Mars/Olympus”"):
        services.update_organization(organization=organization, time_zone="Mars/Olympus")

    organization.refresh_from_db()
    assert organization.time_zone == "Europe/Moscow"


def test_change_role_is_told_with_before_and_after() -> None:
    organization = OrganizationFactory()
    member_of(organization)
    membership = MembershipFactory(organization=organization, role=Role.VIEWER)

    services.change_role(membership=membership, role=Role.MANAGER)
    services.change_role(membership=membership, role=Role.MANAGER)

    membership.refresh_from_db()
    assert membership.role == Role.MANAGER
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.changes) == ("membership.role_changed", {"role": ["viewer", "manager"]})


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_the_last_owner_stays_one(role) -> None:
    last = MembershipFactory()
    MembershipFactory(organization=last.organization, manager=True)

    with pytest.raises(services.LastOwner, match="is the only owner"):
        services.change_role(membership=last, role=role)
    with pytest.raises(services.LastOwner):
        services.remove_member(membership=last)
    with pytest.raises(services.LastOwner):
        services.leave_organization(membership=last)

    last.refresh_from_db()
    assert last.role == Role.OWNER
    assert not AuditEntry.objects.exists()


def test_one_of_two_owners_may_go() -> None:
    first = MembershipFactory()
    second = MembershipFactory(organization=first.organization)

    services.leave_organization(membership=first)

    assert list(first.organization.memberships.all()) == [second]
    assert AuditEntry.objects.get().action == "membership.left"


def test_remove_member_twice_is_no_member() -> None:
    organization = OrganizationFactory()
    member_of(organization)
    membership = MembershipFactory(organization=organization, viewer=True)

    services.remove_member(membership=membership)

    with pytest.raises(services.NotAMember):
        services.remove_member(membership=membership)
    assert AuditEntry.objects.get().action == "membership.removed"


def test_a_personal_organization_stays_with_its_one_owner() -> None:
    user = services.register_user(email="anna@example.com")
    own = user.memberships.get()
    guest = MembershipFactory(organization=own.organization, manager=True)

    with pytest.raises(services.PersonalOrganization):
        services.leave_organization(membership=own)
    with pytest.raises(services.PersonalOrganization):
        services.change_role(membership=guest, role=Role.OWNER)
    with pytest.raises(services.PersonalOrganization):
        services.hand_over(organization=own.organization, giver=user, receiver=guest)
    services.leave_organization(membership=guest)

    assert list(own.organization.memberships.all()) == [own]


def test_hand_over_swaps_the_roles() -> None:
    giver = MembershipFactory()
    receiver = MembershipFactory(organization=giver.organization, viewer=True)

    services.hand_over(organization=giver.organization, giver=giver.user, receiver=receiver)

    giver.refresh_from_db()
    receiver.refresh_from_db()
    assert (giver.role, receiver.role) == (Role.MANAGER, Role.OWNER)
    entry = AuditEntry.objects.get()
    assert entry.action == "organization.handed_over"
    assert entry.changes == {"owner": [giver.user.email, receiver.user.email]}


def test_hand_over_needs_an_owner_and_another_member_of_the_same_organization() -> None:
    owner = MembershipFactory()
    manager = MembershipFactory(organization=owner.organization, manager=True)
    stranger = MembershipFactory()
    hand_over = {"organization": owner.organization}

    for giver, receiver in (
        (manager.user, owner),
        (owner.user, owner),
        (owner.user, stranger),
        (stranger.user, manager),
    ):
        with pytest.raises(services.NotAMember):
            services.hand_over(giver=giver, receiver=receiver, **hand_over)

    assert Membership.objects.get(pk=owner.pk).role == Role.OWNER
    assert Membership.objects.get(pk=manager.pk).role == Role.MANAGER


def test_an_organization_that_is_leaving_is_not_handed_over() -> None:
    giver = MembershipFactory(organization__deletion_at=NOW)
    receiver = MembershipFactory(organization=giver.organization, manager=True)

    with pytest.raises(services.OrganizationLeaving):
        services.hand_over(organization=giver.organization, giver=giver.user, receiver=receiver)


def test_the_demo_keeps_its_people() -> None:
    user, demo = services.ensure_demo(organization_name="Demo")
    guest = MembershipFactory(organization=demo, viewer=True)

    for attempt in (
        lambda: services.change_role(membership=guest, role=Role.OWNER),
        lambda: services.remove_member(membership=guest),
        lambda: services.leave_organization(membership=user.memberships.get()),
        lambda: services.hand_over(organization=demo, giver=user, receiver=guest),
    ):
        with pytest.raises(services.DemoOrganization):
            attempt()


def test_deleting_people_sends_what_was_theirs_alone_into_its_grace() -> None:
    user = services.register_user(email="anna@example.com")
    shared = MembershipFactory(user=user, viewer=True).organization
    member_of(shared)
    own = user.memberships.get(organization__is_personal=True).organization

    services.delete_users(users=[user], now=NOW)

    own.refresh_from_db()
    shared.refresh_from_db()
    assert (own.deletion_at - NOW).days == 30
    assert shared.deletion_at is None


def test_the_only_owner_of_others_is_not_deleted() -> None:
    owner = MembershipFactory()
    other = MembershipFactory(organization=owner.organization, manager=True)

    with pytest.raises(services.LastOwner, match="is the only owner of"):
        services.delete_users(users=[owner.user], now=NOW)
    assert list(queries.left_without_owner([owner.user])) == [owner.organization]
    assert not queries.left_without_owner([owner.user, other.user]).exists()

    assert services.delete_users(users=[owner.user, other.user], now=NOW) == 2
    owner.organization.refresh_from_db()
    assert owner.organization.deletion_at is not None
