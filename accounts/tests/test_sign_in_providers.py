"""Coming in through Google, Yandex and single sign-on: real redirects and a real exchange with a provider on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.sessions.models import Session
from django.urls import reverse

from accounts import identity, linking
from accounts.audit.models import AuditEntry
from accounts.models import User
from accounts.services import INVITATION_KEY
from accounts.tests.factories import PASSWORD, InvitationFactory, MembershipFactory, UserFactory
from accounts.tests.openid_provider import COMPANY, GOOGLE, YANDEX, OpenIDProvider, offer, walk

pytestmark = pytest.mark.django_db

ANNA = {
    "sub": "1001",
    "email": "Anna@example.com",
    "email_verified": True,
    "name": "Anna Kim",
    "picture": "https://pictures.example.com/anna.png",
    "locale": "ru-RU",
    "groups": ["secret project"],
}
YANDEX_ANNA = {
    "id": "1001",
    "default_email": "Anna@example.com",
    "first_name": "Anna",
    "last_name": "Kim",
    "psuid": "of no use",
}
DOORS = [(GOOGLE, "google", ANNA), (COMPANY, "sso", ANNA), (YANDEX, "yandex", YANDEX_ANNA)]
LINK = "/accounts/link/"


@pytest.fixture
def provider(settings: Any, monkeypatch: Any) -> Iterator[OpenIDProvider]:
    with OpenIDProvider() as running:
        offer(settings, running, monkeypatch)
        running.person = ANNA
        yield running


def signed_in(client: Any) -> str:
    """Whose session it is: the e-mail, or "" for nobody's."""
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).email if pk else ""


def without_password(email: str) -> User:
    user: User = MembershipFactory(user__email=email).user
    user.set_unusable_password()
    user.save(update_fields=["password"])
    return user


@pytest.mark.parametrize(("door", "name", "person"), DOORS)
def test_newcomer_gets_an_account_with_what_the_provider_says(client, provider, door, name, person) -> None:
    provider.person = person

    response = walk(client, door)

    assert (response.status_code, response["Location"]) == (302, "/")
    user = User.objects.get()
    assert (user.email, user.full_name, user.has_usable_password()) == ("anna@example.com", "Anna Kim", False)
    assert signed_in(client) == "anna@example.com"
    assert user.memberships.get().organization.is_personal
    assert EmailAddress.objects.get(user=user, email="anna@example.com", primary=True).verified
    assert SocialAccount.objects.get(user=user).provider == name
    assert "/token" in provider.calls


def test_newcomer_keeps_picture_and_language_and_no_token(client, provider) -> None:
    walk(client, GOOGLE)

    user = User.objects.get()
    kept = [json.dumps(session.get_decoded()) for session in Session.objects.all()]
    kept.append(json.dumps(SocialAccount.objects.get().extra_data))
    assert (user.picture_url, user.language) == ("https://pictures.example.com/anna.png", "ru")
    assert not SocialToken.objects.exists()
    assert not [token for token in provider.tokens if any(token in text for text in kept)]
    assert "secret project" not in "".join(kept)


@pytest.mark.parametrize(("door", "name", "person"), DOORS)
def test_known_e_mail_with_a_password_is_linked_once_the_password_is_proven(
    client, provider, door, name, person
) -> None:
    user = MembershipFactory(user__email="anna@example.com").user
    provider.person = person

    response = walk(client, door, next_url="/connections/")
    assert (response["Location"], signed_in(client)) == (LINK, "")
    assert b"anna@example.com" in client.get(LINK).content
    wrong = client.post(LINK, {"password": "not the password"})
    assert (wrong.status_code, signed_in(client)) == (422, "")
    assert not SocialAccount.objects.exists()
    right = client.post(LINK, {"password": PASSWORD})

    assert (right.status_code, right["Location"]) == (302, "/connections/")
    assert signed_in(client) == user.email
    assert SocialAccount.objects.get(user=user, provider=name).uid == "1001"
    assert EmailAddress.objects.get(user=user).verified
    client.logout()
    walk(client, door)
    assert signed_in(client) == user.email
    assert User.objects.count() == 1


