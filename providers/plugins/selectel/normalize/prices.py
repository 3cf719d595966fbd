"""The price list: kopecks a unit and hour. Pure. Source: API reference, section 5.9 (undocumented by Selectel).

A metric's name says what it is for: `compute_cores_dedicated` is a vCPU of the line "dedicated", and
`volume_gigabytes_fast` a GB of the disk class "fast". `group` is a pool segment or a pool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers.contract.records import PriceComponent, PriceRecord, ResourceType
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
    "network_routers",
    "load_balancers_",
    "dbaas_",
)
"""What is surely billed by the hour; traffic and some licences perhaps are not."""

STANDARD = "standard"
"""The family of what has no name of its own."""

COMPONENTS: tuple[tuple[str, PriceComponent], ...] = (
    ("compute_cores", PriceComponent.VCPU),
    ("compute_ram", PriceComponent.MEMORY_GIB),
    ("compute_", PriceComponent.GPU),
    ("dbaas_compute_cores", PriceComponent.VCPU),
    ("dbaas_compute_ram", PriceComponent.MEMORY_GIB),
    ("dbaas_volume_gigabytes", PriceComponent.STORAGE_GIB),
    ("volume_backups_gigabytes", PriceComponent.STORAGE_GIB),
    ("volume_gigabytes", PriceComponent.STORAGE_GIB),
    ("volume_totaliops", PriceComponent.IOPS),
    ("snapshot_gigabytes", PriceComponent.STORAGE_GIB),
    ("image_gigabytes", PriceComponent.STORAGE_GIB),
    ("share_gigabytes", PriceComponent.STORAGE_GIB),
    ("network_floatingips", PriceComponent.PUBLIC_IP),
)
"""Beginnings of metrics -> what they count; the first that fits. The rest of the name is the family."""

WHOLE = ("load_balancers_", "network_")
"""Beginnings of metrics that count whole things; the rest is the plan."""

UNITS: Mapping[PriceComponent, str] = {
    PriceComponent.MEMORY_GIB: "GiB",
    PriceComponent.STORAGE_GIB: "GiB",
}
MB_IN_GIB = 1024

DISK_CLASSES: Mapping[str, str] = {
    "basic": "hdd",
    "basicssd": "ssd",
    "universal": "ssd",
    "universal2": "ssd",
    "fast": "nvme",
    "local": "nvme",
}
"""Source: the descriptions of disk types in the provider's documentation."""

SHARE = re.compile(r"percent_(\d+)")
COUNTRY = re.compile(r"([a-z]{2})-\d")
"""Pools are named after their country; one that is not (`gis-1`) tells none."""


@dataclass(frozen=True, slots=True)
class _Sold:
    component: PriceComponent | None
    family: str


def price(item: Any, kind: str) -> PriceRecord | None:
    """One price, roubles a unit and hour; None for what has no hourly price or no kind of ours.

    Memory is listed by the MB, and told by the GiB of 1024 of them.
    """
    if not isinstance(item, dict):
        raise Malformed("a price is no object")
    resource, group = text(item.get("resource")), text(item.get("group"))
    value = item.get("value")
    resource_type = TYPE_MAP.get(known_kind(resource))
    if not resource or resource_type is None or not resource.startswith(HOURLY):
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0:
        raise Malformed("a price is missing")
    sold = _sold(resource)
    unit = text(item.get("unit")) or "item"
    amount = roubles(Decimal(value))
    if unit == "MB" and sold.component in UNITS:
        amount *= MB_IN_GIB
    pool = pool_of(group)
    share = SHARE.fullmatch(sold.family)
    country = COUNTRY.match(pool)
    is_disk = sold.component is PriceComponent.STORAGE_GIB and resource_type is not ResourceType.SNAPSHOT
    return PriceRecord(
        sku_id=f"{resource}/{group or 'any'}",
        billing_sku_id=resource,
        resource_type=resource_type,
        name=resource,
        region_id=pool,
        zone_id="" if group == pool else group,
        country=country[1].upper() if country else "",
        component=sold.component,
        family=sold.family,
        disk_class=DISK_CLASSES.get(sold.family, "") if is_disk else "",
        cpu_share=int(share[1]) if share and 0 < int(share[1]) <= 100 else 100,
        is_preemptible="preemptible" in sold.family,
        amount=amount,
        currency=CURRENCY,
        period="hour",
        unit=UNITS.get(sold.component, unit) if sold.component else unit,
    )


def _sold(resource: str) -> _Sold:
    for prefix, component in COMPONENTS:
        if resource.startswith(prefix):
            return _Sold(component, resource.removeprefix(prefix).strip("_") or STANDARD)
    for prefix in WHOLE:
        if resource.startswith(prefix):
            return _Sold(None, resource.removeprefix(prefix))
    return _Sold(None, resource)
