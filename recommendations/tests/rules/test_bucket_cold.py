"""bucket.cold: what is read a month against what is held, and what reading costs in a cold class."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.buckets import kind_of
from recommendations.engine.contract import SkipReason
from recommendations.rules.bucket_cold import BucketCold
from recommendations.tests.facts import ask, hourly
from recommendations.tests.rules.bucket_facts import (
    BY_USE,
    COLD,
    HOT,
    billed,
    bucket,
    measured,
    part,
    place,
    sold,
)
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

BILLS = place(HOT, COLD, *BY_USE)
RATES = place(HOT, COLD, *BY_USE, bills_lines=False)


def from_bill(**quantities):
    return {"connection": BILLS, "series": {}, "consumed": billed(**quantities)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"series": measured(read_gib=100)}, MATCHED),
        ({"series": measured(read_gib=100.1)}, NOT_MATCHED),
        ({"series": measured(read_gib=None, reads=0)}, MATCHED),
        ({"series": measured(read_gib=None, reads=5)}, SkipReason.NO_EVIDENCE),
        ({"series": measured(days=20)}, SkipReason.TOO_FEW_SAMPLES),
        ({"series": measured(days=21)}, MATCHED),
        ({"series": {}, "connection": RATES}, SkipReason.NO_EVIDENCE),
        (from_bill(), MATCHED),
        (from_bill(traffic_mb=102_400), MATCHED),
        (from_bill(traffic_mb=102_500), NOT_MATCHED),
        (from_bill(traffic_req_get=1000), MATCHED),
        (from_bill(days=29), SkipReason.NO_EVIDENCE),
        ({"series": {}, "consumed": billed(), "connection": RATES}, SkipReason.NO_EVIDENCE),
        # no price and no line of requests or traffic: the bill may give them for nothing
        ({"series": {}, "consumed": billed(), "connection": place(HOT, COLD)}, SkipReason.NO_EVIDENCE),
        ({"configuration": {"storage_class": "COLD"}}, SkipReason.ALREADY_OPTIMAL),
        ({"configuration": {"storage_class": "glacier"}}, SkipReason.ALREADY_OPTIMAL),
        ({"parts": ()}, SkipReason.NO_EVIDENCE),
        ({"parts": (), "series": measured() | {"disk_used_gib": hourly(1000)}}, MATCHED),
        ({"connection": place(COLD)}, SkipReason.NO_PRICE),
        ({"connection": place()}, SkipReason.NO_PRICE),
        ({"connection": place(HOT)}, SkipReason.NO_TARGET),
        ({"connection": place(HOT, sold("storage_gib", "cold", 5))}, SkipReason.NO_TARGET),
        ({"connection": place(HOT, sold("storage_gib", "cold", 1, currency="USD"))}, SkipReason.NO_TARGET),
        ({"connection": place(HOT, sold("storage_gib", "cold", 1, region_id="ru-9"))}, SkipReason.NO_TARGET),
        ({"series": measured(objects=8_192_000)}, MATCHED),  # 128 KiB each
        ({"series": measured(objects=8_200_000)}, SkipReason.GUARDED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"provider_created_at": ago(29)}, SkipReason.TOO_YOUNG),
    ],
)
def test_cases(changes, expected):
    assert word(ask(BucketCold, bucket(**changes))) == expected


def test_scope_and_cost():
    check_scope_and_cost(
        BucketCold,
        lambda **changes: bucket(
            **({"parts": ()} if "day_cost" in changes else {}) | changes,
            series=measured() | {"disk_used_gib": hourly(1000)},
        ),
    )


@pytest.mark.parametrize(
    ("changes", "saving"),
    [
        ({}, "2600.00"),  # 1 000 x (4.5 - 1.9)
        (
            {"series": measured(read_gib=50, reads=100_000, writes=900_000)},
            "2520.00",
        ),  # - 50 x 0.6 - 1m x 0.00005
        ({"day_cost": 75, "parts": (part(75),)}, "1300.00"),  # half the price
        ({"series": measured(read_gib=50, reads=0)}, "2570.00"),
    ],
)
def test_saving_takes_reading_and_requests_off(changes, saving):
    answer = found(ask(BucketCold, bucket(**changes)))

    assert answer.saving_monthly == Decimal(saving)
    assert answer.target_monthly == answer.current_monthly - Decimal(saving)


def test_must_still_save_with_twice_the_reads():
    dear = sold("retrieval_gib", "cold", 30)

    assert (
        word(ask(BucketCold, bucket(connection=place(HOT, COLD, dear), series=measured(read_gib=43))))
        == MATCHED
    )
    assert (
        word(ask(BucketCold, bucket(connection=place(HOT, COLD, dear), series=measured(read_gib=44))))
        == NOT_MATCHED
    )


def test_confidence_knows_unknown_prices_and_objects():
    assert found(ask(BucketCold, bucket())).confidence == Decimal("0.75")
    assert found(ask(BucketCold, bucket(series=measured(objects=None)))).confidence == Decimal("0.52")
    unbilled = bucket(parts=(), series=measured() | {"disk_used_gib": hourly(1000)})
    assert found(ask(BucketCold, unbilled)).confidence == Decimal("0.45")


def test_measurements_and_bill_fill_each_other():
    both = bucket(
        connection=BILLS,
        series={"read_request_rate": hourly(1, days=95)},
        consumed=billed(traffic_mb=10_240),
    )

    answer = found(ask(BucketCold, both))

    assert answer.facts["Read a month"] == {"kind": "number", "value": "1E+1", "unit": "GiB"}


@pytest.mark.parametrize(
    ("sku", "kind"),
    [
        ("traffic-mb", "traffic"),
        ("traffic-req-get", "read"),
        ("traffic-req-put", "write"),
        ("storage.api.requests", "read"),
        ("egress-gb", "traffic"),
        ("traffic-in-gb", ""),
        ("volume-gb", ""),
    ],
)
def test_kind_of_what_is_billed_by_use(sku, kind):
    assert kind_of(sku) == kind


def test_fingerprint_and_description():
    same, noisy = bucket(pk=5), bucket(pk=5, series=measured(read_gib=0.5))
    check_fingerprint(BucketCold, same, noisy, bucket(pk=5, parts=(part(300, 2000),), day_cost=300))
    check_description(BucketCold, days=29, read_percent=33, least_kib=77)
