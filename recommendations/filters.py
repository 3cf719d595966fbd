"""How recommendations can be narrowed, alike on the page, in the CSV and in the API."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.api import IdFilter
from inventory.models import ResourceType
from recommendations.engine.contract import Category, Effort, Risk
from recommendations.models import OPEN, Recommendation, Status

OPEN_VALUE, EXCLUDED_VALUE = "open", "excluded"
STATUSES = [
    (OPEN_VALUE, pgettext_lazy("recommendations", "Open")),
    *Status.choices,
    (EXCLUDED_VALUE, _("Excluded")),
]
CONFIDENCES = [
    ("high", pgettext_lazy("confidence", "high")),
    ("medium", pgettext_lazy("confidence", "medium or high")),
]
LEAST = {"high": Decimal("0.8"), "medium": Decimal("0.5")}


class RecommendationFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """`status` is one of `Status`, `open` (the default of the page) or `excluded`."""

    status = django_filters.ChoiceFilter(method="with_status", choices=STATUSES, label=_("Status"))
    category = django_filters.ChoiceFilter(choices=Category.choices, label=_("Category"))
    connection = IdFilter(field_name="connection_id", label=_("Connection"))
    resource = IdFilter(field_name="resource_id", label=_("Resource"))
    resource_type = django_filters.ChoiceFilter(
        field_name="resource__resource_type", choices=ResourceType.choices, label=_("Type")
    )
    rule = django_filters.CharFilter(field_name="rule_id", label=_("Rule"))
    risk = django_filters.ChoiceFilter(choices=Risk.choices, label=_("Risk"))
    effort = django_filters.ChoiceFilter(choices=Effort.choices, label=_("Effort"))
    confidence = django_filters.ChoiceFilter(method="at_least", choices=CONFIDENCES, label=_("Confidence"))
    assigned_to = IdFilter(field_name="assigned_to_id", label=_("Assigned to"))
    q = django_filters.CharFilter(method="search", label=_("Search"))

    class Meta:
        model = Recommendation
        fields: tuple[str, ...] = ()

    def with_status(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        if value == EXCLUDED_VALUE:
            return rows.filter(is_excluded=True)
        if value == OPEN_VALUE:
            return rows.filter(status__in=OPEN, is_excluded=False)
        return rows.filter(status=value, is_excluded=False)

    def at_least(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(confidence__gte=LEAST[value])

    def search(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        return rows.filter(
            Q(resource__name__icontains=text) | Q(resource__resource_id=text) | Q(rule_id__icontains=text)
        )
