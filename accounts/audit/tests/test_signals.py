"""Signing in, failing to, and everything about the security of an account."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse

from accounts.audit.models import AuditEntry, Door
from accounts.tests.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def _actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def _person(email: str = "anna@example.com"):
    user = MembershipFactory(user__email=email).user
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def test_signing_in_and_out(client) -> None:
    user = _person()

    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_logout"))

    came, went = AuditEntry.objects.order_by("pk")
    assert (came.action, went.action) == ("user.signed_in", "user.signed_out")
    assert (came.actor_id, went.actor_id) == (user.pk, user.pk)
    assert (came.ip, came.door) == ("127.0.0.1", Door.PAGE)


@pytest.mark.parametrize("email", ["anna@example.com", "nobody@example.com"])
def test_a_failure_keeps_the_e_mail_and_never_the_password(client, email) -> None:
    _person()

    client.post(reverse("account_login"), {"login": email, "password": "a wrong guess"})

    entry = AuditEntry.objects.get(action="user.sign_in_failed")
    assert (entry.actor_email, entry.actor_id, entry.ip) == (email, None, "127.0.0.1")
    assert "a wrong guess" not in str(entry.__dict__)


def test_a_changed_password(client) -> None:
    user = _person()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})

    client.post(
        reverse("account_change_password"),
        {
            "oldpassword": PASSWORD,
            "password1": "another long passphrase",
            "password2": "another long passphrase",
        },
    )

    entry = AuditEntry.objects.get(action="user.password_changed")
    assert entry.actor_id == user.pk
    assert "passphrase" not in str(entry.__dict__)


def test_a_password_that_an_administrator_sets(client) -> None:
    user = _person()
    client.force_login(UserFactory(super_admin=True, email="boss@example.com"))

    client.post(
        f"/admin/accounts/user/{user.pk}/password/",
        {"password1": "another long passphrase", "password2": "another long passphrase"},
    )

    entry = AuditEntry.objects.get(action="admin.changed")
    assert (entry.actor_email, entry.object_name, entry.door) == ("boss@example.com", user.email, Door.ADMIN)
    assert entry.changes == {"password": ["•••", "•••"]}


def test_a_second_factor_that_an_administrator_removes(client) -> None:
    user = _person()
    factor = Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": "JBSWY3DP"}
    )
    client.force_login(UserFactory(super_admin=True))

    client.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"})

    entry = AuditEntry.objects.get(action="admin.deleted")
    assert (entry.object_type, entry.object_id) == ("mfa.authenticator", str(factor.pk))
    assert "JBSWY3DP" not in str(entry.__dict__)


def test_signing_up(client) -> None:
    client.post(
        reverse("account_signup"),
        {"email": "new@example.com", "password1": "a long passphrase", "password2": "a long passphrase"},
    )

    assert "user.signed_up" in _actions()


def test_every_signal_has_its_receiver() -> None:
    """The receivers of rarer signals, sent by hand: a changed signature would stop the person's deed."""
    from allauth.account import signals as account
    from allauth.mfa import signals as mfa
    from allauth.socialaccount import signals as social
    from allauth.socialaccount.models import SocialAccount, SocialLogin
    from django.test import RequestFactory

    user = _person()
    address = EmailAddress(user=user, email="second@example.com")
    factor = Authenticator(user=user, type=Authenticator.Type.RECOVERY_CODES)
    google = SocialAccount(user=user, provider="google", uid="1")
    request = RequestFactory().get("/accounts/")
    request.user, request.session = user, SessionStore()
    shared = {"sender": None, "request": request}

    account.password_set.send(**shared, user=user)
    account.password_reset.send(**shared, user=user)
    account.email_added.send(**shared, user=user, email_address=address)
    account.email_changed.send(
        **shared, user=user, from_email_address=EmailAddress(email="a@example.com"), to_email_address=address
    )
    account.email_removed.send(**shared, user=user, email_address=address)
    account.email_confirmed.send(**shared, email_address=address)
    mfa.authenticator_added.send(**shared, user=user, authenticator=factor)
    mfa.authenticator_reset.send(**shared, user=user, authenticator=factor)
    mfa.authenticator_removed.send(**shared, user=user, authenticator=factor)
    mfa.authentication_failed.send(**shared, user=user, authenticator=None, reauthentication=False)
    social.social_account_added.send(**shared, sociallogin=SocialLogin(user=user, account=google))
    social.social_account_removed.send(**shared, socialaccount=google)

    assert _actions() == [
        "user.password_set",
        "user.password_reset",
        "user.email_added",
        "user.email_changed",
        "user.email_removed",
        "user.email_confirmed",
        "user.factor_added",
        "user.factor_reset",
        "user.factor_removed",
        "user.factor_failed",
        "user.login_method_added",
        "user.login_method_removed",
    ]
    assert AuditEntry.objects.get(action="user.email_changed").changes == {
        "email": ["a@example.com", "second@example.com"]
    }
