"""What evaluating all rules over a large organization costs, on PostgreSQL.

    python -m benchmarks recommendations_scale --database postgres://…           5 000 to 20 000 at once, 50 000 in ten
    python -m benchmarks recommendations_scale --database postgres://… --size 1x2000 --profile

`--size` is connections x resources of each. Three of ten resources are servers with two weeks of CPU and memory by the
hour, three their volumes, the others addresses, snapshots, buckets, databases and balancers; 35 days of costs, hourly lines
of the last whole day, a price list. *First* makes all findings, *again* evaluates the same, *changed* what a sync of fifty
resources touched. The database fills itself; a process of its own measures, so that its memory is the evaluation's.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.tools import (
    Stopwatch,
    add_databases,
    fresh_database,
    in_child,
    memory_mib,
    print_table,
    run_child,
    server_seconds,
    set_up,
)

SIZES = ("1x5000", "1x10000", "1x20000", "10x5000")
CHANGED = 50
PROVIDER = "selectel"
TODAY = datetime(2026, 11, 20, tzinfo=UTC).date()
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 19, 21, tzinfo=UTC)
BEGUN = NOW - timedelta(days=200)
COST_DAYS = 35
METRIC_HOURS = 14 * 24
BATCH = 5_000
KINDS = ("server",) * 3 + ("volume",) * 3 + ("floating_ip", "snapshot", "s3_bucket", "database")
MONTHLY = {
    "server": 4800,
    "volume": 800,
    "floating_ip": 150,
    "snapshot": 120,
    "s3_bucket": 600,
    "database": 5000,
}
SKUS = (
    ("server", "cores_standard", "Item-Hours", "4", "3200"),
    ("server", "ram_standard", "GiB-Hours", "8", "1600"),
    ("volume", "volume_universal", "GiB-Hours", "100", "800"),
    ("floating_ip", "ip", "Item-Hours", "1", "150"),
    ("s3_bucket", "bucket_storage_standard", "GiB-Hours", "300", "600"),
)
"""Type, what its lines call it, unit, how much, and what that costs a month."""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks recommendations_scale")
    add_databases(parser)
    parser.add_argument("--size", action="append", default=[], metavar="CONNECTIONSxRESOURCES")
    parser.add_argument("--profile", action="store_true", help="show where the processor's time goes")
    options = parser.parse_args(arguments)
    if not options.database:
        parser.error("a PostgreSQL server is needed: --database")
    rows: list[tuple[str, ...]] = []
    for address in options.database:
        for size in options.size or SIZES:
            with fresh_database(address) as environment:
                run_child("benchmarks.recommendations_scale", "fill", size, environment=environment)
                what = "profile" if options.profile else "measure"
                found = in_child("benchmarks.recommendations_scale", what, size, environment=environment)
            rows += [tuple(row) for row in found]
            _say(str(found))
    head = (
        "size",
        "what",
        "resources",
        "findings",
        "wall, s",
        "Python, s",
        "PostgreSQL, s",
        "queries",
        "peak, MiB",
    )
    print_table(head, rows)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- filling --------------------------------------------------------------------------------------------------


def fill(connection_count: int, resource_count: int) -> None:
    set_up()
    from django.db import connection as database

    from accounts.models import Organization
    from providers.models import ProviderConnection
    from syncs.models import ScopeCoverage, SyncSnapshot

    with Stopwatch() as watch:
        organization = Organization.objects.create(name="Large", time_zone="Europe/Moscow")
        connections = ProviderConnection.objects.bulk_create(
            ProviderConnection(
                organization=organization,
                provider_type=PROVIDER,
                connection_name=f"Connection {number}",
                series_number=number % 8 + 1,
                last_sync_at=NOW,
                last_sync_status="success",
            )
            for number in range(connection_count)
        )
        values = {"organization_id": organization.pk, "status": "success", "trigger": "scheduled"}
        snapshots = SyncSnapshot.objects.bulk_create(
            SyncSnapshot(
                connection=one,
                requested_at=at,
                observed_at=at,
                finished_at=at,
                is_current=at == NOW,
                **values,
            )
            for one in connections
            for at in (BEGUN, NOW)
        )
        newest = {each.connection_id: each for each in snapshots}
        ScopeCoverage.objects.bulk_create(
            ScopeCoverage(organization=organization, snapshot=each, scope=scope, status="complete")
            for each in newest.values()
            for scope in ("region/ru-1/all", "region/ru-2/all")
        )
        _fill_resources(connections, newest, resource_count)
        _fill_prices()
        with database.cursor() as cursor:
            cursor.execute(
                "SET session_replication_role = replica"
            )  # rows are made from those that they point at
            _fill_costs(cursor)
            _fill_lines(cursor, newest)
            _fill_metrics(cursor)
            cursor.execute("SET session_replication_role = DEFAULT")
            cursor.execute("ANALYZE")
    _say(f"{connection_count} x {resource_count}: filled in {watch.wall:.0f} s")


def _fill_resources(connections: Any, snapshots: Any, count: int) -> None:
    from inventory.models import Resource
    from syncs.models import ResourceState

    resources = Resource.objects.bulk_create(
        (
            Resource(
                organization_id=one.organization_id,
                connection=one,
                resource_id=f"{one.pk}-{number}",
                native_type=kind,
                resource_type=kind,
                name=f"{kind}-{number // 10}-{number % 10}",
                first_seen_at=BEGUN,
                provider_created_at=BEGUN,
                owner="team" if number % 50 else "",
                environment=("production", "stage", "")[number // 10 % 3],
            )
            for one in connections
            for number in range(count)
            for kind in (KINDS[number % 10],)
        ),
        batch_size=BATCH,
    )
    ResourceState.objects.bulk_create(
        (_state(resources, place, place % count, snapshots) for place in range(len(resources))),
        batch_size=BATCH,
    )


def _state(resources: Any, place: int, number: int, snapshots: Any) -> Any:
    """Volumes hang on the servers of their ten, the address on the first; some of both hang on nothing for long."""
    from syncs.models import ResourceState

    resource, spot = resources[place], number % 10
    is_orphan = spot in (5, 6) and number // 10 % 20 == 0
    is_part = spot in (3, 4, 5, 6) and not is_orphan
    network = {"private_networks": [f"network-{number // 10}"]} if number // 10 % 4 == 0 else {}
    values: dict[str, Any] = {
        "server": {"vcpus": 4, "memory_mib": 8192, "configuration": network},
        "volume": {"storage_gib": 100, "configuration": {"volume_type": "universal", "is_bootable": True}},
        "snapshot": {
            "storage_gib": 40,
            "configuration": {"volume_id": f"{resource.connection_id}-{number - 4}"},
        },
        "s3_bucket": {"configuration": {"storage_class": "standard"}},
        "database": {
            "vcpus": 2,
            "memory_mib": 4096,
            "storage_gib": 100,
            "engine": "postgresql",
            "configuration": {"node_count": 1},
        },
    }.get(resource.resource_type, {})
    return ResourceState(
        organization_id=resource.organization_id,
        connection_id=resource.connection_id,
        resource=resource,
        parent=resources[place - 3 if spot < 6 else place - 6] if is_part else None,
        opened_at=BEGUN,
        opened_by=snapshots[resource.connection_id],
        action="created",
        name=resource.name,
        status="running",
        scope="region/ru-1/all",
        region_id="ru-1",
        is_orphan=is_orphan,
        daily_cost=Decimal(MONTHLY[resource.resource_type]) / 30,
        currency="RUB",
        **values,
    )


def _fill_prices() -> None:
    from benchmarks.waste.sold import cloud
    from recommendations.prices.models import Price

    Price.objects.bulk_create(
        Price(
            provider_type=PROVIDER,
            source="plugin",
            amount=offer.monthly,
            period="" if offer.component in ("requests", "traffic_gib", "retrieval_gib") else "month",
            plan_limits={name: str(value) for name, value in offer.plan_limits.items()},
            valid_from=BEGUN,
            read_at=NOW,
            **{
                name: getattr(offer, name)
                for name in (
                    "sku_id",
                    "billing_sku_id",
                    "resource_type",
                    "name",
                    "component",
                    "family",
                    "region_id",
                    "country",
                    "currency",
                    "includes_tax",
                    "disk_class",
                    "cpu_share",
                    "is_preemptible",
                )
            },
        )
        for offer in cloud()
    )


def _fill_costs(cursor: Any) -> None:
    """Each resource's rate on each day; totals and days of connections as the product has them."""
    from costs.models import ConnectionDay, CostDimensions, DailyCost, DailyTotal
    from costs.partitions import before_writing
    from inventory.models import Resource
    from providers.models import ProviderConnection
    from syncs.models import ResourceState

    CostDimensions.objects.bulk_create(
        CostDimensions(
            organization_id=one.organization_id,
            connection=one,
            fingerprint=f"{one.pk:016x}{place:016x}",
            resource_type=kind,
            region_id="ru-1",
        )
        for one in ProviderConnection.objects.all()
        for place, kind in enumerate(sorted(set(KINDS)))
    )
    days = [TODAY - timedelta(days=back) for back in range(COST_DAYS)]
    before_writing(days, today=TODAY)
    amounts = "billed_cost, effective_cost, list_cost, billed_cost_rub, effective_cost_rub"
    sums = ", ".join(f"SUM({name.strip()})" for name in amounts.split(","))
    facts, totals = DailyCost._meta.db_table, DailyTotal._meta.db_table
    for day in days:
        cursor.execute(
            f"INSERT INTO {facts} (organization_id, connection_id, resource_id, dimensions_id, date, charge_category, "
            f"source, currency, rub_rate, {amounts}) SELECT resource.organization_id, resource.connection_id, "
            "resource.id, one.id, %s, 'Usage', 'billing', 'RUB', 1, "
            f"{', '.join(['state.daily_cost'] * 5)} FROM {Resource._meta.db_table} AS resource "
            f"JOIN {ResourceState._meta.db_table} AS state ON state.resource_id = resource.id "
            f"JOIN {CostDimensions._meta.db_table} AS one ON one.connection_id = resource.connection_id "
            "AND one.resource_type = resource.resource_type",
            [day],
        )
    cursor.execute(
        f"INSERT INTO {totals} (organization_id, connection_id, dimensions_id, date, charge_category, currency, "
        f"{amounts}) SELECT organization_id, connection_id, dimensions_id, date, charge_category, currency, {sums} "
        f"FROM {facts} GROUP BY organization_id, connection_id, dimensions_id, date, charge_category, currency"
    )
    cursor.execute(
        f"INSERT INTO {ConnectionDay._meta.db_table} (organization_id, connection_id, date, currency, billed_cost) "
        f"SELECT organization_id, connection_id, date, currency, SUM(billed_cost) FROM {totals} "
        "GROUP BY organization_id, connection_id, date, currency"
    )


