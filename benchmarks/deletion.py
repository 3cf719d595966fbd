"""How long the end of a large organization takes, and how long another's write waits meanwhile.

    python -m benchmarks.deletion                  500 000 rows, SQLite
    python -m benchmarks.deletion 100000 --database postgres://postgres@127.0.0.1:5432/postgres

One connection of a five-hundredth as many resources, with states, daily costs and hourly measurements in the proportion
in which they grow. All the while another process writes one small row of another organization every ten milliseconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.tools import (
    SQLITE,
    Stopwatch,
    Writer,
    add_databases,
    fresh_database,
    in_child,
    print_table,
    set_up,
)

MODULE = "benchmarks.deletion"
ROWS = 500_000
DAYS, HOURS, STATES = 150, 340, 8
"""Of each resource; with the resource itself and a tag, five hundred rows."""

START = datetime(2026, 3, 1, tzinfo=UTC)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks deletion", description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int, nargs="?", default=ROWS)
    add_databases(parser)
    options = parser.parse_args(arguments)
    table = []
    for address in options.database or [SQLITE]:
        with fresh_database(address) as environment:
            found = in_child(MODULE, "--measure", options.rows, environment=environment)
        times = (f"{found[name]:.{digits}f} s" for name, digits in (("all", 0), ("cpu", 0), ("wait", 2)))
        table.append([f"{found['rows']} rows, {found['vendor']}", *times])
    print_table(["", "all", "processor", "longest wait of another"], table)


def measure(rows: int) -> dict[str, Any]:
    set_up()
    from django.db import connection as database

    from accounts.models import Organization
    from accounts.services import delete_due_organizations

    Organization.objects.create(name="benchmark")  # the one that `Writer` writes to
    count = _fill(rows)
    now = START + timedelta(days=400)
    Organization.objects.filter(name="doomed").update(deletion_at=now)
    with Writer() as writer, Stopwatch() as watch:
        assert delete_due_organizations(now=now, seconds=24 * 3600) == 1
    return {
        "vendor": database.vendor,
        "rows": count,
        "all": watch.wall,
        "cpu": watch.cpu,
        "wait": writer.longest_seconds,
    }


def _fill(rows: int) -> int:
    """The organization with its rows; returns how many."""
    from accounts.models import Organization
    from common import bulk
    from costs.models import DailyCost
    from inventory.models import MetricPoint, Resource, Tag
    from providers.models import ProviderConnection
    from syncs.models import ResourceState, SyncSnapshot

    doomed = Organization.objects.create(name="doomed")
    tenant = {"organization_id": doomed.pk}
    connection = ProviderConnection.objects.create(
        organization=doomed, provider_type="beget", connection_name="doomed"
    )
    snapshot = SyncSnapshot.objects.create(
        organization=doomed,
        connection=connection,
        status="success",
        trigger="manual",
        requested_at=START,
        observed_at=START,
        finished_at=START,
        is_current=True,
    )
    of_connection = {**tenant, "connection_id": connection.pk}
    size = max(1, rows // (DAYS + HOURS + STATES + 2))
    bulk.insert(
        [
            bulk.row(
                Resource,
                **of_connection,
                resource_id=f"server:{number}",
                native_type="server",
                resource_type="server",
                name=f"server-{number}",
                first_seen_at=START,
            )
            for number in range(size)
        ]
    )
    money = dict.fromkeys(("billed_cost", "effective_cost", "list_cost"), Decimal(10))
    day = date(2026, 3, 1)
    count = size
    for pk in Resource.objects.values_list("pk", flat=True):
        of_resource = {**tenant, "resource_id": pk}
        states = [
            bulk.row(
                ResourceState,
                **of_resource,
                connection_id=connection.pk,
                opened_by_id=snapshot.pk,
                opened_at=START + timedelta(days=number),
                closed_at=None if number == STATES - 1 else START + timedelta(days=number + 1),
                action="updated",
                name=f"server-{pk}",
                status="running",
            )
            for number in range(STATES)
        ]
        costs = [
            bulk.row(
                DailyCost,
                **of_resource,
                **money,
                connection_id=connection.pk,
                date=day + timedelta(days=number),
                charge_category="Usage",
                source="price",
                currency="RUB",
            )
            for number in range(DAYS)
        ]
        points = [
            bulk.row(
                MetricPoint,
                **of_resource,
                metric="cpu_percent",
                observed_at=START + timedelta(hours=number),
                value=1.0,
                maximum=2.0,
            )
            for number in range(HOURS)
        ]
        tags = [bulk.row(Tag, **of_resource, key="env", value="prod", source="provider")]
        for batch in (states, costs, points, tags):
            bulk.insert(batch)
            count += len(batch)
    return count


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--measure", rows]:
            print(json.dumps(measure(int(rows))))
        case arguments:
            main(arguments)
