"""What a sync asked of its provider stays with its snapshot: stored small, read back whole, attempts before it told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import OrganizationFactory
from providers.contract.errors import AuthenticationFailed, ProviderUnavailable
from providers.contract.trace import (
    MAX_CALLS,
    MAX_STATUSES,
    MAX_TEXT,
    CallName,
    ReadingTrace,
    WaitKind,
)
from syncs import services
from syncs.engine import traces
from syncs.models import SyncSnapshot, SyncTrace, SyncTrigger

from .factories import SnapshotFactory
from .world import RatesCloud, World, connect, instant, sync, unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

LIST = CallName(api="cloud", call="GET /v1/servers", region="ru-1")


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world's resources are listed by one call that had to be asked twice."""
    plain = RatesCloud.resources

    def resources(plugin: RatesCloud) -> Iterator[Any]:
        trace = plugin.context.trace
        trace.answered(LIST, status=503, seconds=0.5)
        trace.repeated(LIST)
        trace.answered(LIST, status=200, seconds=0.25, size_bytes=120)
        yield from plain(plugin)

    monkeypatch.setattr(RatesCloud, "resources", resources)


def trace_of(snapshot: SyncSnapshot) -> traces.Trace:
    return traces.restored(SyncTrace.objects.get(snapshot=snapshot))


@pytest.mark.usefixtures("asking")
def test_a_sync_keeps_its_steps_and_calls():
    world = World()
    world.put("vps:1", daily="22")
    world.put("vps:2", daily="22")

    snapshot = sync(connect(OrganizationFactory(), world), at=instant(1))

    row = SyncTrace.objects.get(snapshot=snapshot)
    assert row.organization_id == snapshot.organization_id
    assert [(step["name"], step.get("records", 0)) for step in row.steps] == [
        ("account", 1),
        ("charges", 0),
        ("resources", 2),
        ("usage", 0),
    ]
    assert row.calls == [
        {
            "step": "resources",
            "api": "cloud",
            "call": "GET /v1/servers",
            "region": "ru-1",
            "requests": 2,
            "statuses": {"503": 1, "200": 1},
            "repeats": 1,
            "wire": 0.75,
            "slowest": 0.5,
            "bytes": 120,
        }
    ]
    assert row.waits == {}
    assert row.earlier == []
    assert snapshot.timings["collect"] >= 0
    assert {"collect", "billing"} <= snapshot.timings.keys()


@pytest.mark.usefixtures("asking")
def test_a_sync_that_was_tried_again_tells_of_the_attempt_before():
    world = World()
    world.error = unavailable(retry_after=0)
    connection = connect(OrganizationFactory(), world)
    snapshot, _joined = services.request_sync(
        connection=connection, trigger=SyncTrigger.MANUAL, now=instant(1)
    )
    with pytest.raises(ProviderUnavailable):
        services.run_snapshot(snapshot_id=snapshot.pk, now=instant(1))
    world.error = None

    services.run_snapshot(snapshot_id=snapshot.pk, now=instant(1) + timedelta(minutes=10))

    found = trace_of(snapshot)
    (before,) = found.earlier
    assert (before.number, before.request_count, before.error["code"]) == (1, 2, "provider_unavailable")
    assert [step.error_code for step in found.reading.steps] == ["", "", "", ""]
    assert found.reading.request_count == 2


def test_a_sync_that_failed_keeps_what_it_asked():
    world = World()
    world.error = AuthenticationFailed("The password is wrong.", provider="world", operation="sign in")

    snapshot = sync(connect(OrganizationFactory(), world), at=instant(1))

    found = trace_of(snapshot)
    assert snapshot.status == "error"
    assert [(step.name, step.error_code) for step in found.reading.steps] == [
        ("account", "authentication_failed")
    ]
    assert found.earlier == ()


def test_a_worker_that_lost_its_lease_keeps_nothing(monkeypatch: pytest.MonkeyPatch):
    world = World()
    connection = connect(OrganizationFactory(), world)
    plain = RatesCloud.resources

    def resources(plugin: RatesCloud) -> Iterator[Any]:
        SyncSnapshot.objects.filter(connection=connection).update(lease_token="another")
        yield from plain(plugin)

    monkeypatch.setattr(RatesCloud, "resources", resources)
    snapshot, _joined = services.request_sync(
        connection=connection, trigger=SyncTrigger.MANUAL, now=timezone.now()
    )

    services.run_snapshot(snapshot_id=snapshot.pk, now=timezone.now())

    assert not SyncTrace.objects.exists()


def test_what_is_stored_is_read_back():
    trace = ReadingTrace()
    with trace.step("charges") as step:
        step.record_count = 3
        trace.answered(LIST, status=200, seconds=0.25, size_bytes=9)
        trace.received(LIST, seconds=0.5, request_seconds=0.75, size_bytes=90)
        trace.given_up(LIST, tries=5)
    figures = trace.figures()
    figures.wait_seconds[WaitKind.ASKED] = 12.0
    figures.calls[0].wait_seconds[WaitKind.ASKED] = 12.0
    figures.steps[0].seconds = 1.5
    snapshot = SnapshotFactory()

    traces.keep(snapshot, figures)

    assert trace_of(snapshot).reading == figures


def test_the_largest_trace_is_small():
    trace = ReadingTrace()
    for number in range(10 * MAX_CALLS):
        name = CallName(api="a" * 1000, call=f"{number:04} {'/' * 1000}", region="r" * 1000)
        for status in range(100, 600, 20):
            trace.answered(name, status=status, seconds=0.123456789, size_bytes=10**9)
    snapshot = SnapshotFactory()

    traces.keep(snapshot, trace.figures())

    row = SyncTrace.objects.get(snapshot=snapshot)
    assert len(row.calls) == MAX_CALLS + 1
    assert len(json.dumps(row.calls)) < MAX_CALLS * (4 * MAX_TEXT + 20 * MAX_STATUSES + 200)


def test_a_sync_without_a_trace_has_an_empty_one():
    assert traces.restored(None).is_empty
