"""Like for like: which parts are added, what is not known, tax, currency, age, payback, residency. No database."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from recommendations.engine.pricing import Offer, PriceBook
from recommendations.prices.comparison import Candidate, Now, Wanted, compare
from recommendations.prices.residency import is_personal, may_lie_in
from recommendations.tests.facts import NOW, offer

ROUBLES = {"RUB": Decimal(1)}


def cloud(provider_type: str = "cloud", *, vcpu: int = 300, memory: int = 100, **changes: Any) -> list[Offer]:
    """A cloud of parts: vCPU, memory, SSD for 8, an address for 150, traffic for 2."""
    common = {"provider_type": provider_type, "region_id": "r-1", "country": "RU", "family": "standard"}

    def part(monthly: int, **more: Any) -> Offer:
        return offer(monthly=Decimal(monthly), **{**common, **more, **changes})

    return [
        part(vcpu, component="vcpu"),
        part(memory, component="memory_gib"),
        part(8, component="storage_gib", resource_type="volume", family="ssd", disk_class="ssd"),
        part(150, component="ip", resource_type="floating_ip"),
        part(2, component="traffic_gib", resource_type="network"),
    ]


WANTED = {
    "vcpus": Decimal(4),
    "memory_gib": Decimal(8),
    "disk_gib": Decimal(100),
    "traffic_gib": Decimal(50),
}


def found(
    offers: list[Offer], now: Now | None = None, rates: Any = ROUBLES, **wanted: Any
) -> list[Candidate]:
    return compare(PriceBook(offers), Wanted(**{**WANTED, **wanted}), now=now or Now(), at=NOW, rates=rates)


def only(offers: list[Offer], now: Now | None = None, **wanted: Any) -> Candidate:
    (candidate,) = found(offers, now, **wanted)
    return candidate


def test_parts_add_up_to_the_total() -> None:
    candidate = only(cloud())

    assert [(part.word, part.monthly) for part in candidate.parts] == [
        ("vCPU", Decimal(1200)),
        ("memory", Decimal(800)),
        ("disk", Decimal(800)),
        ("address", Decimal(150)),
        ("traffic", Decimal(100)),
    ]
    assert candidate.monthly == Decimal(3050)


def test_what_comes_with_a_size_costs_nothing_more() -> None:
    whole = offer(
        vcpus=Decimal(4),
        memory_mib=8192,
        storage_gib=Decimal(100),
        monthly=Decimal(2500),
        includes_ip=True,
        included_traffic_gib=Decimal(30),
    )
    traffic = offer(resource_type="network", component="traffic_gib", monthly=Decimal(3))

    candidate = only([whole, traffic])

    assert [(part.word, part.monthly) for part in candidate.parts] == [
        ("server", Decimal(2500)),
        ("address", Decimal(0)),
        ("traffic", Decimal(60)),
    ]


def test_part_without_a_price_is_not_free() -> None:
    offers = [each for each in cloud() if each.component != "traffic_gib"]

    candidate = only(offers)

    assert (candidate.monthly, candidate.missing) == (None, ("traffic",))
    assert only(offers, traffic_gib=Decimal(0)).monthly == Decimal(2950)


def test_candidate_without_a_total_stands_behind() -> None:
    whole = cloud("b", vcpu=900)
    partial = [each for each in cloud("a") if each.component != "ip"]

    assert [each.quote.provider_type for each in found([*partial, *whole])] == ["b", "a"]


@pytest.mark.parametrize(
    ("includes_tax", "tax", "monthly", "told"),
    [
        (True, "listed", "3050.00", True),
        (True, "with", "3050.00", True),
        (True, "without", "2500.00", False),
        (False, "with", "3721.00", True),
        (False, "without", "3050.00", False),
        (None, "with", "3050.00", None),
        (None, "without", "3050.00", None),
    ],
)
def test_tax_is_added_or_taken_out_where_the_list_says_what_it_holds(
    includes_tax: bool | None, tax: str, monthly: str, told: bool | None
) -> None:
    candidate = only(cloud(includes_tax=includes_tax), tax=tax)

    assert (candidate.monthly, candidate.includes_tax) == (Decimal(monthly), told)


def test_amounts_in_another_currency_are_told_in_roubles_or_not_at_all() -> None:
    offers = cloud(currency="USD")

    (with_rate,) = found(offers, rates={**ROUBLES, "USD": Decimal(80)})
    (without,) = found(offers)

    assert with_rate.monthly == Decimal(3050 * 80)
    assert without.monthly is None


def test_age_is_that_of_the_oldest_price_and_told_after_fourteen_days() -> None:
    fresh, old = (only(cloud(read_at=NOW - timedelta(days=14, seconds=n))) for n in (0, 1))

    assert (fresh.is_old, old.is_old) == (False, True)


def test_payback_is_work_and_copying_over_what_is_saved() -> None:
    now = Now(
        monthly=Decimal(5050),
        hours=Decimal(8),
        hour_rate=Decimal(2000),
        egress_gib=Decimal(100),
        egress_price=Decimal(3),
    )

    candidate = only(cloud(), now)

    assert now.one_off == Decimal(16300)
    assert (candidate.difference, candidate.payback_months) == (Decimal(-2000), Decimal("8.2"))
    assert candidate.difference_percent is not None
    assert round(candidate.difference_percent, 2) == Decimal("-39.60")


def test_nothing_saved_pays_nothing_back() -> None:
    candidate = only(cloud(), Now(monthly=Decimal(3050), hours=Decimal(1), hour_rate=Decimal(1)))

    assert (candidate.difference, candidate.payback_months) == (Decimal(0), None)


def test_personal_data_stays_home_and_others_are_shown_as_not_allowed() -> None:
    abroad = cloud("abroad", vcpu=1, country="KZ")
    unknown = cloud("unknown", vcpu=2, country="")

    candidates = found([*abroad, *unknown, *cloud("home")], personal=True)

    assert [(each.quote.provider_type, each.is_allowed) for each in candidates] == [
        ("home", True),
        ("abroad", False),
        ("unknown", False),
    ]


def test_country_narrows() -> None:
    candidates = found([*cloud("abroad", country="KZ"), *cloud("home")], country="KZ")

    assert [each.quote.provider_type for each in candidates] == ["abroad"]


def test_share_of_a_core_is_at_least_what_is_asked() -> None:
    half = cloud("half", cpu_share=50)

    assert found(half) == []
    assert only(half, cpu_share=50).quote.cpu_share == 50


def test_cheapest_zone_of_a_region_and_line_stands_for_it() -> None:
    offers = [
        *cloud(vcpu=300, zone_id="r-1a"),
        *cloud(vcpu=200, zone_id="r-1b"),
        *cloud(vcpu=100, region_id="r-2"),
    ]

    assert [each.quote.zone_id or each.quote.region_id for each in found(offers)] == ["r-2", "r-1b"]


@pytest.mark.parametrize(
    ("tags", "personal"),
    [
        ({}, False),
        ({"data:personal": ""}, True),
        ({"Data:Personal": "yes"}, True),
        ({"data:personal": "no"}, False),
        ({"data": "personal"}, True),
        ({"data": "public"}, False),
    ],
)
def test_tags_that_keep_data_home(tags: dict[str, str], personal: bool) -> None:
    assert is_personal(tags) is personal


def test_data_that_is_not_personal_may_lie_anywhere() -> None:
    assert may_lie_in("KZ", personal=False)
    assert not may_lie_in("KZ", personal=True)
    assert may_lie_in("RU", personal=True)