def _fill_lines(cursor: Any, snapshots: Any) -> None:
    """Two whole days of hourly lines."""
    from inventory.models import Resource
    from syncs.models import ChargeBatch, ChargeLine

    start = MIDNIGHT - timedelta(days=2)
    ChargeBatch.objects.bulk_create(
        ChargeBatch(
            organization_id=each.organization_id,
            connection_id=each.connection_id,
            snapshot=each,
            source="billing",
            period_start=start,
            period_end=NOW,
            published_at=NOW,
        )
        for each in snapshots.values()
    )
    blank = (
        "charge_class",
        "charge_frequency",
        "provider_name",
        "billing_account_id",
        "service_name",
        "service_category",
        "region_id",
        "sub_account_id",
        "pricing_category",
        "commitment_discount_id",
        "commitment_discount_status",
        "invoice_id",
    )
    for kind, sku_id, unit, quantity, monthly in SKUS:
        hour = Decimal(monthly) / 720
        cursor.execute(
            f"INSERT INTO {ChargeLine._meta.db_table} (organization_id, batch_id, resource_id, charge_category, "
            "charge_description, charge_period_start, charge_period_end, billed_cost, effective_cost, list_cost, "
            f"contracted_cost, currency, sku_id, pricing_quantity, pricing_unit, extra, {', '.join(blank)}) "
            "SELECT resource.organization_id, batch.id, resource.id, 'Usage', %s, hour, hour + interval '1 hour', "
            "%s, %s, %s, %s, 'RUB', %s, %s, %s, '{}', "
            f"{', '.join(repr('') for _each in blank)} FROM {Resource._meta.db_table} AS resource "
            f"JOIN {ChargeBatch._meta.db_table} AS batch ON batch.connection_id = resource.connection_id "
            "CROSS JOIN generate_series(%s, %s, interval '1 hour') AS hour WHERE resource.resource_type = %s",
            [sku_id, *[hour] * 4, sku_id, quantity, unit, start, MIDNIGHT - timedelta(hours=1), kind],
        )


