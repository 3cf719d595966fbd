"""What happened to a resource, in the reader's language: titles of changes, labels of fields, values as texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from common import formatting
from syncs.models import ResourceState
from syncs.queries import Change

FIELDS = {
    "name": _("Name"),
    "status": _("Status"),
    "provider_status": _("Provider's status"),
    "is_orphan": _("Orphan"),
    "is_provisional": _("Provisional"),
    "service_name": _("Service"),
    "region_id": _("Region"),
    "sub_account_id": _("Project"),
    "vcpus": _("vCPU"),
    "memory_mib": _("Memory"),
    "storage_gib": _("Storage"),
    "operating_system": _("Operating system"),
    "engine": _("Engine"),
    "engine_version": _("Version"),
    "ip_addresses": _("IP addresses"),
    "tags": _("Provider's tags"),
    "daily_cost": _("Cost a day"),
    "currency": _("Currency"),
    "parent": _("Belongs to"),
}
CONFIGURATION = "configuration."
COPIES = {f"{CONFIGURATION}{name}" for name in ("cpu_count", "memory_mib", "memory", "disk_size", "vcpus")}
"""Configuration keys that repeat a field of the specification; the field is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One row of `_components/diff.html`: ready texts, empty where there was nothing."""

    label: str
    before: str
    after: str
    change: str = ""


def change_title(change: Change) -> str:
    """One line without the resource's name: “New”, “2 → 4 vCPU, 4 GB → 8 GB”, “Running → Stopped” …"""
    if change.kind == ResourceState.Action.CREATED:
        return gettext("New")
    if change.kind == ResourceState.Action.RETURNED:
        return gettext("Seen again")
    if change.kind == "deleted":
        return gettext("Gone")
    if change.is_cost_only:
        if change.times > 1:
            return ngettext("Cost moved %(count)d time", "Cost moved %(count)d times", change.times) % {
                "count": change.times
            }
        return gettext("Cost changed, configuration the same")
    parts = [
        f"{row.before or '…'} → {row.after or '…'}"
        for row in field_changes(
            change.changes, change.state.currency, only=("status", "vcpus", "memory_mib", "storage_gib")
        )
    ]
    if parts:
        return ", ".join(parts)
    labels = [row.label for row in field_changes(change.changes, change.state.currency)]
    return (
        gettext("Changed: %(fields)s") % {"fields": ", ".join(labels[:3])} if labels else gettext("Changed")
    )


def field_changes(
    changes: Mapping[str, Any], currency: str, *, only: tuple[str, ...] = ()
) -> list[FieldChange]:
    """The rows of a diff, fields of the specification first; `changes` is {field: [before, after]}."""
    found = []
    for name in [
        *(name for name in FIELDS if name in changes),
        *(name for name in changes if name not in FIELDS),
    ]:
        if (only and name not in only) or name in COPIES:
            continue
        before, after = changes[name]
        found.append(
            FieldChange(
                label=field_label(name),
                before=_text(name, before, currency),
                after=_text(name, after, currency),
                change=_difference(name, before, after, currency),
            )
        )
    return found


def field_label(name: str) -> str:
    if name in FIELDS:
        return gettext(FIELDS[name])
    return name.removeprefix(CONFIGURATION).replace("_", " ")


def _text(name: str, value: Any, currency: str) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if name == "status" and value in ResourceState.Status.values:
        return str(ResourceState.Status(value).label)
    if name == "daily_cost":
        return formatting.money_per_day(Decimal(str(value)), currency or "RUB")
    if name == "vcpus":
        return f"{formatting.number_short(Decimal(str(value)))}{formatting.NO_BREAK_SPACE}{gettext('vCPU')}"
    if name == "memory_mib":
        return formatting.memory_mib(Decimal(str(value)))
    if name == "storage_gib":
        return formatting.size_gib(Decimal(str(value)))
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return str(value)


def _difference(name: str, before: Any, after: Any, currency: str) -> str:
    if name != "daily_cost" or before is None or after is None:
        return ""
    try:
        return formatting.signed_money(Decimal(str(after)) - Decimal(str(before)), currency or "RUB")
    except InvalidOperation:
        return ""
