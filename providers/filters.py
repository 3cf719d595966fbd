"""Filters of lists of connections, for pages and the API."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from providers import registry
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
    name = django_filters.CharFilter(label=_("Name"), field_name="connection_name", lookup_expr="icontains")

    class Meta:
        model = ProviderConnection
        fields: tuple[str, ...] = ()
