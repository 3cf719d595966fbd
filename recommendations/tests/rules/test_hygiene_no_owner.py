"""hygiene.no_owner: an amount that nobody answers for, and no saving."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.hygiene_no_owner import HygieneNoOwner
from recommendations.tests.facts import ask, resource, server
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    check_description,
    check_fingerprint,
    found,
    word,
)


def holder(own, *parts):
    facts = server(day_cost=own)
    for part in parts:
        part.parent = facts
        facts.components.append(part)
    return facts


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (server(), MATCHED),
        (server(day_cost="33.34"), MATCHED),
        (server(day_cost="33.33"), NOT_MATCHED),
        (server(owner="Ann"), NOT_MATCHED),
        (server(business_unit="Platform"), NOT_MATCHED),
        (server(cost_days_count=0), SkipReason.NO_COST),
        (server(cost_days_count=2), SkipReason.NO_COST),
        (server(is_stale=True), MATCHED),
        (holder(20, resource("volume", day_cost=14)), MATCHED),
        (holder(20, resource("volume", day_cost=13)), NOT_MATCHED),
        (resource("volume", parent=server()), SkipReason.PART_OF_SOMETHING),
        (resource("other"), MATCHED),
    ],
)
def test_cases(facts, expected):
    assert word(ask(HygieneNoOwner, facts)) == expected


def test_promises_nothing_and_tells_the_amount():
    answer = found(ask(HygieneNoOwner, holder(20, resource("volume", day_cost="14.5"))))

    assert (answer.current_monthly, answer.target_monthly, answer.saving_monthly) == (
        Decimal("1035.00"),
        None,
        None,
    )
    assert answer.confidence == Decimal("0.95")
    assert found(ask(HygieneNoOwner, server(cost_days_count=6))).confidence == Decimal("0.66")


@pytest.mark.parametrize(
    ("facts", "proposed"),
    [
        (server(tags={"team": "search", "app": "shop"}, sub_account_name="bu-a"), "search"),
        (holder(100, resource("volume", business_unit="Data")), "Data"),
        (server(sub_account_name="bu-a-core"), "bu-a-core"),
        (server(), ""),
    ],
)
def test_proposes_with_evidence_or_not_at_all(facts, proposed):
    answer = found(ask(HygieneNoOwner, facts))

    assert answer.matters["proposed"] == proposed
    assert ("Because of" in answer.facts) == bool(proposed)


def test_fingerprint_and_description():
    check_fingerprint(
        HygieneNoOwner, server(pk=5), server(pk=5, day_cost=101), server(pk=5, tags={"owner": "Bob"})
    )
    check_description(HygieneNoOwner, least_monthly=Decimal(777))
