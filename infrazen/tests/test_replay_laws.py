"""The demo's events one by one: every snapshot around them, and every day, against the emulators' own ledger.

Each account is read at the replay's hour on the days around what happens to it, and on no other: the bill tells of the
days between all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from accounts.tests.factories import OrganizationFactory
from costs import laws as cost_laws
from costs.models import DailyCost
from infrazen import demo
from infrazen.demo.history import RETRY_AFTER
from providers.contract.errors import ProviderUnavailable
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection
from providers.plugins.selectel.normalize.words import is_metered
from syncs import laws as sync_laws
from syncs import services
from syncs.models import ResourceState, SyncSnapshot, SyncTrigger, UnrecognizedResource

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ANCHOR = date(2026, 11, 21)
PLAN = demo.Plan.load()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KOPECK = Decimal("0.01")

METERED_SHARE = Decimal("0.005")
"""By how much metered use may move and still count as the same (`normalize/rates.py`)."""

GROWS = "volume-gb"
"""What a bucket holds grows every midnight. Until a whole day of equal hours is known a rate is right to a kopeck an hour."""

SEGMENTS = "_segments"
"""A bucket's hidden container has lines of its own and is no thing of its own."""


def noon(day: int) -> datetime:
    """The time of the replayed sync on a day of the scenario, day 0 being the anchor."""
    return datetime.combine(ANCHOR + day * DAY, PLAN.sync_time, tzinfo=demo.ZONE).astimezone(UTC)


@dataclass(frozen=True)
class Story:
    """One account through its days: its snapshots by day."""

    server: EmulatorServer
    connection: ProviderConnection
    account: str
    snapshots: dict[int, SyncSnapshot] = field(default_factory=dict)

    def read(self, days: list[int]) -> None:
        for day in days:
            self.snapshots[day] = self._sync(noon(day))

    def states(self, day: int) -> dict[str, ResourceState]:
        """What held after that day's snapshot, by the provider's id."""
        held = ResourceState.objects.filter(connection=self.connection).as_of(self.snapshots[day].observed_at)
        return {state.resource.resource_id: state for state in held.select_related("resource", "parent")}

    def named(self, name: str, *days: int) -> list[ResourceState | None]:
        """The one thing of that name after the snapshots of these days, None where there was none."""
        return [
            next((state for state in self.states(day).values() if state.name == name), None) for day in days
        ]

    def assert_conserved(self) -> None:
        """Of every snapshot the billed sum is that of its resources, of which every one is explained."""
        for day, snapshot in self.snapshots.items():
            total = snapshot.totals.get()
            held = sum(((state.daily_cost or Decimal(0)) for state in self.states(day).values()), Decimal(0))
            assert (day, total.billed_daily_cost, total.unexplained_daily_cost) == (day, held, 0)
            assert total.resources_daily_cost == held

    def assert_lawful(self) -> None:
        assert sync_laws.violations((*sync_laws.LAWS, *cost_laws.LAWS)) == []
        assert self.server.violations == []

    def statuses(self) -> dict[int, str]:
        return {day: snapshot.status for day, snapshot in self.snapshots.items()}

    def _sync(self, moment: datetime) -> SyncSnapshot:
        snapshot, _ = services.request_sync(connection=self.connection, trigger=SyncTrigger.DEMO, now=moment)
        at = moment
        while snapshot.is_active:
            self.server.set_clock(at)
            with suppress(ProviderUnavailable):
                services.run_snapshot(snapshot_id=snapshot.pk, now=at)
            snapshot.refresh_from_db()
            at += RETRY_AFTER
        return snapshot


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    settings.EMULATOR_URL = settings.EMULATOR_URL  # what the demo sets is set back afterwards
    settings.DEMO_MODE = settings.DEMO_MODE
    settings.SYNC_WRITE_PAUSE_SECONDS = 0
    monkeypatch.setattr(services, "FIRST_PERIOD", 2 * DAY)  # what was before is another day's story
    with demo.emulated_providers(ANCHOR, PLAN) as running:
        yield running


