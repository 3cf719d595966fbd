"""The catalogue of provider types: which are offered, with which defaults and limits, and what hangs on each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, F, Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from common.admin import ModelAdmin, changelist_link
from common.formatting import duration, no_data
from common.templatetags.formatting import moment
from providers import catalogue, guides, registry
from providers.contract.plugin import BillingKind, Capabilities, ProviderPlugin
from providers.forms import interval_label
from providers.messages import provider_name, sentence
from providers.models import ProviderConnection, ProviderType

BILLING_WORDS = {
    BillingKind.LINES: _("billed lines of a period"),
    BillingKind.RATES: _("prices of what exists"),
}

STATE_LABELS = {"on": "success", "off": "warning", "gone": "danger"}


@admin.register(ProviderType)
class ProviderTypeAdmin(ModelAdmin):
    """Rows come with the installed plugins; here they are switched and given their defaults."""

    manage_permission = "accounts.manage_providers"
    list_display = [
        "name",
        "state",
        "connections",
        "last_synced",
        "interval",
        "time_limit",
        "reads",
    ]
    list_filter = ["is_enabled"]
    ordering = ["key"]
    actions = ["switch_on", "switch_off"]
    fieldsets = [
        (None, {"fields": ["name", "summary", "is_enabled"]}),
        (_("Defaults and limits"), {"fields": ["sync_interval_minutes", "reading_seconds"]}),
        (
            _("What the plugin declares"),
            {"fields": ["key", "billing", "reads", "billing_timezone", "credentials", "has_guide"]},
        ),
        (_("Connections"), {"fields": ["connections", "last_synced"]}),
    ]
    facts = [
        "key",
        "name",
        "summary",
        "billing",
        "reads",
        "billing_timezone",
        "credentials",
        "has_guide",
        "connections",
        "last_synced",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderType]:
        own = ProviderConnection.objects.filter(provider_type=OuterRef("key")).order_by()
        by_type = own.values("provider_type")
        found: QuerySet[ProviderType] = super().get_queryset(request)
        return found.annotate(
            connection_count=Subquery(by_type.annotate(count=Count("pk")).values("count")),
            last_sync_at=Subquery(by_type.annotate(latest=Max("last_sync_at")).values("latest")),
        )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        catalogue.add_missing_types()
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # Columns and facts

    @admin.display(description=_("provider"), ordering="key")
    def name(self, one: ProviderType) -> str:
        return provider_name(one.key)

    @display(description=_("state"), ordering="is_enabled", label=STATE_LABELS)
    def state(self, one: ProviderType) -> tuple[str, Any]:
        if _plugin(one) is None:
            return "gone", _("Not installed")
        return ("on", _("Offered")) if one.is_enabled else ("off", _("Switched off"))

    @admin.display(description=_("default interval"), ordering="sync_interval_minutes")
    def interval(self, one: ProviderType) -> str:
        return interval_label(one.sync_interval_minutes)

    @admin.display(description=_("time limit"), ordering="reading_seconds")
    def time_limit(self, one: ProviderType) -> str:
        return duration(timedelta(seconds=one.reading_seconds))

    @admin.display(description=_("summary"))
    def summary(self, one: ProviderType) -> str:
        plugin = _plugin(one)
        return sentence(plugin.summary) if plugin else no_data()

    @admin.display(description=_("money comes as"))
    def billing(self, one: ProviderType) -> str:
        plugin = _plugin(one)
        return str(BILLING_WORDS[plugin.capabilities.billing]) if plugin else no_data()

    @admin.display(description=_("it reads"))
    def reads(self, one: ProviderType) -> str:
        plugin = _plugin(one)
        return ", ".join(_capability_words(plugin.capabilities)) if plugin else no_data()

    @admin.display(description=_("time zone of its bills"))
    def billing_timezone(self, one: ProviderType) -> str:
        plugin = _plugin(one)
        return plugin.billing_timezone if plugin else no_data()

    @admin.display(description=_("guide for people"), boolean=True)
    def has_guide(self, one: ProviderType) -> bool:
        plugin = _plugin(one)
        return bool(plugin and guides.guide(plugin))

    @admin.display(description=_("credentials that it asks for"))
    def credentials(self, one: ProviderType) -> SafeString:
        plugin = _plugin(one)
        rows = [
            (sentence(field.label), ", ".join(words))
            for field in (plugin.credential_fields if plugin else ())
            for words in [_field_words(field)]
        ]
        if not rows:
            return SafeString("—")
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))

    @admin.display(description=_("connections"), ordering="connection_count")
    def connections(self, one: Any) -> SafeString:
        count = one.connection_count or 0
        return changelist_link(ProviderConnection, count, provider_type=one.key) if count else SafeString("0")

    @admin.display(description=_("last synced"), ordering=F("last_sync_at").desc(nulls_last=True))
    def last_synced(self, one: Any) -> str | SafeString:
        return moment(one.last_sync_at) if one.last_sync_at else SafeString("—")

    # Actions

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[ProviderType]) -> None:
        self._switch(request, queryset, is_enabled=True)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[ProviderType]) -> None:
        self._switch(request, queryset, is_enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[ProviderType], *, is_enabled: bool) -> None:
        types = ProviderType.objects.filter(pk__in=queryset.values("pk"))
        count = catalogue.set_enabled(types=types, is_enabled=is_enabled)
        text = (
            ngettext("%(count)d provider switched on.", "%(count)d providers switched on.", count)
            if is_enabled
            else ngettext("%(count)d provider switched off.", "%(count)d providers switched off.", count)
        )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)


def _plugin(one: ProviderType) -> type[ProviderPlugin] | None:
    return registry.plugins().get(one.key)


def _capability_words(capabilities: Capabilities) -> list[str]:
    said = [
        (capabilities.reads_files, _("files")),
        (capabilities.has_inventory, _("resources")),
        (capabilities.has_usage, _("measurements")),
        (capabilities.has_prices, _("prices")),
    ]
    return [str(word) for is_so, word in said if is_so]


def _field_words(field: Any) -> list[str]:
    said = [
        (field.is_secret, _("secret")),
        (field.is_required, _("required")),
        (not field.is_required, _("optional")),
        (field.decides_destination, _("decides where secrets are sent")),
    ]
    return [str(word) for is_so, word in said if is_so]
