"""How violations can be narrowed, alike on the page, in the CSV and in the API; rows are those of `queries.violations`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.api import IdFilter
from costs.explorer.filters import NONE_VALUE
from recommendations.policies.models import Violation, ViolationStatus

OVERDUE, ALL = "overdue", "all"
STATUSES = [
    (ViolationStatus.OPEN.value, _("Open")),
    (OVERDUE, _("Overdue")),
    (ViolationStatus.EXCEPTED.value, _("Excepted")),
    (ViolationStatus.RESOLVED.value, _("Put right")),
    (ALL, _("All")),
]


class ViolationFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """`owner` is a name, or `~` for resources without one."""

    status = django_filters.ChoiceFilter(method="with_status", choices=STATUSES, label=_("Status"))
    policy = IdFilter(field_name="policy_id", label=_("Policy"))
    connection = IdFilter(field_name="connection_id", label=_("Connection"))
    resource = IdFilter(field_name="resource_id", label=_("Resource"))
    owner = django_filters.CharFilter(method="of_owner", label=_("Owner"))
    assigned_to = IdFilter(field_name="assigned_to_id", label=_("Assigned to"))
    q = django_filters.CharFilter(method="search", label=_("Search"))

    class Meta:
        model = Violation
        fields: tuple[str, ...] = ()

    def with_status(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        if value == ALL:
            return rows
        return rows.filter(is_overdue=True) if value == OVERDUE else rows.filter(status=value)

    def of_owner(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        name = "" if value == NONE_VALUE else value.replace("\0", "")
        return rows.filter(resource__isnull=False, resource__owner=name)

    def search(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        text = value.replace("\0", "").strip()
        return rows.filter(Q(resource__name__icontains=text) | Q(resource__resource_id=text))
