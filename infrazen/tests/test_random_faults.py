"""Two hundred faults that nobody chose, while things come, change and go: in the end it is as if none had been.

Three connections are read at odd moments for a week; in nearly every sync something is broken. Then all is well, each
is read once more, and compared with connections to the same accounts that never met a fault.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from inventory.models import Resource, ResourceType
from providers.emulators.faults import Fault
from providers.models import ProviderConnection
from syncs.models import ResourceState, SyncSnapshot

from .faults import house
from .faults.house import ACCOUNTS, HOUR, NOON, House
from .faults.table import SWITCHES, TABLE

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.once]

FAULTS = int(os.environ.get("RANDOM_FAULTS", "200"))
SEED = int(os.environ.get("RANDOM_FAULTS_SEED", "20260401"))
FAULTS_A_SYNC = (1, 3)
BACKWARDS = 0.03
"""How often the clock stands before the latest snapshot."""

DAYS = 7
END = NOON + timedelta(days=DAYS, hours=20)
STATUSES = (401, 403, 404, 408, 425, 429, 500, 502, 503, 504)
TRUSTED = timedelta(hours=20)
"""A service that was read so recently is not believed to be gone, whatever it answers."""

CHANGING = ("late", "brief", "moving", "zombie", "before-upgrade")
"""Beginnings of the names of what the scenario changes."""


@dataclass(slots=True)
class Fate:
    """What happens: seeded, so that a failure comes back."""

    chance: random.Random
    last_whole: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When each family of each connection was last read without a fault."""

    def moments(self) -> Iterator[datetime]:
        """Odd moments, so far apart that the faults last for the days that there are."""
        at = NOON + 5 * HOUR
        step = timedelta(days=DAYS) / (FAULTS / (sum(FAULTS_A_SYNC) / len(FAULTS_A_SYNC)))
        while at < END - 6 * HOUR:
            yield at
            at += step * 2 * self.chance.random()

    def faults(self, provider_type: str, at: datetime, count: int) -> dict[str, Fault]:
        """Faults by the family that they strike."""
        families = [family for family, row in TABLE[provider_type].items() if row is not None]
        chosen = self.chance.sample(families, min(count, len(families)))
        found = {family: self._fault(provider_type, family, at) for family in chosen}
        for family in set(families) - set(found):
            self.last_whole[provider_type, family] = at
        return found

    def _fault(self, provider_type: str, family: str, at: datetime) -> Fault:
        row = TABLE[provider_type][family]
        assert row is not None
        switch = self.chance.choice(SWITCHES)
        options: dict[str, Any] = row.options(switch)
        if switch.kind == "status":
            options["status"] = self.chance.choice(STATUSES)
            if options["status"] == 404 and at - self.last_whole.get((provider_type, family), NOON) > TRUSTED:
                options["status"] = 500
        if switch.kind in ("status", "rate_limit"):
            options["retry_after"] = self.chance.choice((None, 0, 7, 3600))
        return Fault(
            kind=switch.kind,
            family=family,
            account=ACCOUNTS[provider_type],
            count=self.chance.choice((None, None, 1, 2, 5)),
            **options,
        )


@pytest.fixture
def world() -> Iterator[House]:
    with house.opened() as opened:
        yield opened


@pytest.mark.parametrize("seed", [pytest.param(SEED, id=f"{FAULTS} faults of seed {SEED}")])
def test_nothing_is_left_of_faults_that_nobody_chose(world: House, seed: int) -> None:
    fate = Fate(random.Random(seed))  # noqa: S311 - what breaks when, no secrets
    undisturbed = world.twin()
    for provider_type in TABLE:
        for each in (world, undisturbed):
            assert each.sync(provider_type, NOON).status == "success"

    statuses = live_through(world, fate)

    for provider_type in TABLE:
        assert world.sync(provider_type, END).status == "success"
        assert undisturbed.sync(provider_type, END).status == "success"
    assert {"success", "partial", "error"} <= set(statuses)
    for provider_type in TABLE:
        disturbed, other = world.connections[provider_type], undisturbed.connections[provider_type]
        assert present(disturbed) == present(other)
        assert_stable_things_never_moved(disturbed)
        assert costs(disturbed, provider_type) == costs(other, provider_type)
    call_command("doctor", stdout=StringIO())
    assert world.server.violations == []


def live_through(world: House, fate: Fate) -> list[str]:
    """Sync at odd moments until so many faults have been switched on; returns how the syncs ended."""
    left = FAULTS
    statuses = []
    for at in fate.moments():
        if left <= 0:
            break
        provider_type = fate.chance.choice(list(TABLE))
        if fate.chance.random() < BACKWARDS:
            assert_refused(world, provider_type, at)
        faults = fate.faults(provider_type, at, min(left, fate.chance.randint(*FAULTS_A_SYNC)))
        silent = [family for family, fault in faults.items() if fault.seconds == house.SILENCE]
        with world.struck(*faults.values(), silent=silent):
            snapshot = world.sync(provider_type, at)
        left -= len(faults)
        statuses.append(snapshot.status)
        assert {total.unexplained_daily_cost for total in snapshot.totals.all()} <= {0}, (at, faults)
    assert left <= FAULTS // 10, "the days were too short"
    return statuses


def assert_refused(world: House, provider_type: str, at: datetime) -> None:
    """A sync whose clock stands before what is known changes nothing."""
    connection = world.connections[provider_type]
    latest = SyncSnapshot.objects.get(connection=connection, is_current=True).observed_at
    before = house.inventory(connection)

    refused = world.sync(provider_type, latest - HOUR)

    assert (refused.status, refused.error["code"]) == ("error", "unexpected_response")
    assert house.inventory(connection) == before


def present(connection: ProviderConnection) -> dict[str, tuple[Any, ...]]:
    """What there is in the end; since when may differ, because a change is seen when somebody can look."""
    return {
        resource_id: (
            found.resource_type,
            found.name,
            found.status,
            found.parent,
            found.daily_cost,
            found.is_orphan,
        )
        for resource_id, found in house.inventory(connection).items()
    }


def assert_stable_things_never_moved(connection: ProviderConnection) -> None:
    """What the scenario leaves alone was there all the time, at the same place, for the same price."""
    stable = {resource.pk: resource.name for resource in stable_things(connection)}
    assert stable
    histories: dict[int, list[ResourceState]] = {}
    for state in ResourceState.objects.filter(resource__in=stable).order_by("opened_at"):
        histories.setdefault(state.resource_id, []).append(state)
    for pk, history in histories.items():
        assert [state.action for state in history] == ["created"] + ["updated"] * (len(history) - 1), stable[
            pk
        ]
        assert len({(state.daily_cost, state.parent_id, state.is_orphan) for state in history}) == 1, stable[
            pk
        ]
        assert {state.status for state in history} <= {history[0].status, "unknown"}, stable[pk]


def stable_things(connection: ProviderConnection) -> list[Resource]:
    """What the scenario leaves alone; the remainder of an account's total follows what could be read of its parts."""
    things = connection.resources.exclude(resource_type=ResourceType.ACCOUNT_PLAN)
    return [thing for thing in things if not thing.name.startswith(CHANGING)]


def costs(connection: ProviderConnection, provider_type: str) -> dict[Any, Decimal]:
    """Costs by resource and day: all of them where a bill says them, of what never changes where prices do."""
    found = house.costs_by_day(connection, until=END.astimezone(UTC).date())
    if provider_type == "selectel":
        return found
    stable = {thing.resource_id for thing in stable_things(connection)}
    return {key: amount for key, amount in found.items() if key[0] in stable}