def _fill_metrics(cursor: Any) -> None:
    """A day's swing around another level for each server: of ten one does next to nothing, some need what they have."""
    from inventory.models import MetricPoint, Resource

    for metric, least in (("cpu_percent", 1), ("memory_percent", 10)):
        cursor.execute(
            f"INSERT INTO {MetricPoint._meta.db_table} (organization_id, resource_id, metric, observed_at, value, maximum) "
            "SELECT organization_id, id, %s, hour, used, used * 1.05 FROM ("
            f"SELECT organization_id, id, hour, {least} + (id / 10 %% 10) * 7 * "
            "(0.75 + 0.25 * sin(extract(hour FROM hour) / 3.8)) AS used "
            f"FROM {Resource._meta.db_table} CROSS JOIN generate_series(%s, %s, interval '1 hour') AS hour "
            "WHERE resource_type = 'server') AS measured",
            [metric, MIDNIGHT - timedelta(hours=METRIC_HOURS), MIDNIGHT - timedelta(hours=1)],
        )


# ---- measuring ------------------------------------------------------------------------------------------------


def measure(connection_count: int, resource_count: int) -> list[tuple[str, ...]]:
    import django

    django.setup()
    from inventory.models import Resource
    from providers.models import ProviderConnection

    connections = list(ProviderConnection.objects.select_related("organization").order_by("pk"))
    base = memory_mib("VmRSS")
    rows = [
        _run(f"{connection_count} x {resource_count}", what, connections, base) for what in ("first", "again")
    ]
    pks = Resource.objects.filter(connection=connections[0]).order_by("pk").values_list("pk", flat=True)
    touched = set(list(pks)[:: max(1, resource_count // CHANGED)][:CHANGED])
    rows.append(_run(f"{connection_count} x {resource_count}", "changed", connections[:1], base, touched))
    return rows


def _run(
    size: str, what: str, connections: Any, base: float, changed: set[int] | None = None
) -> tuple[str, ...]:
    from django.db import connection as database

    from benchmarks.cost_pages import Asked
    from recommendations.models import Recommendation
    from recommendations.services import evaluate_connection

    asked, count = Asked(), 0
    with database.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")  # nobody could count their processes
    before = server_seconds()
    with database.execute_wrapper(asked), Stopwatch() as watch:
        for one in connections:
            count += evaluate_connection(connection=one, now=NOW, changed=changed).resource_count
    return (
        size,
        what,
        str(count),
        str(Recommendation.objects.filter(connection__in=connections).count()),
        f"{watch.wall:.1f}",
        f"{watch.cpu:.1f}",
        f"{server_seconds() - before:.1f}",
        str(asked.count),
        f"{memory_mib() - base:.0f}",
    )


def profile(connection_count: int, resource_count: int) -> list[tuple[str, ...]]:
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    rows = profiler.runcall(measure, connection_count, resource_count)
    for order in ("tottime", "cumulative"):
        pstats.Stats(profiler, stream=sys.stderr).sort_stats(order).print_stats(45)
    return rows


if __name__ == "__main__":
    import json

    _what, _size = sys.argv[1:]
    _numbers = [int(each) for each in _size.split("x")]
    if _what == "fill":
        fill(*_numbers)
    else:
        print(json.dumps({"measure": measure, "profile": profile}[_what](*_numbers)))
