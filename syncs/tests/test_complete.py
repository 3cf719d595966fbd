"""A complete sync from its request to its end: order, joining, failures, retries, dead workers, the day's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from providers.contract.errors import AuthenticationFailed
from providers.models import ProviderConnection
from syncs import complete, services, tasks
from syncs.engine.lease import LEASE
from syncs.models import CompleteSync, ProviderSyncReference, SyncSnapshot, SyncStatus, SyncTrigger

from .world import World, connect, instant, sync, unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

told: list[tuple[int, str]] = []


@pytest.fixture
def acme() -> Organization:
    return OrganizationFactory(name="Acme")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of snapshots that were handed to a worker, in order."""
    ids: list[int] = []
    monkeypatch.setattr(
        tasks.run_snapshot, "apply_async", lambda kwargs, **_: ids.append(kwargs["snapshot_id"])
    )
    return ids


def refusal() -> AuthenticationFailed:
    return AuthenticationFailed("The key is wrong.", provider="world", operation="list")


def three_worlds(organization: Organization) -> tuple[list[World], list[ProviderConnection]]:
    worlds = []
    connections = []
    for number in range(3):
        world = World()
        world.put("vps:1", daily=str(10 * (number + 1)))
        worlds.append(world)
        connections.append(connect(organization, world, name=f"cloud {number}"))
    return worlds, connections


def request(organization: Organization, now: datetime | None = None, **more: Any) -> CompleteSync:
    more.setdefault("trigger", SyncTrigger.MANUAL)
    return complete.request_complete_sync(organization=organization, now=now or instant(), **more)[0]


def run(one: CompleteSync, now: datetime | None = None) -> list[int]:
    """Do what workers would do; returns the connections in the order in which they were read."""
    now = now or instant()
    order = []
    complete.advance_complete_sync(complete_sync_id=one.pk, now=now)
    begun = one.references.filter(snapshot__status="queued").order_by("position")
    waiting = list(begun.values_list("snapshot", flat=True))
    while waiting:
        snapshot_id = waiting.pop(0)
        order.append(SyncSnapshot.objects.get(pk=snapshot_id).connection_id)
        services.run_snapshot(snapshot_id=snapshot_id, now=now)
        waiting += complete.advance_after(snapshot_id=snapshot_id, now=now)
    one.refresh_from_db()
    return order


def statuses(one: CompleteSync) -> list[str]:
    return list(one.references.order_by("position").values_list("status", flat=True))


def test_connections_are_read_one_after_another_in_the_order_in_which_they_were_made(acme) -> None:
    _worlds, connections = three_worlds(acme)
    one = request(acme)

    first = complete.advance_complete_sync(complete_sync_id=one.pk, now=instant())
    again = complete.advance_complete_sync(complete_sync_id=one.pk, now=instant())

    assert statuses(one) == ["running", "queued", "queued"]
    assert (len(first), again) == (1, [])
    order = run(one)

    assert order == [connection.pk for connection in connections]
    assert (one.status, one.resource_count, one.daily_costs) == ("success", 3, {"RUB": "60.000000"})
    assert one.finished_at == instant()
    assert SyncSnapshot.objects.count() == 3


def test_parallel_begins_all_of_them_at_once(acme, settings) -> None:
    settings.COMPLETE_SYNC_PARALLEL = True
    three_worlds(acme)
    one = request(acme)

    begun = complete.advance_complete_sync(complete_sync_id=one.pk, now=instant())

    assert len(begun) == 3
    assert statuses(one) == ["running", "running", "running"]
    run(one)
    assert one.status == "success"


def test_second_request_joins_the_active_one(acme) -> None:
    three_worlds(acme)
    first, joined_first = complete.request_complete_sync(
        organization=acme, trigger=SyncTrigger.MANUAL, now=instant()
    )

    second, joined_second = complete.request_complete_sync(
        organization=acme, trigger=SyncTrigger.API, now=instant()
    )

    assert (first.pk, joined_first, joined_second) == (second.pk, False, True)
    assert ProviderSyncReference.objects.count() == 3


def test_sync_that_runs_already_is_joined_and_not_doubled(acme) -> None:
    _worlds, connections = three_worlds(acme)
    running, _ = services.request_sync(
        connection=connections[0], trigger=SyncTrigger.SCHEDULED, now=instant()
    )
    SyncSnapshot.objects.filter(pk=running.pk).update(
        status=SyncStatus.RUNNING, lease_token="other", lease_expires_at=timezone.now() + LEASE
    )
    one = request(acme)

    begun = complete.advance_complete_sync(complete_sync_id=one.pk, now=instant())

    assert begun == []
    assert one.references.get(position=1).snapshot_id == running.pk
    assert SyncSnapshot.objects.count() == 1


