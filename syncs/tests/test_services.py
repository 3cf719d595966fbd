"""A sync from its request to its end: what it writes, what it leaves alone, how it fails and is taken up again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import OrganizationFactory, UserFactory
from inventory import services as inventory
from inventory.models import MetricPoint, Resource, Tag, TypeMapping
from providers.contract.errors import AuthenticationFailed, ProviderUnavailable
from providers.contract.records import MonthTotal, ResourceStatus, ResourceType, Specification, UsageRecord
from syncs import laws, services
from syncs.engine import lease, persist
from syncs.models import (
    ChargeBatch,
    MonthBill,
    PendingClosure,
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncStatus,
    SyncTrigger,
    UnrecognizedResource,
)
from syncs.queries import with_staleness

from .world import (
    REMAINDER,
    SERVERS,
    VOLUMES,
    LinesCloud,
    LinesFile,
    RatesCloud,
    TolerantCloud,
    World,
    connect,
    denied,
    instant,
    line,
    sync,
    unavailable,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

SECRET = "hunter2-t0ken"


@pytest.fixture(autouse=True)
def _laws_hold() -> Any:
    """Whatever a test does, the laws hold at its end."""
    yield
    assert laws.violations() == []


@pytest.fixture
def acme():
    return OrganizationFactory(name="Acme")


def states(connection) -> dict[str, ResourceState]:
    """The open states by the provider's id."""
    rows = ResourceState.objects.open().filter(connection=connection).select_related("resource", "parent")
    return {state.resource.resource_id: state for state in rows}


def written_rows(connection) -> list[tuple]:
    """Everything a sync may write about resources, as rows."""
    return [
        *ResourceState.objects.filter(connection=connection).order_by("pk").values_list(),
        *Resource.objects.filter(connection=connection).order_by("pk").values_list(),
        *ChargeBatch.objects.filter(connection=connection).order_by("pk").values_list(),
    ]


# Request


def test_request_joins_the_active_one(acme) -> None:
    connection = connect(acme, World())

    first, joined_first = services.request_sync(
        connection=connection, trigger=SyncTrigger.MANUAL, now=instant()
    )
    second, joined_second = services.request_sync(
        connection=connection, trigger=SyncTrigger.SCHEDULED, now=instant(1)
    )

    assert (joined_first, joined_second) == (False, True)
    assert second.pk == first.pk
    assert SyncSnapshot.objects.count() == 1


def test_request_of_a_connection_that_is_switched_off_is_refused(acme) -> None:
    connection = connect(acme, World())
    connection.is_active = False

    with pytest.raises(services.SyncNotPossible, match="switched off"):
        services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=instant())


def test_run_snapshot_twice_reads_once(acme) -> None:
    world = World()
    connection = connect(acme, world)
    snapshot = sync(connection, instant())

    again = services.run_snapshot(snapshot_id=snapshot.pk, now=instant(1))

    assert again is None
    assert world.reads == 1


def test_request_due_syncs_queues_each_connection_once(acme) -> None:
    connection = connect(acme, World())
    connection.next_sync_at = instant()
    connection.save()

    queued = services.request_due_syncs(now=instant(1))
    again = services.request_due_syncs(now=instant(1))

    assert [SyncSnapshot.objects.get(pk=pk).trigger for pk in queued] == ["scheduled"]
    assert again == []


# What a sync writes


def test_first_sync_opens_one_state_per_resource(acme) -> None:
    world = World()
    world.put("vps:1", daily="22", specification=Specification(vcpus=Decimal(2), memory_mib=2048))
    world.put("disk:1", daily="3.50", scope=VOLUMES, kind="volume", parent_id="vps:1")
    connection = connect(acme, world)

    snapshot = sync(connection, instant())

    assert snapshot.status == SyncStatus.SUCCESS
    assert (snapshot.created_count, snapshot.resource_count, snapshot.is_current) == (2, 2, True)
    found = states(connection)
    assert found["vps:1"].daily_cost == Decimal("22")
    assert found["vps:1"].opened_at == instant()
    assert found["vps:1"].memory_mib == 2048
    assert found["disk:1"].parent.resource_id == "vps:1"
    total = SnapshotTotal.objects.get(snapshot=snapshot)
    assert (total.billed_daily_cost, total.resources_daily_cost) == (Decimal("25.5"), Decimal("25.5"))
    connection.refresh_from_db()
    assert (connection.last_sync_status, connection.last_sync_at) == ("success", instant())


def test_unchanged_resync_writes_no_state_and_no_resource(acme) -> None:
    world = World()
    world.total = Decimal(30)
    world.put(
        "vps:1", daily="22", inside=True, tags={"env": "prod"}, configuration={"plan": "s", "ips": [1, 2]}
    )
    world.put("odd:1", daily="1", kind="contraption")
    world.put("disk:1", daily="3.333333333", scope=VOLUMES, kind="volume", parent_id="vps:1")
    connection = connect(acme, world)
    sync(connection, instant())
    before = written_rows(connection)
    tags = list(Tag.objects.values_list())

    with CaptureQueriesContext(
        database,
    ) as queries:
        snapshot = sync(connection, instant(1))

    assert written_rows(connection) == before
    assert list(Tag.objects.values_list()) == tags
    assert (snapshot.created_count, snapshot.updated_count, snapshot.deleted_count) == (0, 0, 0)
    assert snapshot.unchanged_count == 4
    tables = ('"syncs_resourcestate"', '"inventory_resource"')
    writes = [
        q["sql"] for q in queries if q["sql"].startswith("INSERT") and any(t in q["sql"][:60] for t in tables)
    ]
    assert writes == []


