"""Triage of what billing names and the taxonomy does not know: which types wait, and how much money stands on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum
from django.utils.translation import ngettext

from accounts.models import Organization
from common.formatting import money
from common.models import MoneyField
from inventory.models import Resource, TypeMapping
from syncs.models import UnrecognizedResource

QUANTUM = Decimal("0.000001")
NativeType = tuple[str, str]
"""(provider type, the provider's own word for the kind)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenType:
    """One type that nobody mapped yet.

    `record_count` counts open records of all snapshots; `resource_count` and `daily_costs` ({currency: amount a day})
    only what the connections' current snapshots saw, so that history is not counted as money.
    """

    provider_type: str
    native_type: str
    record_count: int
    resource_count: int
    daily_costs: Mapping[str, Decimal] = field(default_factory=dict)
    last_seen_at: datetime

    @property
    def key(self) -> NativeType:
        return self.provider_type, self.native_type

    @property
    def weight(self) -> tuple[Decimal, int]:
        """For sorting: money first, amounts of different currencies added as they are."""
        return sum(self.daily_costs.values(), Decimal(0)), self.record_count


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSpend:
    """What the resources of one type were billed so far, {currency: amount}, and on how many days."""

    amounts: Mapping[str, Decimal]
    day_count: int

    def __str__(self) -> str:
        listed = ", ".join(money(amount, currency) for currency, amount in sorted(self.amounts.items()))
        return ngettext("%(amount)s over %(count)d day", "%(amount)s over %(count)d days", self.day_count) % {
            "amount": listed,
            "count": self.day_count,
        }


def open_types(
    only: Iterable[NativeType] | None = None, *, organization: Organization | None = None
) -> list[OpenType]:
    """Types with open records, the dearest first; `only` some of them, of one `organization` or of all. One query.

    A record that was written after its type had been mapped, by a sync under way, waits for nobody.
    """
    mapped = TypeMapping.objects.filter(
        provider_type=OuterRef("provider_type"), native_type=OuterRef("native_type")
    )
    records = UnrecognizedResource.objects.filter(~Exists(mapped), resolved_at__isnull=True)
    if organization is not None:
        records = records.filter(organization=organization)
    if only is not None:
        records = records.filter(_any_of(only, "provider_type"))
    now = Q(snapshot__is_current=True)
    rows = (
        records.order_by()
        .values("provider_type", "native_type", "currency")
        .annotate(
            records=Count("pk"),
            resources=Count("pk", filter=now),
            daily=Sum("daily_cost", filter=now, output_field=MoneyField()),
            last=Max("observed_at"),
        )
    )
    grouped: dict[NativeType, list[Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["provider_type"], row["native_type"]), []).append(row)
    found = [_open_type(names, parts) for names, parts in grouped.items()]
    return sorted(found, key=lambda one: (one.weight, one.native_type), reverse=True)


def resources(types: Iterable[NativeType]) -> QuerySet[Resource]:
    """The resources that a mapping of these types gives another type, by name."""
    found = Resource.objects.filter(_any_of(types, "connection__provider_type"))
    return found.select_related("connection").order_by("name", "pk")


def _any_of(types: Iterable[NativeType], provider_field: str) -> Q:
    wanted = Q(pk__in=[])
    for provider_type, native_type in types:
        wanted |= Q(**{provider_field: provider_type, "native_type": native_type})
    return wanted


def _open_type(names: NativeType, rows: list[Mapping[str, Any]]) -> OpenType:
    """SQLite adds decimals as floats; six places are those of an amount."""
    return OpenType(
        provider_type=names[0],
        native_type=names[1],
        record_count=sum(row["records"] for row in rows),
        resource_count=sum(row["resources"] for row in rows),
        daily_costs={
            row["currency"]: Decimal(str(row["daily"])).quantize(QUANTUM)
            for row in rows
            if row["daily"] is not None
        },
        last_seen_at=max(row["last"] for row in rows),
    )
