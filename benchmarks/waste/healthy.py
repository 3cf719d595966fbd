"""An estate in which nothing is wasted: sized for its busiest hours, used, owned, young enough, or quiet on purpose.

Healthy means that whoever knows all of it would change nothing: no smaller size that is sold holds the busiest hour in a
hundred with a fifth to spare, whatever is attached to nothing is fresh, and what is quiet stands by or is kept for a reason.
It is not tidy: weeks have weekends, hours are missing, resources are days old, costs move with traffic.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from benchmarks.waste import sold
from benchmarks.waste.world import Chance, Place, ago, level, load, office, part
from recommendations.engine.facts import CostSummary, RegistryImage, ResourceFacts
from recommendations.engine.usage import Series

SIZES = ((1, 2), (2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (16, 32))
MIB = 1024 * 1024
AHEAD = Decimal("0.85")
"""What a year ahead costs, of the list price."""


def estates(chance: Chance, count: int, *, each: int = 500) -> Iterator[list[ResourceFacts]]:
    """Connections of about `each` resources, `count` in all: a cloud, one that sells for a year ahead, one of tariffs."""
    book, ahead = sold.book(), sold.book(*sold.paid_ahead(AHEAD))
    number = 0
    while count > 0:
        wanted = min(each, count)
        if number % 3 == 2:
            made = _tariffs(chance, book, wanted)
        else:
            made = _cloud(
                chance, ahead if number % 3 else book, wanted, paid=AHEAD if number % 3 else Decimal(1)
            )
        yield made
        number, count = number + 1, count - len(made)


def _cloud(chance: Chance, book: Any, count: int, *, paid: Decimal) -> list[ResourceFacts]:
    place = Place(
        chance,
        book,
        paid=paid,
        account={"balance": Decimal(900_000), "balance_currency": "RUB"},
        daily_cost=CostSummary(day_cost=Decimal(20_000), full_days=7, currency="RUB"),
        running_images=frozenset(),
    )
    kits = (
        _web_group,
        _single,
        _single,
        _single,
        _single,
        _development,
        _quiet,
        _standby,
        _database,
        _buckets,
        _copies,
        _cluster,
        _odds,
        _fresh,
    )
    for kit in kits:
        if len(place.resources) < count:
            kit(place, chance)
    while len(place.resources) < count:
        chance.choice(kits)(place, chance)
    return place.done()


def _tariffs(chance: Chance, book: Any, count: int) -> list[ResourceFacts]:
    limits = [
        {"name": "Sites", "used": "22", "is_readable": True},
        {"name": "Disk", "used": "43", "is_readable": True},
    ]
    place = Place(
        chance,
        book,
        provider_type="vps",
        provider_name="VPS",
        bills_lines=False,
        stop_saves={},
        region_ids=None,
        account={
            "balance": Decimal(50_000),
            "balance_currency": "RUB",
            "charge_days_left": 60,
            "limits": limits,
        },
    )
    place.add("account_plan", name="Noble", monthly=750)
    while len(place.resources) < count:
        chance.choice((_tariff_server, _tariff_server, _site, _tariff_copies))(place, chance)
    return place.done()


# ---- servers --------------------------------------------------------------------------------------------------


def sized(chance: Chance, vcpus: int, memory_gib: int, **more: Any) -> dict[str, Series]:
    """Use that the next smaller size would not hold: an even number of vCPUs, a GiB of memory."""
    shape = more.pop("shape", None) or office(
        chance, night=chance.uniform(0.45, 0.7), weekend=chance.uniform(0.4, 0.9)
    )
    least = max(42.0, (vcpus - 2) / vcpus * 80 + 2) if vcpus > 1 else 30.0
    cpu = load(chance, chance.uniform(least, 78), shape, missing=chance.choice([0, 0, 0.02, 0.2]), highest=92)
    tight = (memory_gib - 1) / memory_gib * 85 + 0.5
    memory = load(chance, chance.uniform(tight, 84.5), noise=0.005, highest=92)
    found = {"cpu_percent": cpu}
    if not chance.happens(0.15):
        found["memory_percent"] = memory
    if not chance.happens(0.2):
        found |= {
            "network_rx": load(chance, 2e6, shape, highest=5e6),
            "network_tx": load(chance, 6e6, shape, highest=9e6),
        }
    if chance.happens(0.3):
        found["cpu_steal_percent"] = load(chance, 1.0, highest=5)
    return found


def disk_use(chance: Chance, size: int, *, busy: bool = False) -> dict[str, Series]:
    """Filled well and growing slowly; operations that only its class holds where it is `busy`."""
    share = chance.uniform(0.5, 0.85)
    found = {"disk_used_gib": load(chance, size * share, noise=0.003, highest=float(size))}
    if busy:
        found |= {
            "disk_iops": load(chance, chance.uniform(400, 4000), noise=0.2, highest=7000),
            "disk_throughput": load(chance, chance.uniform(20, 90) * MIB, noise=0.2, highest=200 * MIB),
        }
    return found


def _server(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    vcpus, memory_gib = changes.pop("size", None) or chance.choice(SIZES)
    more = changes.pop("use", {})
    values: dict[str, Any] = {
        "series": sized(chance, vcpus, memory_gib, **more),
        "region_id": chance.choice(["ru-1", "ru-2"]),
        "traffic": 200,
    }
    server = sold.cloud_server(place, vcpus, memory_gib, **(values | changes))
    sold.boot_disk(place, server, chance.choice([20, 30]))
    return server


def _address(place: Place, server: ResourceFacts) -> None:
    place.add(
        "floating_ip",
        parent=server,
        parts=(part("ip", 1, 150),),
        region_id=server.region_id,
        owner=server.owner,
        ip_addresses=(f"203.0.113.{server.pk % 250}",),
    )


def _single(place: Place, chance: Chance) -> None:
    """A production server with its disks; some are in a network together, some have no series at all."""
    server = _server(place, chance)
    if chance.happens(0.1):
        server.series = {}
    if chance.happens(0.5):
        _address(place, server)
    if chance.happens(0.6):
        size = chance.choice([50, 100, 400])
        if chance.happens(0.5):
            sold.disk(place, server, size, "universal", series=disk_use(chance, size, busy=True))
        else:
            sold.disk(place, server, size, series=disk_use(chance, size) if chance.happens(0.7) else {})
    if chance.happens(0.15):
        for name in ("spool", "mail", "cache"):
            sold.disk(place, server, 10, name=f"{name}-{server.pk}x")
    if chance.happens(0.2):
        place.networks["private"].append(server.pk)
    if chance.happens(0.2):
        place.add("licence", parent=server, monthly=700, region_id=server.region_id)


def _web_group(place: Place, chance: Chance) -> None:
    """Like servers behind a balancer that work at night too."""
    project, region = f"shop-{len(place.resources)}", chance.choice(["ru-1", "ru-2"])
    size, shape = chance.choice(SIZES[2:]), office(chance, night=chance.uniform(0.5, 0.7), weekend=0.8)
    count = chance.choice([2, 3, 5])
    for number in range(count):
        _server(
            place,
            chance,
            size=size,
            use={"shape": shape},
            name=f"{project}-web-{number + 1:02}",
            sub_account_id=project,
            region_id=region,
        )
    plan, requests = chance.choice([("pair_s", 60.0), ("pair_m", 350.0), ("pair_l", 1500.0)])
    sold.balancer(
        place,
        plan,
        sub_account_id=project,
        region_id=region,
        configuration={"member_count": count},
        series={
            "request_rate": load(chance, requests, shape, highest=requests * 1.2),
            "network_rx": level(1e5),
            "network_tx": level(1e6),
        },
    )


def _development(place: Place, chance: Chance) -> None:
    """Switched off by a schedule that its tag names: at night nobody measures it. Its data disk keeps it from being
    interrupted, and is of the cheapest class."""
    server = _server(
        place,
        chance,
        size=chance.choice(((2, 4), (4, 8))),
        environment=chance.choice(["development", "stage"]),
        tags={"schedule": "office"},
    )
    at_work = {
        name: Series([each for each in series.points if 6 <= each[0].hour < 16], series.until)
        for name, series in server.series.items()
    }
    server.series = at_work
    sold.disk(place, server, 60, series=disk_use(chance, 60))


def _quiet(place: Place, chance: Chance) -> None:
    """Small machines that are quiet by nature."""
    name = chance.choice(["vpn", "bastion", "dns", "monitoring", "ntp"])
    series = {
        "cpu_percent": load(chance, 9, noise=0.3, highest=30),
        "memory_percent": load(chance, 70, noise=0.01),
        "network_rx": load(chance, 5e4),
        "network_tx": load(chance, 5e4),
    }
    server = sold.cloud_server(place, 1, 1, name=f"{name}-gate", series=series, traffic=50)
    sold.boot_disk(place, server, 10)


def _standby(place: Place, chance: Chance) -> None:
    """A pair of which one works and the other waits, told by names or by a tag; and a database's replica."""
    first = f"queue-{'abcdefgh'[len(place.resources) % 8]}-"
    size = chance.choice(SIZES[3:])
    for number in (1, 2):
        server = _server(place, chance, size=size, name=f"{first}{number}", region_id="ru-1")
        if number == 2:
            server.tags = {"role": "standby"}
            server.series = {
                "cpu_percent": load(chance, 3, noise=0.3),
                "memory_percent": load(chance, 20, noise=0.01),
            }