def test_a_resize_closes_the_state_and_opens_another_with_what_changed(acme) -> None:
    world = World()
    world.put("vps:1", daily="22", specification=Specification(vcpus=Decimal(1)))
    connection = connect(acme, world)
    sync(connection, instant())
    world.put("vps:1", daily="30", specification=Specification(vcpus=Decimal(2)))

    snapshot = sync(connection, instant(2))

    assert (snapshot.updated_count, snapshot.unchanged_count) == (1, 0)
    old, new = ResourceState.objects.order_by("opened_at")
    assert (old.closed_at, old.closed_by_id) == (instant(2), snapshot.pk)
    assert (new.has_cost_change, new.has_configuration_change, new.has_status_change) == (True, True, False)
    assert new.changes == {"vcpus": ["1", "2"], "daily_cost": ["22", "30"]}


def test_a_rename_follows_into_the_resource(acme) -> None:
    world = World()
    world.put("vps:1", daily="22", name="old")
    connection = connect(acme, world)
    sync(connection, instant())
    world.change("vps:1", name="new")

    sync(connection, instant(1))

    assert Resource.objects.get().name == "new"
    assert ResourceState.objects.open().get().changes == {"name": ["old", "new"]}


def test_gone_and_returned_leave_a_gap(acme) -> None:
    world = World()
    thing = world.put("vps:1", daily="22")
    connection = connect(acme, world)
    sync(connection, instant())
    world.remove("vps:1")
    gone = sync(connection, instant(1))
    world.things["vps:1"] = thing

    back = sync(connection, instant(2))

    assert (gone.deleted_count, gone.resource_count) == (1, 0)
    assert back.created_count == 1
    rows = ResourceState.objects.order_by("opened_at").values_list("opened_at", "closed_at", "action")
    assert list(rows) == [(instant(), instant(1), "created"), (instant(2), None, "returned")]
    assert Resource.objects.count() == 1


def test_a_page_that_shows_a_thing_twice_makes_one_resource(acme) -> None:
    world = World()
    world.put("vps:1", daily="22")
    world.is_paged_twice = True
    connection = connect(acme, world)

    snapshot = sync(connection, instant())

    assert (snapshot.status, snapshot.resource_count) == ("success", 1)
    assert SnapshotTotal.objects.get().resources_daily_cost == Decimal(22)


def test_a_parent_that_comes_after_its_component_is_linked_and_told(acme) -> None:
    world = World()
    world.put("site:1", kind="website-x", is_free=True)
    connection = connect(acme, world)
    sync(connection, instant())
    world.change("site:1", parent_id="plan:1")
    world.put("plan:1", daily="5", kind="plan")

    sync(connection, instant(1))

    state = states(connection)["site:1"]
    assert state.parent.resource_id == "plan:1"
    assert state.changes == {"parent": [None, state.parent_id]}


def test_a_parent_that_is_not_there_is_no_parent(acme) -> None:
    world = World()
    world.put("disk:1", daily="1", scope=VOLUMES, kind="volume", parent_id="vps:gone")
    connection = connect(acme, world)

    sync(connection, instant())

    assert states(connection)["disk:1"].parent is None


def test_volumes_without_a_server_are_orphans(acme) -> None:
    world = World()
    world.put("vps:1", daily="22", name="web")
    world.put("disk:1", daily="1", scope=VOLUMES, kind="volume", name="disk-for-web")
    world.put("disk:2", daily="1", scope=VOLUMES, kind="volume", name="lonely")
    connection = connect(acme, world)

    sync(connection, instant())

    found = states(connection)
    assert (found["disk:1"].parent.resource_id, found["disk:1"].is_orphan) == ("vps:1", False)
    assert (found["disk:2"].parent, found["disk:2"].is_orphan) == (None, True)


def test_a_type_that_the_plugin_knows_by_now_is_written_without_a_state(acme, monkeypatch) -> None:
    world = World()
    world.put("odd:1", daily="1", kind="contraption")
    connection = connect(acme, world)
    sync(connection, instant())
    before = list(ResourceState.objects.values_list())
    monkeypatch.setattr(RatesCloud, "type_map", {**RatesCloud.type_map, "contraption": ResourceType.DATABASE})

    snapshot = sync(connection, instant(1))

    assert Resource.objects.get().resource_type == "database"
    assert list(ResourceState.objects.values_list()) == before
    assert snapshot.unrecognized_count == 0


def test_usage_of_an_overlapping_period_is_kept_once(acme) -> None:
    world = World()
    world.put("vps:1", daily="1")
    points = [(instant() + timedelta(minutes=30 * n), float(n)) for n in range(4)]
    world.usage = [UsageRecord(resource_id="vps:1", metric="cpu_percent", unit="%", points=points)]
    connection = connect(acme, world)

    sync(connection, instant(1))
    sync(connection, instant(2))

    rows = MetricPoint.objects.order_by("observed_at").values_list("observed_at", "value", "maximum")
    assert list(rows) == [(instant(), 0.5, 1.0), (instant(1 / 24), 2.5, 3.0)]