def story(server: EmulatorServer, name: str) -> Story:
    wanted = next(each for each in PLAN.connections if each["name"] == name)
    connection = ProviderConnection.objects.create(
        organization=OrganizationFactory(),
        provider_type=wanted["provider_type"],
        connection_name=name,
        credentials=wanted["credentials"],
    )
    credentials = wanted["credentials"]
    return Story(server, connection, credentials.get("account_id") or credentials["login"])


# ---- Selectel: billed by the hour ------------------------------------------------------------------------------------


def assert_rates_are_the_ledgers(told: Story) -> None:
    """After every snapshot each resource costs what its account's books say: to the kopeck where nothing is metered."""
    for day in told.snapshots:
        hour = noon(day) - 2 * HOUR  # the last one that the bill shows whole
        assert hour + HOUR == datetime.fromisoformat(
            told.server.ledger("selectel", told.account, noon(day))["complete_until"]
        )
        fixed, metered, growing = _books(told, hour)
        costs = {
            _key(state, fixed): state.daily_cost for state in told.states(day).values() if state.daily_cost
        }
        assert costs.keys() == fixed.keys() | metered.keys()
        for key, cost in costs.items():
            expected = fixed.get(key, Decimal(0)) + metered.get(key, Decimal(0))
            near = metered.get(key, Decimal(0)) * METERED_SHARE
            if key in growing:
                near += KOPECK * 24
            assert abs(cost - expected) <= near + (KOPECK if near else 0), (day, key, cost, expected)


def _books(told: Story, hour: datetime) -> tuple[dict[str, Decimal], dict[str, Decimal], set[str]]:
    """Roubles a day by resource as of an hour: what has a rate, what the last 24 hours of use came to, and what grows."""
    fixed: dict[str, Decimal] = {}
    growing: set[str] = set()
    for part in told.server.ledger("selectel", told.account, hour)["components"]:
        key = (part["resource_id"] or part["name"]).removesuffix(SEGMENTS)
        if not is_metered(part["metric"]):
            fixed[key] = fixed.get(key, Decimal(0)) + Decimal(part["daily_cost"])
        if part["metric"] == GROWS:
            growing.add(key)
    metered: dict[str, Decimal] = {}
    for row in told.server.charges("selectel", told.account, hour - 23 * HOUR, hour + HOUR)["rows"]:
        if is_metered(row["metric"]):
            key = (row["resource_id"] or row["name"] or row["metric"]).removesuffix(SEGMENTS)
            metered[key] = metered.get(key, Decimal(0)) + Decimal(row["kopecks"]) / 100
    return fixed, metered, growing


def _key(state: ResourceState, fixed: dict[str, Decimal]) -> str:
    """The books' key of a resource; buckets and traffic have no id at Selectel, and here one that ends in their name."""
    resource_id = state.resource.resource_id
    return resource_id if resource_id in fixed else resource_id.rpartition("/")[2]


def assert_days_are_the_ledgers(told: Story) -> None:
    """Of all whole days that the bill was read for, also those on which nobody looked."""
    days = sorted(told.snapshots)
    start = datetime.combine(ANCHOR + (days[0] - 2) * DAY, datetime.min.time(), tzinfo=demo.ZONE)
    end = datetime.combine(ANCHOR + days[-1] * DAY, datetime.min.time(), tzinfo=demo.ZONE)
    booked = told.server.charges("selectel", told.account, start, end)["days"]
    stored = (
        DailyCost.objects.filter(connection=told.connection, date__gte=start.date(), date__lt=end.date())
        .values_list("date")
        .annotate(total=Sum("billed_cost"))
    )
    assert {day.isoformat(): total.quantize(KOPECK) for day, total in stored} == {
        str(day): Decimal(kopecks) / 100 for day, kopecks in booked.items()
    }
    assert len(booked) == days[-1] - days[0] + 2


