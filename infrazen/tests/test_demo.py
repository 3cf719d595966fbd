"""The demo: real plugins and the real engine over emulated providers, compared with the emulators' own ledgers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum

from accounts.models import Organization
from costs.allocation.queries import coverage, trees
from costs.anomalies.models import Anomaly
from costs.anomalies.wording import explanation
from costs.budgets.models import Budget, BudgetPeriod
from costs.explorer.causes import PRICE, UNEXPLAINED
from costs.explorer.difference import difference
from costs.explorer.dimensions import DIMENSIONS, TAG_PREFIX
from costs.explorer.filters import Filters
from costs.explorer.periods import Span
from costs.explorer.queries import explore, tag_keys
from costs.explorer.view import View
from costs.focus.exports import Export, table_rows
from costs.focus.rows import sums_of
from costs.models import CostShare, DailyCost
from costs.queries import run_rate, spend
from costs.reports.sections import Frame
from costs.reports.sections.budgets import Budgets
from costs.reports.sections.figures import Figures
from costs.reports.sections.views import ExplorerView
from costs.unit_costs.models import UnitMetric
from costs.unit_costs.queries import unit_costs
from infrazen import demo
from inventory.models import Tag
from providers.emulators.server import EmulatorServer
from providers.models import ProviderConnection
from syncs.models import ResourceState, SnapshotTotal, SyncSnapshot

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ANCHOR = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
KOPECK = Decimal("0.01")
PLAN = demo.Plan.load()
TODAY = replace(PLAN, history_days=0)
"""All four connections, read once: their bills reach back all the same."""

TWO_DAYS = replace(
    PLAN,
    history_days=2,
    connections=tuple(each for each in PLAN.connections if each["provider_type"] == "beget"),
)
"""The two quick ones, read on the two days before and now."""

ONCE = replace(TWO_DAYS, history_days=0, connections=TWO_DAYS.connections[:1])
"""One of them, read now."""


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
    assert_the_dearer_memory_of_day_minus_sixty_is_explained(organization)
    assert_every_door_says_the_same_sum(organization)
    assert_daily_costs_of_a_billed_cloud_equal_what_was_charged(organization, providers)
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


def assert_the_dearer_memory_of_day_minus_sixty_is_explained(organization: Organization) -> None:
    """Two weeks before against two weeks after, so that the weekdays are the same."""
    changed = ANCHOR - timedelta(days=60)
    before = Span(changed - timedelta(days=14), changed - timedelta(days=1))
    after = Span(changed + timedelta(days=1), changed + timedelta(days=14))

    found = difference(organization, before, after)

    causes = {one.cause: one for one in found.causes}
    price = causes[PRICE]
    assert found.unexplained == 0
    assert UNEXPLAINED not in causes
    assert price.amount == Decimal("1128.96")
    assert {effect.label for effect in price.effects} == {"Оперативная память"}
    changed_resources = [found.resources[effect.resource_id] for effect in price.effects]
    assert {resource.connection.provider_type for resource in changed_resources} == {"selectel"}


def assert_every_door_says_the_same_sum(organization: Organization) -> None:
    """This month's spend wherever it stands, each against each other, to the kopeck."""
    month = Span(date(2026, 11, 1), date(2026, 11, 30))
    sums = sums_of_every_door(organization, month)

    assert len(sums) > 30
    assert min(sums.values()) > 0
    for (one, amount), (other, another) in combinations(sums.items(), 2):
        assert abs(amount - another) < KOPECK / 2, (one, other)


def sums_of_every_door(organization: Organization, month: Span) -> dict[str, Decimal]:
    """By the name of the door, what it says was billed."""
    sums: dict[str, Decimal] = {}
    keys = [kind.key for kind in DIMENSIONS] + [TAG_PREFIX + key for key in tag_keys(organization)]
    for key in keys:
        found = explore(organization, View(period=str(month), group_by=(key,)), NOW)
        listed = [*found.rows, *(row for row in (found.shared, found.rest) if row)]
        sums[f"explorer by {key}, total"] = found.whole.total or Decimal(0)
        sums[f"explorer by {key}, rows"] = sum((row.total or Decimal(0) for row in listed), Decimal(0))
        sums[f"explorer by {key}, chart"] = added(value for series in found.series for value in series.values)
    dashboard = spend(organization, month.first, month.last)
    sums["dashboard"] = dashboard.total or Decimal(0)
    sums["dashboard by connection"] = added(one.total for one in dashboard.daily.connections)
    period = BudgetPeriod.objects.of(organization).get(
        budget__name="Вся организация", first_date=month.first, last_date=month.last
    )
    sums["budget"] = period.actual_cost
    sums |= sums_of_reports(organization, month, period)
    sums["FOCUS facts"] = sums_of(organization, month, Filters())["RUB"][0]
    export = Export(organization=organization, span=month)
    billed = [column.name for column in export.columns].index("BilledCost")
    sums["FOCUS rows"] = added(row[billed] for row in table_rows(export))
    metric = UnitMetric.objects.create(organization=organization, name="Orders", unit="order")
    units = unit_costs(organization, metric, period=str(month), step="day", now=NOW)
    sums["unit economics"] = units.whole.cost or Decimal(0)
    sums["unit economics by day"] = added(step.cost for step in units.steps)
    for one in coverage(organization, first=month.first, last=month.last):
        sums[f"coverage of {one.dimension}"] = one.covered + one.left
    for tree in trees(organization, first=month.first, last=month.last):
        roots = [row.cost_with_children for row in tree.rows if not row.depth]
        sums[f"tree of {tree.dimension}"] = added(
            [*roots, *(cost for _value, cost in tree.outside), tree.nothing]
        )
    return sums


def sums_of_reports(organization: Organization, month: Span, period: BudgetPeriod) -> dict[str, Decimal]:
    frame = Frame(organization=organization, period=str(month), span=month, today=ANCHOR, now=NOW)
    figures = Figures().build(frame, {}).figures
    views = ExplorerView().build(frame, {"query": "group=connection"}).tables
    budgets = Budgets().build(frame, {}).tables
    total = views[0].total
    assert total is not None
    row = next(row for row in budgets[0].rows if period.budget.name in str(row[0]))
    return {
        "report, key figure": Decimal(str(figures[0].value)),
        "report, view": Decimal(str(total[1])),
        "report, view's rows": added(row[1] for row in views[0].rows),
        "report, budget": Decimal(str(row[3])),
    }


def added(amounts: Iterable[Any]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def allocated_share(organization: Organization, dimension: str) -> Decimal:
    """How much of the run rate has a value."""
    states = ResourceState.objects.of(organization).open().exclude(daily_cost=None)
    whole, covered = (
        sum((state.daily_cost for state in rows), Decimal(0))
        for rows in (states, states.exclude(**{f"resource__{dimension}": ""}))
    )
    return covered / whole


def assert_daily_costs_of_a_billed_cloud_equal_what_was_charged(
    organization: Organization, providers: EmulatorServer
) -> None:
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
    organization = replayed(providers, ONCE, opens_admin=opens_admin)

    user = organization.memberships.get().user

    assert (user.is_superuser, user.is_staff) == (opens_admin, opens_admin)
    assert not user.has_usable_password()


def test_anchor_is_the_day_of_the_first_start(tmp_path: Path) -> None:
    assert demo.remembered_anchor(tmp_path, today=ANCHOR) == ANCHOR
    assert demo.remembered_anchor(tmp_path, today=ANCHOR + timedelta(days=3)) == ANCHOR