def test_a_persons_tag_survives_syncs(acme) -> None:
    world = World()
    world.put("vps:1", daily="1", tags={"env": "test"})
    connection = connect(acme, world)
    sync(connection, instant())
    inventory.set_tag(resource=Resource.objects.get(), key="env", value="prod")
    world.change("vps:1", tags={"env": "staging", "team": "web"})

    sync(connection, instant(1))

    rows = Tag.objects.order_by("key", "source").values_list("key", "value", "source")
    assert list(rows) == [
        ("env", "staging", "provider"),
        ("env", "prod", "user"),
        ("team", "web", "provider"),
    ]


# The account's total


def test_what_parts_do_not_explain_is_a_resource_of_its_own(acme) -> None:
    world = World()
    world.total = Decimal(100)
    world.put("vps:1", daily="60", inside=True)
    world.put("domain:1", daily="2", kind="domain", is_list_price=True)
    connection = connect(acme, world)

    snapshot = sync(connection, instant())

    assert states(connection)[REMAINDER].daily_cost == Decimal(40)
    total = SnapshotTotal.objects.get(snapshot=snapshot)
    assert (total.billed_daily_cost, total.resources_daily_cost, total.unexplained_daily_cost) == (
        102,
        102,
        0,
    )


def test_parts_that_cost_more_than_the_total_keep_their_prices_and_are_told(acme) -> None:
    world = World()
    world.total = Decimal(50)
    world.put("vps:1", daily="60", inside=True)
    connection = connect(acme, world)

    snapshot = sync(connection, instant())

    assert states(connection)[REMAINDER].daily_cost == Decimal(0)
    assert SnapshotTotal.objects.get().unexplained_daily_cost == Decimal(-10)
    assert [finding["code"] for finding in snapshot.findings] == ["parts_exceed_total"]


def test_a_failing_section_does_not_grow_the_remainder(acme) -> None:
    world = World()
    world.total = Decimal(100)
    world.put("vps:1", daily="60", inside=True)
    connection = connect(acme, world)
    sync(connection, instant())
    world.scopes[SERVERS] = unavailable()

    sync(connection, instant(1))

    assert states(connection)[REMAINDER].daily_cost == Decimal(40)


def test_the_latest_report_of_a_month_is_kept_and_a_sync_without_one_leaves_it(acme) -> None:
    world, other = World(), World()
    connection = connect(acme, world)
    february = MonthTotal(month=date(2026, 2, 1), amount=Decimal("10.0000004"), currency="RUB")
    for day, totals in enumerate(
        ((february,), (replace(february, amount=Decimal("11.5"), leaves_out=("rack",)),), ()), 1
    ):
        world.month_totals = totals
        sync(connection, instant(day))
    other.month_totals = (february,)
    sync(connect(acme, other, name="other"), instant(1))

    rows = MonthBill.objects.order_by("pk").values_list("connection", "amount", "leaves_out", "read_at")

    assert [row[1:] for row in rows] == [
        (Decimal("11.5"), ["rack"], instant(2)),
        (Decimal("10.000000"), [], instant(1)),
    ]
    assert rows[0][0] == connection.pk


def test_the_remainder_stays_while_the_account_cannot_be_read(acme) -> None:
    world = World()
    world.total = Decimal(100)
    connection = connect(acme, world)
    sync(connection, instant())
    world.account_error = denied()

    snapshot = sync(connection, instant(1))

    assert (snapshot.status, snapshot.stale_count) == ("partial", 1)
    assert states(connection)[REMAINDER].daily_cost == Decimal(100)


def test_parts_of_another_currency_do_not_reduce_the_remainder(acme) -> None:
    world = World()
    world.total = Decimal(100)
    world.put("vps:1", daily="60", inside=True, currency="USD")
    connection = connect(acme, world)

    sync(connection, instant())

    assert states(connection)[REMAINDER].daily_cost == Decimal(100)
    rows = SnapshotTotal.objects.order_by("currency").values_list("currency", "unexplained_daily_cost")
    assert list(rows) == [("RUB", 0), ("USD", -60)]


# Coverage


@pytest.mark.parametrize("error", [unavailable(), denied()], ids=["failed", "denied"])
def test_a_scope_that_was_not_read_keeps_its_states_and_is_stale(acme, error) -> None:
    world = World()
    world.put("vps:1", daily="22")
    world.put("disk:1", daily="3", scope=VOLUMES, kind="volume", parent_id="vps:1")
    connection = connect(acme, world)
    sync(connection, instant())
    before = list(ResourceState.objects.values_list())
    world.scopes[SERVERS] = error

    snapshot = sync(connection, instant(1))

    assert snapshot.status == SyncStatus.PARTIAL
    assert (snapshot.stale_count, snapshot.deleted_count, snapshot.resource_count) == (1, 0, 2)
    assert list(ResourceState.objects.values_list()) == before
    coverage = ScopeCoverage.objects.get(snapshot=snapshot, scope="servers")
    assert (coverage.status, coverage.error_code) == (
        "denied" if error.code == "permission_denied" else "failed",
        error.code,
    )
    assert coverage.last_complete_at == instant()


