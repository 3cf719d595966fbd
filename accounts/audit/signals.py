"""What signing in and the security of an account leave in the trail: receivers of Django's and allauth's signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.socialaccount import signals as social
from django.contrib.auth import signals as auth
from django.http import HttpRequest

from accounts.audit.services import record


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who somebody says to be and has not proved: an e-mail without a person."""

    email: str
    pk: None = None


def connect() -> None:
    """Called once the apps are ready."""
    for signal, receiver in (
        (auth.user_logged_in, signed_in),
        (auth.user_login_failed, sign_in_failed),
        (auth.user_logged_out, signed_out),
        (account.user_signed_up, signed_up),
        (account.password_set, password_set),
        (account.password_changed, password_changed),
        (account.password_reset, password_reset),
        (account.email_added, email_added),
        (account.email_removed, email_removed),
        (account.email_changed, email_changed),
        (account.email_confirmed, email_confirmed),
        (mfa.authenticator_added, factor_added),
        (mfa.authenticator_removed, factor_removed),
        (mfa.authenticator_reset, factor_reset),
        (mfa.authentication_failed, factor_failed),
        (social.social_account_added, login_method_added),
        (social.social_account_removed, login_method_removed),
    ):
        signal.connect(receiver, dispatch_uid=f"audit.{receiver.__name__}")


def signed_in(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Not when somebody begins or ends to act as somebody else: that is told by itself."""
    if not getattr(request, "is_changing_person", False):
        record("user.signed_in", actor=user, obj=user, request=request)


def sign_in_failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    typed = credentials.get("email") or credentials.get("username") or credentials.get("login") or ""
    record("user.sign_in_failed", actor=Claimed(email=str(typed)), request=request)


def signed_out(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Who signs out while acting as somebody ends that; the person themselves has not signed out."""
    impersonator = getattr(request, "impersonator", None)
    if getattr(request, "is_changing_person", False):
        return
    if impersonator:
        record("impersonation.ended", actor=impersonator, obj=user, request=request)
    elif user is not None:
        record("user.signed_out", actor=user, obj=user, request=request)


def signed_up(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    record("user.signed_up", actor=user, obj=user, request=request)


def password_set(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    record("user.password_set", actor=user, obj=user, request=request)


def password_changed(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    record("user.password_changed", actor=user, obj=user, request=request)


def password_reset(*, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    record("user.password_reset", actor=user, obj=user, request=request)


def email_added(*, request: HttpRequest, user: Any, email_address: Any, **kwargs: Any) -> None:
    record("user.email_added", obj=user, details={"address": email_address.email}, request=request)


def email_removed(*, request: HttpRequest, user: Any, email_address: Any, **kwargs: Any) -> None:
    record("user.email_removed", obj=user, details={"address": email_address.email}, request=request)


def email_changed(
    *, request: HttpRequest, user: Any, from_email_address: Any, to_email_address: Any, **kwargs: Any
) -> None:
    before = getattr(from_email_address, "email", None)
    record(
        "user.email_changed",
        obj=user,
        changes={"email": [before, to_email_address.email]},
        request=request,
    )


def email_confirmed(*, request: HttpRequest, email_address: Any, **kwargs: Any) -> None:
    record(
        "user.email_confirmed",
        obj=email_address.user,
        details={"address": email_address.email},
        request=request,
    )


def factor_added(*, request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    record("user.factor_added", obj=user, details={"kind": authenticator.type}, request=request)


def factor_removed(*, request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    record("user.factor_removed", obj=user, details={"kind": authenticator.type}, request=request)


def factor_reset(*, request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    record("user.factor_reset", obj=user, details={"kind": authenticator.type}, request=request)


def factor_failed(*, request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    """The password was right: an entry worth reading."""
    kind = getattr(authenticator, "type", None)
    record(
        "user.factor_failed",
        actor=Claimed(email=user.email),
        obj=user,
        details={"kind": kind},
        request=request,
    )


def login_method_added(*, request: HttpRequest, sociallogin: Any, **kwargs: Any) -> None:
    record(
        "user.login_method_added",
        obj=sociallogin.user,
        details={"provider": sociallogin.account.provider},
        request=request,
    )


def login_method_removed(*, request: HttpRequest, socialaccount: Any, **kwargs: Any) -> None:
    record(
        "user.login_method_removed",
        obj=socialaccount.user,
        details={"provider": socialaccount.provider},
        request=request,
    )
