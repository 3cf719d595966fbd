"""bucket.abandoned: neither read nor written, and no archive by its name."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Risk, SkipReason
from recommendations.rules.bucket_abandoned import BucketAbandoned
from recommendations.tests.facts import ask, hourly
from recommendations.tests.rules.bucket_facts import HOT, billed, bucket, measured, part, place
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    ago,
    check_description,
    check_fingerprint,
    check_scope_and_cost,
    check_whole_cost,
    found,
    word,
)


def used(reads=0, writes=0, **more):
    return {"series": measured(reads=reads, writes=writes, per=90, **more)}


def from_bill(**quantities):
    return {"series": {}, "consumed": billed(days=90, **quantities)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        (used(99.9, 99.9), MATCHED),
        (used(100.1, 0), NOT_MATCHED),
        (used(0, 100.1), NOT_MATCHED),
        (used(days=62), SkipReason.TOO_FEW_SAMPLES),
        (used(writes=None), SkipReason.NO_EVIDENCE),
        ({"series": {"network_tx": hourly(0, days=95)}}, SkipReason.NO_EVIDENCE),
        ({"series": {}}, SkipReason.NO_EVIDENCE),
        (from_bill(), MATCHED),
        (from_bill(traffic_req_get=100, traffic_req_put=100), MATCHED),
        (from_bill(traffic_req_get=101), NOT_MATCHED),
        (from_bill(traffic_req_put=101), NOT_MATCHED),
        ({**from_bill(), "connection": place(HOT)}, SkipReason.NO_EVIDENCE),
        ({"parts": ()}, SkipReason.NO_EVIDENCE),
        ({"parts": (part(0, 0),)}, NOT_MATCHED),
        ({"name": "archive-cold-storage"}, SkipReason.GUARDED),
        ({"tags": {"retain": "7y"}}, SkipReason.GUARDED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"provider_created_at": ago(89)}, SkipReason.TOO_YOUNG),
    ],
)
def test_cases(changes, expected):
    assert word(ask(BucketAbandoned, bucket(**changes))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(BucketAbandoned, bucket)
    check_whole_cost(BucketAbandoned, bucket)


def test_its_owner_is_asked_first_and_the_risk_is_high():
    answer = found(ask(BucketAbandoned, bucket()))

    assert (answer.confidence, answer.risk) == (Decimal("0.50"), Risk.HIGH)
    assert "owner" in answer.steps[0].message


def test_fingerprint_and_description():
    same, again = bucket(pk=5), bucket(pk=5, **used(5, 5))
    check_fingerprint(BucketAbandoned, same, again, bucket(pk=5, day_cost=200))
    check_description(BucketAbandoned, days=99, requests=Decimal(77))
