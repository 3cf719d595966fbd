"""Power schedules for operators."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from common.admin import ReadOnlyModelAdmin
from recommendations.schedules.models import PowerSchedule
from recommendations.wording import weekly


@admin.register(PowerSchedule)
class PowerScheduleAdmin(ReadOnlyModelAdmin):
    """Who keeps which hours for what?"""

    manage_permission = "accounts.manage_resources"
    list_display = ["name", "organization", "hours", "rests_on_holidays", "scope", "created_by"]
    list_filter = ["rests_on_holidays", ("organization", AutocompleteSelectFilter)]
    search_fields = ["name", "note"]
    list_select_related = ["organization", "created_by"]
    ordering = ["name", "pk"]

    @admin.display(description=_("hours"))
    def hours(self, row: PowerSchedule) -> str:
        return weekly(row.calendar)
