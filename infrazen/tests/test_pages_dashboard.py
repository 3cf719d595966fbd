"""The dashboard: what it shows, what it leaves out, what it costs."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, member_of
from costs.anomalies.tests.factories import AnomalyFactory
from costs.budgets.tests.factories import BudgetPeriodFactory
from costs.tests.factories import CostDimensionsFactory, DailyCostFactory, DailyTotalFactory
from infrazen.pages import dashboard, dashboard_period
from inventory.tests.factories import ResourceFactory, TagFactory, UsageSummaryFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import ResourceStateFactory, SnapshotFactory, SnapshotTotalFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

NOW = datetime(2026, 11, 21, 6, 40, tzinfo=UTC)
TODAY = date(2026, 11, 21)
CONNECTIONS = {"HX-Request": "true", "HX-Target": "dashboard-connections"}
INVENTORY = {"HX-Request": "true", "HX-Target": "inventory"}


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard.timezone, "now", lambda: NOW)


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


def synced(
    organization: Organization, *, days: int = 0, daily: str = "22", **fields: Any
) -> ProviderConnection:
    """A connection with one server, and `days` days of its cost before today with today's part."""
    given: dict[str, Any] = {"last_sync_status": "success", "last_sync_at": NOW}
    connection: ProviderConnection = ConnectionFactory(organization=organization, **given | fields)
    snapshot = SnapshotFactory(connection=connection, observed_at=NOW)
    SnapshotTotalFactory(snapshot=snapshot)
    resource = ResourceFactory(connection=connection, name=f"server of {connection.connection_name}")
    ResourceStateFactory(resource=resource, opened_by=snapshot, daily_cost=Decimal(daily))
    for offset in range(days + 1):
        day = TODAY - timedelta(days=days - offset)
        DailyCostFactory(resource=resource, date=day, billed_cost=Decimal(daily))
    return connection


def chart_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script id="spend-chart" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


class TestFigures:
    def test_spend_ends_with_the_last_whole_day(self, owner: Client, organization: Organization) -> None:
        synced(organization, days=20)

        text = owner.get("/", {"period": "7"}).text

        assert "Spend of 7 days" in text
        assert "₽154.00" in text
        assert "7 days against the 7 before: <strong>0.0%</strong>" in text
        assert "14–20\u00a0Nov\u00a02026" in text

    def test_run_rate_and_spend_are_two_figures(self, owner: Client, organization: Organization) -> None:
        synced(organization, days=3)

        text = owner.get("/", {"period": "30"}).text

        assert "Run rate" in text
        assert "₽660.00" in text
        assert "₽66.00" in text
        assert "3 of 30 days are known" in text

    def test_reconciliation_says_what_is_not_explained(
        self, owner: Client, organization: Organization
    ) -> None:
        synced(organization)

        text = owner.get("/").text

        assert "99.50%" in text
        assert "Not explained: <strong>₽0.50/day</strong>" in text

    def test_nothing_known_yet_is_no_zero(self, owner: Client, organization: Organization) -> None:
        ConnectionFactory(organization=organization)

        text = owner.get("/").text

        assert text.count("no data") >= 3
        assert "The first whole day is counted tomorrow." in text
        assert "No costs are known in this period." in text
        assert "₽0.00" not in text

    def test_old_history_says_where_it_ends(self, owner: Client, organization: Organization) -> None:
        connection = ConnectionFactory(organization=organization, provider_type="files")
        DailyCostFactory(resource=ResourceFactory(connection=connection), date=date(2026, 3, 1))

        assert "The latest day with costs is 1\u00a0Mar." in owner.get("/").text

    @pytest.mark.parametrize("period", ["", "8", "abc", "-7"])
    def test_unknown_period_is_the_default(
        self, owner: Client, organization: Organization, period: str
    ) -> None:
        synced(organization)

        assert "Spend of 90 days" in owner.get("/", {"period": period}).text

    def test_use_is_measured_or_said_to_be_not(self, owner: Client, organization: Organization) -> None:
        synced(organization)
        resource = ResourceFactory(connection=ConnectionFactory(organization=organization))
        ResourceStateFactory(resource=resource, vcpus=Decimal(4))
        UsageSummaryFactory(resource=resource, average=20.0)

        text = owner.get("/").text

        assert "measured at 1 of 2 machines" in text
        assert "20%" in text
        assert "Providers tell the traffic, but not how much of it there could be." in text
        assert "bar--none" in text


