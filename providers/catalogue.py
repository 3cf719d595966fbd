"""What administrators say about whole provider types: whether they are offered, and with which defaults and limits.

A type without a row has the model's defaults; rows of plugins that are not installed any more stay.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.audit.services import record
from providers import registry
from providers.contract.plugin import ProviderPlugin
from providers.messages import provider_name
from providers.models import ProviderType


def disabled_types() -> set[str]:
    """Keys of the types that are switched off."""
    return set(ProviderType.objects.filter(is_enabled=False).values_list("key", flat=True))


def offered_plugins() -> list[type[ProviderPlugin]]:
    """The installed plugins that may be chosen for a new connection, by name."""
    disabled = disabled_types()
    return [plugin for key, plugin in registry.plugins().items() if key not in disabled]


def type_settings(provider_type: str) -> ProviderType:
    """What is set for a type; the defaults, unsaved, where nothing is."""
    return ProviderType.objects.filter(key=provider_type).first() or ProviderType(key=provider_type)


def refuse_disabled(provider_type: str) -> None:
    """Raises ValidationError where the type is switched off for new connections."""
    if provider_type in disabled_types():
        raise ValidationError({"provider_type": disabled_sentence(provider_type)})


def disabled_sentence(provider_type: str) -> str:
    return _(
        "An administrator has switched off the provider %(provider)s: nothing new can be connected to it."
    ) % {"provider": provider_name(provider_type)}


def add_missing_types() -> None:
    """A row for each installed plugin that has none, so that the catalogue lists it."""
    known = set(ProviderType.objects.values_list("key", flat=True))
    missing = [ProviderType(key=key) for key in registry.plugins() if key not in known]
    if missing:
        ProviderType.objects.bulk_create(missing, ignore_conflicts=True)


@transaction.atomic
def set_enabled(*, types: QuerySet[ProviderType], is_enabled: bool) -> int:
    """Switches types on or off; returns how many changed. What is connected already stays as it is."""
    changed = 0
    for one in types.select_for_update().exclude(is_enabled=is_enabled):
        one.is_enabled = is_enabled
        one.save(update_fields=["is_enabled", "updated_at"])
        record("provider_type.changed", obj=one, changes={"is_enabled": [not is_enabled, is_enabled]})
        changed += 1
    return changed
