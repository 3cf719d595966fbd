"""volume.oversized: what was used at most, with room to grow, against what is paid for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.engine.facts import BilledPart
from recommendations.rules.volume_oversized import VolumeOversized
from recommendations.tests.facts import MIDNIGHT, ask, connection, hourly, offer, prices, resource
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


def used(gib, **more):
    return {"disk_used_gib": hourly(gib, **more)}


def volume(kind="volume", **changes):
    """500 GiB for 3 000 a month, 175 of them used."""
    values = {"name": "data", "storage_gib": Decimal(500), "series": used(175.0)}
    return resource(kind, **(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"series": used(200.0)}, MATCHED),
        ({"series": used(200.1)}, NOT_MATCHED),
        ({"series": used(100.0, peak=210.0)}, NOT_MATCHED),
        ({"storage_gib": Decimal(32), "series": used(12.0)}, MATCHED),
        ({"storage_gib": Decimal(31), "series": used(12.0)}, NOT_MATCHED),
        ({"storage_gib": None}, SkipReason.NO_EVIDENCE),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": used(175.0, days=21)}, MATCHED),
        ({"series": used(175.0, days=20)}, SkipReason.TOO_FEW_SAMPLES),
        ({"resized_at": ago(29)}, NOT_MATCHED),
        ({"resized_at": ago(30)}, MATCHED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"provider_created_at": ago(29)}, SkipReason.TOO_YOUNG),
        (
            {"series": {"disk_used_gib": hourly(lambda at: 175 - (MIDNIGHT - at).days * 5.0)}},
            SkipReason.ALREADY_OPTIMAL,
        ),
    ],
)
def test_cases(changes, expected):
    assert word(ask(VolumeOversized, volume(**changes))) == expected


def test_scope_and_cost():
    check_scope_and_cost(VolumeOversized, volume)


@pytest.mark.parametrize(
    ("changes", "target", "saving"),
    [
        ({}, "270", "1380.00"),  # 175 x 1.5 = 262.5; 230 GiB x 6
        ({"environment": "development"}, "220", "1680.00"),
        ({"tags": {"ha": ""}}, "350", "900.00"),
        ({"day_cost": "50"}, "270", "690.00"),  # half the price: half the saving
    ],
)
def test_target_and_saving_at_the_customers_own_price(changes, target, saving):
    answer = found(ask(VolumeOversized, volume(**changes)))

    assert answer.matters["target"] == Decimal(target)
    assert answer.saving_monthly == Decimal(saving)
    assert answer.target_monthly == answer.current_monthly - Decimal(saving)


def test_growth_leaves_room():
    growing = {"disk_used_gib": hourly(lambda at: 175.0 - (MIDNIGHT - at).total_seconds() / 86400)}

    answer = found(ask(VolumeOversized, volume(series=growing)))

    assert answer.matters["target"] == Decimal(270)  # 175 + 90 x 1 = 265


def test_only_what_is_billed_by_size_becomes_less():
    parts = (
        BilledPart(
            sku_id="volume_gigabytes_universal2",
            description="",
            unit="GB",
            quantity=Decimal(500),
            day_cost=Decimal(60),
            currency="RUB",
        ),
        BilledPart(
            sku_id="volume_totaliops_universal2",
            description="",
            unit="item",
            quantity=Decimal(7000),
            day_cost=Decimal(40),
            currency="RUB",
        ),
    )

    assert found(ask(VolumeOversized, volume(parts=parts))).saving_monthly == Decimal("828.00")


def test_database_is_priced_by_list_or_not_at_all():
    book = prices(offer(resource_type="database", component="storage_gib", monthly=Decimal(4)))

    unpriced = found(ask(VolumeOversized, volume("database")))
    priced = found(ask(VolumeOversized, volume("database", connection=connection(prices=book))))

    assert (unpriced.saving_monthly, unpriced.target_monthly) == (None, None)
    assert (priced.saving_monthly, priced.confidence) == (Decimal("920.00"), Decimal("0.42"))


def test_fingerprint_and_description():
    same, noisy = volume(pk=5), volume(pk=5, series=used(175.6), day_cost=101)
    check_fingerprint(VolumeOversized, same, noisy, volume(pk=5, storage_gib=Decimal(600)))
    check_description(
        VolumeOversized, used_percent=33, days=29, free_gib=77, overhead_percent=66, growth_days=88
    )
