"""snapshot.orphan: its source is gone for long."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.snapshot_orphan import SnapshotOrphan
from recommendations.tests.facts import NOW, ask, connection, resource
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


def snapshot(**changes):
    values = {
        "is_orphan": True,
        "orphan_since": ago(40),
        "storage_gib": Decimal(60),
        "configuration": {"vps_id": "gone", "vps_name": "vps-legacy-01"},
    }
    return resource("snapshot", **(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"orphan_since": ago(30)}, MATCHED),
        ({"orphan_since": ago(29.9)}, NOT_MATCHED),
        ({"is_orphan": False}, NOT_MATCHED),
        ({"tags": {"retain": ""}}, SkipReason.GUARDED),
        ({"status": "pending"}, NOT_MATCHED),
        ({"resource_id": "s-1", "connection": connection(made_from={"s-1": NOW})}, SkipReason.GUARDED),
    ],
)
def test_cases(changes, expected):
    assert word(ask(SnapshotOrphan, snapshot(**changes))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(SnapshotOrphan, snapshot)
    check_whole_cost(SnapshotOrphan, snapshot)


def test_says_that_it_may_be_the_last_copy():
    known = found(ask(SnapshotOrphan, snapshot()))
    unknown = found(ask(SnapshotOrphan, snapshot(first_seen_at=ago(40))))
    partial = found(ask(SnapshotOrphan, snapshot(configuration={"volume_id": "v", "is_incremental": True})))

    assert known.facts["Made from"] == "vps-legacy-01"
    assert [len(each.notes) for each in (known, unknown, partial)] == [1, 2, 2]
    assert (known.confidence, partial.confidence) == (Decimal("0.70"), Decimal("0.42"))


def test_fingerprint_and_description():
    same, later = snapshot(pk=5), snapshot(pk=5, orphan_since=ago(60))
    check_fingerprint(SnapshotOrphan, same, later, snapshot(pk=5, storage_gib=Decimal(9)))
    check_description(SnapshotOrphan, days=33)
