"""Business context for operators: which rules, trees and words of people are there, and since when?"""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from common.admin import ReadOnlyModelAdmin, json_fact, object_link
from costs.allocation.models import ContextAssignment, ContextNode, RuleVersion
from costs.allocation.wording import conditions_text, outcome_text


@admin.register(RuleVersion)
class RuleVersionAdmin(ReadOnlyModelAdmin):
    """Which rule says what, from which day to which, and who wrote it?"""

    manage_permission = "accounts.manage_resources"
    list_display = ["rule", "position", "where", "what", "is_on", "valid_from", "valid_until"]
    list_filter = ["method", "is_on", ("organization", AutocompleteSelectFilter), "valid_from"]
    search_fields = ["rule__name"]
    list_select_related = ["rule"]
    ordering = ["organization", "position", "-valid_from", "-pk"]
    exclude = ["organization", "rule", "conditions", "values", "targets", "changed_by"]
    conditions_json = json_fact("conditions", _("conditions"))
    values_json = json_fact("values", _("values"))
    targets_json = json_fact("targets", _("shares"))
    facts = ["where", "what", "conditions_json", "values_json", "targets_json"]

    @admin.display(description=_("applies where"))
    def where(self, version: RuleVersion) -> str:
        return conditions_text(version)

    @admin.display(description=_("what it does"))
    def what(self, version: RuleVersion) -> str:
        return outcome_text(version)


@admin.register(ContextNode)
class ContextNodeAdmin(ReadOnlyModelAdmin):
    """Which names does an organization's tree have?"""

    manage_permission = "accounts.manage_resources"
    list_display = ["name", "dimension", "parent", "code", "organization"]
    list_filter = ["dimension", ("organization", AutocompleteSelectFilter)]
    search_fields = ["name", "code"]
    list_select_related = ["parent", "organization"]
    ordering = ["organization", "dimension", "name", "pk"]
    exclude = ["organization", "parent"]


@admin.register(ContextAssignment)
class ContextAssignmentAdmin(ReadOnlyModelAdmin):
    """What did people say of which resource, and from when to when?"""

    manage_permission = "accounts.manage_resources"
    list_display = ["resource_link", "dimension", "value", "valid_from", "valid_until"]
    list_filter = ["dimension", ("organization", AutocompleteSelectFilter), "valid_from"]
    search_fields = ["resource__name", "value"]
    list_select_related = ["resource"]
    ordering = ["-valid_from", "-pk"]
    exclude = ["organization", "resource", "assigned_by"]
    resource_link = object_link("resource", _("resource"))
    facts = ["resource_link"]
