"""server.idle and dedicated.idle: no work, no traffic, and nothing that explains it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine.contract import Risk, SkipReason
from recommendations.engine.facts import Twin
from recommendations.rules.dedicated_idle import DedicatedIdle
from recommendations.rules.server_idle import ServerIdle
from recommendations.tests.facts import ask, connection, hourly, resource, server
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


def series(cpu=0.4, network: float | None = 0.0, days=35, **more):
    values = {"cpu_percent": hourly(cpu, days=days)}
    if network is not None:
        values |= {name: hourly(network / 2, days=days) for name in ("network_rx", "network_tx")}
    return values | more


def idle(**changes):
    return server(**({"name": "ci-runner-spot", "series": series()} | changes))


def spike(at):
    """A hundredth and a bit of hours at 16 %."""
    return 16.0 if at.hour == 3 and at.day % 2 else 0.5


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"series": series(5.0)}, MATCHED),
        ({"series": series(5.01)}, NOT_MATCHED),
        ({"series": series(spike)}, NOT_MATCHED),
        ({"series": series(network=1000.0)}, MATCHED),
        ({"series": series(network=1001.0)}, NOT_MATCHED),
        ({"series": series(3.0, network=None)}, MATCHED),
        ({"series": series(3.01, network=None)}, NOT_MATCHED),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"series": series(days=9)}, SkipReason.TOO_FEW_SAMPLES),
        ({"first_seen_at": ago(13.9)}, SkipReason.TOO_YOUNG),
        ({"status": "stopped"}, NOT_MATCHED),
        ({"name": "vpn-gateway-1"}, SkipReason.GUARDED),
        ({"name": "conational"}, MATCHED),
        ({"software": ("RabbitMQ",)}, SkipReason.GUARDED),
        ({"series": series(memory_percent=hourly(61.0))}, SkipReason.GUARDED),
        ({"series": series(memory_percent=hourly(60.0))}, MATCHED),
        ({"name": "pg-standby"}, SkipReason.TWIN),
        ({"configuration": {"cluster_id": "c"}}, SkipReason.PART_OF_SOMETHING),
        ({"changed_at": ago(1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    assert word(ask(ServerIdle, idle(**changes))) == expected
    of_a_rented = resource("dedicated_server", **({"name": "metal", "series": series()} | changes))
    assert word(ask(DedicatedIdle, of_a_rented)) == expected


@pytest.mark.parametrize(("busiest", "expected"), [(6.0, SkipReason.TWIN), (5.0, MATCHED)])
def test_quiet_twin_of_a_busy_one_is_not_idle(busiest, expected):
    around = connection(twins={"web": Twin(count=2, busiest_pk=99, busiest_cpu=busiest)})

    assert word(ask(ServerIdle, idle(name="web-1", connection=around))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(ServerIdle, idle)
    check_whole_cost(ServerIdle, idle)


def test_disks_are_contained_and_switching_off_stands_beside():
    around = connection(stop_saves={"server": StopSaves(by=StopBy.SHELVE)})
    whole = idle(day_cost="283.32", connection=around)
    disk = resource("volume", day_cost="27", parent=whole)
    whole.components.append(disk)

    answer = found(ask(ServerIdle, whole))

    assert answer.saving_monthly == Decimal("9309.60")
    assert answer.covers == (disk.pk,)
    assert answer.facts["Saved if it is only switched off"]["value"] == "8499.60"
    assert answer.formula.params["month"]["value"] == "9309.60"
    assert [step.message.split()[0] for step in answer.steps] == [
        "Find", "Stop", "Make", "Mark", "Wait", "What", "Delete",
    ]  # fmt: skip


def test_confidence_follows_what_was_seen():
    assert found(ask(ServerIdle, idle())).confidence == Decimal("0.80")
    alone = found(ask(ServerIdle, idle(series=series(1.0, network=None))))
    assert alone.confidence == Decimal("0.56")
    assert alone.metrics == ("cpu_percent",)
    seen_late = idle(first_seen_at=ago(7), provider_created_at=ago(60))
    assert found(ask(ServerIdle, seen_late)).confidence == Decimal("0.40")
    prod = found(ask(ServerIdle, idle(environment="production")))
    assert (prod.risk, prod.confidence) == (Risk.HIGH, Decimal("0.72"))


def test_rented_server_saves_from_the_end_of_its_paid_period():
    known = resource("dedicated_server", series=series(), paid_until=date(2026, 10, 20))

    answer = found(ask(DedicatedIdle, known))

    assert answer.facts["Paid until"] == {"kind": "day", "value": "2026-10-20"}
    assert answer.notes[0].params == {"day": {"kind": "day", "value": "2026-10-20"}}
    unknown = found(ask(DedicatedIdle, resource("dedicated_server", series=series())))
    assert "Paid until" not in unknown.facts
    assert "not known" in unknown.notes[0].message


def test_fingerprint_knows_size_and_not_noise():
    check_fingerprint(
        ServerIdle,
        idle(pk=7),
        idle(pk=7, series=series(0.9)),
        idle(pk=7, vcpus=Decimal(16)),
    )


@pytest.mark.parametrize("rule", [ServerIdle, DedicatedIdle])
def test_description_states_the_options(rule):
    check_description(
        rule, days=21, cpu_average=Decimal(7), network=Decimal(1234), cpu_average_alone=Decimal(2)
    )