def test_a_snapshot_counts_as_stale_what_pages_mark_so_also_what_is_billed(acme) -> None:
    world = World()
    for name in ("vps:1", "vps:2", "vps:3"):
        world.put(name)
    world.bill(line("vps:1", "24", start=instant()), line("vps:2", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    world.scopes[SERVERS] = unavailable()
    world.bill(line("vps:1", "48", start=instant(1)), line("vps:2", "24", start=instant(1)))

    snapshot = sync(connection, instant(2))

    marked = with_staleness(ResourceState.objects.open().filter(connection=connection)).filter(is_stale=True)
    assert snapshot.stale_count == marked.count() == 3
    assert (snapshot.updated_count, snapshot.unchanged_count) == (1, 2)


def test_a_scope_of_which_nothing_is_said_counts_as_not_read(acme) -> None:
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(acme, world)
    sync(connection, instant())
    del world.scopes[SERVERS]

    snapshot = sync(connection, instant(1))

    assert (snapshot.status, snapshot.stale_count, snapshot.deleted_count) == ("partial", 1, 0)


def test_nothing_is_written_when_a_stale_region_comes_back_unchanged(acme) -> None:
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(acme, world)
    sync(connection, instant())
    before = list(ResourceState.objects.values_list())
    world.scopes[SERVERS] = unavailable()
    sync(connection, instant(1))
    world.scopes[SERVERS] = None

    snapshot = sync(connection, instant(2))

    assert (snapshot.status, snapshot.stale_count) == ("success", 0)
    assert list(ResourceState.objects.values_list()) == before


def test_a_failed_sync_never_empties_the_inventory(acme) -> None:
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(acme, world)
    good = sync(connection, instant())
    before = written_rows(connection)
    world.error = AuthenticationFailed("The password is wrong.", provider="world", operation="list")
    world.remove("vps:1")

    snapshot = sync(connection, instant(1))

    assert (snapshot.status, snapshot.error["code"]) == ("error", "authentication_failed")
    assert written_rows(connection) == before
    assert SyncSnapshot.objects.get(is_current=True).pk == good.pk
    connection.refresh_from_db()
    assert (connection.last_sync_status, connection.consecutive_failures) == ("error", 1)
    assert connection.last_sync_at == instant()


def test_a_sync_in_which_every_scope_failed_is_an_error(acme) -> None:
    world = World()
    world.scopes = {SERVERS: unavailable(), VOLUMES: unavailable()}
    connection = connect(acme, world, plugin=LinesFile)
    world.error = denied()

    snapshot = sync(connection, instant())

    assert snapshot.status == SyncStatus.ERROR


# Failing and being taken up again


def test_an_unreachable_provider_is_tried_three_times(acme) -> None:
    world = World()
    world.error = unavailable()
    connection = connect(acme, world)
    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=instant())

    for attempt in (1, 2):
        with pytest.raises(ProviderUnavailable):
            services.run_snapshot(snapshot_id=snapshot.pk, now=instant(attempt))
        snapshot.refresh_from_db()
        assert (snapshot.status, snapshot.attempt) == ("queued", attempt)
    ended = services.run_snapshot(snapshot_id=snapshot.pk, now=instant(3))

    assert ended == SyncStatus.ERROR
    snapshot.refresh_from_db()
    assert (snapshot.attempt, snapshot.error["code"]) == (3, "provider_unavailable")


def test_a_queued_sync_is_not_taken_before_the_provider_allows(acme) -> None:
    world = World()
    world.error = unavailable(retry_after=600)
    connection = connect(acme, world)
    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=instant())
    with pytest.raises(ProviderUnavailable):
        services.run_snapshot(snapshot_id=snapshot.pk, now=instant())
    world.error = None

    too_early = services.run_snapshot(snapshot_id=snapshot.pk, now=instant(1))
    handed_out_early = services.reap_stuck_snapshots(now=timezone.now())
    handed_out = services.reap_stuck_snapshots(now=timezone.now() + timedelta(seconds=601))

    assert too_early is None
    assert (handed_out_early, handed_out) == ([], [snapshot.pk])


def test_a_dead_workers_sync_is_given_back_without_its_drafts(acme, monkeypatch) -> None:
    world = World()
    world.put("vps:1", daily="22")
    world.put("odd:1", daily="1", kind="contraption")
    connection = connect(acme, world)
    snapshot = _die_before_publishing(connection, monkeypatch)
    assert ResourceState.objects.filter(opened_at__isnull=True).count() == 2

    early = services.reap_stuck_snapshots(now=timezone.now())
    late = services.reap_stuck_snapshots(now=timezone.now() + lease.LEASE + timedelta(seconds=1))

    assert (early, late) == ([], [snapshot.pk])
    assert (
        ResourceState.objects.count() == Resource.objects.count() == UnrecognizedResource.objects.count() == 0
    )
    monkeypatch.undo_publish()
    services.run_snapshot(snapshot_id=snapshot.pk, now=instant(1))
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempt, snapshot.created_count) == ("success", 2, 2)


