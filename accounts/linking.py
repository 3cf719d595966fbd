"""When an account at a provider of identity opens, joins or makes an account here.

A provider's word counts only for an e-mail that it has confirmed. Then:

- nobody here has that e-mail: a new account is made;
- somebody has, and no password: the provider is linked, and signs them in;
- somebody has, and a password: they prove it first (`accounts.sign_in_pages.link_confirm`), then as above.

Once linked, the provider's own number for the person is what counts, whatever becomes of the e-mail.
"""

from __future__ import annotations

import time
from typing import Any

from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialLogin
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts import addresses
from accounts.models import User

PENDING_KEY = "pending_link"
PENDING_SECONDS = 600

CLAIMS = frozenset(
    {
        *("sub", "id", "email", "email_verified", "default_email", "preferred_username", "login"),
        *("name", "real_name", "display_name", "given_name", "first_name", "family_name", "last_name"),
        *("picture", "locale"),
    }
)
"""What is kept of a provider's profile; tokens, groups and whatever else it sends are not."""


def profile(extra_data: dict[str, Any]) -> dict[str, Any]:
    """The kept claims, flat: OpenID Connect nests them under `userinfo` or `id_token`."""
    nested = extra_data.get("userinfo") or extra_data.get("id_token")
    claims = nested if isinstance(nested, dict) else extra_data
    return {name: value for name, value in claims.items() if name in CLAIMS}


def confirmed_email(sociallogin: SocialLogin) -> str:
    """The e-mail that the provider has confirmed, in lower case; "" where there is none."""
    confirmed = (address for address in sociallogin.email_addresses if is_true(address.verified))
    return next((str(address.email).lower() for address in confirmed), "")


def is_true(claim: object) -> bool:
    """Some providers send booleans as words, and the word "false" is true to Python."""
    return claim is True or (isinstance(claim, str) and claim.lower() == "true")


def remember(request: HttpRequest, sociallogin: SocialLogin, owner: User) -> None:
    """Keeps the provider's answer in the session until its owner has proven the password."""
    request.session[PENDING_KEY] = {
        "owner": owner.pk,
        "login": sociallogin.serialize(),
        "at": time.time(),
    }


def pending(request: HttpRequest) -> tuple[SocialLogin, User] | None:
    """What `remember` kept, while it is fresh and its owner is there."""
    kept = request.session.get(PENDING_KEY)
    if not kept or time.time() - kept["at"] > PENDING_SECONDS:
        forget(request)
        return None
    owner = User.objects.filter(pk=kept["owner"], is_active=True).first()
    return (SocialLogin.deserialize(kept["login"]), owner) if owner else None


def forget(request: HttpRequest) -> None:
    request.session.pop(PENDING_KEY, None)


def link(request: HttpRequest, sociallogin: SocialLogin, owner: User) -> None:
    """From now on this account at the provider signs its owner in; its e-mail is confirmed by the same word."""
    with transaction.atomic():
        sociallogin.connect(request, owner)
        addresses.confirm(user=owner, email=confirmed_email(sociallogin))


def finish(request: HttpRequest) -> HttpResponse:
    """Links what is pending with its owner, who has proven the password, and signs them in as any linked account."""
    kept = request.session.pop(PENDING_KEY)
    link(request, SocialLogin.deserialize(kept["login"]), User.objects.get(pk=kept["owner"]))
    # A second reading of the same answer now finds the account that the first one linked
    response: HttpResponse = complete_social_login(request, SocialLogin.deserialize(kept["login"]))
    return response
