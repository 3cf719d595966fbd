"""Reads about connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model

from accounts.losses import Loss
from accounts.models import Organization
from providers import registry
from providers.contract.errors import UnknownProvider
from providers.contract.plugin import CredentialField, ProviderPlugin
from providers.models import ConnectionStatus, ProviderConnection

STATUS_LEVELS = {
    ConnectionStatus.NEVER: "none",
    ConnectionStatus.SUCCESS: "success",
    ConnectionStatus.PARTIAL: "warning",
    ConnectionStatus.ERROR: "error",
}
"""The dot beside the word, as `_components/status.html` names it; a connection that is off is "off"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCredential:
    """A declared credential of a connection: whether there is a value, and the value itself unless it is a secret."""

    field: CredentialField
    is_set: bool
    value: str


def available_plugins() -> list[type[ProviderPlugin]]:
    """Every installed plugin, by name."""
    return list(registry.plugins().values())


def credential_fields(provider_type: str) -> tuple[CredentialField, ...]:
    """What the plugin declares; nothing where it is not installed any more."""
    try:
        return registry.plugin_class(provider_type).credential_fields
    except UnknownProvider:
        return ()


def set_credentials(connection: ProviderConnection) -> list[SetCredential]:
    """What is set on a connection, without any secret: safe for pages, the admin and the API."""
    kept = connection.credentials or {}
    return [
        SetCredential(
            field=field,
            is_set=bool(kept.get(field.name)),
            value="" if field.is_secret else str(kept.get(field.name, "")),
        )
        for field in credential_fields(connection.provider_type)
    ]


def status_level(connection: ProviderConnection) -> str:
    if not connection.is_active:
        return "off"
    return STATUS_LEVELS.get(ConnectionStatus(connection.last_sync_status), "none")


def lowest_free_series_number(organization: Organization) -> int:
    """The series of a new connection in charts: from 1, without gaps where a connection went."""
    taken = set(ProviderConnection.objects.of(organization).values_list("series_number", flat=True))
    number = 1
    while number in taken:
        number += 1
    return number


def first_sync_at(*, provider_type: str, is_active: bool, auto_sync: bool, now: datetime) -> datetime | None:
    """When a connection whose settings were just made or changed is read: at once, or never by itself."""
    reads_files = registry.plugin_class(provider_type).capabilities.reads_files
    return now if is_active and auto_sync and not reads_files else None


def losses(connection: ProviderConnection) -> list[Loss]:
    """What goes with a connection when it is deleted, kind by kind; kinds without rows are left out.

    The kinds come from the foreign keys that point at the connection, because apps above may not be imported here.
    """
    found = []
    for relation in connection._meta.related_objects:
        model: type[Model] = relation.related_model
        count = model._base_manager.filter(**{relation.field.name: connection}).count()
        if count:
            found.append(Loss(label=str(model._meta.verbose_name_plural), count=count))
    return found