def _database(place: Place, chance: Chance) -> None:
    vcpus, memory_gib = chance.choice(((2, 8), (4, 16), (8, 32)))
    size = chance.choice([50, 100, 300])
    is_production = chance.happens(0.7)
    shape = office(chance, night=0.6, weekend=0.6)
    series = {
        "cpu_percent": load(chance, chance.uniform(60, 80), shape, highest=90),
        "memory_percent": load(chance, chance.uniform(75, 88), noise=0.01, highest=91),
        "cache_hit_percent": load(chance, 99.6, noise=0.0005),
        "connections": load(chance, 60, shape, noise=0.2, highest=200),
        **disk_use(chance, size),
    }
    sold.database(
        place,
        vcpus,
        memory_gib,
        size,
        environment="production" if is_production else "test",
        configuration={"node_count": chance.choice([1, 3]) if is_production else 1},
        series=series,
        monthly=(vcpus * 1200 + memory_gib * 300 + size * 12),
    )


def _tariff_server(place: Place, chance: Chance) -> None:
    """The next smaller tariff holds either not its processor or not its memory."""
    tariff = chance.choice(sold.TARIFFS)
    smaller = [
        each for each in sold.TARIFFS if each[0] <= tariff[0] and each[1] <= tariff[1] and each != tariff
    ]
    memory_least = 85 * max((each[1] for each in smaller), default=0) / tariff[1] + 3
    cpu = load(chance, chance.uniform(35, 78), office(chance, night=0.5, weekend=0.6), highest=90)
    memory = load(chance, chance.uniform(min(memory_least, 84), 84.5), noise=0.004, highest=90)
    if memory_least > 84:  # as much memory is sold with fewer vCPUs: the processor keeps it
        cpu = load(chance, chance.uniform(60, 78), office(chance, night=0.5, weekend=0.6), highest=90)
    sold.tariff_server(
        place,
        tariff,
        series={
            "cpu_percent": cpu,
            "memory_percent": memory,
            "network_rx": level(1e5),
            "network_tx": level(1e5),
        },
    )


