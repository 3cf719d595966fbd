"""The demo: real plugins and the real engine over emulated providers, compared with the emulators' own ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum

from accounts.models import Organization
from costs.anomalies.models import Anomaly
from costs.anomalies.wording import explanation
from costs.budgets.models import Budget, BudgetPeriod
from costs.models import CostShare, DailyCost
from costs.queries import run_rate
from infrazen import demo
from inventory.models import Tag
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection
from syncs.models import ResourceState, SnapshotTotal, SyncSnapshot

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ANCHOR = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
PLAN = demo.Plan.load()
TODAY = replace(PLAN, history_days=0)
"""All four connections, read once: their bills reach back all the same."""

TWO_DAYS = replace(
    PLAN,
    history_days=2,
    connections=tuple(each for each in PLAN.connections if each["provider_type"] == "beget"),
)
"""The two quick ones, read on the two days before and now."""


@pytest.fixture
def providers(settings: Any) -> Iterator[EmulatorServer]:
    settings.EMULATOR_URL = settings.EMULATOR_URL  # what the demo sets is set back afterwards
    settings.DEMO_MODE = settings.DEMO_MODE
    with demo.emulated_providers(ANCHOR, PLAN) as server:
        yield server


def replayed(
    server: EmulatorServer, plan: demo.Plan, *, now: datetime = NOW, opens_admin: bool = False
) -> Organization:
    return demo.replay(
        server=server, plan=plan, anchor=ANCHOR, now=now, opens_admin=opens_admin, say=lambda line: None
    )


def test_replay_comes_to_the_sums_that_the_product_promises(providers: EmulatorServer) -> None:
    organization = replayed(providers, TODAY)

    rates = run_rate(organization)
    monthly = {
        connection.connection_name: rates.connections[connection.pk].monthly.quantize(Decimal(1))
        for connection in ProviderConnection.objects.of(organization)
    }
    assert monthly == {
        "Selectel BU-A": Decimal(166_600),
        "Selectel BU-B": Decimal(104_300),
        "Beget Prod": Decimal(104_250),
        "Beget Dev": Decimal(41_850),
    }
    assert not SnapshotTotal.objects.exclude(unexplained_daily_cost=0).exists()
    assert Tag.objects.of(organization).filter(resource__name="vps-app-01", key="env").get().value == "prod"
    assert allocated_share(organization, "business_unit") >= Decimal("0.85")
    assert allocated_share(organization, "environment") >= Decimal("0.85")
    shares = (
        CostShare.objects.of(organization).order_by().values_list("resource__name", "dimensions__project")
    )
    assert set(shares.filter(resource__resource_type="server").distinct()) == {
        (server, customer)
        for server in ("api-backend-prod-01", "db-postgres-prod-01")
        for customer in ("Клиент A", "Клиент B")
    }
    assert_the_egress_of_day_minus_nine_is_explained(organization)
    budget = BudgetPeriod.objects.of(organization).get(budget__name="BU-B")
    assert (budget.limit, budget.will_exceed, budget.is_exceeded) == (95_000, True, False)
    assert Budget.objects.of(organization).get(name="Вся организация").children.get() == budget.budget


def assert_the_egress_of_day_minus_nine_is_explained(organization: Organization) -> None:
    anomaly = Anomaly.objects.of(organization).get(resource__name="analytics-etl-01")
    first = ANCHOR - timedelta(days=9)

    assert (anomaly.first_date, anomaly.last_date) == (first, first + timedelta(days=1))
    assert anomaly.excess == Decimal(9000)
    told = explanation(anomaly)
    assert [(row.title, row.amount) for row in told.rows] == [("More use, Интернет-трафик", Decimal(9000))]
    assert told.rest == 0


def allocated_share(organization: Organization, dimension: str) -> Decimal:
    """How much of the run rate has a value."""
    states = ResourceState.objects.of(organization).open().exclude(daily_cost=None)
    whole, covered = (
        sum((state.daily_cost for state in rows), Decimal(0))
        for rows in (states, states.exclude(**{f"resource__{dimension}": ""}))
    )
    return covered / whole


def test_daily_costs_of_a_billed_cloud_equal_what_was_charged(providers: EmulatorServer) -> None:
    organization = replayed(providers, TODAY)
    start = datetime(2026, 9, 1, tzinfo=demo.ZONE)
    end = datetime(2026, 11, 20, tzinfo=demo.ZONE)

    for account, name in (("101001", "Selectel BU-A"), ("101002", "Selectel BU-B")):
        booked = providers.charges("selectel", account, start, end)["days"]
        charged = {str(day): Decimal(str(kopecks)) / 100 for day, kopecks in dict(booked).items()}
        stored = (
            DailyCost.objects.of(organization)
            .filter(connection__connection_name=name, date__gte=start.date(), date__lt=end.date())
            .values_list("date")
            .annotate(total=Sum("billed_cost"))
        )

        assert len(charged) == 80
        assert {day.isoformat(): total.quantize(Decimal("0.01")) for day, total in stored} == charged


def test_a_sync_that_meets_the_rate_limit_succeeds_on_its_retry(providers: EmulatorServer) -> None:
    organization = replayed(providers, TWO_DAYS)

    snapshots = SyncSnapshot.objects.of(organization).filter(connection__connection_name="Beget Prod")

    assert list(snapshots.order_by("observed_at").values_list("status", "attempt")) == [
        ("success", 1),
        ("success", 2),
        ("success", 1),
    ]


def test_second_start_goes_on_where_the_first_ended(providers: EmulatorServer) -> None:
    organization = replayed(providers, TWO_DAYS)
    before = SyncSnapshot.objects.count()

    assert replayed(providers, TWO_DAYS) == organization
    assert SyncSnapshot.objects.count() == before

    replayed(providers, TWO_DAYS, now=NOW + timedelta(hours=1))
    assert SyncSnapshot.objects.count() == before + 2


@pytest.mark.parametrize("opens_admin", [True, False])
def test_admin_is_open_only_where_nobody_else_can_come(providers: EmulatorServer, opens_admin: bool) -> None:
    organization = replayed(providers, TWO_DAYS, opens_admin=opens_admin)

    user = organization.memberships.get().user

    assert (user.is_superuser, user.is_staff) == (opens_admin, opens_admin)
    assert not user.has_usable_password()


def test_anchor_is_the_day_of_the_first_start(tmp_path: Path) -> None:
    assert demo.remembered_anchor(tmp_path, today=ANCHOR) == ANCHOR
    assert demo.remembered_anchor(tmp_path, today=ANCHOR + timedelta(days=3)) == ANCHOR