def test_a_sync_whose_workers_die_three_times_ends_as_an_error(acme, monkeypatch) -> None:
    connection = connect(acme, World())
    snapshot = _die_before_publishing(connection, monkeypatch)
    SyncSnapshot.objects.filter(pk=snapshot.pk).update(attempt=services.MAX_ATTEMPTS)

    handed_out = services.reap_stuck_snapshots(now=timezone.now() + timedelta(hours=1))

    assert handed_out == []
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.error["params"]) == ("error", {"attempts": 3})


def test_a_worker_that_lost_its_lease_writes_nothing_more(acme, monkeypatch) -> None:
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(acme, world)
    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=instant())
    real = persist.open_states

    def lose(connection_id: int):
        SyncSnapshot.objects.filter(pk=snapshot.pk).update(lease_token="another")
        return real(connection_id)

    monkeypatch.setattr(persist, "open_states", lose)

    ended = services.run_snapshot(snapshot_id=snapshot.pk, now=instant())

    assert ended is None
    assert ResourceState.objects.count() == Resource.objects.count() == 0
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.lease_token) == ("running", "another")


def test_a_worker_that_lost_its_lease_and_fails_removes_no_drafts_of_the_next(acme, monkeypatch) -> None:
    connection = connect(acme, World())
    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=instant())

    def lose(connection_id: int):
        SyncSnapshot.objects.filter(pk=snapshot.pk).update(lease_token="another")
        PendingClosureOfAnother.make(snapshot)
        raise unavailable()

    monkeypatch.setattr(persist, "open_states", lose)

    ended = services.run_snapshot(snapshot_id=snapshot.pk, now=instant())

    assert ended is None
    assert ScopeCoverage.objects.filter(snapshot=snapshot).count() == 1
    SyncSnapshot.objects.filter(pk=snapshot.pk).delete()


class PendingClosureOfAnother:
    """A draft that another worker has written by now."""

    @staticmethod
    def make(snapshot: SyncSnapshot) -> None:
        ScopeCoverage.objects.create(
            organization_id=snapshot.organization_id, snapshot=snapshot, scope="servers", status="complete"
        )


def test_an_error_of_ours_ends_the_sync_without_a_trace_of_secrets(acme, monkeypatch) -> None:
    world = World()
    world.error = RuntimeError(f"token={SECRET}")
    connection = connect(acme, world)

    snapshot = sync(connection, instant())

    assert (snapshot.status, snapshot.error["code"]) == ("error", "unexpected_response")
    connection.refresh_from_db()
    assert SECRET not in f"{snapshot.error}{connection.last_sync_error}{snapshot.progress}"


def test_a_clock_that_went_back_ends_the_sync(acme) -> None:
    connection = connect(acme, World())
    sync(connection, instant(1))

    snapshot = sync(connection, instant(1))

    assert snapshot.status == SyncStatus.ERROR
    assert "clock" in snapshot.error["message"]


def test_what_fails_after_a_sync_is_kept_and_done_again(acme, settings) -> None:
    settings.AFTER_SYNC = ["syncs.tests.test_services.refuse"]
    connection = connect(acme, World())

    snapshot = sync(connection, instant())

    assert snapshot.status == SyncStatus.SUCCESS
    assert snapshot.after_sync_errors == {"syncs.tests.test_services.refuse": "RuntimeError"}
    assert snapshot.after_sync_at is None
    settings.AFTER_SYNC = []
    assert services.retry_after_sync(now=timezone.now() + timedelta(hours=1)) == 1
    snapshot.refresh_from_db()
    assert (snapshot.after_sync_errors, snapshot.after_sync_at is None) == ({}, False)


def test_what_is_done_again_late_brings_no_old_tags_back(acme) -> None:
    world = World()
    world.put("vps:1", daily="1", tags={"env": "test"})
    connection = connect(acme, world)
    first = sync(connection, instant())
    world.change("vps:1", tags={"env": "prod"})
    sync(connection, instant(1))

    services.after_sync(snapshot=first, now=instant(2))

    assert list(Tag.objects.values_list("key", "value")) == [("env", "prod")]


def refuse(*, snapshot: SyncSnapshot, now: Any) -> None:
    raise RuntimeError(SECRET)


# As of


def test_as_of_is_exact_at_every_boundary(acme) -> None:
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(acme, world)
    sync(connection, instant(1))
    world.price("vps:1", "30")
    sync(connection, instant(2))
    world.remove("vps:1")
    sync(connection, instant(3))
    moment = timedelta(microseconds=1)

    def rate(at) -> Decimal | None:
        return ResourceState.objects.as_of(at).aggregate(rate=Sum("daily_cost"))["rate"]

    assert rate(instant(1) - moment) is None
    assert rate(instant(1)) == Decimal(22)
    assert rate(instant(2) - moment) == Decimal(22)
    assert rate(instant(2)) == Decimal(30)
    assert rate(instant(3) - moment) == Decimal(30)
    assert rate(instant(3)) is None


