"""Policies for operators."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from common.admin import ReadOnlyModelAdmin, object_link
from recommendations import wording
from recommendations.policies.models import Policy, Violation

MANAGE = "accounts.manage_resources"


@admin.register(Policy)
class PolicyAdmin(ReadOnlyModelAdmin):
    """What do organizations demand of their resources?"""

    manage_permission = MANAGE
    list_display = ["name", "organization", "kind", "is_enabled", "grace_days", "notifies", "scope"]
    list_filter = ["kind", "is_enabled", ("organization", AutocompleteSelectFilter)]
    search_fields = ["name", "organization__name"]
    list_select_related = ["organization"]
    ordering = ["name", "pk"]


@admin.register(Violation)
class ViolationAdmin(ReadOnlyModelAdmin):
    """What breaks them, since when, and who is to put it right?"""

    manage_permission = MANAGE
    list_display = ["subject", "policy", "organization", "status", "reason", "due_date", "assigned_to"]
    list_filter = ["status", "policy__kind", ("organization", AutocompleteSelectFilter)]
    search_fields = ["resource__name", "policy__name"]
    list_select_related = ["organization", "policy", "resource", "assigned_to"]
    ordering = ["due_date", "pk"]
    exclude = ["organization", "policy", "connection", "resource", "why"]
    organization_link = object_link("organization", _("organization"))
    policy_link = object_link("policy", _("policy"))
    connection_link = object_link("connection", _("connection"))
    resource_link = object_link("resource", _("resource"))
    facts = ["organization_link", "policy_link", "connection_link", "resource_link", "reason"]

    @admin.display(description=_("what"))
    def subject(self, row: Violation) -> str:
        return str(row.what)

    @admin.display(description=_("why"))
    def reason(self, row: Violation) -> str:
        return wording.text(row.why)
