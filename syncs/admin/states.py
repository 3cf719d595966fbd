"""How each resource came to be what it is, for operators."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from common.admin import ReadOnlyModelAdmin, json_fact, object_link
from common.formatting import money_per_day
from syncs.admin import readable
from syncs.admin.parts import MANAGE, RESOURCE_LABELS, ConnectionProviderFilter, daily_costs
from syncs.models import PendingClosure, ResourceState


@admin.register(ResourceState)
class ResourceStateAdmin(ReadOnlyModelAdmin):
    """What was a resource, from when until when, and what changed?"""

    manage_permission = MANAGE
    list_display = [
        "name",
        "type",
        "connection_link",
        "state",
        "cost",
        "action",
        "opened_at",
        "closed_at",
    ]
    list_filter = [
        ("closed_at", admin.EmptyFieldListFilter),
        "status",
        "action",
        "has_cost_change",
        "has_status_change",
        "has_configuration_change",
        "is_orphan",
        "is_provisional",
        ConnectionProviderFilter,
        ("connection", AutocompleteSelectFilter),
        "opened_at",
    ]
    search_fields = ["name", "resource__resource_id", "resource__name"]
    list_select_related = ["resource", "connection"]
    ordering = ["-opened_at", "-pk"]
    connection_link = object_link("connection", _("connection"))
    resource_link = object_link("resource", _("resource"))
    parent_link = object_link("parent", _("belongs to"))
    opened_by_link = object_link("opened_by", _("opened by"))
    closed_by_link = object_link("closed_by", _("closed by"))
    provider_tags = json_fact("tags", _("provider's tags"))
    addresses = json_fact("ip_addresses", _("IP addresses"))
    facts = [
        "connection_link",
        "resource_link",
        "parent_link",
        "opened_by_link",
        "closed_by_link",
        "what_changed",
        "specification",
        "provider_tags",
        "addresses",
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "name",
                    "resource_link",
                    "connection_link",
                    "parent_link",
                    "scope",
                    "action",
                    "opened_at",
                    "opened_by_link",
                    "closed_at",
                    "closed_by_link",
                    "what_changed",
                ]
            },
        ),
        (
            _("Status"),
            {
                "fields": [
                    "status",
                    "provider_status",
                    "is_orphan",
                    "is_provisional",
                    "absent_since",
                    "service_name",
                    "region_id",
                    "sub_account_id",
                    "sub_account_name",
                ]
            },
        ),
        (
            _("Cost"),
            {
                "fields": [
                    "daily_cost",
                    "currency",
                    "original_cost",
                    "original_period",
                    "is_list_price",
                    "in_account_total",
                ]
            },
        ),
        (
            _("Specification"),
            {
                "fields": [
                    "vcpus",
                    "memory_mib",
                    "storage_gib",
                    "operating_system",
                    "engine",
                    "engine_version",
                    "addresses",
                    "provider_tags",
                    "specification",
                ]
            },
        ),
    ]

    @admin.display(description=_("changes"))
    def what_changed(self, state: ResourceState) -> SafeString:
        return readable.state_changes(state)

    @admin.display(description=_("configuration"))
    def specification(self, state: ResourceState) -> SafeString:
        return readable.configuration(state)

    @admin.display(description=_("type"), ordering="resource__resource_type")
    def type(self, state: ResourceState) -> str:
        return str(state.resource.get_resource_type_display())

    @display(description=_("status"), ordering="status", label=RESOURCE_LABELS)
    def state(self, state: ResourceState) -> tuple[str, str]:
        return state.status, str(state.get_status_display())

    @admin.display(description=_("cost a day"), ordering="daily_cost")
    def cost(self, state: ResourceState) -> str:
        if state.daily_cost is None:
            return daily_costs({})
        return money_per_day(state.daily_cost, state.currency or "RUB")


@admin.register(PendingClosure)
class PendingClosureAdmin(ReadOnlyModelAdmin):
    """What is a running sync about to close?"""

    manage_permission = MANAGE
    list_display = ["pk", "snapshot_link", "state_link"]
    list_select_related = ["snapshot__connection", "state"]
    ordering = ["-pk"]
    exclude = ["organization", "snapshot", "state"]
    facts = ["snapshot_link", "state_link"]
    snapshot_link = object_link("snapshot", _("sync snapshot"))
    state_link = object_link("state", _("resource state"))
