"""Run rates that a provider of lines states itself: what the ledger, the difference and the totals make of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.tests.factories import OrganizationFactory
from providers import registry
from providers.contract.plugin import BillingKind, Capabilities, Period
from providers.contract.records import Rate, RatePeriod, ResourceStatus, RunRateRecord
from syncs.engine.billing import take_stated
from syncs.models import ResourceState, SnapshotTotal, SyncStatus
from syncs.tests.world import VOLUMES, LinesCloud, World, connect, instant, line, sync, unavailable

HOUR = timedelta(hours=1)


def stated(resource_id: str, daily: str, *, at: datetime, uncertainty: str = "0") -> RunRateRecord:
    return RunRateRecord(
        resource_id=resource_id,
        rate=Rate(amount=Decimal(daily), currency="RUB", period=RatePeriod.DAY),
        last_charge_start=at,
        uncertainty=Decimal(uncertainty),
        latest_hour_cost=Decimal(daily) / 24,
    )


class StatingWorld(World):
    def __init__(self) -> None:
        super().__init__()
        self.run_rates: list[RunRateRecord] = []


class StatingCloud(LinesCloud):
    key = "stating-cloud"
    display_name = "Stating Cloud"
    capabilities = Capabilities(billing=BillingKind.LINES, states_run_rates=True)

    def charges(self, period: Period) -> Iterator[Any]:
        yield from self.world.run_rates
        yield from super().charges(period)


@pytest.fixture
def world(monkeypatch) -> StatingWorld:
    monkeypatch.setattr(registry, "plugins", lambda: {StatingCloud.key: StatingCloud})
    return StatingWorld()


def only_state() -> ResourceState:
    return ResourceState.objects.open().get()


def test_stated_rates_stand_whatever_the_lines_add_up_to():
    lines = [line("vps:1", "10", start=instant()), line("vps:1", "7", start=instant(1))]

    ledger = take_stated(lines, {"vps:1": stated("vps:1", "24", at=instant(1.5))})

    billed = ledger.resources["vps:1"]
    assert (billed.cost.daily, billed.cost.original, billed.cost.original_period) == (24, 1, "hour")
    assert billed.last_charge_start == instant(1.5)
    assert billed.sample.effective_cost == Decimal(7)
    assert ledger.daily_totals == {"RUB": Decimal(24)}


def test_lines_without_a_stated_rate_are_history():
    lines = [line("vps:1", "10", start=instant()), line("vps:2", "5", start=instant())]

    ledger = take_stated(lines, {"vps:1": stated("vps:1", "24", at=instant())})

    assert set(ledger.resources) == {"vps:1"}
    assert ledger.daily_totals == {"RUB": Decimal(24)}


def test_a_stated_rate_without_a_line_is_an_error_of_the_plugin():
    with pytest.raises(ValueError, match="No line names vps:9"):
        take_stated([], {"vps:9": stated("vps:9", "1", at=instant())})


@pytest.mark.django_db
def test_a_rate_within_its_own_rounding_has_not_moved_and_conserves(world):
    connection = connect(OrganizationFactory(), world, plugin=StatingCloud)
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()))
    world.run_rates = [stated("vps:1", "24.00", at=instant(), uncertainty="0.02")]
    sync(connection, instant(1))
    world.run_rates = [stated("vps:1", "24.02", at=instant(1), uncertainty="0.02")]

    snapshot = sync(connection, instant(1.5))

    total = SnapshotTotal.objects.get(snapshot=snapshot)
    assert (snapshot.unchanged_count, only_state().daily_cost) == (1, Decimal(24))
    assert (total.billed_daily_cost, total.unexplained_daily_cost) == (Decimal(24), Decimal(0))


@pytest.mark.django_db
def test_a_rate_beyond_its_rounding_is_a_change_of_cost(world):
    connection = connect(OrganizationFactory(), world, plugin=StatingCloud)
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()))
    world.run_rates = [stated("vps:1", "24.00", at=instant(), uncertainty="0.02")]
    sync(connection, instant(1))
    world.run_rates = [stated("vps:1", "24.03", at=instant(1), uncertainty="0.02")]

    snapshot = sync(connection, instant(1.5))

    state = only_state()
    assert (state.daily_cost, state.has_cost_change) == (Decimal("24.03"), True)
    assert SnapshotTotal.objects.get(snapshot=snapshot).unexplained_daily_cost == 0


@pytest.mark.django_db
def test_an_hour_that_began_after_the_absence_confirms_a_zombie(world):
    connection = connect(OrganizationFactory(), world, plugin=StatingCloud)
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()))
    world.run_rates = [stated("vps:1", "24", at=instant(1) - HOUR)]
    sync(connection, instant(1))
    world.remove("vps:1")

    sync(connection, instant(1) + 2 * HOUR)
    assert (only_state().status, only_state().is_provisional) == (ResourceStatus.DELETED_BILLED, True)

    world.run_rates = [stated("vps:1", "24", at=instant(1) + 3 * HOUR)]
    sync(connection, instant(1) + 4 * HOUR)
    assert (only_state().status, only_state().is_provisional) == (ResourceStatus.DELETED_BILLED, False)


@pytest.mark.django_db
def test_what_is_billed_no_more_is_gone_though_its_lines_stay(world):
    connection = connect(OrganizationFactory(), world, plugin=StatingCloud)
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()))
    world.run_rates = [stated("vps:1", "24", at=instant())]
    sync(connection, instant(1))
    world.remove("vps:1")
    world.run_rates = []

    snapshot = sync(connection, instant(2))

    assert snapshot.deleted_count == 1
    assert not ResourceState.objects.open().exists()
    assert SnapshotTotal.objects.filter(snapshot=snapshot, billed_daily_cost__gt=0).count() == 0


@pytest.mark.django_db
def test_what_only_the_bill_knows_is_gone_when_it_is_billed_no_more(world):
    connection = connect(OrganizationFactory(), world, plugin=StatingCloud)
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()), line("traffic", "5", start=instant(), scope=None))
    world.run_rates = [stated("vps:1", "24", at=instant()), stated("traffic", "5", at=instant())]
    first = sync(connection, instant(1))
    world.run_rates = [stated("vps:1", "24", at=instant(1))]

    snapshot = sync(connection, instant(2))

    assert (first.status, first.resource_count) == (SyncStatus.SUCCESS, 2)
    assert (snapshot.status, snapshot.deleted_count) == (SyncStatus.SUCCESS, 1)
    assert only_state().name == "vps:1"


@pytest.mark.django_db
def test_what_is_free_and_not_seen_makes_no_total_without_a_currency(world):
    connection = connect(OrganizationFactory(), world, plugin=StatingCloud)
    world.put("vps:1")
    world.put("net:1", scope=VOLUMES, kind="volume", is_free=True)
    world.bill(line("vps:1", "24", start=instant()))
    world.run_rates = [stated("vps:1", "24", at=instant())]
    sync(connection, instant(1))
    world.scopes[VOLUMES] = unavailable()

    snapshot = sync(connection, instant(2))

    assert [total.currency for total in SnapshotTotal.objects.filter(snapshot=snapshot)] == ["RUB"]
