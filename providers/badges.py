"""How a connection is drawn beside its name: two letters on the colour of its series."""

from __future__ import annotations

from providers import registry
from providers.models import ProviderConnection

SERIES_COUNT = 8
"""Colours that a connection may have of its own; later ones share the colour of the rest."""


def badge_of(connection: ProviderConnection) -> str:
    """The two letters of its provider; of its type where the plugin is gone."""
    plugin = registry.plugins().get(connection.provider_type)
    return plugin.badge if plugin else connection.provider_type[:2].upper()


def series_of(connection: ProviderConnection) -> str:
    """The colour of its badge, its swatches and its part of every chart: "1" to "8", or "rest"."""
    return str(connection.series_number) if connection.series_number <= SERIES_COUNT else "rest"
