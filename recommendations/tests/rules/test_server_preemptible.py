"""server.preemptible: what may be interrupted, where the same size is sold so."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Risk, SkipReason
from recommendations.engine.facts import BilledPart, Twin
from recommendations.rules.server_preemptible import ServerPreemptible
from recommendations.tests.facts import ask, connection, offer, prices, resource, server
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


def line(family, vcpu, memory, **changes):
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
            monthly=Decimal(memory),
            **changes,
        ),
    )


STANDARD = line("standard", 1000, 100)
BOOK = prices(*STANDARD, *line("preemptible", 500, 50, is_preemptible=True))
AROUND = connection(prices=BOOK)


def billed(family="standard"):
    return tuple(
        BilledPart(
            sku_id=f"{sku}-{family}",
            description="",
            unit="Item",
            quantity=Decimal(4),
            day_cost=Decimal(cost),
            currency="RUB",
        )
        for sku, cost in (("cores", 120), ("ram", 24))
    )


def ci(**changes):
    """4 vCPU and 8 GiB: the list asks 4 800, it pays 4 320 and 180 of traffic."""
    values = {
        "name": "ci-builder",
        "connection": AROUND,
        "parts": billed(),
        "day_cost": 150,
        "storage_gib": None,
    }
    return server(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"name": "web"}, NOT_MATCHED),
        ({"name": "web", "tags": {"role": "worker"}}, MATCHED),
        ({"name": "web", "environment": "stage"}, MATCHED),
        ({"name": "office"}, NOT_MATCHED),
        ({"environment": "production"}, SkipReason.GUARDED),
        ({"status": "stopped"}, NOT_MATCHED),
        ({"software": ("Redis",)}, SkipReason.GUARDED),
        ({"parts": billed("preemptible")}, SkipReason.ALREADY_OPTIMAL),
        ({"configuration": {"is_preemptible": True}}, SkipReason.ALREADY_OPTIMAL),
        ({"connection": connection(prices=prices(*STANDARD))}, SkipReason.UNSUPPORTED_BY_PROVIDER),
        ({"connection": connection()}, SkipReason.NO_PRICE),
        ({"parts": (), "vcpus": None}, SkipReason.NO_PRICE),
        ({"currency": "USD"}, SkipReason.NO_PRICE),
        (
            {"connection": connection(prices=prices(*STANDARD, *line("p", 1000, 100, is_preemptible=True)))},
            SkipReason.ALREADY_OPTIMAL,
        ),
        (
            {"connection": connection(prices=prices(*STANDARD, *line("p", 910, 91, is_preemptible=True)))},
            SkipReason.SAVING_TOO_SMALL,
        ),
        (
            {
                "connection": connection(
                    prices=prices(*STANDARD, *line("p", 1, 1, is_preemptible=True, cpu_share=20))
                )
            },
            SkipReason.UNSUPPORTED_BY_PROVIDER,
        ),
        ({"configuration": {"nodegroup_id": "n"}}, SkipReason.PART_OF_SOMETHING),
        ({"changed_at": ago(1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    assert word(ask(ServerPreemptible, ci(**changes))) == expected


def test_saving_is_at_the_customer_s_own_price():
    answer = found(ask(ServerPreemptible, ci()))

    # 4 320 x (1 - 2 400 / 4 800)
    assert (answer.current_monthly, answer.saving_monthly) == (Decimal("4500.00"), Decimal("2160.00"))
    assert (answer.target_monthly, answer.confidence) == (Decimal("2340.00"), Decimal("0.60"))


def test_twin_in_production_may_be_interrupted():
    around = connection(prices=BOOK, twins={"worker": Twin(count=2, busiest_pk=1, busiest_cpu=40.0)})

    answer = found(ask(ServerPreemptible, ci(name="worker-2", environment="prod", connection=around)))

    assert (answer.risk, answer.confidence) == (Risk.HIGH, Decimal("0.54"))
    assert len(answer.notes) == 1


def test_disk_for_data_keeps_it_regular():
    booted, stateful = ci(), ci()
    booted.components.append(resource("volume", parent=booted, configuration={"is_bootable": True}))
    stateful.components.append(resource("volume", parent=stateful, name="data"))

    assert word(ask(ServerPreemptible, booted)) == MATCHED
    assert word(ask(ServerPreemptible, stateful)) == SkipReason.GUARDED


def test_scope_and_cost():
    check_scope_and_cost(
        ServerPreemptible,
        lambda **changes: ci(
            **({"parts": (), "connection": connection(prices=WHOLE), "storage_gib": None} | changes)
        ),
    )


WHOLE = prices(
    offer(vcpus=Decimal(4), memory_mib=8192, monthly=Decimal(4000), family="normal"),
    offer(vcpus=Decimal(4), memory_mib=8192, monthly=Decimal(1000), family="spot", is_preemptible=True),
)


def test_fingerprint_knows_the_size():
    check_fingerprint(ServerPreemptible, ci(pk=7), ci(pk=7), ci(pk=7, vcpus=Decimal(8)))


def test_description_states_the_options():
    check_description(ServerPreemptible, words=("night",), hours=12)
