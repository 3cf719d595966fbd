"""SSO_ONLY: people come in through the company's provider and no other way, but for a super admin's password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from accounts.audit.models import AuditEntry
from accounts.identity import Client, OpenIDServer, identity_providers
from accounts.models import User
from accounts.tests.factories import PASSWORD, MembershipFactory
from accounts.tests.openid_provider import COMPANY, GOOGLE, OpenIDProvider, offer, walk

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def provider(settings: Any, monkeypatch: Any) -> Iterator[OpenIDProvider]:
    with OpenIDProvider() as running:
        offer(settings, running, monkeypatch)
        settings.SSO_ONLY = True
        yield running


def person(**user: Any) -> User:
    return MembershipFactory(
        user__email="anna@example.com", **{f"user__{k}": v for k, v in user.items()}
    ).user


def sign_in(client: Any, password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"login": "anna@example.com", "password": password})


def test_page_offers_the_provider_alone(client) -> None:
    page = client.get(LOGIN).content.decode()

    assert "Sign in with Company" in page
    assert "Google" not in page
    assert "Super admins: with a password" in page
    assert reverse("account_signup") not in page


def test_right_password_is_as_good_as_a_wrong_one(client) -> None:
    person()

    right = sign_in(client)
    wrong = sign_in(client, "a guess")

    assert "_auth_user_id" not in client.session
    for answer in (right, wrong):
        assert b"The e-mail or the password is not right. Check the keyboard layout." in answer.content


def test_super_admin_has_the_password_for_an_emergency(client) -> None:
    user = person(super_admin=True)

    sign_in(client)

    assert client.session["_auth_user_id"] == str(user.pk)


def test_provider_signs_in_and_links_by_the_same_rule(client, provider) -> None:
    user = person()

    assert walk(client, COMPANY)["Location"] == reverse("accounts:link_confirm")
    client.post(reverse("accounts:link_confirm"), {"password": PASSWORD})

    assert client.session["_auth_user_id"] == str(user.pk)


def test_another_provider_signs_nobody_in(client, provider) -> None:
    user = person()
    SocialAccount.objects.create(user=user, provider="google", uid="1")

    response = walk(client, GOOGLE)

    assert response["Location"] == LOGIN
    assert "_auth_user_id" not in client.session
    assert AuditEntry.objects.get(action="sign_in.refused").details == {"reason": "sso_only"}
    assert b"Sign in with Company." in client.get(LOGIN).content


def test_another_provider_makes_no_account(client, provider) -> None:
    assert b"as you do at your company" in walk(client, GOOGLE).content
    assert not User.objects.exists()


def test_registration_with_a_password_is_closed(client) -> None:
    client.post("/accounts/signup/", {"email": "x@example.com", "password1": PASSWORD, "password2": PASSWORD})

    assert not User.objects.exists()


def test_letter_about_a_new_password_points_at_the_provider(client, mailoutbox) -> None:
    person()

    response = client.post(reverse("account_reset_password"), {"email": "anna@example.com"})

    assert response["Location"] == reverse("account_reset_password_done")
    assert mailoutbox[0].subject == "InfraZen: Sign in with Company"
    assert "/password/reset/" not in mailoutbox[0].body


def test_super_admin_may_replace_the_password(client, mailoutbox) -> None:
    person(super_admin=True)

    client.post(reverse("account_reset_password"), {"email": "anna@example.com"})

    assert "/accounts/password/reset/key/" in mailoutbox[0].body


def test_the_admin_sends_to_the_same_page(client) -> None:
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/admin/login/")["Location"].startswith(LOGIN)


def test_company_account_stays_linked(client) -> None:
    user = person()
    linked = SocialAccount.objects.create(
        user=user, provider="sso", uid="1", extra_data={"email": "a@x.example"}
    )
    client.force_login(user)
    page = reverse("accounts:settings_sign_in")
    assert reverse("account_change_password") not in client.get(page).content.decode()

    client.post(reverse("accounts:provider_unlink", args=[linked.pk]))

    assert SocialAccount.objects.filter(pk=linked.pk).exists()
    assert b"This is your only way in, so it stays linked." in client.get(page).content


@pytest.mark.parametrize("url", ["http://sso.example.com", "sso.example.com", "https://", "ftp://localhost"])
def test_provider_is_called_over_https_only(url) -> None:
    client = Client(client_id="id", secret="secret")
    nobody = Client(client_id="", secret="")

    with pytest.raises(
        ImproperlyConfigured, match=r"OIDC_SERVER_URL is .* must be the provider's address with https"
    ):
        identity_providers(
            google=nobody, yandex=nobody, server=OpenIDServer(url=url, client=client, name="x")
        )


def test_e_mail_of_a_newcomer_needs_no_letter(client, settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    walk(client, COMPANY)

    assert EmailAddress.objects.get().verified
    assert "_auth_user_id" in client.session
