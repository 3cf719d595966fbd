"""What the admins of syncs share: columns, filters, colours."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from common.formatting import money_per_day
from providers.admin import ProviderFilter
from syncs.models import ResourceState, SyncStatus

MANAGE = "accounts.manage_resources"

STATUS_LABELS = {
    SyncStatus.SUCCESS: "success",
    SyncStatus.PARTIAL: "warning",
    SyncStatus.ERROR: "danger",
    SyncStatus.RUNNING: "info",
    SyncStatus.QUEUED: "info",
}
"""Unfold's colours."""

RESOURCE_LABELS = {
    ResourceState.Status.RUNNING: "success",
    ResourceState.Status.PENDING: "info",
    ResourceState.Status.ERROR: "danger",
    ResourceState.Status.DELETED_BILLED: "danger",
}


class ConnectionProviderFilter(ProviderFilter):
    """The provider of the row's connection."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        return queryset.filter(connection__provider_type=value) if value else queryset


def daily_costs(amounts: Mapping[str, Decimal]) -> str:
    """Amounts a day in their currencies; "not known" where there is none."""
    if not amounts:
        return gettext("not known")
    return ", ".join(money_per_day(amount, currency or "RUB") for currency, amount in sorted(amounts.items()))
