"""snapshot.old: old, not the newest of its source, and not kept."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, SkipReason
from recommendations.rules.snapshot_old import SnapshotOld
from recommendations.tests.facts import NOW, ask_together, connection, resource
from recommendations.tests.rules.cases import MATCHED, NOT_MATCHED, ago, check_description, word


def snapshot(age=100, source="v1", **changes):
    values = {
        "provider_created_at": ago(age),
        "storage_gib": Decimal(80),
        "configuration": {"volume_id": source},
    }
    return resource("snapshot", **(values | changes))


def answer(old, *others, **options):
    """What is said of `old`, of whose source there is a newer one."""
    newer = others or (snapshot(10),)
    answers = ask_together(SnapshotOld, [old, *newer], **options)
    return answers[f"resource:{old.pk}"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"age": 90}, MATCHED),
        ({"age": 89}, NOT_MATCHED),
        ({"source": "v2"}, NOT_MATCHED),  # the newest of that one
        ({"source": ""}, SkipReason.NO_EVIDENCE),
        ({"name": "db-monthly-07"}, SkipReason.GUARDED),
        ({"name": "db-yearly"}, SkipReason.GUARDED),
        ({"tags": {"retain": "5y"}}, SkipReason.GUARDED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        ({"cost_days_count": 0}, SkipReason.NO_COST),
        ({"day_cost": "0.1"}, SkipReason.SAVING_TOO_SMALL),
        ({"tags": {"finops:ignore": ""}}, SkipReason.EXCLUDED_BY_USER),
    ],
)
def test_cases(changes, expected):
    assert word(answer(snapshot(**changes))) == expected


def test_the_newest_of_each_source_stays():
    group = [snapshot(age, pk=age) for age in (200, 170, 120)]

    answers = ask_together(SnapshotOld, group)

    assert {subject: word(each) for subject, each in answers.items()} == {
        "resource:120": NOT_MATCHED,
        "resource:170": MATCHED,
        "resource:200": MATCHED,
    }
    assert word(ask_together(SnapshotOld, group, keep_newest=2)["resource:170"]) == NOT_MATCHED


def test_of_copies_that_are_equally_new_none_is_called_older():
    group = [snapshot(100, pk=pk) for pk in (1, 2)]

    assert {word(each) for each in ask_together(SnapshotOld, group).values()} == {NOT_MATCHED}
    old = ask_together(SnapshotOld, group, keep_newest=0)
    assert {word(each) for each in old.values()} == {MATCHED}


def test_snapshot_that_something_was_made_from_stays():
    place = connection(made_from={"s-1": NOW, "s-2": ago(50)})

    kept = answer(snapshot(resource_id="s-1", connection=place), snapshot(3, connection=place))
    free = answer(snapshot(resource_id="s-2", connection=place), snapshot(3, connection=place))

    assert (word(kept), word(free)) == (SkipReason.GUARDED, MATCHED)


def test_chain_of_increments_is_not_broken_and_its_end_weighs_less():
    increment = {"volume_id": "v1", "is_incremental": True}

    assert word(answer(snapshot(), snapshot(10, configuration=increment))) == SkipReason.GUARDED
    last = answer(snapshot(configuration=increment))
    assert isinstance(last, Finding)
    assert (last.confidence, len(last.notes)) == (Decimal("0.48"), 1)


def test_saving_is_what_it_costs_the_customer():
    found = answer(snapshot(day_cost="33.337"))

    assert isinstance(found, Finding)
    assert (found.saving_monthly, found.target_monthly) == (Decimal("1000.11"), Decimal("0.00"))
    assert found.confidence == Decimal("0.80")
    assert [step.message for step in found.steps][-1] == "Delete “%(name)s”."


def test_fingerprint_and_description():
    prints = [
        answer(each).fingerprint(SnapshotOld.id)
        for each in (snapshot(pk=5), snapshot(120, pk=5), snapshot(pk=5, storage_gib=Decimal(9)))
    ]
    assert prints[0] == prints[1] != prints[2]
    check_description(SnapshotOld, days=33, keep_newest=7)


def test_copy_of_yesterday_counts_although_its_cost_is_not_known_yet():
    fresh = {"cost_days_count": 0, "age": 1}
    partial = {"configuration": {"volume_id": "v1", "is_incremental": True}}

    assert word(answer(snapshot(100), snapshot(**fresh))) == MATCHED
    assert word(answer(snapshot(100), snapshot(50), snapshot(**fresh, **partial))) == SkipReason.GUARDED
