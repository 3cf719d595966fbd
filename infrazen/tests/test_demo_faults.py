"""Faults of the demo: each can be switched on and off, does what its text says, and costs nothing that was known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from costs.queries import run_rate
from infrazen import embedded
from infrazen.demo import catalogue, switches
from infrazen.demo.emulators import Emulators, tell
from infrazen.demo.errors import DemoError
from infrazen.demo.faults import Offer, offers, told_events, told_faults
from infrazen.demo.forward import forward
from infrazen.demo.serve import prepare
from infrazen.demo.state import Switched
from infrazen.tests.demo_folder import NOW, WHOLE_PLAN, Demo
from providers.contract.errors import ProviderUnavailable
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection
from syncs.models import (
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncTrigger,
    UnrecognizedResource,
)
from syncs.services import MAX_ATTEMPTS, request_sync, run_snapshot

pytestmark = pytest.mark.once

ALL_OFFERS = offers(WHOLE_PLAN, ())


def sync(connection: ProviderConnection) -> SyncSnapshot:
    """By hand, with the tries that a worker would make."""
    now = timezone.now()
    snapshot, _joined = request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=now)
    for attempt in range(MAX_ATTEMPTS):
        try:
            run_snapshot(snapshot_id=snapshot.pk, now=now + timedelta(minutes=attempt))
        except ProviderUnavailable:
            continue
        break
    snapshot.refresh_from_db()
    return snapshot


def on(key: str, connection: str = "") -> None:
    switches.switch_on(key=key, connection=connection, now=timezone.now())


def off(key: str, connection: str = "") -> None:
    switches.switch_off(key=key, connection=connection, now=timezone.now())


def known(organization: Organization) -> set[tuple[str, Decimal | None]]:
    """What exists and what it costs a day."""
    return set(
        ResourceState.objects.of(organization).open().values_list("resource__resource_id", "daily_cost")
    )


def monthly(organization: Organization) -> Decimal:
    rate = run_rate(organization).monthly
    assert rate is not None
    return rate.quantize(Decimal("0.01"))


@pytest.mark.parametrize("chosen", ALL_OFFERS, ids=lambda each: f"{each.fault.key}-{each.target.connection}")
def test_the_emulators_take_every_fault_on_and_off(server: EmulatorServer, chosen: Offer) -> None:
    switched = Switched(fault=chosen.fault.key, connection=chosen.target.connection, since=NOW)
    ended = replace(switched, until=NOW + timedelta(hours=5))

    tell(Emulators(server.url), WHOLE_PLAN, [switched])

    switched_on = [fault for fault in server.faults.as_json() if not fault["scheduled"]]
    assert len(switched_on) == len(told_faults(WHOLE_PLAN, [switched]))
    assert len(server.events) == len(told_events(WHOLE_PLAN, [switched]))
    assert switched_on or server.events
    tell(Emulators(server.url), WHOLE_PLAN, [ended])
    assert all(fault["scheduled"] for fault in server.faults.as_json())
    assert len(server.events) == len(told_events(WHOLE_PLAN, [ended]))


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    """One for all tests that only tell it something."""
    with EmulatorServer(Scenario.load("demo", anchor=NOW.date()), now=NOW) as running:
        yield running


def test_every_offer_says_what_is_seen_and_how_to_get_back() -> None:
    for each in ALL_OFFERS:
        assert each.title
        assert "%(" not in each.sees
        assert each.back
    assert {each.target.connection for each in ALL_OFFERS} == {
        "Selectel BU-A",
        "Selectel BU-B",
        "Beget Prod",
        "Beget Dev",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "status", "error_code", "unread"),
    [
        ("truncated-page", "partial", None, {"vps"}),
        ("server-error", "partial", None, {"vps", "services"}),
        ("missing-right", "partial", None, {"domains"}),
        ("rate-limit", "error", "rate_limited", None),
        ("wrong-password", "error", "authentication_failed", None),
        ("slow", "success", None, set()),
    ],
)
def test_a_fault_costs_nothing_that_was_known_and_ends_when_it_is_off(
    small_demo: Demo,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    status: str,
    error_code: str | None,
    unread: set[str] | None,
) -> None:
    monkeypatch.setattr(catalogue, "SLOW_SECONDS", 0.01)
    before = known(small_demo.organization)
    with small_demo.served():
        on(key)
        struck = sync(small_demo.connection())
        off(key)
        healed = sync(small_demo.connection())

    assert struck.status == status
    assert struck.error.get("code") == error_code
    assert struck.deleted_count == 0
    if unread is not None:
        not_read = ScopeCoverage.objects.filter(snapshot=struck).exclude(status__in=("complete", "absent"))
        assert unread <= {
            scope for path in not_read.values_list("scope", flat=True) for scope in path.split("/")
        }
        assert bool(not_read) == bool(unread)
    assert healed.status == "success"
    assert healed.deleted_count == 0
    assert known(small_demo.organization) == before


@pytest.mark.django_db
def test_a_price_that_triples_is_a_change_with_both_prices(small_demo: Demo) -> None:
    before = monthly(small_demo.organization)
    with small_demo.served():
        on("cost-jump", "Beget Prod")
        sync(small_demo.connection())
        dearer = monthly(small_demo.organization)
        off("cost-jump")
        sync(small_demo.connection())

    states = ResourceState.objects.of(small_demo.organization).filter(resource__name="vps-app-01")
    assert dearer - before == Decimal("25000.00")
    assert monthly(small_demo.organization) == before
    assert [
        round(cost * 30) for cost in states.order_by("opened_at").values_list("daily_cost", flat=True)
    ] == [
        12500,
        37500,
        12500,
    ]


@pytest.mark.django_db
def test_a_server_that_is_deleted_ends_and_comes_back(small_demo: Demo) -> None:
    with small_demo.served():
        on("server-gone")
        gone = sync(small_demo.connection())
        off("server-gone")
        back = sync(small_demo.connection())

    assert (gone.status, gone.deleted_count) == ("success", 1)
    assert (back.status, back.created_count) == ("success", 1)


@pytest.mark.django_db
def test_a_region_that_is_down_deletes_nothing(selectel_demo: Demo) -> None:
    demo = selectel_demo
    before = known(demo.organization)
    with demo.served():
        on("region-down")
        struck = sync(demo.connection("Selectel BU-B"))
        kept = known(demo.organization)
        off("region-down")
        healed = sync(demo.connection("Selectel BU-B"))

    assert (struck.status, struck.deleted_count) == ("partial", 0)
    assert struck.stale_count > 0
    assert kept == before == known(demo.organization)
    assert (healed.status, healed.stale_count) == ("success", 0)


@pytest.mark.django_db
def test_a_day_with_an_unknown_type_and_a_zombie(selectel_demo: Demo) -> None:
    demo = selectel_demo
    before = monthly(demo.organization)
    on("unknown-type")
    on("server-gone")

    forward(days=1)

    unknown = UnrecognizedResource.objects.filter(
        native_type=catalogue.UNKNOWN_METRIC, snapshot__is_current=True
    ).get()
    open_states = ResourceState.objects.of(demo.organization).open()
    assert unknown.daily_cost == Decimal(1200)
    assert open_states.get(resource__name="test-runner-01").status == "deleted_billed"
    assert monthly(demo.organization) == before + 36_000
    assert not SnapshotTotal.objects.exclude(unexplained_daily_cost=0).exists()

    switches.switch_all_off(now=timezone.now())
    forward(days=1)

    assert open_states.get(resource__name="test-runner-01").status == "running"
    assert monthly(demo.organization) == before


@pytest.mark.django_db
def test_an_unknown_fault_is_refused_with_those_that_there_are(bare_demo: Demo) -> None:
    with pytest.raises(DemoError, match=r"There is no fault “flood”. There are: region-down, rate-limit"):
        on("flood")
    with pytest.raises(DemoError, match="There is no fault “flood”"):
        off("flood")

    assert bare_demo.state.switched == ()


@pytest.mark.django_db
def test_a_connection_that_a_fault_is_not_for_is_refused(bare_demo: Demo) -> None:
    with pytest.raises(DemoError, match=r"not for a connection “Nobody's”\. It is for: “Beget Prod”"):
        on("timeout", "Nobody's")

    assert bare_demo.state.switched == ()


@pytest.mark.django_db
def test_switched_on_twice_is_on_once_and_off_is_off(bare_demo: Demo) -> None:
    on("timeout")
    on("timeout", "Beget Prod")
    assert [each.fault for each in bare_demo.state.switched] == ["timeout"]

    ended = switches.switch_off(key="timeout", now=timezone.now())
    again = switches.switch_off(key="timeout", now=timezone.now())

    assert [each.fault.key for each in ended] == ["timeout"]
    assert again == []
    assert bare_demo.state.switched == ()


@pytest.mark.django_db
def test_what_happened_keeps_its_end_and_may_happen_again(bare_demo: Demo) -> None:
    on("cost-jump")
    off("cost-jump")
    on("cost-jump")

    first, second = bare_demo.state.switched
    assert first.until is not None
    assert first.since < first.until < second.since
    assert second.until is None
    assert len(told_events(WHOLE_PLAN, bare_demo.state.switched)) == 2


@pytest.mark.django_db
def test_what_was_switched_while_nothing_runs_is_on_at_the_next_start(
    bare_demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    on("rate-limit")
    on("cost-jump")
    with ExitStack() as stack:
        prepare(stack, opens_admin=True, say=lambda line: None)
        emulators = Emulators(bare_demo.state.emulators)
        faults = emulators._call("GET", "faults")["faults"]

        assert emulators.is_of(bare_demo.state.anchor)

    assert [fault["status"] for fault in faults if not fault["scheduled"]] == [429]
    states = ResourceState.objects.of(bare_demo.organization).open()
    assert round(states.get(resource__name="vps-app-01").daily_cost) == 1250
    assert bare_demo.connection().last_sync_status == "success"  # faults strike from the next sync on


@pytest.mark.django_db
def test_a_server_that_does_not_serve_the_demo_is_told_nothing(bare_demo: Demo) -> None:
    with embedded.only_one(bare_demo.data), pytest.raises(DemoError, match="does not serve the demo"):
        on("rate-limit")

    assert bare_demo.state.switched == ()


@pytest.mark.django_db
def test_without_a_demo_nothing_can_be_switched(demo_data: Path) -> None:
    OrganizationFactory()

    with pytest.raises(DemoError, match="There is no demo"):
        on("rate-limit")

    assert list(demo_data.iterdir()) == []
