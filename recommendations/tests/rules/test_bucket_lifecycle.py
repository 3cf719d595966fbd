"""bucket.lifecycle: what was left over on each of the last days."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.bucket_lifecycle import BucketLifecycle
from recommendations.tests.facts import MIDNIGHT, ask, hourly
from recommendations.tests.rules.bucket_facts import bucket, part, place
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    check_description,
    check_fingerprint,
    check_scope_and_cost,
    found,
    word,
)


def left(**gib):
    return {"series": {f"{name}_gib": hourly(value) for name, value in gib.items()}}


def littered(**changes):
    return bucket(**(left(multipart=100) | changes))


def young(days):
    """Nothing before the last `days`."""
    return hourly(lambda at: 0 if (MIDNIGHT - at).days >= days else 50)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        (left(noncurrent=100), MATCHED),
        (left(expired=100), MATCHED),
        (left(multipart=0, noncurrent=0), NOT_MATCHED),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": {"multipart_gib": hourly(50, days=4)}}, SkipReason.NO_METRICS),
        ({"series": {"multipart_gib": hourly(50, days=5)}}, MATCHED),
        ({"series": {"multipart_gib": young(8)}}, MATCHED),
        ({"series": {"multipart_gib": young(6)}}, NOT_MATCHED),
        ({"tags": {"compliance": ""}}, SkipReason.GUARDED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
    ],
)
def test_cases(changes, expected):
    assert word(ask(BucketLifecycle, littered(**changes))) == expected


def test_scope_and_cost():
    facts = littered()
    assert word(ask(BucketLifecycle, facts)) == MATCHED
    check_scope_and_cost(
        BucketLifecycle,
        lambda **changes: littered(**({"parts": (part(0.01),)} if "day_cost" in changes else {}), **changes),
    )


@pytest.mark.parametrize(
    ("changes", "saving", "sure"),
    [
        ({}, "450.00", "0.85"),  # 100 of 1 000 GiB for 4 500
        ({"day_cost": 75, "parts": (part(75),)}, "225.00", "0.85"),
        (left(multipart=50, noncurrent=25, expired=5), "360.00", "0.85"),
        ({"parts": ()}, "450.00", "0.51"),
        ({"parts": (), "connection": place()}, None, "0.85"),
    ],
)
def test_saving_at_the_customers_own_price_else_by_list(changes, saving, sure):
    answer = found(ask(BucketLifecycle, littered(**changes)))

    assert answer.saving_monthly == (None if saving is None else Decimal(saving))
    assert answer.confidence == Decimal(sure)


def test_steps_name_only_what_is_left_over():
    messages = [step.message for step in found(ask(BucketLifecycle, littered())).steps]

    assert any("multipart" in message for message in messages)
    assert not any("versions %(days)d" in message for message in messages)


def test_fingerprint_and_description():
    same, noisy = littered(pk=5), littered(pk=5, **left(multipart=101))
    check_fingerprint(BucketLifecycle, same, noisy, littered(pk=5, **left(multipart=200)))
    check_description(BucketLifecycle, multipart_days=11, noncurrent_days=77, expired_days=55)
