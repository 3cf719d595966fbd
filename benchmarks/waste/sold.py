"""What the synthetic providers sell: a cloud by parts in two regions, and servers by whole tariffs elsewhere.

Their prices are so near each other that nothing healthy is worth moving.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from benchmarks.waste.world import Chance, Place, ago, load, part
from recommendations.engine.facts import BilledPart, ResourceFacts
from recommendations.engine.pricing import Offer, PriceBook

VCPU, MEMORY = Decimal(800), Decimal(200)
SHARES = {"standard": Decimal(1), "share_half": Decimal("0.6"), "interruptible": Decimal("0.4")}
DISKS = {"basic": Decimal(4), "universal": Decimal(8), "fast": Decimal(20)}
LIMITS = {"basic": (320, 100), "universal": (7000, 200), "fast": (25000, 500)}
CLASSES = {"basic": "hdd", "universal": "ssd", "fast": "nvme"}
FAR = Decimal("0.96")
"""The other region's prices, of this one's."""
SNAPSHOT_GIB = Decimal(3)
TARIFFS = ((1, 1, 20), (2, 2, 40), (2, 4, 60), (4, 8, 100), (8, 16, 200), (8, 32, 300), (16, 64, 400))
BALANCERS = {"pair_s": (200, 3000), "pair_m": (1000, 4500), "pair_l": (4000, 8000)}
PLANS = {"Blog": (300, 2, 5), "Start": (450, 10, 20), "Noble": (750, 25, 50)}
GIB = 1024**3
_skus = itertools.count(1)


def offer(resource_type: str, monthly: Any, **changes: Any) -> Offer:
    values: dict[str, Any] = {
        "provider_type": "cloud",
        "sku_id": f"sku-{next(_skus)}",
        "name": "offer",
        "currency": "RUB",
        "read_at": ago(1),
        "country": "RU",
        "includes_tax": True,
    }
    return Offer(**(values | {"resource_type": resource_type, "monthly": Decimal(monthly)} | changes))


def cloud() -> list[Offer]:
    found = []
    for region, factor in (("ru-1", Decimal(1)), ("ru-2", FAR)):
        for family, share in SHARES.items():
            line: dict[str, Any] = {
                "region_id": region,
                "family": family,
                "cpu_share": 50 if family == "share_half" else 100,
                "is_preemptible": family == "interruptible",
            }
            found += [
                offer(
                    "server",
                    VCPU * share * factor,
                    component="vcpu",
                    billing_sku_id=f"cores_{family}",
                    **line,
                ),
                offer(
                    "server",
                    MEMORY * factor,
                    component="memory_gib",
                    billing_sku_id=f"ram_{family}",
                    **line,
                ),
            ]
        for family, price in DISKS.items():
            iops, throughput = LIMITS[family]
            found.append(
                offer(
                    "volume",
                    price * factor,
                    component="storage_gib",
                    region_id=region,
                    family=family,
                    disk_class=CLASSES[family],
                    billing_sku_id=f"volume_{family}",
                    plan_limits={"iops": Decimal(iops), "throughput_mib": Decimal(throughput)},
                )
            )
        for component, unit in (("vcpu", 1200), ("memory_gib", 300), ("storage_gib", 12)):
            found.append(
                offer("database", unit * factor, component=component, region_id=region, family="managed")
            )
        for family, gib in (("standard", "2"), ("cold", "1"), ("ice", "0.5")):
            found += [
                offer(
                    "s3_bucket",
                    Decimal(gib) * factor,
                    component="storage_gib",
                    region_id=region,
                    family=family,
                    billing_sku_id=f"bucket_storage_{family}",
                    plan_limits={"minimum_object_kib": Decimal(128)} if family == "ice" else {},
                ),
                offer(
                    "s3_bucket",
                    "0.00002" if family == "standard" else "0.0001",
                    component="requests",
                    region_id=region,
                    family=family,
                ),
            ]
            if family != "standard":
                found.append(
                    offer("s3_bucket", "1.5", component="retrieval_gib", region_id=region, family=family)
                )
        found.append(offer("image", SNAPSHOT_GIB, component="storage_gib", region_id=region))
    found += [
        offer("snapshot", SNAPSHOT_GIB, component="storage_gib"),
        offer("floating_ip", 150, component="public_ip", billing_sku_id="ip"),
        offer("network", "1.5", component="traffic_gib"),
    ]
    for family, (requests, fee) in BALANCERS.items():
        found.append(
            offer(
                "load_balancer",
                fee,
                family=family,
                billing_sku_id=f"lb_{family}",
                plan_limits={"requests_per_second": Decimal(requests)},
            )
        )
    return found


def tariffs() -> list[Offer]:
    """Whole servers, hosting plans and storage of a provider that bills no lines."""
    found = [
        offer(
            "server",
            tariff_price(cpu, memory, disk),
            provider_type="vps",
            sku_id=f"vps:{cpu}-{memory}-{disk}",
            billing_sku_id=f"{cpu}-{memory}-{disk}",
            name=f"{cpu}/{memory}/{disk}",
            region_id="ru1",
            family="normal",
            vcpus=Decimal(cpu),
            memory_mib=memory * 1024,
            storage_gib=Decimal(disk),
            disk_class="ssd",
        )
        for cpu, memory, disk in TARIFFS
    ]
    for name, (price, sites, gib) in PLANS.items():
        limits = {"Sites": Decimal(sites), "Disk": Decimal(gib)}
        found.append(offer("account_plan", price, provider_type="vps", name=name, plan_limits=limits))
    found += [
        offer("s3_bucket", "2.1", provider_type="vps", component="storage_gib", family="standard"),
        offer("snapshot", "3", provider_type="vps", component="storage_gib"),
        offer("image", "3", provider_type="vps", component="storage_gib"),
    ]
    return found


def tariff_price(cpu: int, memory: int, disk: int) -> Decimal:
    return cpu * VCPU + memory * MEMORY + disk * DISKS["universal"]


def book(*more: Offer) -> PriceBook:
    return PriceBook((*cloud(), *tariffs(), *more))


def paid_ahead(share: Decimal, months: int = 12) -> list[Offer]:
    """Servers of the usual line for a term, at a share of the list price."""
    return [
        offer(
            "server",
            price * factor * share,
            component=component,
            family="standard",
            region_id=region,
            term_months=months,
        )
        for region, factor in (("ru-1", Decimal(1)), ("ru-2", FAR))
        for component, price in (("vcpu", VCPU), ("memory_gib", MEMORY))
    ]


def aged(offers: Iterable[Offer], read_at: datetime) -> Iterator[Offer]:
    """The same list, read at another time."""
    return (replace(each, read_at=read_at) for each in offers)


# ---- what is bought of it -------------------------------------------------------------------------------------


def factor_of(region: str) -> Decimal:
    return FAR if region == "ru-2" else Decimal(1)


def server_parts(
    vcpus: Any, memory_gib: Any, *, family: str = "standard", factor: Any = 1
) -> tuple[BilledPart, BilledPart]:
    """Lines of a server that pays `factor` times the list."""
    cores = VCPU * SHARES[family] * Decimal(vcpus) * Decimal(factor)
    memory = MEMORY * Decimal(memory_gib) * Decimal(factor)
    return (
        part(f"cores_{family}", vcpus, cores),
        part(f"ram_{family}", memory_gib, memory, "GiB"),
    )


def cloud_server(place: Place, vcpus: int, memory_gib: int, **changes: Any) -> ResourceFacts:
    region = changes.get("region_id", "ru-1")
    factor = changes.pop("factor", 1) * factor_of(region) * place.paid
    family = changes.pop("family", "standard")
    values = {
        "vcpus": Decimal(vcpus),
        "memory_mib": memory_gib * 1024,
        "parts": server_parts(vcpus, memory_gib, family=family, factor=factor),
    }
    return place.add("server", **(values | changes))


def disk(
    place: Place, server: ResourceFacts | None, size: int, family: str = "basic", **changes: Any
) -> ResourceFacts:
    region = changes.get("region_id") or (server.region_id if server is not None else "ru-1")
    price = DISKS[family] * size * factor_of(region)
    values: dict[str, Any] = {
        "parent": server,
        "storage_gib": Decimal(size),
        "region_id": region,
        "configuration": {"volume_type": family},
        "parts": (part(f"volume_{family}", size, price, "GiB"),),
    }
    if server is not None:
        values |= {"environment": server.environment, "owner": server.owner}
    return place.add("volume", **(values | changes))


def boot_disk(place: Place, server: ResourceFacts, size: int = 30, **changes: Any) -> ResourceFacts:
    configuration = {"volume_type": "universal", "is_bootable": True}
    return disk(place, server, size, "universal", configuration=configuration, **changes)


def tariff_server(place: Place, tariff: tuple[int, int, int], **changes: Any) -> ResourceFacts:
    cpu, memory, size = tariff
    values = {
        "vcpus": Decimal(cpu),
        "memory_mib": memory * 1024,
        "storage_gib": Decimal(size),
        "region_id": "ru1",
        "configuration": {"configuration_id": f"{cpu}-{memory}-{size}", "group": "normal"},
        "monthly": tariff_price(cpu, memory, size),
    }
    return place.add("server", **(values | changes))


def database(place: Place, vcpus: int, memory_gib: int, size: int, **changes: Any) -> ResourceFacts:
    factor = factor_of(changes.get("region_id", "ru-1"))
    monthly = (vcpus * 1200 + memory_gib * 300 + size * 12) * factor
    values = {
        "engine": "postgresql",
        "vcpus": Decimal(vcpus),
        "memory_mib": memory_gib * 1024,
        "storage_gib": Decimal(size),
        "configuration": {"node_count": 1},
        "monthly": monthly,
    }
    return place.add("database", **(values | changes))


def bucket(place: Place, size: int, family: str = "standard", **changes: Any) -> ResourceFacts:
    price = {"standard": Decimal(2), "cold": Decimal(1), "ice": Decimal("0.5")}[family] * size
    values = {
        "parts": (
            part(
                f"bucket_storage_{family}", size, price * factor_of(changes.get("region_id", "ru-1")), "GiB"
            ),
        ),
        "configuration": {"storage_class": family},
        "traffic": 20,
    }
    return place.add("s3_bucket", **(values | changes))


def balancer(place: Place, plan: str, **changes: Any) -> ResourceFacts:
    values = {
        "parts": (part(f"lb_{plan}", 1, BALANCERS[plan][1]),),
        "configuration": {"member_count": 2, "operating_status": "ONLINE"},
    }
    return place.add("load_balancer", **(values | changes))


def bucket_series(
    chance: Chance, *, size_gib: float, read_gib: float, reads: float, writes: float, object_kib: float
) -> dict[str, Any]:
    """What is read, asked and written in thirty days, for ninety-five days."""
    seconds, days = 30 * 86_400, 95
    rates = {
        "network_tx": read_gib * GIB / seconds,
        "read_request_rate": reads / seconds,
        "request_rate": (reads + writes) / seconds,
        "object_count": size_gib * 1024**2 / object_kib,
    }
    noise = chance.uniform(0.02, 0.15)
    found = {
        name: load(
            chance,
            value * (1 if name == "object_count" else 1 + 2.4 * noise),
            days=days,
            noise=noise,
            highest=value * 3 + 1,
        )
        for name, value in rates.items()
    }
    count = rates["object_count"]
    found["object_count"] = load(chance, count, days=days, noise=0.0, highest=count * 2)
    return found
