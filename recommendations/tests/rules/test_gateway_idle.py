"""gateway.idle: no port or no traffic, where that is known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.gateway_idle import GatewayIdle
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

MB_A_DAY = 1_000_000 / 86_400


def gateway(kind="router", **changes):
    values = {"name": "vpn-gateway", "configuration": {"has_gateway": True, "port_count": 0}}
    return resource(kind, **(values | changes))


def traffic(megabytes, **more):
    half = hourly(megabytes / 2 * MB_A_DAY, **more)
    return {"configuration": {}, "series": {"network_rx": half, "network_tx": half}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"changed_at": ago(30)}, MATCHED),
        ({"changed_at": ago(29)}, SkipReason.NO_METRICS),
        ({"configuration": {"port_count": 1}}, SkipReason.NO_METRICS),
        ({"configuration": {"has_gateway": True}}, SkipReason.NO_METRICS),  # vpn-gateway of the demo
        (traffic(0.99), MATCHED),
        (traffic(1), NOT_MATCHED),
        (traffic(0, days=20), SkipReason.TOO_FEW_SAMPLES),
        (traffic(0, days=21), MATCHED),
        ({"configuration": {}, "series": {"network_rx": hourly(0)}}, SkipReason.NO_METRICS),
        ({"kind": "network", "native_type": "private_network"}, NOT_MATCHED),
        ({"kind": "network", "native_type": "nat_gateway"}, MATCHED),
        ({"day_cost": 0}, NOT_MATCHED),
        ({"tags": {"failover": ""}}, SkipReason.GUARDED),
        ({"status": "pending"}, NOT_MATCHED),
        ({"provider_created_at": ago(29)}, SkipReason.TOO_YOUNG),
    ],
)
def test_cases(changes, expected):
    assert word(ask(GatewayIdle, gateway(**changes))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(GatewayIdle, gateway)
    check_whole_cost(GatewayIdle, gateway)


def test_gaps_weigh_in_the_confidence():
    assert found(ask(GatewayIdle, gateway())).confidence == Decimal("0.70")
    assert found(ask(GatewayIdle, gateway(**traffic(0, days=21)))).confidence == Decimal("0.54")


def test_fingerprint_and_description():
    check_fingerprint(GatewayIdle, gateway(pk=5), gateway(pk=5, day_cost=101), gateway(pk=5, **traffic(0)))
    check_description(GatewayIdle, days=33, megabytes_a_day=Decimal(77))
