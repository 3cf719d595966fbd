"""What syncs add to the admins of the apps below: a sync at once, the current status and cost of a resource.

Apps below cannot know syncs, so their admins are extended here and registered anew.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from common.admin import changelist_link
from common.formatting import money_per_day
from inventory.admin import ResourceAdmin
from inventory.models import Resource
from providers.admin import ProviderConnectionAdmin
from providers.models import ProviderConnection
from syncs.admin.history import queue_syncs
from syncs.admin.parts import RESOURCE_LABELS, daily_costs
from syncs.models import ResourceState, SyncSnapshot

admin.site.unregister(ProviderConnection)
admin.site.unregister(Resource)


@admin.register(ProviderConnection)
class SyncedConnectionAdmin(ProviderConnectionAdmin):
    """Connections, which may be synced now."""

    actions = ["sync_now", *ProviderConnectionAdmin.actions]
    facts = [*ProviderConnectionAdmin.facts, "history"]

    def get_fieldsets(self, request: HttpRequest, obj: ProviderConnection | None = None) -> list[Any]:
        sets = super().get_fieldsets(request, obj)
        return sets if obj is None else [*sets, (_("Syncs"), {"fields": ["history"]})]

    @admin.display(description=_("sync snapshots"))
    def history(self, connection: ProviderConnection) -> SafeString:
        return changelist_link(SyncSnapshot, _("Show"), connection__id__exact=connection.pk)

    @admin.action(description=_("Sync now"), permissions=["change"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[ProviderConnection]) -> None:
        queue_syncs(self, request, list(queryset))


class CurrentStatusFilter(admin.SimpleListFilter):
    """By the status of the open state, not by any that a resource ever had."""

    title = _("status")
    parameter_name = "status"
    GONE = "gone"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*ResourceState.Status.choices, (self.GONE, _("gone"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == self.GONE:
            return queryset.filter(_status__isnull=True)
        return queryset.filter(_status=value) if value else queryset


@admin.register(Resource)
class ResourceWithStateAdmin(ResourceAdmin):
    """Resources with the status and the own cost of their open state."""

    list_display = [
        "name",
        "resource_type",
        "connection_link",
        "status",
        "cost",
        "native_type",
        "first_seen_at",
        "states_link",
    ]
    list_filter: Any = [CurrentStatusFilter, *ResourceAdmin.list_filter]
    facts = [*ResourceAdmin.facts, "status_now", "cost", "states_link"]

    def get_fieldsets(self, request: HttpRequest, obj: Resource | None = None) -> list[Any]:
        return [
            *super().get_fieldsets(request, obj),
            (_("Now"), {"fields": ["status_now", "cost", "states_link"]}),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Resource]:
        rows: QuerySet[Resource] = super().get_queryset(request)
        is_open = Q(states__opened_at__isnull=False, states__closed_at__isnull=True)
        return rows.alias(_open=FilteredRelation("states", condition=is_open)).annotate(
            _status=F("_open__status"), _daily_cost=F("_open__daily_cost"), _currency=F("_open__currency")
        )

    @display(description=_("status"), ordering="_status", label=RESOURCE_LABELS)
    def status(self, resource: Any) -> tuple[str, str]:
        return resource._status or "", self.status_now(resource)

    @admin.display(description=_("status"))
    def status_now(self, resource: Any) -> str:
        words = dict(ResourceState.Status.choices)
        return str(words[resource._status] if resource._status else _("gone"))

    @admin.display(description=_("cost a day"), ordering="_daily_cost")
    def cost(self, resource: Any) -> str:
        amount: Decimal | None = resource._daily_cost
        if resource._status is None:
            return "—"
        return daily_costs({}) if amount is None else money_per_day(amount, resource._currency or "RUB")

    @admin.display(description=_("resource states"))
    def states_link(self, resource: Resource) -> SafeString:
        return changelist_link(ResourceState, _("Show"), resource__id__exact=resource.pk)
