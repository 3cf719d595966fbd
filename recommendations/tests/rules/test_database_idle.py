"""A database without connections."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Risk, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.database_idle import DatabaseIdle
from recommendations.tests.facts import NOW, ask, hourly, options_of, resource


def database(**changes):
    values = {
        "engine": "postgresql",
        "vcpus": Decimal(2),
        "memory_mib": 4096,
        "storage_gib": Decimal(40),
        "series": {"connections": hourly(0)},
        "day_cost": "106.67",
    }
    return resource("database", **(values | changes))


def test_database_to_which_nobody_connects_is_found():
    answer = ask(DatabaseIdle, database(name="old-db"))

    assert isinstance(answer, Finding)
    assert answer.saving_monthly == Decimal("3200.10")  # 106.67 x 30
    assert (answer.target_monthly, answer.confidence, answer.risk) == (0, Decimal("0.85"), Risk.HIGH)
    assert answer.metrics == ("connections",)


def test_steps_copy_and_wait_before_they_delete():
    messages = [step.message for step in ask(DatabaseIdle, database()).steps]
    order = [
        next(n for n, text in enumerate(messages) if word in text)
        for word in ("Dump", "Stop", "Wait", "Delete")
    ]

    assert order == sorted(order)


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"series": {"connections": hourly(0, peak=1)}}, {}, NotMatched),
        ({"series": {"connections": hourly(0, peak=1)}}, {"monitoring_connections": 1}, Finding),
        ({"series": {"connections": hourly(1, peak=2)}}, {"monitoring_connections": 1}, NotMatched),
        ({"provider_created_at": NOW - timedelta(days=13)}, {}, SkipReason.TOO_YOUNG),
        ({"provider_created_at": NOW - timedelta(days=14)}, {}, Finding),
        ({"series": {}}, {}, SkipReason.NO_METRICS),
        ({"series": {"connections": hourly(0, days=9)}}, {}, SkipReason.TOO_FEW_SAMPLES),
        ({"series": {"connections": hourly(0, days=10)}}, {}, Finding),
        ({"cost_days_count": 2}, {}, SkipReason.NO_COST),
        ({"cost_days_count": 3}, {}, Finding),
        ({"name": "db-replica-1"}, {}, SkipReason.TWIN),
        ({"tags": {"role": "standby"}}, {}, SkipReason.TWIN),
        ({"is_stale": True}, {}, SkipReason.SCOPE_INCOMPLETE),
        ({"configuration": {"cluster_id": "c1"}}, {}, SkipReason.PART_OF_SOMETHING),
        ({"changed_at": NOW - timedelta(days=1)}, {}, SkipReason.CHANGED_LATELY),
        ({"day_cost": "1"}, {}, SkipReason.SAVING_TOO_SMALL),
    ],
)
def test_when_it_holds(changes, options, expected):
    answer = ask(DatabaseIdle, database(**changes), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_few_days_of_cost_and_few_hours_make_it_less_sure():
    few_days = ask(DatabaseIdle, database(cost_days_count=6))
    few_hours = ask(DatabaseIdle, database(series={"connections": hourly(0, days=10)}))

    assert few_days.confidence == Decimal("0.60")  # 0.85 x 0.7
    assert few_hours.confidence == Decimal("0.67")  # 0.85 x (10/14) / 0.9


def test_its_parts_are_paid_and_covered_with_it():
    facts = database(day_cost=100)
    backup = resource("backup", day_cost=10, parent=facts)
    facts.components.append(backup)

    answer = ask(DatabaseIdle, facts)

    assert answer.saving_monthly == Decimal("3300.00")
    assert answer.covers == (backup.pk,)


def test_fingerprint_moves_with_the_size_alone():
    same, dearer, larger = database(pk=5), database(pk=5, day_cost=107), database(pk=5, memory_mib=8192)
    prints = [ask(DatabaseIdle, facts).fingerprint(DatabaseIdle.id) for facts in (same, dearer, larger)]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "In 21 days" in describe(DatabaseIdle, options_of(DatabaseIdle, days=21))
