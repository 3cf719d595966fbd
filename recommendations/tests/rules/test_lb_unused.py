"""lb.unused: no target, no healthy one, or no traffic; never from silence alone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.lb_unused import LbUnused
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

A_DAY = 86_400


def balancer(members=0, **changes):
    values = {"name": "lb-old", "configuration": {"member_count": members, "operating_status": "ONLINE"}}
    return resource("load_balancer", **(values | changes))


def series(requests=None, received=None, sent=None, **more):
    values = {"request_rate": requests, "network_rx": received, "network_tx": sent}
    return {
        "members": 2,
        "series": {
            name: hourly(value / A_DAY, **more) for name, value in values.items() if value is not None
        },
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"changed_at": ago(14)}, MATCHED),
        ({"changed_at": ago(13)}, SkipReason.NO_METRICS),
        ({"members": 2}, SkipReason.NO_METRICS),
        ({"configuration": {}}, SkipReason.NO_METRICS),
        ({"configuration": {"member_count": 2, "operating_status": "ERROR"}}, MATCHED),
        ({"configuration": {"member_count": 2, "operating_status": "DEGRADED"}}, SkipReason.NO_METRICS),
        (series(requests=10), MATCHED),
        (series(requests=10.2), NOT_MATCHED),
        (series(requests=0, received=100_000, sent=100_000), MATCHED),
        (series(requests=0, received=100_001), NOT_MATCHED),
        (series(requests=0, received=0, sent=100_001), NOT_MATCHED),
        (series(requests=8 * A_DAY), NOT_MATCHED),  # lb-prod-01 of the demo
        (series(requests=0, days=9), SkipReason.TOO_FEW_SAMPLES),
        (series(requests=0, days=10), MATCHED),
        ({"name": "shop-green"}, SkipReason.TWIN),
        ({"tags": {"standby": "yes"}}, SkipReason.GUARDED),
        ({"status": "pending"}, NOT_MATCHED),
        ({"provider_created_at": ago(13)}, SkipReason.TOO_YOUNG),
    ],
)
def test_cases(changes, expected):
    assert word(ask(LbUnused, balancer(**changes))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(LbUnused, balancer)
    check_whole_cost(LbUnused, balancer)


def test_gaps_weigh_in_the_confidence():
    assert found(ask(LbUnused, balancer())).confidence == Decimal("0.85")
    assert found(ask(LbUnused, balancer(**series(requests=0, days=10)))).confidence == Decimal("0.67")


def test_balancer_of_kubernetes_goes_with_its_service():
    owned = found(ask(LbUnused, balancer(name="kube_service_shop")))

    assert "Delete “%(name)s”." not in {step.message for step in owned.steps}
    assert owned.steps[-1].message.startswith("A Kubernetes service owns it")


def test_fingerprint_and_description():
    check_fingerprint(
        LbUnused, balancer(pk=5), balancer(pk=5, day_cost=101), balancer(pk=5, **series(requests=0))
    )
    check_description(LbUnused, days=33, requests_a_day=Decimal(77), bytes_a_day=Decimal(88))