class TestOwnPeriod:
    """Days that a person names, instead of a number of them up to yesterday."""

    def test_everything_of_the_page_is_of_these_days(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization, days=30)
        resource = connection.resources.get()
        days = {"first": "2026-11-05", "last": "2026-11-08"}
        snapshot = SnapshotFactory(
            connection=connection,
            earlier=True,
            observed_at=datetime(2026, 11, 1, tzinfo=UTC),
            requested_at=NOW,
        )
        anomalies = []
        for name, day in (("before", 4), ("within", 8), ("after", 9)):
            at = datetime(2026, 11, day, 12, tzinfo=UTC)
            new = ResourceFactory(connection=connection, name=f"new-{name}")
            ResourceStateFactory(
                resource=new,
                opened_by=snapshot,
                opened_at=at,
                closed_at=at + timedelta(hours=1),
                daily_cost=Decimal("30"),
            )
            anomalies.append(AnomalyFactory(resource=resource, first_date=at.date(), last_date=at.date()))

        text = owner.get("/", days).text
        rows = list(
            csv.reader(owner.get(reverse("spend_csv"), days).content.decode("utf-8-sig").splitlines())
        )

        chart = chart_of(text)
        assert "Spend of 4 days" in text
        assert "₽88.00" in text
        assert "4 days against the 4 before: <strong>0.0%</strong>" in text
        assert (chart["labels"][0], chart["labels"][-1]) == ("2026-11-05", "2026-11-08")
        assert [row[0] for row in rows[1:]] == ["2026-11-05", "2026-11-06", "2026-11-07", "2026-11-08"]
        assert [name for name in ("before", "within", "after") if f"new-{name}</a>" in text] == ["within"]
        links = [reverse("anomalies:anomaly_detail", args=[anomaly.pk]) in text for anomaly in anomalies]
        assert links == [False, True, False]

    def test_the_address_keeps_it_wherever_the_page_leads(
        self, owner: Client, organization: Organization
    ) -> None:
        synced(organization, days=20)
        days = {"first": "2026-11-05", "last": "2026-11-08"}

        text = owner.get("/", {**days, "q": "server"}).text
        figures = owner.get("/", days, headers={"HX-Request": "true", "HX-Target": "dashboard-figures"}).text

        assert f'href="{reverse("spend_csv")}?first=2026-11-05&amp;last=2026-11-08"' in text
        assert '<input type="hidden" name="first" value="2026-11-05">' in text
        assert '<input type="hidden" name="q" value="server">' in text
        assert 'hx-get="/?first=2026-11-05&amp;last=2026-11-08"' in figures
        assert "5–8\u00a0Nov\u00a02026" in text
        assert 'class="segmented-item" href="?period=7&amp;q=server">' in text
        assert "Spend of 4 days" in figures

    def test_it_is_compared_with_as_many_days_before(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization, days=20)
        DailyTotalFactory(
            dimensions=CostDimensionsFactory(connection=connection),
            date=date(2026, 11, 14),
            billed_cost=Decimal(22),
        )

        text = owner.get("/", {"first": "2026-11-13", "last": "2026-11-14"}).text

        assert "₽66.00" in text
        assert "2 days against the 2 before: <strong>+50.0%</strong>" in text

    def test_a_day_that_is_not_over_is_shown_and_compared_with_nothing(
        self, owner: Client, organization: Organization
    ) -> None:
        synced(organization, days=20)

        text = owner.get("/", {"first": "2026-11-21", "last": "2026-11-21"}).text

        assert "Spend of 1 day" in text
        assert "₽22.00" in text
        assert "today is not over, so it is compared with nothing" in text
        assert chart_of(text)["incomplete"] == ["2026-11-21"]

    @pytest.mark.parametrize(
        ("first", "last", "sentence"),
        [
            ("2026-11-08", "2026-11-05", "The period ends before it begins."),
            ("2026-11-08", "2026-11-22", "The period ends in the future"),
            ("2023-11-21", "2026-11-21", "The period is longer than three years."),
            ("2026-11-08", "", "An own period needs its first and its last day."),
            ("", "2026-11-08", "An own period needs its first and its last day."),
            ("2026-02-30", "2026-11-08", "“2026-02-30” is no day"),
            ("<b>", "2026-11-08", "“&lt;b&gt;” is no day"),
        ],
    )
    def test_days_that_cannot_be_shown_are_told(
        self, owner: Client, organization: Organization, first: str, last: str, sentence: str
    ) -> None:
        synced(organization)

        page = owner.get("/", {"first": first, "last": last})
        export = owner.get(reverse("spend_csv"), {"first": first, "last": last})

        assert page.status_code == 200
        assert sentence in page.text
        assert "23\u00a0Aug\u00a0– 20\u00a0Nov\u00a02026 is shown instead." in page.text
        assert "Spend of 90 days" in page.text
        assert (export.status_code, export["Content-Type"]) == (400, "text/plain; charset=utf-8")

    def test_three_years_are_shown_and_the_organizations_clock_says_what_is_today(
        self, organization: Organization
    ) -> None:
        organization.time_zone = "Asia/Kamchatka"

        found = dashboard_period.chosen_period(
            {"first": "2023-11-23", "last": "2026-11-22"},
            organization,
            datetime(2026, 11, 21, 13, tzinfo=UTC),
        )

        assert found.days == 1096
        assert found.is_running
        assert found.until == datetime(2026, 11, 22, 12, tzinfo=UTC)


