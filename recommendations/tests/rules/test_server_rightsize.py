"""server.rightsize: the smallest size that holds what was used, at the customer's own price."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Effort, Risk, SkipReason
from recommendations.engine.facts import BilledPart, Twin
from recommendations.rules.server_rightsize import ServerRightsize
from recommendations.tests.facts import NOW, TODAY, ask, connection, hourly, offer, prices, resource, server
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

PARTS = prices(
    offer(
        billing_sku_id="cores", component="vcpu", family="dedicated", monthly=Decimal(1000), region_id="ru-1"
    ),
    offer(
        billing_sku_id="ram",
        component="memory_gib",
        family="dedicated",
        monthly=Decimal(100),
        region_id="ru-1",
    ),
    offer(component="vcpu", family="standard", monthly=Decimal(1200), region_id="ru-1"),
    offer(component="memory_gib", family="standard", monthly=Decimal(120), region_id="ru-1"),
    offer(component="vcpu", family="share", monthly=Decimal(10), region_id="ru-1", cpu_share=10),
    offer(component="memory_gib", family="share", monthly=Decimal(10), region_id="ru-1"),
)
TARIFFS = prices(
    *(
        offer(
            name=f"{cpu}/{memory}",
            family="normal",
            region_id="ru-1",
            vcpus=Decimal(cpu),
            memory_mib=memory * 1024,
            storage_gib=Decimal(disk),
            monthly=Decimal(cpu * 500 + memory * 250 + disk * 25),
        )
        for cpu, memory, disk in ((1, 1, 10), (2, 4, 100), (4, 8, 100), (4, 16, 120), (8, 32, 240))
    )
)
CLOUD = connection(prices=PARTS)
HOSTER = connection(prices=TARIFFS)


def line(sku_id, cost, **changes):
    return BilledPart(
        sku_id=sku_id,
        description="",
        unit="Item",
        quantity=Decimal(8),
        day_cost=Decimal(cost),
        currency="RUB",
        **changes,
    )


BILLED = (line("cores", "240"), line("ram", "96"), line("traffic", "10", is_usage=True))


def use(cpu=6.0, memory: float | None = 22.0, peak=14.0, days=40):
    values = {"cpu_percent": hourly(cpu, days=days, peak=peak)}
    return values if memory is None else values | {"memory_percent": hourly(memory, days=days)}


def large(**changes):
    """8 vCPU, 32 GiB of parts: 10 080 ₽ for them, a tenth off the list's 11 200, and 300 ₽ of traffic."""
    values = {
        "vcpus": Decimal(8),
        "memory_mib": 32768,
        "storage_gib": None,
        "connection": CLOUD,
        "day_cost": 346,
        "parts": BILLED,
        "name": "api-backend-prod-01",
        "series": use(),
    }
    return server(**(values | changes))


