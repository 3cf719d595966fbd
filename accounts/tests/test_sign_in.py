"""E-mail and password: confirmation, reset, first password, limits on guessing, and no hint whom the site knows."""

from __future__ import annotations

import re
from functools import partial
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth import hashers
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEntry
from accounts.models import User
from accounts.services import INVITATION_KEY
from accounts.tests.factories import PASSWORD, InvitationFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
SIGNUP = "/accounts/signup/"
RESET = "/accounts/password/reset/"
NEW = "another long passphrase"


@pytest.fixture
def mail_works(settings: Any) -> None:
    """As with a mail server: addresses are to be confirmed, and changes are told by letter."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False


def known(email: str = "anna@example.com") -> User:
    user: User = MembershipFactory(user__email=email).user
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def sign_up(client: Any, email: str, **more: str) -> Any:
    return client.post(SIGNUP, {"email": email, "password1": PASSWORD, "password2": PASSWORD, **more})


def sign_in(client: Any, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post(LOGIN, {"login": email, "password": password}, **more)


def link_in(letter: Any) -> str:
    found = re.search(r"http://testserver(/\S+)", letter.body)
    assert found, letter.body
    return found[1]


def hashed(work: Any) -> int:
    """How many passwords are hashed meanwhile: what an answer's time is made of."""
    with patch.object(hashers.MD5PasswordHasher, "encode", autospec=True) as encode:
        encode.side_effect = lambda self, password, salt: f"md5${salt}${'0' * 32}"
        work()
    return int(encode.call_count)


@pytest.mark.usefixtures("mail_works")
def test_newcomer_confirms_the_e_mail_before_the_first_sign_in(client, mailoutbox) -> None:
    response = sign_up(client, "New@Example.com")
    assert response["Location"] == reverse("account_email_verification_sent")
    assert sign_in(client, "new@example.com")["Location"] == reverse("account_email_verification_sent")

    page = link_in(mailoutbox[0])
    assert b"Is new@example.com yours?" in client.get(page).content
    assert client.post(page).status_code == 302
    sign_in(client, "new@example.com")

    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


@pytest.mark.usefixtures("mail_works")
@pytest.mark.parametrize("path", ["/accounts/confirm-email/nonsense/", "/accounts/password/reset/key/1-x-y/"])
def test_link_that_no_longer_works_says_so(client, path) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert b"The link no longer works" in response.content


@pytest.mark.usefixtures("mail_works")
def test_known_and_unknown_e_mail_get_the_same_answers(client, mailoutbox) -> None:
    known()
    doors = [
        (SIGNUP, {"email": "{}", "password1": NEW, "password2": NEW}),
        (RESET, {"email": "{}"}),
        (LOGIN, {"login": "{}", "password": "a guess"}),
    ]
    for door, form in doors:
        answers = []
        for email in ("anna@example.com", "nobody@example.com"):
            client.cookies.clear()
            sent = {name: value.format(email) for name, value in form.items()}
            response = client.post(door, sent, follow=True)
            page = re.sub(
                r'name="csrfmiddlewaretoken" value="\w+"|x-csrftoken": "\w+"', "", response.content.decode()
            )
            answers.append((response.redirect_chain, response.status_code, page.replace(email, "")))
        assert answers[0] == answers[1]

    assert (
        sorted(letter.to[0] for letter in mailoutbox) == ["anna@example.com"] * 2 + ["nobody@example.com"] * 2
    )


@pytest.mark.usefixtures("mail_works")
def test_known_and_unknown_e_mail_take_as_much_hashing(client) -> None:
    known()
    deserted = UserFactory(email="google@example.com")
    deserted.set_unusable_password()
    deserted.save()
    guesses = [
        hashed(partial(sign_in, client, email, "a guess"))
        for email in ("anna@example.com", "google@example.com", "nobody@example.com")
    ]
    assert len(set(guesses)) == 1
    client.cookies.clear()
    assert hashed(lambda: sign_up(client, "anna@example.com")) == hashed(
        lambda: sign_up(client, "x@example.com")
    )


def test_account_is_held_back_after_five_failures_wherever_they_come_from(client) -> None:
    user = known()

    for attempt in range(5):
        sign_in(
            client,
            user.email,
            "a guess",
            REMOTE_ADDR=f"203.0.113.{attempt}",
            headers={"host": f"testserver:{attempt}"},
        )
    right = sign_in(client, user.email, REMOTE_ADDR="203.0.113.99")
    other = known("boris@example.com")
    sign_in(client, other.email)

    assert b"Too many failed" in right.content
    assert client.session["_auth_user_id"] == str(other.pk)
    assert AuditEntry.objects.get(action="sign_in.limited").details == {"email": "anna@example.com"}
    client.logout()
    with time_machine.travel("2036-01-01"):
        sign_in(client, user.email)
        assert client.session["_auth_user_id"] == str(user.pk)