def test_known_e_mail_without_a_password_is_linked_at_once(client, provider) -> None:
    user = without_password("anna@example.com")

    walk(client, GOOGLE)
    client.logout()
    walk(client, COMPANY)

    assert signed_in(client) == user.email
    assert set(SocialAccount.objects.filter(user=user).values_list("provider", flat=True)) == {
        "google",
        "sso",
    }


def test_the_second_factor_is_asked_for_after_the_provider(client, provider) -> None:
    user = MembershipFactory(user__email="anna@example.com").user
    TOTP.activate(user, generate_totp_secret())
    codes = RecoveryCodes.activate(user).generate_codes()

    walk(client, GOOGLE)
    response = client.post(LINK, {"password": PASSWORD})
    assert (response["Location"], signed_in(client)) == (reverse("mfa_authenticate"), "")
    response = client.post(reverse("mfa_authenticate"), {"code": codes[0]})

    assert (response["Location"], signed_in(client)) == ("/", user.email)


@pytest.mark.parametrize(
    ("door", "claim"),
    [(GOOGLE, False), (GOOGLE, None), *((COMPANY, claim) for claim in (False, "false", None, "yes", 1))],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_unconfirmed_e_mail_opens_nothing_and_tells_nothing(client, provider, door, claim, is_known) -> None:
    if is_known:
        without_password("anna@example.com")
    provider.person = {**ANNA, "email_verified": claim}

    response = walk(client, door)

    assert (response.status_code, signed_in(client)) == (403, "")
    assert b"anna@example.com" not in response.content.lower()
    assert User.objects.count() == int(is_known)
    assert not SocialAccount.objects.exists()
    assert AuditEntry.objects.filter(action="sign_in.refused").count() == 1


def test_provider_without_an_e_mail_opens_nothing(client, provider) -> None:
    provider.person = {"sub": "1001", "name": "Anna Kim"}

    assert walk(client, COMPANY).status_code == 403
    assert not User.objects.exists()


def test_e_mails_of_trusted_domains_count_as_confirmed(client, provider, settings, monkeypatch) -> None:
    offer(settings, provider, monkeypatch, domains=("example.com",))
    provider.person = {"sub": "1001", "email": "anna@example.com"}
    walk(client, COMPANY)
    assert signed_in(client) == "anna@example.com"

    client.logout()
    provider.person = {"sub": "1002", "email": "boris@elsewhere.example"}
    assert walk(client, COMPANY).status_code == 403


def test_linked_account_opens_whatever_becomes_of_its_e_mail(client, provider) -> None:
    walk(client, GOOGLE)
    client.logout()
    provider.person = {**ANNA, "email": "anna.new@example.com", "email_verified": False}

    walk(client, GOOGLE)

    assert signed_in(client) == "anna@example.com"


def test_switched_off_account_stays_shut(client, provider) -> None:
    MembershipFactory(user__email="anna@example.com", user__is_active=False)

    response = walk(client, GOOGLE)

    assert (response["Location"], signed_in(client)) == (reverse("account_inactive"), "")
    assert not SocialAccount.objects.exists()


def test_strangers_unproven_claim_does_not_stand_in_the_owners_way(client, provider) -> None:
    stranger = UserFactory()
    EmailAddress.objects.create(user=stranger, email="anna@example.com", verified=False)

    walk(client, GOOGLE)

    assert signed_in(client) == "anna@example.com"
    assert not SocialAccount.objects.filter(user=stranger).exists()
    assert not EmailAddress.objects.filter(user=stranger).exists()


def test_whoever_confirmed_the_e_mail_goes_before_whose_login_it_is(client, provider) -> None:
    without_password("anna@example.com")
    owner = without_password("anna.kim@example.com")
    EmailAddress.objects.create(user=owner, email="anna@example.com", verified=True)

    walk(client, GOOGLE)

    assert signed_in(client) == owner.email


def test_link_waits_ten_minutes(client, provider) -> None:
    MembershipFactory(user__email="anna@example.com")
    walk(client, GOOGLE)

    with time_machine.travel(timedelta(seconds=linking.PENDING_SECONDS + 1)):
        response = client.post(LINK, {"password": PASSWORD})

    assert response["Location"] == reverse("account_login")
    assert not SocialAccount.objects.exists()


def test_guessing_at_the_link_is_stopped_as_at_the_sign_in(client, provider) -> None:
    MembershipFactory(user__email="anna@example.com")
    walk(client, GOOGLE)

    for _attempt in range(5):
        client.post(LINK, {"password": "a guess"})
    right = client.post(LINK, {"password": PASSWORD})
    at_the_door = client.post(reverse("account_login"), {"login": "anna@example.com", "password": PASSWORD})

    assert (right.status_code, at_the_door.status_code, signed_in(client)) == (422, 200, "")
    assert AuditEntry.objects.filter(action="sign_in.limited").count() == 2


def test_nobody_waits_at_the_link_page(client, provider) -> None:
    assert client.get(LINK)["Location"] == reverse("account_login")


def test_closed_sign_up_keeps_strangers_out_and_lets_the_invited_in(client, provider, settings) -> None:
    settings.SIGNUP_OPEN = False
    response = walk(client, GOOGLE)
    assert (response.status_code, signed_in(client)) == (200, "")
    assert b"by invitation" in response.content
    session = client.session
    session[INVITATION_KEY] = InvitationFactory(email="anna@example.com").token_hash
    session.save()

    walk(client, GOOGLE)

    assert signed_in(client) == "anna@example.com"


@pytest.mark.parametrize("is_open", [True, False])
def test_single_sign_on_decides_itself_who_gets_an_account(client, provider, settings, is_open) -> None:
    settings.SIGNUP_OPEN = False
    settings.OIDC_SIGNUP = is_open

    walk(client, COMPANY)

    assert (signed_in(client) != "") is is_open


def test_person_who_says_no_there_is_told_so(client, provider) -> None:
    provider.refuses = True

    response = walk(client, COMPANY)

    assert response["Location"] == reverse("socialaccount_login_cancelled")
    assert b"called off" in client.get(response["Location"]).content


@pytest.mark.parametrize("door", [GOOGLE, COMPANY])
def test_token_for_somebody_else_is_refused(client, provider, door) -> None:
    provider.breaks_token = True

    response = walk(client, door)

    assert (response.status_code, signed_in(client)) == (401, "")
    assert b"did not confirm who you are" in response.content


def test_code_without_the_browser_that_asked_for_it_opens_nothing(client, provider) -> None:
    there = client.post(GOOGLE)
    back = requests.get(there["Location"], allow_redirects=False, timeout=5).headers["Location"]
    client.cookies.clear()

    response = client.get(back)

    assert (response.status_code, signed_in(client)) == (401, "")
    assert "/token" not in provider.calls


def test_google_one_tap_signature_is_checked(client, provider) -> None:
    token = provider._id_token(ANNA)
    client.cookies["g_csrf_token"] = "t"

    forged = client.post(f"{GOOGLE}token/", {"credential": token[:-6] + "AAAAAA", "g_csrf_token": "t"})
    assert (forged.status_code, signed_in(client)) == (401, "")
    client.post(f"{GOOGLE}token/", {"credential": token, "g_csrf_token": "t"})

    assert signed_in(client) == "anna@example.com"


@pytest.mark.parametrize("door", [GOOGLE, YANDEX, COMPANY])
def test_provider_without_keys_is_not_there(client, door) -> None:
    assert client.get(door).status_code == 404
    assert client.post(door).status_code == 404


def test_page_before_the_provider_asks_first(client, provider) -> None:
    response = client.get(GOOGLE)

    assert response.status_code == 200
    assert b"Sign in with Google?" in response.content


def test_browser_may_send_forms_to_the_providers_and_nowhere_else() -> None:
    client = identity.Client(client_id="id", secret="secret")
    nobody = identity.Client(client_id="id", secret="")
    server = identity.OpenIDServer(
        url="https://sso.example.com/realms/x",
        client=client,
        name="x",
        origins=["https://login.example.com/a"],
    )
    absent = identity.OpenIDServer(url="", client=client, name="x")

    assert identity.form_targets(google=client, yandex=nobody, server=server) == [
        "https://accounts.google.com",
        "https://sso.example.com",
        "https://login.example.com",
    ]
    assert identity.form_targets(google=nobody, yandex=nobody, server=absent) == []
