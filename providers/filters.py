"""Filters of lists of connections, for pages and the API."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from providers import registry, scheduling
from providers.models import ConnectionStatus, ProviderConnection


class ConnectionFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    provider_type = django_filters.ChoiceFilter(
        label=_("Provider"),
        choices=lambda: [(key, plugin.display_name) for key, plugin in registry.plugins().items()],
    )
    status = django_filters.ChoiceFilter(
        label=_("Last result"), field_name="last_sync_status", choices=ConnectionStatus.choices
    )
    is_active = django_filters.BooleanFilter(label=_("Active"))
    is_given_up = django_filters.BooleanFilter(
        label=_("Not tried by itself any more"), method="filter_given_up"
    )
    name = django_filters.CharFilter(label=_("Name"), field_name="connection_name", lookup_expr="icontains")

    class Meta:
        model = ProviderConnection
        fields: tuple[str, ...] = ()

    def filter_given_up(
        self, rows: QuerySet[ProviderConnection], name: str, value: bool
    ) -> QuerySet[ProviderConnection]:
        given_up = Q(consecutive_failures__gte=scheduling.failures_until_stop())
        return rows.filter(given_up if value else ~given_up)