def size(answer):
    return answer.facts["Size that is enough"]


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (use(), "2 vCPU, 9 GiB"),  # 8 x 14 % fits in two, 32 x 22 / 85 = 8.3
        (use(peak=6.0), "1 vCPU, 9 GiB"),
        (use(10.0, peak=12.5), "1 vCPU, 9 GiB"),  # 8 x 10 / 80 is exactly one
        (use(10.1, peak=12.5), "2 vCPU, 9 GiB"),
        (use(peak=12.6), "2 vCPU, 9 GiB"),  # the peak alone does not fit into one
        (use(20.0, peak=25.0), "2 vCPU, 9 GiB"),
        (use(20.1, peak=25.0), "4 vCPU, 9 GiB"),
        (use(memory=21.25), "2 vCPU, 8 GiB"),  # 32 x 21.25 / 85 is exactly eight
        (use(memory=21.3), "2 vCPU, 9 GiB"),
        (use(memory=None), "2 vCPU, 32 GiB"),
        (use(memory=84.9), "2 vCPU, 32 GiB"),
        (use(79.0, peak=90.0), "8 vCPU, 9 GiB"),
    ],
)
def test_size_holds_the_busiest_hundredth_and_the_peak(series, expected):
    assert size(found(ask(ServerRightsize, large(series=series)))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": use(days=9)}, SkipReason.TOO_FEW_SAMPLES),
        ({"series": use(days=10)}, MATCHED),
        ({"first_seen_at": ago(6.9)}, SkipReason.TOO_YOUNG),
        ({"first_seen_at": ago(8)}, MATCHED),
        ({"resized_at": ago(6)}, SkipReason.TOO_FEW_SAMPLES),
        ({"resized_at": ago(8)}, MATCHED),
        ({"series": use(81.0, memory=86.0)}, SkipReason.ALREADY_OPTIMAL),
        ({"series": use(lambda at: 95.0 if at.day == 25 and at.hour == 3 else 5.0)}, SkipReason.GUARDED),
        ({"series": use(lambda at: 94.9 if at.day == 25 and at.hour == 3 else 5.0)}, MATCHED),
        ({"vcpus": None}, SkipReason.NO_EVIDENCE),
        ({"status": "stopped"}, NOT_MATCHED),
        ({"connection": connection()}, SkipReason.NO_PRICE),
        ({"parts": ()}, SkipReason.NO_PRICE),
        ({"currency": "USD"}, SkipReason.NO_PRICE),
        ({"region_id": "ru-9", "parts": ()}, SkipReason.NO_TARGET),
        ({"name": "pg-replica"}, SkipReason.TWIN),
        ({"configuration": {"nodegroup_id": "g"}}, SkipReason.PART_OF_SOMETHING),
        ({"changed_at": ago(1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    assert word(ask(ServerRightsize, large(**changes))) == expected


def test_saving_is_at_the_customer_s_own_price():
    answer = found(ask(ServerRightsize, large()))

    # 2 x 1000 + 9 x 100 is 2 900 of the list's 11 200; it pays 10 080 for what the list asks 11 200
    assert answer.current_monthly == Decimal("10380.00")
    assert answer.saving_monthly == Decimal("7470.00")
    assert answer.target_monthly == Decimal("2910.00")
    assert answer.formula.params["now"]["value"] == "10080.00"
    assert answer.formula.params["target"]["value"] == "2610.00"
    assert (answer.confidence, answer.effort, answer.risk) == (Decimal("0.85"), Effort.HOURS, Risk.MEDIUM)


def test_small_saving_is_not_told():
    assert (
        word(ask(ServerRightsize, large(series=use(79.0, memory=80.0, peak=79.0))))
        == SkipReason.SAVING_TOO_SMALL
    )


def test_scope_and_cost():
    check_scope_and_cost(
        ServerRightsize, lambda **changes: large(**({"parts": (), "connection": HOSTER} | changes))
    )


def hosted(**changes):
    """4 vCPU, 16 GiB, 100 GiB: between the tariffs, whose unit prices make 8 500; it pays 9 000."""
    values = {"vcpus": Decimal(4), "memory_mib": 16384, "storage_gib": Decimal(100), "connection": HOSTER}
    return server(**({"series": use(), "day_cost": 300} | values | changes))


def test_tariff_that_cuts_the_disk_is_no_target():
    answer = found(ask(ServerRightsize, hosted()))
    large_disk = ask(ServerRightsize, hosted(storage_gib=Decimal(120)))

    assert size(answer) == "4 vCPU, 8 GiB"
    assert word(large_disk) == SkipReason.NO_TARGET


def test_price_put_together_weighs_less():
    answer = found(ask(ServerRightsize, hosted()))

    assert answer.saving_monthly == Decimal("2117.65")  # 9 000 x (1 - 6 500 / 8 500)
    assert answer.confidence == Decimal("0.68")


def test_without_the_current_list_price_the_target_s_counts_and_weighs_less():
    book = prices(
        offer(
            vcpus=Decimal(2),
            memory_mib=8192,
            storage_gib=Decimal(100),
            monthly=Decimal(4500),
            region_id="ru-1",
        )
    )

    answer = found(ask(ServerRightsize, hosted(connection=connection(prices=book))))

    assert answer.saving_monthly == Decimal("4500.00")
    assert answer.confidence == Decimal("0.51")


def test_cost_of_the_former_size_does_not_count():
    days = {TODAY - timedelta(days=n): Decimal(600 if n > 8 else 300) for n in range(1, 40)}

    answer = found(ask(ServerRightsize, hosted(daily_costs=days, resized_at=ago(8))))

    assert answer.current_monthly == Decimal("9000.00")


def test_projection_and_alternatives_are_shown():
    answer = found(ask(ServerRightsize, large()))

    assert answer.facts["… of the new size"] == {"kind": "percent", "value": "24.0"}
    assert answer.facts["Highest CPU of the new size"] == {"kind": "percent", "value": "56.0"}
    assert answer.facts["Memory of the new size in 99 of 100 hours"]["value"] == "78.2"
    assert [each.params["size"] for each in answer.alternatives] == ["2 vCPU, 32 GiB", "8 vCPU, 9 GiB"]
    assert answer.alternatives[0].params["saving"]["value"] == "5400.00"


def test_bursts_allow_one_step_alone():
    bursts = use(lambda at: 31.0 if at.hour == 3 else 5.0, peak=31.0)

    answer = found(ask(ServerRightsize, large(series=bursts)))

    assert size(answer) == "4 vCPU, 16 GiB"
    assert any("bursts" in note.message for note in answer.notes)


@pytest.mark.parametrize(
    ("twin", "expected"),
    [
        (
            Twin(count=2, busiest_pk=99, busiest_cpu=41.0, highest_cpu=45.0, highest_memory=60.0),
            "6 vCPU, 23 GiB",
        ),
        (Twin(count=2, busiest_pk=99, busiest_cpu=41.0), "6 vCPU, 32 GiB"),
        (Twin(count=2, busiest_pk=7, busiest_cpu=6.0, highest_cpu=45.0), "2 vCPU, 9 GiB"),
        (
            Twin(
                count=2,
                busiest_pk=99,
                busiest_cpu=41.0,
                vcpus=Decimal(4),
                memory_mib=16384,
                highest_cpu=40.0,
                highest_memory=60.0,
            ),
            "2 vCPU, 12 GiB",
        ),
    ],
)
def test_twin_gets_no_smaller_than_the_busy_one_needs(twin, expected):
    around = connection(prices=PARTS, twins={"k8s-worker": twin})

    assert size(found(ask(ServerRightsize, large(pk=7, name="k8s-worker-01", connection=around)))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "0.85"),
        ({"series": use(memory=None)}, "0.60"),
        ({"software": ("PostgreSQL",)}, "0.50"),
        ({"name": "db-mysql-staging"}, "0.50"),
        ({"name": "db-mysql-staging", "series": use(memory=84.9)}, "0.85"),
        ({"environment": "production"}, "0.76"),
        ({"first_seen_at": ago(7.0), "series": use(days=14)}, "0.42"),
        ({"cost_days_count": 5}, "0.60"),
    ],
)
def test_confidence(changes, expected):
    assert found(ask(ServerRightsize, large(**changes))).confidence == Decimal(expected)


def test_what_was_not_seen_is_told():
    short = found(ask(ServerRightsize, large(series=use(days=33))))
    whole = found(ask(ServerRightsize, large()))
    licensed = large()
    licensed.components.append(resource("licence", parent=licensed))

    assert any("whole month" in note.message for note in short.notes)
    assert not whole.notes
    assert any("licence" in note.message for note in found(ask(ServerRightsize, licensed)).notes)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"cpu_limit": Decimal(20)}, "4 vCPU, 9 GiB"),
        ({"memory_limit": Decimal(50)}, "2 vCPU, 15 GiB"),
        ({"memory_step": Decimal(4)}, "2 vCPU, 12 GiB"),
        ({"memory_per_vcpu": Decimal(2)}, "6 vCPU, 9 GiB"),
        ({"memory_per_vcpu": Decimal(2), "even_vcpus": False}, "5 vCPU, 9 GiB"),
    ],
)
def test_options_hold(options, expected):
    assert size(found(ask(ServerRightsize, large(), **options))) == expected


def test_fingerprint_knows_sizes_and_not_noise():
    check_fingerprint(
        ServerRightsize, large(pk=7), large(pk=7, series=use(6.4)), large(pk=7, series=use(memory=40.0))
    )


def test_description_states_the_options():
    check_description(ServerRightsize, days=21, cpu_limit=Decimal(71), memory_limit=Decimal(91))


def test_change_of_size_inside_the_window_counts_from_there():
    changed = large(resized_at=NOW - timedelta(days=10), series=use(lambda at: 90.0 if at.day < 20 else 6.0))

    assert size(found(ask(ServerRightsize, changed))) == "2 vCPU, 9 GiB"