def test_address_is_held_back_after_ten_failures_whoever_is_tried(client) -> None:
    user = known()

    for attempt in range(10):
        sign_in(client, f"person{attempt}@example.com", "a guess")
    held = sign_in(client, user.email)
    sign_in(client, user.email, REMOTE_ADDR="203.0.113.1")

    assert b"Too many failed" in held.content
    assert client.session["_auth_user_id"] == str(user.pk)


def test_limits_are_kept_where_a_restart_leaves_them(client, settings) -> None:
    """The cache of embedded mode: a table, which `serve` makes."""
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "infrazen_cache"}
    }
    call_command("createcachetable", verbosity=0)
    user = known()
    for _attempt in range(5):
        sign_in(client, user.email, "a guess")

    settings.CACHES = {**settings.CACHES}  # a new connection to the cache, as in a new process

    assert b"Too many failed" in sign_in(client, user.email).content


def test_too_many_requests_are_told_in_our_words(client) -> None:
    for _request in range(30):
        sign_in(client, "nobody@example.com", "a guess")

    for _request in range(2):
        response = sign_in(client, "nobody@example.com", "a guess")
        assert response.status_code == 429
        assert b"Too many attempts" in response.content

    entry = AuditEntry.objects.get(
        action="address.limited"
    )  # one, however often: strangers must not fill the trail
    assert (entry.ip, entry.details) == ("127.0.0.1", {"page": LOGIN})


@pytest.mark.usefixtures("mail_works")
def test_forgotten_password_is_replaced_and_other_browsers_are_signed_out(client, mailoutbox) -> None:
    user = known()
    elsewhere = Client()
    elsewhere.force_login(user)

    client.post(RESET, {"email": "anna@example.com"})
    page = client.get(link_in(mailoutbox[0]))["Location"]
    assert b"New password" in client.get(page).content
    weak = client.post(page, {"password1": "12345", "password2": "12345"})
    done = client.post(page, {"password1": NEW, "password2": NEW})

    assert b"field-error" in weak.content
    assert b"The password is set" in client.get(done["Location"]).content
    assert elsewhere.get("/")["Location"].startswith(LOGIN)
    sign_in(client, user.email, NEW)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert [letter.subject for letter in mailoutbox][1:] == ["InfraZen: Password Reset"]
    assert b"no longer works" in client.get(link_in(mailoutbox[0]), follow=True).content


@pytest.mark.usefixtures("mail_works")
def test_person_without_a_password_sets_the_first_one(client, mailoutbox) -> None:
    user = known()
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    assert client.get(reverse("account_change_password"))["Location"] == reverse("account_set_password")

    response = client.post(reverse("account_set_password"), {"password1": NEW, "password2": NEW})

    user.refresh_from_db()
    assert response["Location"] == reverse("accounts:settings_sign_in")
    assert user.check_password(NEW)
    assert client.get(response["Location"]).status_code == 200
    assert [letter.subject for letter in mailoutbox] == ["InfraZen: Password Set"]


def test_password_is_changed_by_whoever_knows_it(client) -> None:
    user = known()
    client.force_login(user)
    page = reverse("account_change_password")

    wrong = client.post(page, {"oldpassword": "a guess", "password1": NEW, "password2": NEW})
    right = client.post(page, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

    user.refresh_from_db()
    assert (wrong.status_code, right["Location"]) == (200, reverse("accounts:settings_sign_in"))
    assert user.check_password(NEW)
    assert client.get(right["Location"]).status_code == 200  # this browser stays signed in


def test_closed_sign_up_opens_for_the_invited_e_mail_alone(client, settings) -> None:
    settings.SIGNUP_OPEN = False
    assert b"by invitation" in client.get(SIGNUP).content
    session = client.session
    session[INVITATION_KEY] = InvitationFactory(email="anna@example.com").token_hash
    session.save()

    another = sign_up(client, "boris@example.com")
    assert b"The invitation is for another e-mail." in another.content
    sign_up(client, "anna@example.com")

    assert User.objects.filter(email="anna@example.com").exists()
    assert not User.objects.filter(email="boris@example.com").exists()


def test_sign_in_page_offers_registration_where_it_is_open(client, settings) -> None:
    assert SIGNUP.encode() in client.get(LOGIN).content
    settings.SIGNUP_OPEN = False
    assert SIGNUP.encode() not in client.get(LOGIN).content


def test_super_admin_of_the_command_needs_no_letter(client, settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    with patch.dict("os.environ", {"INFRAZEN_ADMIN_PASSWORD": NEW}):
        call_command("create_super_admin", "root@example.com", stdout=StringIO())

    sign_in(client, "root@example.com", NEW)

    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


@pytest.mark.parametrize("accounts", [1, 11])
def test_sign_in_page_costs_one_query(client, accounts, django_assert_num_queries) -> None:
    for number in range(accounts):
        UserFactory(email=f"person{number}@example.org")

    with django_assert_num_queries(1):  # allauth's rows of providers
        assert client.get(LOGIN).status_code == 200
