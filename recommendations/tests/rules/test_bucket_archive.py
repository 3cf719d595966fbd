"""bucket.archive: not read at all for long, and nothing that must come back quickly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.bucket_archive import BucketArchive
from recommendations.tests.facts import ask
from recommendations.tests.rules.bucket_facts import (
    ARCHIVE,
    BY_USE,
    COLD,
    HOT,
    billed,
    bucket,
    measured,
    part,
    place,
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


def from_bill(**quantities):
    return {"series": {}, "consumed": billed(**({"days": 90} | quantities))}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"series": measured(reads=1)}, NOT_MATCHED),
        ({"series": measured(read_gib=0.1)}, NOT_MATCHED),
        ({"series": measured(writes=5000)}, MATCHED),
        ({"series": measured(days=62)}, SkipReason.TOO_FEW_SAMPLES),
        ({"series": measured(days=63)}, MATCHED),
        (from_bill(traffic_req_put=5000), MATCHED),
        (from_bill(traffic_req_get=1), NOT_MATCHED),
        (from_bill(traffic_mb=1), NOT_MATCHED),
        (from_bill(days=30), SkipReason.NO_EVIDENCE),
        ({"configuration": {"storage_class": "ice"}}, SkipReason.ALREADY_OPTIMAL),
        ({"configuration": {"storage_class": "cold"}}, MATCHED),
        ({"parts": ()}, SkipReason.NO_EVIDENCE),
        ({"connection": place(COLD)}, SkipReason.NO_PRICE),
        ({"connection": place(HOT, COLD)}, SkipReason.NO_TARGET),
        ({"series": measured(objects=4_096_000)}, MATCHED),  # 256 KiB each: what the class charges at least
        ({"series": measured(objects=4_100_000)}, SkipReason.GUARDED),
        ({"tags": {"legal-hold": ""}}, SkipReason.GUARDED),
        ({"name": "velero-prod"}, SkipReason.GUARDED),
        ({"name": "db-backups"}, SkipReason.GUARDED),
        ({"name": "archive-cold-storage"}, MATCHED),
        ({"status": "pending"}, NOT_MATCHED),
        ({"provider_created_at": ago(89)}, SkipReason.TOO_YOUNG),
    ],
)
def test_cases(changes, expected):
    assert word(ask(BucketArchive, bucket(**changes))) == expected


def test_scope_and_cost():
    check_scope_and_cost(BucketArchive, bucket)


@pytest.mark.parametrize(
    ("changes", "saving"),
    [
        ({}, "3650.00"),  # 1 000 x (4.5 - 0.85)
        ({"day_cost": 75, "parts": (part(75),)}, "1825.00"),
        ({"series": measured(writes=1_000_000)}, "3500.00"),  # a million writes at 0.00015 more
    ],
)
def test_saving(changes, saving):
    assert found(ask(BucketArchive, bucket(**changes))).saving_monthly == Decimal(saving)


def test_tells_what_restoring_takes():
    answer = found(ask(BucketArchive, bucket()))

    assert answer.facts["Restoring takes up to"]["value"] == "12"
    assert answer.notes[0].params["cost"]["value"] == "2500.00"
    assert answer.confidence == Decimal("0.65")
    silent = found(ask(BucketArchive, bucket(connection=place(HOT, ARCHIVE, BY_USE[0]))))
    assert len(silent.notes) == len(answer.notes) - 1


def test_fingerprint_and_description():
    same, again = bucket(pk=5), bucket(pk=5, series=measured(writes=10))
    check_fingerprint(BucketArchive, same, again, bucket(pk=5, parts=(part(300, 2000),), day_cost=300))
    check_description(BucketArchive, days=99, least_kib=77)
