"""The second factor of administrators where it is required, and the keys that second factors are kept with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import User
from common.crypto import key_ring

ADMIN_PREFIX = "/admin/"
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as a second factor; recovery codes only stand in for one."""

MADE_KEY = "second_factor_made_by"
"""Where the session remembers that its person made a second factor in it."""

SECRETS = ("secret", "seed")
"""Where allauth keeps ciphertext in `Authenticator.data`."""


class AdminSecondFactor:
    """Under ADMIN_MFA_REQUIRED nobody opens the admin without having used a second factor in this session.

    Who has none is led to where one is set up; who set one up elsewhere is asked for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._way_round(request) or self.get_response(request)

    @staticmethod
    def _way_round(request: HttpRequest) -> HttpResponse | None:
        if not settings.ADMIN_MFA_REQUIRED or not request.path_info.startswith(ADMIN_PREFIX):
            return None
        if getattr(request, "impersonator", None):  # who acts as somebody has used theirs to begin it
            return None
        user = request.user
        if not isinstance(user, User) or not user.is_staff or request.path_info == reverse("admin:logout"):
            return None
        kinds = set(Authenticator.objects.filter(user=user, type__in=FACTORS).values_list("type", flat=True))
        if not kinds:
            messages.warning(request, _("The admin needs a second factor. Set one up, then open it again."))
            return HttpResponseRedirect(reverse("accounts:settings_sign_in"))
        if is_proven(request):
            return None
        page = "mfa_reauthenticate" if Authenticator.Type.TOTP in kinds else "mfa_reauthenticate_webauthn"
        return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': request.get_full_path()})}")


def is_proven(request: HttpRequest) -> bool:
    """Whether the person has used, or made, a second factor since they signed in here."""
    records = get_authentication_records(request, request.user)
    return request.session.get(MADE_KEY) == request.user.pk or any(
        record["method"] == "mfa" for record in records
    )


@receiver(authenticator_added, dispatch_uid="accounts.second_factor.remember_making")
def remember_making(request: HttpRequest, user: User, authenticator: Authenticator, **signal: Any) -> None:
    """Whoever makes a second factor proves that they have it."""
    if authenticator.type in FACTORS:
        request.session[MADE_KEY] = user.pk


def rotate_secrets() -> int:
    """Encrypts the secrets of all second factors again with the newest key; returns how many rows were rewritten.

    Row by row under a lock, so that it may run beside users and be run again.
    """
    rotated = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True).iterator(500):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None or not any(name in row.data for name in SECRETS):
                continue
            for name in SECRETS:
                if name in row.data:
                    row.data[name] = key_ring().rotate(row.data[name].encode()).decode()
            row.save(update_fields=["data"])
            rotated += 1
    return rotated
