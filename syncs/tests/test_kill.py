"""Fifty syncs are killed at moments that nobody chose; what is left in the end is as if none had been."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection as database
from django.utils import timezone

from accounts.tests.factories import OrganizationFactory
from inventory.models import MetricPoint, Resource, Tag, UsageSummary
from providers.models import ProviderConnection
from syncs import laws, services
from syncs.engine import drafts
from syncs.engine.lease import LEASE
from syncs.models import (
    ChargeBatch,
    ChargeLine,
    PendingClosure,
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncTrigger,
    UnrecognizedResource,
)

from . import world
from .kill_history import BATCH_ROWS, at, lines_world, rates_world

KILLS = 50
MOST_STEPS = 70
SESSION_SECONDS = 30
SEED = int(os.environ.get("KILL_TEST_SEED", "20260321"))
REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("plugins"),
    pytest.mark.slow,
]


class Victims:
    """The process that forks syncs to be killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "syncs.tests.kill_history", str(database.settings_dict["NAME"])],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "infrazen.test_settings",
                "SYNC_WRITE_PAUSE_SECONDS": "0",
            },
        )

    def run(self, snapshot: SyncSnapshot, step: int, *, kill_after: float) -> int:
        """Run the snapshot in a process of its own and kill that after so many seconds; returns how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        before = _sessions()
        self._process.stdin.write(f"{snapshot.connection_id} {snapshot.pk} {step}\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        ended, _, _ = select.select([self._process.stdout], [], [], kill_after)
        if not ended:
            os.kill(child, signal.SIGKILL)
        exit_code = int(self._process.stdout.readline())
        # PostgreSQL does what the dead one had still told it to before it notices that nobody is there
        until = time.monotonic() + SESSION_SECONDS
        while _sessions() - before:
            assert time.monotonic() < until, "the session of a killed sync has not ended"
        return exit_code

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def victims() -> Iterator[Victims]:
    started = Victims()
    yield started
    started.close()


def test_fifty_kills_leave_what_an_undisturbed_run_leaves(
    victims: Victims, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SYNC_WRITE_PAUSE_SECONDS = 0
    monkeypatch.setattr(drafts.batched, "__defaults__", (BATCH_ROWS,))  # as the victims do: equally long
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    calm, hunted = OrganizationFactory(), OrganizationFactory()
    pairs = [
        (connect(calm, plugin), connect(hunted, plugin), make)
        for plugin, make in ((world.RatesCloud, rates_world), (world.LinesCloud, lines_world))
    ]
    kills = 0
    died_in: set[str] = set()

    for step in range(MOST_STEPS):
        if kills >= KILLS:
            break
        for undisturbed, disturbed, make in pairs:
            since = time.monotonic()
            _sync(undisturbed, make(step), step)
            seconds = time.monotonic() - since
            snapshot, _ = services.request_sync(
                connection=disturbed, trigger=SyncTrigger.MANUAL, now=at(step)
            )
            for _attempt in range(services.MAX_ATTEMPTS - 1):
                ended = victims.run(snapshot, step, kill_after=chance.uniform(0.005, 1.1 * seconds))
                if ended == 0:
                    break
                assert ended == -signal.SIGKILL
                kills += 1
                died_in.add(_where(snapshot))
                _reap()
            _sync_rest(snapshot, make(step), step)

    assert kills >= KILLS
    assert len(died_in) >= 5, died_in
    for undisturbed, disturbed, _make in pairs:
        assert rows_of(disturbed) == rows_of(undisturbed)
    assert laws.violations() == []
    assert _broken_cost_laws() == []


def connect(organization: Any, plugin: type[world.WorldPlugin]) -> ProviderConnection:
    return world.connect(organization, world.World(), plugin=plugin, name=plugin.key)


def _sync(connection: ProviderConnection, now_seen: world.World, step: int) -> None:
    world.worlds[connection.credentials["world"]] = now_seen
    world.sync(connection, at(step))


def _sync_rest(snapshot: SyncSnapshot, now_seen: world.World, step: int) -> None:
    """Run what was given back by the reaper to its end; nothing where the killed one had got that far."""
    world.worlds[snapshot.connection.credentials["world"]] = now_seen
    services.run_snapshot(snapshot_id=snapshot.pk, now=at(step))
    snapshot.refresh_from_db()
    assert snapshot.status in ("success", "partial"), snapshot.error


def _sessions() -> set[int]:
    """The other sessions in this database; a file has none."""
    if database.vendor != "postgresql":
        return set()
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def _where(snapshot: SyncSnapshot) -> str:
    snapshot.refresh_from_db()
    return f"{snapshot.status} {snapshot.phase}"


def _reap() -> None:
    later = timezone.now() + LEASE + timedelta(hours=1)
    services.reap_stuck_snapshots(now=later)
    services.retry_after_sync(now=later)
    # What was to follow may have been cut off in the middle too, and is then due at once
    assert not SyncSnapshot.objects.finished().filter(after_sync_at__isnull=True).exists()


def _broken_cost_laws() -> list[str]:
    """The laws of the apps above hold as well; found by name, for this app may not import them."""
    from importlib import import_module

    return [] if not apps.is_installed("costs") else laws.violations(import_module("costs.laws").LAWS)


OWN = {"id", "organization", "connection", "snapshot"}
CLOCK = {"created_at", "updated_at", "changed_at", "computed_at", "requested_at", "started_at"}
WORK = {"attempt", "lease_token", "lease_expires_at", "timings", "after_sync_at", "credentials", "progress"}


def rows_of(connection: ProviderConnection) -> dict[str, list[Any]]:
    """Everything that the connection's syncs left, without ids and clocks: references as what they refer to."""
    own = {
        Resource: {"connection": connection},
        ResourceState: {"connection": connection},
        SyncSnapshot: {"connection": connection},
        SnapshotTotal: {"snapshot__connection": connection},
        ScopeCoverage: {"snapshot__connection": connection},
        UnrecognizedResource: {"connection": connection},
        PendingClosure: {"snapshot__connection": connection},
        ChargeBatch: {"connection": connection},
        ChargeLine: {"batch__connection": connection},
        Tag: {"resource__connection": connection},
        MetricPoint: {"resource__connection": connection},
        UsageSummary: {"resource__connection": connection},
        apps.get_model("costs", "DailyCost"): {"connection": connection},
        apps.get_model("costs", "CostRevision"): {"connection": connection},
        ProviderConnection: {"pk": connection.pk},
    }
    names = dict(Resource.objects.filter(connection=connection).values_list("pk", "resource_id"))
    instants = dict(SyncSnapshot.objects.filter(connection=connection).values_list("pk", "observed_at"))
    batches = {
        pk: f"{source} {start} {published}"
        for pk, source, start, published in ChargeBatch.objects.filter(connection=connection).values_list(
            "pk", "source", "period_start", "published_at"
        )
    }
    found = {}
    for model, where in own.items():
        rows = []
        for row in model._default_manager.filter(**where):
            content = {}
            for field in model._meta.concrete_fields:
                if field.name in OWN | CLOCK | WORK:
                    continue
                value = getattr(row, field.attname)
                if field.is_relation:
                    known = {Resource: names, SyncSnapshot: instants, ChargeBatch: batches}
                    value = known.get(field.related_model, {}).get(value)
                content[field.name] = value
            if model is ResourceState and "parent" in row.changes:
                content["changes"] = {
                    **row.changes,
                    "parent": [names.get(pk) for pk in row.changes["parent"]],
                }
            rows.append(content)
        found[model.__name__] = sorted(rows, key=repr)
    found["ProviderConnection"][0].pop("next_sync_at")  # moved by the connection's own jitter
    return found
