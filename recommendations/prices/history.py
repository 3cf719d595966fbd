"""What a list that was read anew changes in the history: pure.

An unchanged price is only confirmed; a changed one is closed and opened anew; one that is missing from a list that was
read to its end is closed. A list that broke off closes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from providers.contract.records import PriceRecord
from recommendations.prices.models import Price

FACTS = (
    "billing_sku_id",
    "resource_type",
    "name",
    "component",
    "family",
    "region_id",
    "zone_id",
    "country",
    "amount",
    "currency",
    "period",
    "unit",
    "includes_tax",
    "vcpus",
    "memory_mib",
    "storage_gib",
    "engine",
    "disk_class",
    "cpu_share",
    "term_months",
    "is_preemptible",
    "is_configurable",
    "includes_ip",
    "included_traffic_gib",
    "successor_of",
    "plan_limits",
)
"""Fields whose change makes another price."""

AMOUNT_PLACES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One price as a list states it; `facts` are the values of `FACTS`."""

    sku_id: str
    scope: str
    facts: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Difference:
    new: list[Listed] = field(default_factory=list)
    changed: list[tuple[Price, Listed]] = field(default_factory=list)
    confirmed: list[Price] = field(default_factory=list)
    gone: list[Price] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed or self.gone)


def listed(record: PriceRecord, scope: str) -> Listed:
    specification = record.specification
    return Listed(
        sku_id=record.sku_id,
        scope=scope,
        facts={
            "billing_sku_id": record.billing_sku_id,
            "resource_type": record.resource_type.value,
            "name": record.name[:300],
            "component": record.component.value if record.component else "",
            "family": record.family,
            "region_id": record.region_id,
            "zone_id": record.zone_id,
            "country": record.country,
            "amount": round(record.amount, AMOUNT_PLACES),
            "currency": record.currency,
            "period": str(record.period),
            "unit": record.unit,
            "includes_tax": record.includes_tax,
            "vcpus": _rounded(specification.vcpus),
            "memory_mib": specification.memory_mib,
            "storage_gib": _rounded(specification.storage_gib),
            "engine": specification.engine,
            "disk_class": record.disk_class,
            "cpu_share": record.cpu_share,
            "term_months": record.term_months,
            "is_preemptible": record.is_preemptible,
            "is_configurable": record.is_configurable,
            "includes_ip": record.includes_ip,
            "included_traffic_gib": _rounded(record.included_traffic_gib),
            "successor_of": record.successor_of,
            "plan_limits": {name: str(value) for name, value in sorted(record.plan_limits.items())},
        },
    )


def difference(known: Iterable[Price], found: Iterable[Listed], complete: Collection[str]) -> Difference:
    """`complete` are the scopes that were read to their end; the first of two prices of one SKU counts."""
    by_sku = {price.sku_id: price for price in known}
    result = Difference()
    seen: set[str] = set()
    for each in found:
        if each.sku_id in seen:
            continue
        seen.add(each.sku_id)
        price = by_sku.get(each.sku_id)
        if price is None:
            result.new.append(each)
        elif all(getattr(price, name) == value for name, value in each.facts.items()):
            result.confirmed.append(price)
        else:
            result.changed.append((price, each))
    result.gone = [
        price for sku_id, price in by_sku.items() if sku_id not in seen and price.scope in complete
    ]
    return result


def _rounded(value: Any) -> Any:
    return None if value is None else round(value, 3)
