"""Daily costs, their sums and exchange rates through the API."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import OrganizationFactory, member_of
from costs.tests.factories import DailyCostFactory, ExchangeRateFactory
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import ResourceStateFactory

pytestmark = pytest.mark.django_db

LIST = "/api/v1/daily-costs/"


@pytest.fixture
def organization():
    return OrganizationFactory()


@pytest.fixture
def client(organization) -> Client:
    client = Client()
    client.force_login(member_of(organization))
    return client


@pytest.fixture
def facts(organization):
    """A server and a volume on two days: 22 + 22, and 10 once; the volume also costs a dollar nobody can convert."""
    connection = ConnectionFactory(organization=organization, connection_name="Main")
    server = ResourceFactory(connection=connection)
    volume = ResourceFactory(connection=connection, resource_type="volume")
    ResourceStateFactory(resource=server, service_name="VPS", region_id="ru1")
    ResourceStateFactory(resource=volume, service_name="Storage", region_id="")
    for day in (1, 2):
        DailyCostFactory(resource=server, date=date(2026, 3, day))
    DailyCostFactory(resource=volume, billed_cost=Decimal("10"))
    DailyCostFactory(resource=volume, billed_cost=Decimal("1"), charge_category="Tax", unconverted=True)
    return connection, server, volume


def test_facts_tell_money_as_text_with_its_currency(client, facts) -> None:
    row = client.get(LIST).json()["results"][0]

    del row["id"]
    assert row == {
        "date": "2026-03-02",
        "connection": facts[0].pk,
        "resource": facts[1].pk,
        "charge_category": "Usage",
        "source": "price",
        "currency": "RUB",
        "billed_cost": "22.000000",
        "effective_cost": "22.000000",
        "list_cost": "25.000000",
        "rub_rate": "1.00000000",
        "billed_cost_rub": "22.000000",
        "effective_cost_rub": "22.000000",
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("first=2026-03-02", 1),
        ("last=2026-03-01", 3),
        ("category=Tax", 1),
        ("category=Tax&category=Usage", 4),
        ("type=server", 2),
        ("currency=USD", 1),
        ("source=billing", 0),
    ],
)
def test_facts_filter(client, facts, query, count) -> None:
    assert client.get(f"{LIST}?{query}").json()["count"] == count


def test_facts_filter_by_connection_and_resource(client, facts) -> None:
    connection, server, _volume = facts

    assert client.get(f"{LIST}?connection={connection.pk}").json()["count"] == 4
    assert client.get(f"{LIST}?resource={server.pk}").json()["count"] == 2


@pytest.mark.parametrize(
    ("group_by", "sums"),
    [
        ("resource_type", [("server", "44.000000"), ("volume", "10.000000")]),
        ("service", [("VPS", "44.000000"), ("Storage", "10.000000")]),
        ("region", [("ru1", "44.000000"), ("", "10.000000")]),
        ("day", [("2026-03-01", "32.000000"), ("2026-03-02", "22.000000")]),
    ],
)
def test_sums_by_one_thing(client, facts, group_by, sums) -> None:
    found = client.get(f"{LIST}summary/?group_by={group_by}").json()

    assert [(row["key"], row["billed_cost"]) for row in found] == sums


def test_what_no_rate_converts_is_kept_apart(client, facts) -> None:
    found = client.get(f"{LIST}summary/?group_by=connection").json()

    assert found == [
        {
            "key": str(facts[0].pk),
            "currency": "RUB",
            "billed_cost": "54.000000",
            "effective_cost": "54.000000",
            "unconverted": {"USD": "1.000000"},
        }
    ]


def test_a_group_without_any_known_rate_costs_nothing_known(client, facts) -> None:
    found = client.get(f"{LIST}summary/?group_by=resource_type&category=Tax").json()

    assert [(row["billed_cost"], row["unconverted"]) for row in found] == [(None, {"USD": "1.000000"})]


def test_sums_of_a_period(client, facts) -> None:
    found = client.get(f"{LIST}summary/?group_by=day&first=2026-03-02&last=2026-03-31").json()

    assert [(row["key"], row["billed_cost"]) for row in found] == [("2026-03-02", "22.000000")]


@pytest.mark.parametrize(
    ("query", "field"),
    [("?first=soon", "first"), ("summary/?group_by=colour", "group_by"), ("?category=x", "category")],
)
def test_bad_input_names_its_field(client, query, field) -> None:
    response = client.get(f"{LIST}{query}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]


def test_facts_are_only_read(client, facts) -> None:
    response = client.post(LIST, {})

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_exchange_rates(client) -> None:
    ExchangeRateFactory(currency="USD", rub_per_unit=Decimal("90.5"))
    ExchangeRateFactory(currency="EUR", date=date(2026, 3, 2))

    found = client.get("/api/v1/exchange-rates/").json()["results"]

    assert [row["currency"] for row in found] == ["EUR", "USD"]
    assert found[1]["rub_per_unit"] == "90.50000000"
    assert client.get("/api/v1/exchange-rates/?currency=USD").json()["count"] == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [(LIST, 5), (f"{LIST}summary/?group_by=service", 4), ("/api/v1/exchange-rates/", 5)],
)
def test_lists_do_not_ask_per_row(client, organization, url, expected) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    def add(number: int) -> None:
        for _ in range(number):
            resource = ResourceFactory(connection__organization=organization)
            ResourceStateFactory(resource=resource)
            DailyCostFactory(resource=resource)
            ExchangeRateFactory()

    add(1)
    one = count()
    add(10)

    assert count() == one == expected
