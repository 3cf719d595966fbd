"""server.zombie: billed after it was missed by two readings, long enough, and billed to this day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Effort, Risk, SkipReason
from recommendations.rules.server_zombie import ServerZombie
from recommendations.tests.facts import NOW, TODAY, ask, resource
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


def zombie(kind="volume", **changes):
    values = {"status": "deleted_billed", "absent_since": ago(15), "name": "disk-for-old-report-01"}
    return resource(kind, **(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"absent_since": NOW - timedelta(hours=24)}, MATCHED),
        ({"absent_since": NOW - timedelta(hours=23, minutes=59)}, NOT_MATCHED),
        ({"status": "running"}, NOT_MATCHED),
        ({"is_provisional": True}, SkipReason.NO_EVIDENCE),
        ({"absent_since": None}, SkipReason.NO_EVIDENCE),
        ({"last_charge_at": NOW - timedelta(hours=48)}, MATCHED),
        ({"last_charge_at": NOW - timedelta(hours=49)}, NOT_MATCHED),
        ({"last_charge_at": None}, SkipReason.NO_EVIDENCE),
        ({"changed_at": ago(1)}, MATCHED),
        ({"configuration": {"cluster_id": "c"}}, MATCHED),
        ({"name": "pg-replica"}, MATCHED),
    ],
)
def test_cases(changes, expected):
    assert word(ask(ServerZombie, zombie(**changes))) == expected


@pytest.mark.parametrize(
    "kind", ["server", "dedicated_server", "database", "file_storage", "floating_ip", "licence"]
)
def test_any_billed_type(kind):
    assert word(ask(ServerZombie, zombie(kind))) == MATCHED


def test_scope_and_cost():
    check_scope_and_cost(ServerZombie, zombie)
    answer = found(ask(ServerZombie, zombie(day_cost="3.24")))
    assert (answer.saving_monthly, answer.target_monthly) == (Decimal("97.20"), Decimal("0.00"))
    assert (answer.confidence, answer.effort, answer.risk) == (Decimal("0.90"), Effort.MINUTES, Risk.LOW)


def test_cost_is_that_since_it_is_gone():
    days = {TODAY - timedelta(days=n): Decimal(200 if n > 2 else 50) for n in range(1, 20)}

    answer = found(ask(ServerZombie, zombie(daily_costs=days, absent_since=ago(2.5))))

    assert answer.saving_monthly == Decimal("1500.00")


def test_cost_of_few_days_is_as_sure():
    assert found(ask(ServerZombie, zombie(cost_days_count=2))).confidence == Decimal("0.90")


def test_fingerprint_knows_another_absence():
    check_fingerprint(
        ServerZombie, zombie(pk=7), zombie(pk=7, last_charge_at=NOW), zombie(pk=7, absent_since=ago(30))
    )


def test_description_states_the_options():
    check_description(ServerZombie, hours=25, billing_delay_hours=73)