def test_one_that_fails_leaves_the_others_and_alone_is_tried_again(acme) -> None:
    worlds, connections = three_worlds(acme)
    worlds[1].error = refusal()
    one = request(acme)
    run(one)
    assert (one.status, statuses(one)) == ("partial", ["success", "error", "success"])
    assert one.daily_costs == {"RUB": "40.000000"}
    kept = list(one.references.exclude(position=2).order_by("position").values_list("snapshot", flat=True))
    worlds[1].error = None

    again, joined = complete.retry_failed(complete_sync=one, trigger=SyncTrigger.MANUAL, now=instant(1))
    order = run(again, now=instant(1))

    assert (again.pk, joined) == (one.pk, False)
    assert order == [connections[1].pk]
    assert (again.status, again.daily_costs) == ("success", {"RUB": "60.000000"})
    assert [world.reads for world in worlds] == [1, 1, 1]  # the refusal came before the list
    assert (
        list(one.references.exclude(position=2).order_by("position").values_list("snapshot", flat=True))
        == kept
    )
    assert list(one.references.order_by("position").values_list("attempt", flat=True)) == [1, 2, 1]


def test_all_that_fail_make_an_error(acme) -> None:
    world = World()
    world.error = refusal()
    connect(acme, world)
    one = request(acme)

    run(one)

    assert (one.status, one.resource_count, one.daily_costs) == ("error", 0, {})


def test_nothing_failed_and_not_the_latest_are_not_tried_again(acme) -> None:
    worlds, _connections = three_worlds(acme)
    one = request(acme)
    run(one)
    with pytest.raises(services.SyncNotPossible, match="No connection failed"):
        complete.retry_failed(complete_sync=one, trigger=SyncTrigger.MANUAL, now=instant(1))
    worlds[0].error = refusal()
    two = request(acme, instant(2))
    run(two, instant(2))
    three = request(acme, instant(3))
    run(three, instant(3))

    with pytest.raises(services.SyncNotPossible, match="later complete sync"):
        complete.retry_failed(complete_sync=two, trigger=SyncTrigger.MANUAL, now=instant(4))


def test_connection_that_was_switched_off_meanwhile_says_why_and_the_others_go_on(acme) -> None:
    _worlds, connections = three_worlds(acme)
    one = request(acme)
    ProviderConnection.objects.filter(pk=connections[0].pk).update(is_active=False)

    order = run(one)

    assert order == [connections[1].pk, connections[2].pk]
    assert one.status == "partial"
    assert one.references.get(position=1).error["message"].startswith("This connection is switched off.")


def test_connection_that_was_deleted_meanwhile_does_not_hold_the_others_up(acme) -> None:
    _worlds, connections = three_worlds(acme)
    one = request(acme)
    complete.advance_complete_sync(complete_sync_id=one.pk, now=instant())
    connections[0].delete()

    run(one)

    assert (one.status, one.resource_count) == ("success", 2)


def test_provider_that_does_not_answer_is_waited_for(acme, sent) -> None:
    worlds, _connections = three_worlds(acme)
    worlds[0].error = unavailable()
    one = request(acme)
    (snapshot_id,) = complete.advance_complete_sync(complete_sync_id=one.pk, now=instant())

    with pytest.raises(Exception, match="does not answer"):
        services.run_snapshot(snapshot_id=snapshot_id, now=instant())

    assert complete.advance_after(snapshot_id=snapshot_id, now=instant()) == []
    assert statuses(one) == ["running", "queued", "queued"]


def test_killed_worker_is_made_good_by_the_reaper(acme, sent) -> None:
    """It died in the middle of the second, and another died between the end of the first and its message."""
    three_worlds(acme)
    one = request(acme)
    (first,) = complete.advance_complete_sync(complete_sync_id=one.pk, now=instant())
    services.run_snapshot(snapshot_id=first, now=instant())  # and nobody advances

    tasks.reap_stuck_snapshots()

    second = one.references.get(position=2).snapshot
    assert second is not None
    assert sent == [second.pk]
    SyncSnapshot.objects.filter(pk=second.pk).update(
        status=SyncStatus.RUNNING,
        attempt=services.MAX_ATTEMPTS,
        lease_token="dead",
        lease_expires_at=timezone.now() - timedelta(seconds=1),
    )

    tasks.reap_stuck_snapshots()

    assert statuses(one) == ["success", "error", "running"]
    third = one.references.get(position=3).snapshot_id
    assert sent == [second.pk, third]
    services.run_snapshot(snapshot_id=third, now=timezone.now())
    tasks.reap_stuck_snapshots()
    one.refresh_from_db()
    assert one.status == "partial"


