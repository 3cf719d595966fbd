"""Complete syncs for operators: which hang, which fail, and how to take them up again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.access import acting_user
from common.admin import ReadOnlyModelAdmin, ReadOnlyTabularInline, json_fact, object_link
from providers.messages import explain, sentence
from syncs import complete, services, tasks
from syncs.admin.parts import MANAGE, STATUS_LABELS, daily_costs
from syncs.models import CompleteSync, ProviderSyncReference, SyncStatus, SyncTrigger


class ReferenceInline(ReadOnlyTabularInline):
    model = ProviderSyncReference
    manage_permission = MANAGE
    fields = ["position", "connection_link", "status", "attempt", "snapshot_link", "reason"]
    readonly_fields = ["connection_link", "snapshot_link", "reason"]
    ordering = ["position"]
    per_page = 50
    connection_link = object_link("connection", _("connection"))
    snapshot_link = object_link("snapshot", _("sync snapshot"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderSyncReference]:
        rows: QuerySet[ProviderSyncReference] = super().get_queryset(request)
        return rows.select_related("connection", "snapshot__connection")

    @admin.display(description=_("reason"))
    def reason(self, reference: ProviderSyncReference) -> str:
        error = reference.error or (reference.snapshot.error if reference.snapshot else {})
        explanation = explain(error, provider_type=reference.connection.provider_type)
        return str(explanation) if explanation else "—"


@admin.register(CompleteSync)
class CompleteSyncAdmin(ReadOnlyModelAdmin):
    """Which complete syncs hang, and which connections fail in them?"""

    manage_permission = MANAGE
    list_display = [
        "requested_at",
        "organization_link",
        "state",
        "trigger",
        "mode",
        "counts",
        "resource_count",
        "cost",
        "finished_at",
    ]
    list_filter = ["status", "trigger", "mode", ("organization", AutocompleteSelectFilter), "requested_at"]
    search_fields = ["organization__name"]
    list_select_related = ["organization"]
    ordering = ["-requested_at", "-pk"]
    actions = ["retry_failed", "advance"]
    inlines = [ReferenceInline]
    organization_link = object_link("organization", _("organization"))
    requested_by_link = object_link("requested_by", _("by whom"))
    failed_afterwards = json_fact("telling_errors", _("what failed afterwards"))
    facts = ["organization_link", "requested_by_link", "cost", "failed_afterwards"]
    fields = [
        "organization_link",
        "status",
        "trigger",
        "mode",
        "requested_by_link",
        "scheduled_date",
        "requested_at",
        "started_at",
        "finished_at",
        "resource_count",
        "cost",
        "told_at",
        "failed_afterwards",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CompleteSync]:
        rows: QuerySet[CompleteSync] = super().get_queryset(request)
        references = ProviderSyncReference.objects.filter(complete_sync=OuterRef("pk")).order_by()
        own = references.values("complete_sync").annotate(
            count=Count("pk"), failed=Count("pk", filter=Q(status=SyncStatus.ERROR))
        )
        return rows.annotate(
            _connections=Coalesce(Subquery(own.values("count")), 0),
            _failed=Coalesce(Subquery(own.values("failed")), 0),
        )

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self._may_manage(request)

    @display(description=_("status"), ordering="status", label=STATUS_LABELS)
    def state(self, one: CompleteSync) -> tuple[str, str]:
        return one.status, str(one.get_status_display())

    @admin.display(description=_("connections (failed)"))
    def counts(self, one: Any) -> str:
        return f"{one._connections} ({one._failed})" if one._failed else str(one._connections)

    @admin.display(description=_("cost a day"))
    def cost(self, one: CompleteSync) -> str:
        return daily_costs({currency: Decimal(amount) for currency, amount in one.daily_costs.items()})

    @admin.action(description=_("Sync the failed connections again"), permissions=["manage"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[CompleteSync]) -> None:
        begun = 0
        for one in queryset:
            try:
                opened, joined = complete.retry_failed(
                    complete_sync=one,
                    trigger=SyncTrigger.MANUAL,
                    now=timezone.now(),
                    requested_by=acting_user(request),
                )
            except services.SyncNotPossible as error:
                self.message_user(request, f"{one}: {sentence(str(error))}", messages.WARNING)
                continue
            begun += not joined
            tasks.advance_complete_sync.delay_on_commit(complete_sync_id=opened.pk)  # type: ignore[attr-defined]  # Celery's Django task
        text = ngettext(
            "%(count)d complete sync begun again.", "%(count)d complete syncs begun again.", begun
        )
        self.message_user(request, text % {"count": begun}, messages.SUCCESS)

    @admin.action(description=_("Take up what nobody advanced"), permissions=["manage"])
    def advance(self, request: HttpRequest, queryset: QuerySet[CompleteSync]) -> None:
        pks = list(queryset.active().values_list("pk", flat=True))  # type: ignore[attr-defined]  # its own queryset
        for pk in pks:
            tasks.advance_complete_sync.delay_on_commit(complete_sync_id=pk)  # type: ignore[attr-defined]  # Celery's Django task
        text = ngettext("%(count)d complete sync taken up.", "%(count)d complete syncs taken up.", len(pks))
        self.message_user(request, text % {"count": len(pks)}, messages.SUCCESS)