# ---- storage --------------------------------------------------------------------------------------------------


def _buckets(place: Place, chance: Chance) -> None:
    """One that is read, one of small objects, one that is an archive already, one that is quiet by its name."""
    size = chance.choice([100, 1000, 5000])
    kind = chance.choice(["read", "small", "archive", "backup"])
    if kind == "read":
        use = {"read_gib": size * chance.uniform(0.25, 2), "reads": 3e6, "writes": 1e5, "object_kib": 900.0}
        sold.bucket(place, size, name="media", series=sold.bucket_series(chance, size_gib=size, **use))
    elif kind == "small":
        use = {"read_gib": size * 0.02, "reads": 2e6, "writes": 2e6, "object_kib": 40.0}
        sold.bucket(place, size, name="thumbnails", series=sold.bucket_series(chance, size_gib=size, **use))
    elif kind == "archive":
        use = {"read_gib": 0.0, "reads": 0.0, "writes": 500.0, "object_kib": 5000.0}
        sold.bucket(
            place, size, "ice", name="archive", series=sold.bucket_series(chance, size_gib=size, **use)
        )
    else:
        sold.bucket(
            place,
            size,
            name="velero-backups",
            age=80,
            series={"multipart_gib": load(chance, 0.02, noise=1.0, highest=1)},
        )


