"""volume.orphan: attached to nothing, long enough, and not kept on purpose."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Risk, SkipReason
from recommendations.rules.volume_orphan import VolumeOrphan
from recommendations.tests.facts import ask, connection, offer, prices, resource, server
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

SNAPSHOTS = prices(
    offer(resource_type="snapshot", component="storage_gib", family="basic", monthly=Decimal("6.48")),
    offer(resource_type="volume", component="storage_gib", family="basic", monthly=Decimal("6.50")),
)


def volume(**changes):
    values = {
        "name": "data",
        "is_orphan": True,
        "orphan_since": ago(8),
        "storage_gib": Decimal(100),
        "configuration": {"volume_type": "basic.ru-1a"},
    }
    return resource("volume", **(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"orphan_since": ago(7)}, MATCHED),
        ({"orphan_since": ago(6.99)}, NOT_MATCHED),
        ({"is_orphan": False, "parent": server()}, NOT_MATCHED),
        ({"is_orphan": False}, SkipReason.NO_EVIDENCE),
        ({"status": "pending"}, NOT_MATCHED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"tags": {"keep": "yes"}}, SkipReason.GUARDED),
        ({"tags": {"keep": "no"}}, MATCHED),
        ({"name": "pg-backup-volume"}, NOT_MATCHED),
        ({"name": "pg-backup-volume", "orphan_since": ago(29.9)}, NOT_MATCHED),
        ({"name": "pg-backup-volume", "orphan_since": ago(30)}, MATCHED),
        ({"name": "pvc-1f3b", "orphan_since": ago(8)}, NOT_MATCHED),
        ({"name": "bookkeeping"}, MATCHED),
        ({"changed_at": ago(2)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    assert word(ask(VolumeOrphan, volume(**changes))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(VolumeOrphan, volume)
    check_whole_cost(VolumeOrphan, volume)


def test_confidence_knows_names_and_what_was_never_seen_attached():
    assert found(ask(VolumeOrphan, volume())).confidence == Decimal("0.90")
    named = volume(name="pg-backup-volume", orphan_since=ago(63))
    assert found(ask(VolumeOrphan, named)).confidence == Decimal("0.63")
    never = volume(first_seen_at=ago(20), orphan_since=ago(20), provider_created_at=ago(300))
    assert found(ask(VolumeOrphan, never)).confidence == Decimal("0.63")
    assert found(ask(VolumeOrphan, volume(environment="production"))).risk == Risk.HIGH


def test_snapshot_that_stays_is_taken_off_the_saving():
    kept = volume(connection=connection(prices=SNAPSHOTS))

    whole = found(ask(VolumeOrphan, kept))
    less = found(ask(VolumeOrphan, kept, keeps_snapshot=True))

    assert whole.saving_monthly == Decimal("3000.00")
    assert (less.target_monthly, less.saving_monthly) == (Decimal("648.00"), Decimal("2352.00"))
    assert word(ask(VolumeOrphan, volume(), keeps_snapshot=True)) == SkipReason.NO_PRICE


def test_steps_copy_before_they_delete_and_name_the_claim():
    messages = [step.message for step in found(ask(VolumeOrphan, volume())).steps]
    claimed = found(ask(VolumeOrphan, volume(tags={"kubernetes.io/created-for/pvc/name": "shop/db"})))

    assert messages.index("Make a snapshot of “%(name)s” (%(size)s).") < messages.index("Delete “%(name)s”.")
    assert claimed.steps[0].params == {"claim": "shop/db"}


def test_fingerprint_and_description():
    check_fingerprint(
        VolumeOrphan, volume(pk=5), volume(pk=5, orphan_since=ago(40)), volume(pk=5, storage_gib=Decimal(7))
    )
    check_description(VolumeOrphan, days=99, days_if_named=98, waiting_days=29)
