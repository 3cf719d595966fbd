"""Pages, API and admin of budgets, planned changes and forecasts: what they show, who may write, how many queries."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, UserFactory, member_of
from costs.budgets.models import Budget, BudgetPeriod, PlannedChange
from costs.budgets.tests.factories import (
    BudgetAlertFactory,
    BudgetFactory,
    BudgetPeriodFactory,
    PlannedChangeFactory,
)
from costs.tests.days import charge
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

LIST, NEW, FORECAST, CHANGES = (
    "/budgets/",
    "/budgets/new/",
    "/budgets/forecast/",
    "/budgets/changes/",
)
TODAY = timezone.now().date()
MONTH = TODAY.replace(day=1)
MONTH_END = (MONTH + timedelta(days=31)).replace(day=1) - timedelta(days=1)
FORM = {
    "name": "Production",
    "amount": "45000",
    "period": "month",
    "first_date": MONTH.isoformat(),
    "last_date": "",
    "actual_thresholds": "100, 80 %",
    "forecast_thresholds": "",
    "parent": "",
    "scope": "",
}


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory(time_zone="UTC")


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


def running(organization: Organization, **more: object) -> BudgetPeriod:
    budget = BudgetFactory(organization=organization, first_date=MONTH, **more)
    period: BudgetPeriod = BudgetPeriodFactory(
        budget=budget, first_date=MONTH, last_date=MONTH_END, breach_date=MONTH_END, known_until=MONTH
    )
    return period


def costly(organization: Organization, days: int = 40) -> int:
    """A connection at 100 roubles a day up to yesterday, and a bit of today."""
    connection = ConnectionFactory(organization=organization, connection_name="Cloud")
    charge(
        ResourceFactory(connection=connection),
        TODAY - timedelta(days=days),
        [*[100] * days, 20],
        environment="prod",
    )
    return int(connection.pk)


def test_list_shows_the_tree_with_verdicts(owner: Client, organization: Organization) -> None:
    whole = running(organization, name="Whole").budget
    running(organization, name="Piece", parent=whole, scope="connection=~")
    BudgetFactory(organization=organization, name="Future", first_date=MONTH_END + timedelta(days=9))

    text = owner.get(LIST).text

    assert text.index("Whole") < text.index("Piece")
    assert "The forecast exceeds it by ₽200.00" in text
    assert "₽1,000.00 given to its parts" in text
    assert "Does not run now" in text
    assert "2 will be exceeded" in text


def test_without_budgets_the_page_says_what_to_do(owner: Client, organization: Organization) -> None:
    viewer = Client()
    viewer.force_login(member_of(organization, Role.VIEWER))

    assert "Set a limit and be warned before it is passed." in owner.get(LIST).text
    assert NEW in owner.get(LIST).text
    assert NEW not in viewer.get(LIST).text


def test_queries_are_the_same_for_one_and_for_many(owner: Client, organization: Organization) -> None:
    pk = costly(organization)
    first = running(organization, scope=f"connection={pk}").budget
    BudgetAlertFactory(budget=first)
    PlannedChangeFactory(organization=organization, scope=f"connection={pk}")
    urls = (LIST, f"/budgets/{first.pk}/", CHANGES, FORECAST, "/api/v1/budgets/", "/api/v1/forecast/")
    counts = []
    for more in (0, 10):
        for _number in range(more):
            BudgetAlertFactory(budget=running(organization, scope=f"connection={pk}", parent=first).budget)
            PlannedChangeFactory(organization=organization, scope=f"connection={pk}")
        for url in urls:
            with CaptureQueriesContext(database) as found:
                assert owner.get(url).status_code == 200
            counts.append(len(found))

    assert counts[:6] == counts[6:]
    assert counts[:6] == [7, 13, 6, 7, 6, 6]


def test_creating_reads_the_scope_from_the_link_and_the_fields(
    owner: Client, organization: Organization
) -> None:
    pk = costly(organization)
    page = owner.get(NEW, {"scope": f"connection={pk}&region=ru1"}).text
    assert "Besides: Region: ru1" in page

    answer = owner.post(
        NEW, FORM | {"scope": "region=ru1", "scope_connection": [str(pk)], "scope_environment": ["prod"]}
    )

    budget = Budget.objects.get()
    assert answer["Location"] == f"/budgets/{budget.pk}/"
    assert budget.scope == f"connection={pk}&region=ru1&environment=prod"
    assert (budget.actual_thresholds, budget.forecast_thresholds) == ([80, 100], [])
    text = owner.get(answer["Location"]).text
    assert "Connection: Cloud; Region: ru1; Environment: prod" in text
    assert "Plan, charged and forecast" in text
    edited = owner.get(f"/budgets/{budget.pk}/edit/").text
    assert 'value="prod" selected' in edited


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"actual_thresholds": "a lot"}, "Whole per cent"),
        ({"actual_thresholds": "0"}, "Whole per cent"),
        ({"period": "custom"}, "needs its last day"),
        ({"last_date": "2001-01-01"}, "It ends before it begins"),
        ({"amount": "0"}, "greater than or equal to 1"),
        ({"name": "Taken"}, "Another budget has this name"),
        ({"scope_connection": ["999999"]}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_a_budget_is_explained(
    owner: Client, organization: Organization, change: dict[str, object], sentence: str
) -> None:
    costly(organization)
    BudgetFactory(organization=organization, name="Taken")

    answer = owner.post(NEW, FORM | change)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert Budget.objects.count() == 1


def test_viewers_look_and_strangers_find_nothing(owner: Client, organization: Organization) -> None:
    budget = running(organization).budget
    change = PlannedChangeFactory(organization=organization)
    viewer, stranger = Client(), Client()
    viewer.force_login(member_of(organization, Role.VIEWER))
    stranger.force_login(member_of(OrganizationFactory()))
    writes = [
        NEW,
        f"/budgets/{budget.pk}/edit/",
        f"/budgets/{budget.pk}/delete/",
        f"/budgets/changes/{change.pk}/",
        f"/budgets/changes/{change.pk}/delete/",
    ]

    assert viewer.get(f"/budgets/{budget.pk}/").status_code == 200
    assert [viewer.post(url).status_code for url in writes] == [403] * 5
    assert [stranger.post(url).status_code for url in writes[1:]] == [404] * 4
    assert stranger.get(f"/budgets/{budget.pk}/").status_code == 404
    assert budget.name not in stranger.get(LIST).text
    assert Budget.objects.filter(pk=budget.pk).exists()


def test_deleting_asks_first(owner: Client, organization: Organization) -> None:
    budget = running(organization).budget
    url = reverse("budgets:budget_delete", args=[budget.pk])

    assert "Costs stay as they are" in owner.get(url).text
    owner.post(url)

    assert not Budget.objects.exists()


def test_planned_changes_are_kept_changed_and_dropped(owner: Client, organization: Organization) -> None:
    form = {"name": "New cluster", "amount": "-150.50", "first_date": "2030-01-10", "scope": ""}

    owner.post("/budgets/changes/new/", form)
    change = PlannedChange.objects.get()
    assert (change.amount, change.last_date, change.is_once) == (Decimal("-150.50"), None, False)
    assert "New cluster" in owner.get(CHANGES).text
    owner.post(f"/budgets/changes/{change.pk}/", form | {"is_once": "on"})
    change.refresh_from_db()
    assert change.is_once
    bad = owner.post("/budgets/changes/new/", form | {"last_date": "2029-01-01"})
    assert bad.status_code == 422
    owner.post(f"/budgets/changes/{change.pk}/delete/")
    assert "Nothing is planned" in owner.get(CHANGES).text


def test_forecast_of_a_scope_with_its_past_errors(owner: Client, organization: Organization) -> None:
    pk = costly(organization)

    text = owner.get(FORECAST, {"connection": pk}).text

    assert "Connection: Cloud" in text
    assert f"₽{100 * MONTH_END.day:,}.00" in text
    assert "How good it has been" in text
    assert "0.0%" in text


def test_forecast_of_too_few_days_says_how_many_it_needs(owner: Client, organization: Organization) -> None:
    costly(organization, days=6)

    assert "A forecast needs 8 complete days; 5 are known." in owner.get(FORECAST).text
    assert owner.get("/api/v1/forecast/").json()["month"] is None


def test_api_writes_what_it_reads(owner: Client, organization: Organization) -> None:
    pk = costly(organization)
    given = {
        "name": "Cloud",
        "amount": "3000",
        "period": "month",
        "first_date": MONTH.isoformat(),
        "scope": f"connection={pk}",
        "forecast_thresholds": [100],
    }

    made = owner.post("/api/v1/budgets/", given, content_type="application/json")

    assert made.status_code == 201
    budget = made.json()
    assert budget["current"]["limit"] == "3000.000000"
    assert owner.get(f"/api/v1/budgets/{budget['id']}/periods/").json()[0]["first_date"] == MONTH.isoformat()
    again = owner.post("/api/v1/budgets/", given, content_type="application/json")
    assert (again.status_code, "name" in again.json()["errors"]) == (400, True)
    bad = given | {"name": "x", "scope": "not.nothing=1"}
    assert owner.post("/api/v1/budgets/", bad, content_type="application/json").status_code == 400
    changed = owner.patch(
        f"/api/v1/budgets/{budget['id']}/", {"amount": "5000"}, content_type="application/json"
    )
    assert changed.json()["current"]["amount"] == "5000.000000"
    days = owner.get("/api/v1/forecast/", {"scope": f"connection={pk}"}).json()["days"]
    assert days[0]["amount"] == "100.000000"
    assert owner.delete(f"/api/v1/budgets/{budget['id']}/").status_code == 204

    planned = owner.post(
        "/api/v1/planned-changes/",
        {"name": "More", "amount": "5", "first_date": date(2030, 1, 1).isoformat()},
        content_type="application/json",
    )
    assert planned.status_code == 201
    assert owner.delete(f"/api/v1/planned-changes/{planned.json()['id']}/").status_code == 204


def test_api_parent_of_another_organization_does_not_exist(owner: Client) -> None:
    foreign = BudgetFactory()
    given = {"name": "x", "amount": "1", "period": "month", "first_date": "2030-01-01", "parent": foreign.pk}

    answer = owner.post("/api/v1/budgets/", given, content_type="application/json")

    assert answer.status_code == 400
    assert not Budget.objects.filter(name="x").exists()


def test_admin_lists_and_shows(client: Client, organization: Organization) -> None:
    budget = running(organization, name="Whole").budget
    change = PlannedChangeFactory(organization=organization)
    client.force_login(UserFactory(super_admin=True))

    assert "Whole" in client.get(reverse("admin:budgets_budget_changelist")).text
    assert client.get(reverse("admin:budgets_budget_change", args=[budget.pk])).status_code == 200
    assert change.name in client.get(reverse("admin:budgets_plannedchange_changelist")).text
    assert client.get(reverse("admin:budgets_plannedchange_change", args=[change.pk])).status_code == 200
