"""The same for less in another region."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Risk, Skip, SkipReason
from recommendations.engine.facts import Twin
from recommendations.rulebook import describe
from recommendations.rules.server_cheaper_region import CheaperRegion
from recommendations.tests.facts import ask, connection, offer, options_of, prices, resource
from recommendations.tests.rules.catalogue import PARTS_PROVIDER, ZONES, cloud_server, parts

TWINS = {"k8s-worker": Twin(count=2, busiest_pk=1, busiest_cpu=41.0)}


def home(book=None, **changes):
    values = {
        "provider_type": PARTS_PROVIDER,
        "provider_name": "Parts",
        "prices": prices(*parts()) if book is None else book,
        "region_ids": frozenset({"ru-1", "ru-2"}),
    }
    return connection(**(values | changes))


def worker(where=None, **changes):
    """k8s-worker-02 of the demo: 18 000 a month."""
    values = {"name": "k8s-worker-02", "connection": where or home(twins=TWINS)}
    return cloud_server(None, **(values | changes))


def test_worker_of_the_demo_costs_less_in_the_other_region():
    facts = worker(environment="production")

    answer = ask(CheaperRegion, facts)

    # here 8 x 1 436.40 + 32 x 187.20 + 64 x 8.10, there 8 x 871.20 + 32 x 187.20 + 64 x 7.9992
    assert isinstance(answer, Finding)
    assert answer.current_monthly == Decimal("18000.00")
    assert answer.target_monthly == Decimal("13471.95")
    assert answer.saving_monthly == Decimal("4528.05")
    assert (answer.confidence, answer.risk) == (Decimal("0.45"), Risk.HIGH)
    assert answer.covers == (facts.components[0].pk,)
    assert answer.facts["Cheaper region"] == "ru-2a"


def test_discounted_server_saves_in_proportion():
    answer = ask(CheaperRegion, worker(discount="0.8"))

    assert answer.saving_monthly == Decimal("3622.44")  # 14 400 x (1 - 13 471.9488 / 18 000)


def priced(there):
    """The list with a processor in the other region so dear that the whole costs `there` of 18 000."""
    cores = (Decimal(there) - Decimal("5990.4") - Decimal("511.9488")) / 8
    return prices(
        *(
            replace(each, monthly=cores)
            if (each.component, each.zone_id, each.family) == ("vcpu", "ru-2a", "standard")
            else each
            for each in parts()
        )
    )


@pytest.mark.parametrize(("there", "expected"), [("16200", Finding), ("16201", NotMatched)])
def test_difference_of_ten_per_cent_is_asked_for(there, expected):
    assert isinstance(ask(CheaperRegion, worker(home(priced(there)))), expected)


def test_limit_is_an_option():
    facts = worker(home(priced("16201")))

    assert isinstance(
        ask(CheaperRegion, facts, minimum_difference=Decimal(9), minimum_saving_percent=Decimal(9)), Finding
    )


@pytest.mark.parametrize(
    ("where", "changes", "expected"),
    [
        ({}, {"environment": "production"}, SkipReason.GUARDED),
        ({"twins": TWINS}, {"environment": "production"}, Finding),
        ({"region_ids": frozenset({"ru-1"})}, {}, SkipReason.NO_TARGET),
        ({"region_ids": None}, {}, Finding),
        ({"book": prices()}, {}, SkipReason.NO_PRICE),
        ({"book": prices(*parts(currency="USD"))}, {}, SkipReason.NO_PRICE),
        ({}, {"zone": "ru-2a"}, NotMatched),
        ({}, {"disks": (("universal", 64), ("basic", 10))}, Finding),
        ({}, {"tags": {"data:personal": ""}}, Finding),
        ({"book": prices(*parts(country=""))}, {"tags": {"data:personal": ""}}, SkipReason.GUARDED),
        ({"book": prices(*parts(country="KZ"))}, {"tags": {"data": "personal"}}, SkipReason.GUARDED),
        ({"book": prices(*parts(country="KZ"))}, {"tags": {"data": "public"}}, Finding),
        ({"network_members": {"net": (77, 78)}}, {"pk": 77}, SkipReason.GUARDED),
        ({"network_members": {"net": (77,)}}, {"pk": 77}, Finding),
        ({}, {"cost_days_count": 2}, SkipReason.NO_COST),
        ({}, {"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        (
            {},
            {"configuration": {"availability_zone": "ru-1b", "nodegroup_id": "g"}},
            SkipReason.PART_OF_SOMETHING,
        ),
    ],
)
def test_when_it_holds(where, changes, expected):
    answer = ask(CheaperRegion, worker(home(**where), **changes))

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_disk_without_a_known_class_leaves_the_price_unknown():
    facts = worker()
    facts.components[0].configuration = {"volume_type": "mystery"}

    assert ask(CheaperRegion, facts).reason == SkipReason.NO_PRICE


def test_unknown_neighbours_are_told_of():
    assert any("private network" in note.message for note in ask(CheaperRegion, worker()).notes)


def volume(parent=None, **changes):
    values = {
        "connection": home(),
        "storage_gib": Decimal(1000),
        "region_id": "ru-1",
        "configuration": {"volume_type": "basic.ru-1a"},
        "day_cost": Decimal("6499.8") / 30,
        "parent": parent,
    }
    return resource("volume", **(values | changes))


def test_volume_of_its_own_moves_by_itself():
    answer = ask(CheaperRegion, volume())

    assert answer.saving_monthly == Decimal("2899.80")  # 1 000 x (6.4998 - 3.60)


def test_volume_of_a_server_moves_with_it():
    assert ask(CheaperRegion, volume(worker())).reason == SkipReason.PART_OF_SOMETHING


def database(region_prices, **changes):
    book = [
        offer(
            provider_type=PARTS_PROVIDER,
            resource_type="database",
            engine="mysql",
            region_id=region,
            vcpus=Decimal(2),
            memory_mib=4096,
            storage_gib=Decimal(40),
            monthly=Decimal(monthly),
        )
        for region, monthly in region_prices.items()
    ]
    values = {
        "connection": home(prices(*book)),
        "engine": "mysql",
        "vcpus": Decimal(2),
        "memory_mib": 4096,
        "storage_gib": Decimal(40),
        "region_id": "ru-1",
    }
    return resource("database", **(values | changes))


def test_database_is_compared_by_its_tariff():
    answer = ask(CheaperRegion, database({"ru-1": 3000, "ru-2": 2000}))

    assert answer.saving_monthly == Decimal("1000.00")


def test_database_in_production_moves_where_it_has_several_hosts():
    one = database({"ru-1": 3000, "ru-2": 2000}, environment="production")

    assert ask(CheaperRegion, one).reason == SkipReason.GUARDED


def test_zones_of_its_own_region_are_no_other_region():
    book = prices(*(each for each in parts() if each.region_id in ("ru-1", "")))

    assert len({zone for _region, zone in ZONES}) == 3
    assert ask(CheaperRegion, worker(home(book))).reason == SkipReason.NO_TARGET


def test_fingerprint_moves_with_the_size_alone():
    same, dearer = worker(pk=5), worker(pk=5, discount="0.99")
    larger = worker(pk=5, memory_mib=65536)
    prints = [ask(CheaperRegion, each).fingerprint(CheaperRegion.id) for each in (same, dearer, larger)]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    text = describe(CheaperRegion, options_of(CheaperRegion, minimum_difference=Decimal(15)))
    assert "at least 15 % less" in text