class TestChart:
    def test_series_are_connections_with_their_colours_and_gaps(
        self, owner: Client, organization: Organization
    ) -> None:
        synced(organization, days=3, connection_name="Prod", series_number=2)
        synced(organization, days=1, daily="5", connection_name="Dev", series_number=1)

        chart = chart_of(owner.get("/", {"period": "7"}).text)

        assert chart["labels"][0] == "2026-11-14"
        assert chart["labels"][-1] == "2026-11-20"
        assert [(series["name"], series["number"]) for series in chart["series"]] == [("Dev", 1), ("Prod", 2)]
        assert chart["series"][0]["values"] == [None] * 6 + ["5.000000"]
        assert chart["series"][1]["values"] == [None] * 4 + ["22.000000"] * 3
        assert chart["incomplete"] == ["2026-11-18", "2026-11-20"]

    def test_connections_beyond_the_colours_are_one_series(
        self, owner: Client, organization: Organization
    ) -> None:
        synced(organization, days=1, connection_name="Prod", series_number=1)
        synced(organization, days=1, series_number=9)
        synced(organization, days=1, series_number=10)

        chart = chart_of(owner.get("/", {"period": "7"}).text)

        assert [series["name"] for series in chart["series"]] == ["Prod", "The rest (2)"]
        assert chart["series"][1]["values"][-1] == "44.000000"

    def test_export_is_the_same_numbers(self, owner: Client, organization: Organization) -> None:
        synced(organization, days=2, connection_name="=Prod", series_number=1)

        response = owner.get(reverse("spend_csv"), {"period": "7"})

        rows = list(csv.reader(response.content.decode("utf-8-sig").splitlines()))
        assert rows[0] == ["date", "'=Prod", "total_rub"]
        assert rows[1] == ["2026-11-14", "", ""]
        assert rows[7] == ["2026-11-20", "22.000000", "22.000000"]
        assert response["Content-Disposition"] == 'attachment; filename="spend-2026-11-14-2026-11-20.csv"'


class TestManyConnections:
    def test_twenty_have_a_row_the_others_a_link(self, owner: Client, organization: Organization) -> None:
        for number in range(dashboard.SHOWN_CONNECTIONS):
            synced(organization, connection_name=f"Account {number}.", daily="9")
        assert "All 20 connections" not in owner.get("/", headers=CONNECTIONS).text

        synced(organization, connection_name="Cheap.", daily="1")
        synced(organization, connection_name="Broken.", daily="2", last_sync_status="error")
        synced(organization, connection_name="Dear.", daily="900")
        text = owner.get("/", headers=CONNECTIONS).text

        assert text.count('class="row-name"') == dashboard.SHOWN_CONNECTIONS
        assert "All 23 connections" in text
        assert "Broken." in text
        assert "Dear." in text
        assert "Cheap." not in text
        assert "32,490" in text  # of all, not of those shown


