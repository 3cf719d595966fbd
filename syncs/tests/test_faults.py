"""What the engine makes of lists and bills that fail: nothing is lost and nothing is made up. Syncs of the model world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from costs.models import DailyCost
from providers.contract.errors import ProviderError, ProviderUnavailable, RateLimited, UnexpectedResponse
from providers.contract.records import Scope, ScopeResult, ScopeStatus
from providers.models import ProviderConnection
from syncs import laws, services
from syncs.models import ResourceState, ScopeCoverage, SyncSnapshot
from syncs.queries import coverage_problems

from .world import SERVERS, VOLUMES, LinesCloud, World, connect, instant, line, sync, unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    """Whatever fails, the laws hold at the end."""
    yield
    assert laws.violations() == []


@pytest.fixture
def acme() -> Organization:
    return OrganizationFactory()


def intervals(connection: ProviderConnection) -> list[tuple]:
    """Every state with its bounds: equal before and after where nothing was written."""
    rows = ResourceState.objects.filter(connection=connection).order_by("pk")
    return list(rows.values_list("pk", "opened_at", "closed_at"))


# ---- who belongs to whom ------------------------------------------------------------------------------------------


def test_a_volume_that_only_bears_its_servers_name_stays_with_it_while_servers_cannot_be_listed(acme) -> None:
    world = World()
    world.put("vps:1", name="web", daily="22")
    world.put("disk:1", name="disk-for-web", daily="3", scope=VOLUMES, kind="volume")
    world.put("disk:2", name="idle", daily="3", scope=VOLUMES, kind="volume")
    connection = connect(acme, world)
    sync(connection, instant(1))
    before = intervals(connection)
    world.scopes[SERVERS] = unavailable()

    sync(connection, instant(2))

    assert intervals(connection) == before
    world.scopes[SERVERS] = None
    world.remove("vps:1")

    sync(connection, instant(3))

    held = ResourceState.objects.open().filter(connection=connection)
    assert {state.name: (state.parent, state.is_orphan) for state in held} == {
        "disk-for-web": (None, True),
        "idle": (None, True),
    }


def test_what_mostly_costs_nothing_keeps_its_cost_while_the_bill_cannot_be_read(acme) -> None:
    world = World()
    world.put("router:1", is_free=True)
    world.bill(line("router:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    before = intervals(connection)
    world.bill_error = unavailable()

    snapshot = sync(connection, instant(2))

    assert intervals(connection) == before
    assert snapshot.totals.get().resources_daily_cost == Decimal(24)


# ---- services that are not there any more --------------------------------------------------------------------------

SHARES: Scope = ("project", "p1", "shares")


def absent(scope: Scope, error: ProviderError) -> ScopeResult:
    """What a plugin says of a list that it believes does not exist."""
    return ScopeResult(scope=scope, status=ScopeStatus.ABSENT)


@pytest.fixture
def with_shares(acme, monkeypatch) -> tuple[ProviderConnection, World]:
    """A server and a share, read on day 1; from then on the shares' service answers that it does not exist."""
    world = World(SERVERS, SHARES)
    world.put("vps:1", daily="22")
    world.put("share:1", daily="3", scope=SHARES, kind="share")
    connection = connect(acme, world)
    sync(connection, instant(1))
    monkeypatch.setattr("syncs.tests.world.not_complete", absent)
    world.scopes[SHARES] = unavailable()
    return connection, world


def problems(snapshot: SyncSnapshot) -> dict[str, str]:
    """{section: the beginning of the sentence that the page shows}."""
    return {each.scope: each.reason.partition(".")[0] for each in coverage_problems(snapshot)}


def test_a_service_that_existed_a_day_ago_and_is_denied_today_takes_nothing_with_it(with_shares) -> None:
    connection, world = with_shares
    before = intervals(connection)

    doubted = sync(connection, instant(1.9))

    assert intervals(connection) == before
    assert (doubted.status, doubted.stale_count) == ("partial", 1)
    assert problems(doubted) == {
        "project/p1/shares": "The provider says that this service does not exist here, and a day ago it did"
    }
    world.scopes[SHARES] = None

    assert sync(connection, instant(2)).status == "success"
    assert intervals(connection) == before


def test_a_service_that_is_missing_for_a_day_is_believed_to_be_gone(with_shares) -> None:
    connection, _world = with_shares
    sync(connection, instant(1.5))

    believed = [sync(connection, instant(day)) for day in (2, 2.5, 3)]

    assert [(snapshot.status, snapshot.deleted_count) for snapshot in believed] == [
        ("success", 1),
        ("success", 0),
        ("success", 0),
    ]


def test_what_is_billed_by_a_service_that_is_gone_is_a_zombie_once_and_for_all(acme, monkeypatch) -> None:
    world = World(SERVERS, SHARES)
    world.put("vps:1")
    world.put("share:1", scope=SHARES, kind="share")
    for day in range(6):
        world.bill(
            line("vps:1", "24", start=instant(day)), line("share:1", "24", start=instant(day), scope=SHARES)
        )
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    monkeypatch.setattr("syncs.tests.world.not_complete", absent)
    world.scopes[SHARES] = unavailable()

    statuses = []
    for day in (1.5, 2.5, 3.5, 4):
        snapshot = sync(connection, instant(day))
        share = ResourceState.objects.open().get(connection=connection, resource__resource_id="share:1")
        statuses.append((snapshot.status, share.status))

    assert statuses == [
        ("partial", "running"),
        ("success", "deleted_billed"),
        ("success", "deleted_billed"),
        ("success", "deleted_billed"),
    ]