def _copies(place: Place, chance: Chance) -> None:
    """A disk with a week of snapshots and one kept for a year; backups by the policy; an image in use and a new one."""
    server = _server(place, chance)
    volume = sold.disk(place, server, 100, "universal", series=disk_use(chance, 100, busy=True))
    for days in range(1, 8):
        _copy(place, "snapshot", volume, days, 40 + days)
    _copy(place, "snapshot", volume, 200, 40, name="shop-yearly")
    for days in range(20):
        _copy(place, "backup", volume, days + 0.5, 10)
    for month in (2, 3, 4, 5):
        _copy(place, "backup", volume, month * 30.4, 10)
    for number, made in enumerate((300, 20)):
        image = place.add("image", name=f"shop-base-{number}", monthly=120, storage_gib=Decimal(40), age=made)
        place.made_from[image.resource_id] = ago(0)


def _copy(place: Place, kind: str, source: ResourceFacts, age: float, gib: int, **changes: Any) -> None:
    place.add(
        kind,
        age=age,
        storage_gib=Decimal(gib),
        monthly=gib * sold.SNAPSHOT_GIB,
        region_id=source.region_id,
        configuration={"volume_id": source.resource_id},
        **changes,
    )


def _tariff_copies(place: Place, chance: Chance) -> None:
    server = sold.tariff_server(place, (4, 8, 100), series={})
    for days in (1, 2, 3):
        place.add(
            "snapshot",
            age=days,
            monthly=120,
            storage_gib=Decimal(40),
            configuration={"vps_id": server.resource_id},
        )


# ---- other things ---------------------------------------------------------------------------------------------


def _cluster(place: Place, chance: Chance) -> None:
    cluster = place.add("kubernetes_cluster", monthly=5000)
    region = "ru-1"
    shape = office(chance, night=0.6, weekend=0.7)
    nodes = []
    group_id = f"group-{cluster.pk}"
    for number in range(chance.choice([2, 3, 6])):
        series = {
            "cpu_percent": load(chance, chance.uniform(65, 80), shape, highest=90),
            "memory_percent": load(chance, chance.uniform(65, 80), noise=0.02, highest=90),
            "cpu_requests_percent": level(chance.uniform(70, 90)),
            "memory_requests_percent": level(chance.uniform(70, 90)),
        }
        node = sold.cloud_server(
            place,
            4,
            16,
            name=f"node-{cluster.pk}-{number}",
            series=series,
            region_id=region,
            configuration={"node_group_id": group_id},
        )
        sold.boot_disk(place, node)
        nodes.append(node)
    place.add(
        "kubernetes_node_group",
        resource_id=group_id,
        parent=cluster,
        monthly=0,
        configuration={"servers": [each.resource_id for each in nodes]},
    )


