"""The pages of an organization: what each role sees and may do, and what each page costs."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Membership, Organization, Role
from accounts.notifications.delivery import deliver_due
from accounts.services import ensure_demo
from accounts.tests.factories import (
    PASSWORD,
    InvitationFactory,
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    member_of,
)

pytestmark = pytest.mark.django_db

SETTINGS = "/settings/organization/"


def signed_in(user, *, is_proven: bool = True) -> Client:
    """A browser of the person, who has just given their password again."""
    client = Client()
    client.force_login(user)
    if is_proven:
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def text_of(response) -> str:
    return response.content.decode()


def told(client: Client, address: str = SETTINGS) -> str:
    return text_of(client.get(address))


@pytest.fixture
def acme() -> Organization:
    return OrganizationFactory(name="Acme")


@pytest.mark.parametrize("role", list(Role))
def test_every_member_sees_people_and_invitations(acme, role) -> None:
    MembershipFactory(organization=acme, user__full_name="Vera", viewer=True)
    InvitationFactory(organization=acme, email="boris@example.com")

    page = told(signed_in(member_of(acme, role)))

    assert "Vera" in page
    assert "boris@example.com" in page


@pytest.mark.parametrize(
    ("role", "form", "people"),
    [(Role.OWNER, True, True), (Role.MANAGER, True, False), (Role.VIEWER, False, False)],
)
def test_the_page_offers_what_the_role_may(acme, role, form, people) -> None:
    member_of(acme)
    guest = MembershipFactory(organization=acme, viewer=True)
    InvitationFactory(organization=acme)

    page = told(signed_in(member_of(acme, role)))

    assert ('name="time_zone"' in page) is form
    for offer in (
        f"{SETTINGS}members/{guest.pk}/role/",
        f"{SETTINGS}members/{guest.pk}/remove/",
        f"{SETTINGS}invitations/",
        f"{SETTINGS}hand-over/",
        f"{SETTINGS}delete/",
    ):
        assert (offer in page) is people
    assert f"{SETTINGS}leave/" in page


OWNERS_DOORS = [
    "invitations/",
    "invitations/{invitation}/resend/",
    "invitations/{invitation}/revoke/",
    "members/{member}/role/",
    "members/{member}/remove/",
    "hand-over/",
    "delete/",
    "keep/",
]


@pytest.mark.parametrize("door", OWNERS_DOORS)
@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_people_and_the_end_are_the_owners(acme, role, door) -> None:
    guest = MembershipFactory(organization=acme, viewer=True)
    invitation = InvitationFactory(organization=acme)
    client = signed_in(member_of(acme, role))

    response = client.post(
        SETTINGS + door.format(invitation=invitation.pk, member=guest.pk),
        {
            "email": "x@example.com",
            "role": "owner",
            "confirm_name": "Acme",
            "receiver": acme.memberships.get(user_id=client.session["_auth_user_id"]).pk,
        },
    )

    assert response.status_code == 403
    assert "owners" in text_of(response)
    acme.refresh_from_db()
    guest.refresh_from_db()
    assert (acme.deletion_at, guest.role, Invitation.objects.open().count()) == (None, Role.VIEWER, 1)


@pytest.mark.parametrize("door", OWNERS_DOORS[1:5])
def test_people_and_invitations_of_others_are_not_found(acme, door) -> None:
    elsewhere = OrganizationFactory()
    stranger = MembershipFactory(organization=elsewhere, viewer=True)
    invitation = InvitationFactory(organization=elsewhere)
    client = signed_in(member_of(acme))

    response = client.post(
        SETTINGS + door.format(invitation=invitation.pk, member=stranger.pk), {"role": "owner"}
    )

    assert response.status_code == 404
    stranger.refresh_from_db()
    assert stranger.role == Role.VIEWER
    assert Invitation.objects.open().filter(send_count=1).count() == 1


def test_the_anonymous_are_sent_to_the_sign_in(client) -> None:
    for door in ("", "leave/", "hand-over/", "delete/"):
        response = client.get(SETTINGS + door)
        assert response["Location"].startswith("/accounts/login/?next=")
    assert client.get("/accounts/organizations/new/").status_code == 302


def test_name_and_zone_are_saved_by_managers(acme) -> None:
    client = signed_in(member_of(acme, Role.MANAGER))

    response = client.post(SETTINGS, {"name": "Acme Ltd", "time_zone": "Asia/Omsk"}, follow=True)

    acme.refresh_from_db()
    assert (acme.name, acme.time_zone) == ("Acme Ltd", "Asia/Omsk")
    assert "The organization is saved." in text_of(response)


def test_a_viewer_saves_nothing(acme) -> None:
    response = signed_in(member_of(acme, Role.VIEWER)).post(
        SETTINGS, {"name": "Mine", "time_zone": "Asia/Omsk"}
    )

    acme.refresh_from_db()
    assert (response.status_code, acme.name) == (403, "Acme")


@pytest.mark.parametrize(
    "fields", [{"name": " ", "time_zone": "UTC"}, {"name": "Acme", "time_zone": "Mars/Olympus"}]
)
def test_what_cannot_be_comes_back_with_the_field_named(acme, fields) -> None:
    response = signed_in(member_of(acme)).post(SETTINGS, fields)

    assert response.status_code == 422
    assert text_of(response).count('aria-invalid="true"') == 1
    acme.refresh_from_db()
    assert (acme.name, acme.time_zone) == ("Acme", "Europe/Moscow")


def test_creating_makes_an_owner_who_looks_at_it_from_then_on() -> None:
    user = MembershipFactory(viewer=True).user
    client = signed_in(user)

    response = client.post("/accounts/organizations/new/", {"name": "New", "time_zone": "Asia/Omsk"})

    made = Organization.objects.get(name="New")
    assert response["Location"] == "/"
    assert user.memberships.get(organization=made).role == Role.OWNER
    assert client.session["organization_id"] == made.pk


def test_creating_without_a_name_asks_for_one() -> None:
    response = signed_in(MembershipFactory().user).post(
        "/accounts/organizations/new/", {"name": "", "time_zone": "UTC"}
    )

    assert response.status_code == 422
    assert 'aria-invalid="true"' in text_of(response)


def test_roles_are_changed_and_members_removed(acme) -> None:
    guest = MembershipFactory(organization=acme, user__full_name="Vera", viewer=True)
    client = signed_in(member_of(acme))

    client.post(f"{SETTINGS}members/{guest.pk}/role/", {"role": "manager"})
    guest.refresh_from_db()
    assert guest.role == Role.MANAGER
    assert "Remove Vera from “Acme”?" in told(client, f"{SETTINGS}members/{guest.pk}/remove/")
    client.post(f"{SETTINGS}members/{guest.pk}/remove/")

    assert not Membership.objects.filter(pk=guest.pk).exists()
    assert "Vera is no member any more." in told(client)


@pytest.mark.parametrize("role", ["emperor", "", None])
def test_a_role_that_is_none_is_refused(acme, role) -> None:
    guest = MembershipFactory(organization=acme, viewer=True)

    response = signed_in(member_of(acme)).post(
        f"{SETTINGS}members/{guest.pk}/role/", {} if role is None else {"role": role}
    )

    guest.refresh_from_db()
    assert (response.status_code, guest.role) == (400, Role.VIEWER)


def test_the_only_owner_is_told_why_they_stay(acme) -> None:
    client = signed_in(member_of(acme))
    MembershipFactory(organization=acme, viewer=True)

    page = told(client)
    response = client.post(f"{SETTINGS}leave/", follow=True)

    assert "You are the only owner." in page
    assert f"{SETTINGS}leave/" not in page
    assert "is the only owner." in text_of(response)
    assert acme.memberships.count() == 2


def test_leaving_forgets_the_organization(acme) -> None:
    member_of(acme)
    membership = MembershipFactory(organization=acme, viewer=True)
    MembershipFactory(user=membership.user, organization__name="Own")
    client = signed_in(membership.user)

    assert "Leave “Acme”?" in told(client, f"{SETTINGS}leave/")
    response = client.post(f"{SETTINGS}leave/", follow=True)

    assert "You have left “Acme”." in text_of(response)
    assert "Own" in told(client)
    assert not acme.memberships.filter(pk=membership.pk).exists()


def test_handing_over_needs_the_password_first(acme) -> None:
    member_of(acme, Role.MANAGER)
    client = signed_in(member_of(acme), is_proven=False)

    for door in ("hand-over/", "delete/"):
        for call in (client.get, client.post):
            response = call(SETTINGS + door)
            assert response["Location"].startswith("/accounts/reauthenticate/?next=")

    acme.refresh_from_db()
    assert acme.deletion_at is None


def test_handing_over_makes_the_other_one_owner(acme) -> None:
    receiver = MembershipFactory(organization=acme, user__full_name="Vera", viewer=True)
    owner = member_of(acme)
    client = signed_in(owner)

    assert "Vera" in told(client, f"{SETTINGS}hand-over/")
    response = client.post(f"{SETTINGS}hand-over/", {"receiver": receiver.pk}, follow=True)

    assert "Vera is an owner now, and you are a manager." in text_of(response)
    receiver.refresh_from_db()
    assert (receiver.role, owner.memberships.get().role) == (Role.OWNER, Role.MANAGER)


def test_handing_over_offers_members_of_this_organization_alone(acme) -> None:
    stranger = MembershipFactory(user__full_name="Stranger")
    owner = member_of(acme)
    client = signed_in(owner)

    response = client.post(f"{SETTINGS}hand-over/", {"receiver": stranger.pk})

    assert response.status_code == 422
    assert "Stranger" not in text_of(response)
    assert owner.memberships.get().role == Role.OWNER


def test_deleting_lists_what_goes_and_asks_for_the_name(acme) -> None:
    client = signed_in(member_of(acme))
    InvitationFactory(organization=acme)

    page = told(client, f"{SETTINGS}delete/")
    wrong = client.post(f"{SETTINGS}delete/", {"confirm_name": "acme"})

    assert re.search(r"<dt>Open invitations</dt><dd>1</dd>", page)
    assert "In 30 days everything below goes for good" in page
    assert wrong.status_code == 422
    assert "That is not the name of this organization." in text_of(wrong)
    acme.refresh_from_db()
    assert acme.deletion_at is None


def test_deleting_begins_the_grace_and_the_owner_may_change_their_mind(acme) -> None:
    client = signed_in(member_of(acme))
    viewer = signed_in(member_of(acme, Role.VIEWER))

    client.post(f"{SETTINGS}delete/", {"confirm_name": " Acme "})

    acme.refresh_from_db()
    assert timedelta(days=29) < acme.deletion_at - timezone.now() < timedelta(days=30)
    assert "“Acme” will be deleted on" in told(client)
    assert "Keep the organization" in told(client)
    assert "An owner can keep it." in told(viewer)
    assert "Keep the organization" not in told(viewer)
    assert "Its syncs go on." in text_of(client.post(f"{SETTINGS}keep/", follow=True))
    acme.refresh_from_db()
    assert acme.deletion_at is None
    assert "will be deleted" not in told(client)


def test_owners_and_managers_are_told_of_the_deletion_and_of_its_end_in_their_language(acme) -> None:
    owner, manager = member_of(acme), member_of(acme, Role.MANAGER)
    manager.time_zone = "Asia/Vladivostok"
    manager.save()
    member_of(acme, Role.VIEWER)
    client = signed_in(owner)

    client.post(f"{SETTINGS}delete/", {"confirm_name": "Acme"})
    deliver_due(now=timezone.now())

    acme.refresh_from_db()
    assert sorted(address for letter in mail.outbox for address in letter.to) == sorted(
        [owner.email, manager.email]
    )
    assert {letter.subject for letter in mail.outbox} == {"InfraZen: Acme: The organization will be deleted"}
    text = next(letter.body for letter in mail.outbox if letter.to == [manager.email])
    assert f"{owner.email} asked for it." in text
    assert f"{acme.deletion_at.astimezone(ZoneInfo('Asia/Vladivostok')):%H:%M}" in text
    assert SETTINGS in text

    client.post(f"{SETTINGS}delete/", {"confirm_name": "Acme"})  # asked again: not told again
    client.post(f"{SETTINGS}keep/")
    deliver_due(now=timezone.now())

    assert len(mail.outbox) == 4
    assert {letter.subject for letter in mail.outbox[2:]} == {"InfraZen: Acme: The organization stays"}


def test_keeping_comes_too_late_once_the_deletion_has_begun(acme) -> None:
    Organization.objects.update(deletion_at=timezone.now(), deletion_started_at=timezone.now())

    response = signed_in(member_of(acme)).post(f"{SETTINGS}keep/", follow=True)

    assert "The deletion has begun" in text_of(response)


def test_a_personal_organization_offers_no_end() -> None:
    own = MembershipFactory(organization__is_personal=True, organization__name="Anna")
    client = signed_in(own.user)

    page = told(client)
    response = client.post(f"{SETTINGS}delete/", {"confirm_name": "Anna"}, follow=True)

    assert f"{SETTINGS}delete/" not in page
    assert f"{SETTINGS}hand-over/" not in page
    assert "This is your personal organization" in page
    assert "A personal organization stays as long as its owner has an account." in text_of(response)
    own.organization.refresh_from_db()
    assert own.organization.deletion_at is None


def test_the_demo_offers_no_change_of_people() -> None:
    user, _demo = ensure_demo(organization_name="Demo")
    client = signed_in(user)

    page = told(client)

    assert "The demo is everybody's" in page
    assert f"{SETTINGS}invitations/" not in page
    assert 'name="time_zone"' not in page
    response = client.post(f"{SETTINGS}invitations/", {"email": "x@example.com", "role": "viewer"})
    assert (response.status_code, Invitation.objects.count()) == (403, 0)


@pytest.mark.parametrize(("memberships", "has_search"), [(1, False), (8, False), (9, True)])
def test_the_switcher_has_a_search_beyond_eight(memberships, has_search) -> None:
    user = UserFactory()
    for n in range(memberships):
        MembershipFactory(user=user, organization__name=f"Org {n}", manager=True)

    page = told(signed_in(user))

    assert ("organization-search" in page) is has_search
    assert "Create an organization" in page
    assert page.count('<span class="organization-role">Manager</span>') == 2 * memberships


def test_the_list_finds_by_name_with_and_without_scripts() -> None:
    user = UserFactory()
    for name in ("Acme", "Zebra", "Зебра Плюс"):
        MembershipFactory(user=user, organization__name=name)
    MembershipFactory(organization__name="Zebra of a stranger")
    client = signed_in(user)

    def names(response) -> list[str]:
        main = text_of(response).partition("<main")[2] or text_of(response)
        return re.findall(r'<span class="truncate">([^<]+)</span>', main.partition("</main>")[0])

    assert names(client.get("/accounts/organizations/?q=zeb")) == ["Zebra"]
    assert names(client.get("/accounts/organizations/?q=ЗЕБРА")) == ["Зебра Плюс"]
    fragment = client.get("/accounts/organizations/?q=zeb", headers={"HX-Request": "true"})
    assert names(fragment) == ["Zebra"]
    assert "<html" not in text_of(fragment)
    assert "No organization has such a name." in told(client, "/accounts/organizations/?q=nothing")


@pytest.mark.parametrize("rows", [1, 11])
def test_the_settings_cost_eight_queries(acme, rows, django_assert_num_queries) -> None:
    owner = member_of(acme)
    for _ in range(rows):
        MembershipFactory(organization=acme, viewer=True)
        InvitationFactory(organization=acme, invited_by=owner)
        MembershipFactory(user=owner)
    client = signed_in(owner)

    # session, user, memberships, sidebar, owners, members twice (count and page), invitations
    with django_assert_num_queries(8):
        client.get(SETTINGS)


@pytest.mark.parametrize("rows", [1, 11])
def test_the_deletion_page_costs_as_much_whatever_goes(acme, rows, django_assert_num_queries) -> None:
    owner = member_of(acme)
    for _ in range(rows):
        MembershipFactory(organization=acme, viewer=True)
        InvitationFactory(organization=acme, invited_by=owner)
    client = signed_in(owner)

    with django_assert_num_queries(30):  # the frame, three kinds of second factors, twenty-three counts
        client.get(f"{SETTINGS}delete/")


@pytest.mark.parametrize("rows", [1, 11])
def test_the_other_pages_cost_what_the_frame_does(acme, rows, django_assert_num_queries) -> None:
    owner = member_of(acme)
    for _ in range(rows):
        MembershipFactory(user=owner)
        guest = MembershipFactory(organization=acme, viewer=True)
    client = signed_in(owner)

    for address, queries in {
        "/accounts/organizations/": 4,
        "/accounts/organizations/new/": 4,
        f"{SETTINGS}leave/": 4,
        f"{SETTINGS}hand-over/": 8,  # three kinds of second factors are looked for
        f"{SETTINGS}members/{guest.pk}/remove/": 5,
    }.items():
        with django_assert_num_queries(queries):
            assert client.get(address).status_code == 200


def test_members_come_in_pages(acme) -> None:
    owner = member_of(acme)
    for _ in range(51):
        MembershipFactory(organization=acme, viewer=True)
    client = signed_in(owner)

    assert "1–50 of 52" in told(client)
    assert "51–52 of 52" in told(client, f"{SETTINGS}?page=2")
    assert reverse("accounts:organization_settings") == SETTINGS
