"""Pages write roubles in the currency that their reader chose; nothing else does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from common import formatting
from common.formatting import ReaderCurrency
from common.templatetags.interface import as_shown
from costs.tests.factories import ExchangeRateFactory
from infrazen.tests.estate import marked_estate

RATE = ReaderCurrency("USD", Decimal(80), date(2026, 11, 20))


def test_roubles_are_written_in_the_chosen_currency_and_others_as_they_are() -> None:
    with formatting.shown_in(RATE):
        assert formatting.money(Decimal(4000)) == "$50.00"
        assert formatting.money(Decimal(4000), "EUR") == "€4,000.00"
        assert formatting.signed_money(Decimal(-200)) == "−$2.50"
        assert formatting.rounded_money(Decimal(417_000)) == "$5,212.50"
        assert formatting.money_per_month(Decimal(80_000)) == "$1,000/mo"
        assert formatting.currency_sign() == "$"
    assert formatting.money(Decimal(4000)) == "₽4,000.00"


def test_what_is_not_known_stays_so() -> None:
    with formatting.shown_in(RATE):
        assert formatting.money(None) == "no data"
        assert formatting.rounded_money(None) == "no data"


def test_a_charts_money_is_converted_and_nothing_else() -> None:
    money = {"labels": ["2026-11-20"], "currency": "RUB", "series": [{"name": "a", "values": ["160", None]}]}
    percent = {"labels": ["2026-11-20"], "unit": "percent", "series": [{"name": "a", "values": ["20"]}]}

    with formatting.shown_in(RATE):
        shown = as_shown(money)
        assert as_shown(percent) is percent

    assert (shown["currency"], shown["series"][0]["values"]) == ("USD", ["2.000000", None])
    assert as_shown(money) is money


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def reader(self, client: Client) -> User:
        _organization, owner = marked_estate()
        owner.currency = "USD"
        owner.save()
        client.force_login(owner)
        return owner

    def test_pages_are_in_it_and_say_so(self, client: Client, reader: User) -> None:
        ExchangeRateFactory(currency="USD", date=date(2026, 1, 1), rub_per_unit=Decimal(80))
        reader.currency = "RUB"
        reader.save()
        in_roubles = client.get(reverse("inventory:resource_list")).text
        reader.currency = "USD"
        reader.save()

        page = client.get(reverse("inventory:resource_list")).text

        assert "₽" in in_roubles
        assert "Roubles are shown in" not in in_roubles
        assert "Roubles are shown in USD at the rate of" in page
        assert "₽80.0000 for one." in page
        assert page.count("₽") == 1

    def test_without_a_rate_roubles_stay_and_the_page_says_why(self, client: Client, reader: User) -> None:
        page = client.get(reverse("inventory:resource_list")).text

        assert "Amounts are in roubles: no exchange rate of USD is known yet." in page
        assert "₽" in page

    @pytest.mark.parametrize("name", ["explorer:explorer", "anomalies:anomaly_list", "budgets:budget_list"])
    def test_pages_that_name_roubles_stay_in_them_and_say_so(
        self, client: Client, reader: User, name: str
    ) -> None:
        ExchangeRateFactory(currency="USD", date=date(2026, 1, 1), rub_per_unit=Decimal(80))

        page = client.get(reverse(name)).text

        assert "This page is in roubles, whatever currency your profile names." in page
        assert "$" not in page.partition("<main")[2].partition("</main>")[0]

    def test_the_rate_is_remembered(self, client: Client, reader: User) -> None:
        ExchangeRateFactory(currency="USD", date=date(2026, 1, 1), rub_per_unit=Decimal(80))

        counts = []
        for code in ("RUB", "USD", "USD"):
            User.objects.filter(pk=reader.pk).update(currency=code)
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("inventory:resource_list"))
            counts.append(len(queries))

        assert counts == [counts[0], counts[0] + 1, counts[0]]

    def test_the_api_stays_in_roubles(self, client: Client, reader: User) -> None:
        ExchangeRateFactory(currency="USD", date=date(2026, 1, 1), rub_per_unit=Decimal(80))

        costs = client.get("/api/v1/daily-costs/summary/", {"group_by": "connection"}).json()

        assert {row["currency"] for row in costs} == {"RUB"}
