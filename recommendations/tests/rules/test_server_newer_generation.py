"""server.newer_generation: a successor that the list names, of the same size, for no more."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Category, SkipReason
from recommendations.rules.server_newer_generation import NewerGeneration
from recommendations.tests.facts import ask, connection, offer, prices, resource, server
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    ago,
    check_description,
    check_fingerprint,
    found,
    word,
)


def size(family, monthly, vcpus=4, memory=8192, **changes):
    return offer(
        family=family,
        name=f"{family}-4",
        monthly=Decimal(monthly),
        vcpus=Decimal(vcpus),
        memory_mib=memory,
        **changes,
    )


OLD = size("v1", 4000, billing_sku_id="v1.large")


def book(*newer):
    return {"connection": connection(prices=prices(OLD, *newer))}


def old(**changes):
    values = {
        **book(size("v2", 3000, successor_of="v1")),
        "configuration": {"flavor": "v1.large"},
        "storage_gib": None,
    }
    return server(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        (book(size("v2", 4000, successor_of="v1")), MATCHED),
        (book(size("v2", "4000.01", successor_of="v1")), NOT_MATCHED),
        (book(size("v2", 3000)), NOT_MATCHED),
        (book(size("v2", 3000, successor_of=OLD.sku_id)), MATCHED),
        (book(size("v2", 3000, successor_of="v0")), NOT_MATCHED),
        (book(size("v2", 3000, vcpus=8, successor_of="v1")), NOT_MATCHED),
        (book(size("v2", 3000, memory=16384, successor_of="v1")), NOT_MATCHED),
        (book(size("v2", 3000, region_id="ru-9", successor_of="v1")), NOT_MATCHED),
        (book(size("v2", 3000, currency="USD", successor_of="v1")), NOT_MATCHED),
        (book(size("v2", 30, is_preemptible=True, successor_of="v1")), NOT_MATCHED),
        (book(size("v2", 30, cpu_share=20, successor_of="v1")), NOT_MATCHED),
        ({"configuration": {"flavor": "GL10.8-32768-0-1GPU"}}, SkipReason.GUARDED),
        ({"configuration": {"flavor": "v1.large", "nested_virtualization": True}}, SkipReason.GUARDED),
        ({"vcpus": None}, SkipReason.NO_PRICE),
        ({"connection": connection()}, SkipReason.NO_PRICE),
        ({"currency": "USD"}, SkipReason.NO_PRICE),
        ({"configuration": {"flavor": "v1.large", "cluster_id": "c"}}, SkipReason.PART_OF_SOMETHING),
        ({"changed_at": ago(1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    assert word(ask(NewerGeneration, old(**changes))) == expected


@pytest.mark.parametrize(
    ("price", "saving", "category"),
    [
        (3000, "750.00", Category.RATE),
        (3600, "300.00", Category.RATE),
        (3601, "299.25", Category.PERFORMANCE),
        (4000, "0.00", Category.PERFORMANCE),
    ],
)
def test_saving_is_at_the_customer_s_own_price(price, saving, category):
    answer = found(ask(NewerGeneration, old(**book(size("v2", price, successor_of="v1")))))

    assert (answer.current_monthly, answer.saving_monthly) == (Decimal("3000.00"), Decimal(saving))
    assert (answer.category, answer.confidence) == (category, Decimal("0.70"))


def test_other_architecture_is_another_finding():
    answer = found(ask(NewerGeneration, old(**book(size("v2-arm", 3000, successor_of="v1")))))

    assert (answer.variant, answer.confidence) == ("architecture", Decimal("0.40"))
    assert len(answer.notes) == 2


def test_database():
    tariffs = prices(
        *(
            offer(
                resource_type="database",
                family=family,
                name=family,
                billing_sku_id=family,
                monthly=Decimal(monthly),
                vcpus=Decimal(2),
                memory_mib=4096,
                storage_gib=Decimal(50),
                successor_of=before,
            )
            for family, monthly, before in (("d1", 2000, ""), ("d2", 1500, "d1"))
        )
    )
    facts = {
        "vcpus": Decimal(2),
        "memory_mib": 4096,
        "storage_gib": Decimal(50),
        "connection": connection(prices=tariffs),
    }

    named = found(
        ask(NewerGeneration, resource("database", configuration={"configuration_id": "d1"}, **facts))
    )
    newest = ask(NewerGeneration, resource("database", configuration={"configuration_id": "d2"}, **facts))
    unnamed = ask(NewerGeneration, resource("database", **facts))

    assert named.saving_monthly == Decimal("750.00")
    assert word(newest) == NOT_MATCHED
    assert word(unnamed) == SkipReason.NO_PRICE  # which of both it is nobody tells


def test_scope_and_cost():
    def one(day_cost=100, **changes):
        return old(day_cost=day_cost, **changes)

    assert word(ask(NewerGeneration, one(is_stale=True))) == SkipReason.SCOPE_INCOMPLETE
    assert word(ask(NewerGeneration, one(cost_days_count=0))) == SkipReason.NO_COST
    assert found(ask(NewerGeneration, one(day_cost="0.01"))).category == Category.PERFORMANCE


def test_fingerprint_knows_the_line():
    check_fingerprint(
        NewerGeneration, old(pk=7), old(pk=7), old(pk=7, **book(size("v3", 3000, successor_of="v1")))
    )


def test_description_states_the_options():
    check_description(NewerGeneration, other_architecture=Decimal("0.35"))
