"""server.undersized: at its limit on some days of a week, and what the next size costs more."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Category, SkipReason
from recommendations.rules.server_undersized import ServerUndersized
from recommendations.tests.facts import ask, connection, hourly, offer, prices, resource, server
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    ago,
    check_description,
    check_fingerprint,
    found,
    word,
)

BOOK = prices(
    offer(component="vcpu", family="standard", monthly=Decimal(500)),
    offer(component="memory_gib", family="standard", monthly=Decimal(100)),
)
AROUND = connection(prices=BOOK)


def on_days(count, high, low=20.0):
    """High all day on the last days before Thursday 2026-10-01."""
    return lambda at: high if (at.month, at.day) > (9, 30 - count) else low


def tight(**changes):
    """4 vCPU and 8 GiB for 2 520 ₽, a tenth off the list's 2 800."""
    values = {
        "connection": AROUND,
        "storage_gib": None,
        "day_cost": 84,
        "series": {"cpu_percent": hourly(on_days(3, 90.0)), "memory_percent": hourly(50.0)},
    }
    return server(**(values | changes))


def use(cpu=20.0, memory=50.0, swap=0.0):
    return {"series": {"cpu_percent": hourly(cpu), "memory_percent": hourly(memory), "swap_in": hourly(swap)}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (use(on_days(3, 90.0)), MATCHED),
        (use(on_days(3, 89.9)), NOT_MATCHED),
        (use(on_days(2, 99.0)), NOT_MATCHED),
        (use(memory=on_days(3, 92.0)), MATCHED),
        (use(memory=on_days(3, 91.9)), NOT_MATCHED),
        (use(swap=on_days(3, 1000.0, 0.0)), MATCHED),
        (use(swap=on_days(2, 1000.0, 0.0)), NOT_MATCHED),
        (use(cpu=lambda at: 95.0 if at.hour in (3, 4, 5) else 10.0), MATCHED),
        (use(cpu=lambda at: 95.0 if at.hour == 3 else 10.0), NOT_MATCHED),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": {"swap_in": hourly(9.0)}}, SkipReason.NO_METRICS),
        ({"first_seen_at": ago(6.9)}, SkipReason.TOO_YOUNG),
        ({"status": "stopped"}, NOT_MATCHED),
        ({"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        ({"cost_days_count": 0}, SkipReason.NO_COST),
        ({"changed_at": ago(2)}, SkipReason.CHANGED_LATELY),
        ({"name": "pg-replica"}, MATCHED),
    ],
)
def test_cases(changes, expected):
    assert word(ask(ServerUndersized, tight(**changes))) == expected


@pytest.mark.parametrize(
    ("changes", "size", "extra"),
    [
        ({}, "6 vCPU, 8 GiB", "900.00"),  # two vCPUs of 500 with a tenth off
        (use(memory=100.0), "4 vCPU, 10 GiB", "180.00"),
        (use(cpu=99.0, memory=100.0), "6 vCPU, 10 GiB", "1080.00"),
        (use(swap=5.0), "4 vCPU, 16 GiB", "720.00"),
    ],
)
def test_what_the_next_size_costs_more(changes, size, extra):
    answer = found(ask(ServerUndersized, tight(**changes)))

    assert answer.summary.params["size"] == size
    assert answer.saving_monthly == -Decimal(extra)
    assert answer.target_monthly == Decimal("2520.00") + Decimal(extra)
    assert (answer.category, answer.confidence) == (Category.PERFORMANCE, Decimal("0.70"))


@pytest.mark.parametrize("changes", [{"connection": connection()}, {"vcpus": None}, {"currency": "USD"}])
def test_without_a_price_the_extra_cost_is_not_told(changes):
    answer = found(ask(ServerUndersized, tight(**changes)))

    assert (answer.saving_monthly, answer.target_monthly) == (None, None)
    assert "size" not in answer.summary.params


def test_database_takes_the_next_tariff():
    tariffs = prices(
        *(
            offer(
                resource_type="database",
                vcpus=Decimal(vcpus),
                memory_mib=memory,
                storage_gib=Decimal(50),
                monthly=Decimal(monthly),
            )
            for vcpus, memory, monthly in ((2, 4096, 2000), (4, 8192, 4000))
        )
    )
    facts = resource(
        "database",
        vcpus=Decimal(2),
        memory_mib=4096,
        storage_gib=Decimal(50),
        day_cost=60,
        connection=connection(prices=tariffs),
        series={"cpu_percent": hourly(95.0)},
    )

    assert found(ask(ServerUndersized, facts)).saving_monthly == Decimal("-1800.00")


def test_days_before_a_change_of_size_do_not_count():
    assert word(ask(ServerUndersized, tight(resized_at=ago(5), **use(on_days(5, 95.0))))) == MATCHED
    before = use(lambda at: 95.0 if at.day < 28 else 10.0)
    assert word(ask(ServerUndersized, tight(resized_at=ago(3.2), **before))) == NOT_MATCHED


def test_fingerprint_knows_the_size():
    check_fingerprint(
        ServerUndersized, tight(pk=7), tight(pk=7, **use(on_days(4, 90.0))), tight(pk=7, vcpus=Decimal(8))
    )


def test_description_states_the_options():
    check_description(ServerUndersized, days=9, busy_days=4, cpu=Decimal(85), memory=Decimal(88))
