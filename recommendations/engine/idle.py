"""Machines that run and do nothing: what server.idle and dedicated.idle ask alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup
from recommendations.engine.contract import (
    Age,
    Cost,
    Metric,
    Need,
    NotMatched,
    Option,
    Options,
    Skip,
    SkipReason,
    Text,
    Value,
    number,
    percent,
    points_bucket,
)
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.twins import busier_twin
from recommendations.engine.workload import known_engine

CPU = "cpu_percent"
MEMORY = "memory_percent"
NETWORK = ("network_rx", "network_tx")
LEAST_COVERAGE = 0.7

NEEDS: tuple[Need, ...] = (Age(days="days"), Cost(), Metric(name=CPU, days="days"))
OPTIONS = (
    Option(name="days", label=gettext_lazy("Look back"), default=14, unit=gettext_lazy("days"), minimum=7),
    Option(
        name="cpu_average",
        label=gettext_lazy("Mean CPU at most"),
        default=Decimal(5),
        unit="%",
        minimum=0,
        maximum=100,
    ),
    Option(
        name="cpu_p99",
        label=gettext_lazy("CPU in 99 of 100 hours at most"),
        default=Decimal(15),
        unit="%",
        minimum=0,
        maximum=100,
    ),
    Option(
        name="network",
        label=gettext_lazy("Network, both ways together, at most"),
        default=Decimal(1000),
        unit=gettext_lazy("B/s"),
        minimum=0,
    ),
    Option(
        name="cpu_average_alone",
        label=gettext_lazy("Mean CPU at most, where the network is not measured"),
        default=Decimal(3),
        unit="%",
        minimum=0,
        maximum=100,
    ),
    Option(
        name="factor_alone",
        label=gettext_lazy("Weight where the network is not measured"),
        default=Decimal("0.7"),
        minimum=Decimal(0),
        maximum=Decimal(1),
    ),
    Option(
        name="memory_in_use",
        label=gettext_lazy("Memory in use at most"),
        default=Decimal(60),
        unit="%",
        minimum=0,
        maximum=100,
    ),
    Option(
        name="quiet_words",
        label=gettext_lazy("Words in names of what is quiet on purpose"),
        default=(
            "vpn",
            "dns",
            "bastion",
            "jump",
            "monitor",
            "zabbix",
            "prometheus",
            "licen",
            "ntp",
            "firewall",
        ),
    ),
    Option(
        name="waiting_days",
        label=gettext_lazy("Stopped before deleting"),
        default=7,
        unit=gettext_lazy("days"),
        minimum=7,
        maximum=30,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """It does nothing: what is shown of that, its weight, and the series that say so."""

    shown: Mapping[str, Value]
    matters: Mapping[str, Any]
    coverage: float
    factor: Decimal
    metrics: tuple[str, ...]
    notes: tuple[Text, ...]


def quiet(facts: ResourceFacts, options: Options) -> Quiet | NotMatched | Skip:
    """Whether it does nothing, or the first thing that says otherwise; the guards come first."""
    if facts.status != "running":
        return NotMatched(Text(_("It is not running.")))
    refused = _kept(facts, options)
    if refused is not None:
        return refused
    days = options["days"]
    cpu = facts.usage(CPU, days, since_resize=False)
    assert cpu is not None
    network = network_average(facts, days)
    limit = options["cpu_average" if network is not None else "cpu_average_alone"]
    for word, value, most in (
        (_("Its CPU is %(value)s on average; the limit is %(limit)s."), cpu.average, limit),
        (
            _("Its CPU is %(value)s in the busiest hundredth of hours; the limit is %(limit)s."),
            cpu.p99,
            options["cpu_p99"],
        ),
    ):
        if value > most:
            return NotMatched(Text(word, {"value": percent(value), "limit": percent(most)}))
    if network is not None and network > options["network"]:
        return NotMatched(
            Text(
                _("Its network carries %(value)s on average; the limit is %(limit)s."),
                {"value": number(network, _("B/s")), "limit": number(options["network"], _("B/s"))},
            )
        )
    shown: dict[str, Value] = {
        _("Mean CPU"): percent(cpu.average),
        _("CPU in 99 of 100 hours"): percent(cpu.p99),
        _("Highest CPU"): percent(cpu.maximum),
    }
    if network is not None:
        shown[_("Network, both ways")] = number(network, _("B/s"))
    shown[_("Days looked at")] = days
    return Quiet(
        shown=shown,
        matters={"cpu": points_bucket(cpu.average), "vcpus": facts.vcpus, "memory": facts.memory_mib},
        coverage=cpu.coverage,
        factor=Decimal(1) if network is not None else options["factor_alone"],
        metrics=(CPU, *(NETWORK if network is not None else ())),
        notes=()
        if network is not None
        else (Text(_("Its network is not measured: somebody may use it without working it.")),),
    )


def network_average(facts: ResourceFacts, days: int) -> float | None:
    """Received and sent together, bytes a second; None where one of them is not measured well enough."""
    total = 0.0
    for name in NETWORK:
        summary = facts.usage(name, days, since_resize=False)
        if summary is None or summary.coverage < LEAST_COVERAGE:
            return None
        total += summary.average
    return total


def _kept(facts: ResourceFacts, options: Options) -> Skip | None:
    named = cleanup.kept_by_name(facts, options["quiet_words"])
    if named is not None:
        return named
    twin = busier_twin(facts, options["cpu_average"])
    if twin is not None:
        return Skip(
            SkipReason.TWIN,
            Text(
                _("One of %(count)d servers of that name works at %(cpu)s: this one may stand by for it."),
                {"count": twin.count, "cpu": percent(twin.busiest_cpu)},
            ),
        )
    engine = known_engine(facts)
    if engine:
        return Skip(SkipReason.GUARDED, Text(_("%(engine)s runs on it."), {"engine": engine}))
    memory = facts.usage(MEMORY, options["days"])
    if memory is not None and memory.p95 > options["memory_in_use"]:
        return Skip(
            SkipReason.GUARDED,
            Text(
                _("%(value)s of its memory is in use; more than %(limit)s says that something lives there."),
                {"value": percent(memory.p95), "limit": percent(options["memory_in_use"])},
            ),
        )
    return None