def _odds(place: Place, chance: Chance) -> None:
    """One of everything else."""
    rented = place.add(
        "dedicated_server", monthly=15_000, series={"cpu_percent": load(chance, 50, highest=90)}
    )
    place.add("licence", parent=rented, monthly=900)
    place.add(
        "router",
        monthly=500,
        configuration={"port_count": 3},
        series={"network_rx": level(1e5), "network_tx": level(1e5)},
    )
    place.add("network", monthly=0, native_type="private_network")
    place.add(
        "network",
        monthly=400,
        native_type="nat_gateway",
        series={
            "network_rx": load(chance, 4e4, noise=0.5, highest=1e6),
            "network_tx": load(chance, 4e4, highest=1e6),
        },
    )
    place.add(
        "file_storage",
        monthly=1600,
        storage_gib=Decimal(200),
        series={"connections": load(chance, 4, noise=0.3), **disk_use(chance, 200)},
    )
    images = [_image(number, 10.0 * number, 5.0 * number) for number in range(8)]
    images += [_image(number, 10.0 * number, 30.0) for number in range(8, 20)]
    place.add("container_registry", monthly=900, images=tuple(images))
    for one, other in (("ru-1", "ru-2"), ("ru-2", "ru-1")):
        size = (4, 8)
        server = _server(place, chance, region_id=one, size=size, sub_account_id=f"talk-{other}")
        lines = sold.server_parts(*size, factor=sold.factor_of(one) * place.paid)
        server.parts = (*lines, part("traffic-interregion", 1, 90, "GB", is_usage=True))
    place.add("cdn", monthly=600)
    place.add("function", monthly=90)
    place.add("other", monthly=80, owner="")
    gone = place.add(
        "volume", monthly=300, status="deleted_billed", absent_since=ago(3), last_charge_at=ago(2.5)
    )
    gone.storage_gib = Decimal(40)


def _image(number: int, pushed: float, pulled: float) -> RegistryImage:
    return RegistryImage(
        repository="shop",
        digest=f"sha-{number}",
        pushed_at=ago(pushed + 1),
        pulled_at=ago(pulled),
        size_gib=Decimal(1),
        tags=(f"v{number}",),
    )


def _fresh(place: Place, chance: Chance) -> None:
    """Made or taken apart days ago: nothing is known of it yet."""
    sold.disk(place, None, 50, "universal", is_orphan=True, orphan_since=ago(chance.uniform(0, 6.5)))
    place.add(
        "floating_ip", parts=(part("ip", 1, 150),), is_orphan=True, orphan_since=ago(chance.uniform(0, 6.5))
    )
    young = sold.cloud_server(
        place,
        4,
        8,
        age=chance.uniform(0.2, 6.5),
        series={"cpu_percent": load(chance, 2, days=3), "memory_percent": load(chance, 10, days=3)},
    )
    sold.boot_disk(place, young, age=1)
    stopped = sold.cloud_server(place, 2, 4, status="stopped", status_since=ago(chance.uniform(0, 13)))
    sold.boot_disk(place, stopped)
    balancer = sold.balancer(place, "pair_s", age=chance.uniform(1, 13), configuration={"member_count": 0})
    balancer.name = "new-entry"
    changed = _server(place, chance)
    changed.changed_at = ago(chance.uniform(0, 2.9))
    changed.series = {"cpu_percent": load(chance, 3), "memory_percent": load(chance, 10)}
    place.add(
        "snapshot",
        age=20,
        monthly=200,
        storage_gib=Decimal(60),
        is_orphan=True,
        orphan_since=ago(chance.uniform(0, 29)),
    )


def _site(place: Place, chance: Chance) -> None:
    name = f"shop{len(place.resources)}.example"
    place.add("domain", name=name, monthly=60, region_id="", configuration={"record_count": 6})
    place.add("website", name=f"www.{name}", monthly=0, region_id="", configuration={"domains": [name]})
    place.add("mailbox", name=f"info@{name}", monthly=0, region_id="")
    place.add("dns_zone", name=name, monthly=0, region_id="", configuration={"record_count": 6})
    place.add("ftp_account", monthly=0, region_id="")
    place.add(
        "domain",
        name=f"brand{len(place.resources)}.example",
        monthly=60,
        region_id="",
        tags={"brand": "yes"},
        configuration={"record_count": 0},
    )
