"""How long the admin's lists take to open when each has 50 000 rows.

    python -m benchmarks.admin_lists                      SQLite, in a folder of its own
    DATABASE_URL=postgres://… python -m benchmarks.admin_lists 50000   in a database of its own on that server

Every list that an operator opens is filled by bulk insert, analysed, and opened five times by a super admin through
Django's test client, templates included; the median counts. Goal: 300 ms on PostgreSQL, the same number of queries at
every size.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

ROWS = 50_000
RUNS = 5
BATCH = 5_000
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def main(arguments: list[str]) -> None:
    rows = int(arguments[0]) if arguments else ROWS
    with tempfile.TemporaryDirectory(prefix="infrazen-benchmark-") as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "infrazen.test_settings", "INFRAZEN_DATA": folder}
        import django

        django.setup()
        from django.test.runner import DiscoverRunner

        runner = DiscoverRunner(verbosity=0, interactive=False)
        runner.setup_test_environment()
        databases = runner.setup_databases()
        try:
            _measure(rows)
        finally:
            runner.teardown_databases(databases)
            runner.teardown_test_environment()


def _measure(rows: int) -> None:
    from django.contrib import admin
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from accounts.tests.factories import UserFactory

    counts = _fill(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client()
    client.force_login(UserFactory(super_admin=True, email="root@example.com"))
    print(
        f"{connection.vendor}, {rows:,} rows each, median of {RUNS} in ms, of which Python's own, queries of one"
    )
    slowest = 0.0
    for model in sorted(admin.site._registry, key=lambda one: one._meta.label):
        if counts.get(model, 0) < rows:
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        client.get(address)
        seconds, processor = [], []
        for _run in range(RUNS):
            with CaptureQueriesContext(connection) as queries:
                begun, busy = time.perf_counter(), time.process_time()
                answer = client.get(address)
                seconds.append(time.perf_counter() - begun)
                processor.append(time.process_time() - busy)
            assert answer.status_code == 200, address
        median = statistics.median(seconds)
        slowest = max(slowest, median)
        own = statistics.median(processor)
        print(f"{model._meta.label:40}{median * 1000:8.0f}{own * 1000:8.0f}{len(queries):6}", flush=True)
    print(f"slowest {slowest * 1000:.0f} ms")


def _fill(rows: int) -> dict[type[Any], int]:
    """Rows of every list that grows with tenants, resources, syncs or deeds; {model: how many}."""
    from accounts.audit.models import AuditEntry
    from accounts.models import Membership, Organization, User
    from accounts.notifications.models import Channel, Delivery, Notification
    from accounts.tokens.models import ApiToken
    from costs.models import DailyCost
    from inventory.models import MetricPoint, Resource, ResourceNote, Tag
    from providers.models import ProviderConnection
    from syncs.models import (
        ChargeBatch,
        ChargeLine,
        CompleteSync,
        ResourceState,
        ScopeCoverage,
        SnapshotTotal,
        SyncSnapshot,
        UnrecognizedResource,
    )

    def make(model: type[Any], build: Any) -> list[Any]:
        begun = time.perf_counter()
        made = []
        for start in range(0, rows, BATCH):
            batch = [build(number) for number in range(start, min(start + BATCH, rows))]
            made += model._base_manager.bulk_create(batch, batch_size=BATCH)
        counts[model] = rows
        print(f"  {model._meta.label}: {time.perf_counter() - begun:.1f} s", file=sys.stderr, flush=True)
        return made

    counts: dict[type[Any], int] = {}
    day = NOW.date()
    people = make(User, lambda n: User(email=f"person{n}@example.com", full_name=f"Person {n}"))
    tenants = make(Organization, lambda n: Organization(name=f"Organization {n}"))
    make(Membership, lambda n: Membership(user=people[n], organization=tenants[n], role="owner"))
    connections = make(
        ProviderConnection,
        lambda n: ProviderConnection(
            organization=tenants[n],
            provider_type="beget",
            connection_name=f"Connection {n}",
            last_sync_at=NOW - timedelta(minutes=n),
        ),
    )
    snapshots = make(
        SyncSnapshot,
        lambda n: SyncSnapshot(
            organization=tenants[n],
            connection=connections[n],
            status="success",
            trigger="scheduled",
            requested_at=NOW,
            started_at=NOW,
            observed_at=NOW,
            finished_at=NOW,
            is_current=True,
        ),
    )
    resources = make(
        Resource,
        lambda n: Resource(
            organization=tenants[n],
            connection=connections[n],
            resource_id=f"id-{n}",
            native_type="vps",
            name=f"Resource {n}",
            resource_type="server",
            first_seen_at=NOW,
        ),
    )

    def of_resource(n: int) -> dict[str, Any]:
        return {"organization": tenants[n], "resource": resources[n]}

    def of_snapshot(n: int) -> dict[str, Any]:
        return {"organization": tenants[n], "snapshot": snapshots[n]}

    make(
        ResourceState,
        lambda n: ResourceState(
            **of_resource(n),
            connection=connections[n],
            opened_by=snapshots[n],
            opened_at=NOW,
            action="created",
            name=f"Resource {n}",
            status="running",
        ),
    )
    make(
        DailyCost,
        lambda n: DailyCost(
            **of_resource(n),
            connection=connections[n],
            date=day,
            charge_category="Usage",
            source="estimate",
            currency="RUB",
            billed_cost=Decimal(10),
            effective_cost=Decimal(10),
            list_cost=Decimal(10),
        ),
    )
    batches = make(
        ChargeBatch,
        lambda n: ChargeBatch(
            **of_snapshot(n),
            connection=connections[n],
            source="billing",
            period_start=NOW,
            period_end=NOW + timedelta(hours=1),
        ),
    )
    make(
        ChargeLine,
        lambda n: ChargeLine(
            **of_resource(n),
            batch=batches[n],
            charge_category="Usage",
            charge_period_start=NOW,
            charge_period_end=NOW + timedelta(hours=1),
            currency="RUB",
            **dict.fromkeys(("billed_cost", "effective_cost", "list_cost", "contracted_cost"), Decimal(10)),
        ),
    )
    make(ScopeCoverage, lambda n: ScopeCoverage(**of_snapshot(n), scope="region", status="complete"))
    make(
        SnapshotTotal,
        lambda n: SnapshotTotal(
            **of_snapshot(n),
            currency="RUB",
            billed_daily_cost=Decimal(10),
            resources_daily_cost=Decimal(10),
            unexplained_daily_cost=Decimal(0),
        ),
    )
    make(
        UnrecognizedResource,
        lambda n: UnrecognizedResource(
            **of_snapshot(n),
            connection=connections[n],
            provider_type="beget",
            resource_id=f"id-{n}",
            resource_name=f"Resource {n}",
            native_type=f"type_{n % 20}",
            observed_at=NOW,
            daily_cost=Decimal(10),
            currency="RUB",
        ),
    )
    make(Tag, lambda n: Tag(**of_resource(n), key="env", value="prod", source="user"))
    make(ResourceNote, lambda n: ResourceNote(**of_resource(n), author=people[n], text="A note"))
    make(
        MetricPoint,
        lambda n: MetricPoint(**of_resource(n), metric="cpu", observed_at=NOW, value=1.0, maximum=2.0),
    )
    make(CompleteSync, lambda n: CompleteSync(organization=tenants[n], requested_at=NOW, status="success"))
    make(
        AuditEntry,
        lambda n: AuditEntry(
            action="user.signed_in",
            actor_id=people[n].pk,
            actor_email=people[n].email,
            organization_id=tenants[n].pk,
            organization_name=tenants[n].name,
            at=NOW,
        ),
    )
    make(
        ApiToken,
        lambda n: ApiToken(
            user=people[n], organization=tenants[n], name=f"Token {n}", beginning="iz_", digest=f"{n:064}"
        ),
    )
    channels = make(Channel, lambda n: Channel(user=people[n], kind="email"))
    told = make(Notification, lambda n: Notification(organization=tenants[n], kind="sync.failed", key=str(n)))
    make(Delivery, lambda n: Delivery(notification=told[n], channel=channels[n], status="sent"))
    return counts


if __name__ == "__main__":
    main(sys.argv[1:])
