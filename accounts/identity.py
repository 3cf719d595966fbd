"""Who may vouch for a person at the sign-in: out of the environment, in the shape that allauth reads.

Imported by the settings, so nothing of the apps may be imported when this module loads.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

SSO_PROVIDER = "sso"
"""Id of the one OpenID Connect provider of this site: in its addresses (`/accounts/oidc/sso/…`) and in its accounts."""

GOOGLE_ORIGIN = "https://accounts.google.com"
YANDEX_ORIGINS = ("https://oauth.yandex.com", "https://oauth.yandex.ru", "https://passport.yandex.ru")

SIGN_IN_LIMITS = {
    # Failed passwords, codes and passkeys: an address may try many accounts no more than one account many times
    "login_failed": "10/m/ip,60/h/ip,5/5m/key",
    "login": "30/m/ip",
    "signup": "20/m/ip",
    # A letter a key: nobody's mailbox is flooded
    "reset_password": "20/m/ip,5/h/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "confirm_email": "1/3m/key",
}
"""Per `ip` and `user` what they say, per `key` the e-mail; see allauth's ACCOUNT_RATE_LIMITS."""

_FORMS = "accounts.forms_sign_in"
SIGN_IN_FORMS = {
    "login": f"{_FORMS}.LoginForm",
    "signup": f"{_FORMS}.SignupForm",
    "reset_password": f"{_FORMS}.ResetPasswordForm",
    "reset_password_from_key": f"{_FORMS}.ResetPasswordKeyForm",
    "change_password": f"{_FORMS}.ChangePasswordForm",
    "set_password": f"{_FORMS}.SetPasswordForm",
    "add_email": f"{_FORMS}.AddEmailForm",
    "reauthenticate": f"{_FORMS}.ReauthenticateForm",
}
_FACTOR_FORMS = "accounts.forms_second_factor"
SECOND_FACTOR_FORMS = {
    "authenticate": f"{_FACTOR_FORMS}.AuthenticateForm",
    "reauthenticate": f"{_FACTOR_FORMS}.ReauthenticateForm",
    "activate_totp": f"{_FACTOR_FORMS}.ActivateTOTPForm",
    "add_webauthn": f"{_FACTOR_FORMS}.AddPasskeyForm",
    "edit_webauthn": f"{_FACTOR_FORMS}.EditPasskeyForm",
    "authenticate_webauthn": f"{_FACTOR_FORMS}.AuthenticateKeyForm",
    "login_webauthn": f"{_FACTOR_FORMS}.LoginKeyForm",
    "reauthenticate_webauthn": f"{_FACTOR_FORMS}.ReauthenticateKeyForm",
}
"""Our words on allauth's forms: ACCOUNT_FORMS and MFA_FORMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What a provider knows this site by."""

    client_id: str
    secret: str

    def __bool__(self) -> bool:
        return bool(self.client_id and self.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIDServer:
    """An OpenID Connect provider: a company's single sign-on, Keycloak, any other with a discovery document.

    `trusted_domains`: e-mail addresses there count as confirmed where the provider does not say; "*" is all of them.
    `origins`: further ones on the way to the sign-in, where the provider itself sends people on.
    """

    url: str
    client: Client
    name: str
    trusted_domains: Sequence[str] = ()
    origins: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.url and self.client)


def identity_providers(*, google: Client, yandex: Client, server: OpenIDServer) -> dict[str, dict[str, Any]]:
    """SOCIALACCOUNT_PROVIDERS: only what has its keys is offered. Raises ImproperlyConfigured for plain HTTP."""
    if server:
        _require_https(server.url)
    return {
        "google": {
            "SCOPE": ["profile", "email"],
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [{"client_id": google.client_id, "secret": google.secret}] if google else [],
        },
        "yandex": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [{"client_id": yandex.client_id, "secret": yandex.secret}] if yandex else [],
        },
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [_server_app(server)] if server else []},
    }


def form_targets(*, google: Client, yandex: Client, server: OpenIDServer) -> list[str]:
    """Origins that a form's answer may lead to: a browser checks redirects after a form too."""
    found: list[str] = []
    if google:
        found.append(GOOGLE_ORIGIN)
    if yandex:
        found.extend(YANDEX_ORIGINS)
    if server:
        found.extend([_origin(server.url), *(_origin(url) for url in server.origins)])
    return list(dict.fromkeys(found))


def _server_app(server: OpenIDServer) -> dict[str, Any]:
    trusted: bool | list[str] = "*" in server.trusted_domains or list(server.trusted_domains)
    return {
        "provider_id": SSO_PROVIDER,
        "name": server.name,
        "client_id": server.client.client_id,
        "secret": server.client.secret,
        "settings": {"server_url": server.url, "verified_email": trusted},
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _require_https(url: str) -> None:
    """A secret travels there; over plain HTTP only within this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise ImproperlyConfigured(
            f"OIDC_SERVER_URL is {url!r}; it must be the provider's address with https://, as in its "
            "discovery document without /.well-known/openid-configuration."
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
