"""What one customer or order costs, and how quantities come in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEntry
from accounts.tests.factories import OrganizationFactory, member_of
from costs.explorer.queries import explore
from costs.tests.factories import CostDimensionsFactory, DailyTotalFactory
from costs.unit_costs import queries, services
from costs.unit_costs.models import UnitMetric, UnitValue
from costs.unit_costs.tests.factories import UnitMetricFactory, UnitValueFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
MARCH = "2026-03-01..2026-03-10"


def costs_of(organization: Any, days: int, cost: str = "100", **dimensions: Any) -> None:
    """The same cost on each of the first `days` of March."""
    found = CostDimensionsFactory(connection__organization=organization, **dimensions)
    for day in range(1, days + 1):
        DailyTotalFactory(dimensions=found, date=date(2026, 3, day), billed_cost=Decimal(cost))


def found_for(metric: UnitMetric, step: str = "day", period: str = MARCH) -> queries.UnitCosts:
    return queries.unit_costs(metric.organization, metric, period=period, step=step, now=NOW)


def test_what_adds_up_is_divided_step_by_step_and_over_the_whole() -> None:
    metric = UnitMetricFactory()
    costs_of(metric.organization, 10)
    UnitValueFactory(metric=metric, date=date(2026, 3, 1), quantity=Decimal(50))
    UnitValueFactory(metric=metric, date=date(2026, 3, 2), quantity=Decimal(30))
    UnitValueFactory(metric=metric, date=date(2026, 2, 28), quantity=Decimal(999))

    found = found_for(metric)

    assert [one.each for one in found.steps[:3]] == [Decimal(2), Decimal(100) / 30, None]
    assert (found.whole.cost, found.whole.quantity, found.whole.each) == (
        Decimal(1000),
        Decimal(80),
        Decimal("12.5"),
    )


def test_a_level_holds_until_its_next_value_and_is_averaged() -> None:
    metric = UnitMetricFactory(kind=UnitMetric.Kind.LEVEL)
    costs_of(metric.organization, 10)
    UnitValueFactory(metric=metric, date=date(2026, 2, 10), quantity=Decimal(10))
    UnitValueFactory(metric=metric, date=date(2026, 3, 6), quantity=Decimal(20))

    found = found_for(metric, step="month")

    (march,) = found.steps
    assert march.quantity == Decimal(15)
    assert march.each == Decimal(1000) / 15


def test_a_level_is_not_known_before_its_first_value_nor_after_today() -> None:
    metric = UnitMetricFactory(kind=UnitMetric.Kind.LEVEL)
    UnitValueFactory(metric=metric, date=date(2026, 3, 19), quantity=Decimal(20))

    found = found_for(metric, period="2026-03-18..2026-03-22")

    assert [one.quantity for one in found.steps] == [None, Decimal(20), Decimal(20), None, None]


def test_nought_divides_nothing() -> None:
    metric = UnitMetricFactory()
    costs_of(metric.organization, 1)
    UnitValueFactory(metric=metric, quantity=Decimal(0))

    assert found_for(metric).steps[0].each is None


def test_costs_are_those_of_the_explorer_with_the_same_filters() -> None:
    metric = UnitMetricFactory(filters="environment=production")
    costs_of(metric.organization, 3, "100", environment="production")
    costs_of(metric.organization, 3, "7", environment="staging")
    costs_of(OrganizationFactory(), 3, "1000", environment="production")

    found = found_for(metric)
    explored = explore(metric.organization, queries.view_of(metric, MARCH, "day", NOW.date()), NOW)

    assert found.whole.cost == explored.whole.total == Decimal(300)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date,quantity\n2026-03-01,5\n2026-04,7.5\n", {date(2026, 3, 1): "5", date(2026, 4, 1): "7.5"}),
        ("\ufeffDate;Value\r\n2026-03-01;1 234,5\r\n\r\n", {date(2026, 3, 1): "1234.5"}),
    ],
)
def test_csv_is_read_as_spreadsheets_write_it(text: str, expected: dict[date, str]) -> None:
    assert services.read_csv(text) == {day: Decimal(value) for day, value in expected.items()}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("when,how many\n2026-03-01,5\n", "The first line must name the columns “date” and “quantity”."),
        ("date,quantity\n", "The file has no rows below its first line."),
        ("date,quantity\n2026-03-01,5\n2026-03-01,6\n", "Row 3: 2026-03-01 occurs twice."),
        ("date,quantity\n1 March,5\n", "Row 2: “1 March” is no date; write 2026-11-01 or 2026-11."),
        ("date,quantity\n2026-03-01,many\n", "Row 2: “many” is no number."),
        ("date,quantity\n2026-03-01,-1\n", "Row 2: A quantity is 0 or more, and below ten quadrillion."),
        ("date,quantity\n2026-03-01,NaN\n", "Row 2: A quantity is 0 or more, and below ten quadrillion."),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_stored(text: str, problem: str) -> None:
    metric = UnitMetricFactory()
    UnitValueFactory(metric=metric, date=date(2026, 3, 1), quantity=Decimal(3))

    with pytest.raises(ValidationError) as refused:
        services.set_values(metric=metric, quantities=services.read_csv(text))

    assert refused.value.messages == [problem]
    assert UnitValue.objects.get().quantity == Decimal(3)


def test_the_same_file_again_changes_nothing_and_a_corrected_one_replaces() -> None:
    metric = UnitMetricFactory()

    for text in (
        "date,quantity\n2026-03-01,5\n",
        "date,quantity\n2026-03-01,5\n",
        "date,quantity\n2026-03-01,6\n",
    ):
        services.set_values(metric=metric, quantities=services.read_csv(text))

    assert UnitValue.objects.get().quantity == Decimal(6)


class TestPages:
    @pytest.fixture
    def manager(self, client: Client) -> Any:
        organization = OrganizationFactory()
        client.force_login(member_of(organization, "manager"))
        return organization

    def test_a_metric_is_made_counted_changed_and_deleted(self, client: Client, manager: Any) -> None:
        assert "Nothing is counted yet" in client.get(reverse("unit_costs:metric_list")).text

        made = client.post(
            reverse("unit_costs:metric_new"),
            {"name": "Orders", "unit": "order", "kind": "flow", "filters": "?environment=production"},
        )
        metric = UnitMetric.objects.of(manager).get()
        assert made.url == reverse("unit_costs:metric_detail", args=[metric.pk])
        assert metric.filters == "environment=production"
        client.post(
            reverse("unit_costs:values_set", args=[metric.pk]), {"date": "2026-03-01", "quantity": "4"}
        )
        file = SimpleUploadedFile("orders.csv", b"date,quantity\n2026-03-02,6\n")
        client.post(reverse("unit_costs:values_import", args=[metric.pk]), {"file": file})
        costs_of(manager, 2, "50", environment="production")
        with time_machine.travel(NOW):
            page = client.get(made.url, {"period": "2026-03", "step": "day"}).text
        assert "₽10.00" in page
        assert "₽12.50" in page
        client.post(
            reverse("unit_costs:values_set", args=[metric.pk]),
            {"date": "2026-03-02", "quantity": "0", "remove": ""},
        )
        assert [value.quantity for value in metric.values.all()] == [Decimal(4)]
        client.post(
            reverse("unit_costs:metric_edit", args=[metric.pk]),
            {"name": "Sales", "unit": "sale", "kind": "level"},
        )
        metric.refresh_from_db()
        assert (metric.name, metric.kind, metric.filters) == ("Sales", "level", "")
        assert "Delete “Sales”?" in client.get(reverse("unit_costs:metric_delete", args=[metric.pk])).text
        client.post(reverse("unit_costs:metric_delete", args=[metric.pk]))
        assert not UnitMetric.objects.exists()
        told = AuditEntry.objects.filter(action__startswith="unit_metric.").values_list("action", flat=True)
        assert sorted(told) == [
            "unit_metric.changed",
            "unit_metric.counted",
            "unit_metric.counted",
            "unit_metric.counted",
            "unit_metric.created",
            "unit_metric.deleted",
        ]

    def test_what_cannot_be_read_is_said_and_nothing_is_lost(self, client: Client, manager: Any) -> None:
        metric = UnitMetricFactory(organization=manager, name="Orders")
        UnitValueFactory(metric=metric)

        double = client.post(
            reverse("unit_costs:metric_new"), {"name": "orders", "unit": "order", "kind": "flow"}
        )
        unknown = client.post(
            reverse("unit_costs:metric_new"),
            {"name": "Other", "unit": "x", "kind": "flow", "filters": "not.colour=red"},
        )
        bad = client.post(
            reverse("unit_costs:values_import", args=[metric.pk]),
            {"file": SimpleUploadedFile("x.csv", b"date,quantity\n2026-03-02,six\n")},
        )

        assert (double.status_code, unknown.status_code, bad.status_code) == (422, 422, 422)
        assert "There is a unit metric of this name already." in double.text
        assert "There is no dimension “colour” to filter by." in unknown.text
        assert "Row 2: “six” is no number." in bad.text
        assert UnitValue.objects.count() == 1

    def test_a_bad_period_falls_back(self, client: Client, manager: Any) -> None:
        metric = UnitMetricFactory(organization=manager)

        page = client.get(
            reverse("unit_costs:metric_detail", args=[metric.pk]), {"period": "ever", "step": "eon"}
        )

        assert page.status_code == 200

    @pytest.mark.parametrize("count", [1, 12])
    def test_queries_do_not_grow(
        self, client: Client, manager: Any, count: int, django_assert_num_queries: Any
    ) -> None:
        metrics = [UnitMetricFactory(organization=manager) for _ in range(count)]
        for day in range(1, count + 1):
            UnitValueFactory(metric=metrics[0], date=date(2026, 3, day))
        costs_of(manager, count)
        client.get(reverse("unit_costs:metric_list"))

        with django_assert_num_queries(5):
            client.get(reverse("unit_costs:metric_list"))
        with time_machine.travel(NOW), django_assert_num_queries(14):
            client.get(reverse("unit_costs:metric_detail", args=[metrics[0].pk]))


class TestApi:
    def test_a_script_counts_and_reads_what_one_costs(self, client: Client) -> None:
        organization = OrganizationFactory()
        client.force_login(member_of(organization, "manager"))
        costs_of(organization, 2, "50")

        made = client.post(
            "/api/v1/unit-metrics/", {"name": "Orders", "unit": "order"}, content_type="application/json"
        )
        address = f"/api/v1/unit-metrics/{made.json()['id']}/"
        counted = client.post(
            f"{address}values/",
            [{"date": "2026-03-01", "quantity": "4"}, {"date": "2026-03-02", "quantity": "6"}],
            content_type="application/json",
        )
        with time_machine.travel(NOW):
            costs = client.get(f"{address}costs/", {"period": "2026-03-01..2026-03-02", "step": "day"})

        assert made.status_code == 201
        assert [row["date"] for row in counted.json()["results"]] == ["2026-03-02", "2026-03-01"]
        assert [row["each"] for row in costs.json()] == ["12.500000", "8.333333"]

    def test_what_is_refused_names_the_field(self, client: Client) -> None:
        metric = UnitMetricFactory()
        client.force_login(member_of(metric.organization, "manager"))
        address = f"/api/v1/unit-metrics/{metric.pk}/"

        taken = client.post(
            "/api/v1/unit-metrics/", {"name": metric.name, "unit": "x"}, content_type="application/json"
        )
        negative = client.post(
            f"{address}values/", [{"date": "2026-03-01", "quantity": "-4"}], content_type="application/json"
        )
        period = client.get(f"{address}costs/", {"period": "ever"})

        assert (taken.status_code, negative.status_code, period.status_code) == (400, 400, 400)
        assert "name" in taken.text
        assert "period" in period.text
        assert not UnitValue.objects.exists()

    def test_another_organizations_metric_is_not_there(self, client: Client) -> None:
        metric = UnitMetricFactory()
        client.force_login(member_of(OrganizationFactory(), "owner"))

        assert client.get(f"/api/v1/unit-metrics/{metric.pk}/").status_code == 404
        assert client.get(reverse("unit_costs:metric_detail", args=[metric.pk])).status_code == 404
