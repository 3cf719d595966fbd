"""volume.merge: several volumes of one server against one, where each has a price of its own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, SkipReason
from recommendations.rules.volume_merge import VolumeMerge
from recommendations.tests.facts import ask_together, connection, hourly, offer, prices, resource, server
from recommendations.tests.rules.cases import MATCHED, NOT_MATCHED, check_description, word


def at(**limits):
    plan = {name: Decimal(value) for name, value in limits.items()}
    disk = offer(
        resource_type="volume", component="storage_gib", family="ssd", monthly=Decimal(10), plan_limits=plan
    )
    return connection(prices=prices(disk))


FEE = at(fee_per_volume=50)


def estate(count=3, *, place=FEE, size=10, cost="5", **changes):
    """`count` volumes of 10 GiB for 150 a month each: 100 for the size and 50 of fee."""
    parent = server(pk=900, connection=place, name="app-1")
    values = {
        "connection": place,
        "parent": parent,
        "storage_gib": Decimal(size),
        "configuration": {"volume_type": "ssd"},
        "day_cost": cost,
    }
    return [resource("volume", pk=n, name=f"part-{n}", **(values | changes)) for n in range(1, count + 1)]


def answer(volumes, **options):
    (found,) = ask_together(VolumeMerge, volumes, **options).values()
    return found


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        (estate(), MATCHED),
        (estate(2), NOT_MATCHED),
        (estate(size=19), MATCHED),
        (estate(size=20), NOT_MATCHED),
        (estate(size=40, series={"disk_used_gib": hourly(19.9)}), MATCHED),
        (estate(size=40, series={"disk_used_gib": hourly(20.0)}), NOT_MATCHED),
        (estate(place=at()), SkipReason.ALREADY_OPTIMAL),
        (estate(place=at(minimum_gib=10)), SkipReason.SAVING_TOO_SMALL),
        (estate(place=at(minimum_gib=20)), MATCHED),
        (estate(place=at(step_gib=25)), MATCHED),
    ],
)
def test_cases(volumes, expected):
    assert word(answer(volumes)) == expected


def test_volume_apart_for_a_reason_is_left_apart():
    volumes = estate()
    volumes[1].name = "pg-wal"

    assert word(answer(volumes)) == SkipReason.GUARDED


def test_boot_encrypted_and_foreign_volumes_are_not_counted():
    volumes = estate(4)
    volumes[0].configuration = {"volume_type": "ssd", "is_bootable": True}
    volumes[1].configuration = {"volume_type": "ssd", "is_encrypted": True}

    assert word(answer(volumes)) == NOT_MATCHED
    volumes[2].parent = None
    assert ask_together(VolumeMerge, volumes) == {}


def test_no_price_says_so():
    answers = ask_together(VolumeMerge, estate(place=connection()))

    assert {word(each) for each in answers.values()} == {SkipReason.NO_PRICE}


@pytest.mark.parametrize(("cost", "saving"), [("5", "100.00"), ("2.5", "50.00")])
def test_saving_is_in_proportion_to_the_list(cost, saving):
    merged = answer(estate(cost=cost))  # 450 by list; one of 30 GiB is 350

    assert isinstance(merged, Finding)
    assert merged.saving_monthly == Decimal(saving)
    assert merged.resource_pks == (1, 2, 3)
    assert merged.current_monthly - merged.target_monthly == merged.saving_monthly


def test_what_is_used_decides_the_size():
    merged = answer(estate(size=40, cost="15", series={"disk_used_gib": hourly(10.0)}))

    assert merged.matters["target"] == Decimal(39)  # 3 x 10 x 1.3
    assert merged.saving_monthly == Decimal("910.00")  # 1 350 - 440


def test_fingerprint_and_description():
    prints = [
        answer(volumes).fingerprint(VolumeMerge.id)
        for volumes in (estate(), estate(cost="5.01"), estate(size=12))
    ]
    assert prints[0] == prints[1] != prints[2]
    check_description(VolumeMerge, count=9, small_gib=33, used_percent=44, overhead_percent=55)
