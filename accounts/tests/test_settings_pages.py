"""A person's own settings: the profile, the ways in, the browsers one is signed in with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.audit.models import AuditEntry
from accounts.models import User
from accounts.tests.factories import PASSWORD, MembershipFactory, UserFactory
from accounts.tests.openid_provider import COMPANY, GOOGLE, OpenIDProvider, offer, walk

pytestmark = pytest.mark.django_db

PROFILE = "/settings/profile/"
SIGN_IN = "/settings/sign-in/"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
YANDEX_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/138.0 YaBrowser/25.8 Safari/537.36"


@pytest.fixture
def anna() -> User:
    user: User = MembershipFactory(user__email="anna@example.com", user__full_name="Anna Kim").user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def provider(settings: Any, monkeypatch: Any) -> Iterator[OpenIDProvider]:
    with OpenIDProvider() as running:
        offer(settings, running, monkeypatch)
        yield running


def signed_in(user: User, agent: str = CHROME) -> Client:
    """A browser in which the person has signed in at our door."""
    browser = Client(headers={"user-agent": agent})
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert browser.session["_auth_user_id"] == str(user.pk)
    return browser


def prove(browser: Client, response: Any) -> Any:
    """Enters the password where a page asks for it, and goes where that leads."""
    assert response["Location"].startswith(reverse("account_reauthenticate"))
    return browser.post(response["Location"], {"password": PASSWORD})


def test_profile_is_shown_and_saved(client, anna) -> None:
    client.force_login(anna)
    assert b"Anna Kim" in client.get(PROFILE).content

    response = client.post(
        PROFILE,
        {
            "full_name": "Анна Ким",
            "time_zone": "Asia/Omsk",
            "currency": "USD",
            "language": "ru",
            "theme": "dark",
        },
    )

    anna.refresh_from_db()
    assert response["Location"] == PROFILE
    assert (anna.full_name, anna.time_zone, anna.currency) == ("Анна Ким", "Asia/Omsk", "USD")
    assert (anna.language, anna.theme) == ("ru", "dark")
    assert client.cookies["django_language"].value == "ru"
    entry = AuditEntry.objects.get(action="user.profile_changed")
    assert entry.changes["time_zone"] == ["", "Asia/Omsk"]


def test_profile_left_empty_follows_site_and_browser(client, anna) -> None:
    client.force_login(anna)
    client.cookies["django_language"] = "en"

    client.post(PROFILE, {"full_name": "", "time_zone": "", "currency": "RUB", "language": "", "theme": ""})

    anna.refresh_from_db()
    assert (anna.full_name, anna.time_zone, anna.language, anna.theme) == ("", "", "", "")
    assert client.cookies["django_language"].value == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("currency", ""),
        ("currency", "XXX"),
        ("language", "tlh"),
        ("theme", "pink"),
        ("full_name", "x" * 151),
    ],
)
def test_profile_refuses_what_is_none_and_says_where(client, anna, field, value) -> None:
    client.force_login(anna)
    good = {"full_name": "A", "time_zone": "", "currency": "RUB", "language": "", "theme": ""}

    response = client.post(PROFILE, {**good, field: value})

    anna.refresh_from_db()
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {field}
    assert f'id="id_{field}_error"' in response.content.decode()
    assert anna.full_name == "Anna Kim"


def test_a_post_of_nothing_is_refused_and_changes_nothing(client, anna) -> None:
    client.force_login(anna)

    response = client.post(PROFILE, {})

    anna.refresh_from_db()
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {"time_zone", "currency", "language", "theme"}
    assert anna.full_name == "Anna Kim"


def test_page_tells_every_way_in(client, anna, provider) -> None:
    SocialAccount.objects.create(
        user=anna, provider="google", uid="1", extra_data={"email": "anna@gmail.com"}
    )
    SocialAccount.objects.create(user=anna, provider="gone", uid="7", extra_data={})
    browser = signed_in(anna)

    page = browser.get(SIGN_IN).content.decode()

    assert "anna@gmail.com" in page
    assert "7; this site no longer offers it" in page
    assert "/accounts/oidc/sso/login/?process=connect" in page
    assert "Chrome · Linux" in page
    assert "This browser" in page
    assert "Sign out everywhere else" not in page


def test_other_browsers_are_listed_and_signed_out(anna) -> None:
    here, there, elsewhere = signed_in(anna), signed_in(anna, YANDEX_BROWSER), signed_in(anna)
    places = here.get(SIGN_IN).context["places"]
    assert [(place.browser, place.system, place.is_current) for place in places] == [
        ("Chrome", "Linux", True),
        ("Chrome", "Linux", False),
        ("Yandex Browser", "Windows", False),
    ]

    here.post(reverse("accounts:session_end", args=[places[2].pk]))
    assert there.get("/")["Location"].startswith("/accounts/login/")
    assert elsewhere.get("/").status_code == 200
    here.post(reverse("accounts:sessions_end_others"))

    assert elsewhere.get("/")["Location"].startswith("/accounts/login/")
    assert here.get(SIGN_IN).status_code == 200
    actions = AuditEntry.objects.filter(action__startswith="user.session").values_list("action", flat=True)
    assert sorted(actions) == ["user.session_ended", "user.sessions_ended"]


def test_strangers_session_is_not_found(client, anna) -> None:
    stranger = UserFactory()
    browser = signed_in(stranger)
    pk = stranger.usersession_set.get().pk
    client.force_login(anna)

    assert client.post(reverse("accounts:session_end", args=[pk])).status_code == 404
    assert browser.get(SIGN_IN).status_code == 200


def test_sessions_that_a_new_password_has_ended_are_not_listed(anna) -> None:
    signed_in(anna)
    here = signed_in(anna)

    here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": "another passphrase", "password2": "another passphrase"},
    )

    assert [place.is_current for place in here.get(SIGN_IN).context["places"]] == [True]


@pytest.mark.parametrize("door", [GOOGLE, COMPANY])
def test_provider_is_linked_after_the_password(anna, provider, door) -> None:
    provider.person = {"sub": "5", "email": "other@example.com", "email_verified": True}
    browser = signed_in(anna)

    response = walk(browser, door, process="connect", next_url=SIGN_IN)
    assert not SocialAccount.objects.exists()
    done = prove(browser, response)

    assert done["Location"] == SIGN_IN
    assert SocialAccount.objects.get(user=anna).uid == "5"
    browser.logout()
    walk(browser, door)
    assert browser.session["_auth_user_id"] == str(anna.pk)


def test_provider_with_an_unconfirmed_e_mail_is_not_linked(anna, provider) -> None:
    provider.person = {"sub": "5", "email": "anna@example.com", "email_verified": False}
    browser = signed_in(anna)

    response = walk(browser, COMPANY, process="connect")

    assert response.status_code == 403
    assert not SocialAccount.objects.exists()


def test_account_of_somebody_else_is_not_taken_over(anna, provider) -> None:
    provider.person = {"sub": "5", "email": "boris@example.com", "email_verified": True}
    owner = UserFactory()
    SocialAccount.objects.create(user=owner, provider="sso", uid="5")
    browser = signed_in(anna)

    prove(browser, walk(browser, COMPANY, process="connect", next_url=SIGN_IN))

    assert SocialAccount.objects.get().user == owner
    assert b"already connected to a different account" in browser.get(SIGN_IN).content


def test_provider_is_unlinked_after_the_password(anna, provider) -> None:
    linked = SocialAccount.objects.create(user=anna, provider="google", uid="1", extra_data={})
    browser = signed_in(anna)

    response = browser.post(reverse("accounts:provider_unlink", args=[linked.pk]))
    assert SocialAccount.objects.exists()
    done = prove(browser, response)

    assert done["Location"] == SIGN_IN
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("others", [[], ["gone"]])
def test_last_way_in_stays_linked(client, anna, provider, others) -> None:
    anna.set_unusable_password()
    anna.save()
    linked = SocialAccount.objects.create(user=anna, provider="google", uid="1", extra_data={})
    for name in others:
        SocialAccount.objects.create(user=anna, provider=name, uid="1", extra_data={})
    client.force_login(anna)

    client.post(reverse("accounts:provider_unlink", args=[linked.pk]))

    assert SocialAccount.objects.filter(pk=linked.pk).exists()
    assert b"This is your only way in. Set a password first" in client.get(SIGN_IN).content
    assert AuditEntry.objects.get(action="user.login_method_kept").details == {"provider": "google"}


def test_one_of_two_providers_may_go_without_a_password(client, anna, provider) -> None:
    anna.set_unusable_password()
    anna.save()
    linked = SocialAccount.objects.create(user=anna, provider="google", uid="1", extra_data={})
    SocialAccount.objects.create(user=anna, provider="sso", uid="1", extra_data={})
    client.force_login(anna)

    client.post(reverse("accounts:provider_unlink", args=[linked.pk]))

    assert list(SocialAccount.objects.values_list("provider", flat=True)) == ["sso"]


def test_strangers_link_is_not_found(client, anna, provider) -> None:
    linked = SocialAccount.objects.create(user=UserFactory(), provider="google", uid="1")
    client.force_login(anna)

    assert client.post(reverse("accounts:provider_unlink", args=[linked.pk])).status_code == 404


def test_e_mails_are_added_confirmed_and_made_the_main_one(anna, mailoutbox) -> None:
    browser = signed_in(anna)
    page = reverse("account_email")

    prove(browser, browser.post(page, {"action_add": "1", "email": "Anna.Kim@example.com"}))
    browser.post(mailoutbox[0].body.partition("http://testserver")[2].split()[0])
    browser.post(page, {"action_primary": "1", "email": "anna.kim@example.com"})
    browser.post(page, {"action_remove": "1", "email": "anna@example.com"})

    anna.refresh_from_db()
    assert anna.email == "anna.kim@example.com"
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [
        ("anna.kim@example.com", True, True)
    ]


def test_login_of_another_account_cannot_be_taken_as_ones_own(anna) -> None:
    UserFactory(email="boris@example.com")
    EmailAddress.objects.create(user=anna, email="boris@example.com", verified=True)
    browser = signed_in(anna)
    page = reverse("account_email")

    response = prove(browser, browser.post(page, {"action_primary": "1", "email": "boris@example.com"}))

    anna.refresh_from_db()
    assert (response["Location"], anna.email) == (page, "anna@example.com")
    assert EmailAddress.objects.get(user=anna, primary=True).email == "anna@example.com"
    assert b"Another account signs in with this e-mail." in browser.get(page).content


def test_letter_to_the_login_of_another_account_confirms_nothing(anna, mailoutbox) -> None:
    UserFactory(email="boris@example.com")
    address = EmailAddress.objects.create(user=anna, email="boris@example.com")
    browser = signed_in(anna)

    browser.post(reverse("account_email"), {"action_send": "1", "email": "boris@example.com"})
    browser.post(mailoutbox[0].body.partition("http://testserver")[2].split()[0])

    address.refresh_from_db()
    assert not address.verified


@pytest.mark.parametrize("path", [PROFILE, SIGN_IN])
def test_settings_are_for_people_who_are_signed_in(client, path) -> None:
    assert client.get(path)["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("name", ["mfa_index", "socialaccount_connections", "usersessions_list"])
def test_bare_pages_of_the_library_lead_to_ours(client, anna, name) -> None:
    client.force_login(anna)

    assert client.get(reverse(name))["Location"] == SIGN_IN


def test_settings_are_in_the_sidebar_and_their_tab_is_marked(client, anna) -> None:
    client.force_login(anna)

    for path in (SIGN_IN, reverse("account_email"), reverse("account_change_password")):
        page = client.get(path).content.decode()
        assert f'href="{SIGN_IN}" aria-current="page"' in page
        assert f'href="{PROFILE}" aria-current="page"' in page  # the sidebar's item


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", PROFILE),
        ("post", "/settings/sign-in/sessions/end/"),
        ("post", "/settings/tokens/"),
        ("post", "/settings/notifications/webhooks/"),
        ("get", "/accounts/password/set/"),
        ("post", "/accounts/password/set/"),
        ("get", "/accounts/2fa/totp/activate/"),
        ("post", "/accounts/email/"),
        ("post", f"{GOOGLE}?process=connect"),
    ],
)
def test_account_of_the_demo_stays_as_it_is(client, provider, settings, method, path) -> None:
    settings.DEMO_MODE = True
    services.ensure_demo(organization_name="Demo")
    client.post("/accounts/demo/")
    assert client.get(SIGN_IN).status_code == 200

    response = getattr(client, method)(path)

    assert response.status_code == 403
    assert b"Everybody uses the demo" in response.content


def much_of_everything(user: User, count: int) -> None:
    for number in range(count):
        EmailAddress.objects.create(user=user, email=f"anna{number}@example.com", verified=True)
        SocialAccount.objects.create(user=user, provider="google", uid=str(number), extra_data={})
        Authenticator.objects.create(
            user=user, type=Authenticator.Type.WEBAUTHN, data={"name": f"Key {number}", "credential": {}}
        )
        signed_in_elsewhere(user, number)


def signed_in_elsewhere(user: User, number: int) -> None:
    browser = Client()
    browser.force_login(user)
    UserSession.objects.create(
        user=user, ip="203.0.113.1", user_agent=CHROME, session_key=browser.session.session_key
    )


FRAME = 4
"""Session, person, memberships, the sidebar's counts."""


@pytest.mark.parametrize("count", [1, 11])
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        (PROFILE, FRAME),
        (SIGN_IN, FRAME + 6),  # providers' rows, linked accounts, e-mails, factors, sign-ins, their sessions
        ("/accounts/email/", FRAME + 3),  # is the login among the rows, the rows, may there be more
        ("/accounts/2fa/webauthn/", FRAME + 1),
        ("/accounts/password/change/", FRAME),
    ],
)
def test_queries_do_not_grow(client, anna, provider, path, queries, count, django_assert_num_queries) -> None:
    much_of_everything(anna, count)
    client.force_login(anna)
    client.get("/settings/profile/")

    with django_assert_num_queries(queries):
        assert client.get(path).status_code == 200
