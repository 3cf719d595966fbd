"""Paid at more than today's list."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Risk, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.rate_price_drift import PriceDrift
from recommendations.tests.facts import NOW, ask, connection, offer, options_of, prices, resource, server
from recommendations.tests.rules.catalogue import PARTS_PROVIDER, billed, cloud_server, parts, tariffs

BOOK = prices(*parts())


def paying(factor, book=BOOK, **changes):
    """A server that pays `factor` times the list, 17 481.60 a month."""
    return cloud_server(book, discount=factor, disks=(), **changes)


def test_dearer_than_the_list_is_found():
    answer = ask(PriceDrift, paying("1.25"))

    assert isinstance(answer, Finding)
    assert answer.current_monthly == Decimal("21852.00")
    assert answer.saving_monthly == Decimal("4370.40")  # 21 852 - 17 481.60
    assert (answer.risk, answer.confidence) == (Risk.NONE, Decimal("0.70"))


def test_one_sku_that_is_dearer_saves_its_own_part():
    facts = paying("1")
    cores, memory = facts.parts
    dear = billed("ram", "MB", "32768", Decimal("8000"))
    facts.parts = (cores, dear)
    day = cores.day_cost + dear.day_cost
    facts.daily_costs = dict.fromkeys(facts.daily_costs, day)

    answer = ask(PriceDrift, facts)

    assert memory.day_cost * 30 == Decimal("5990.4")
    assert answer.saving_monthly == Decimal("2009.60")


@pytest.mark.parametrize(
    ("factor", "options", "expected"),
    [
        ("1.03", {}, Finding),
        ("1.029", {}, NotMatched),
        ("1.029", {"minimum_percent": Decimal(2)}, Finding),
        ("1", {}, NotMatched),
        ("0.5", {}, NotMatched),
    ],
)
def test_difference_of_three_per_cent_is_asked_for(factor, options, expected):
    assert isinstance(ask(PriceDrift, paying(factor), **options), expected)


def since(days, **changes):
    """25 % dearer on the last `days` days alone."""
    facts = paying("1.25", **changes)
    keys = list(facts.daily_costs)
    full = facts.daily_costs[keys[-1]]
    facts.daily_costs = {
        day: full if n >= len(keys) - days else full / Decimal("1.25") for n, day in enumerate(keys)
    }
    return facts


@pytest.mark.parametrize(
    ("days", "options", "expected"),
    [(7, {}, Finding), (6, {}, NotMatched), (6, {"days": 6}, Finding)],
)
def test_seven_days_in_a_row_are_asked_for(days, options, expected):
    assert isinstance(ask(PriceDrift, since(days), **options), expected)


@pytest.mark.parametrize(
    ("book", "changes", "expected"),
    [
        (prices(*parts(read_at=NOW - timedelta(days=7))), {}, Finding),
        (prices(*parts(read_at=NOW - timedelta(days=8))), {}, SkipReason.STALE),
        (prices(), {}, SkipReason.NO_PRICE),
        (prices(*parts(currency="USD")), {}, SkipReason.NO_PRICE),
        (prices(*parts(billing_sku_id="")), {}, SkipReason.NO_PRICE),
        (prices(*parts(includes_tax=False)), {}, NotMatched),
        (BOOK, {"configuration": {}}, SkipReason.NO_PRICE),
        (BOOK, {"region_id": "ru-9"}, SkipReason.NO_PRICE),
        (BOOK, {"parts": ()}, SkipReason.NO_PRICE),
        (BOOK, {"cost_days_count": 6}, SkipReason.NO_COST),
        (BOOK, {"cost_days_count": 7}, Finding),
        (BOOK, {"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        (BOOK, {"changed_at": NOW - timedelta(days=1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_when_it_holds(book, changes, expected):
    answer = ask(PriceDrift, paying("1.2", book, **changes))

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_tax_is_added_to_a_list_without_it():
    book = prices(*parts(includes_tax=False))

    assert ask(PriceDrift, paying("1.2566", book)).saving_monthly == Decimal("639.83")


def test_use_and_what_the_list_lacks_are_not_compared():
    facts = paying("1")
    surcharge = billed("surcharge", "Item", "1", Decimal(9000))
    facts.parts = (*facts.parts, surcharge)

    assert isinstance(ask(PriceDrift, facts), NotMatched)


def vps(paid_monthly, **changes):
    """A tariff of 6 500: 4 vCPU, 8 GiB, 100 GiB."""
    values = {
        "connection": connection(provider_type="tariffs", prices=prices(*tariffs())),
        "region_id": "ru1",
        "configuration": {"configuration_id": "4-8-100"},
        "day_cost": Decimal(paid_monthly) / 30,
    }
    return server(**(values | changes))


@pytest.mark.parametrize(
    ("paid_monthly", "changes", "expected"),
    [
        ("6500", {}, NotMatched),
        ("6695", {}, Finding),
        ("6694", {}, NotMatched),
        ("9000", {"configuration": {}}, SkipReason.NO_PRICE),
        ("9000", {"configuration": {"configuration_id": "own"}}, SkipReason.NO_PRICE),
        ("9000", {"memory_mib": 16384}, SkipReason.NO_PRICE),
        ("9000", {"currency": "USD"}, SkipReason.NO_PRICE),
    ],
)
def test_tariff_is_compared_where_no_lines_are_billed(paid_monthly, changes, expected):
    answer = ask(PriceDrift, vps(paid_monthly, **changes))

    if isinstance(expected, SkipReason):
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_volume_is_compared_by_its_line():
    facts = resource(
        "volume",
        connection=connection(provider_type=PARTS_PROVIDER, prices=BOOK),
        region_id="ru-1",
        storage_gib=Decimal(500),
        parts=(billed("volume_universal", "GB", "500", Decimal(5000)),),
        day_cost=Decimal(5000) / 30,
    )

    assert ask(PriceDrift, facts).saving_monthly == Decimal("950.00")  # 5 000 - 500 x 8.10


def test_price_in_several_zones_is_not_guessed():
    book = prices(
        offer(sku_id="a", billing_sku_id="gb", resource_type="volume", component="storage_gib", zone_id="z1"),
        offer(sku_id="b", billing_sku_id="gb", resource_type="volume", component="storage_gib", zone_id="z2"),
    )
    facts = resource(
        "volume",
        connection=connection(prices=book),
        region_id="r",
        parts=(billed("gb", "GB", "10", Decimal(90000)),),
        day_cost=3000,
    )

    assert ask(PriceDrift, facts).reason == SkipReason.NO_PRICE


def test_fingerprint_moves_with_the_skus_alone():
    same, dearer = paying("1.3", pk=5), paying("1.301", pk=5)
    other = paying("1.3", pk=5, zone="ru-1a")
    prints = [ask(PriceDrift, each).fingerprint(PriceDrift.id) for each in (same, dearer, other)]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "at least 4 % above" in describe(PriceDrift, options_of(PriceDrift, minimum_percent=Decimal(4)))
