"""Unit metrics for administrators: read only, they are a tenant's own."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyModelAdmin, object_link
from costs.unit_costs.models import UnitMetric


@admin.register(UnitMetric)
class UnitMetricAdmin(ReadOnlyModelAdmin):
    """What is counted, by whom?"""

    list_display = ["name", "organization_link", "unit", "kind", "created_at"]
    list_filter = ["kind", "created_at"]
    search_fields = ["name", "organization__name"]
    list_select_related = ["organization"]
    fields = ["name", "organization_link", "unit", "kind", "filters", "created_at", "updated_at"]
    facts = ["organization_link"]
    organization_link = object_link("organization", _("organization"))
