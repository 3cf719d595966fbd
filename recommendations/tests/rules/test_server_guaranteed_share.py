"""server.guaranteed_share: little use of whole vCPUs, where shares are sold and nothing is stolen."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.engine.facts import BilledPart
from recommendations.rules.server_guaranteed_share import GuaranteedShare
from recommendations.tests.facts import ask, connection, hourly, offer, prices, server
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


def line(family, vcpu, **changes):
    return (
        offer(
            billing_sku_id=f"cores-{family}",
            component="vcpu",
            family=family,
            monthly=Decimal(vcpu),
            **changes,
        ),
        offer(
            billing_sku_id=f"ram-{family}",
            component="memory_gib",
            family=family,
            monthly=Decimal(100),
            **changes,
        ),
    )


WHOLE = line("standard", 1000)
BOOK = prices(
    *WHOLE,
    *line("percent_50", 700, cpu_share=50),
    *line("percent_20", 400, cpu_share=20),
    *line("percent_10", 300, cpu_share=10),
    *line("preemptible", 10, cpu_share=50, is_preemptible=True),
)
AROUND = connection(prices=BOOK)


def billed(family="standard", scale=1):
    return tuple(
        BilledPart(
            sku_id=f"{sku}-{family}",
            description="",
            unit="Item",
            quantity=Decimal(4),
            day_cost=Decimal(cost) * Decimal(str(scale)),
            currency="RUB",
        )
        for sku, cost in (("cores", 120), ("ram", 24))
    )


def use(cpu=6.0, steal: float | None = 0.5, days=35):
    found = {"cpu_percent": hourly(cpu, days=days)}
    return {"series": found if steal is None else {**found, "cpu_steal_percent": hourly(steal)}}


def calm(**changes):
    """4 vCPU and 8 GiB: the list asks 4 800, it pays 4 320."""
    values = {"connection": AROUND, "parts": billed(), "day_cost": 144, "storage_gib": None, **use()}
    return server(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (use(6.0), 10),
        (use(6.01), 20),
        (use(12.0), 20),
        (use(12.1), 50),
        (use(30.0), 50),
        (use(30.1), NOT_MATCHED),
        (use(6.0) | {"environment": "production"}, 50),
        (use(6.0, steal=2.0), 10),
        (use(6.0, steal=2.1), NOT_MATCHED),
        (use(6.0, steal=None), SkipReason.NO_EVIDENCE),
        ({"parts": billed("percent_20")}, 10),
        ({"parts": billed("percent_10")}, SkipReason.UNSUPPORTED_BY_PROVIDER),
        ({"connection": connection(prices=prices(*WHOLE))}, SkipReason.UNSUPPORTED_BY_PROVIDER),
        (
            {"connection": connection(prices=prices(*WHOLE, *line("p", 1000, cpu_share=50)))},
            SkipReason.ALREADY_OPTIMAL,
        ),
        ({"connection": connection()}, SkipReason.NO_PRICE),
        ({"vcpus": None}, SkipReason.NO_PRICE),
        ({"currency": "USD"}, SkipReason.NO_PRICE),
        ({"tags": {"latency": ""}}, SkipReason.GUARDED),
        ({"series": {}}, SkipReason.NO_METRICS),
        (use(days=9), SkipReason.TOO_FEW_SAMPLES),
        ({"first_seen_at": ago(13)}, SkipReason.TOO_YOUNG),
        ({"status": "stopped"}, NOT_MATCHED),
        ({"changed_at": ago(1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    answer = ask(GuaranteedShare, calm(**changes))

    if word(answer) == MATCHED:
        assert found(answer).matters["to"] == expected
    else:
        assert word(answer) == expected


def test_saving_is_at_the_customer_s_own_price():
    answer = found(ask(GuaranteedShare, calm()))

    # 4 320 x (1 - 2 000 / 4 800)
    assert (answer.saving_monthly, answer.target_monthly) == (Decimal("2520.00"), Decimal("1800.00"))
    assert answer.confidence == Decimal("0.70")
    assert answer.facts["Of the smaller share"] == {"kind": "percent", "value": "60.0"}


def test_scope_and_cost():
    check_scope_and_cost(
        GuaranteedShare,
        lambda day_cost=144, **changes: calm(
            day_cost=day_cost, parts=billed(scale=Decimal(str(day_cost)) / 144), **changes
        ),
    )


def test_fingerprint_knows_the_share():
    check_fingerprint(GuaranteedShare, calm(pk=7), calm(pk=7, **use(5.0)), calm(pk=7, **use(20.0)))


def test_description_states_the_options():
    check_description(GuaranteedShare, days=21, limit=Decimal(55), steal=Decimal(3))
