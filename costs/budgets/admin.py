"""Budgets for operators: who has set which, and how do they stand?"""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from common.admin import ReadOnlyModelAdmin, ReadOnlyTabularInline, object_link
from common.formatting import money
from costs.budgets.models import Budget, BudgetAlert, BudgetPeriod, PlannedChange

MANAGE = "accounts.manage_resources"


class BudgetPeriodInline(ReadOnlyTabularInline):
    manage_permission = MANAGE
    model = BudgetPeriod
    fields = [
        "first_date",
        "last_date",
        "amount",
        "carried_amount",
        "actual_cost",
        "forecast_cost",
        "breach_date",
    ]
    ordering = ["-first_date"]


class BudgetAlertInline(ReadOnlyTabularInline):
    manage_permission = MANAGE
    model = BudgetAlert
    fields = ["first_date", "basis", "percent", "cost", "limit", "raised_at"]
    ordering = ["-raised_at"]


@admin.register(Budget)
class BudgetAdmin(ReadOnlyModelAdmin):
    """Which budgets are there, of what, and how did their periods end?"""

    manage_permission = MANAGE
    list_display = ["name", "organization_link", "shown_amount", "period", "first_date", "last_date", "scope"]
    list_filter = ["period", "rolls_over", ("organization", AutocompleteSelectFilter)]
    search_fields = ["name", "organization__name"]
    list_select_related = ["organization"]
    ordering = ["organization", "name"]
    exclude = ["organization", "parent"]
    organization_link = object_link("organization", _("organization"))
    parent_link = object_link("parent", _("part of"))
    facts = ["organization_link", "parent_link"]
    inlines = [BudgetPeriodInline, BudgetAlertInline]

    @admin.display(description=_("amount, ₽"), ordering="amount")
    def shown_amount(self, budget: Budget) -> str:
        return money(budget.amount)


@admin.register(PlannedChange)
class PlannedChangeAdmin(ReadOnlyModelAdmin):
    """What do organizations expect to change in their costs?"""

    manage_permission = MANAGE
    list_display = ["name", "organization_link", "first_date", "last_date", "amount", "is_once"]
    list_filter = ["is_once", "first_date", ("organization", AutocompleteSelectFilter)]
    search_fields = ["name", "note", "organization__name"]
    list_select_related = ["organization"]
    ordering = ["-first_date", "-pk"]
    exclude = ["organization"]
    organization_link = object_link("organization", _("organization"))
    facts = ["organization_link"]
