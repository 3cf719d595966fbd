"""Waste planted in servers and in what they are rented by, and what only looks like it.

Each function plants one piece and returns the resource that it is about; `changes` turn it into a near miss.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from benchmarks.waste import sold
from benchmarks.waste.healthy import SIZES
from benchmarks.waste.scenes import Scene, plant
from benchmarks.waste.world import MIDNIGHT, Chance, Place, ago, level, load, office, part
from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import Offer
from recommendations.engine.usage import Series


def idle(
    chance: Chance, *, mean: float | None = None, days: int = 35, network: float | None = None
) -> dict[str, Series]:
    """Next to nothing, with small jobs; every third is without network series."""
    mean = chance.uniform(0.3, 2.5) if mean is None else mean
    found = {
        "cpu_percent": load(
            chance, mean * 1.7, noise=0.3, days=days, missing=chance.uniform(0, 0.25), highest=60
        )
    }
    if network is None and chance.happens(0.33):
        return found
    each = chance.uniform(5, 450) if network is None else network / 2
    for name in ("network_rx", "network_tx"):
        found[name] = load(chance, each * 1.25, noise=0.1, days=days, highest=1e9)
    if chance.happens(0.5):
        found["memory_percent"] = load(chance, chance.uniform(5, 55), noise=0.01, days=days)
    return found


@plant(
    "server.idle",
    lambda c: {"series": idle(c, mean=c.uniform(6.5, 12))},
    lambda c: {"series": idle(c, mean=1, network=c.uniform(3000, 90_000))},
    lambda c: {"series": idle(c, days=8)},
    lambda c: {"name": c.choice(["vpn-moscow", "prometheus", "bastion-a"])},
    lambda c: {"name": "pg-replica", "tags": {}},
    lambda c: {"software": ("PostgreSQL 15",)},
    lambda c: {"age": c.uniform(1, 13)},
    lambda c: {"series": {**idle(c), "memory_percent": load(c, 80, noise=0.01)}},
    lambda c: {"series": {"cpu_percent": load(c, 40, [0.02] * 160 + [1.0] * 8)}},
)
def server_idle(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    server = sold.cloud_server(
        place,
        *chance.choice(SIZES),
        **(
            {"series": idle(chance), "environment": chance.choice(["production", "development", ""])}
            | changes
        ),
    )
    sold.boot_disk(place, server, chance.choice([10, 50, 200]))
    return server


@plant(
    "dedicated.idle",
    lambda c: {"series": idle(c, mean=c.uniform(6.5, 12))},
    lambda c: {"series": idle(c, mean=1, network=c.uniform(3000, 90_000))},
    lambda c: {"name": "firewall-north"},
    lambda c: {"age": c.uniform(1, 13)},
    lambda c: {"status": "stopped"},
)
def dedicated_idle(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    return place.add(
        "dedicated_server", **({"series": idle(chance), "monthly": chance.amount(4000, 60_000)} | changes)
    )


@plant(
    "server.rightsize",
    lambda c: {"use": (c.uniform(70, 79), c.uniform(81, 84.5))},
    lambda c: {"days": 5},
    lambda c: {"age": c.uniform(1, 6)},
    lambda c: {"burst": 97.0},
    lambda c: {"resized_at": ago(c.uniform(3.1, 5))},
    lambda c: {"changed_at": ago(1)},
    lambda c: {"missing": 0.5},
    lambda c: {"book_of": "none"},
    place={"stop_saves": {}},
)
def server_rightsize(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    """Four times what it uses, or much memory too much."""
    vcpus, memory_gib = chance.choice(((4, 16), (8, 32), (16, 64)))
    cpu, memory = changes.pop("use", (chance.uniform(8, 19), chance.uniform(20, 40)))
    days, missing = changes.pop("days", 35), changes.pop("missing", chance.uniform(0, 0.2))
    burst = changes.pop("burst", None)
    if changes.pop("book_of", ""):
        place.changes["prices"] = type(place.book)()
    if chance.happens(0.3) and cpu < 20:
        memory = 84.0  # the processor alone
    shape = office(chance, night=0.5, weekend=0.6)
    series = {
        "cpu_percent": load(chance, cpu, shape, days=days, missing=missing, highest=burst or cpu * 1.3),
        "memory_percent": load(chance, memory, noise=0.01, days=days, missing=missing, highest=88),
    }
    if burst:
        points = list(series["cpu_percent"].points)
        points[-30] = (points[-30][0], burst, burst)
        series["cpu_percent"] = Series(points, MIDNIGHT)
    server = sold.cloud_server(place, vcpus, memory_gib, **({"series": series, "traffic": 100} | changes))
    sold.boot_disk(place, server)
    return server


def nights_off(chance: Chance, *, quiet: float = 1.5) -> dict[str, Series]:
    start, end = chance.choice([(8, 19), (9, 18), (7, 22)])
    shape = [1.0 if hour // 24 < 5 and start <= hour % 24 < end else quiet / 30 for hour in range(168)]
    return {
        "cpu_percent": load(chance, 40, shape, noise=0.08, missing=chance.uniform(0, 0.1)),
        "network_rx": load(chance, 1e5, [each if each == 1 else 0.001 for each in shape], highest=1e6),
        "network_tx": load(chance, 1e5, [each if each == 1 else 0.001 for each in shape], highest=1e6),
    }


@plant(
    "server.schedule",
    lambda c: {"series": nights_off(c, quiet=9)},
    lambda c: {"series": {**nights_off(c), "network_tx": level(5000)}},
    lambda c: {"tags": {"schedule": "office"}},
    lambda c: {"age": c.uniform(3, 13)},
    lambda c: {"series": {"cpu_percent": load(c, 1.0)}},
    lambda c: {"series": {}, "environment": "production"},
    lambda c: {"series": {"cpu_percent": load(c, 40, [0.02 if 2 <= h % 24 < 6 else 1 for h in range(168)])}},
    lambda c: {"never": True},
)
def server_schedule(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    if changes.pop("never", False):
        place.changes["stop_saves"] = {"server": StopSaves(by=StopBy.RECREATE, least_hours=24)}
        changes["series"] = {
            "cpu_percent": load(chance, 40, [1 if 10 <= h % 24 < 18 else 0.02 for h in range(168)])
        }
    values = {
        "series": nights_off(chance),
        "environment": chance.choice(["development", "stage", "production"]),
    }
    return sold.cloud_server(place, *chance.choice(SIZES[2:]), **(values | changes))


@plant(
    "server.stopped_billed",
    lambda c: {"status_since": ago(c.uniform(0, 13.9))},
    lambda c: {"status": "running"},
    lambda c: {"tags": {"schedule": "night"}},
    lambda c: {"tags": {"reserved": "yes"}},
    lambda c: {"name": "app-standby"},
    lambda c: {"free": True},
)
def server_stopped_billed(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    since = chance.uniform(14.1, 120)
    if changes.pop("free", False):
        return place.add(
            "server", status="stopped", status_since=ago(since), vcpus=Decimal(2), memory_mib=4096, monthly=0
        )
    values = {"status": "stopped", "status_since": ago(since), "storage_gib": None}
    server = sold.cloud_server(place, *chance.choice(SIZES), **(values | changes))
    sold.boot_disk(place, server, chance.choice([20, 100]))
    return server


@plant(
    "server.undersized",
    lambda c: {"busy": c.uniform(70, 85)},
    lambda c: {"days_busy": 2},
    lambda c: {"status": "stopped"},
    lambda c: {"series": {}},
    lambda c: {"age": c.uniform(1, 6)},
)
def server_undersized(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    """At its limit in the working hours of every day, by its processor or its memory."""
    busy, days = changes.pop("busy", chance.uniform(95, 99.5)), changes.pop("days_busy", 5)
    hours = [1.0 if day < days and 9 <= clock < 18 else 0.5 for day in range(7) for clock in range(24)]
    if chance.happens(0.3):
        series = {"cpu_percent": load(chance, 40), "memory_percent": load(chance, busy, hours, noise=0.004)}
    else:
        series = {
            "cpu_percent": load(chance, busy, hours, noise=0.01),
            "memory_percent": load(chance, 60, noise=0.01),
        }
    if chance.happens(0.3):
        return sold.database(place, 4, 16, 100, **({"series": series} | changes))
    return sold.cloud_server(place, *chance.choice(SIZES), **({"series": series} | changes))


@plant(
    "server.zombie",
    lambda c: {"is_provisional": True},
    lambda c: {"absent_since": ago(c.uniform(0.1, 0.99))},
    lambda c: {"last_charge_at": ago(c.uniform(2.1, 9))},
    lambda c: {"status": "running", "absent_since": None},
    lambda c: {"is_stale": True},
)
def server_zombie(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    kind = chance.choice(
        ["server", "volume", "floating_ip", "load_balancer", "database", "snapshot", "licence"]
    )
    values = {
        "status": "deleted_billed",
        "absent_since": ago(chance.uniform(1.1, 60)),
        "monthly": chance.amount(60, 30_000),
    }
    return place.add(kind, **(values | changes))


@plant(
    "server.guaranteed_share",
    lambda c: {"steal": c.uniform(3, 10)},
    lambda c: {"cpu": c.uniform(35, 60)},
    lambda c: {"steal": None},
    lambda c: {"tags": {"latency": "yes"}},
    lambda c: {"family": "share_half"},
)
def server_guaranteed_share(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    cpu, steal = changes.pop("cpu", chance.uniform(8, 28)), changes.pop("steal", chance.uniform(0, 1.5))
    series = {"cpu_percent": load(chance, cpu, missing=chance.uniform(0, 0.2)), "network_tx": level(1e6)}
    if steal is not None:
        series["cpu_steal_percent"] = load(chance, steal * 1.2, highest=50)
    return sold.cloud_server(place, *chance.choice(SIZES[1:]), **({"series": series} | changes))


@plant(
    "server.preemptible",
    lambda c: {"name": "office-portal"},
    lambda c: {"software": ("Redis 7",)},
    lambda c: {"data": True},
    lambda c: {"environment": "production", "name": "batch-report"},
    lambda c: {"family": "interruptible"},
    lambda c: {"status": "stopped"},
)
def server_preemptible(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    data = changes.pop("data", False)
    values = {"name": chance.choice(["ci-builder", "gitlab-runner", "batch-images"]), "environment": ""}
    server = sold.cloud_server(place, *chance.choice(SIZES[1:]), **(values | changes))
    sold.boot_disk(place, server)
    if data:
        sold.disk(place, server, 100)
    return server


def _generation(family: str, monthly: Any, **changes: Any) -> Offer:
    values = {
        "family": family,
        "name": f"{family}.large",
        "billing_sku_id": f"{family}.large",
        "vcpus": Decimal(4),
        "memory_mib": 8192,
    }
    return sold.offer("server", monthly, **(values | {"provider_type": "aged"} | changes))


@plant(
    "server.newer_generation",
    lambda c: {"newer": c.uniform(4100, 5000)},
    lambda c: {"successor": "v0"},
    lambda c: {"configuration": {"flavor": "v1.large", "gpu_count": 1}},
    lambda c: {"configuration": {"flavor": "v2.large"}},
    place={"provider_type": "aged"},
)
def server_newer_generation(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    newer, successor = changes.pop("newer", chance.uniform(2500, 4000)), changes.pop("successor", "v1")
    place.changes["prices"] = type(place.book)(
        (_generation("v1", 4000), _generation("v2", Decimal(round(newer)), successor_of=successor))
    )
    values = {
        "vcpus": Decimal(4),
        "memory_mib": 8192,
        "configuration": {"flavor": "v1.large"},
        "region_id": "",
        "monthly": 4000 * chance.amount(0.8, 1),
    }
    return place.add("server", **(values | changes))


@plant(
    "server.cheaper_region",
    lambda c: {"elsewhere": c.amount(0.91, 1.2)},
    lambda c: {"environment": "production"},
    lambda c: {"networked": True},
    lambda c: {"tags": {"personal-data": "yes"}, "country": "KZ"},
    lambda c: {"regions": frozenset({"ru-1"})},
)
def server_cheaper_region(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    """Outside production; a third region costs a third less."""
    factor, country = changes.pop("elsewhere", chance.amount(0.5, 0.86)), changes.pop("country", "RU")
    networked = changes.pop("networked", False)
    place.changes["region_ids"] = changes.pop("regions", frozenset({"ru-1", "ru-3"}))
    more = [
        sold.offer(
            kind, price * factor, component=component, family=family, region_id="ru-3", country=country
        )
        for kind, price, component, family in (
            ("server", sold.VCPU, "vcpu", "standard"),
            ("server", sold.MEMORY, "memory_gib", "standard"),
            ("volume", sold.DISKS["universal"], "storage_gib", "universal"),
        )
    ]
    place.changes["prices"] = sold.book(*more)
    server = sold.cloud_server(
        place, *chance.choice(SIZES[2:]), **({"environment": "stage", "traffic": 90} | changes)
    )
    sold.boot_disk(place, server)
    if networked:
        place.networks["private"] += [server.pk, sold.cloud_server(place, 1, 1).pk]
    return server


@plant(
    "server.cross_provider",
    lambda c: {"elsewhere": c.amount(0.85, 1.3)},
    lambda c: {"size": (1, 1)},
    lambda c: {"networked": True},
    lambda c: {"tags": {"personal-data": "yes"}, "country": "DE"},
    lambda c: {"read_at": ago(20)},
)
def server_cross_provider(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    factor, country = changes.pop("elsewhere", chance.amount(0.4, 0.7)), changes.pop("country", "RU")
    read_at, networked = changes.pop("read_at", ago(1)), changes.pop("networked", False)
    size = changes.pop("size", None) or chance.choice(((4, 16), (8, 16), (8, 32)))
    more = [
        sold.offer(
            kind,
            price * factor,
            component=component,
            family="normal",
            provider_type="other",
            country=country,
            read_at=read_at,
            disk_class="ssd" if kind == "volume" else "",
        )
        for kind, price, component in (
            ("server", sold.VCPU, "vcpu"),
            ("server", sold.MEMORY, "memory_gib"),
            ("volume", sold.DISKS["universal"], "storage_gib"),
        )
    ]
    place.changes["prices"] = sold.book(*more)
    server = sold.cloud_server(place, *size, **changes)
    sold.boot_disk(place, server)
    if networked:
        place.networks["private"] += [server.pk, sold.cloud_server(place, 1, 1).pk]
    return server


@plant(
    "server.autoscale",
    lambda c: {"quiet": 0.5},
    lambda c: {"busy": 78.0, "quiet": 0.45},
    lambda c: {"members": 2},
    lambda c: {"balanced": False},
    lambda c: {"software": ("MongoDB",)},
    lambda c: {"days": 8},
)
def server_autoscale(place: Place, chance: Chance, **changes: Any) -> Scene:
    """Production servers behind a balancer, for the working hours."""
    busy, quiet = changes.pop("busy", chance.uniform(40, 60)), changes.pop("quiet", chance.uniform(0.1, 0.22))
    count, balanced = changes.pop("members", chance.choice([3, 4, 6])), changes.pop("balanced", True)
    days = changes.pop("days", 35)
    shape = office(chance, night=quiet, weekend=quiet)
    made = [
        sold.cloud_server(
            place,
            4,
            8,
            name=f"shop-web-{number}",
            environment="production",
            series={"cpu_percent": load(chance, busy, shape, days=days)},
            **changes,
        )
        for number in range(count)
    ]
    if balanced:
        sold.balancer(place, "pair_s", configuration={"member_count": count})
    return Scene(made)


@plant(
    "rate.commitment",
    lambda c: {"age": c.uniform(10, 80)},
    lambda c: {"paid": "0.85"},
    lambda c: {"tags": {"migration": "2027"}},
    lambda c: {"status": "stopped"},
    lambda c: {"falling": True},
    lambda c: {"open_categories": frozenset({"rightsizing"})},
    lambda c: {"gaps": 25},
)
def rate_commitment(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    ahead = chance.amount(0.7, 0.88)
    more = [
        sold.offer(
            "server", price * ahead, component=component, family="standard", region_id="ru-1", term_months=12
        )
        for price, component in ((sold.VCPU, "vcpu"), (sold.MEMORY, "memory_gib"))
    ]
    place.changes["prices"] = sold.book(*more)
    factor, falling, gaps = changes.pop("paid", None), changes.pop("falling", False), changes.pop("gaps", 0)
    server = sold.cloud_server(place, *chance.choice(SIZES), factor=ahead if factor else 1, **changes)
    days = sorted(server.daily_costs)
    if falling:  # twice as large two months ago
        server.resized_at = ago(45)
        server.daily_costs = {
            day: cost * (2 if n < len(days) - 45 else 1)
            for n, (day, cost) in enumerate(server.daily_costs.items())
        }
    if gaps:  # off on every fourth day
        server.daily_costs = {day: cost for n, (day, cost) in enumerate(server.daily_costs.items()) if n % 4}
    return server


@plant(
    "rate.price_drift",
    lambda c: {"factor": c.amount(0.8, 1.025, 4)},
    lambda c: {"since": c.choice([1, 3, 6])},
    lambda c: {"read": 9},
    lambda c: {"family": "unlisted"},
    lambda c: {"factor": 1, "traffic": 4000},
)
def rate_price_drift(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    factor, since = changes.pop("factor", chance.amount(1.06, 1.6, 4)), changes.pop("since", 120)
    if changes.pop("read", 0):
        place.changes["prices"] = type(place.book)(sold.aged(place.book, ago(9)))
    size = chance.choice(SIZES)
    parts = sold.server_parts(*size, factor=factor)
    if changes.get("family") == "unlisted":
        changes.pop("family")
        parts = tuple(part(f"{each.sku_id}_old", each.quantity, each.day_cost * 30) for each in parts)
    server = sold.cloud_server(place, *size, **({"parts": parts, "traffic": 80} | changes))
    count = len(server.daily_costs)
    server.daily_costs = {
        day: cost if n >= count - since else cost / Decimal("1.5")
        for n, (day, cost) in enumerate(server.daily_costs.items())
    }
    return server


@plant(
    "hygiene.no_owner",
    lambda c: {"owner": "data"},
    lambda c: {"business_unit": "Shop"},
    lambda c: {"monthly": c.amount(10, 990)},
)
def hygiene_no_owner(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    kind = chance.choice(["server", "s3_bucket", "database", "load_balancer", "cdn", "other"])
    return place.add(kind, **({"owner": "", "monthly": chance.amount(1010, 90_000)} | changes))