def test_a_running_sync_shows_nothing_before_it_is_published(acme, monkeypatch) -> None:
    world = World()
    world.put("vps:1", daily="22")
    connection = connect(acme, world)
    sync(connection, instant())
    world.price("vps:1", "99")

    _die_before_publishing(connection, monkeypatch, at=instant(1))

    assert states(connection)["vps:1"].daily_cost == Decimal(22)
    assert ResourceState.objects.as_of(instant(2)).get().daily_cost == Decimal(22)
    assert PendingClosure.objects.count() == 1


# Tenants


def test_two_organizations_with_the_same_ids_never_mix(acme) -> None:
    other = OrganizationFactory(name="Other")
    ours, theirs = World(), World()
    ours.put("vps:1", daily="22", tags={"a": "1"})
    theirs.put("vps:1", daily="7", tags={"a": "2"})
    first, second = connect(acme, ours), connect(other, theirs)
    sync(first, instant())
    sync(second, instant())
    before = written_rows(second)
    ours.remove("vps:1")

    sync(first, instant(1))

    assert states(first) == {}
    assert states(second)["vps:1"].daily_cost == Decimal(7)
    assert written_rows(second) == before
    assert list(Tag.objects.filter(resource__connection=second).values_list("value", flat=True)) == ["2"]


# Triage


def test_mapping_a_type_retypes_resources_and_resolves_records_without_a_state(acme) -> None:
    world = World()
    world.put("odd:1", daily="1", kind="contraption")
    connection = connect(acme, world)
    sync(connection, instant())
    sync(connection, instant(1))
    before = list(ResourceState.objects.values_list())
    admin = UserFactory()

    resolved = services.map_unrecognized_type(
        provider_type="rates-cloud",
        native_type="contraption",
        resource_type="database",
        by=admin,
        at=instant(1),
        notes="a database",
    )
    snapshot = sync(connection, instant(2))

    assert resolved == 2
    assert Resource.objects.get().resource_type == "database"
    assert TypeMapping.objects.get().created_by == admin
    assert set(UnrecognizedResource.objects.values_list("mapped_to", "notes")) == {("database", "a database")}
    assert snapshot.unrecognized_count == 0
    assert snapshot.breakdown["by_type"] == {"database": {"count": 1, "daily_cost": {"RUB": "1.000000"}}}
    assert list(ResourceState.objects.values_list()) == before


def test_every_snapshot_that_saw_an_unknown_type_says_so(acme) -> None:
    world = World()
    world.bill(line("gizmo", "24", start=instant(), kind="mystery", scope=None, raw={"Sku": "M-1"}))
    connection = connect(acme, world, plugin=LinesCloud)

    sync(connection, instant(1))
    sync(connection, instant(1.5))

    rows = UnrecognizedResource.objects.order_by("observed_at")
    assert [row.billing_data["raw"] for row in rows] == [{"Sku": "M-1"}] * 2
    assert states(connection)["gizmo"].resource.resource_type == "other"


def test_an_unknown_type_that_only_history_bills_is_recorded_once(acme) -> None:
    world = World()
    world.bill(
        line("gizmo", "24", start=instant(-30), kind="mystery", scope=None, raw={"Sku": "M-1"}),
        line("vps:1", "24", start=instant(-30)),
        line("vps:1", "24", start=instant()),
        line("gadget", "24", start=instant(), kind="enigma", scope=None),
    )
    world.put("vps:1")
    connection = connect(acme, world, plugin=LinesCloud)

    first = sync(connection, instant(1))
    world.bill(line("gizmo", "7", start=instant(-20), kind="mystery", scope=None))  # history is restated
    second = sync(connection, instant(2))

    rows = UnrecognizedResource.objects.filter(resource_id="gizmo")
    assert [(row.snapshot, row.native_type, row.daily_cost) for row in rows] == [
        (first, "mystery", Decimal(0))
    ]
    assert rows.get().billing_data["raw"] == {"Sku": "M-1"}
    assert Resource.objects.get(resource_id="gizmo").resource_type == "other"
    assert (first.unrecognized_count, second.unrecognized_count) == (2, 1)
    assert set(states(connection)) == {"vps:1", "gadget"}
    assert services.map_unrecognized_type(
        provider_type="lines-cloud", native_type="mystery", resource_type="database", by=None, at=instant(2)
    )
    assert Resource.objects.get(resource_id="gizmo").resource_type == "database"


