"""Replicas of a database outside production."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.database_nonprod_ha import DatabaseNonprodHa
from recommendations.tests.facts import ask, options_of, resource


def database(**changes):
    values = {"environment": "stage", "configuration": {"node_count": 3}, "day_cost": "100.01"}
    return resource("database", **(values | changes))


def test_extra_hosts_of_a_staging_database_are_found():
    answer = ask(DatabaseNonprodHa, database())

    assert isinstance(answer, Finding)
    assert answer.current_monthly == Decimal("3000.30")
    assert answer.saving_monthly == Decimal("2000.20")  # 3 000.30 x 2 / 3
    assert answer.confidence == Decimal("0.70")


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"environment": "development"}, {}, Finding),
        ({"environment": "test"}, {}, Finding),
        ({"environment": "production"}, {}, NotMatched),
        ({"environment": ""}, {}, SkipReason.NO_EVIDENCE),
        ({"configuration": {"node_count": 1}}, {}, NotMatched),
        ({"configuration": {"node_count": 2}}, {}, Finding),
        ({"configuration": {"node_count": 2}}, {"hosts_kept": 2}, NotMatched),
        ({"configuration": {"replica_count": 1}}, {}, Finding),
        ({"configuration": {"replica_count": 0}}, {}, NotMatched),
        ({"configuration": {"hosts": ["a", "b"]}}, {}, Finding),
        ({"configuration": {}}, {}, SkipReason.NO_EVIDENCE),
        ({"name": "stage-db-replica"}, {}, Finding),
        ({"cost_days_count": 2}, {}, SkipReason.NO_COST),
        ({"is_stale": True}, {}, SkipReason.SCOPE_INCOMPLETE),
        ({"day_cost": "2.4"}, {}, SkipReason.SAVING_TOO_SMALL),
        ({"day_cost": "2.6"}, {}, Finding),
    ],
)
def test_when_it_holds(changes, options, expected):
    answer = ask(DatabaseNonprodHa, database(**changes), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_fingerprint_moves_with_the_hosts_alone():
    same, dearer = database(pk=5), database(pk=5, day_cost=101)
    larger = database(pk=5, configuration={"node_count": 4})
    prints = [
        ask(DatabaseNonprodHa, each).fingerprint(DatabaseNonprodHa.id) for each in (same, dearer, larger)
    ]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_option_in_it():
    assert "more than 2 host" in describe(DatabaseNonprodHa, options_of(DatabaseNonprodHa, hosts_kept=2))
