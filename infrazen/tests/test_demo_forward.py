"""The demo's clock goes forward: through real syncs, for the pages and the providers alike, and for nobody else's data."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.tests.factories import OrganizationFactory
from common import clock
from costs.models import DailyCost
from infrazen import embedded
from infrazen.demo import operations, state
from infrazen.demo.errors import DemoError
from infrazen.demo.forward import forward
from infrazen.health import work
from infrazen.tests.demo_folder import NOW, Demo
from providers.emulators.faults import Fault
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.complete import advance_complete_sync, request_complete_sync
from syncs.models import SyncSnapshot, SyncStatus, SyncTrigger

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def spent(organization: Any, day: date) -> Decimal:
    total = DailyCost.objects.of(organization).filter(date=day).aggregate(total=Sum("billed_cost"))["total"]
    return Decimal(total or 0).quantize(Decimal("0.01"))


def test_a_day_goes_by_with_its_scheduled_syncs(small_demo: Demo) -> None:
    before = len(small_demo.snapshots())

    syncs = forward(days=1)

    new = small_demo.snapshots()[before:]
    assert abs(timezone.now() - clock.machine_now() - timedelta(days=1)) < timedelta(seconds=30)
    assert {snapshot.trigger for snapshot in new} == {SyncTrigger.SCHEDULED}
    assert syncs == {"success": len(new)}
    assert len(new) in (3, 4)  # every six hours and a bit
    assert all(
        timedelta(hours=6) <= later.observed_at - earlier.observed_at < timedelta(hours=7)
        for earlier, later in pairwise(new)
    )


def test_the_day_that_went_by_costs_what_the_provider_says(small_demo: Demo) -> None:
    forward(days=2)

    assert timezone.localdate() == date(2026, 11, 23)
    assert spent(small_demo.organization, date(2026, 11, 22)) == Decimal("3475.00")


def test_forward_twice_goes_on_from_where_the_first_ended(small_demo: Demo) -> None:
    forward(days=1)
    first = timezone.now()
    forward(days=1)

    observed = [snapshot.observed_at for snapshot in small_demo.snapshots()]
    assert timedelta(days=1) <= timezone.now() - first < timedelta(days=1, seconds=60)
    assert observed == sorted(observed)
    assert small_demo.state.ahead > timedelta(days=1, hours=23)


def test_progress_is_told_and_remembered(small_demo: Demo) -> None:
    told: list[tuple[int, int]] = []

    forward(days=2, listener=lambda done, total: told.append((done, total)))

    work = small_demo.state.operation
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert work is not None
    assert (work.name, work.done, work.total, work.error) == ("forward", 2, 2, None)
    assert work.ended_at is not None
    assert sum(work.syncs.values()) >= 6


def test_other_organizations_are_not_read(small_demo: Demo) -> None:
    others = ConnectionFactory(organization=OrganizationFactory(), next_sync_at=NOW)

    forward(days=1)

    assert not SyncSnapshot.objects.filter(connection=others).exists()
    others.refresh_from_db()
    assert others.next_sync_at == NOW


def test_a_connection_that_is_not_synced_by_itself_is_left_alone(small_demo: Demo) -> None:
    ProviderConnection.objects.filter(pk=small_demo.connection().pk).update(auto_sync=False)
    before = len(small_demo.snapshots())

    assert forward(days=1) == {}
    assert len(small_demo.snapshots()) == before


def test_while_it_is_served_the_emulators_of_the_server_move_too(small_demo: Demo) -> None:
    with small_demo.served() as server:
        forward(days=1)

        assert abs(server.clock.now() - timezone.now()) < timedelta(seconds=5)
        assert server.clock.running
        assert any(record.time > NOW + timedelta(hours=5) for record in server.requests)


def test_a_complete_sync_that_is_under_way_ends_before_the_clock_moves(small_demo: Demo) -> None:
    begun, _joined = request_complete_sync(
        organization=small_demo.organization, trigger=SyncTrigger.SCHEDULED, now=timezone.now()
    )
    [child] = advance_complete_sync(complete_sync_id=begun.pk, now=timezone.now())

    syncs = forward(days=1)

    begun.refresh_from_db()
    child = SyncSnapshot.objects.get(pk=child)
    assert (begun.status, child.status) == (SyncStatus.SUCCESS, SyncStatus.SUCCESS)
    assert begun.finished_at - begun.requested_at < timedelta(minutes=2)
    assert child.observed_at < NOW + timedelta(minutes=2)
    assert syncs == {"success": len(small_demo.snapshots()) - 1}


def test_a_provider_that_limits_is_asked_again_later(small_demo: Demo) -> None:
    due_at = small_demo.connection().next_sync_at
    assert due_at is not None
    with small_demo.served() as server:
        server.faults.add(
            Fault(
                kind="status",
                status=429,
                retry_after=0,
                family="beget",
                ends_at=due_at + timedelta(minutes=5),
            )
        )
        forward(days=1)

    first = small_demo.snapshots()[1]
    assert (first.status, first.attempt) == ("success", 2)
    assert timedelta(minutes=10) <= first.observed_at - due_at < timedelta(minutes=11)


def test_beat_is_not_taken_for_dead_because_the_clock_was_moved(bare_demo: Demo) -> None:
    PeriodicTask.objects.create(
        name="A task", task="a.task", interval=IntervalSchedule.objects.create(every=1, period="minutes")
    )
    PeriodicTask.objects.update(last_run_at=clock.machine_now())

    forward(days=3)

    age = work(timezone.now()).beat_age_seconds
    assert age is not None
    assert 0 <= age < 60


@pytest.mark.parametrize("days", [0, -1, 61])
def test_days_that_cannot_be_are_refused(bare_demo: Demo, days: int) -> None:
    with pytest.raises(DemoError, match=f"by 1 to 60 days at a time, not by {days}"):
        forward(days=days)

    assert bare_demo.state.ahead == timedelta()


def test_without_a_demo_there_is_nothing_to_move(db: None, demo_data: Path) -> None:
    with pytest.raises(DemoError, match=r"There is no demo in .*“make demo” makes one"):
        forward(days=1)

    assert list(demo_data.iterdir()) == []


def test_a_folder_whose_demo_organization_was_deleted_says_so(bare_demo: Demo) -> None:
    bare_demo.organization.delete()

    with pytest.raises(DemoError, match="There is no demo organization"):
        forward(days=1)


def test_production_is_never_touched(bare_demo: Demo, settings: Any) -> None:
    settings.IS_PRODUCTION = True

    with pytest.raises(DemoError, match="This is a production installation"):
        forward(days=1)


def test_two_do_not_work_on_the_demo_at_once(bare_demo: Demo) -> None:
    with operations.alone(), pytest.raises(DemoError, match="The demo is being worked on"):
        forward(days=1)

    assert bare_demo.state.operation is None


def test_a_server_without_a_demo_is_not_moved(bare_demo: Demo) -> None:
    with embedded.only_one(bare_demo.data), pytest.raises(DemoError, match="does not serve the demo"):
        forward(days=1)

    assert bare_demo.state.operation is not None
    assert bare_demo.state.operation.error is not None
    assert bare_demo.state.ahead == timedelta()


def test_a_server_whose_emulators_are_of_another_day_0_is_not_moved(bare_demo: Demo) -> None:
    with bare_demo.served() as server:
        server.set_anchor(date(2026, 11, 1))

        with pytest.raises(DemoError, match="does not serve the demo"):
            forward(days=1)


def test_no_server_can_start_meanwhile(bare_demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def listen(done: int, total: int) -> None:
        seen.append(embedded.is_served(bare_demo.data))

    forward(days=1, listener=listen)

    assert seen == [True, True]
    assert not embedded.is_served(bare_demo.data)


def test_the_clock_does_not_move_under_a_running_sync(
    bare_demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "QUIET_SECONDS", 0)
    SyncSnapshot.objects.create(
        organization=bare_demo.organization,
        connection=ConnectionFactory(organization=bare_demo.organization),
        trigger=SyncTrigger.MANUAL,
        status=SyncStatus.RUNNING,
        requested_at=NOW,
        lease_expires_at=NOW + timedelta(days=2),
    )

    with pytest.raises(DemoError, match="A sync has been running for three minutes"):
        forward(days=1)

    assert bare_demo.state.ahead == timedelta()


def test_work_that_breaks_off_is_remembered_as_such(
    small_demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**arguments: Any) -> None:
        raise RuntimeError("a slip of ours")

    monkeypatch.setattr("infrazen.demo.forward.run_snapshot", broken)

    with pytest.raises(RuntimeError):
        forward(days=1)

    work = small_demo.state.operation
    assert work is not None
    assert work.ended_at is not None
    assert work.error == {"message": "", "params": {}}


def test_state_of_an_earlier_version_is_read(demo_data: Path) -> None:
    (demo_data / clock.FILE).write_text('{"anchor": "2026-11-20"}')

    found = state.load(demo_data)

    assert found == state.State(anchor=date(2026, 11, 20))
