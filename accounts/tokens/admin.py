"""Tokens for administrators: whose, how far, how long, used when; the token itself is nowhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.access import acting_user
from accounts.queries import may_administer
from accounts.tokens import services
from accounts.tokens.models import ApiToken
from common.admin import ReadOnlyModelAdmin, object_link


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyModelAdmin):
    """Which programs may come in, and for whom?"""

    manage_permission = "accounts.manage_users"
    list_display = [
        "name",
        "user_link",
        "organization_link",
        "scope",
        "beginning",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    list_filter = ["scope", "created_at", "expires_at", "revoked_at"]
    search_fields = ["name", "beginning", "user__email", "organization__name"]
    list_select_related = ["user", "organization"]
    fields = [
        "name",
        "user_link",
        "organization_link",
        "scope",
        "beginning",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    facts = ["user_link", "organization_link"]
    actions = ["revoke"]
    user_link = object_link("user", _("owner"))
    organization_link = object_link("organization", _("organization"))

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self._may_manage(request) or bool(getattr(request.user, "is_superuser", False))

    @admin.action(description=_("Revoke"), permissions=["manage"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Tokens of equals and betters stay: nobody takes the access of a super admin away but one of them."""
        actor = acting_user(request)
        tokens = [
            token
            for token in queryset.select_related("user", "organization").filter(revoked_at=None)
            if token.user_id == actor.pk or may_administer(actor=actor, target=token.user)
        ]
        for token in tokens:
            services.revoke_token(token=token)
        text = ngettext("%d token is revoked.", "%d tokens are revoked.", len(tokens)) % len(tokens)
        self.message_user(request, text, messages.SUCCESS)
