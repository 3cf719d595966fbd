"""What ran, what it found, and how each resource came to be what it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
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
    readable_json,
)
from common.formatting import money, money_per_day, number
from providers.messages import explain, sentence
from syncs import services, tasks
from syncs.admin.parts import MANAGE, RESOURCE_LABELS, STATUS_LABELS, ConnectionProviderFilter, daily_costs
from syncs.models import (
    PendingClosure,
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
    """Which syncs fail, hang or leave money unexplained?"""

    manage_permission = MANAGE
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
    phase_seconds = json_fact("timings", _("seconds by phase"))
    sums = json_fact("breakdown", _("sums"))
    failed_afterwards = json_fact("after_sync_errors", _("what failed afterwards"))
    progress_now = json_fact("progress", _("progress"))
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
        "phase_seconds",
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
                    "phase_seconds",
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
        return readable_json(
            [
                {
                    finding.get("code", ""): sentence(finding.get("message", ""), finding.get("params")),
                    **{key: finding[key] for key in ("line", "column") if finding.get(key)},
                }
                for finding in snapshot.findings
            ]
        )

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
    what_changed = json_fact("changes", _("changes"))
    specification = json_fact("configuration", _("configuration"))
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
