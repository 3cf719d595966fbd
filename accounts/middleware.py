"""Which organization a request is about, in which language and time zone its reader reads."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from accounts import queries
from accounts.models import Membership
from accounts.services import ORGANIZATION_KEY


class OrganizationMiddleware:
    """Sets, all of them lazy, so that what does not look costs no query:

    - `request.memberships`: the person's memberships with organizations, [] for the anonymous; one query;
    - `request.membership`: the one that the session chose if it is still theirs, else the oldest; false if none;
    - `request.organization`: its organization; false if none.

    The reader's time zone is active during the request. The language that a person chose in their profile applies
    where this browser has not chosen one itself (Django's language cookie).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.memberships = SimpleLazyObject(lambda: _memberships(request))
        request.membership = SimpleLazyObject(lambda: _membership(request))
        request.organization = SimpleLazyObject(
            lambda: request.membership.organization if request.membership else None
        )
        with _zone(request):
            _activate_language(request)
            return self.get_response(request)


def _memberships(request: Any) -> list[Membership]:
    return list(queries.memberships(request.user)) if request.user.is_authenticated else []


def _membership(request: Any) -> Membership | None:
    own: list[Membership] = request.memberships
    if not own:
        return None
    chosen = request.session.get(ORGANIZATION_KEY)
    return next((membership for membership in own if membership.organization_id == chosen), own[0])


def _is_signed_in(request: Any) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


def _zone(request: Any) -> AbstractContextManager[None]:
    if not _is_signed_in(request) or not request.user.time_zone:
        return timezone.override(None)
    try:
        return timezone.override(zoneinfo.ZoneInfo(request.user.time_zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # a name that this system does not know
        return nullcontext()


def _activate_language(request: Any) -> None:
    """`LocaleMiddleware` has chosen already, and chooses anew for the next request in this thread."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES or not _is_signed_in(request):
        return
    language = request.user.language
    if language in dict(settings.LANGUAGES):
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()
