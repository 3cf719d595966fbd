"""Generated worlds against the world's own ledger; and that each law is able to see what breaks it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from inventory.models import Resource
from providers.contract.errors import ProviderUnavailable
from providers.models import ProviderConnection
from syncs import laws, services
from syncs.models import (
    ChargeBatch,
    ChargeLine,
    PendingClosure,
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncTrigger,
)

from .world import (
    REMAINDER,
    SERVERS,
    VOLUMES,
    LinesCloud,
    LinesFile,
    World,
    connect,
    denied,
    instant,
    line,
    sync,
    unavailable,
    worlds,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

bounded = settings(
    max_examples=30,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# What happens in a generated world between two syncs

ids = st.integers(0, 4)
amounts = st.decimals("0.01", "999", places=4)
faults = st.sampled_from([None, None, None, "failed", "denied"])
change = st.one_of(
    st.tuples(st.just("put"), ids, amounts, st.booleans()),
    st.tuples(st.just("rename"), ids, st.text("abc", min_size=1, max_size=3)),
    st.tuples(st.just("remove"), ids),
    st.tuples(st.just("total"), st.one_of(st.none(), st.decimals("0", "2000", places=2))),
)
step = st.tuples(
    st.lists(change, max_size=5),
    faults,
    faults,
    st.sampled_from(["run", "run", "run", "broken", "killed", "repeated"]),
    st.integers(1, 40),
)


def apply(world: World, changes: list[tuple[Any, ...]]) -> None:
    for name, *arguments in changes:
        if name == "total":
            world.total = arguments[0]
            continue
        index = arguments[0]
        resource_id = f"r:{index}"
        if name == "put":
            scope, kind = (VOLUMES, "volume") if index % 2 else (SERVERS, "server")
            world.put(resource_id, daily=str(arguments[1]), inside=arguments[2], scope=scope, kind=kind)
        elif resource_id in world.things and name == "rename":
            world.change(resource_id, name=arguments[1])
        elif resource_id in world.things:
            world.remove(resource_id)


class RatesLedger:
    """What an honest clerk writes down of a world billed by rates: who was there since when at what price."""

    def __init__(self) -> None:
        self.believed: dict[str, tuple[Decimal, bool, tuple[str, ...]]] = {}
        self.history: list[tuple[datetime, dict[str, Decimal]]] = []

    def read(self, world: World, at: datetime) -> None:
        for scope, error in world.scopes.items():
            if error is None:
                self.believed = {key: value for key, value in self.believed.items() if value[2] != scope}
                for key, thing in world.things.items():
                    if thing.scope == scope:
                        assert thing.rate is not None
                        self.believed[key] = (thing.rate.amount, thing.rate.in_account_total, scope)
        self.believed.pop(REMAINDER, None)
        if world.total is not None:
            inside = sum((amount for amount, is_inside, _ in self.believed.values() if is_inside), Decimal(0))
            self.believed[REMAINDER] = (max(world.total - inside, Decimal(0)), True, ("account",))
        self.history.append((at, {key: value[0] for key, value in self.believed.items()}))

    def cost(self) -> dict[str, Decimal]:
        """Price times days, by resource, from the first reading to the last."""
        total: dict[str, Decimal] = defaultdict(Decimal)
        for (start, known), (end, _) in zip(self.history, self.history[1:], strict=False):
            days = Decimal((end - start) // timedelta(hours=1)) / 24
            for key, daily in known.items():
                total[key] += daily * days
        return {key: amount for key, amount in total.items() if amount}


@bounded
@given(steps=st.lists(step, min_size=1, max_size=7))
def test_a_world_of_rates_is_told_as_its_own_ledger_tells_it(steps: list[Any]) -> None:
    with FreshDatabase():
        world, ledger = World(), RatesLedger()
        connection = connect(OrganizationFactory(), world)
        at = instant()
        sealed: dict[int, tuple[Any, ...]] = {}
        for changes, servers, volumes, how, hours in steps:
            at += timedelta(hours=hours)
            apply(world, changes)
            world.scopes = {SERVERS: fault(servers), VOLUMES: fault(volumes)}
            snapshot = run(connection, world, at, how)
            if snapshot.status == "error":
                continue
            ledger.read(world, at)
            if how == "repeated":
                at += timedelta(hours=1)
                before = ResourceState.objects.count()
                sync(connection, at)
                ledger.read(world, at)
                assert ResourceState.objects.count() == before
            assert_closed_rows_unchanged(sealed)

        for moment, known in ledger.history:
            assert rates_at(connection, moment) == known
        spent = costs_by_resource(connection)
        expected = ledger.cost()
        assert spent.keys() == expected.keys()
        for key, amount in expected.items():
            assert abs(spent[key] - amount) <= Decimal("0.000001") * 30  # each day is rounded once
        assert laws.violations() == []
        assert cost_violations() == []
        assert rebuilt_rows(connection) == 0


bill_line = st.tuples(
    ids,
    st.integers(0, 40),  # day
    st.decimals("-5", "50", places=4),
    st.sampled_from(["RUB", "RUB", "USD"]),
    st.sampled_from(["acc-1", "acc-2"]),
    st.sampled_from(["server", "volume", "mystery"]),
    st.integers(1, 60),  # hours
)
delivery = st.tuples(st.lists(bill_line, max_size=6), st.booleans(), st.integers(1, 30))


@bounded
@given(deliveries=st.lists(delivery, min_size=1, max_size=5))
def test_files_keep_every_kopeck_of_every_period(deliveries: list[Any]) -> None:
    with FreshDatabase():
        world = World()
        connection = connect(OrganizationFactory(), world, plugin=LinesFile)
        at = instant(60)
        current: dict[tuple[str, datetime], list[Any]] = {}
        for lines, is_repeated, hours in deliveries:
            at += timedelta(hours=hours)
            world.lines = [
                line(
                    f"r:{index}",
                    str(amount),
                    start=instant(day),
                    hours=length,
                    currency=currency,
                    account=account,
                    kind=kind,
                )
                for index, day, amount, currency, account, kind, length in lines
            ]
            delivered: dict[tuple[str, datetime], list[Any]] = defaultdict(list)
            for each in world.lines:
                delivered[each.billing_account_id, each.billing_period_start].append(each)
            current |= delivered
            snapshot = sync(connection, at)
            assert snapshot.status == "success", snapshot.error
            if is_repeated:
                before = list(ChargeBatch.objects.values_list()), ResourceState.objects.count()
                at += timedelta(hours=1)
                world.lines.reverse()
                sync(connection, at)
                assert (list(ChargeBatch.objects.values_list()), ResourceState.objects.count()) == before

        expected: dict[str, Decimal] = defaultdict(Decimal)
        for group in current.values():
            for each in group:
                expected[each.billing_currency] += each.billed_cost
        assert facts_by_currency(connection) == {key: value for key, value in expected.items() if value}
        for total in SnapshotTotal.objects.all():
            assert total.unexplained_daily_cost == 0
        assert laws.violations() == []
        assert cost_violations() == []
        assert rebuilt_rows(connection) == 0


cloud_step = st.tuples(
    st.lists(ids, max_size=3, unique=True),  # listed
    st.lists(st.tuples(ids, amounts), max_size=4),  # billed for the day before
    faults,
    st.sampled_from(["run", "run", "bill breaks", "killed"]),
)


@bounded
@given(steps=st.lists(cloud_step, min_size=1, max_size=6))
def test_a_cloud_billed_by_lines_drops_nothing_and_keeps_the_laws(steps: list[Any]) -> None:
    with FreshDatabase():
        world = World(SERVERS)
        connection = connect(OrganizationFactory(), world, plugin=LinesCloud)
        for day, (listed, billed, servers, how) in enumerate(steps, start=1):
            world.things.clear()
            for index in listed:
                world.put(f"r:{index}")
            world.bill(*(line(f"r:{index}", str(amount), start=instant(day - 1)) for index, amount in billed))
            world.scopes = {SERVERS: fault(servers)}
            world.bill_error = unavailable() if how == "bill breaks" else None
            world.lines_before_error = len(world.lines) // 2
            before = billed_ids(connection)
            snapshot = run(connection, world, instant(day), how)
            if snapshot.status == "error":
                continue
            assert billed_ids(connection) >= before
            if how != "bill breaks":
                held = set(
                    ResourceState.objects.open()
                    .filter(connection=connection)
                    .values_list("resource__resource_id", flat=True)
                )
                assert {each.resource_id for each in world.lines} <= held
                expected = sum((each.billed_cost for each in world.lines), Decimal(0))
                assert facts_by_currency(connection).get("RUB", Decimal(0)) == expected
                assert all(total.unexplained_daily_cost == 0 for total in snapshot.totals.all())
        assert laws.violations() == []
        assert cost_violations() == []


class FreshDatabase:
    """What an example writes is gone before the next one."""

    def __enter__(self) -> None:
        self._block = transaction.atomic()
        self._block.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        transaction.set_rollback(True)
        self._block.__exit__(None, None, None)
        worlds.clear()


def fault(name: str | None) -> Any:
    return {"failed": unavailable(), "denied": denied(), None: None}[name]


def run(connection: ProviderConnection, world: World, at: datetime, how: str) -> SyncSnapshot:
    """A sync that runs, or breaks first, or whose worker dies right before it would publish."""
    if how == "broken":
        world.error = RuntimeError("broken")
        snapshot = sync(connection, at)
        world.error = None
        assert snapshot.status == "error"
        return snapshot
    if how == "killed":
        die_before_publishing(connection, at)
    try:
        return sync(connection, at)
    except ProviderUnavailable:  # nothing at all could be read: tried again until it counts as failed
        snapshot = SyncSnapshot.objects.active().get(connection=connection)
        SyncSnapshot.objects.filter(pk=snapshot.pk).update(attempt=services.MAX_ATTEMPTS - 1)
        return sync(connection, at)


def die_before_publishing(connection: ProviderConnection, at: datetime) -> None:
    class Died(BaseException):
        pass

    def die(*args: Any, **kwargs: Any) -> None:
        raise Died

    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "_publish", die)
        with pytest.raises(Died):
            services.run_snapshot(snapshot_id=snapshot.pk, now=at)
    SyncSnapshot.objects.filter(pk=snapshot.pk).update(lease_expires_at=instant(-1))
    services.reap_stuck_snapshots(now=instant())


def assert_closed_rows_unchanged(sealed: dict[int, tuple[Any, ...]]) -> None:
    """Closed states and finished snapshots never change; `sealed` remembers those seen so far."""
    closed = ResourceState.objects.filter(closed_at__isnull=False).values_list()
    for row in closed:
        assert sealed.setdefault(row[0], row) == row


def rates_at(connection: ProviderConnection, moment: datetime) -> dict[str, Decimal]:
    rows = ResourceState.objects.filter(connection=connection).as_of(moment)
    return dict(rows.values_list("resource__resource_id", "daily_cost"))


def costs_by_resource(connection: ProviderConnection) -> dict[str, Decimal]:
    spent: dict[str, Decimal] = defaultdict(Decimal)
    facts = apps.get_model("costs", "DailyCost").objects.filter(connection=connection)
    for resource_id, amount in facts.values_list("resource__resource_id", "billed_cost"):
        spent[resource_id] += amount
    return dict(spent)


def facts_by_currency(connection: ProviderConnection) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    facts = apps.get_model("costs", "DailyCost").objects.filter(connection=connection)
    for currency, amount in facts.values_list("currency", "billed_cost"):
        sums[currency] += amount
    return {currency: amount for currency, amount in sums.items() if amount}


def billed_ids(connection: ProviderConnection) -> set[str]:
    return set(Resource.objects.filter(connection=connection).values_list("resource_id", flat=True))


def cost_violations() -> list[str]:
    """The laws of the costs, which hold after every sync; this app may not import them."""
    from importlib import import_module

    return laws.violations(import_module("costs.laws").LAWS)


def rebuilt_rows(connection: ProviderConnection) -> int:
    from importlib import import_module

    return import_module("costs.services").rebuild_costs(connection=connection, at=instant(100))


# Each law sees what breaks it


@pytest.fixture
def history():
    """Two readings of one server whose price changed."""
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(OrganizationFactory(), world)
    sync(connection, instant())
    world.price("vps:1", "30")
    sync(connection, instant(1))
    assert laws.violations() == []
    return connection


def broken(law: Any) -> int:
    return len(list(law()))


def test_conservation_sees_a_state_that_costs_more_than_its_total(history) -> None:
    ResourceState.objects.open().update(daily_cost=31)

    assert broken(laws.conservation) == 1


def test_conservation_sees_a_total_that_does_not_add_up(history) -> None:
    SnapshotTotal.objects.update(unexplained_daily_cost=1)

    assert broken(laws.conservation) == 2


def test_no_overlap_and_no_gap_see_a_state_that_was_moved(history) -> None:
    old = ResourceState.objects.filter(closed_at__isnull=False)

    old.update(closed_at=instant(1.5))
    assert broken(laws.no_overlap) == 1
    old.update(closed_at=instant(0.5))
    assert broken(laws.no_overlap) == 0
    assert broken(laws.no_gap) == 1
    assert broken(laws.states_begin_and_end_with_snapshots) == 1


def test_current_snapshot_sees_an_older_one_and_none(history) -> None:
    SyncSnapshot.objects.update(is_current=False)
    assert broken(laws.current_snapshot_is_the_latest) == 1
    SyncSnapshot.objects.filter(observed_at=instant()).update(is_current=True)
    assert broken(laws.current_snapshot_is_the_latest) == 1


def test_drafts_that_outlive_their_sync_are_seen(history) -> None:
    state = ResourceState.objects.open().get()
    PendingClosure.objects.create(
        organization_id=state.organization_id, snapshot_id=state.opened_by_id, state=state
    )
    ResourceState.objects.filter(pk=state.pk).update(opened_at=None)

    assert broken(laws.no_drafts_left) == 2


def test_a_delivery_that_lost_a_line_is_seen() -> None:
    world = World()
    world.bill(line("r:1", "1", start=instant()), line("r:2", "1", start=instant()))
    sync(connect(OrganizationFactory(), world, plugin=LinesFile), instant(1))

    ChargeLine.objects.first().delete()

    assert broken(laws.one_current_delivery) == 1


@pytest.mark.parametrize("model", [Resource, ResourceState, SyncSnapshot, SnapshotTotal, ScopeCoverage])
def test_a_row_of_another_organization_is_seen(history, model) -> None:
    stranger = Organization.objects.create(name="Stranger")

    count = model.objects.update(organization=stranger)

    assert count > 0
    assert broken(laws.rows_belong_to_their_connections_organization) == count
