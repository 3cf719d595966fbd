"""volume.slower_class: the busiest hours against what a cheaper class allows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.engine.facts import BilledPart
from recommendations.rules.volume_slower_class import VolumeSlowerClass
from recommendations.tests.facts import ask, connection, hourly, offer, prices, resource, server
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    ago,
    check_description,
    check_fingerprint,
    check_scope_and_cost,
    found,
    word,
)

MIB = 1024 * 1024


def disk(family, monthly, disk_class, iops=None, throughput=None, **more):
    limits = {} if iops is None else {"iops": Decimal(iops), "throughput_mib": Decimal(throughput)}
    values = {
        "resource_type": "volume",
        "component": "storage_gib",
        "family": family,
        "monthly": Decimal(monthly),
        "disk_class": disk_class,
        "plan_limits": limits,
        "region_id": "ru-2",
    }
    return offer(**(values | more))


UNIVERSAL = disk("universal", 8, "ssd", 7000, 200)
BASIC_SSD = disk("basicssd", 6, "ssd", 320, 150)
BASIC = disk("basic", 4, "hdd", 120, 100)


def at(*offers):
    return connection(prices=prices(*offers))


ALL = at(UNIVERSAL, BASIC_SSD, BASIC)


def load(iops, throughput=1.0):
    return {"disk_iops": hourly(iops), "disk_throughput": hourly(throughput * MIB)}


def volume(**changes):
    """500 GiB of universal SSD for 3 000 a month."""
    values = {
        "name": "postgres-data",
        "connection": ALL,
        "region_id": "ru-2",
        "storage_gib": Decimal(500),
        "configuration": {"volume_type": "universal.ru-2a", "availability_zone": "ru-2a"},
        "series": load(120),
    }
    return resource("volume", **(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"series": load(224)}, MATCHED),
        ({"series": load(224.1)}, NOT_MATCHED),
        ({"series": load(10, 105)}, MATCHED),
        ({"series": load(10, 105.1)}, NOT_MATCHED),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": {"disk_iops": hourly(1)}}, SkipReason.NO_METRICS),
        (
            {"series": {"disk_iops": hourly(1, days=9), "disk_throughput": hourly(1)}},
            SkipReason.TOO_FEW_SAMPLES,
        ),
        ({"series": {}, "environment": "dev"}, MATCHED),
        ({"storage_gib": None}, SkipReason.NO_EVIDENCE),
        ({"configuration": {"volume_type": "strange"}}, SkipReason.NO_PRICE),
        ({"connection": at()}, SkipReason.NO_PRICE),
        ({"connection": at(UNIVERSAL)}, SkipReason.ALREADY_OPTIMAL),
        ({"connection": at(UNIVERSAL, BASIC)}, SkipReason.ALREADY_OPTIMAL),  # a database stays on SSD
        ({"connection": at(UNIVERSAL, BASIC), "name": "media"}, NOT_MATCHED),  # 120 of 84
        ({"connection": at(UNIVERSAL, BASIC), "name": "media", "series": load(84)}, MATCHED),
        ({"connection": at(UNIVERSAL, disk("basicssd", 6, "ssd"))}, SkipReason.NO_EVIDENCE),
        (
            {"connection": at(UNIVERSAL, disk("basicssd", 6, "ssd", 320, 150, currency="USD"))},
            SkipReason.ALREADY_OPTIMAL,
        ),
        (
            {"connection": at(UNIVERSAL, disk("basicssd", 6, "ssd", 320, 150, includes_tax=True))},
            SkipReason.ALREADY_OPTIMAL,
        ),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"provider_created_at": ago(13)}, SkipReason.TOO_YOUNG),
    ],
)
def test_cases(changes, expected):
    assert word(ask(VolumeSlowerClass, volume(**changes))) == expected


def test_scope_and_cost():
    check_scope_and_cost(VolumeSlowerClass, volume)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "disk", "configuration": {"volume_type": "universal.ru-2a", "is_bootable": True}},
        {"name": "disk", "parent": server(name="db-postgres-prod-01")},
        {"name": "disk", "parent": server(software=("PostgreSQL",))},
    ],
)
def test_boot_disks_and_databases_stay_within_ssd(changes):
    answer = found(ask(VolumeSlowerClass, volume(series=load(10), **changes)))

    assert answer.matters["target"] == "basicssd"
    assert len(answer.notes) == 1


def test_other_disks_take_the_cheapest_class_that_fits():
    assert found(ask(VolumeSlowerClass, volume(name="media", series=load(10)))).matters["target"] == "basic"


@pytest.mark.parametrize(("day_cost", "saving"), [(100, "750.00"), (50, "375.00")])
def test_saving_is_in_proportion_to_the_list(day_cost, saving):
    answer = found(ask(VolumeSlowerClass, volume(day_cost=day_cost)))

    assert (answer.saving_monthly, answer.confidence) == (Decimal(saving), Decimal("0.75"))
    assert answer.target_monthly == answer.current_monthly - Decimal(saving)


@pytest.mark.parametrize(
    ("family", "expected"), [("basicssd", MATCHED), ("basic", SkipReason.ALREADY_OPTIMAL)]
)
def test_class_that_the_catalogue_does_not_tell_shows_in_the_name(family, expected):
    place = at(UNIVERSAL, disk(family, 6, "", 320, 150))

    assert word(ask(VolumeSlowerClass, volume(connection=place))) == expected


def test_paid_operations_end_with_the_class():
    parts = tuple(
        BilledPart(
            sku_id=sku, description="", unit=unit, quantity=Decimal(1), day_cost=Decimal(cost), currency="RUB"
        )
        for sku, unit, cost in (
            ("volume_gigabytes_universal", "GB", 60),
            ("volume_totaliops_universal", "item", 40),
        )
    )

    assert found(ask(VolumeSlowerClass, volume(parts=parts))).saving_monthly == Decimal("1650.00")


def test_without_measurements_one_class_down_and_not_sure():
    answer = found(ask(VolumeSlowerClass, volume(name="media", series={}, environment="test")))

    assert (answer.matters["target"], answer.confidence, answer.metrics) == ("basicssd", Decimal("0.35"), ())


def test_fingerprint_and_description():
    same, noisy = volume(pk=5), volume(pk=5, series=load(121), day_cost=101)
    check_fingerprint(VolumeSlowerClass, same, noisy, volume(pk=5, storage_gib=Decimal(600)))
    check_description(VolumeSlowerClass, days=29, limit_percent=66)
