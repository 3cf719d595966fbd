"""From the link in the letter to the membership: signed in, registering, with the wrong account, too late."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import Invitation, Membership, Role, User
from accounts.tests.factories import (
    PASSWORD,
    InvitationFactory,
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    member_of,
)

pytestmark = pytest.mark.django_db

PAGE = "/accounts/invitation/"
SETTINGS = "/settings/organization/"


@pytest.fixture
def invitation() -> Invitation:
    return InvitationFactory(
        token="the-token",
        email="boris@example.com",
        role=Role.MANAGER,
        is_mailed=True,
        organization__name="Acme",
        invited_by=UserFactory(full_name="Anna"),
    )


def follow_link(client: Client, token: str = "the-token"):
    return client.get(f"{PAGE}?key={token}", follow=True)


def text_of(response) -> str:
    return response.content.decode()


def register(client: Client, email: str = "boris@example.com"):
    return client.post(
        f"/accounts/signup/?next={PAGE}",
        {
            "email": email,
            "password1": PASSWORD,
            "password2": PASSWORD,
            "next": PAGE,
        },
        follow=True,
    )


def test_the_token_leaves_the_address_and_is_kept_as_a_hash(client, invitation) -> None:
    first = client.get(f"{PAGE}?key=the-token")
    page = client.get(PAGE)

    assert (first.status_code, first["Location"]) == (302, PAGE)
    assert "the-token" not in str(dict(client.session)) + text_of(page)
    assert "You are invited to “Acme”" in text_of(page)
    assert "Anna invites you. Your role will be: Manager." in text_of(page)
    assert "no-store" in page["Cache-Control"]


def test_the_page_says_the_same_whether_the_e_mail_is_known(invitation) -> None:
    unknown = text_of(follow_link(Client()))
    UserFactory(email="boris@example.com")

    def without_tokens(page: str) -> str:
        return re.sub(r'csrf(middleware)?token[^>]*"', "", page)

    assert without_tokens(text_of(follow_link(Client()))) == without_tokens(unknown)


def test_a_known_person_signs_in_and_joins(client, invitation) -> None:
    user = MembershipFactory(user__email="boris@example.com", organization__name="Own").user
    page = text_of(follow_link(client))
    sign_in = re.search(r'href="(/accounts/login/[^"]+)"', page)[1].replace("&amp;", "&")

    asked = client.post(sign_in, {"login": user.email, "password": PASSWORD}, follow=True)
    assert "Join" in text_of(asked)
    joined = client.post(f"{PAGE}accept/", follow=True)

    membership = user.memberships.get(organization=invitation.organization)
    assert membership.role == Role.MANAGER
    assert client.session["organization_id"] == invitation.organization_id
    assert "You have joined “Acme”." in text_of(joined)
    assert "invitation" not in client.session


def test_looking_at_the_page_accepts_nothing(client, invitation) -> None:
    user = UserFactory(email="boris@example.com")
    client.force_login(user)

    follow_link(client)
    client.get(f"{PAGE}accept/")

    assert not user.memberships.exists()


@pytest.mark.parametrize("is_verification_mandatory", [True, False])
def test_an_invited_person_registers_where_sign_up_is_closed(
    client, invitation, settings, is_verification_mandatory
) -> None:
    settings.SIGNUP_OPEN = False
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory" if is_verification_mandatory else "optional"
    page = text_of(follow_link(client))
    assert "/accounts/signup/?email=boris%40example.com" in page

    asked = register(client)
    client.post(f"{PAGE}accept/")

    user = User.objects.get(email="boris@example.com")
    assert "Join" in text_of(asked)
    assert EmailAddress.objects.get(user=user).verified
    assert mail.outbox == []
    assert set(user.memberships.values_list("role", "organization__is_personal")) == {
        (Role.OWNER, True),
        (Role.MANAGER, False),
    }


def test_an_invitation_opens_the_sign_up_for_its_e_mail_alone(client, invitation, settings) -> None:
    settings.SIGNUP_OPEN = False
    follow_link(client)

    response = register(client, "somebody@example.com")

    assert "The invitation is for another e-mail." in text_of(response)
    assert not User.objects.filter(email="somebody@example.com").exists()


def test_who_registers_with_another_e_mail_keeps_that_as_their_login(client, invitation) -> None:
    follow_link(client)

    page = register(client, "other@example.com")

    user = User.objects.get(email="other@example.com")
    assert list(EmailAddress.objects.filter(user=user).values_list("email", "verified")) == [
        ("other@example.com", False)
    ]
    assert "This invitation is for boris@example.com." in text_of(page)


def test_a_link_that_was_passed_on_by_hand_proves_no_mailbox(client, invitation) -> None:
    Invitation.objects.update(is_mailed=False)
    follow_link(client)

    register(client)

    assert not EmailAddress.objects.get(email="boris@example.com").verified


def test_the_wrong_account_is_named_and_can_be_changed(client, invitation) -> None:
    other = MembershipFactory(user__email="other@example.com").user
    right = UserFactory(email="boris@example.com")
    client.force_login(other)

    page = text_of(follow_link(client))
    assert "This invitation is for boris@example.com." in page
    assert "You are signed in as other@example.com." in page
    assert f'action="{PAGE}accept/"' not in page
    assert client.post(f"{PAGE}accept/")["Location"] == PAGE
    switched = client.post(f"{PAGE}switch/")

    assert switched["Location"].startswith("/accounts/login/?next=")
    client.post(switched["Location"], {"login": right.email, "password": PASSWORD})
    client.post(f"{PAGE}accept/")
    assert right.memberships.exists()
    assert other.memberships.count() == 1


def test_declining_needs_no_account(client, invitation) -> None:
    follow_link(client)

    response = client.post(f"{PAGE}decline/")

    invitation.refresh_from_db()
    assert "The invitation is declined" in text_of(response)
    assert invitation.revoked_at is not None
    assert follow_link(client).status_code == 404


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"expires_at": timezone.now() - timedelta(days=1)}, "This invitation has expired."),
        ({"revoked_at": timezone.now()}, "This invitation was withdrawn."),
        ({"accepted_at": timezone.now()}, "This invitation was accepted already."),
    ],
)
def test_an_invitation_that_ended_says_so(client, invitation, settings, fields, sentence) -> None:
    settings.SIGNUP_OPEN = False
    user = UserFactory(email="boris@example.com")
    Invitation.objects.update(**fields)

    page = follow_link(client)
    client.force_login(user)
    follow_link(client)
    accepted = client.post(f"{PAGE}accept/")

    assert (page.status_code, accepted.status_code) == (404, 404)
    assert sentence in text_of(page)
    assert sentence in text_of(accepted)
    assert not user.memberships.exists()


def test_a_withdrawn_invitation_closes_the_sign_up_again(client, invitation, settings) -> None:
    settings.SIGNUP_OPEN = False
    follow_link(client)
    services.revoke_invitation(invitation=invitation, now=timezone.now())

    register(client)

    assert not User.objects.filter(email="boris@example.com").exists()


@pytest.mark.parametrize("key", ["nonsense", "", "0" * 64])
def test_a_link_of_nobody_leads_nowhere(client, invitation, key) -> None:
    response = client.get(f"{PAGE}?key={key}")

    assert response.status_code == 404
    assert "This link leads to no invitation." in text_of(response)
    assert client.get(PAGE).status_code == 404


def test_doors_without_an_invitation_do_nothing(client) -> None:
    assert client.post(f"{PAGE}decline/").status_code == 404
    assert client.post(f"{PAGE}switch/")["Location"].startswith("/accounts/login/")
    client.force_login(UserFactory())
    assert client.post(f"{PAGE}accept/").status_code == 404
    assert not Membership.objects.exists()


def test_an_owner_invites_by_mail_and_the_letter_leads_to_the_page(client, settings) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    acme = OrganizationFactory(name="Acme")
    client.force_login(member_of(acme))

    sent = client.post(
        f"{SETTINGS}invitations/", {"email": "boris@example.com", "role": "viewer"}, follow=True
    )

    link = re.search(r"http://testserver(/accounts/invitation/\?key=\S+)", mail.outbox[0].body)
    assert "The invitation is on its way to boris@example.com." in text_of(sent)
    assert link[1].partition("=")[2] not in text_of(sent)
    assert "You are invited to “Acme”" in text_of(Client().get(link[1], follow=True))


def test_without_mail_the_link_is_shown_once(client) -> None:
    acme = OrganizationFactory(name="Acme")
    client.force_login(member_of(acme))

    page = client.post(f"{SETTINGS}invitations/", {"email": "boris@example.com", "role": "viewer"})

    link = re.search(r'value="http://testserver(/accounts/invitation/\?key=[^"]+)"', text_of(page))
    assert "no-store" in page["Cache-Control"]
    assert "You are invited to “Acme”" in text_of(Client().get(link[1], follow=True))
    assert "?key=" not in text_of(client.get(SETTINGS))


def test_sending_again_and_withdrawing(client) -> None:
    acme = OrganizationFactory()
    client.force_login(member_of(acme))
    invitation = InvitationFactory(organization=acme, email="boris@example.com", token="old")

    page = client.post(f"{SETTINGS}invitations/{invitation.pk}/resend/")
    too_soon = client.post(f"{SETTINGS}invitations/{invitation.pk}/resend/", follow=True)
    withdrawn = client.post(f"{SETTINGS}invitations/{invitation.pk}/revoke/", follow=True)

    assert "?key=" in text_of(page)
    assert follow_link(Client(), "old").status_code == 404
    assert "less than a minute ago" in text_of(too_soon)
    assert "The invitation of boris@example.com is withdrawn." in text_of(withdrawn)
    assert not Invitation.objects.open().exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "nonsense", "role": "viewer"}, "Enter a valid email address."),
        ({"email": "member@example.com", "role": "viewer"}, "member@example.com is a member already."),
        ({"email": "x@example.com", "role": "emperor"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_invited_comes_back_with_a_sentence(client, fields, sentence) -> None:
    acme = OrganizationFactory()
    client.force_login(member_of(acme))
    MembershipFactory(organization=acme, user__email="member@example.com")

    response = client.post(f"{SETTINGS}invitations/", fields)

    assert response.status_code == 422
    assert sentence in text_of(response)
    assert not Invitation.objects.exists()


def test_the_page_of_an_invitation_costs_as_much_as_it_shows(
    client, invitation, django_assert_num_queries
) -> None:
    client.force_login(UserFactory(email="boris@example.com"))
    follow_link(client)

    with django_assert_num_queries(4):  # session, invitation, person, their e-mails
        client.get(PAGE)
