"""How a connection's costs come about: by billed lines or by prices over time, and where its days are cut."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from costs.services import billing_zone
from providers.contract.errors import UnknownProvider
from providers.contract.plugin import BillingKind
from providers.models import ProviderConnection
from providers.registry import plugin_class


def is_by_rates(connection: ProviderConnection) -> bool:
    """Of a connection whose plugin is gone, only lines could have stayed."""
    try:
        return plugin_class(connection.provider_type).capabilities.billing is BillingKind.RATES
    except UnknownProvider:
        return False


def zone_of(connection: ProviderConnection) -> ZoneInfo:
    """The zone in which the provider cuts its days; UTC where its plugin is gone."""
    try:
        return billing_zone(connection)
    except UnknownProvider:
        return ZoneInfo("UTC")