def test_worker_that_ends_a_snapshot_begins_the_next(acme, sent) -> None:
    _worlds, connections = three_worlds(acme)
    one = request(acme, timezone.now())
    (first,) = complete.advance_complete_sync(complete_sync_id=one.pk, now=timezone.now())

    tasks.run_snapshot(snapshot_id=first)
    tasks.run_snapshot(snapshot_id=first)  # delivered twice

    begun = SyncSnapshot.objects.get(connection=connections[1])
    assert sent == [begun.pk]


def test_scheduled_ones_wait_behind_what_people_wait_for(acme, monkeypatch) -> None:
    _worlds, connections = three_worlds(acme)
    mine, _ = services.request_sync(connection=connections[0], trigger=SyncTrigger.MANUAL, now=instant())
    other, _ = services.request_sync(connection=connections[1], trigger=SyncTrigger.SCHEDULED, now=instant())
    queues: list[tuple[int, str | None]] = []
    monkeypatch.setattr(
        tasks.run_snapshot,
        "apply_async",
        lambda kwargs, queue=None: queues.append((kwargs["snapshot_id"], queue)),
    )

    tasks.hand_out([other.pk, mine.pk])

    assert queues == [(other.pk, "scheduled"), (mine.pk, "interactive")]
    app = tasks.run_snapshot.app
    assert list(app.amqp.queues) == ["interactive", "scheduled"]
    assert app.conf.task_default_queue == "interactive"


def note(*, complete_sync: CompleteSync, now: datetime) -> None:
    told.append((complete_sync.pk, complete_sync.status))


def break_down(*, complete_sync: CompleteSync, now: datetime) -> None:
    raise RuntimeError("no")


def test_those_who_wait_for_the_result_are_told_once_and_again_where_that_failed(acme, settings) -> None:
    told.clear()
    settings.AFTER_COMPLETE_SYNC = [f"{__name__}.break_down", f"{__name__}.note"]
    three_worlds(acme)
    one = request(acme)

    run(one)

    assert told == [(one.pk, "success")]
    assert (one.told_at, one.telling_errors) == (None, {f"{__name__}.break_down": "RuntimeError"})
    settings.AFTER_COMPLETE_SYNC = [f"{__name__}.note"]
    assert complete.retry_telling(now=instant(1)) == 1
    assert complete.retry_telling(now=instant(1)) == 0
    assert told == [(one.pk, "success")] * 2


def test_connections_that_are_off_or_by_hand_are_left_out(acme) -> None:
    _worlds, connections = three_worlds(acme)
    ProviderConnection.objects.filter(pk=connections[0].pk).update(is_active=False)
    ProviderConnection.objects.filter(pk=connections[1].pk).update(auto_sync=False)

    one = request(acme)

    assert list(one.references.values_list("connection", flat=True)) == [connections[2].pk]


def test_without_any_connection_it_is_refused(acme) -> None:
    with pytest.raises(services.SyncNotPossible, match="No connection is synced automatically"):
        request(acme)


# The daily one


NIGHT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""04:00 in Moscow, when every organization's hour is over."""


def made_before(organization: Organization) -> None:
    ProviderConnection.objects.of(organization).update(created_at=NIGHT - timedelta(days=3))


def test_day_has_one_complete_sync_at_the_organizations_night(acme) -> None:
    three_worlds(acme)
    made_before(acme)

    evening = complete.request_due_complete_syncs(now=NIGHT - timedelta(hours=2))
    night = complete.request_due_complete_syncs(now=NIGHT)
    run(CompleteSync.objects.get(), NIGHT)
    later = complete.request_due_complete_syncs(now=NIGHT + timedelta(hours=5))

    assert (evening, later) == ([], [])
    one = CompleteSync.objects.get(pk=night[0])
    assert (one.trigger, one.scheduled_date.isoformat()) == ("scheduled", "2026-03-02")


def test_nights_that_were_missed_are_caught_up_once(acme) -> None:
    three_worlds(acme)
    made_before(acme)

    begun = complete.request_due_complete_syncs(now=NIGHT + timedelta(days=9, hours=10))

    assert len(begun) == 1
    assert CompleteSync.objects.get().scheduled_date.isoformat() == "2026-03-11"


def test_night_is_the_organizations_own(acme) -> None:
    three_worlds(acme)
    made_before(acme)
    Organization.objects.filter(pk=acme.pk).update(time_zone="America/New_York")

    assert complete.request_due_complete_syncs(now=NIGHT + timedelta(hours=-4)) != []  # still the day before
    assert CompleteSync.objects.get().scheduled_date.isoformat() == "2026-03-01"


