"""The price list: kopecks a unit and hour. Pure. Source: API reference, section 5.9 (undocumented by Selectel)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from providers.contract.records import PriceRecord
from providers.openstack.normalize import Malformed, text

from .billing import roubles
from .words import CURRENCY, TYPE_MAP, known_kind, pool_of

HOURLY = (
    "compute_",
    "volume_",
    "snapshot_",
    "image_gigabytes",
    "share_",
    "network_floatingips",
    "network_subnets_",
    "load_balancers_",
    "dbaas_",
)
"""What is surely billed by the hour; traffic and some licences perhaps are not."""


def price(item: Any, kind: str) -> PriceRecord | None:
    """One price, roubles a unit and hour; None for what has no hourly price or no kind of ours."""
    if not isinstance(item, dict):
        raise Malformed("a price is no object")
    resource, group = text(item.get("resource")), text(item.get("group"))
    value = item.get("value")
    resource_type = TYPE_MAP.get(known_kind(resource))
    if not resource or resource_type is None or not resource.startswith(HOURLY):
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0:
        raise Malformed("a price is missing")
    unit = text(item.get("unit")) or "item"
    return PriceRecord(
        sku_id=f"{resource}/{group or 'any'}",
        resource_type=resource_type,
        name=resource,
        region_id=pool_of(group),
        amount=roubles(Decimal(value)),
        currency=CURRENCY,
        period="hour",
        unit=unit,
    )
