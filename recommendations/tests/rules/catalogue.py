"""Two price lists for tests of rates: a cloud sold by parts in two regions, and servers sold by tariffs elsewhere.

The figures are those of the demo: roubles a month, so that findings of the demo can be recomputed by hand.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from recommendations.engine.facts import BilledPart, ResourceFacts
from recommendations.engine.pricing import Offer
from recommendations.tests.facts import connection, offer, resource, server

PARTS_PROVIDER = "parts"
TARIFF_PROVIDER = "tariffs"
ZONES = (("ru-1", "ru-1a"), ("ru-1", "ru-1b"), ("ru-2", "ru-2a"))
CORES = {
    "standard": ("1504.8", "1436.4", "871.2"),
    "high_freq": ("2637.9", "2592", "2088"),
    "dedicated": ("2340", "2273.7375", "1728"),
}
MEMORY = {"standard": "187.2", "high_freq": "280.8", "dedicated": "187.2"}
DISKS = {
    "basic": ("hdd", "6.4998", "3.6"),
    "universal": ("ssd", "8.1", "7.9992"),
    "fast": ("nvme", "21.6", "19.8"),
}


def parts(**changes: Any) -> list[Offer]:
    """The cloud sold by parts; `changes` go to every offer."""
    found = []
    for line, prices in CORES.items():
        suffix = "" if line == "standard" else f"_{line}"
        for (region, zone), cores in zip(ZONES, prices, strict=True):
            place = {"region_id": region, "zone_id": zone, "family": line}
            found += [
                _part(f"cores{suffix}", zone, cores, component="vcpu", **place),
                _part(f"ram{suffix}", zone, MEMORY[line], component="memory_gib", **place),
            ]
    for family, (disk_class, *prices) in DISKS.items():
        for region, price in zip(("ru-1", "ru-2"), prices, strict=True):
            found.append(
                _part(
                    f"volume_{family}",
                    region,
                    price,
                    resource_type="volume",
                    component="storage_gib",
                    region_id=region,
                    family=family,
                    disk_class=disk_class,
                )
            )
    found.append(_part("traffic", "any", "3.125", resource_type="network", component="traffic_gib"))
    return [_changed(each, changes) for each in found]


def tariffs(**changes: Any) -> list[Offer]:
    """Servers sold by tariffs: 500 a vCPU, 250 a GiB of memory, 25 a GiB of disk; other sizes between them too."""
    sizes = ((1, 1, 10), (2, 2, 30), (2, 4, 60), (4, 8, 100), (4, 16, 120), (8, 16, 200), (8, 32, 240))
    found = [
        offer(
            provider_type=TARIFF_PROVIDER,
            sku_id=f"vps:{cpu}-{memory}-{disk}",
            billing_sku_id=f"{cpu}-{memory}-{disk}",
            name=f"{cpu}/{memory}/{disk}",
            monthly=Decimal(cpu * 500 + memory * 250 + disk * 25),
            region_id="ru1",
            family="normal_cpu",
            vcpus=Decimal(cpu),
            memory_mib=memory * 1024,
            storage_gib=Decimal(disk),
            disk_class="nvme",
            country="RU",
            is_configurable=True,
        )
        for cpu, memory, disk in sizes
    ]
    return [_changed(each, changes) for each in found]


def billed(sku_id: str, unit: str, quantity: str, monthly: Decimal) -> BilledPart:
    return BilledPart(
        sku_id=sku_id,
        description=sku_id,
        unit=unit,
        quantity=Decimal(quantity),
        day_cost=monthly / 30,
        currency="RUB",
    )


def cloud_server(
    book: Any,
    *,
    line: str = "standard",
    zone: str = "ru-1b",
    disks: Any = (("universal", 64),),
    **changes: Any,
) -> ResourceFacts:
    """8 vCPU, 32 GiB of the cloud sold by parts, billed at list price; `discount` is the part of it that is paid."""
    discount = Decimal(str(changes.pop("discount", 1)))
    home = changes.pop("connection", None) or connection(
        provider_type=PARTS_PROVIDER, provider_name="Parts", prices=book
    )
    vcpus, memory_mib = changes.pop("vcpus", Decimal(8)), changes.pop("memory_mib", 32768)
    place = [each[1] for each in ZONES].index(zone)
    suffix = "" if line == "standard" else f"_{line}"
    cores = Decimal(CORES[line][place]) * vcpus * discount
    memory = Decimal(MEMORY[line]) * memory_mib / 1024 * discount
    values = {
        "connection": home,
        "vcpus": vcpus,
        "memory_mib": memory_mib,
        "storage_gib": None,
        "region_id": zone[:4],
        "configuration": {"availability_zone": zone},
        "day_cost": (cores + memory) / 30,
        "parts": (
            billed(f"cores{suffix}", "Item", str(vcpus), cores),
            billed(f"ram{suffix}", "MB", str(memory_mib), memory),
        ),
    }
    facts = server(**(values | changes))
    for family, size in disks:
        _disk_class, first, second = DISKS[family]
        price = Decimal(first if zone.startswith("ru-1") else second) * size * discount
        facts.components.append(
            resource(
                "volume",
                connection=home,
                parent=facts,
                storage_gib=Decimal(size),
                region_id=zone[:4],
                configuration={"volume_type": f"{family}.{zone}"},
                day_cost=price / 30,
            )
        )
    return facts


def _part(sku: str, group: str, monthly: str, **changes: Any) -> Offer:
    values = {
        "provider_type": PARTS_PROVIDER,
        "sku_id": f"{sku}/{group}",
        "billing_sku_id": sku,
        "monthly": Decimal(monthly),
        "country": "RU",
    }
    return offer(**(values | changes))


def _changed(each: Offer, changes: Any) -> Offer:
    return replace(each, **changes) if changes else each
