"""The second factor: set up, asked for, held against guessing, kept as ciphertext, required of administrators."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from importlib import import_module
from typing import Any

import pytest
import time_machine
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEntry
from accounts.models import User
from accounts.tests.factories import PASSWORD, MembershipFactory
from accounts.tests.security_key import KEY_ID, with_key

pytestmark = pytest.mark.django_db

NOON = "2026-11-21T12:00:00+00:00"
LOGIN = "/accounts/login/"
SIGN_IN = "/settings/sign-in/"
AUTHENTICATE = "/accounts/2fa/authenticate/"
ACTIVATE = "/accounts/2fa/totp/activate/"


@pytest.fixture
def anna() -> User:
    user: User = MembershipFactory(user__email="anna@example.com").user
    return user


def code(secret: str) -> str:
    """What the app shows."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def with_app(user: User) -> str:
    """Sets the authenticator app up; returns its secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def prove(browser: Client, path: str) -> Any:
    """Opens a page that asks for the password first, and enters it."""
    asked = browser.get(path)["Location"]
    assert asked.startswith(reverse("account_reauthenticate"))
    return browser.post(asked, {"password": PASSWORD})


def password_step(client: Client) -> None:
    response = client.post(LOGIN, {"login": "anna@example.com", "password": PASSWORD})
    assert response["Location"] == AUTHENTICATE
    assert "_auth_user_id" not in client.session


def test_app_is_set_up_after_the_password_and_asked_for_at_the_next_sign_in(client, anna) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client.force_login(anna)
        assert prove(client, ACTIVATE)["Location"] == ACTIVATE
        page = client.get(ACTIVATE)
        secret = page.context["form"].secret
        assert b"data:image/svg+xml;base64," in page.content
        wrong = client.post(ACTIVATE, {"code": "000000"})
        assert b"field-error" in wrong.content
        done = client.post(ACTIVATE, {"code": code(secret)})
        assert done["Location"] == reverse("mfa_view_recovery_codes")
        assert len(client.get(done["Location"]).context["unused_codes"]) == 10
        client.logout()

        clock.shift(60)
        password_step(client)
        client.post(AUTHENTICATE, {"code": code(secret)})

    assert client.session["_auth_user_id"] == str(anna.pk)


def test_code_is_good_once(client, anna) -> None:
    secret = with_app(anna)
    with time_machine.travel(NOON, tick=False):
        shown = code(secret)
        password_step(client)
        client.post(AUTHENTICATE, {"code": shown})
        client.logout()
        password_step(client)
        again = client.post(AUTHENTICATE, {"code": shown})

    assert b"Incorrect code." in again.content
    assert "_auth_user_id" not in client.session


def test_recovery_code_opens_once(client, anna) -> None:
    with_app(anna)
    recovery = RecoveryCodes.activate(anna).generate_codes()[0]

    for is_in in (True, False):
        password_step(client)
        client.post(AUTHENTICATE, {"code": recovery})
        assert ("_auth_user_id" in client.session) is is_in
        client.logout()


def test_guessing_codes_is_stopped(client, anna) -> None:
    secret = with_app(anna)
    with time_machine.travel(NOON, tick=False):
        password_step(client)
        for guess in range(5):
            client.post(AUTHENTICATE, {"code": f"00000{guess}"})
        right = client.post(AUTHENTICATE, {"code": code(secret)})

    assert b"Too many failed" in right.content
    assert "_auth_user_id" not in client.session


def test_app_is_turned_off_after_the_password(client, anna) -> None:
    with_app(anna)
    RecoveryCodes.activate(anna)
    client.force_login(anna)
    page = reverse("mfa_deactivate_totp")
    assert prove(client, page)["Location"] == page

    client.post(page)

    assert not Authenticator.objects.exists()
    assert b"A code from your phone beside the password" in client.get(SIGN_IN).content


def test_recovery_codes_are_shown_after_the_password_and_downloaded(
    client, anna, django_capture_on_commit_callbacks
) -> None:
    with_app(anna)
    codes = RecoveryCodes.activate(anna).generate_codes()
    client.force_login(anna)
    page = reverse("mfa_view_recovery_codes")

    prove(client, page)
    shown = client.get(page).content.decode()
    file = client.get(reverse("mfa_download_recovery_codes"))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_generate_recovery_codes"))

    assert all(code in shown for code in codes)
    assert (file["Content-Type"], file.content.decode().split()) == ("text/plain", codes)
    assert set(client.get(page).context["unused_codes"]).isdisjoint(codes)
    told = AuditEntry.objects.filter(object_id=str(anna.pk)).order_by("pk")
    assert [action for action in told.values_list("action", flat=True) if action != "user.signed_in"] == [
        "user.recovery_codes_viewed",
        "user.recovery_codes_downloaded",
        "user.factor_reset",
        "user.recovery_codes_viewed",
    ]
    assert not any(code in str(entry.__dict__) for entry in told for code in codes)


def answer(**parts: object) -> dict[str, object]:
    """A credential in shape, with parts that no browser sends."""
    names = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
    response = {**dict.fromkeys(names, "e30"), "userHandle": "MQ", **parts}
    return {"id": "eA", "rawId": "eA", "type": "public-key", "response": response}


MADE_UP = [
    answer(),
    answer(clientDataJSON=7),
    answer(clientDataJSON="W10"),
    answer(attestationObject="oQ"),
    answer(attestationObject="o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUE"),
    answer(attestationObject=""),
    answer(authenticatorData=""),
    answer(userHandle=7),
    answer(userHandle="_w"),
    answer(userHandle=None),
    {},
    [],
    "text",
    7,
    {"id": "x"},
    {"id": "eA", "rawId": "eA", "response": {}, "type": "public-key"},
    {"id": "eA", "rawId": "eB", "response": {}, "type": "public-key"},
    {"id": "eA", "rawId": "eA", "response": 7, "type": "public-key"},
]


def words(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_key_whose_signature_is_wrong_is_refused(client, anna) -> None:
    with_key(anna)
    door = "/accounts/2fa/webauthn/login/"
    options = client.get(door, headers={"accept": "application/json"}, secure=True).json()["request_options"]
    asked = {
        "type": "webauthn.get",
        "challenge": options["publicKey"]["challenge"],
        "origin": "https://testserver",
    }
    answer = {
        "clientDataJSON": words(json.dumps(asked).encode()),
        "authenticatorData": words(hashlib.sha256(b"testserver").digest() + b"\x05\x00\x00\x00\x01"),
        "signature": words(b"0\x06\x02\x01\x01\x02\x01\x01"),
        "userHandle": words(user_pk_to_url_str(anna).encode()),
    }
    credential = {"id": KEY_ID, "rawId": KEY_ID, "type": "public-key", "response": answer}

    response = client.post(door, {"credential": json.dumps(credential)}, secure=True)

    assert response["Location"] == LOGIN
    assert "_auth_user_id" not in client.session
    assert b"Incorrect code." in client.get(LOGIN).content


@pytest.mark.parametrize("credential", MADE_UP)
def test_made_up_key_is_refused(client, anna, credential) -> None:
    with_key(anna)
    made_up = {"credential": json.dumps(credential)}
    client.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"})

    assert client.post("/accounts/2fa/webauthn/login/", made_up)["Location"] == LOGIN
    password_step(client)
    client.get(AUTHENTICATE)
    assert client.post(AUTHENTICATE, made_up).status_code == 200
    assert "_auth_user_id" not in client.session
    client.force_login(anna)
    page = reverse("mfa_add_webauthn")
    prove(client, page)
    client.get(page)
    assert client.post(page, {"name": "Another", **made_up}).status_code == 200

    assert Authenticator.objects.count() == 1


def test_passkey_is_renamed_and_the_trail_says_so(client, anna) -> None:
    key = with_key(anna)
    client.force_login(anna)
    page = reverse("mfa_edit_webauthn", args=[key.pk])
    prove(client, page)

    client.post(page, {"name": "Key"})
    assert not AuditEntry.objects.filter(action="user.factor_renamed").exists()
    client.post(page, {"name": "Blue key"})

    key.refresh_from_db()
    assert key.wrap().name == "Blue key"
    assert AuditEntry.objects.get(action="user.factor_renamed").changes == {"name": ["Key", "Blue key"]}


def test_secrets_are_ciphertext_and_follow_the_keys(anna, settings) -> None:
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    secret = with_app(anna)
    codes = RecoveryCodes.activate(anna).generate_codes()
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        stored = " ".join(str(row[0]) for row in cursor.fetchall())
    assert secret not in stored
    assert "gAAAA" in stored

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    call_command("rotate_credentials", verbosity=0)

    settings.FIELD_ENCRYPTION_KEYS = [new]
    app, recovery = (Authenticator.objects.get(type=kind) for kind in ("totp", "recovery_codes"))
    assert recovery.wrap().generate_codes() == codes
    with time_machine.travel(NOON, tick=False):
        assert app.wrap().validate_code(code(secret))
    settings.FIELD_ENCRYPTION_KEYS = [old]
    with pytest.raises(InvalidToken):
        app.wrap().validate_code("000000")


def test_secrets_from_before_become_ciphertext_and_back(anna) -> None:
    migration = import_module("accounts.migrations.0005_second_factors_are_ciphertext")
    plain = {"totp": {"secret": "JBSWY3DPEHPK3PXP"}, "recovery_codes": {"seed": "0" * 80, "used_mask": 3}}
    for kind, data in plain.items():
        Authenticator.objects.create(user=anna, type=kind, data=data)

    for _run in range(2):
        migration.encrypt(apps, None)
    assert "JBSWY3DPEHPK3PXP" not in str(list(Authenticator.objects.values_list("data", flat=True)))
    assert len(Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()) == 8
    migration.decrypt(apps, None)

    assert dict(Authenticator.objects.values_list("type", "data")) == plain


@pytest.fixture
def administrator(anna, settings) -> User:
    settings.ADMIN_MFA_REQUIRED = True
    anna.is_staff = anna.is_superuser = True
    anna.save()
    return anna


def test_administrator_without_a_second_factor_is_led_to_set_one_up(client, administrator) -> None:
    client.force_login(administrator)

    for path in ("/admin/", "/admin/accounts/user/"):
        assert client.get(path)["Location"] == SIGN_IN
    assert client.post("/admin/accounts/user/add/", {})["Location"] == SIGN_IN
    page = client.get(SIGN_IN).content
    assert b"Until you set one up here, it stays closed to you." in page
    assert client.get("/").status_code == 200


@pytest.mark.django_db(transaction=True)  # allauth tells of the new factor after the commit
def test_administrator_who_sets_one_up_is_let_in(client, administrator) -> None:
    with time_machine.travel(NOON, tick=False):
        client.force_login(administrator)
        prove(client, ACTIVATE)
        secret = client.get(ACTIVATE).context["form"].secret
        client.post(ACTIVATE, {"code": code(secret)})

        assert client.get("/admin/").status_code == 200


def test_administrator_who_signed_in_with_it_is_let_in(client, administrator) -> None:
    with_app(administrator)
    recovery = RecoveryCodes.activate(administrator).generate_codes()[0]
    password_step(client)
    client.post(AUTHENTICATE, {"code": recovery})

    assert client.get("/admin/").status_code == 200


def test_session_from_before_the_second_factor_is_asked_for_it(client, administrator) -> None:
    client.force_login(administrator)
    secret = with_app(administrator)

    asked = client.get("/admin/accounts/user/")["Location"]
    assert asked == f"{reverse('mfa_reauthenticate')}?next=%2Fadmin%2Faccounts%2Fuser%2F"
    with time_machine.travel(NOON, tick=False):
        back = client.post(asked, {"code": code(secret)})

    assert back["Location"] == "/admin/accounts/user/"
    assert client.get(back["Location"]).status_code == 200


def test_session_from_before_a_key_is_asked_for_the_key(client, administrator) -> None:
    client.force_login(administrator)
    with_key(administrator)

    assert client.get("/admin/")["Location"].startswith(reverse("mfa_reauthenticate_webauthn"))


def test_recovery_codes_alone_are_no_second_factor(client, administrator) -> None:
    RecoveryCodes.activate(administrator)
    client.force_login(administrator)

    assert client.get("/admin/")["Location"] == SIGN_IN


def test_administrator_may_leave_without_a_second_factor(client, administrator) -> None:
    client.force_login(administrator)

    client.post("/admin/logout/")

    assert "_auth_user_id" not in client.session


def test_nobody_is_asked_where_it_is_not_required(client, administrator, settings) -> None:
    settings.ADMIN_MFA_REQUIRED = False
    client.force_login(administrator)

    assert client.get("/admin/").status_code == 200


def test_others_meet_the_admins_own_door(client, anna, settings) -> None:
    settings.ADMIN_MFA_REQUIRED = True
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    client.force_login(anna)

    assert client.get("/admin/")["Location"].startswith("/admin/login/")


def test_requirement_costs_one_query(client, administrator, settings, django_assert_num_queries) -> None:
    with_app(administrator)
    client.force_login(administrator)
    session = client.session
    session["second_factor_made_by"] = administrator.pk
    session.save()

    with django_assert_num_queries(3):  # session, person, factors
        assert client.get("/admin/jsi18n/").status_code == 200
    settings.ADMIN_MFA_REQUIRED = False
    with django_assert_num_queries(2):
        client.get("/admin/jsi18n/")
