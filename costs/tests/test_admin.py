"""The operator's view of costs."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from costs.models import DailyCost, ExchangeRate
from costs.tests.factories import CostRevisionFactory, DailyCostFactory, ExchangeRateFactory

pytestmark = pytest.mark.django_db

FACTS = {"dailycost": DailyCostFactory, "costrevision": CostRevisionFactory}
FACTORIES = {**FACTS, "exchangerate": ExchangeRateFactory}


@pytest.fixture
def operator() -> Client:
    """An administrator who may manage resources."""
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename="manage_resources"))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("model", FACTORIES)
def test_lists_do_not_ask_per_row(operator, model) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert operator.get(f"/admin/costs/{model}/").status_code == 200
        return len(captured)

    FACTORIES[model]()
    one = count()
    for _ in range(10):
        FACTORIES[model]()

    assert count() == one


@pytest.mark.parametrize("model", FACTS)
def test_facts_open_and_cannot_be_edited(operator, model) -> None:
    row = FACTS[model]()
    url = f"/admin/costs/{model}/{row.pk}/change/"

    assert operator.get(url).status_code == 200
    assert operator.post(url, {}).status_code == 403
    assert operator.post(f"/admin/costs/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_revision_tells_the_difference(operator) -> None:
    CostRevisionFactory(before_billed_cost=Decimal("22"), after_billed_cost=Decimal("20.5"))

    assert "−₽1.50" in operator.get("/admin/costs/costrevision/").content.decode()


def test_a_new_rate_restates_the_rouble_values(operator) -> None:
    fact = DailyCostFactory(billed_cost=Decimal("2"), unconverted=True)

    response = operator.post(
        "/admin/costs/exchangerate/add/", {"currency": "usd", "date": "2026-03-01", "rub_per_unit": "90"}
    )

    rate = ExchangeRate.objects.get()
    assert response.status_code == 302
    assert (rate.currency, rate.source) == ("USD", "manual")
    assert DailyCost.objects.get(pk=fact.pk).billed_cost_rub == Decimal("180")


def test_a_corrected_rate_keeps_its_day_and_restates(operator) -> None:
    rate = ExchangeRateFactory(currency="USD", source="cbr")
    fact = DailyCostFactory(
        billed_cost=Decimal("2"), currency="USD", rub_rate=Decimal("90.5"), billed_cost_rub=Decimal("181")
    )

    operator.post(
        f"/admin/costs/exchangerate/{rate.pk}/change/",
        {"currency": "EUR", "date": "2020-01-01", "rub_per_unit": "100"},
    )

    rate.refresh_from_db()
    assert (rate.currency, rate.date, rate.rub_per_unit, rate.source) == (
        "USD",
        date(2026, 3, 1),
        Decimal("100"),
        "manual",
    )
    assert DailyCost.objects.get(pk=fact.pk).billed_cost_rub == Decimal("200")
    assert operator.post(f"/admin/costs/exchangerate/{rate.pk}/delete/", {"post": "yes"}).status_code == 403


def test_facts_without_a_rate_are_found(operator) -> None:
    DailyCostFactory(resource__name="rouble-thing")
    DailyCostFactory(resource__name="dollar-thing", unconverted=True)

    page = operator.get("/admin/costs/dailycost/?rub_rate__isempty=1").content.decode()

    assert "dollar-thing" in page
    assert "rouble-thing" not in page
