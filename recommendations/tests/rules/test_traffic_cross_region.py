"""traffic.cross_region: what is paid between two regions against what the two ends cost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, SkipReason
from recommendations.engine.facts import BilledPart
from recommendations.rules.traffic_cross_region import TrafficCrossRegion
from recommendations.tests.facts import ask_together, server
from recommendations.tests.rules.cases import MATCHED, NOT_MATCHED, check_description, word


def talker(pk, region, traffic, **changes):
    """A server of 3 000 a month, of which so much a day is for traffic between regions."""
    part = BilledPart(
        sku_id="traffic-interregion",
        description="",
        unit="GB",
        quantity=Decimal(1),
        day_cost=Decimal(str(traffic)),
        currency="RUB",
        is_usage=True,
    )
    values = {"sub_account_id": "p1", "parts": (part,) if traffic else (), "region_id": region}
    return server(pk=pk, **(values | changes))


def answers(*facts, **options):
    return {
        subject.removeprefix("resource:"): each
        for subject, each in ask_together(TrafficCrossRegion, facts, **options).items()
    }


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (talker(1, "ru-1", 15), talker(2, "ru-2", 5), MATCHED),
        (talker(1, "ru-1", 15), talker(2, "ru-2", 4.9), NOT_MATCHED),
        (talker(1, "ru-1", 90), talker(2, "ru-1", 5), SkipReason.NO_EVIDENCE),
        (talker(1, "ru-1", 90), talker(2, "ru-2", 5, sub_account_id="p2"), SkipReason.NO_EVIDENCE),
        (talker(1, "ru-1", 90), talker(2, "", 5), SkipReason.NO_EVIDENCE),
        (talker(1, "ru-1", 90, is_stale=True), talker(2, "ru-2", 5), SkipReason.SCOPE_INCOMPLETE),
        (talker(1, "ru-1", 90, cost_days_count=0), talker(2, "ru-2", 5), SkipReason.NO_COST),
    ],
)
def test_cases(one, other, expected):
    assert word(answers(one, other)["1"]) == expected


def test_pair_is_told_once_and_others_not_at_all():
    found = answers(talker(1, "ru-1", 15), talker(2, "ru-2", 5), talker(3, "ru-2", 0))

    assert {pk: word(each) for pk, each in found.items()} == {"1": MATCHED, "2": NOT_MATCHED}


@pytest.mark.parametrize(("traffic", "saving"), [(30, "840.00"), (60, "1560.00")])
def test_saving_is_a_part_of_the_traffic(traffic, saving):
    found = answers(talker(1, "ru-1", traffic), talker(2, "ru-2", 5))["1"]

    assert isinstance(found, Finding)
    assert found.resource_pks == (1, 2)
    assert (found.current_monthly, found.saving_monthly) == (Decimal("6000.00"), Decimal(saving))
    assert found.confidence == Decimal("0.40")


def test_fingerprint_and_description():
    prints = [
        answers(talker(1, "ru-1", traffic), talker(2, region, 5))["1"].fingerprint(TrafficCrossRegion.id)
        for traffic, region in ((30, "ru-2"), (30.1, "ru-2"), (30, "ru-3"))
    ]
    assert prints[0] == prints[1] != prints[2]
    check_description(TrafficCrossRegion, share_percent=33, saved_percent=66)
