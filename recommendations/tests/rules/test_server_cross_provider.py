"""The same for less at another provider."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Risk, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.server_cross_provider import CrossProvider
from recommendations.tests.facts import (
    NOW,
    ask,
    connection,
    hourly,
    offer,
    options_of,
    prices,
    resource,
)
from recommendations.tests.rules.catalogue import (
    PARTS_PROVIDER,
    TARIFF_PROVIDER,
    cloud_server,
    parts,
    tariffs,
)

GIB_A_MONTH = 1024**3 / 2_592_000
"""Bytes a second that come to one GiB in thirty days."""


def home(elsewhere=None, **changes):
    values = {
        "provider_type": PARTS_PROVIDER,
        "provider_name": "Parts",
        "prices": prices(*parts(), *(tariffs() if elsewhere is None else elsewhere)),
        "region_ids": frozenset({"ru-1"}),
    }
    return connection(**(values | changes))


def frontend(where=None, **changes):
    """web-frontend-01 of the demo: 4 vCPU of the fast line, 16 GiB, 160 GiB NVMe, 18 500.40 a month."""
    values = {
        "name": "web-frontend-01",
        "connection": where or home(),
        "line": "high_freq",
        "zone": "ru-1a",
        "vcpus": Decimal(4),
        "memory_mib": 16384,
        "disks": (("fast", 160),),
    }
    return cloud_server(None, **(values | changes))


def test_frontend_of_the_demo_costs_less_elsewhere():
    facts = frontend()

    answer = ask(CrossProvider, facts)

    # here 4 x 2 637.90 + 16 x 280.80 + 160 x 21.60, there 4 x 500 + 16 x 250 + 160 x 25
    assert isinstance(answer, Finding)
    assert answer.current_monthly == Decimal("18500.40")
    assert answer.target_monthly == Decimal("10000.00")
    assert answer.saving_monthly == Decimal("8500.40")
    # eight hours of 2 000 and 160 GiB of 3.125
    assert answer.one_off_cost == Decimal("16500.00")
    assert answer.facts["Pays back in months"]["value"] == "1.9"
    assert (answer.confidence, answer.risk) == (Decimal("0.60"), Risk.HIGH)
    assert answer.variant == TARIFF_PROVIDER
    assert answer.covers == (facts.components[0].pk,)


def test_discount_here_lowers_the_saving_and_not_the_target():
    answer = ask(CrossProvider, frontend(discount="0.8"))

    assert (answer.target_monthly, answer.saving_monthly) == (Decimal("10000.00"), Decimal("4800.32"))


def flat(monthly, **changes):
    """A server of exactly this size elsewhere."""
    values = {
        "provider_type": TARIFF_PROVIDER,
        "name": "flat",
        "monthly": Decimal(monthly),
        "region_id": "ru1",
        "vcpus": Decimal(4),
        "memory_mib": 16384,
        "storage_gib": Decimal(160),
        "disk_class": "nvme",
        "country": "RU",
    }
    return offer(**(values | changes))


@pytest.mark.parametrize(
    ("target", "options", "expected"),
    [
        # the same line costs 18 316.80 in the next zone, but a zone is no other region
        (flat("14800.32"), {}, Finding),
        (flat("14800.33"), {}, NotMatched),
        (flat("14800.33"), {"minimum_percent": Decimal(19)}, Finding),
        (flat("10000", currency="USD"), {}, SkipReason.NO_PRICE),
        (flat("10000", vcpus=Decimal(2)), {}, SkipReason.NO_TARGET),
        (flat("10000", memory_mib=8192), {}, SkipReason.NO_TARGET),
        (flat("10000", storage_gib=Decimal(100)), {}, SkipReason.NO_TARGET),
        (flat("10000", cpu_share=50), {}, SkipReason.NO_TARGET),
        (flat("10000", disk_class="hdd"), {}, SkipReason.NO_TARGET),
        (flat("10000", is_preemptible=True), {}, SkipReason.NO_TARGET),
        (flat("10000", vcpus=Decimal(8), memory_mib=32768), {}, Finding),
        (flat("10000", read_at=NOW - timedelta(days=14)), {}, Finding),
        (flat("10000", read_at=NOW - timedelta(days=15)), {}, SkipReason.STALE),
        (flat("10000", read_at=NOW - timedelta(days=15)), {"price_days": 20}, Finding),
        (flat("10000"), {"allowed_providers": ("other",)}, SkipReason.NO_PRICE),
        (flat("10000"), {"allowed_providers": (TARIFF_PROVIDER,)}, Finding),
        (flat("10000"), {"hourly_rate": Decimal(12680)}, Finding),
        (flat("10000"), {"hourly_rate": Decimal(12690)}, SkipReason.SAVING_TOO_SMALL),
        (flat("10000"), {"hourly_rate": Decimal(12690), "payback_months": Decimal(13)}, Finding),
        (flat("10000"), {"minimum_saving": Decimal("8500.41")}, SkipReason.SAVING_TOO_SMALL),
        (flat("10000"), {"minimum_saving": Decimal("8500.40")}, Finding),
        # 12 131.41 and tax are 14 800.32
        (flat("12131.40", includes_tax=False), {}, Finding),
        (flat("12131.42", includes_tax=False), {}, NotMatched),
        (flat("12131.42", includes_tax=False), {"tax_percent": Decimal(0)}, Finding),
    ],
)
def test_when_a_target_holds(target, options, expected):
    answer = ask(CrossProvider, frontend(home([target])), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


@pytest.mark.parametrize(
    ("where", "changes", "expected"),
    [
        ({"elsewhere": []}, {}, SkipReason.NO_PRICE),
        ({}, {"tags": {"data:personal": ""}}, Finding),
        ({"elsewhere": tariffs(country="KZ")}, {"tags": {"data": "personal"}}, SkipReason.GUARDED),
        ({"elsewhere": tariffs(country="")}, {"tags": {"data:personal": ""}}, SkipReason.GUARDED),
        ({"elsewhere": tariffs(country="KZ")}, {}, Finding),
        ({"network_members": {"net": (77, 78)}}, {"pk": 77}, SkipReason.GUARDED),
        ({}, {"cost_days_count": 2}, SkipReason.NO_COST),
        ({}, {"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        (
            {},
            {"configuration": {"availability_zone": "ru-1a", "nodegroup_id": "g"}},
            SkipReason.PART_OF_SOMETHING,
        ),
        ({}, {"parts": ()}, SkipReason.LOW_CONFIDENCE),
        ({}, {"environment": "production"}, Finding),
    ],
)
def test_what_keeps_it(where, changes, expected):
    answer = ask(CrossProvider, frontend(home(**where), **changes))

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_cheaper_region_of_its_own_provider_comes_first():
    """18 000 here, 13 471.95 in the next region, 13 600 elsewhere: that is no reason to change the provider."""
    facts = cloud_server(None, connection=home(region_ids=frozenset({"ru-1", "ru-2"})))

    assert isinstance(ask(CrossProvider, facts), NotMatched)
    assert isinstance(ask(CrossProvider, cloud_server(None, connection=home())), Finding)


def test_specification_that_is_not_known_is_compared_where_somebody_asks_for_it():
    answer = ask(CrossProvider, frontend(parts=()), minimum_confidence=Decimal("0.4"))

    assert answer.confidence == Decimal("0.4")


@pytest.mark.parametrize(("disk_class", "confidence"), [("nvme", "0.60"), ("ssd", "0.54"), ("", "0.54")])
def test_disk_of_another_class_or_of_none_matches_less(disk_class, confidence):
    answer = ask(CrossProvider, frontend(home([flat("10000", disk_class=disk_class)])))

    assert answer.confidence == Decimal(confidence)


def test_match_below_the_least_is_no_candidate():
    facts = frontend(home([flat("10000", disk_class="ssd")]))

    assert ask(CrossProvider, facts, minimum_score=Decimal("0.91")).reason == SkipReason.NO_TARGET


def sending(gib):
    return {"network_tx": hourly(gib * GIB_A_MONTH)}


def traffic_price(monthly):
    return offer(
        provider_type=TARIFF_PROVIDER,
        resource_type="network",
        component="traffic_gib",
        monthly=Decimal(monthly),
    )


@pytest.mark.parametrize(
    ("more", "included", "target", "confidence"),
    [
        ([], None, "10000.00", "0.57"),
        ([], 1000, "10000.00", "0.60"),
        ([], 500, "10000.00", "0.57"),
        ([traffic_price("2")], 500, "11000.00", "0.60"),
        ([traffic_price("2")], None, "12000.00", "0.60"),
    ],
)
def test_traffic_is_included_priced_or_costs_a_part_of_the_match(more, included, target, confidence):
    included = None if included is None else Decimal(included)
    where = home([flat("10000", included_traffic_gib=included), *more])

    answer = ask(CrossProvider, frontend(where, series=sending(1000)))

    assert (answer.target_monthly, answer.confidence) == (Decimal(target), Decimal(confidence))


def with_address(where):
    facts = frontend(where)
    address = resource("floating_ip", connection=where, parent=facts, day_cost=5)
    facts.components.append(address)
    return facts


@pytest.mark.parametrize(
    ("more", "includes", "target"),
    [
        ([], True, "10000.00"),
        (
            [
                offer(
                    provider_type=TARIFF_PROVIDER,
                    resource_type="floating_ip",
                    component="ip",
                    monthly=Decimal(90),
                )
            ],
            None,
            "10090.00",
        ),
        ([], None, "10150.00"),
    ],
)
def test_public_address_is_compared_too(more, includes, target):
    answer = ask(CrossProvider, with_address(home([flat("10000", includes_ip=includes), *more])))

    assert answer.current_monthly == Decimal("18650.40")
    assert answer.target_monthly == Decimal(target)


def test_best_three_are_shown():
    where = home(
        [
            flat(price, name=name)
            for price, name in (("9000", "a"), ("9500", "b"), ("9600", "c"), ("9700", "d"))
        ]
    )

    answer = ask(CrossProvider, frontend(where))

    assert answer.target_monthly == Decimal("9000.00")
    assert [each.params["what"] for each in answer.alternatives] == ["b (ru1)", "c (ru1)"]


def test_another_provider_is_another_finding():
    first = ask(CrossProvider, frontend(home([flat("9000")]), pk=5))
    second = ask(CrossProvider, frontend(home([flat("9000", provider_type="third")]), pk=5))

    assert (first.variant, second.variant) == (TARIFF_PROVIDER, "third")
    assert first.fingerprint(CrossProvider.id) != second.fingerprint(CrossProvider.id)


def test_own_tariffs_are_compared_with_parts_elsewhere():
    where = connection(
        provider_type=TARIFF_PROVIDER, prices=prices(*tariffs(), *parts()), region_ids=frozenset({"ru1"})
    )
    facts = cloud_server(None, connection=where, disks=())
    facts.parts = ()
    facts.region_id, facts.configuration = "ru1", {}
    facts.vcpus, facts.memory_mib, facts.storage_gib = Decimal(2), 4096, Decimal(60)
    facts.daily_costs = dict.fromkeys(facts.daily_costs, Decimal(350))

    answer = ask(CrossProvider, facts, minimum_saving=Decimal(50), hourly_rate=Decimal(100))

    # 2 x 871.20 + 4 x 187.20 + 60 x 7.9992 of the SSD class, which is one below
    assert answer.current_monthly == Decimal("10500.00")
    assert answer.target_monthly == Decimal("2971.15")
    assert answer.confidence == Decimal("0.54")


def database(**changes):
    size = {
        "engine": "mysql",
        "vcpus": Decimal(2),
        "memory_mib": 4096,
        "storage_gib": Decimal(40),
    }
    tariff = {"resource_type": "database", **size}
    book = prices(
        offer(provider_type="here", region_id="r1", monthly=Decimal(9000), **tariff),
        offer(provider_type="there", region_id="r9", monthly=Decimal(4000), **tariff),
        offer(
            provider_type="there", region_id="r9", monthly=Decimal(3000), **{**tariff, "engine": "postgresql"}
        ),
    )
    values = {
        "connection": connection(provider_type="here", prices=book),
        "region_id": "r1",
        "day_cost": 300,
        **size,
    }
    return resource("database", **(values | changes))


def test_database_is_compared_with_its_own_engine():
    answer = ask(CrossProvider, database())

    assert (answer.saving_monthly, answer.confidence) == (Decimal("5000.00"), Decimal("0.54"))


def bucket(series=None, **changes):
    book = prices(
        offer(
            provider_type="there",
            resource_type="s3_bucket",
            component="storage_gib",
            family="standard",
            monthly=Decimal("1.5"),
        ),
        offer(
            provider_type="there",
            resource_type="s3_bucket",
            component="storage_gib",
            family="cold",
            monthly=Decimal("0.5"),
        ),
        offer(
            provider_type="there",
            resource_type="s3_bucket",
            component="requests",
            family="standard",
            monthly=Decimal("0.001"),
        ),
    )
    whole = {"disk_used_gib": hourly(2000), "network_tx": hourly(0), "request_rate": hourly(0.1)}
    values = {
        "connection": connection(provider_type="here", prices=book),
        "day_cost": 200,
        "series": whole if series is None else series,
    }
    return resource("s3_bucket", **(values | changes))


def test_bucket_is_compared_by_what_it_holds_in_its_class():
    answer = ask(CrossProvider, bucket())

    # 2 000 x 1.50 + 0.1 x 2 592 000 x 0.001
    assert answer.target_monthly == Decimal("3259.20")
    assert answer.saving_monthly == Decimal("2740.80")


def test_bucket_whose_use_is_not_known_is_not_compared():
    assert ask(CrossProvider, bucket({"disk_used_gib": hourly(2000)})).reason == SkipReason.LOW_CONFIDENCE
    assert ask(CrossProvider, bucket({})).reason == SkipReason.NO_EVIDENCE


def test_prices_of_several_currencies_are_not_compared():
    where = home([replace(each, currency="USD") for each in tariffs()])

    assert ask(CrossProvider, frontend(where)).reason == SkipReason.NO_PRICE


def test_fingerprint_moves_with_the_size_alone():
    same, dearer, larger = frontend(pk=5), frontend(pk=5, discount="0.99"), frontend(pk=5, memory_mib=17408)
    prints = [ask(CrossProvider, each).fingerprint(CrossProvider.id) for each in (same, dearer, larger)]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    text = describe(CrossProvider, options_of(CrossProvider, payback_months=Decimal(6)))
    assert "within 6 months" in text
