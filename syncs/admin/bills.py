"""Files that people gave, and the billed lines that came out of them or of a provider's billing."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from common.admin import ReadOnlyModelAdmin, changelist_link, json_fact, object_link
from common.formatting import money
from common.formatting import size_bytes as shown_size
from providers.messages import explain
from syncs.admin.parts import MANAGE
from syncs.models import BillingFile, ChargeBatch, ChargeLine, SyncSnapshot


@admin.register(BillingFile)
class BillingFileAdmin(ReadOnlyModelAdmin):
    """Who uploaded what, and what did it hold?"""

    manage_permission = MANAGE
    list_display = [
        "name",
        "connection_link",
        "organization_link",
        "status",
        "size",
        "uploaded_by_link",
        "uploaded",
    ]
    list_filter = [
        "status",
        "skip_bad_rows",
        ("connection", AutocompleteSelectFilter),
        ("organization", AutocompleteSelectFilter),
        "created_at",
    ]
    search_fields = ["name", "sha256", "connection__connection_name", "uploaded_by__email"]
    list_select_related = ["connection", "organization", "uploaded_by"]
    ordering = ["-created_at", "-pk"]
    exclude = ["file", "organization", "connection", "report", "uploaded_by"]
    found = json_fact("report", _("report"))
    connection_link = object_link("connection", _("connection"))
    organization_link = object_link("organization", _("organization"))
    facts = [
        "connection_link",
        "organization_link",
        "size",
        "uploaded_by_link",
        "why_refused",
        "imports",
        "found",
        "uploaded",
    ]
    uploaded_by_link = object_link("uploaded_by", _("by whom"))

    @admin.display(description=_("uploaded"), ordering="created_at")
    def uploaded(self, billing_file: BillingFile) -> Any:
        return billing_file.created_at

    @admin.display(description=_("size"), ordering="size_bytes")
    def size(self, billing_file: BillingFile) -> str:
        return shown_size(billing_file.size_bytes)

    @admin.display(description=_("error"))
    def why_refused(self, billing_file: BillingFile) -> str:
        error = billing_file.report.get("error")
        explanation = explain(error, provider_type=billing_file.connection.provider_type)
        return str(explanation) if explanation else "—"

    @admin.display(description=_("imports"))
    def imports(self, billing_file: BillingFile) -> SafeString:
        return changelist_link(SyncSnapshot, _("Show"), billing_file__id__exact=billing_file.pk)


@admin.register(ChargeBatch)
class ChargeBatchAdmin(ReadOnlyModelAdmin):
    """Which delivery of billed lines counts, and which did it replace?"""

    manage_permission = MANAGE
    list_display = [
        "source",
        "connection_link",
        "period_start",
        "period_end",
        "line_count",
        "published_at",
        "replaced_at",
        "lines_link",
    ]
    list_filter = [
        ("replaced_at", admin.EmptyFieldListFilter),
        ("connection", AutocompleteSelectFilter),
        "period_start",
    ]
    search_fields = ["source", "connection__connection_name"]
    list_select_related = ["connection"]
    ordering = ["-period_start", "-pk"]
    connection_link = object_link("connection", _("connection"))
    snapshot_link = object_link("snapshot", _("sync snapshot"))
    facts = ["lines_link", "snapshot_link", "connection_link"]
    exclude = ["organization", "connection", "snapshot", "replaced_by"]

    @admin.display(description=_("billed lines"))
    def lines_link(self, batch: ChargeBatch) -> SafeString:
        return changelist_link(ChargeLine, _("Show"), batch__id__exact=batch.pk)


@admin.register(ChargeLine)
class ChargeLineAdmin(ReadOnlyModelAdmin):
    """What exactly was billed?"""

    manage_permission = MANAGE
    list_display = [
        "charge_description",
        "resource_link",
        "service_name",
        "charge_category",
        "charge_period_start",
        "billed",
    ]
    list_display_links = ["charge_period_start"]
    list_filter = ["charge_category", "charge_class", "currency", "charge_period_start"]
    search_fields = ["charge_description", "service_name", "sku_id", "resource__name"]
    list_select_related = ["resource"]
    ordering = ["-pk"]
    resource_link = object_link("resource", _("resource"))
    other_columns = json_fact("extra", _("other columns"))
    exclude = ["organization", "extra", "resource", "batch"]
    batch_link = object_link("batch", _("delivery of billed lines"))
    facts = ["resource_link", "batch_link", "other_columns"]

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        return lookup == "batch__id__exact" or bool(super().lookup_allowed(lookup, value, request))

    @admin.display(description=_("billed cost"), ordering="billed_cost")
    def billed(self, line: ChargeLine) -> str:
        return money(line.billed_cost, line.currency)
