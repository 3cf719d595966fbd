"""Costs for operators: what did a day cost, which rate was used, what changed afterwards?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from common.admin import ModelAdmin, ReadOnlyModelAdmin, object_link
from common.formatting import money, signed_money
from costs import services
from costs.exchange import Rate
from costs.models import CostRevision, DailyCost, ExchangeRate
from costs.type_spend import type_spend
from syncs import triage
from syncs.admin.triage import UnrecognizedResourceAdmin
from syncs.models import UnrecognizedResource

MANAGE = "accounts.manage_resources"


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ModelAdmin):
    """Which rate holds from which day on? A rate that changes restates the rouble values of its days."""

    manage_permission = MANAGE
    is_tenant_data = False
    list_display = ["currency", "date", "rub_per_unit", "source"]
    list_filter = ["currency", "source", "date"]
    search_fields = ["currency"]
    ordering = ["-date", "currency"]
    fields = ["currency", "date", "rub_per_unit", "source"]
    facts = ["source"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "currency", "date"] if obj else fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Facts use it; a wrong rate is corrected."""
        return False

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: Any, change: bool) -> None:
        rate = Rate(currency=obj.currency.upper(), date=obj.date, rub_per_unit=obj.rub_per_unit)
        services.store_rates(rates=[rate], source=ExchangeRate.Source.MANUAL)
        obj.pk = ExchangeRate.objects.get(currency=rate.currency, date=rate.date).pk


@admin.register(DailyCost)
class DailyCostAdmin(ReadOnlyModelAdmin):
    """What did a resource cost on a day, by whose word, at which rate?"""

    manage_permission = MANAGE
    list_display = [
        "date",
        "resource_link",
        "connection_link",
        "charge_category",
        "source",
        "billed",
        "effective",
        "roubles",
    ]
    list_filter = [
        "source",
        "charge_category",
        "currency",
        ("rub_rate", admin.EmptyFieldListFilter),
        ("connection", AutocompleteSelectFilter),
        ("organization", AutocompleteSelectFilter),
        "date",
    ]
    search_fields = ["resource__name", "resource__resource_id", "connection__connection_name"]
    list_select_related = ["resource", "connection"]
    ordering = ["-date", "-pk"]
    exclude = ["organization", "connection", "resource"]
    facts = ["connection_link", "resource_link"]
    resource_link = object_link("resource", _("resource"))
    connection_link = object_link("connection", _("connection"))

    @admin.display(description=_("billed cost"), ordering="billed_cost")
    def billed(self, fact: DailyCost) -> str:
        return money(fact.billed_cost, fact.currency)

    @admin.display(description=_("effective cost"), ordering="effective_cost")
    def effective(self, fact: DailyCost) -> str:
        return money(fact.effective_cost, fact.currency)

    @admin.display(description=_("billed cost, RUB"), ordering="billed_cost_rub")
    def roubles(self, fact: DailyCost) -> str:
        return money(fact.billed_cost_rub)


@admin.register(CostRevision)
class CostRevisionAdmin(ReadOnlyModelAdmin):
    """Which days changed after they had been complete, when, and by how much?"""

    manage_permission = MANAGE
    list_display = ["date", "connection_link", "before", "after", "difference", "changed_at"]
    list_filter = ["currency", ("connection", AutocompleteSelectFilter), "changed_at", "date"]
    search_fields = ["connection__connection_name"]
    list_select_related = ["connection"]
    ordering = ["-changed_at", "-pk"]
    connection_link = object_link("connection", _("connection"))
    snapshot_link = object_link("snapshot", _("sync snapshot"))
    exclude = ["organization", "connection", "snapshot"]
    facts = ["connection_link", "snapshot_link", "difference"]

    @admin.display(description=_("before"), ordering="before_billed_cost")
    def before(self, revision: CostRevision) -> str:
        return money(revision.before_billed_cost, revision.currency)

    @admin.display(description=_("after"), ordering="after_billed_cost")
    def after(self, revision: CostRevision) -> str:
        return money(revision.after_billed_cost, revision.currency)

    @admin.display(description=_("difference"))
    def difference(self, revision: CostRevision) -> str:
        return signed_money(revision.after_billed_cost - revision.before_billed_cost, revision.currency)


admin.site.unregister(UnrecognizedResource)


@admin.register(UnrecognizedResource)
class CostedTriageAdmin(UnrecognizedResourceAdmin):
    """Triage with what a type has cost so far, which the app below cannot know."""

    def spent(self, types: Iterable[triage.NativeType]) -> Mapping[triage.NativeType, triage.TypeSpend]:
        return type_spend(types)
