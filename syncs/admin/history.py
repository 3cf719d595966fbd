"""What ran, what it found, what it could not read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.access import acting_user
from common.admin import (
    ReadOnlyModelAdmin,
    ReadOnlyTabularInline,
    changelist_link,
    json_fact,
    object_link,
)
from common.formatting import money, number
from providers.messages import explain, sentence
from syncs import services, tasks
from syncs.admin import readable
from syncs.admin.parts import MANAGE, STATUS_LABELS, ConnectionProviderFilter
from syncs.admin.traces import operators_trace
from syncs.models import (
    MonthBill,
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncTrigger,
    UnrecognizedResource,
)


class SnapshotTotalInline(ReadOnlyTabularInline):
    model = SnapshotTotal
    manage_permission = MANAGE
    fields = ["currency", "billed_daily_cost", "resources_daily_cost", "unexplained_daily_cost"]


class ScopeCoverageInline(ReadOnlyTabularInline):
    model = ScopeCoverage
    manage_permission = MANAGE
    fields = ["scope", "status", "error_code", "reason", "last_complete_at"]
    readonly_fields = ["reason"]
    ordering = ["status", "scope"]
    per_page = 50

    @admin.display(description=_("reason"))
    def reason(self, coverage: ScopeCoverage) -> str:
        return sentence(coverage.message, coverage.params) or "—"


@admin.register(SyncSnapshot)
class SyncSnapshotAdmin(ReadOnlyModelAdmin):
    """Which syncs fail, hang or leave money unexplained? Over one's facts: where its time went, call by call."""

    manage_permission = MANAGE
    change_form_before_template = "admin/syncs/syncsnapshot/trace.html"
    list_display = [
        "requested_at",
        "connection_link",
        "organization_link",
        "state",
        "trigger",
        "attempt",
        "unexplained",
        "counts",
        "duration",
    ]
    list_filter = [
        "status",
        "trigger",
        "is_current",
        ConnectionProviderFilter,
        ("connection", AutocompleteSelectFilter),
        ("organization", AutocompleteSelectFilter),
        "requested_at",
    ]
    search_fields = ["connection__connection_name", "connection__account_id", "organization__name"]
    list_select_related = ["connection", "organization"]
    ordering = ["-requested_at", "-pk"]
    actions = ["run_again", "reap_stuck"]
    inlines = [SnapshotTotalInline, ScopeCoverageInline]
    connection_link = object_link("connection", _("connection"))
    organization_link = object_link("organization", _("organization"))
    requested_by_link = object_link("requested_by", _("by whom"))
    billing_file_link = object_link("billing_file", _("billing file"))
    failed_afterwards = json_fact("after_sync_errors", _("what failed afterwards"))
    facts = [
        "connection_link",
        "organization_link",
        "requested_by_link",
        "billing_file_link",
        "held_until",
        "duration",
        "why_failed",
        "told",
        "sums",
        "failed_afterwards",
        "progress_now",
        "found",
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "connection_link",
                    "organization_link",
                    "status",
                    "is_current",
                    "trigger",
                    "requested_by_link",
                    "billing_file_link",
                    "why_failed",
                    "found",
                ]
            },
        ),
        (
            _("Times"),
            {
                "fields": [
                    "requested_at",
                    "started_at",
                    "observed_at",
                    "finished_at",
                    "duration",
                    "attempt",
                    "held_until",
                    "phase",
                    "progress_now",
                ]
            },
        ),
        (
            _("Result"),
            {
                "fields": [
                    "created_count",
                    "updated_count",
                    "unchanged_count",
                    "deleted_count",
                    "stale_count",
                    "resource_count",
                    "unrecognized_count",
                    "sums",
                    "told",
                    "failed_afterwards",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncSnapshot]:
        rows: QuerySet[SyncSnapshot] = super().get_queryset(request)
        return rows.prefetch_related("totals")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        answer: HttpResponse = super().render_change_form(
            request, {**context, "trace": operators_trace(context["original"])}, *args, **kwargs
        )
        return answer

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self._may_manage(request)

    @display(description=_("status"), ordering="status", label=STATUS_LABELS)
    def state(self, snapshot: SyncSnapshot) -> tuple[str, str]:
        return snapshot.status, str(snapshot.get_status_display())

    @admin.display(description=_("resources"))
    def counts(self, snapshot: SyncSnapshot) -> SafeString:
        """`44 (+2 ~3 −1)`: all of them, new, changed, gone; `?4` are stale."""
        marks = (
            ("+", snapshot.created_count),
            ("~", snapshot.updated_count),
            ("−", snapshot.deleted_count),
            ("?", snapshot.stale_count),
        )
        changed = " ".join(f"{mark}{count}" for mark, count in marks if count)
        whole = f"{snapshot.resource_count} ({changed})" if changed else str(snapshot.resource_count)
        return format_html('<span class="whitespace-nowrap">{}</span>', whole)

    @admin.display(description=_("not explained, a day"))
    def unexplained(self, snapshot: SyncSnapshot) -> str:
        totals = {total.currency: total.unexplained_daily_cost for total in snapshot.totals.all()}
        return ", ".join(money(amount, currency) for currency, amount in sorted(totals.items())) or "—"

    @admin.display(description=_("duration, s"))
    def duration(self, snapshot: SyncSnapshot) -> str:
        """Of the work: a replay's clock stands still, so the phases are added where they are known."""
        if snapshot.timings:
            return number(Decimal(str(sum(snapshot.timings.values()))), 1)
        if snapshot.started_at and snapshot.finished_at:
            return number(Decimal(str((snapshot.finished_at - snapshot.started_at).total_seconds())), 1)
        return "—"

    @admin.display(description=_("held by a worker until"))
    def held_until(self, snapshot: SyncSnapshot) -> Any:
        return snapshot.lease_expires_at

    @admin.display(description=_("error"))
    def why_failed(self, snapshot: SyncSnapshot) -> str:
        explanation = explain(snapshot.error, provider_type=snapshot.connection.provider_type)
        return str(explanation) if explanation else "—"

    @admin.display(description=_("findings"))
    def told(self, snapshot: SyncSnapshot) -> SafeString:
        return readable.findings(snapshot)

    @admin.display(description=_("sums"))
    def sums(self, snapshot: SyncSnapshot) -> SafeString:
        return readable.sums(snapshot)

    @admin.display(description=_("progress"))
    def progress_now(self, snapshot: SyncSnapshot) -> SafeString:
        return readable.progress(snapshot)

    @admin.display(description=_("rows"))
    def found(self, snapshot: SyncSnapshot) -> SafeString:
        opened = changelist_link(ResourceState, _("states opened"), opened_by__id__exact=snapshot.pk)
        unknown = changelist_link(UnrecognizedResource, _("not recognised"), snapshot__id__exact=snapshot.pk)
        return format_html("{} · {}", opened, unknown)

    @admin.action(description=_("Sync these connections again"), permissions=["manage"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[SyncSnapshot]) -> None:
        connections = {row.connection_id: row.connection for row in queryset.select_related("connection")}
        queue_syncs(self, request, list(connections.values()))

    @admin.action(description=_("Give back all syncs whose worker died"), permissions=["manage"])
    def reap_stuck(self, request: HttpRequest, queryset: QuerySet[SyncSnapshot]) -> None:
        """Whatever is chosen: the reaper looks at every running sync."""
        waiting = services.reap_stuck_snapshots(now=timezone.now())
        for snapshot_id in waiting:
            tasks.run_snapshot.delay_on_commit(snapshot_id=snapshot_id)  # type: ignore[attr-defined]  # Celery's Django task
        count = len(waiting)
        text = ngettext("%(count)d sync handed out.", "%(count)d syncs handed out.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)


def queue_syncs(model_admin: Any, request: HttpRequest, connections: list[Any]) -> None:
    """Queue a sync of each connection and tell how many began, were running already, and cannot."""
    started = joined_count = 0
    for connection in connections:
        try:
            snapshot, joined = services.request_sync(
                connection=connection,
                trigger=SyncTrigger.MANUAL,
                requested_by=acting_user(request),
                now=timezone.now(),
            )
        except services.SyncNotPossible as error:
            model_admin.message_user(request, f"{connection}: {sentence(str(error))}", messages.WARNING)
            continue
        if joined:
            joined_count += 1
            continue
        started += 1
        tasks.run_snapshot.delay_on_commit(snapshot_id=snapshot.pk)  # type: ignore[attr-defined]  # Celery's Django task
    if started:
        text = ngettext("%(count)d sync queued.", "%(count)d syncs queued.", started)
        model_admin.message_user(request, text % {"count": started}, messages.SUCCESS)
    if joined_count:
        text = ngettext(
            "%(count)d connection is being synced already.",
            "%(count)d connections are being synced already.",
            joined_count,
        )
        model_admin.message_user(request, text % {"count": joined_count}, messages.INFO)


@admin.register(ScopeCoverage)
class ScopeCoverageAdmin(ReadOnlyModelAdmin):
    """Which scopes fail, where, and since when?"""

    manage_permission = MANAGE
    list_display = ["scope", "status", "error_code", "snapshot_link", "last_complete_at"]
    list_filter = ["status", "error_code", "snapshot__is_current", "snapshot__connection__provider_type"]
    search_fields = ["scope", "snapshot__connection__connection_name"]
    list_select_related = ["snapshot__connection"]
    ordering = ["-pk"]
    exclude = ["organization", "snapshot", "message", "params"]
    facts = ["snapshot_link", "reason"]
    snapshot_link = object_link("snapshot", _("sync snapshot"))

    @admin.display(description=_("reason"))
    def reason(self, coverage: ScopeCoverage) -> str:
        return sentence(coverage.message, coverage.params) or "—"


@admin.register(MonthBill)
class MonthBillAdmin(ReadOnlyModelAdmin):
    """What does a provider's own report say a month came to?"""

    manage_permission = MANAGE
    list_display = ["connection_link", "month", "amount", "currency", "read_at"]
    list_display_links = ["month"]
    list_filter = ["currency", "connection__provider_type", "month"]
    search_fields = ["connection__connection_name"]
    list_select_related = ["connection"]
    ordering = ["-month", "-pk"]
    exclude = ["organization", "connection"]
    facts = ["connection_link"]
    connection_link = object_link("connection", _("connection"))


@admin.register(SnapshotTotal)
class SnapshotTotalAdmin(ReadOnlyModelAdmin):
    """Where does the provider's bill differ from the sum of our resources?"""

    manage_permission = MANAGE
    list_display = [
        "snapshot_link",
        "currency",
        "billed_daily_cost",
        "resources_daily_cost",
        "unexplained_daily_cost",
    ]
    list_display_links = ["currency"]
    list_filter = ["currency", "snapshot__is_current", "snapshot__connection__provider_type"]
    search_fields = ["snapshot__connection__connection_name"]
    list_select_related = ["snapshot__connection"]
    ordering = ["-pk"]
    exclude = ["organization", "snapshot"]
    facts = ["snapshot_link"]
    snapshot_link = object_link("snapshot", _("sync snapshot"))