def test_resource_that_was_billed_before_it_was_listed_is_as_old_as_the_provider_says(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    assert Resource.objects.get().provider_created_at is None

    world.put("vps:1", created_at=instant(-100))
    sync(connection, instant(2))

    assert Resource.objects.get().provider_created_at == instant(-100)


def test_a_type_that_is_mapped_while_a_sync_reads_is_resolved_at_its_end(acme, monkeypatch) -> None:
    world = World()
    world.put("odd:1", daily="1", kind="contraption")
    connection = connect(acme, world)
    admin = UserFactory()
    store_usage = inventory.store_usage

    def map_meanwhile(**arguments: Any) -> Any:
        services.map_unrecognized_type(
            provider_type="rates-cloud",
            native_type="contraption",
            resource_type="database",
            by=admin,
            at=instant(),
            notes="a database",
        )
        # As if this sync had written them only now.
        UnrecognizedResource.objects.update(resolved_at=None, resolved_by=None, mapped_to="", notes="")
        Resource.objects.update(resource_type="other")
        return store_usage(**arguments)

    monkeypatch.setattr(inventory, "store_usage", map_meanwhile)

    sync(connection, instant())

    record = UnrecognizedResource.objects.get()
    assert (record.mapped_to, record.resolved_by, record.notes) == ("database", admin, "a database")
    assert record.resolved_at is not None
    assert Resource.objects.get().resource_type == "database"


def test_resolving_a_record_without_a_mapping_teaches_nothing(acme) -> None:
    world = World()
    world.put("odd:1", daily="1", kind="contraption")
    sync(connect(acme, world), instant())

    count = services.resolve_unrecognized(
        resources=UnrecognizedResource.objects.all(), by=None, at=instant(1), notes="noise"
    )

    assert count == 1
    assert TypeMapping.objects.count() == 0


# Billed by lines


def test_lines_give_the_rate_and_their_sum_is_kept_to_the_last_digit(acme) -> None:
    world = World()
    for name in ("vps:1", "vps:2", "vps:3"):
        world.put(name)
        world.bill(line(name, "10", start=instant(), hours=72))
    connection = connect(acme, world, plugin=LinesCloud)

    snapshot = sync(connection, instant(3))

    total = SnapshotTotal.objects.get(snapshot=snapshot)
    assert (total.billed_daily_cost, total.unexplained_daily_cost) == (Decimal("10"), Decimal(0))
    rates = sorted(state.daily_cost for state in states(connection).values())
    assert rates == [Decimal("3.333333"), Decimal("3.333333"), Decimal("3.333334")]


def test_listed_and_not_billed_is_not_known_yet_and_free_is_nought(acme) -> None:
    world = World()
    world.put("vps:1")
    world.put("net:1", kind="network_x", is_free=True)
    connection = connect(acme, world, plugin=LinesCloud)

    sync(connection, instant())

    found = states(connection)
    assert found["vps:1"].daily_cost is None
    assert found["net:1"].daily_cost == Decimal(0)


def test_billed_and_gone_is_a_zombie_at_first_in_question_then_certain(acme) -> None:
    world = World()
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    world.remove("vps:1")

    sync(connection, instant(1.5))
    first = states(connection)["vps:1"]
    world.bill(line("vps:1", "24", start=instant(1)))
    sync(connection, instant(2))
    second = states(connection)["vps:1"]
    world.bill(line("vps:1", "24", start=instant(2)))
    sync(connection, instant(3))
    third = states(connection)["vps:1"]

    assert (first.status, first.is_provisional, first.absent_since) == ("deleted_billed", True, instant(1.5))
    assert second.pk == first.pk  # the hour began before it was found absent
    assert (third.status, third.is_provisional, third.absent_since) == ("deleted_billed", False, instant(1.5))
    assert third.name == "vps:1"


def test_a_zombie_that_is_listed_again_lives(acme) -> None:
    world = World()
    thing = world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    world.remove("vps:1")
    sync(connection, instant(1.5))
    world.things["vps:1"] = thing

    sync(connection, instant(2))

    state = states(connection)["vps:1"]
    assert (state.status, state.is_provisional, state.absent_since) == ("running", False, None)


def test_billed_in_a_scope_that_failed_keeps_its_state_with_the_cost_of_today(acme) -> None:
    world = World()
    world.put("vps:1", configuration={"plan": "s"})
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    world.scopes[SERVERS] = unavailable()
    world.bill(line("vps:1", "48", start=instant(1)))

    snapshot = sync(connection, instant(2))

    state = states(connection)["vps:1"]
    assert (state.status, state.daily_cost, state.configuration) == ("running", Decimal(36), {"plan": "s"})
    assert state.changes == {"daily_cost": ["24", "36"]}
    assert snapshot.status == SyncStatus.PARTIAL


def test_a_bill_that_breaks_off_replaces_nothing(acme) -> None:
    world = World()
    world.put("vps:1")
    world.put("vps:2")
    world.bill(line("vps:1", "24", start=instant()), line("vps:2", "12", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    before = written_rows(connection)
    world.bill_error, world.lines_before_error = unavailable(), 1
    world.remove("vps:2")

    snapshot = sync(connection, instant(2))

    assert snapshot.status == SyncStatus.PARTIAL
    assert written_rows(connection) == before
    assert snapshot.stale_count == 1  # absent, and nobody can say whether it is still billed
    total = SnapshotTotal.objects.get(snapshot=snapshot)
    assert (total.billed_daily_cost, total.resources_daily_cost) == (36, 36)


def test_whole_billing_months_are_asked_for(acme) -> None:
    world = World()
    connection = connect(acme, world, plugin=LinesCloud)

    for at in (instant(20), instant(33), instant(40), instant(41)):
        world.bill(line("vps:1", "24", start=at - timedelta(days=1)))
        sync(connection, at)

    march, april = instant(), instant(31)
    assert [period.start for period in world.periods[1:]] == [march, march, april]
    assert world.periods[0].start == (instant(20) - services.FIRST_PERIOD - services.LATE_CHARGES).replace(
        day=1
    )


def test_a_wobble_within_the_tolerance_is_no_change_and_is_not_hidden(acme) -> None:
    world = World()
    world.put("vps:1")
    world.lines = [line("vps:1", "24", start=instant())]
    connection = connect(acme, world, plugin=TolerantCloud)
    sync(connection, instant(1))
    world.lines = [line("vps:1", "24.02", start=instant())]

    snapshot = sync(connection, instant(1.5))

    assert (snapshot.unchanged_count, ResourceState.objects.count()) == (1, 1)
    total = SnapshotTotal.objects.get(snapshot=snapshot)
    assert (total.resources_daily_cost, total.unexplained_daily_cost) == (Decimal(24), Decimal("0.02"))


def test_lines_of_a_second_currency_are_a_resource_of_their_own_and_no_zombie(acme) -> None:
    world = World()
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()), line("vps:1", "1", start=instant(), currency="USD"))
    connection = connect(acme, world, plugin=LinesCloud)

    snapshot = sync(connection, instant(1))

    found = states(connection)
    assert (found["vps:1"].daily_cost, found["vps:1"].currency) == (24, "RUB")
    assert (found["vps:1 (USD)"].daily_cost, found["vps:1 (USD)"].currency) == (1, "USD")
    assert found["vps:1 (USD)"].status == ResourceStatus.UNKNOWN
    assert snapshot.resource_count == 2


# Files


def test_a_resource_keeps_its_first_currency_when_it_is_not_billed_in_it_any_more(acme) -> None:
    world = World()
    world.bill(line("vps:1", "1", start=instant(), currency="USD"))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(40))
    world.bill(line("vps:1", "24", start=instant()), line("vps:1", "24", start=instant(31)))
    sync(connection, instant(41))
    before = written_rows(connection)

    sync(connection, instant(42))

    assert written_rows(connection) == before
    assert list(states(connection)) == ["vps:1 (RUB)"]


