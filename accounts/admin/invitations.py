"""Invitations for operators; what their links carry is nowhere to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import services
from accounts.models import Invitation
from common.admin import ReadOnlyModelAdmin, object_link


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyModelAdmin):
    """Who was asked to join what, and what became of it?"""

    manage_permission = "accounts.manage_users"
    list_display = ["email", "organization_link", "role", "status", "is_mailed", "sent_at", "expires_at"]
    list_filter = [
        ("accepted_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
        "role",
        "is_mailed",
        "sent_at",
    ]
    search_fields = ["email", "organization__name"]
    list_select_related = ["organization", "invited_by", "accepted_by"]
    ordering = ["-pk"]
    fields = [
        "email",
        "organization_link",
        "role",
        "status",
        "language",
        "is_mailed",
        "invited_by_link",
        "sent_at",
        "send_count",
        "expires_at",
        "accepted_at",
        "accepted_by_link",
        "revoked_at",
    ]
    facts = ["organization_link", "status", "invited_by_link", "accepted_by_link"]
    actions = ["revoke"]
    organization_link = object_link("organization", _("organization"))
    invited_by_link = object_link("invited_by", _("invited by"))
    accepted_by_link = object_link("accepted_by", _("accepted by"))

    @admin.display(description=_("status"))
    def status(self, invitation: Invitation) -> str:
        return str(invitation.status(timezone.now()).label)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self._may_manage(request) or bool(getattr(request.user, "is_superuser", False))

    @admin.action(description=_("Withdraw"), permissions=["manage"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done = 0
        for invitation in Invitation.objects.open().filter(pk__in=queryset.values("pk")):
            try:
                services.revoke_invitation(invitation=invitation, now=timezone.now())
            except services.Refused:  # accepted at this very moment
                continue
            done += 1
        text = ngettext("%d invitation is withdrawn.", "%d invitations are withdrawn.", done) % done
        self.message_user(request, text, messages.SUCCESS)
