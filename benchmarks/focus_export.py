"""How fast a month goes out as a FOCUS file, and in how much memory, at the size that the product promises.

    python -m benchmarks focus_export                                        50 000 resources, 31 days, half by lines
    python -m benchmarks focus_export --database postgres://… --resources 5000

Half of the resources are billed by rates (a fact a day), half by lines (a line and a fact a day). Each figure is taken
in a process of its own whose only work is the export, from the first query to the last byte; nothing is kept.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, date, datetime, timedelta
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
    set_up,
)

MODULE = "benchmarks.focus_export"
MONTH = (date(2026, 10, 1), date(2026, 10, 31))
CONNECTION_RESOURCES = 500
BATCH = 5_000
FORMS: dict[str, dict[str, Any]] = {
    "parquet": {"format": "parquet"},
    "csv": {"format": "csv"},
    "csv.gz": {"format": "csv", "is_gzip": True},
    "csv, ASCII": {"format": "csv", "is_ascii": True},
    "twelve checks": {},
}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks focus_export")
    add_databases(parser)
    parser.add_argument("--resources", type=int, default=50_000)
    options = parser.parse_args(arguments)
    for address in options.database or ["sqlite"]:
        with fresh_database(address) as environment:
            run_child(MODULE, "--fill", options.resources, environment=environment)
            rows = []
            for name in FORMS:
                found = in_child(MODULE, "--measure", name, environment=environment)
                rows.append(
                    (
                        name,
                        f"{found['rows']:,}",
                        f"{found['seconds']:.1f}",
                        f"{found['cpu']:.1f}",
                        f"{found['rows'] / found['cpu']:,.0f}",
                        f"{found['mib']:.1f}",
                        str(found["queries"]),
                        f"{found['before']:.0f}",
                        f"{found['peak']:.0f}",
                    )
                )
            print_table(
                (
                    "form",
                    "rows",
                    "s",
                    "CPU s",
                    "rows per CPU s",
                    "MiB written",
                    "queries",
                    "memory before, MiB",
                    "peak, MiB",
                ),
                rows,
            )


def fill(resource_count: int) -> None:
    set_up()
    from accounts.models import Organization
    from costs.models import CostDimensions, DailyCost
    from inventory.models import Resource
    from providers.models import ProviderConnection
    from syncs.models import ChargeBatch, ChargeLine, ResourceState, SyncSnapshot

    organization = Organization.objects.create(name="benchmark")
    for number, first in enumerate(range(0, resource_count, CONNECTION_RESOURCES)):
        by_lines = number % 2 == 1
        connection = ProviderConnection.objects.create(
            organization=organization,
            provider_type="selectel" if by_lines else "beget",
            connection_name=f"Connection {number}",
            account_id=str(100_000 + number),
        )
        snapshot = SyncSnapshot.objects.create(
            organization=organization,
            connection=connection,
            status="success",
            trigger="scheduled",
            observed_at=datetime(2026, 11, 1, tzinfo=UTC),
            requested_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
        dimensions = CostDimensions.objects.create(
            organization=organization,
            connection=connection,
            resource_type="server",
            service_name="Cloud platform" if by_lines else "VPS",
            region_id="ru-1",
            business_unit="Shop",
            provenance={"business_unit": "rule"},
            fingerprint=f"{number:032}",
        )
        resources = Resource.objects.bulk_create(
            Resource(
                organization=organization,
                connection=connection,
                resource_id=f"server-{place}",
                name=f"сервер {place}",
                native_type="server",
                resource_type="server",
                first_seen_at=datetime(2026, 9, 1, tzinfo=UTC),
            )
            for place in range(first, min(first + CONNECTION_RESOURCES, resource_count))
        )
        ResourceState.objects.bulk_create(
            (
                ResourceState(
                    organization=organization,
                    connection=connection,
                    resource=one,
                    opened_at=datetime(2026, 9, 1, tzinfo=UTC),
                    opened_by=snapshot,
                    action="created",
                    name=one.name,
                    status="running",
                    vcpus=Decimal(2),
                    memory_mib=4096,
                    storage_gib=Decimal(40),
                    tags={"team": "web", "environment": "production"},
                    configuration={"availability_zone": "ru-1a"},
                    configuration_hash="0" * 32,
                )
                for one in resources
            ),
            batch_size=BATCH,
        )
        facts = (
            DailyCost(
                organization=organization,
                connection=connection,
                resource=one,
                dimensions=dimensions,
                date=day,
                charge_category="Usage",
                source="billing" if by_lines else "price",
                currency="RUB",
                billed_cost=Decimal("21.97"),
                effective_cost=Decimal("21.97"),
                list_cost=Decimal("25.50"),
                rub_rate=Decimal(1),
                billed_cost_rub=Decimal("21.97"),
                effective_cost_rub=Decimal("21.97"),
            )
            for one in resources
            for day in _days()
        )
        DailyCost.objects.bulk_create(facts, batch_size=BATCH)
        if not by_lines:
            continue
        batch = ChargeBatch.objects.create(
            organization=organization,
            connection=connection,
            snapshot=snapshot,
            source="account",
            period_start=datetime(2026, 9, 30, 21, tzinfo=UTC),
            period_end=datetime(2026, 10, 31, 21, tzinfo=UTC),
            published_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
        lines = (
            ChargeLine(
                organization=organization,
                batch=batch,
                resource=one,
                charge_category="Usage",
                charge_frequency="Usage-Based",
                charge_description="vCPU",
                charge_period_start=datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=3),
                charge_period_end=datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=21),
                billed_cost=Decimal("21.97"),
                effective_cost=Decimal("21.97"),
                list_cost=Decimal("25.50"),
                contracted_cost=Decimal("21.97"),
                currency="RUB",
                service_name="Cloud platform",
                region_id="ru-1",
                sku_id="vcpu",
                pricing_quantity=Decimal(48),
                pricing_unit="Core-Hours",
                extra={"provider_key": "vpc", "metric": "vcpu"},
            )
            for one in resources
            for day in _days()
        )
        ChargeLine.objects.bulk_create(lines, batch_size=BATCH)


def measure(name: str) -> None:
    """Prints what one export took, as JSON."""
    import django

    django.setup()
    from django.db import connection

    from accounts.models import Organization
    from costs.explorer.periods import Span
    from costs.focus import exports
    from costs.models import DailyCost

    export = exports.Export(organization=Organization.objects.get(), span=Span(*MONTH), **FORMS[name])
    queries, written = [0], 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        queries[0] += 1
        return execute(sql, params, many, context)

    before = memory_mib("VmRSS")
    with connection.execute_wrapper(count), Stopwatch() as watch:
        if name == "twelve checks":
            report = exports.check(export)
            assert report.passed, report
        else:
            for piece in exports.pieces(export, datetime(2026, 11, 1, tzinfo=UTC)):
                written += len(piece)
    figures = {
        "rows": DailyCost.objects.count(),  # here each gives one row
        "seconds": watch.wall,
        "cpu": watch.cpu,
        "mib": written / 1024**2,
        "queries": queries[0],
        "before": before,
        "peak": memory_mib(),
    }
    print(json.dumps(figures))


def _days() -> list[date]:
    return [MONTH[0] + timedelta(days=offset) for offset in range((MONTH[1] - MONTH[0]).days + 1)]


if __name__ == "__main__":
    import sys

    if sys.argv[1] == "--fill":
        fill(int(sys.argv[2]))
    else:
        measure(sys.argv[2])