def test_the_same_file_again_changes_nothing(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()), line("vps:2", "12", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(1))
    before = written_rows(connection)
    world.lines.reverse()

    snapshot = sync(connection, instant(2))

    assert written_rows(connection) == before
    assert (snapshot.unchanged_count, snapshot.status) == (2, "success")


def test_a_corrected_file_replaces_its_period_as_a_whole(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()), line("vps:2", "12", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(1))
    world.lines = [line("vps:1", "20", start=instant())]

    snapshot = sync(connection, instant(2))

    old, new = ChargeBatch.objects.order_by("pk")
    assert (old.replaced_at, old.replaced_by_id, new.replaced_at) == (instant(2), new.pk, None)
    assert (snapshot.updated_count, snapshot.deleted_count) == (1, 1)
    assert SnapshotTotal.objects.get(snapshot=snapshot).billed_daily_cost == Decimal(20)


def test_a_corrected_file_that_cuts_its_month_elsewhere_replaces_it_and_gives_the_rate(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(1))
    moscow = timedelta(hours=3)
    world.lines = [
        line(
            "vps:1",
            "48",
            start=instant() - moscow,
            billing_period_start=instant() - moscow,
            billing_period_end=instant(31) - moscow,
        )
    ]

    sync(connection, instant(2))

    assert ChargeBatch.objects.filter(replaced_at__isnull=True).count() == 1
    assert states(connection)["vps:1"].daily_cost == Decimal(48)


def test_a_month_cut_in_two_ways_in_one_file_keeps_both_parts(acme) -> None:
    world = World()
    moscow = timedelta(hours=3)
    world.bill(
        line("vps:1", "24", start=instant()),
        line(
            "vps:2",
            "12",
            start=instant(),
            billing_period_start=instant() - moscow,
            billing_period_end=instant(31) - moscow,
        ),
    )
    connection = connect(acme, world, plugin=LinesFile)

    sync(connection, instant(1))

    assert ChargeBatch.objects.filter(replaced_at__isnull=True).count() == 2


def test_an_older_month_delivered_again_restates_it_and_leaves_today_alone(acme) -> None:
    world = World()
    world.bill(line("vps:1", "24", start=instant()))
    world.bill(line("vps:1", "30", start=instant(31)))
    connection = connect(acme, world, plugin=LinesFile)
    sync(connection, instant(32))
    before = list(ResourceState.objects.values_list())
    world.lines = [line("vps:1", "10", start=instant())]

    snapshot = sync(connection, instant(33))

    assert list(ResourceState.objects.values_list()) == before
    assert snapshot.deleted_count == 0
    assert ChargeBatch.objects.filter(replaced_at__isnull=False).count() == 1


# Concurrency within one process


def _die_before_publishing(connection, monkeypatch, at=None) -> SyncSnapshot:
    """Run a sync whose worker dies right before its last transaction."""

    class Died(BaseException):
        pass

    def die(*args: Any, **kwargs: Any) -> None:
        raise Died

    real = services._publish
    monkeypatch.setattr(services, "_publish", die)
    monkeypatch.undo_publish = lambda: monkeypatch.setattr(services, "_publish", real)
    at = at or instant()
    snapshot, _ = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=at)
    with pytest.raises(Died):
        services.run_snapshot(snapshot_id=snapshot.pk, now=at)
    return snapshot
