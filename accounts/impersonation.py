"""Acting as somebody else: who may, what is refused meanwhile, and the way back.

`django-hijack` exchanges the person of a session and remembers whose it was. Around it stands what the product promises:

- `may_impersonate`: nobody of equal or higher rank, never a super admin, nobody while acting as somebody already;
- `Impersonation` (middleware) sets `request.impersonator`, the person who really sits there, None for everybody else;
  the audit trail names both. It ends an impersonation whose right has gone, and refuses settings and sign-in pages;
- `refuse_while_impersonating` refuses any other view: what reveals or changes a secret, or lets somebody in.

    @refuse_while_impersonating
    def connection_edit(request, pk): ...

    class TokenViewSet(TenantViewSet):
        @refuse_while_impersonating
        def create(self, request, *args, **kwargs): ...
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from hijack.views import AcquireUserView, ReleaseUserView

from accounts import second_factor
from accounts.audit.services import record
from accounts.models import User

PERMISSION = "accounts.impersonate_users"

HISTORY_KEY = "hijack_history"
"""Where hijack keeps the numbers of the real people in the session."""

PROOF_KEY = "impersonator_hash"
"""What changes with the impersonator's password: sessions of an old password end, and this one with them."""

SETTINGS_PREFIXES = ("/accounts/", "/settings/")
"""Everything there is the person's own: refused, but for what the next two name."""

OPEN = frozenset(
    {
        "account_logout",
        "accounts:language_set",
        "accounts:organization_switch",
        "accounts:theme_set",
        "impersonation:begin",
        "impersonation:end",
    }
)
READABLE = frozenset(
    {
        "accounts:organization_list",
        "accounts:organization_settings",
        "accounts:settings_profile",
        "notifications:settings",
    }
)
"""To be looked at and not changed: whoever helps needs to see what the person sees."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

AnyView = TypeVar("AnyView", bound=Callable[..., Any])


def may_impersonate(*, hijacker: User, hijacked: User) -> bool:
    """Whether one may act as the other: ordinary people for holders of the permission, all but super admins for those."""
    if not (hijacker.is_active and hijacked.is_active) or hijacker.pk == hijacked.pk or hijacked.is_superuser:
        return False
    if hijacker.is_superuser:
        return True
    return hijacker.is_staff and hijacker.has_perm(PERMISSION) and not hijacked.is_staff


def refuse_while_impersonating(view: AnyView) -> AnyView:
    """For views and for methods of API views: 403 with a sentence while somebody acts as the person."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        request = args[0] if hasattr(args[0], "META") else args[1]
        refuse(request)
        return view(*args, **kwargs)

    return door  # type: ignore[return-value]  # the same signature


def refuse(request: Any) -> None:
    """Raises PermissionDenied while somebody acts as the person of the request."""
    if getattr(request, "impersonator", None):
        raise PermissionDenied(
            _(
                "Not while you act as somebody else: secrets and settings of a person are theirs alone. "
                "Go back to yourself first."
            )
        )


class Impersonation:
    """Sets `request.impersonator`; stands right after the authentication. Costs others no query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.impersonator = None
        history = (
            request.session.get(HISTORY_KEY) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        )
        if history:
            request.impersonator = User.objects.filter(pk=history[-1]).first()
            if not _still_may(request):
                _end_for_want_of_right(request)
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> None:
        if request.impersonator and _is_of_settings(request):
            refuse(request)


class Begin(AcquireUserView):  # type: ignore[misc]  # hijack has no types
    """POST `user_pk` and `next`: from now on the session is that person's."""

    http_method_names = ["post"]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().dispatch(request, *args, **kwargs)
        except PermissionDenied:  # what hijack has begun is rolled back by now; this stays
            record("impersonation.refused", obj=self.get_object(), request=request)
            raise
        return response

    def test_func(self) -> bool:
        """Where the admin asks for a second factor, this does: it is a way round the admin's door."""
        return (
            not self.request.impersonator
            and (not settings.ADMIN_MFA_REQUIRED or second_factor.is_proven(self.request))
            and may_impersonate(hijacker=self.request.user, hijacked=self.get_object())
        )

    def get_object(self, queryset: Any = None) -> User:
        try:
            found: User = super().get_object(queryset)
        except ValueError:
            raise Http404 from None
        return found

    def post(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        impersonator, person = request.user, self.get_object()
        response = _change_person(request, lambda: super(Begin, self).post(request, *args, **kwargs))
        request.session[PROOF_KEY] = impersonator.get_session_auth_hash()
        record("impersonation.started", actor=impersonator, obj=person, request=request)
        return response


class End(ReleaseUserView):  # type: ignore[misc]  # hijack has no types
    """POST: the session is its own person's again."""

    http_method_names = ["post"]

    def post(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        impersonator, person = request.impersonator, request.user
        response = _change_person(request, lambda: super(End, self).post(request, *args, **kwargs))
        request.impersonator = None
        record("impersonation.ended", actor=impersonator, obj=person, request=request)
        return response

    def get_success_url(self) -> str:
        return reverse("admin:index")


app_name = "impersonation"

urlpatterns = [
    path("begin/", Begin.as_view(), name="begin"),
    path("end/", End.as_view(), name="end"),
]


def _still_may(request: Any) -> bool:
    """Rights may go while they are used: the person promoted, the impersonator dismissed or with a new password."""
    impersonator: User | None = request.impersonator
    return (
        impersonator is not None
        and request.user.is_authenticated
        and constant_time_compare(request.session.get(PROOF_KEY, ""), impersonator.get_session_auth_hash())
        and may_impersonate(hijacker=impersonator, hijacked=request.user)
    )


def _end_for_want_of_right(request: Any) -> None:
    impersonator, person = request.impersonator, request.user
    request.is_changing_person = True
    logout(request)
    request.impersonator = None
    record(
        "impersonation.ended",
        actor=impersonator,
        obj=person if person.is_authenticated else None,
        details={"reason": "the right to it has gone"},
        request=request,
    )


def _is_of_settings(request: Any) -> bool:
    if not request.path_info.startswith(SETTINGS_PREFIXES):
        return False
    name = request.resolver_match.view_name
    return not (name in OPEN or (name in READABLE and request.method in SAFE_METHODS))


def _change_person(request: Any, change: Callable[[], HttpResponse]) -> HttpResponse:
    """Runs hijack's exchange, which gives the session another key.

    The list of sessions keeps this one under the same person: under the impersonator, who can end it from elsewhere.
    """
    request.is_changing_person = True  # so that the trail does not tell of signing in
    key = request.session.session_key
    try:
        response = change()
    finally:  # hijack takes the receiver away and would not bring it back after an error
        user_logged_in.connect(update_last_login, dispatch_uid="update_last_login")
    if not request.session.session_key:
        request.session.save()
    UserSession.objects.filter(session_key=key).update(session_key=request.session.session_key)
    return response
