"""Small doors of a person: whose data to look at, how the pages look, the demo's one click."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as set_language_cookie

from accounts import queries, services
from accounts.access import UserRequest
from accounts.models import Theme

THEMES = {"light": Theme.LIGHT, "dark": Theme.DARK, "system": Theme.SYSTEM}


@require_POST
@login_required
def organization_switch(request: UserRequest) -> HttpResponse:
    """Fields `organization` (id) and `next`; 404 for an organization that is not the person's."""
    try:
        services.switch_organization(
            user=request.user,
            session=request.session,
            organization_id=int(request.POST.get("organization", "")),
        )
    except (ValueError, services.NotAMember):
        raise Http404 from None
    return HttpResponseRedirect(_next(request))


@require_POST
@login_required
def theme_set(request: UserRequest) -> HttpResponse:
    """Fields `theme` (light, dark, system) and `next`."""
    theme = THEMES.get(request.POST.get("theme", ""))
    if theme is None:
        return HttpResponse(status=400)
    services.set_theme(user=request.user, theme=theme)
    if request.htmx:
        return HttpResponse(status=204)
    return HttpResponseRedirect(_next(request))


@require_POST
def language_set(request: HttpRequest) -> HttpResponse:
    """Django's `set_language`, remembered in the person's profile as well. Fields `language` and `next`."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        services.set_language(user=request.user, language=language)
    response: HttpResponse = set_language_cookie(request)
    return response


@require_POST
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """Signs the reader in as the demo's person; there is no such door outside the demo mode."""
    user = queries.demo_user() if settings.DEMO_MODE else None
    if user is None:
        raise Http404
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(_next(request))


def _next(request: HttpRequest) -> str:
    """Where the form wants to go, if that is a page of ours."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)