class TestNotices:
    def test_failed_comes_before_short_and_partial(self, owner: Client, organization: Organization) -> None:
        synced(
            organization,
            connection_name="Short",
            balance=Decimal("66"),
            balance_currency="RUB",
            account_read_at=NOW,
        )
        synced(
            organization,
            connection_name="Broken",
            last_sync_error={"code": "authentication_failed", "message": "Revoked.", "params": {}},
        )

        text = owner.get("/").text

        assert text.index("Broken: Fake Cloud rejected") < text.index("Short: the balance lasts 3 days")
        assert "Top up ₽600.00 to make it 30 days." in text

    def test_third_notice_is_folded(self, owner: Client, organization: Organization) -> None:
        for number in range(3):
            synced(
                organization,
                connection_name=f"Broken {number}",
                last_sync_error={"code": "authentication_failed", "message": "", "params": {}},
            )

        assert "1 more" in owner.get("/").text


class TestChanges:
    def test_small_moves_of_cost_are_one_line(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization, daily="1000")
        before = SnapshotFactory(
            connection=connection, earlier=True, observed_at=NOW - timedelta(days=5), requested_at=NOW
        )
        new = ResourceFactory(connection=connection, name="fresh")
        ResourceStateFactory(resource=new, opened_by=before, opened_at=NOW, daily_cost=Decimal("30"))
        moved = ResourceFactory(connection=connection, name="bucket")
        ResourceStateFactory(
            resource=moved,
            opened_by=before,
            opened_at=NOW,
            action="updated",
            has_cost_change=True,
            changes={"daily_cost": ["20", "20.5"]},
        )

        text = owner.get("/").text

        assert "+₽900.00" in text
        assert "The cost of 1 resource moved a little: +₽15.00 a month" in text


class TestInventory:
    def test_dearest_come_first_with_their_components(
        self, owner: Client, organization: Organization
    ) -> None:
        connection = synced(organization, connection_name="Prod")
        server = ResourceFactory(connection=connection, name="dear")
        ResourceStateFactory(resource=server, daily_cost=Decimal("20"))
        ResourceStateFactory(
            resource=ResourceFactory(connection=connection, name="disk"),
            parent=server,
            daily_cost=Decimal("15"),
        )

        text = owner.get("/", headers=INVENTORY).text

        assert text.index("dear") < text.index("server of Prod")
        assert "35.00" in text
        assert "disk" not in text
        assert "2 of 2" in text
        assert "<html" not in text

    @pytest.mark.parametrize("query", ["WEB", "10.7.0", "team=core", "core"])
    def test_search_finds_name_address_and_tag(
        self, owner: Client, organization: Organization, query: str
    ) -> None:
        connection = synced(organization)
        resource = ResourceFactory(connection=connection, name="web-1")
        ResourceStateFactory(resource=resource, ip_addresses=["10.7.0.1"])
        TagFactory(resource=resource, key="team", value="core")

        text = owner.get("/", {"q": query}, headers=INVENTORY).text

        assert "web-1" in text
        assert "1 of 1" in text

    def test_search_that_finds_nothing_says_what_it_looked_for(
        self, owner: Client, organization: Organization
    ) -> None:
        synced(organization)

        text = owner.get("/", {"q": "<none>"}, headers=INVENTORY).text

        assert "No resources with “&lt;none&gt;”." in text
        assert "Reset the filter" in text

    def test_fragment_is_a_part_of_the_page(self, owner: Client, organization: Organization) -> None:
        synced(organization)

        fragment = owner.get("/", headers=INVENTORY)

        assert fragment.text.strip() in owner.get("/").text
        assert {"HX-Request", "HX-Target"} <= {part.strip() for part in fragment["Vary"].split(",")}


