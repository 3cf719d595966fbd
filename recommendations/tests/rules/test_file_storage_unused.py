"""file_storage.unused: no mounts, no reads and writes, or empty."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.file_storage_unused import FileStorageUnused
from recommendations.tests.facts import ask, hourly, resource
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


def share(**changes):
    values = {"storage_gib": Decimal(100), "series": {"disk_throughput": hourly(0)}}
    return resource("file_storage", **(values | changes))


def series(name, value=0.0, **more):
    return {"series": {name: hourly(value, **more)}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        (series("disk_throughput", 0.001), NOT_MATCHED),
        (series("disk_throughput", peak=1), NOT_MATCHED),
        (series("connections"), MATCHED),
        (series("connections", 1), NOT_MATCHED),
        (series("disk_used_gib"), MATCHED),
        (series("disk_used_gib", 3), NOT_MATCHED),
        ({"series": {"connections": hourly(0), "disk_used_gib": hourly(70)}}, MATCHED),
        ({"series": {}}, SkipReason.NO_METRICS),
        (series("disk_throughput", days=27), MATCHED),
        (series("disk_throughput", days=26), SkipReason.TOO_FEW_SAMPLES),
        ({"series": {}, "is_orphan": True, "orphan_since": ago(30)}, MATCHED),
        ({"series": {}, "is_orphan": True, "orphan_since": ago(29)}, SkipReason.NO_METRICS),
        ({"tags": {"keep": ""}}, SkipReason.GUARDED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"provider_created_at": ago(29)}, SkipReason.TOO_YOUNG),
    ],
)
def test_cases(changes, expected):
    assert word(ask(FileStorageUnused, share(**changes))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(FileStorageUnused, share)
    check_whole_cost(FileStorageUnused, share)


def test_gaps_weigh_in_the_confidence():
    assert found(ask(FileStorageUnused, share())).confidence == Decimal("0.70")
    thin = share(**series("disk_throughput", days=15))
    assert found(ask(FileStorageUnused, thin, coverage=Decimal("0.5"))).confidence == Decimal("0.39")


def test_fingerprint_and_description():
    same = share(pk=5)
    check_fingerprint(FileStorageUnused, same, share(pk=5, day_cost=101), share(pk=5, storage_gib=Decimal(9)))
    check_description(FileStorageUnused, days=33)
