"""Pages by which owners let people in, change what they may do, and take them out."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import queries, services
from accounts.access import UserRequest, owner_required
from accounts.links import invitation_link
from accounts.models import Invitation, Membership, Role
from accounts.organization_forms import InvitationForm, role_choices
from accounts.organization_pages import SETTINGS, settings_page
from accounts.services import SentInvitation
from accounts.settings_tabs import settings_tabs


@owner_required
@require_POST
def member_role(request: UserRequest, pk: int) -> HttpResponse:
    """Field `role`."""
    membership = _membership_or_404(request, pk)
    if request.POST.get("role") not in dict(role_choices(request.organization)):
        return HttpResponse(status=400)
    try:
        changed = services.change_role(membership=membership, role=Role(request.POST["role"]))
    except (services.Refused, services.NotAMember) as error:
        return _told(request, error)
    messages.success(
        request,
        _("%(person)s: %(role)s.")
        % {"person": membership.user.display_name, "role": changed.get_role_display()},
    )
    return redirect(SETTINGS)


@owner_required
@require_http_methods(["GET", "HEAD", "POST"])
def member_remove(request: UserRequest, pk: int) -> HttpResponse:
    membership = _membership_or_404(request, pk)
    if request.method != "POST":
        context = {"tabs": settings_tabs(request), "membership": membership}
        return render(request, "accounts/organization/member_remove.html", context)
    try:
        services.remove_member(membership=membership)
    except (services.Refused, services.NotAMember) as error:
        return _told(request, error)
    messages.success(
        request, _("%(person)s is no member any more.") % {"person": membership.user.display_name}
    )
    return redirect(SETTINGS)


@never_cache
@owner_required
@require_POST
def invitation_send(request: UserRequest) -> HttpResponse:
    """Answers with the page that shows the link, this once, where no letter went out."""
    form = InvitationForm(request.POST, organization=request.organization)
    if form.is_valid():
        try:
            sent = services.send_invitation(
                organization=request.organization,
                email=form.cleaned_data["email"],
                role=Role(form.cleaned_data["role"]),
                inviter=request.user,
                link_of=lambda token: invitation_link(request, token),
                now=timezone.now(),
            )
        except ValidationError as error:
            for field, sentences in error.message_dict.items():
                form.add_error(field if field in form.fields else None, sentences)
        except services.Refused as refusal:
            form.add_error(None if isinstance(refusal, services.DemoOrganization) else "email", str(refusal))
        else:
            return _sent(request, sent)
    return settings_page(request, invitation_form=form)


@never_cache
@owner_required
@require_POST
def invitation_resend(request: UserRequest, pk: int) -> HttpResponse:
    invitation = _invitation_or_404(request, pk)
    try:
        sent = services.resend_invitation(
            invitation=invitation,
            inviter=request.user,
            link_of=lambda token: invitation_link(request, token),
            now=timezone.now(),
        )
    except services.Refused as refusal:
        return _told(request, refusal)
    return _sent(request, sent)


@owner_required
@require_POST
def invitation_revoke(request: UserRequest, pk: int) -> HttpResponse:
    invitation = _invitation_or_404(request, pk)
    try:
        services.revoke_invitation(invitation=invitation, now=timezone.now())
    except services.Refused as refusal:
        return _told(request, refusal)
    messages.success(request, _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email})
    return redirect(SETTINGS)


def _sent(request: UserRequest, sent: SentInvitation) -> HttpResponse:
    if sent.link:
        return settings_page(request, sent=sent)
    messages.success(
        request, _("The invitation is on its way to %(email)s.") % {"email": sent.invitation.email}
    )
    return redirect(SETTINGS)


def _told(request: UserRequest, error: services.AccountError) -> HttpResponse:
    """Back to the settings with the sentence that says why not; somebody who has gone meanwhile is not there."""
    gone = _("Meanwhile the people of this organization have changed.")
    messages.error(request, str(error) if isinstance(error, services.Refused) else gone)
    return redirect(SETTINGS)


def _membership_or_404(request: UserRequest, pk: int) -> Membership:
    return get_object_or_404(queries.members(request.organization), pk=pk)


def _invitation_or_404(request: UserRequest, pk: int) -> Invitation:
    return get_object_or_404(Invitation.objects.of(request.organization), pk=pk)
