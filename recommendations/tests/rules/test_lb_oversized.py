"""lb.oversized: the cheapest plan of the same kind that holds twice the peak."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.engine.facts import BilledPart
from recommendations.rules.lb_oversized import LoadBalancerOversized
from recommendations.tests.facts import ask, connection, hourly, offer, prices, resource
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


def plan(family, limit, monthly, **changes):
    return offer(
        resource_type="load_balancer",
        billing_sku_id=f"lb_{family}",
        family=family,
        monthly=Decimal(monthly),
        plan_limits={} if limit is None else {"requests_per_second": Decimal(limit)},
        **changes,
    )


PLANS = prices(
    plan("single_s", 400, 3000),
    plan("active_standby_s", 16, 4000),
    plan("active_standby_m", 100, 5000),
    plan("active_standby_l", 250, 6300),
    plan("active_standby_xl", 500, 8000),
    plan("active_standby_odd", None, 100),
)
AROUND = connection(prices=PLANS)


def billed(sku_id="lb_active_standby_xl", currency="RUB"):
    return BilledPart(
        sku_id=sku_id,
        description="",
        unit="Item",
        quantity=Decimal(1),
        day_cost=Decimal(240),
        currency=currency,
    )


def balancer(**changes):
    """Plan XL with a tenth off, and 30 ₽ a day of traffic."""
    values = {
        "connection": AROUND,
        "parts": (billed(),),
        "day_cost": 270,
        "series": {"request_rate": hourly(4.0, peak=8.0)},
    }
    return resource("load_balancer", **(values | changes))


def peak(value):
    return {"series": {"request_rate": hourly(4.0, peak=value)}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "active_standby_s"),
        (peak(8.01), "active_standby_m"),
        (peak(50.0), "active_standby_m"),
        (peak(50.1), "active_standby_l"),
        (peak(125.0), "active_standby_l"),
        (peak(125.1), SkipReason.ALREADY_OPTIMAL),
        ({"parts": (billed("lb_active_standby_s"),)}, SkipReason.ALREADY_OPTIMAL),
        ({"parts": (billed("lb_active_standby_odd"),)}, SkipReason.NO_EVIDENCE),
        ({"parts": ()}, SkipReason.NO_PRICE),
        ({"parts": (billed(currency="USD"),)}, SkipReason.NO_PRICE),
        ({"connection": connection()}, SkipReason.NO_PRICE),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": {"request_rate": hourly(1.0, days=9)}}, SkipReason.TOO_FEW_SAMPLES),
        ({"first_seen_at": ago(13)}, SkipReason.TOO_YOUNG),
        ({"status": "error"}, NOT_MATCHED),
        ({"changed_at": ago(1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    answer = ask(LoadBalancerOversized, balancer(**changes))

    if word(answer) == MATCHED:
        assert found(answer).facts["Plan that is enough"] == expected
    else:
        assert word(answer) == expected


def test_saving_is_at_the_customer_s_own_price():
    answer = found(ask(LoadBalancerOversized, balancer()))

    # 7 200 x (1 - 4 000 / 8 000); the traffic stays
    assert (answer.current_monthly, answer.saving_monthly) == (Decimal("8100.00"), Decimal("3600.00"))
    assert answer.target_monthly == Decimal("4500.00")
    assert answer.formula.params["now"]["value"] == "7200.00"
    assert answer.confidence == Decimal("0.75")


def test_scope_and_cost():
    def small(day_cost=270, **changes):
        part = BilledPart(
            sku_id="lb_active_standby_xl",
            description="",
            unit="Item",
            quantity=Decimal(1),
            day_cost=Decimal(str(day_cost)),
            currency="RUB",
        )
        return balancer(day_cost=day_cost, parts=(part,), **changes)

    check_scope_and_cost(LoadBalancerOversized, small)


def test_plan_of_another_place_is_none():
    book = prices(plan("a_s", 100, 10, region_id="ru-9"), plan("a_m", 200, 20, region_id="ru-1"))
    here = balancer(connection=connection(prices=book), region_id="ru-1", parts=(billed("lb_a_m"),))

    assert word(ask(LoadBalancerOversized, here)) == SkipReason.ALREADY_OPTIMAL


def test_fingerprint_knows_the_plans():
    check_fingerprint(
        LoadBalancerOversized, balancer(pk=7), balancer(pk=7, **peak(7.0)), balancer(pk=7, **peak(60.0))
    )


def test_description_states_the_options():
    check_description(LoadBalancerOversized, days=31, headroom=Decimal(5))
