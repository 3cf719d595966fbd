"""How large a server need be, by what it used, and what that costs where it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.utils.translation import gettext_noop as _

from recommendations.engine.calculations import Saving, needed, round_up, scaled_saving
from recommendations.engine.contract import Options, Skip, SkipReason, Text
from recommendations.engine.facts import CostSummary, ResourceFacts
from recommendations.engine.sizes import Quote, current_quote, quotes, zone_of
from recommendations.engine.twins import busier_twin
from recommendations.engine.usage import MetricSummary

COST_DAYS = 14
MIB_IN_GIB = 1024
FULL = Decimal(100)
ONE = Decimal(1)
BURST = 5
"""So many times higher than half of the hours, the busiest hundredth is a burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The least size that holds what was used. `memory_mib` is the present one where memory is not measured.

    `is_bursty` and `by_twin` tell what kept it from being smaller.
    """

    vcpus: Decimal
    memory_mib: int
    is_bursty: bool = False
    by_twin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A size that holds, and what it saves a month."""

    quote: Quote
    saving: Saving


def need_of(facts: ResourceFacts, cpu: MetricSummary, memory: MetricSummary | None, options: Options) -> Need:
    """By the busiest hundredth of hours at the limits; the highest single value must fit whole."""
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    vcpus = max(
        ONE,
        needed(facts.vcpus, cpu.p99, options["cpu_limit"]),
        needed(facts.vcpus, cpu.maximum, FULL),
    )
    mib = Decimal(facts.memory_mib)
    if memory is not None:
        mib = max(
            needed(mib, memory.p99, options["memory_limit"]),
            needed(mib, memory.maximum, FULL),
        )
    is_bursty = cpu.p99 > BURST * cpu.p50
    if is_bursty:
        vcpus = max(vcpus, facts.vcpus / 2)
        mib = max(mib, Decimal(facts.memory_mib) / 2)
    by_twin = False
    twin = busier_twin(facts, Decimal(str(cpu.average)))
    if twin is not None:
        busy_vcpus = needed(
            twin.vcpus or facts.vcpus, _known(twin.highest_cpu, twin.busiest_cpu), options["cpu_limit"]
        )
        busy_mib = (
            Decimal(facts.memory_mib)
            if twin.highest_memory is None
            else needed(
                Decimal(twin.memory_mib or facts.memory_mib),
                twin.highest_memory,
                options["memory_limit"],
            )
        )
        by_twin = busy_vcpus > vcpus or busy_mib > mib
        vcpus, mib = max(vcpus, busy_vcpus), max(mib, busy_mib)
    return _in_steps(facts, vcpus, mib, options, is_bursty=is_bursty, by_twin=by_twin)


def _in_steps(
    facts: ResourceFacts, vcpus: Decimal, mib: Decimal, options: Options, *, is_bursty: bool, by_twin: bool
) -> Need:
    """As it is sold: whole or even vCPUs, whole steps of memory, not more memory a vCPU than allowed; never above now."""
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    step = options["memory_step"] * MIB_IN_GIB
    memory = min(max(round_up(mib, step), step), Decimal(facts.memory_mib))
    vcpus = max(vcpus, memory / (options["memory_per_vcpu"] * MIB_IN_GIB)).to_integral_value(ROUND_CEILING)
    if options["even_vcpus"] and vcpus > 1:
        vcpus = round_up(vcpus, Decimal(2))
    return Need(vcpus=min(vcpus, facts.vcpus), memory_mib=int(memory), is_bursty=is_bursty, by_twin=by_twin)


def fits(facts: ResourceFacts, cost: CostSummary, need: Need) -> list[Fit] | Skip:
    """Smaller sizes of its line, where it stands, that hold the need and cost less; the cheapest first."""
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    if need.vcpus >= facts.vcpus and need.memory_mib >= facts.memory_mib:
        return Skip(SkipReason.ALREADY_OPTIMAL, Text(_("It needs all that it has.")))
    current = current_quote(facts)
    if current is not None and current.currency != cost.currency:
        return Skip(
            SkipReason.NO_PRICE,
            Text(
                _("It is billed in %(billed)s and listed in %(listed)s."),
                {"billed": cost.currency, "listed": current.currency},
            ),
        )
    offered = [each for each in _offered(facts, current, need) if each.currency == cost.currency]
    if not offered:
        return Skip(SkipReason.NO_TARGET, Text(_("No smaller size of its line holds what it needs.")))
    if current is None and len({each.family for each in offered}) > 1:
        return Skip(SkipReason.NO_PRICE, Text(_("Which of the provider's lines it is of is not known.")))
    found = [Fit(quote=each, saving=saving_of(cost, current, each)) for each in offered]
    found = [each for each in found if each.saving.saving > 0]
    if not found:
        return Skip(SkipReason.ALREADY_OPTIMAL, Text(_("No size that holds what it needs is cheaper.")))
    return found


def _offered(facts: ResourceFacts, current: Quote | None, need: Need) -> Iterator[Quote]:
    """The need itself, and the steps between it and what there is; each size once."""
    assert facts.vcpus is not None
    assert facts.memory_mib is not None
    wanted = dict.fromkeys(
        (
            (need.vcpus, need.memory_mib),
            (need.vcpus, facts.memory_mib),
            (facts.vcpus, need.memory_mib),
        )
    )
    family = current.family if current else None
    seen = {(facts.vcpus, facts.memory_mib, _disk(facts, current), family)}
    found: list[Quote] = []
    for vcpus, memory_mib in wanted:
        for quote in quotes(
            facts.connection.prices,
            facts.connection.provider_type,
            vcpus=vcpus,
            memory_mib=memory_mib,
            storage_gib=_disk(facts, current),
            region_id=facts.region_id or None,
            zone_id=zone_of(facts),
            family=family,
        ):
            size = (quote.vcpus, quote.memory_mib, quote.storage_gib, quote.family)
            if quote.vcpus <= facts.vcpus and quote.memory_mib <= facts.memory_mib and size not in seen:
                seen.add(size)
                found.append(quote)
    yield from sorted(found, key=lambda each: each.monthly)


def _disk(facts: ResourceFacts, current: Quote | None) -> Decimal | None:
    """The disk that is sold with it, which no cloud shrinks: a smaller plan must hold it."""
    return current.storage_gib if current else facts.storage_gib


def cost_of_size(facts: ResourceFacts) -> CostSummary | None:
    """The mean of two weeks at most, of the size that it has now."""
    days = COST_DAYS if facts.resized_at is None else min(COST_DAYS, facts.days_since(facts.resized_at))
    return facts.cost(days) if days > 0 else None


def saving_of(cost: CostSummary, current: Quote | None, target: Quote) -> Saving:
    """Of what the quoted parts are billed: traffic on the same bill gets no cheaper."""
    if current is None:
        return scaled_saving(cost.monthly, list_current=None, list_target=target.monthly)
    billed = current.billed_monthly if current.billed_monthly is not None else cost.monthly
    return scaled_saving(
        billed,
        list_current=current.monthly,
        list_target=target.monthly,
        is_interpolated=current.is_interpolated or target.is_interpolated,
    )


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
