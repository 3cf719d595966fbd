"""Pages of an organization: its settings, all of one's own, making one, leaving, handing over, deleting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts import queries, services
from accounts.access import UserRequest, View, organization_required, owner_required, require_writer
from accounts.losses import losses
from accounts.models import Membership
from accounts.organization_forms import (
    DeletionForm,
    HandOverForm,
    InvitationForm,
    OrganizationForm,
    role_choices,
)
from accounts.services import SentInvitation
from accounts.settings_tabs import settings_tabs

UNPROCESSABLE = 422
MEMBERS_A_PAGE = 50
SETTINGS = "accounts:organization_settings"

proof_required: Callable[[View], View] = reauthentication_required()
"""Asks for the password, or the second factor, before the page opens; who has neither is let through."""


@never_cache
@organization_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_settings(request: UserRequest) -> HttpResponse:
    """Everything about the organization: to be seen by its members, name and zone to be changed by writers."""
    if request.method != "POST":
        return settings_page(request)
    require_writer(request)
    form = OrganizationForm(request.POST, now=timezone.now(), organization=request.organization)
    if form.is_valid():
        try:
            services.update_organization(organization=request.organization, **form.cleaned_data)
        except ValidationError as error:
            form.add_service_errors(error)
        else:
            messages.success(request, _("The organization is saved."))
            return redirect(SETTINGS)
    return settings_page(request, form=form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_create(request: UserRequest) -> HttpResponse:
    """Another organization, which one looks at from then on."""
    form = OrganizationForm(_posted(request), now=timezone.now())
    if form.is_valid():
        try:
            organization = services.create_organization(owner=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_service_errors(error)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            services.switch_organization(
                user=request.user, session=request.session, organization_id=organization.pk
            )
            messages.success(
                request, _("“%(name)s” is created, and you are its owner.") % {"name": organization.name}
            )
            return redirect("dashboard")
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "accounts/organization/create.html", {"form": form}, status=status)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def organization_list(request: UserRequest) -> HttpResponse:
    """The person's organizations whose name holds `q`; for HTMX the switcher's list alone."""
    wanted = request.GET.get("q", "").strip()
    found = [own for own in request.memberships if wanted.casefold() in own.organization.name.casefold()]
    context = {"found": found, "q": wanted}
    template = "accounts/organization/_choices.html" if request.htmx else "accounts/organization/list.html"
    return render(request, template, context)


@organization_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_leave(request: UserRequest) -> HttpResponse:
    if request.method == "POST":
        name = request.organization.name
        try:
            services.leave_organization(membership=request.membership)
        except services.Refused as refusal:
            return _refused(request, refusal)
        request.session.pop(services.ORGANIZATION_KEY, None)
        messages.success(request, _("You have left “%(name)s”.") % {"name": name})
        return redirect("dashboard")
    return render(request, "accounts/organization/leave.html", {"tabs": settings_tabs(request)})


@owner_required
@proof_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_hand_over(request: UserRequest) -> HttpResponse:
    """Chooses another member, who becomes an owner; who hands over stays as a manager."""
    receivers = queries.members(request.organization).exclude(user=request.user)
    form = HandOverForm(_posted(request), receivers=receivers)
    if form.is_valid():
        receiver: Membership = form.cleaned_data["receiver"]
        try:
            services.hand_over(organization=request.organization, giver=request.user, receiver=receiver)
        except services.Refused as refusal:
            return _refused(request, refusal)
        except services.NotAMember:
            form.add_error(
                "receiver", _("Meanwhile the people of this organization have changed. Choose again.")
            )
        else:
            messages.success(
                request,
                _("%(person)s is an owner now, and you are a manager.")
                % {"person": receiver.user.display_name},
            )
            return redirect(SETTINGS)
    context = {"tabs": settings_tabs(request), "form": form}
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "accounts/organization/hand_over.html", context, status=status)


@owner_required
@proof_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_delete(request: UserRequest) -> HttpResponse:
    """Lists what will go and asks for the organization's name; then thirty days are left to change one's mind."""
    form = DeletionForm(_posted(request), organization=request.organization)
    if form.is_valid():
        try:
            services.request_deletion(organization=request.organization, now=timezone.now())
        except services.Refused as refusal:
            return _refused(request, refusal)
        messages.success(request, _("“%(name)s” will be deleted.") % {"name": request.organization.name})
        return redirect(SETTINGS)
    context = {
        "tabs": settings_tabs(request),
        "form": form,
        "losses": losses(request.organization),
        "grace_days": services.GRACE.days,
    }
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "accounts/organization/delete.html", context, status=status)


@owner_required
@require_POST
def organization_keep(request: UserRequest) -> HttpResponse:
    """The owner changes their mind about the deletion."""
    try:
        services.cancel_deletion(organization=request.organization)
    except services.Refused as refusal:
        return _refused(request, refusal)
    messages.success(request, _("“%(name)s” stays. Its syncs go on.") % {"name": request.organization.name})
    return redirect(SETTINGS)


def settings_page(
    request: UserRequest,
    *,
    form: OrganizationForm | None = None,
    invitation_form: InvitationForm | None = None,
    sent: SentInvitation | None = None,
) -> HttpResponse:
    """The page of `organization_settings`, with a form that came back, or with the link of an invitation to pass on."""
    organization, own = request.organization, request.membership
    now = timezone.now()
    is_last_owner = own.is_owner and queries.owner_count(organization) == 1
    people = Paginator(queries.members(organization), MEMBERS_A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "tabs": settings_tabs(request),
        "form": form or OrganizationForm(now=now, organization=organization),
        "members": people,
        "roles": role_choices(organization),
        "invitations": [
            {"invitation": invitation, "is_expired": now >= invitation.expires_at}
            for invitation in queries.open_invitations(organization)
        ],
        "invitation_form": invitation_form or InvitationForm(organization=organization),
        "sent": sent,
        "may_invite": own.is_owner and not organization.is_demo and not organization.is_leaving,
        "may_manage": own.is_owner and not organization.is_demo,
        "is_last_owner": is_last_owner,
        "may_leave": not (is_last_owner or organization.is_demo),
        "may_hand_over": own.is_owner and not (organization.is_personal or organization.is_demo),
    }
    returned = [given for given in (form, invitation_form) if given is not None and given.errors]
    status = UNPROCESSABLE if returned else 200
    return render(request, "accounts/organization/settings.html", context, status=status)


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, even if it is nothing: an empty form is one with errors."""
    return request.POST if request.method == "POST" else None


def _refused(request: HttpRequest, refusal: services.Refused) -> HttpResponse:
    """Back to the settings, with the sentence that says why not."""
    messages.error(request, str(refusal))
    return redirect(SETTINGS)