def test_connections_of_today_do_not_make_the_day_due(acme) -> None:
    three_worlds(acme)
    ProviderConnection.objects.update(created_at=NIGHT + timedelta(hours=4))

    assert complete.request_due_complete_syncs(now=NIGHT + timedelta(hours=5)) == []


def test_beat_that_runs_twice_begins_the_day_once(acme, monkeypatch) -> None:
    three_worlds(acme)
    made_before(acme)
    monkeypatch.setattr(
        complete, "_had_its_day", lambda organization, day: False
    )  # both look before either writes

    first = complete.request_due_complete_syncs(now=NIGHT)
    second = complete.request_due_complete_syncs(now=NIGHT)  # joins
    run(CompleteSync.objects.get(), NIGHT)
    third = complete.request_due_complete_syncs(now=NIGHT)  # the day is over: the constraint says no

    assert (len(first), second, third) == (1, [], [])
    assert CompleteSync.objects.count() == 1


def test_beat_that_runs_twice_syncs_a_due_connection_once(acme, monkeypatch) -> None:
    world = World()
    connection = connect(acme, world)
    ProviderConnection.objects.filter(pk=connection.pk).update(next_sync_at=instant())
    stale = list(ProviderConnection.objects.due(instant(1)))

    class Stale(list):
        def order_by(self, *_: str) -> list:
            return self

    monkeypatch.setattr(type(ProviderConnection.objects.all()), "due", lambda self, now: Stale(stale))
    monkeypatch.setattr(
        type(ProviderConnection.objects), "due", lambda self, now: Stale(stale), raising=False
    )
    (first,) = services.request_due_syncs(now=instant(1))
    services.run_snapshot(snapshot_id=first, now=instant(1))
    stale[0].next_sync_at = instant()  # the other beat's list, read before the first one wrote

    assert services.request_due_syncs(now=instant(1)) == []
    assert SyncSnapshot.objects.count() == 1


def test_organizations_take_turns(acme) -> None:
    other = OrganizationFactory()
    many = [connect(acme, World(), name=f"a{number}") for number in range(3)]
    few = [connect(other, World(), name=f"b{number}") for number in range(2)]
    ProviderConnection.objects.filter(organization=acme).update(next_sync_at=instant())
    ProviderConnection.objects.filter(organization=other).update(next_sync_at=instant(0.5))

    queued = services.request_due_syncs(now=instant(1))

    order = [SyncSnapshot.objects.get(pk=pk).connection_id for pk in queued]
    assert order == [many[0].pk, few[0].pk, many[1].pk, few[1].pk, many[2].pk]


def test_a_day_of_missed_syncs_is_caught_up_by_one(acme) -> None:
    connection = connect(acme, World())
    ProviderConnection.objects.filter(pk=connection.pk).update(next_sync_at=instant())

    first = services.request_due_syncs(now=instant(5))
    again = services.request_due_syncs(now=instant(5) + timedelta(minutes=1))

    assert (len(first), again) == (1, [])


# The circuit


def test_five_failures_in_a_row_stop_it_until_somebody_tries_again(acme) -> None:
    world = World()
    world.error = refusal()
    connection = connect(acme, world)
    for day in range(5):
        connection.refresh_from_db()
        assert not connection.is_given_up
        ProviderConnection.objects.filter(pk=connection.pk).update(next_sync_at=instant(day))
        (snapshot_id,) = services.request_due_syncs(now=instant(day))
        services.run_snapshot(snapshot_id=snapshot_id, now=instant(day))

    connection.refresh_from_db()
    assert (connection.is_given_up, connection.next_sync_at) == (True, None)
    assert services.request_due_syncs(now=instant(50)) == []
    with pytest.raises(services.SyncNotPossible):
        request(acme, trigger=SyncTrigger.SCHEDULED)
    world.error = None

    sync(connection, instant(51))

    connection.refresh_from_db()
    assert (connection.is_given_up, connection.consecutive_failures) == (False, 0)
    assert connection.next_sync_at is not None


def test_try_that_fails_again_counts_from_one(acme) -> None:
    world = World()
    world.error = refusal()
    connection = connect(acme, world)
    ProviderConnection.objects.filter(pk=connection.pk).update(consecutive_failures=7, next_sync_at=None)
    connection.refresh_from_db()

    sync(connection, instant())

    connection.refresh_from_db()
    assert (connection.consecutive_failures, connection.is_given_up) == (1, False)
