"""How long the pages of costs take at the size that the product promises.

    python -m benchmarks cost_pages --database postgres://…            1 000 connections, 50 000 resources, 365 days
    python -m benchmarks cost_pages --database postgres://… --connections 100 --days 90
    python -m benchmarks cost_pages --database postgres://… --keep costs --only dashboard

One organization has a tenth of the connections, the others one each: pages are opened as its owner. The database makes
the facts and daily totals itself, day by day, and the other totals by the statement of their migration; a new database
on that server takes some ten gigabytes and goes afterwards, unless it is to be kept: then a second run finds it filled.
Goal: 95 % of the pages within 200 ms on two cores, with a fixed number of queries. On a machine that does other things
besides, the processor's milliseconds tell more than those on the wall.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.tools import add_databases, fresh_database, print_table, run_child, set_up

RUNS = 7
LARGE_SHARE = 10
"""The large organization has one of this many connections."""
BATCH = 5_000
TYPES = ("server", "volume", "floating_ip", "s3_bucket", "database", "load_balancer", "snapshot", "image")
UNITS = ("Platform", "Product", "Data", "Marketing", "")
ENVIRONMENTS = ("production", "staging", "development", "")
REGIONS = ("ru-1", "ru-2", "ru-3")
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks cost_pages")
    add_databases(parser)
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--resources", type=int, default=50, help="of each connection")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument(
        "--keep", default="", metavar="NAME", help="of a PostgreSQL database that stays, filled"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="pages whose name has this in it")
    options = parser.parse_args(arguments)
    for address in options.database or ["sqlite"]:
        with fresh_database(address, keep=options.keep) as environment:
            run_child(
                "benchmarks.cost_pages",
                options.connections,
                options.resources,
                options.days,
                options.only,
                environment=environment,
            )


def measure(connection_count: int, resource_count: int, days: int, only: str) -> None:
    set_up()
    organization, owner = _kept() or _filled(connection_count, resource_count, days)
    rows = _open_pages(organization, owner, days, only)
    print_table(
        ("page", "median, ms", "least, ms", "processor, ms", "of it PostgreSQL", "queries", "rows read"), rows
    )
    for place, what in ((1, "ms"), (3, "ms of the processor")):
        found = sorted(float(row[place]) for row in rows)
        print(f"95 % of the pages within {found[ceil(len(found) * 0.95) - 1]:.0f} {what}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _kept() -> tuple[Any, Any] | None:
    """The large organization and its owner of a database that an earlier run has filled."""
    from accounts.models import Membership

    found = Membership.objects.select_related("organization", "user").order_by("pk").first()
    return (found.organization, found.user) if found else None


def _filled(connection_count: int, resource_count: int, days: int) -> tuple[Any, Any]:
    begun = time.monotonic()
    found = _fill(connection_count, resource_count, days)
    _say(f"filled in {time.monotonic() - begun:.0f} s")
    return found


def _fill(connection_count: int, resource_count: int, days: int) -> tuple[Any, Any]:
    from django.db import connection as database

    from accounts.models import Membership, Organization, User
    from costs.models import CostDimensions
    from inventory.models import Resource
    from providers.models import ProviderConnection
    from syncs.models import ResourceState, SyncSnapshot

    large = max(1, connection_count // LARGE_SHARE)
    owner = User.objects.create_user(email="owner@example.com", password=None)
    organizations = Organization.objects.bulk_create(
        Organization(name=f"Organization {n}") for n in range(1 + connection_count - large)
    )
    Membership.objects.create(user=owner, organization=organizations[0], role="owner")
    connections = ProviderConnection.objects.bulk_create(
        ProviderConnection(
            organization=organizations[max(0, n - large + 1)],
            provider_type=("beget", "selectel", "openstack")[n % 3],
            connection_name=f"Connection {n}",
            series_number=n + 1 if n < large else 1,
            last_sync_at=NOW,
            last_sync_status="success",
        )
        for n in range(connection_count)
    )
    snapshots = SyncSnapshot.objects.bulk_create(
        SyncSnapshot(
            organization_id=one.organization_id,
            connection=one,
            status="success",
            trigger="scheduled",
            requested_at=NOW,
            observed_at=NOW,
            finished_at=NOW,
            is_current=True,
        )
        for one in connections
    )
    combinations = [
        (
            kind,
            UNITS[place % len(UNITS)],
            ENVIRONMENTS[place % len(ENVIRONMENTS)],
            REGIONS[place % len(REGIONS)],
        )
        for place, kind in enumerate(TYPES)
    ]
    CostDimensions.objects.bulk_create(
        (
            CostDimensions(
                organization_id=one.organization_id,
                connection=one,
                fingerprint=f"{one.pk:016x}{place:016x}",
                resource_type=kind,
                service_name=kind.title(),
                region_id=region,
                business_unit=unit,
                environment=environment,
            )
            for one in connections
            for place, (kind, unit, environment, region) in enumerate(combinations)
        ),
        batch_size=BATCH,
    )
    resources = Resource.objects.bulk_create(
        (
            Resource(
                organization_id=one.organization_id,
                connection=one,
                resource_id=f"{one.pk}-{n}",
                native_type=kind,
                resource_type=kind,
                name=f"{kind}-{one.pk}-{n}",
                first_seen_at=NOW - timedelta(days=days),
                business_unit=unit,
                environment=environment,
            )
            for one in connections
            for n in range(resource_count)
            for kind, unit, environment, _region in combinations[n % len(TYPES) :][:1]
        ),
        batch_size=BATCH,
    )
    ResourceState.objects.bulk_create(
        (
            ResourceState(
                organization_id=resource.organization_id,
                connection_id=resource.connection_id,
                resource=resource,
                opened_at=NOW - timedelta(days=days),
                opened_by=snapshots[place // resource_count],
                action="created",
                name=resource.name,
                status="running",
                service_name=resource.resource_type.title(),
                region_id=combinations[place % resource_count % len(TYPES)][3],
                daily_cost=10 + place % 97,
                currency="RUB",
            )
            for place, resource in enumerate(resources)
        ),
        batch_size=BATCH,
    )
    _say(f"{len(connections)} connections, {len(resources)} resources")
    _fill_facts(days)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    return organizations[0], owner


def _fill_facts(days: int) -> None:
    """One statement a day: what a resource costs moves a little with the day."""
    from django.db import connection as database
    from django.db import transaction

    from costs.models import CostDimensions, DailyCost, DailyTotal
    from costs.partitions import before_writing
    from inventory.models import Resource

    facts, totals = DailyCost._meta.db_table, DailyTotal._meta.db_table
    resources, dimensions = Resource._meta.db_table, CostDimensions._meta.db_table
    amounts = "billed_cost, effective_cost, list_cost, billed_cost_rub, effective_cost_rub"
    sums = ", ".join(f"SUM({name.strip()})" for name in amounts.split(","))
    wanted = [TODAY - timedelta(days=days - 1 - offset) for offset in range(days)]
    before_writing(wanted, today=TODAY)
    is_postgres = database.vendor == "postgresql"
    if is_postgres:
        with database.cursor() as cursor:  # the rows are made from the very rows that their keys point at
            cursor.execute("SET session_replication_role = replica")
    for offset, day in enumerate(wanted):
        cost = f"(10 + resource.id %% 97 + {offset % 7})"
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {facts} (organization_id, connection_id, resource_id, dimensions_id, date, "
                f"charge_category, source, currency, rub_rate, {amounts}) "
                "SELECT resource.organization_id, resource.connection_id, resource.id, one.id, %s, 'Usage', "
                f"'billing', 'RUB', 1, {', '.join([cost] * 5)} FROM {resources} AS resource JOIN {dimensions} AS one "
                "ON one.connection_id = resource.connection_id AND one.resource_type = resource.resource_type",
                [day],
            )
            cursor.execute(
                f"INSERT INTO {totals} (organization_id, connection_id, dimensions_id, date, charge_category, "
                f"currency, {amounts}) SELECT organization_id, connection_id, dimensions_id, date, charge_category, "
                f"currency, {sums} FROM {facts} WHERE date = %s "
                "GROUP BY organization_id, connection_id, dimensions_id, date, charge_category, currency",
                [day],
            )
        if offset % 30 == 29:
            _say(f"{offset + 1} days")
    if is_postgres:
        with database.cursor() as cursor:
            cursor.execute("SET session_replication_role = DEFAULT")
    fill = import_module("costs.migrations.0006_months_and_connection_days").fill
    with database.schema_editor() as editor:
        fill(None, editor)


def _open_pages(organization: Any, owner: Any, days: int, only: str) -> list[tuple[str, ...]]:
    import time_machine
    from django.conf import settings
    from django.db import connection as database
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(owner)
    found: list[tuple[str, ...]] = []
    with time_machine.travel(NOW, tick=True):
        for name, address in _addresses(days):
            if only not in name:
                continue
            asked = Asked()
            with database.execute_wrapper(asked):
                _get(client, address)  # this one also warms up
            before = _rows_read()
            _get(client, address)
            rows = _rows_read() - before
            milliseconds = []
            for _run in range(RUNS):
                begun = time.perf_counter()
                _get(client, address)
                milliseconds.append((time.perf_counter() - begun) * 1000)
            own, server = _processor(lambda address=address: _get(client, address))  # type: ignore[misc]
            found.append(
                (
                    name,
                    f"{median(milliseconds):.0f}",
                    f"{min(milliseconds):.0f}",
                    f"{own + server:.0f}",
                    f"{server:.0f}",
                    str(asked.count),
                    str(rows),
                )
            )
            _say(" ".join(found[-1]))
    return found


class Asked:
    """An execute wrapper that counts statements."""

    count = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def _processor(work: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds of the processor, the least of some runs: of this process, and of its PostgreSQL server process.

    Without parallel plans, whose processes nobody could count; the server must be on this machine.
    """
    from django.db import connection as database

    if database.vendor != "postgresql":
        return min(_spent(work, lambda: 0.0))[0], 0.0
    times = Path(f"/proc/{database.connection.info.backend_pid}/schedstat")
    with database.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        found = _spent(work, lambda: int(times.read_text(encoding="ascii").split()[0]) / 1_000_000)
        cursor.execute("RESET max_parallel_workers_per_gather")
    return min(own for own, _server in found), min(server for _own, server in found)


