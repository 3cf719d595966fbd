"""Organizations, memberships and invitations in the admin: what operators see, may do, and may not break."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.audit.models import AuditEntry
from accounts.models import Invitation, Membership, Organization, Role
from accounts.tests.factories import (
    InvitationFactory,
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    member_of,
)

pytestmark = pytest.mark.django_db

ORGANIZATIONS = "/admin/accounts/organization/"
MEMBERSHIPS = "/admin/accounts/membership/"
INVITATIONS = "/admin/accounts/invitation/"


def signed_in(*permissions: str, **traits: bool) -> Client:
    user = UserFactory(**(traits or {"administrator": True}))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return signed_in("manage_users")


@pytest.fixture
def root() -> Client:
    return signed_in(super_admin=True)


def run(client: Client, address: str, action: str, *objects) -> str:
    response = client.post(
        address, {"action": action, "_selected_action": [obj.pk for obj in objects]}, follow=True
    )
    return response.content.decode()


def save(client: Client, organization: Organization, rows: list[dict], **fields):
    """The change form of an organization with its inline; a row with an `id` is there already."""
    there = sum("id" in row for row in rows)
    data = {
        "name": organization.name,
        "time_zone": organization.time_zone,
        "memberships-TOTAL_FORMS": len(rows),
        "memberships-INITIAL_FORMS": there,
        **fields,
    }
    for n, row in enumerate(rows):
        data |= {f"memberships-{n}-{name}": value for name, value in row.items()}
        data[f"memberships-{n}-organization"] = organization.pk
    return client.post(f"{ORGANIZATIONS}{organization.pk}/change/", data)


def row_of(membership: Membership, **changes) -> dict:
    return {"id": membership.pk, "user": membership.user_id, "role": membership.role, **changes}


def test_the_list_shows_who_is_about_to_go_and_leads_to_what_it_has(operator) -> None:
    organization = OrganizationFactory(name="Acme", deletion_at=timezone.now())
    MembershipFactory(organization=organization)
    MembershipFactory(organization=organization, viewer=True)
    OrganizationFactory(name="Zebra")

    page = operator.get(f"{ORGANIZATIONS}?deletion_at__isempty=0").content.decode()

    assert "Acme" in page
    assert "Zebra" not in page
    assert re.search(r"field-member_count[^>]*>\s*2\s*<", page)
    links = re.findall(rf'href="([^"]+organization__id__exact={organization.pk})"', page)
    assert len(links) == 4
    superuser = signed_in(super_admin=True)
    assert [superuser.get(link).status_code for link in links] == [200] * 4


def test_organizations_are_found_by_name_and_by_their_people(operator) -> None:
    MembershipFactory(organization__name="Acme", user__email="anna@example.com")
    MembershipFactory(organization__name="Zebra", user__email="boris@example.com")

    def found(term: str) -> list[str]:
        page = operator.get(ORGANIZATIONS, {"q": term}).content.decode()
        return [name for name in ("Acme", "Zebra") if f">{name}</a>" in page]

    assert (found("acm"), found("boris@"), found("nobody")) == (["Acme"], ["Zebra"], [])
    assert found("") == ["Acme", "Zebra"]


def test_an_operator_keeps_what_was_about_to_go(operator) -> None:
    leaving, staying = OrganizationFactory(deletion_at=timezone.now()), OrganizationFactory()
    begun = OrganizationFactory(deletion_at=timezone.now(), deletion_started_at=timezone.now())

    page = run(operator, ORGANIZATIONS, "keep", leaving, staying, begun)

    leaving.refresh_from_db()
    begun.refresh_from_db()
    assert leaving.deletion_at is None
    assert begun.deletion_at is not None
    assert "1 organization is kept." in page
    assert "The deletion has begun" in page
    assert AuditEntry.objects.filter(action="organization.deletion_cancelled").count() == 1


def test_a_super_admin_sends_organizations_into_their_grace(root) -> None:
    shared = MembershipFactory().organization
    orphan = OrganizationFactory(is_personal=True)
    personal = MembershipFactory(organization__is_personal=True).organization

    page = run(root, ORGANIZATIONS, "delete_later", shared, orphan, personal)

    leaving = Organization.objects.filter(deletion_at__gt=timezone.now() + timedelta(days=29))
    assert set(leaving) == {shared, orphan}
    assert "2 organizations will be deleted." in page
    assert "A personal organization stays as long as its owner has an account." in page


def test_an_operator_sends_none(operator) -> None:
    organization = MembershipFactory().organization

    run(operator, ORGANIZATIONS, "delete_later", organization)

    organization.refresh_from_db()
    assert organization.deletion_at is None


@pytest.mark.parametrize("who", ["operator", "root"])
def test_nobody_deletes_a_tenant_at_once(request, who) -> None:
    client = request.getfixturevalue(who)
    organization = OrganizationFactory()

    assert client.get(f"{ORGANIZATIONS}{organization.pk}/delete/").status_code == 403
    run(client, ORGANIZATIONS, "delete_selected", organization)

    assert Organization.objects.filter(pk=organization.pk).exists()


def test_who_may_only_look_does_nothing() -> None:
    looker = signed_in("view_all_data")
    organization = OrganizationFactory(deletion_at=timezone.now())
    invitation = InvitationFactory(organization=organization)

    run(looker, ORGANIZATIONS, "keep", organization)
    run(looker, INVITATIONS, "revoke", invitation)

    organization.refresh_from_db()
    assert organization.deletion_at is not None
    assert Invitation.objects.open().exists()
    assert looker.get(ORGANIZATIONS).status_code == looker.get(INVITATIONS).status_code == 200


def test_the_last_owner_stays_in_the_form_of_the_organization(operator) -> None:
    owner = MembershipFactory()
    manager = MembershipFactory(organization=owner.organization, manager=True)

    for change in ({"role": "viewer"}, {"DELETE": "on"}):
        response = save(operator, owner.organization, [row_of(owner, **change), row_of(manager)])
        assert response.status_code == 200
        assert "needs an owner: make somebody else one first." in response.content.decode()
    swapped = save(
        operator, owner.organization, [row_of(owner, role="manager"), row_of(manager, role="owner")]
    )

    owner.refresh_from_db()
    manager.refresh_from_db()
    assert swapped.status_code == 302
    assert (owner.role, manager.role) == (Role.MANAGER, Role.OWNER)


def test_the_last_owner_stays_in_the_list_of_memberships(operator) -> None:
    owner = MembershipFactory()
    viewer = MembershipFactory(organization=owner.organization, viewer=True)
    change = {"user": owner.user_id, "organization": owner.organization_id, "role": "viewer"}

    refused = operator.post(f"{MEMBERSHIPS}{owner.pk}/change/", change)
    kept = operator.post(f"{MEMBERSHIPS}{owner.pk}/delete/", {"post": "yes"})
    gone = operator.post(f"{MEMBERSHIPS}{viewer.pk}/delete/", {"post": "yes"})

    assert "needs an owner" in refused.content.decode()
    assert (kept.status_code, gone.status_code) == (200, 302)  # the page that asks says why
    assert list(owner.organization.memberships.all()) == [owner]
    owner.refresh_from_db()
    assert owner.role == Role.OWNER


def test_a_person_is_not_deleted_while_others_would_have_no_owner(root) -> None:
    owner = MembershipFactory(organization__name="Acme")
    MembershipFactory(organization=owner.organization, viewer=True)

    page = root.get(f"/admin/accounts/user/{owner.user_id}/delete/").content.decode()

    assert "“Acme” would have no owner left" in page
    root.post(f"/admin/accounts/user/{owner.user_id}/delete/", {"post": "yes"})
    assert Membership.objects.filter(pk=owner.pk).exists()


def test_facts_of_an_organization_are_not_edited(operator) -> None:
    owner = MembershipFactory()

    save(
        operator,
        owner.organization,
        [row_of(owner)],
        name="New name",
        is_personal="on",
        is_demo="on",
        deletion_at_0="2026-01-01",
        deletion_at_1="00:00",
    )

    fresh = Organization.objects.get(pk=owner.organization_id)
    assert (fresh.name, fresh.is_personal, fresh.is_demo, fresh.deletion_at) == (
        "New name",
        False,
        False,
        None,
    )


def test_a_zone_of_nowhere_is_refused(operator) -> None:
    owner = MembershipFactory()

    response = save(operator, owner.organization, [row_of(owner)], time_zone="Mars/Olympus")

    assert "There is no time zone “Mars/Olympus”." in response.content.decode()


def test_invitations_are_listed_and_withdrawn_and_show_no_token(operator) -> None:
    invitation = InvitationFactory(email="boris@example.com", token="the-token")
    accepted = InvitationFactory(accepted_at=timezone.now(), accepted_by=UserFactory())

    pages = [
        operator.get(address).content.decode()
        for address in (INVITATIONS, f"{INVITATIONS}{invitation.pk}/change/")
    ]
    told = run(operator, INVITATIONS, "revoke", invitation, accepted)

    assert all("boris@example.com" in page for page in pages)
    assert not any(secret in page for page in pages for secret in ("the-token", invitation.token_hash))
    assert "1 invitation is withdrawn." in told
    invitation.refresh_from_db()
    accepted.refresh_from_db()
    assert (invitation.revoked_at is None, accepted.revoked_at is None) == (False, True)


@pytest.mark.parametrize("method", ["add/", "{pk}/delete/"])
def test_invitations_are_made_and_unmade_by_owners_alone(root, method) -> None:
    invitation = InvitationFactory()

    assert root.get(INVITATIONS + method.format(pk=invitation.pk)).status_code == 403


@pytest.mark.parametrize("rows", [1, 11])
@pytest.mark.parametrize(("address", "queries"), [(ORGANIZATIONS, 4), (INVITATIONS, 4)])
def test_lists_cost_the_same_whatever_their_length(
    root, rows, address, queries, django_assert_num_queries
) -> None:
    for _ in range(rows):
        organization = OrganizationFactory()
        InvitationFactory(organization=organization, invited_by=member_of(organization))

    with django_assert_num_queries(queries):
        root.get(address)


def test_an_organization_that_only_its_deleted_person_had_can_be_kept(operator) -> None:
    user = services.register_user(email="anna@example.com")
    own = user.memberships.get().organization
    services.delete_users(users=[user], now=timezone.now())

    run(operator, ORGANIZATIONS, "keep", own)

    own.refresh_from_db()
    assert own.deletion_at is None
