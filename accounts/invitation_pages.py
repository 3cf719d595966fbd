"""What somebody who was invited sees. The link brings the token once; then the session remembers its hash."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import queries, services
from accounts.access import acting_user
from accounts.models import Invitation
from accounts.services import INVITATION_KEY

PAGE = "accounts:invitation"


@never_cache
@require_safe
def invitation(request: HttpRequest) -> HttpResponse:
    """With `key` remembers the invitation and comes back without it: the address bar and referrers keep no secret."""
    if "key" in request.GET:
        token_hash = services.digest_of(request.GET["key"])
        if queries.invitation_by_token(token_hash) is None:
            return _problem(request, _("This link leads to no invitation. Ask for a new one."))
        request.session[INVITATION_KEY] = token_hash
        return redirect(PAGE)
    found = _remembered(request)
    if found is None:
        return _problem(request, _("This link leads to no invitation. Ask for a new one."))
    return _page(request, found)


@login_required
@require_POST
def invitation_accept(request: HttpRequest) -> HttpResponse:
    user = acting_user(request)
    try:
        membership = services.accept_invitation(
            token_hash=request.session.get(INVITATION_KEY, ""), user=user, now=timezone.now()
        )
    except services.WrongAccount:
        return redirect(PAGE)  # which says so, and how to switch
    except services.InvitationNotValid as refusal:
        return _problem(request, str(refusal))
    request.session.pop(INVITATION_KEY, None)
    organization = services.switch_organization(
        user=user, session=request.session, organization_id=membership.organization_id
    )
    messages.success(request, _("You have joined “%(name)s”.") % {"name": organization.name})
    return redirect("dashboard")


@require_POST
def invitation_decline(request: HttpRequest) -> HttpResponse:
    """Needs no account: who has the link may say no."""
    try:
        services.decline_invitation(token_hash=request.session.get(INVITATION_KEY, ""), now=timezone.now())
    except services.InvitationNotValid as refusal:
        return _problem(request, str(refusal))
    request.session.pop(INVITATION_KEY, None)
    return render(request, "accounts/organization/invitation_declined.html")


@require_POST
def invitation_switch(request: HttpRequest) -> HttpResponse:
    """Signs the wrong account out and goes on to the sign-in, the invitation still in hand."""
    token_hash = request.session.get(INVITATION_KEY)
    logout(request)
    if token_hash:
        request.session[INVITATION_KEY] = token_hash
    return redirect(_with_next("account_login"))


def _page(request: HttpRequest, found: Invitation) -> HttpResponse:
    status = found.status(timezone.now())
    if status != Invitation.Status.PENDING:
        return _problem(request, _why_not(status), found)
    context: dict[str, Any] = {"invitation": found, "is_right_account": False}
    if request.user.is_authenticated:
        context["is_right_account"] = found.email in queries.emails_of(acting_user(request))
    else:
        if found.is_mailed:  # then the link proves the mailbox, and registering needs no letter
            get_adapter().stash_verified_email(request, found.email)
        context["sign_in_url"] = _with_next("account_login")
        if get_adapter().is_open_for_signup(request):
            context["sign_up_url"] = _with_next("account_signup", email=found.email)
    return render(request, "accounts/organization/invitation.html", context)


def _remembered(request: HttpRequest) -> Invitation | None:
    return queries.invitation_by_token(request.session.get(INVITATION_KEY, ""))


def _with_next(name: str, **query: str) -> str:
    return reverse(name, query={**query, "next": reverse(PAGE)})


def _why_not(status: Invitation.Status) -> str:
    if status == Invitation.Status.EXPIRED:
        return _("This invitation has expired. Ask for a new one.")
    if status == Invitation.Status.ACCEPTED:
        return _("This invitation was accepted already.")
    return _("This invitation was withdrawn.")


def _problem(request: HttpRequest, sentence: str, found: Invitation | None = None) -> HttpResponse:
    """404: there is no invitation here, or none any more."""
    context = {"sentence": sentence, "invitation": found}
    return render(request, "accounts/organization/invitation_problem.html", context, status=404)
