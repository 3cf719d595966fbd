"""Pages of signing in that allauth has none of."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import linking, ways_in
from accounts.audit.services import address_of, record
from accounts.forms_sign_in import LinkForm

TOLD_AGAIN_SECONDS = 600
"""So long an address that is held back stays one entry of the audit trail: it must not be filled from outside."""


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@never_cache
def link_confirm(request: HttpRequest) -> HttpResponse:
    """Asks for the password of the account whose e-mail a provider has just confirmed; then links, and signs in."""
    waiting = linking.pending(request)
    if waiting is None or request.user.is_authenticated:
        linking.forget(request)
        return HttpResponseRedirect(resolve_url("account_login"))
    sociallogin, owner = waiting
    form = LinkForm(request.POST or None, request=request, owner=owner)
    if form.is_valid():
        return linking.finish(request)
    context = {"form": form, "email": owner.email, "provider_name": ways_in.shown_name(sociallogin.provider)}
    return render(request, "socialaccount/link_confirm.html", context, status=422 if form.is_bound else 200)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """allauth's answer where an address or a person asks too often; the trail hears of it once in a while, not each time."""
    told = f"too-many-requests-{address_of(request)}"
    if cache.add(told, True, TOLD_AGAIN_SECONDS):
        record("address.limited", details={"page": request.path_info}, request=request)
    return render(request, "429.html", status=429)
