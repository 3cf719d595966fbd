"""The demo's price lists: what the emulated providers list and what the file adds answer the demo's questions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accounts.tests.factories import OrganizationFactory
from infrazen.demo.history import emulated_providers, read_history
from infrazen.demo.plan import Plan
from infrazen.demo.prices import list_prices
from providers.models import ProviderConnection
from providers.services import create_connection
from recommendations.engine.pricing import PriceBook
from recommendations.engine.registry import all_rules
from recommendations.engine.sizes import current_quote, quotes, volume_quote
from recommendations.evidence import Evidence, Lookback
from recommendations.prices.models import Price, PriceReading
from recommendations.prices.queries import price_book

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def book(demo_data: Path) -> PriceBook:
    organization = OrganizationFactory()
    plan = Plan.load()
    with emulated_providers(NOW.date(), plan) as server:
        server.set_clock(NOW)
        for wanted in plan.connections:
            create_connection(
                organization=organization,
                provider_type=wanted["provider_type"],
                connection_name=wanted["name"],
                credentials=wanted["credentials"],
                now=NOW,
                auto_sync=False,
            )
        list_prices(organization, now=NOW)
        count = Price.objects.count()
        list_prices(organization, now=NOW)  # the same again
    assert set(PriceReading.objects.values_list("provider_type", "status")) == {
        ("beget", "success"),
        ("selectel", "success"),
    }
    assert Price.objects.count() == count
    return price_book(organization, NOW)


def cheapest(book: PriceBook, provider_type: str, **wanted: Any) -> Any:
    return next(quotes(book, provider_type, **wanted))


def test_demo_lists_answer_its_questions(book: PriceBook) -> None:
    worker = {"vcpus": Decimal(8), "memory_mib": 32768, "family": "standard"}
    here = cheapest(book, "selectel", region_id="ru-1", zone_id="ru-1b", **worker)
    there = cheapest(book, "selectel", region_id="ru-2", **worker)
    assert (here.monthly, there.monthly) == (Decimal("17481.600000"), Decimal("12960.000000"))

    api_backend = cheapest(
        book,
        "selectel",
        vcpus=Decimal(8),
        memory_mib=32768,
        family="dedicated",
        region_id="ru-1",
        zone_id="ru-1b",
    )
    assert api_backend.monthly == Decimal("24180.300000")

    elsewhere = cheapest(
        book, "beget", vcpus=Decimal(4), memory_mib=16384, storage_gib=Decimal(160), region_id="ru1"
    )
    assert (elsewhere.monthly, elsewhere.is_interpolated) == (Decimal("10000.000000"), True)

    app = cheapest(
        book,
        "beget",
        vcpus=Decimal(4),
        memory_mib=8192,
        storage_gib=Decimal(100),
        family="high_cpu",
        region_id="ru1",
    )
    (year,) = book.terms(app.offers[0])
    assert (app.monthly, year.monthly, year.term_months) == (Decimal(12500), Decimal(10625), 12)

    classes = book.disk_families("selectel", region_id="ru-2")
    assert [(each.family, each.plan_limits["iops"]) for each in classes] == [
        ("basic", 320),
        ("basicssd", 640),
        ("universal2", 2000),
        ("universal", 7000),
        ("fast", 25000),
    ]
    disk = volume_quote(book, "selectel", region_id="ru-2", family="basicssd", size_gib=Decimal(500))
    assert disk is not None
    assert disk.monthly == Decimal("2700.000000")

    plans = {
        each.family: (each.monthly, each.plan_limits["requests_per_second"])
        for each in book.load_balancer_plans("selectel", region_id="ru-1")
    }
    assert plans["active_standby_xl"] == (Decimal("8000.100000"), 500)
    assert plans["active_standby_s"] == (Decimal("4320.000000"), 60)

    buckets = [each.family for each in book.bucket_classes("selectel", region_id="ru-2")]
    assert buckets == ["archive", "cold", "standard"]
    retrieval = book.bucket_price("selectel", "retrieval_gib", family="archive", region_id="ru-2")
    assert retrieval is not None
    assert retrieval.monthly == Decimal("2.5")
    assert {each.country for each in book.offers("beget", "server")} == {"RU", "KZ"}


@pytest.mark.once
def test_servers_of_the_demo_are_quoted_at_exactly_what_they_are_billed(
    demo_data: Path, settings: Any
) -> None:
    """The emulators bill by the lists that they show: a line taken for another one would show here."""
    settings.AFTER_SYNC = ["costs.services.after_sync"]
    organization, whole = OrganizationFactory(time_zone="Europe/Moscow"), Plan.load()
    wanted = tuple(each for each in whole.connections if each["name"] == "Selectel BU-B")
    plan = replace(whole, history_days=1, connections=wanted, budgets=())
    with emulated_providers(NOW.date(), plan) as server:
        read_history(
            organization=organization,
            server=server,
            plan=plan,
            anchor=NOW.date(),
            now=NOW,
            auto_sync=False,
            progress=lambda _done, _total: None,
        )
    connection = ProviderConnection.objects.select_related("organization").get()
    evidence = Evidence(
        connection,
        prices=price_book(organization, NOW),
        lookback=Lookback.of(all_rules().values()),
        now=NOW,
    )

    found = {
        facts.name: current_quote(facts)
        for batch in evidence.trees()
        for facts in batch
        if facts.resource_type == "server"
    }

    assert {name: quote and quote.family for name, quote in found.items()} == {
        "web-frontend-01": "high_freq",
        "web-frontend-02": "high_freq",
        "db-mysql-staging": "standard",
        "dev-k8s-node-01": "standard",
        "dev-k8s-node-02": "standard",
        "test-runner-01": "percent_50",
        "ci-runner-spot": "preemptible",
    }
    for name, quote in found.items():
        assert quote is not None
        assert quote.billed_monthly is not None, name
        assert round(quote.monthly, 2) == round(quote.billed_monthly, 2), name