# ---- bills that fail for long ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [3, 8, 40])
def test_a_bill_that_failed_for_days_is_read_from_where_it_ended(acme, days) -> None:
    world = World()
    world.put("vps:1")
    connection = connect(acme, world, plugin=LinesCloud)
    last = 20 + days
    for day in range(last + 1):
        world.bill(line("vps:1", "24", start=instant(day)))
        world.bill_error = unavailable() if 20 <= day < last else None
        sync(connection, instant(day + 1))

    facts = DailyCost.objects.filter(connection=connection).values_list("date", "billed_cost")
    assert dict(facts) == {instant(day).date(): Decimal(24) for day in range(last + 1)}


def test_a_connection_that_nobody_read_for_months_is_read_from_where_it_ended(acme) -> None:
    world = World()
    world.put("vps:1")
    connection = connect(acme, world, plugin=LinesCloud)
    world.bill(*(line("vps:1", "24", start=instant(day)) for day in range(3)))
    sync(connection, instant(3))
    world.bill(*(line("vps:1", "24", start=instant(day)) for day in range(3, 150)))

    sync(connection, instant(150))

    assert DailyCost.objects.filter(connection=connection).count() == 150


def test_a_bill_that_says_nothing_new_is_not_asked_for_all_its_past(acme) -> None:
    world = World()
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()))
    connection = connect(acme, world, plugin=LinesCloud)
    for day in (1, 150, 300):
        sync(connection, instant(day))

    assert world.periods[-1].start >= instant(150) - services.FIRST_PERIOD - timedelta(days=40)


def test_a_first_sync_without_a_bill_leaves_the_history_to_the_next(acme) -> None:
    world = World()
    world.put("vps:1")
    world.bill(*(line("vps:1", "24", start=instant(day)) for day in range(60)))
    world.bill_error = unavailable()
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(60))
    world.bill_error = None

    sync(connection, instant(61))

    assert DailyCost.objects.filter(connection=connection).count() == 60


# ---- what nothing was heard of --------------------------------------------------------------------------------------


def reason_of(connection: ProviderConnection, scope: str) -> str:
    row = ScopeCoverage.objects.get(snapshot__connection=connection, snapshot__is_current=True, scope=scope)
    assert row.status == ScopeCoverage.Status.FAILED
    return row.message


def test_a_list_below_a_project_that_lets_nobody_in_has_the_projects_reason(acme) -> None:
    world = World(("project", "p1", "servers"), ("project", "p2", "servers"))
    for project in ("p1", "p2"):
        world.put(f"vps:{project}", daily="22", scope=("project", project, "servers"))
    connection = connect(acme, world)
    sync(connection, instant(1))
    world.scopes = {("project", "p1"): unavailable(), ("project", "p2", "servers"): None}

    sync(connection, instant(2))

    assert reason_of(connection, "project/p1/servers") == "The provider does not answer."


def test_a_list_that_is_not_mentioned_any_more_says_so(acme) -> None:
    world = World(("project", "p1", "servers"), ("project", "p2", "servers"))
    world.put("vps:1", daily="22", scope=("project", "p1", "servers"))
    connection = connect(acme, world)
    sync(connection, instant(1))
    world.scopes = {("project", "p2", "servers"): None}

    sync(connection, instant(2))

    assert reason_of(connection, "project/p1/servers").startswith("The provider did not show this part")


def test_what_only_the_bill_knows_has_the_bills_reason(acme) -> None:
    world = World()
    world.put("vps:1")
    world.bill(line("vps:1", "24", start=instant()), line("traffic", "24", start=instant(), scope=None))
    connection = connect(acme, world, plugin=LinesCloud)
    sync(connection, instant(1))
    world.bill_error = unavailable()

    sync(connection, instant(2))

    assert reason_of(connection, "billing/World%2Facc-1") == "The provider does not answer."


# ---- nothing answered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "attempts"),
    [
        (unavailable(), "provider_unavailable", 3),
        (RateLimited("Slower.", provider="world", operation="list"), "rate_limited", 3),
        (UnexpectedResponse("No list.", provider="world", operation="list"), "unexpected_response", 1),
    ],
)
def test_a_sync_of_which_nothing_could_be_read_fails_as_its_lists_did(
    acme, error: ProviderError, code: str, attempts: int
) -> None:
    world = World(SERVERS)
    connection = connect(acme, world)
    world.account_error = error
    world.scopes[SERVERS] = error

    snapshot = sync_to_its_end(connection, instant(1))

    assert (snapshot.error["code"], snapshot.attempt) == (code, attempts)


def sync_to_its_end(connection: ProviderConnection, at: datetime) -> SyncSnapshot:
    """Tries again while the provider is not available, as a worker does."""
    while True:
        with suppress(ProviderUnavailable):
            return sync(connection, at)
