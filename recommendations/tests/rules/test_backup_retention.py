"""backup.retention: the newest of each day and each month stay, the rest is paid for without need."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, SkipReason
from recommendations.rules.backup_retention import BackupRetention
from recommendations.tests.facts import ask_together, resource
from recommendations.tests.rules.cases import MATCHED, NOT_MATCHED, ago, check_description, word


def backup(age, **changes):
    values = {
        "provider_created_at": ago(age),
        "storage_gib": Decimal(50),
        "configuration": {"volume_id": "v1"},
        "service_name": "Block storage",
        "day_cost": "10",
    }
    return resource("backup", **(values | changes))


def daily(count, **changes):
    return [backup(age, pk=age + 1, **changes) for age in range(count)]


def answer(copies, **options):
    answers = ask_together(BackupRetention, copies, **options)
    return next(each for subject, each in answers.items() if not subject.startswith("resource:"))


def test_thirty_daily_copies_are_the_policy():
    assert word(answer(daily(30))) == NOT_MATCHED


def test_one_copy_more_than_the_days_and_months_is_beyond():
    # 1 October: of September the newest are kept by days, August's newest (31 days old) by its month
    assert word(answer([*daily(30), backup(32)])) == NOT_MATCHED
    found = answer([*daily(30), backup(32), backup(33, pk=99)])

    assert isinstance(found, Finding)
    assert found.resource_pks == (99,)
    assert (found.saving_monthly, found.confidence) == (Decimal("300.00"), Decimal("0.60"))


def test_second_copy_of_a_day_and_what_is_older_than_the_months_are_beyond():
    found = answer([backup(0.1), backup(0.2, pk=98), backup(500, pk=99)])

    assert isinstance(found, Finding)
    assert found.resource_pks == (98, 99)
    assert word(answer([backup(0.1), backup(500)], monthly=24)) == NOT_MATCHED


@pytest.mark.parametrize(
    "changes",
    [
        {"tags": {"legal-hold": "5y"}},
        {"name": "books-yearly"},
        {"configuration": {"volume_id": "v1", "is_immutable": True}},
        {"configuration": {"volume_id": "v2"}},
        {"status": "deleted_billed"},
    ],
)
def test_kept_by_law_lock_or_another_source(changes):
    assert word(answer([backup(1), backup(1.1, **changes)])) == NOT_MATCHED


def test_what_an_increment_builds_on_stays():
    partial = {"volume_id": "v1", "is_incremental": True}
    full = backup(1.2, pk=98)

    assert word(answer([backup(1, configuration=partial), full])) == NOT_MATCHED
    found = answer([backup(1), backup(1.1, configuration=partial)])
    assert isinstance(found, Finding)
    assert found.confidence == Decimal("0.36")


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ([backup(1, configuration={}), backup(1.1, configuration={})], SkipReason.NO_EVIDENCE),
        ([backup(1), backup(1.1, day_cost=0)], SkipReason.SAVING_TOO_SMALL),
        ([backup(1), backup(1.1, day_cost="1.6")], SkipReason.SAVING_TOO_SMALL),
        ([backup(1), backup(1.1, day_cost="1.7")], MATCHED),
    ],
)
def test_missing_data_and_small_savings(copies, expected):
    assert word(answer(copies)) == expected


def test_scope_and_cost_are_asked_of_each():
    stale, unpaid = backup(1, is_stale=True), backup(2, cost_days_count=0)

    answers = ask_together(BackupRetention, [stale, unpaid])

    assert [word(each) for each in answers.values()] == [SkipReason.SCOPE_INCOMPLETE, SkipReason.NO_COST]


def test_two_services_are_told():
    found = answer([backup(1), backup(1.1, service_name="Backups")])

    assert isinstance(found, Finding)
    assert found.facts["Made by"] == "Backups, Block storage"
    assert len(found.notes) == 1


def test_fingerprint_and_description():
    def beyond(name, cost="10"):
        return answer([backup(1), backup(1.1, pk=5, resource_id=name, day_cost=cost)])

    prints = [
        each.fingerprint(BackupRetention.id) for each in (beyond("a"), beyond("a", "10.1"), beyond("b"))
    ]
    assert prints[0] == prints[1] != prints[2]
    check_description(BackupRetention, daily=77, monthly=66)


def test_thirty_evening_copies_are_the_policy_while_today_s_is_not_made_yet():
    evenings = [backup(age + 0.5, pk=age + 1) for age in range(30)]  # 30 September back to 1 September

    assert word(answer(evenings)) == NOT_MATCHED
    assert found_pks(answer([*evenings, backup(0.1, pk=98)])) == (30,)


def test_copy_of_yesterday_builds_on_older_ones_although_its_cost_is_not_known_yet():
    partial = {"volume_id": "v1", "is_incremental": True}
    doubled = [backup(5), backup(5.1, pk=98)]

    assert found_pks(answer(doubled)) == (98,)
    assert word(answer([backup(1, cost_days_count=0, configuration=partial), *doubled])) == NOT_MATCHED


def found_pks(said):
    assert isinstance(said, Finding)
    return said.resource_pks