class TestMonthToCome:
    def test_forecast_stands_beside_the_run_rate(self, owner: Client, organization: Organization) -> None:
        connection = synced(organization)
        dimensions = CostDimensionsFactory(connection=connection)
        for offset in range(1, 31):
            DailyTotalFactory(dimensions=dimensions, date=TODAY - timedelta(days=offset))

        text = owner.get("/").text

        assert "Forecast of this month" in text
        assert "₽660.00" in text

    def test_too_short_a_history_shows_the_run_rate_instead(
        self, owner: Client, organization: Organization
    ) -> None:
        synced(organization, days=3)

        text = owner.get("/").text

        assert "Forecast of this month" not in text
        assert "₽660.00" in text

    def test_budgets_in_danger_come_first(self, owner: Client, organization: Organization) -> None:
        synced(organization)
        for name, actual in (("Calm", 100), ("Broken", 2000)):
            BudgetPeriodFactory(
                budget__organization=organization,
                budget__name=name,
                first_date=date(2026, 11, 1),
                last_date=date(2026, 11, 30),
                actual_cost=Decimal(actual),
                forecast_cost=Decimal(actual),
            )

        text = owner.get("/").text

        assert 0 < text.index(">Broken</a>") < text.index(">Calm</a>")
        assert "Exceeded by ₽1,000.00" in text

    def test_without_budgets_the_card_leads_to_one(self, owner: Client, organization: Organization) -> None:
        synced(organization)

        assert f'href="{reverse("budgets:budget_new")}"' in owner.get("/").text

    def test_an_anomaly_of_the_period_leads_the_changes(
        self, owner: Client, organization: Organization
    ) -> None:
        connection = synced(organization)
        resource = connection.resources.get()
        inside = {"resource": resource, "first_date": date(2026, 11, 12), "last_date": date(2026, 11, 13)}
        shown = AnomalyFactory(**inside)
        old = AnomalyFactory(resource=resource, first_date=date(2026, 1, 2), last_date=date(2026, 1, 3))

        text = owner.get("/", {"period": "30"}).text

        assert reverse("anomalies:anomaly_detail", args=[shown.pk]) in text
        assert reverse("anomalies:anomaly_detail", args=[old.pk]) not in text


class TestPeople:
    def test_new_organization_is_shown_how_to_begin(self, owner: Client) -> None:
        text = owner.get("/").text

        assert "Connect your first cloud" in text
        assert "kpi-strip" not in text

    def test_viewer_sees_figures_and_no_actions(self, client: Client, organization: Organization) -> None:
        synced(organization)
        client.force_login(member_of(organization, Role.VIEWER))

        text = client.get("/").text

        assert "₽660.00" in text
        assert reverse("syncs:snapshot_start_all") not in text

    def test_stranger_sees_none_of_it(self, client: Client, organization: Organization) -> None:
        synced(organization, days=3, connection_name="Prod")
        client.force_login(member_of(OrganizationFactory()))

        assert "Prod" not in client.get("/").text
        assert "Prod" not in client.get(reverse("spend_csv")).text
        assert "of Prod" not in client.get("/", {"q": "server"}, headers=INVENTORY).text

    def test_anonymous_signs_in_first(self, client: Client) -> None:
        assert client.get("/")["Location"] == "/accounts/login/?next=/"
        assert client.get(reverse("spend_csv")).status_code == 302

    @pytest.mark.parametrize(
        "period", [{}, {"first": "2026-11-05", "last": "2026-11-08"}], ids=["usual", "own"]
    )
    @pytest.mark.parametrize("count", [1, 11])
    def test_page_costs_the_same_however_much_there_is(
        self,
        owner: Client,
        organization: Organization,
        django_assert_num_queries: Any,
        count: int,
        period: dict[str, str],
    ) -> None:
        for _ in range(count):
            synced(organization, days=20)

        # session, user, memberships, sidebar; run rate, reconciliation (2), coverage (3), latest and active syncs,
        # connections, spend (3), changes (4), use, types nobody knows, resources and their count, the panel (2),
        # forecast (3), anomalies, budgets (2)
        with django_assert_num_queries(34):
            owner.get("/", period)