def _spent(work: Callable[[], None], server: Callable[[], float]) -> list[tuple[float, float]]:
    found = []
    for _run in range(RUNS):
        before = time.process_time(), server()
        work()
        found.append(((time.process_time() - before[0]) * 1000, server() - before[1]))
    return found


def _rows_read() -> int:
    """Rows and index entries that the database has returned to its plans so far; 0 on SQLite, which does not tell."""
    from django.db import connection as database

    if database.vendor != "postgresql":
        return 0
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT tup_returned FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _get(client: Any, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"


def _addresses(days: int) -> list[tuple[str, str]]:
    from django.urls import reverse

    from costs.explorer.dimensions import DIMENSIONS

    explorer = reverse("explorer:explorer")
    whole = f"{TODAY - timedelta(days=days - 1)}..{TODAY}"
    dashboard = reverse("dashboard")
    return [
        ("dashboard, 30 days", dashboard),
        ("dashboard, a year", f"{dashboard}?period=365"),
        *((f"explorer by {one.key}, 30 days", f"{explorer}?group={one.key}") for one in DIMENSIONS),
        *(
            (
                f"explorer by {one.key}, {days} days by month",
                f"{explorer}?group={one.key}&period={whole}&step=month",
            )
            for one in DIMENSIONS
        ),
    ]


if __name__ == "__main__":
    _connections, _resources, _days, _only = sys.argv[1:]
    measure(int(_connections), int(_resources), int(_days), _only)