@pytest.mark.slow
def test_prices_a_zombie_a_region_that_fails_an_unknown_type_and_a_jump(server: EmulatorServer) -> None:
    told = story(server, "Selectel BU-A")

    told.read([-61, -60, -34, -33, -32, -30, -29, -21, -20, -19, -18, -13, -12, -9, -8, -7, -6])

    assert_rates_are_the_ledgers(told)
    told.assert_conserved()
    assert_days_are_the_ledgers(told)
    told.assert_lawful()
    # Memory has become dearer: the same things, another bill.
    assert told.states(-61).keys() == told.states(-60).keys()
    assert told.snapshots[-60].updated_count > 0
    # A volume is billed for three weeks after it has gone.
    zombie = told.named("disk-for-old-report-01", -34, -33, -32, -13, -12)
    assert [(state.status, state.is_provisional) if state else None for state in zombie] == [
        ("running", False),
        ("deleted_billed", True),
        ("deleted_billed", False),
        ("deleted_billed", False),
        None,
    ]
    # A region does not answer for a day: nothing goes.
    assert {day for day, status in told.statuses().items() if status != "success"} == {-30}
    assert told.snapshots[-30].status == "partial"
    assert told.snapshots[-30].deleted_count == 0
    assert told.states(-32).keys() == told.states(-30).keys() == told.states(-29).keys()
    # A type that nobody knows is billed for three days.
    unknown = UnrecognizedResource.objects.filter(connection=told.connection, native_type="gpu_slice_a100")
    assert [row.observed_at for row in unknown.order_by("observed_at")] == [noon(-21), noon(-20), noon(-19)]
    spent = DailyCost.objects.filter(resource__native_type="gpu_slice_a100").aggregate(sum=Sum("billed_cost"))
    assert spent["sum"] == 3400
    # Two days of traffic.
    jump = [state.daily_cost for state in told.named("analytics-etl-01", -9, -8, -7, -6)]
    assert jump[-1] < jump[0] < jump[2] < jump[1]


@pytest.mark.slow
def test_a_volume_that_is_detached_and_a_server_that_is_resized(server: EmulatorServer) -> None:
    told = story(server, "Selectel BU-B")

    told.read([-64, -63, -62, -61, -60, -42, -41, -40])

    assert_rates_are_the_ledgers(told)
    told.assert_conserved()
    assert_days_are_the_ledgers(told)
    told.assert_lawful()
    assert set(told.statuses().values()) == {"success"}
    volume = told.named("pg-backup-volume", -64, -63)
    assert [(state.parent and state.parent.name, state.is_orphan) for state in volume] == [
        ("pg-backup-01", False),
        (None, True),
    ]
    assert told.named("pg-backup-01", -62) == [None]
    assert [state.vcpus for state in told.named("db-mysql-staging", -42, -41)] == [8, 4]


# ---- Beget: billed by rates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "days"),
    [("Beget Prod", [-85, -84, -83, -36, -35, -34, -2, -1, 0]), ("Beget Dev", [-3, -2, -1, 0])],
)
def test_rates_are_what_the_account_costs_and_days_what_they_came_to(
    server: EmulatorServer, name: str, days: list[int]
) -> None:
    told = story(server, name)

    told.read(days)

    told.assert_conserved()
    told.assert_lawful()
    rates = {day: Decimal(server.ledger("beget", told.account, noon(day))["total"]) for day in days}
    stored = {day: told.snapshots[day].totals.get().billed_daily_cost for day in days}
    assert _kopecks(stored) == _kopecks(rates)
    whole = [day for day in days if {day - 1, day + 1} <= rates.keys()]
    midnight = {day: noon(day) - 12 * HOUR for day in whole}
    passed = {day: Decimal((told.snapshots[day].observed_at - midnight[day]) / DAY) for day in whole}
    facts = DailyCost.objects.filter(connection=told.connection)
    spent = {
        day: facts.filter(date=ANCHOR + day * DAY).aggregate(sum=Sum("billed_cost"))["sum"] for day in whole
    }
    assert _kopecks(spent) == _kopecks(
        {day: rates[day - 1] * passed[day] + rates[day] * (1 - passed[day]) for day in whole}
    )


def _kopecks(amounts: dict[int, Decimal]) -> dict[int, Decimal]:
    return {day: amount.quantize(KOPECK) for day, amount in amounts.items()}
