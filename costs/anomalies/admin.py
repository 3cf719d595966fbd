"""Anomalies for operators: what was found, where, how sure are we that it is explained?"""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from common.admin import ReadOnlyModelAdmin, json_fact, object_link
from common.formatting import money
from costs.anomalies.models import Anomaly
from costs.anomalies.wording import title


@admin.register(Anomaly)
class AnomalyAdmin(ReadOnlyModelAdmin):
    """Which days cost more than expected, or far less, by how much, why, and who accepted it?"""

    manage_permission = "accounts.manage_resources"
    list_display = [
        "what",
        "kind",
        "connection_link",
        "first_date",
        "last_date",
        "surplus",
        "is_over",
        "acknowledged_at",
    ]
    list_filter = [
        "kind",
        "level",
        "is_over",
        "is_settled",
        ("acknowledged_at", admin.EmptyFieldListFilter),
        ("connection", AutocompleteSelectFilter),
        ("organization", AutocompleteSelectFilter),
        "last_date",
    ]
    search_fields = ["resource__name", "service_name", "connection__connection_name", "reason"]
    list_select_related = ["connection", "resource"]
    ordering = ["-last_date", "-pk"]
    exclude = ["organization", "connection", "resource", "days", "parts", "causes", "around"]
    connection_link = object_link("connection", _("connection"))
    resource_link = object_link("resource", _("resource"))
    parts_json = json_fact("parts", _("Resources"))
    causes_json = json_fact("causes", _("Causes"))
    around_json = json_fact("around", _("Surroundings"))
    facts = ["connection_link", "resource_link", "surplus", "causes_json", "parts_json", "around_json"]

    @admin.display(description=_("what"))
    def what(self, anomaly: Anomaly) -> str:
        return title(anomaly)

    @admin.display(description=_("more than expected"))
    def surplus(self, anomaly: Anomaly) -> str:
        return money(anomaly.excess)
