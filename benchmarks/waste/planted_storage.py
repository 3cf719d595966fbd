"""Waste planted in what stores: disks, copies, buckets, registries; and what only looks like it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from benchmarks.waste import sold
from benchmarks.waste.scenes import Scene, plant
from benchmarks.waste.world import Chance, Place, ago, level, load, part
from recommendations.engine.facts import RegistryImage, ResourceFacts

MIB = 1024 * 1024


def _orphan(days: float) -> dict[str, Any]:
    return {"is_orphan": True, "orphan_since": ago(days)}


@plant(
    "volume.orphan",
    lambda c: _orphan(c.uniform(0, 6.9)),
    lambda c: {"tags": {"keep": "2027"}},
    lambda c: {"name": "pvc-reports", **_orphan(c.uniform(8, 29))},
    lambda c: {"is_orphan": False, "orphan_since": None},
    lambda c: {"status": "pending"},
    lambda c: {"attached": True},
)
def volume_orphan(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    server = sold.cloud_server(place, 2, 4) if changes.pop("attached", False) else None
    name = chance.choice(["data", "old-shop", "backup-disk"])
    size = chance.choice([40, 200, 2000])
    return sold.disk(place, server, size, **({"name": name, **_orphan(chance.uniform(31, 300))} | changes))


@plant(
    "volume.oversized",
    lambda c: {"share": c.uniform(0.45, 0.9)},
    lambda c: {"growing": True},
    lambda c: {"series": {}},
    lambda c: {"days": 15},
    lambda c: {"resized_at": ago(c.uniform(1, 29))},
    lambda c: {"size": 20, "share": 0.2},
    lambda c: {"age": 20},
)
def volume_oversized(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    size, share = (
        changes.pop("size", chance.choice([100, 300, 1000])),
        changes.pop("share", chance.uniform(0.05, 0.35)),
    )
    used = load(
        chance,
        size * share,
        noise=0.004,
        days=changes.pop("days", 35),
        missing=chance.uniform(0, 0.3),
        highest=size,
    )
    if changes.pop("growing", False):  # full in some weeks
        step = size * 0.38 / len(used.points)
        used = type(used)(
            [(at, step * n, step * n) for n, (at, _a, _m) in enumerate(used.points)], used.until
        )
    values = {"series": {"disk_used_gib": used}, "environment": chance.choice(["production", "test"])}
    family = chance.choice(["basic", "universal", "fast"])
    return sold.disk(place, sold.cloud_server(place, 2, 4), size, family, **(values | changes))


@plant(
    "volume.slower_class",
    lambda c: {"iops": c.uniform(6000, 7000)},
    lambda c: {"throughput": c.uniform(180, 400)},
    lambda c: {"series": {}},
    lambda c: {"family": "basic"},
    lambda c: {"name": "postgres-data", "family": "universal"},
    lambda c: {"age": 5},
)
def volume_slower_class(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    iops, throughput = (
        changes.pop("iops", chance.uniform(5, 200)),
        changes.pop("throughput", chance.uniform(1, 60)),
    )
    series = {
        "disk_iops": load(chance, iops, noise=0.15, highest=iops * 3),
        "disk_throughput": load(chance, throughput * MIB, noise=0.1, highest=throughput * MIB * 3),
    }
    family = changes.pop("family", chance.choice(["universal", "fast"]))
    server = sold.cloud_server(place, 2, 4)
    size = chance.choice([100, 500, 2000])
    return sold.disk(place, server, size, family, **({"series": series} | changes))


@plant(
    "volume.merge",
    lambda c: {"count": 2},
    lambda c: {"fee": 0},
    lambda c: {"names": ("pg-wal", "pg-data", "pg-log")},
    lambda c: {"bootable": True},
    lambda c: {"used": 0.9, "size": 60},
)
def volume_merge(place: Place, chance: Chance, **changes: Any) -> Scene:
    """Small disks for each of which a fee is paid."""
    fee, size = changes.pop("fee", chance.choice([60, 100])), changes.pop("size", chance.choice([5, 10, 15]))
    count, names = changes.pop("count", chance.choice([3, 5])), changes.pop("names", ())
    used, bootable = changes.pop("used", chance.uniform(0.2, 0.8)), changes.pop("bootable", False)
    limits = {"fee_per_volume": Decimal(fee)} if fee else {}
    price = sold.offer(
        "volume", 4, provider_type="fees", component="storage_gib", family="basic", plan_limits=limits
    )
    place.changes |= {"prices": type(place.book)((price,)), "provider_type": "fees"}
    server = place.add("server")
    made = [
        place.add(
            "volume",
            name=names[number] if names else f"part-{'abcde'[number]}",
            parent=server,
            storage_gib=Decimal(size),
            monthly=fee + size * 4,
            region_id="",
            configuration={"volume_type": "basic", "is_bootable": bootable},
            series={"disk_used_gib": level(size * used)},
        )
        for number in range(min(count, len(names) or count))
    ]
    return Scene(made)


@plant(
    "file_storage.unused",
    lambda c: {"series": {"connections": load(c, 2, noise=0.5)}},
    lambda c: {"series": {"disk_throughput": level(0, peak=10)}},
    lambda c: {"series": {"disk_used_gib": level(12)}},
    lambda c: {"series": {}},
    lambda c: {"series": {"connections": level(0, days=20)}},
    lambda c: {"tags": {"retain": "3y"}},
    lambda c: {"age": 20},
)
def file_storage_unused(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    series = {chance.choice(["connections", "disk_throughput", "disk_iops", "disk_used_gib"]): level(0)}
    values = {"storage_gib": Decimal(200), "series": series, "monthly": chance.amount(200, 20_000)}
    return place.add("file_storage", **(values | changes))


# ---- copies ---------------------------------------------------------------------------------------------------


def _copy(place: Place, kind: str, source: str, age: float, **changes: Any) -> ResourceFacts:
    values = {
        "storage_gib": Decimal(60),
        "monthly": place.chance.amount(60, 2000),
        "configuration": {"volume_id": source},
    }
    return place.add(kind, age=age, **(values | changes))


@plant(
    "snapshot.old",
    lambda c: {"age": c.uniform(5, 88)},
    lambda c: {"alone": True},
    lambda c: {"name": "shop-monthly"},
    lambda c: {"tags": {"compliance": "yes"}},
    lambda c: {"configuration": {}},
    lambda c: {"chained": True},
)
def snapshot_old(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    alone, chained = changes.pop("alone", False), changes.pop("chained", False)
    age = changes.pop("age", chance.uniform(91, 600))
    if not alone:
        newer = {"volume_id": "disk", "is_incremental": chained}
        _copy(place, "snapshot", "disk", min(age, 89) / 2, configuration=newer)
    return _copy(place, "snapshot", "disk", age, **changes)


@plant(
    "snapshot.orphan",
    lambda c: _orphan(c.uniform(0, 29.9)),
    lambda c: {"is_orphan": False, "orphan_since": None},
    lambda c: {"tags": {"hold": "court"}},
    lambda c: {"is_stale": True},
    lambda c: {"used": True},
)
def snapshot_orphan(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    used = changes.pop("used", False)
    made = _copy(
        place, "snapshot", "gone", chance.uniform(40, 300), **(_orphan(chance.uniform(31, 390)) | changes)
    )
    if used:
        place.made_from[made.resource_id] = ago(0)
    return made


@plant(
    "image.unused",
    lambda c: {"used": c.uniform(0, 59)},
    lambda c: {"alone": True},
    lambda c: {"name": "golden-3"},
    lambda c: {"tags": {"template": "yes"}},
    lambda c: {"age": c.uniform(10, 59)},
    lambda c: {"history_since": ago(40)},
)
def image_unused(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    used, alone = changes.pop("used", None), changes.pop("alone", False)
    values = {"name": "shop-2026-01", "age": chance.uniform(90, 600), "monthly": chance.amount(60, 900)}
    made = place.add("image", **(values | changes))
    if not alone:
        name = "golden-4" if made.name.startswith("golden") else "shop-2026-09"
        newer = place.add("image", name=name, age=9, monthly=90)
        place.made_from[newer.resource_id] = ago(0)
    if used is not None or chance.happens(0.4):
        place.made_from[made.resource_id] = ago(chance.uniform(61, 300) if used is None else used)
    return made


@plant(
    "backup.retention",
    lambda c: {"count": 30, "each": 1.0},
    lambda c: {"tags": {"legal-hold": "yes"}},
    lambda c: {"name": "books-yearly"},
    lambda c: {"configuration": {"volume_id": "disk", "is_immutable": True}},
    lambda c: {"configuration": {}},
)
def backup_retention(place: Place, chance: Chance, **changes: Any) -> Scene:
    """Several a day, or for each day of months."""
    each = changes.pop("each", chance.choice([0.25, 0.5, 1.0]))
    count = changes.pop("count", int(chance.uniform(50, 90) / max(each, 0.5)))
    made = [
        _copy(place, "backup", "disk", 0.5 + number * each, monthly=chance.amount(60, 200), **changes)
        for number in range(count)
    ]
    return Scene(made)


@plant(
    "registry.cleanup",
    lambda c: {"pulled": c.uniform(1, 80)},
    lambda c: {"count": 10},
    lambda c: {"running": True},
    lambda c: {"tags": {"keep": "yes"}},
    lambda c: {"images": None},
)
def registry_cleanup(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    pulled, count = changes.pop("pulled", None), changes.pop("count", chance.choice([15, 60, 300]))
    images = tuple(
        RegistryImage(
            repository="shop",
            digest=f"sha-{number}",
            pushed_at=ago(100 + number),
            size_gib=chance.amount(0.2, 3),
            pulled_at=None if pulled is None else ago(pulled),
            tags=(f"v{number}",),
        )
        for number in range(count)
    )
    running = changes.pop("running", False)
    place.changes["running_images"] = frozenset(each.digest for each in images) if running else frozenset()
    return place.add(
        "container_registry", **({"images": images, "monthly": chance.amount(500, 20_000)} | changes)
    )


# ---- buckets --------------------------------------------------------------------------------------------------


def _bucket(place: Place, chance: Chance, use: dict[str, float], **changes: Any) -> ResourceFacts:
    size = changes.pop("size", chance.choice([300, 1000, 8000]))
    days = changes.pop("days", 95)
    series = {
        name: type(each)(each.points[-days * 24 :], each.until)
        for name, each in sold.bucket_series(chance, size_gib=size, **use).items()
    }
    return sold.bucket(
        place, size, changes.pop("family", "standard"), **({"name": "media", "series": series} | changes)
    )


@plant(
    "bucket.cold",
    lambda c: {"read_gib": 0.2},
    lambda c: {"object_kib": 50.0},
    lambda c: {"family": "cold"},
    lambda c: {"days": 15},
    lambda c: {"reads": 4e8},
    lambda c: {"age": c.uniform(3, 29)},
)
def bucket_cold(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    size = chance.choice([300, 1000, 8000])
    use = {
        "read_gib": size * changes.pop("read_gib", chance.uniform(0, 0.07)),
        "reads": changes.pop("reads", 2e4),
        "writes": 1e3,
        "object_kib": changes.pop("object_kib", chance.uniform(200, 9000)),
    }
    return _bucket(place, chance, use, size=size, **changes)


@plant(
    "bucket.archive",
    lambda c: {"reads": c.uniform(5, 90_000)},
    lambda c: {"object_kib": 60.0},
    lambda c: {"family": "ice"},
    lambda c: {"name": "velero-prod"},
    lambda c: {"tags": {"legal-hold": "yes"}},
    lambda c: {"days": 40},
    lambda c: {"age": c.uniform(3, 88)},
)
def bucket_archive(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    use = {
        "read_gib": 0.0,
        "reads": changes.pop("reads", 0.0),
        "writes": chance.uniform(0, 3e4),
        "object_kib": changes.pop("object_kib", chance.uniform(200, 9000)),
    }
    return _bucket(place, chance, use, **changes)


@plant(
    "bucket.abandoned",
    lambda c: {"reads": c.uniform(50, 9000)},
    lambda c: {"writes": c.uniform(50, 9000)},
    lambda c: {"name": "archive-cold"},
    lambda c: {"tags": {"retain": "7y"}},
    lambda c: {"days": 50},
    lambda c: {"age": c.uniform(3, 88)},
)
def bucket_abandoned(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    """`reads` and `writes` in thirty days: a third of what the rule looks at."""
    use = {
        "read_gib": 0.0,
        "reads": changes.pop("reads", chance.uniform(0, 25)),
        "writes": changes.pop("writes", chance.uniform(0, 20)),
        "object_kib": 900.0,
    }
    return _bucket(place, chance, use, **changes)


@plant(
    "bucket.lifecycle",
    lambda c: {"come_and_go": True},
    lambda c: {"share": 0.0},
    lambda c: {"days": 3},
    lambda c: {"tags": {"compliance": "yes"}},
)
def bucket_lifecycle(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    size, name = chance.choice([800, 3000]), chance.choice(["multipart_gib", "noncurrent_gib", "expired_gib"])
    share = changes.pop("share", chance.uniform(0.12, 0.5))
    series = load(chance, size * share, noise=0.02, days=changes.pop("days", 35), highest=size)
    if changes.pop("come_and_go", False):  # nothing of it stays for a week
        series = type(series)(
            [(at, value if n // 24 % 4 else 0.0, most) for n, (at, value, most) in enumerate(series.points)],
            series.until,
        )
    return sold.bucket(place, size, **({"series": {name: series}} | changes))


@plant(
    "traffic.cross_region",
    lambda c: {"share": c.uniform(0.005, 0.07)},
    lambda c: {"region": "ru-1"},
    lambda c: {"project": "another"},
    lambda c: {"sku": "traffic-internet"},
)
def traffic_cross_region(place: Place, chance: Chance, **changes: Any) -> Scene:
    share, sku = changes.pop("share", chance.uniform(0.15, 0.6)), changes.pop("sku", "traffic-interregion")
    made = []
    for region, project in (
        ("ru-1", "project"),
        (changes.pop("region", "ru-2"), changes.pop("project", "project")),
    ):
        lines = sold.server_parts(4, 8, factor=sold.factor_of(region))
        whole = sum(float(each.day_cost) for each in lines) * 30
        talk = part(sku, 1, Decimal(round(whole * share / (1 - share))), "GB", is_usage=True)
        made.append(
            sold.cloud_server(
                place, 4, 8, region_id=region, sub_account_id=project, parts=(*lines, talk), **changes
            )
        )
    return Scene(made)
