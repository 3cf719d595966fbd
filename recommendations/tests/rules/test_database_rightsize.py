"""A database with more processor or memory than it needs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.database_rightsize import DatabaseRightsize
from recommendations.tests.facts import NOW, ask, connection, hourly, offer, options_of, prices, resource

PARTS = prices(
    offer(resource_type="database", component="vcpu", monthly=Decimal(2000)),
    offer(resource_type="database", component="memory_gib", monthly=Decimal(200)),
    offer(resource_type="database", component="storage_gib", monthly=Decimal(10)),
)


def tariff(cpu, memory_gb, monthly, **changes):
    return offer(
        resource_type="database",
        name=f"{cpu}/{memory_gb}",
        engine="mysql",
        region_id="ru-1",
        vcpus=Decimal(cpu),
        memory_mib=memory_gb * 1024,
        storage_gib=Decimal(100),
        monthly=Decimal(monthly),
        **changes,
    )


def database(book=PARTS, **changes):
    """8 vCPU, 16 GiB, 100 GiB: 20 200 by list."""
    values = {
        "connection": connection(prices=book),
        "engine": "mysql",
        "vcpus": Decimal(8),
        "memory_mib": 16384,
        "storage_gib": Decimal(100),
        "region_id": "ru-1",
        "day_cost": "600",
        "series": {"cpu_percent": hourly(20), "memory_percent": hourly(40)},
    }
    return resource("database", **(values | changes))


def warm(hits=99.5, memory=40, **more):
    return {
        "cpu_percent": hourly(20),
        "memory_percent": hourly(memory),
        "cache_hit_percent": hourly(hits),
        **more,
    }


def test_processor_shrinks_to_what_ninety_nine_per_cent_of_the_hours_need():
    answer = ask(DatabaseRightsize, database())

    assert isinstance(answer, Finding)
    # 8 vCPU x 20 % / 70 % = 2.3, so 3 vCPU: 6 000 + 3 200 + 1 000 = 10 200 of 20 200; 18 000 are paid
    assert answer.current_monthly == Decimal("18000.00")
    assert answer.saving_monthly == Decimal("8910.89")
    assert answer.confidence == Decimal("0.65")
    assert any("Memory stays" in note.message for note in answer.notes)


def test_memory_shrinks_where_reads_come_from_it_and_the_working_set_still_fits():
    answer = ask(DatabaseRightsize, database(series=warm()))

    # 16 GiB x 40 % / 75 % = 8.5, so 9 GiB: 6 000 + 1 800 + 1 000 = 8 800
    assert answer.saving_monthly == Decimal("10158.42")
    assert "3 vCPU, 9 GiB" in answer.summary.params["then"]


@pytest.mark.parametrize(
    ("hits", "memory", "then"),
    [(98.9, 40, "3 vCPU, 16 GiB"), (99, 40, "3 vCPU, 9 GiB"), (99, 76, "3 vCPU, 16 GiB")],
)
def test_memory_never_falls_below_what_the_working_set_needs(hits, memory, then):
    answer = ask(DatabaseRightsize, database(series=warm(hits, memory)))

    assert answer.summary.params["then"] == then


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"series": {"cpu_percent": hourly(40)}}, {}, Finding),
        ({"series": {"cpu_percent": hourly(40.1)}}, {}, NotMatched),
        ({"series": {"cpu_percent": hourly(40.1)}}, {"cpu_limit": Decimal(41)}, Finding),
        ({"series": {}}, {}, SkipReason.NO_METRICS),
        ({"series": {"cpu_percent": hourly(20, days=9)}}, {}, SkipReason.TOO_FEW_SAMPLES),
        ({"book": prices()}, {}, SkipReason.NO_PRICE),
        ({"book": prices(offer())}, {}, SkipReason.NO_PRICE),
        ({"book": prices(tariff(4, 16, 9000))}, {}, SkipReason.NO_PRICE),
        ({"book": prices(tariff(8, 16, 15000))}, {}, SkipReason.ALREADY_OPTIMAL),
        ({"book": prices(tariff(8, 16, 15000), tariff(4, 16, 9000))}, {}, Finding),
        (
            {"book": prices(tariff(8, 16, 15000, currency="USD"), tariff(4, 16, 9000, currency="USD"))},
            {},
            SkipReason.NO_PRICE,
        ),
        ({"book": prices(tariff(8, 16, 15000), tariff(4, 8, 5000))}, {}, SkipReason.ALREADY_OPTIMAL),
        ({"vcpus": None}, {}, SkipReason.NO_EVIDENCE),
        ({"provider_created_at": NOW - timedelta(days=13)}, {}, SkipReason.TOO_YOUNG),
        ({"cost_days_count": 2}, {}, SkipReason.NO_COST),
        ({"name": "db-replica"}, {}, SkipReason.TWIN),
        ({"configuration": {"cluster_id": "c"}}, {}, SkipReason.PART_OF_SOMETHING),
    ],
)
def test_when_it_holds(changes, options, expected):
    answer = ask(DatabaseRightsize, database(**changes), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_disk_is_sold_in_a_class_of_its_own():
    def part(component, monthly, family):
        return offer(
            resource_type="database",
            component=component,
            monthly=Decimal(monthly),
            region_id="ru-1",
            family=family,
        )

    book = prices(
        part("vcpu", 2000, "standard"),
        part("memory_gib", 200, "standard"),
        part("storage_gib", 5, "network"),
        part("storage_gib", 10, "local"),
    )

    answer = ask(DatabaseRightsize, database(book, configuration={"disk_type": "local"}))

    assert answer.saving_monthly == Decimal("8910.89")  # 18 000 x (1 - 10 200 / 20 200)


@pytest.mark.parametrize(("used", "expected"), [(100, Finding), (101, Skip)])
def test_target_takes_as_many_connections_as_there_were(used, expected):
    book = prices(tariff(8, 16, 15000), tariff(4, 16, 9000, plan_limits={"connections": Decimal(100)}))

    answer = ask(DatabaseRightsize, database(book, series=warm(connections=hourly(5, peak=used))))

    assert isinstance(answer, expected)


def test_whole_tariffs_are_compared_at_the_customer_s_own_price():
    book = prices(tariff(8, 16, 15000), tariff(4, 16, 9000), tariff(6, 16, 12000))

    answer = ask(DatabaseRightsize, database(book, day_cost="400"))

    assert answer.saving_monthly == Decimal("4800.00")  # 12 000 x (1 - 9 000 / 15 000)
    assert [each.params["size"] for each in answer.alternatives] == ["6 vCPU, 16 GiB"]


def test_hosts_of_a_cluster_shrink_alike():
    facts = database(configuration={"node_count": 2}, series={"cpu_percent": hourly(36)})

    answer = ask(DatabaseRightsize, facts)

    # 8 x 36 / 70 = 4.1 vCPU of two hosts, so 6
    assert answer.summary.params["then"] == "6 vCPU, 16 GiB"


def test_cost_before_the_size_changed_is_no_cost_of_this_size():
    facts = database(resized_at=NOW - timedelta(days=12))
    facts.daily_costs = {
        day: Decimal(9999) if n < 108 else Decimal(600) for n, day in enumerate(facts.daily_costs)
    }

    answer = ask(DatabaseRightsize, facts)

    assert answer.current_monthly == Decimal("18000.00")


def test_fingerprint_moves_with_the_size_alone():
    same, dearer = database(pk=5), database(pk=5, day_cost="601")
    smaller = database(pk=5, memory_mib=8192)
    prints = [
        ask(DatabaseRightsize, each).fingerprint(DatabaseRightsize.id) for each in (same, dearer, smaller)
    ]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "at most 35 %" in describe(DatabaseRightsize, options_of(DatabaseRightsize, cpu_limit=Decimal(35)))
